"""The outcome's variance by source and level, after Rights & Sterba (2019), Psychol. Methods 24, 309-338.

In a model of two levels with the fixed part X beta, random effects b ~ N(0, T) of the columns Z and residual variance
sigma^2, the variance that the model implies over the rows is

    f1 + f2 + v + m + sigma^2,    f1 = beta' S_w beta,  f2 = beta' S_b beta,  v = tr(T S_z),  m = z' T z

S_w and S_b are the covariances over the rows of the columns of X that vary within groups alone and between them alone,
S_z the covariance of the columns of Z and z their means. f1, v and sigma^2 are variance within groups, f2 and m
variance between them. That needs every predictor to be of one level: centred within groups, or constant there. Where
one is not, the fixed part has one variance, f = beta' S beta, v and m are of no level, and shares of the total are all
that there is (the paper's general form). R's r2mlm gives the same, with covariances over n - 1 as here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit

__all__ = ["Decomposition", "decomposition"]

Floats = npt.NDArray[np.float64]

CENTRED = 1e-6  # share of a column's variance that may lie between groups: group means that were rounded leave some


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Variances by source, in squared units of the outcome, and the shares that they are.

    Attributes
    ----------
    f1, f2 : float
        Predictors of level 1 and of level 2, by their fixed slopes; NaN where a predictor is of both levels.
    f : float
        Predictors by their fixed slopes.
    v : float
        Predictors by their random slopes.
    m : float
        Means of the groups, by their random intercepts.
    residual : float
        sigma^2, that of a row of weight 1.
    mixed : tuple of str
        Columns that vary within groups and between them, so that only shares of the total are defined.
    """

    f1: float
    f2: float
    f: float
    v: float
    m: float
    residual: float
    mixed: tuple[str, ...]

    @property
    def is_split(self) -> bool:
        """Whether every column is of one level, and all shares are defined."""
        return not self.mixed

    @property
    def total(self) -> float:
        """The variance that the model implies."""
        return self.f + self.v + self.m + self.residual

    @property
    def within(self) -> float:
        """The part of it within groups; NaN where it is not defined."""
        return self.f1 + self.v + self.residual if self.is_split else np.nan

    @property
    def between(self) -> float:
        """The part of it between groups; NaN where it is not defined."""
        return self.f2 + self.m if self.is_split else np.nan

    @property
    def variances(self) -> pd.DataFrame:
        """A row a source, with `variance` and its share of the `total`, `within` and `between` variance."""
        named = {"f1": self.f1, "f2": self.f2} if self.is_split else {"f": self.f}
        rows = named | {"v": self.v, "m": self.m, "residual": self.residual}
        table = self._shares(rows, ("f1", "v", "residual"), ("f2", "m"))
        table.insert(0, "variance", list(rows.values()))
        return table.rename_axis("source")

    @property
    def r2(self) -> pd.DataFrame:
        """A row a measure, R2 of the `total`, `within` and `between` variance; NaN where it is not defined.

        Those of the table 1 of the paper: f1, f2, v and m, and their sums f = f1 + f2, fv = f + v and fvm = f + v + m;
        within groups f1, v and fv, between them f2 and m.
        """
        rows = {"f1": self.f1, "f2": self.f2, "v": self.v, "m": self.m, "f": self.f}
        rows |= {"fv": self.f + self.v, "fvm": self.f + self.v + self.m}
        table = self._shares(rows, ("f1", "v"), ("f2", "m"))
        table.loc["fv", "within"] = (self.f1 + self.v) / self.within
        return table.rename_axis("measure")

    def _shares(self, rows: dict[str, float], within: tuple[str, ...], between: tuple[str, ...]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "total": [value / self.total for value in rows.values()],
                "within": [value / self.within if name in within else np.nan for name, value in rows.items()],
                "between": [_share(value, self.between) if name in between else np.nan for name, value in rows.items()],
            },
            index=pd.Index(list(rows)),
        )


def _share(part: float, whole: float) -> float:
    """NaN of nothing: groups that do not differ."""
    return part / whole if whole != 0 else np.nan


def decomposition(fit: Fit) -> Decomposition:
    """The variance that `fit` implies, by source and level.

    Covariances are plain ones over the rows whatever their weights; with prior weights the residual variance is that of
    a row of weight 1 (as for R2). An offset has no share. Columns that were dropped as collinear have none of their
    own. A variance of zero, in a singular fit, is a share of zero.

    Raises
    ------
    OptionError
        For a generalized model, and for one of several grouping factors.
    """
    check_two_levels(fit, "The decomposition of variance")
    design, group = fit.design, fit.groups[0]
    codes, names = design.codes[group.place], group.grouping.names
    X, Z = design.X[:, fit.kept], design.Z[group.place]
    fixed = [level_of(column, codes) for column in X.T]
    random = [level_of(column, codes) for column in Z.T]
    mixed = [name for name, level in zip(fit.names, fixed, strict=True) if level == "both"]
    mixed += [name for name, level in zip(names, random, strict=True) if level in ("both", "between")]
    f1, f2 = (_variance(X, np.where([level == side for level in fixed], fit.beta, 0.0)) for side in SIDES)
    half = fit.sigma * group.lam
    return Decomposition(
        f1=np.nan if mixed else f1,
        f2=np.nan if mixed else f2,
        f=_variance(X, fit.beta) if mixed else f1 + f2,
        v=float(sum(_variance(Z, column) for column in half.T)),
        m=float(np.sum((Z.mean(axis=0) @ half) ** 2)),
        residual=float(fit.sigma**2),
        mixed=tuple(dict.fromkeys(mixed)),
    )


SIDES = ("within", "between")


def _variance(columns: Floats, weights: Floats) -> float:
    values = columns @ weights
    return float(np.var(values - values[0], ddof=1))  # exactly zero for a constant


def level_of(column: Floats, codes: npt.NDArray[np.int64]) -> str:
    """Where a column varies: "within" groups (whose means are the same), "between", in "both", or "nowhere"."""
    deviations = column - column.mean()
    total = float(deviations @ deviations)
    if total <= (1e-12 * np.abs(column).max(initial=0.0)) ** 2 * len(column):
        return "nowhere"
    means = np.bincount(codes, weights=deviations) / np.maximum(np.bincount(codes), 1)
    between = float(np.sum(means[codes] ** 2)) / total
    if between < CENTRED:
        return "within"
    return "between" if between > 1 - CENTRED else "both"


def check_two_levels(fit: Fit, what: str) -> None:
    """Raise where `fit` is no linear model of one grouping factor, which `what` is defined for."""
    if not fit.family.is_linear:
        raise OptionError(
            f"{what} is defined for linear models; this one is of the family {fit.family.name!r} with the link "
            f"{fit.family.link.name!r}.",
            hint="`r2()` and `icc()` have generalized models, on the scale of the linear predictor.",
            argument="family",
        )
    if len(fit.groups) > 1:
        names = ", ".join(group.grouping.name for group in fit.groups)
        raise OptionError(
            f"{what} is defined for two levels, rows in groups; this model has several grouping factors: {names}.",
            hint="`r2()`, `icc()` and `explained_by_level()` have models of several grouping factors.",
            argument="formula",
        )
