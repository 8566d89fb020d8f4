"""A study that is not there yet: a model with assumed effects and variances, and predictors made to order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design import Block, Design, Grouping, build_design, used_columns
from mlm_widgets.errors import OptionError, closest
from mlm_widgets.families import Family, family_of
from mlm_widgets.formula import ModelSpec, parse_formula
from mlm_widgets.frames import read_frame
from mlm_widgets.inference.simulation import Effects, Truth

__all__ = ["PowerDesign", "Predictor", "assumed_truth"]

Floats = npt.NDArray[np.float64]
Drawn = Callable[[np.random.Generator, int], npt.ArrayLike]

DISTRIBUTIONS = ("normal", "binary", "time")


@dataclass(frozen=True, slots=True)
class Predictor:
    """How a predictor is distributed.

    Attributes
    ----------
    distribution : {"normal", "binary", "time"} or callable
        "normal": drawn, and brought to exactly `mean` and `sd`. "binary": 0 and 1, a share `share` of ones, evenly
        spread (1 is every second group, or every second row of each group). "time": 0, 1, 2, ... within each group. Or
        a function of a random generator and a number that gives so many values, numbers or texts.
    level : {1, 2}
        1: a value a row; 2: a value a group.
    mean, sd : float
        Of a normal predictor.
    share : float
        Of ones of a binary predictor.

    Raises
    ------
    OptionError
        If a value is not allowed.
    """

    distribution: str | Drawn = "normal"
    level: int = 1
    mean: float = 0.0
    sd: float = 1.0
    share: float = 0.5

    def __post_init__(self) -> None:
        if not callable(self.distribution) and self.distribution not in DISTRIBUTIONS:
            near = closest(str(self.distribution), DISTRIBUTIONS)
            raise OptionError(
                f"`distribution` must be one of {', '.join(map(repr, DISTRIBUTIONS))} or a function, not "
                f"{self.distribution!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
                argument="distribution",
            )
        if self.level not in (1, 2) or (self.distribution == "time" and self.level == 2):
            raise OptionError(
                f"`level` must be 1 (a value a row) or 2 (a value a group; not of a time), not {self.level!r}.",
                argument="level",
            )
        if not 0 < self.share < 1:
            raise OptionError(f"`share` must lie between 0 and 1, not {self.share!r}.", argument="share")
        if not self.sd > 0:
            raise OptionError(f"`sd` must be above 0, not {self.sd!r}.", argument="sd")

    def values(self, draw: np.random.Generator, n_groups: int, group_size: int) -> npt.NDArray[np.generic]:
        """By row, groups one after the other, shape (n_groups * group_size,)."""
        count = n_groups if self.level == 2 else n_groups * group_size
        if callable(self.distribution):
            own = np.asarray(self.distribution(draw, count))
            if own.shape != (count,):
                raise OptionError(
                    f"`distribution` was asked for {count} values and gave an array of shape {own.shape}.",
                    argument="distribution",
                )
        elif self.distribution == "normal":
            own = draw.standard_normal(count)
            own = self.mean + self.sd * (own - own.mean()) / own.std()
        elif self.distribution == "binary":
            place = np.arange(count) if self.level == 2 else np.tile(np.arange(group_size), n_groups)
            own = np.floor((place + 1) * self.share + 1e-9) - np.floor(place * self.share + 1e-9)
        else:
            own = np.tile(np.arange(group_size, dtype=np.float64), n_groups)
        return np.repeat(own, group_size) if self.level == 2 else own


@dataclass(frozen=True)
class PowerDesign:
    """A study with one grouping factor, as it is assumed to be.

    Parameters
    ----------
    formula : str
        lme4's syntax: ``"y ~ treated * x + (x | school)"``.
    effects : mapping
        Fixed coefficients by name, as a fitted model has them ("Intercept", "treated", "treated:x"); 0 where not named.
    predictors : mapping
        A `Predictor`, or the name of a distribution, by column.
    n_groups, group_size : int
    icc : float, optional
        Residual intraclass correlation of a linear model: the variance between groups is sigma^2 icc / (1 - icc).
    sds : mapping, optional
        Standard deviations of the random effects by name ("Intercept", "x"); in place of `icc`, or beside it for
        slopes.
    correlation : float
        Between the correlated random effects.
    sigma : float
        Residual standard deviation.
    dispersion : float
        Of families that have one, as `MixedModel.dispersion`.
    family, link, reml, n_agq
        As for `fit`.
    seed : int
        Of the predictors: a size has the same ones whenever it is asked for.

    Examples
    --------
    >>> import mlm_widgets as mlm
    >>> study = mlm.PowerDesign("y ~ treated + (1 | clinic)", {"treated": 0.5},
    ...                         {"treated": mlm.Predictor("binary", level=2)}, n_groups=20, group_size=10, icc=0.1)
    >>> mlm.power(study, "treated", n_sim=200, seed=1).table["n_groups"].tolist()
    [20]
    """

    formula: str
    effects: Mapping[str, float]
    predictors: Mapping[str, Predictor | str] = field(default_factory=dict)
    n_groups: int = 30
    group_size: int = 20
    icc: float | None = None
    sds: Mapping[str, float] = field(default_factory=dict)
    correlation: float = 0.0
    sigma: float = 1.0
    dispersion: float = 1.0
    family: str | Family = "gaussian"
    link: str | None = None
    reml: bool = True
    n_agq: int = 1
    seed: int = 0


def assumed_truth(study: PowerDesign, n_groups: int | None = None, group_size: int | None = None) -> Truth:
    """The truth of `study`, at another size where that is given.

    Raises
    ------
    OptionError
        If a predictor is not described, a name is not the model's, or a variance is not one.
    FormulaError, DesignError
        If the formula is none, or does not go together with the predictors.
    """
    family = family_of(study.family, study.link)
    n_groups, group_size = n_groups or study.n_groups, group_size or study.group_size
    design = _design(study, family, n_groups, group_size)
    names = design.spec.fixed.names
    _check_names("effects", study.effects, names)
    sigma = study.sigma if family.is_linear else 1.0
    if not sigma > 0 or not study.dispersion > 0:
        raise OptionError("`sigma` and `dispersion` must be above 0.", argument="sigma")
    lam = _factor(study, design.spec.groupings[0], sigma, family)
    return Truth(
        design=design,
        reml=study.reml and family.is_linear,
        names=tuple(names),
        kept=np.arange(len(names)),
        beta=np.array([float(study.effects.get(name, 0.0)) for name in names]),
        effects=(Effects(0, lam),),
        sigma=sigma,
        dispersion=sigma**2 if family.is_linear else study.dispersion,
        family=family,
        n_agq=study.n_agq,
    )


def _design(study: PowerDesign, family: Family, n_groups: int, group_size: int) -> Design:
    spec = parse_formula(study.formula, reml=study.reml).spec.with_(family=family.name, link=family.link.name)
    groups = {term.group for term in spec.random}
    if len(groups) != 1 or len(next(iter(groups))) != 1:
        raise OptionError(
            f"A PowerDesign has one grouping factor, a column; {study.formula!r} has another structure.",
            hint="Fit a model to data like those that you expect, and give it to `power`.",
            argument="formula",
        )
    group = next(iter(groups))[0]
    columns: dict[str, npt.NDArray[np.generic]] = {
        group: np.char.add("g", np.repeat(np.arange(n_groups) + 1, group_size).astype(str)),
        spec.outcome: np.resize([0.0, 1.0] if family.name == "binomial" or family.is_count else [0.25, 0.75],
                                n_groups * group_size),
    }  # fmt: skip
    draws = np.random.default_rng(study.seed).spawn(len(study.predictors))
    for draw, (name, given) in zip(draws, study.predictors.items(), strict=True):
        own = Predictor(given) if isinstance(given, str) else given
        columns[name] = own.values(draw, n_groups, group_size)
    _check_predictors(spec, columns)
    return build_design(spec, read_frame(pd.DataFrame(columns)), family=family)


def _check_predictors(spec: ModelSpec, columns: Mapping[str, object]) -> None:
    missing = [name for name in used_columns(spec) if name not in columns]
    if missing:
        raise OptionError(
            f"`predictors` does not say how “{missing[0]}” is distributed.",
            hint=f'Write predictors={{"{missing[0]}": "normal"}}, or Predictor("binary", level=2) for two groups '
            "of groups.",
            argument="predictors",
        )


def _check_names(argument: str, given: Mapping[str, float], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            near = closest(name, names)
            raise OptionError(
                f"`{argument}` names {name!r}; the model has {', '.join(map(repr, names))}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
                argument=argument,
            )


def _factor(study: PowerDesign, grouping: Grouping, sigma: float, family: Family) -> Floats:
    """The relative covariance factor, (q, q)."""
    names = grouping.names
    _check_names("sds", study.sds, names)
    sds = {name: float(value) for name, value in study.sds.items()}
    if study.icc is not None:
        if not family.is_linear or "Intercept" not in names or "Intercept" in sds or not 0 <= study.icc < 1:
            raise OptionError(
                "`icc` must lie from 0 to 1, 1 left out, and is of a linear model with a random intercept whose "
                f"standard deviation is not in `sds`; it is {study.icc!r}.",
                argument="icc",
            )
        sds["Intercept"] = sigma * float(np.sqrt(study.icc / (1.0 - study.icc)))
    lacking = [name for name in names if name not in sds]
    if lacking or min(sds.values()) < 0:
        raise OptionError(
            f"`sds` must have a standard deviation from 0 for each random effect, {', '.join(map(repr, names))}"
            + (f"; {lacking[0]!r} is lacking." if lacking else "."),
            hint="A random intercept of a linear model may be given by `icc`.",
            argument="sds",
        )
    lam = np.zeros((len(names), len(names)))
    for block in grouping.blocks:
        own = slice(block.start, block.start + len(block.columns))
        lam[own, own] = _correlated(block, study.correlation)
    return np.array([sds[name] for name in names])[:, None] * lam / sigma


def _correlated(block: Block, correlation: float) -> Floats:
    """The lower factor of a correlation matrix with equal correlations."""
    q = len(block.columns)
    R = np.full((q, q), float(correlation))
    np.fill_diagonal(R, 1.0)
    if np.linalg.eigvalsh(R)[0] < 1e-10:
        least = -1.0 / (q - 1)
        raise OptionError(
            f"`correlation` must lie between {least:g} and 1 for {q} random effects, not {correlation!r}.",
            argument="correlation",
        )
    return np.asarray(np.linalg.cholesky(R))
