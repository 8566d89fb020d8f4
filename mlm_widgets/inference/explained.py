"""How much less variance a model leaves at each level than the model without predictors.

Raudenbush & Bryk (2002, Hierarchical Linear Models, 2nd ed., ch. 4): the drop of each variance by itself, 1 - s2 / s2_0
for the rows and 1 - t2 / t2_0 for the groups. It can be negative: a predictor of the rows that lies evenly over the
groups takes from s2 and adds to t2.

Snijders & Bosker (1994, Sociol. Methods Res. 22, 342-363): the drop of the error of predicting a row,
1 - (s2 + t2) / (s2_0 + t2_0), and of predicting the mean of a group of k rows, 1 - (s2 / k + t2) / (s2_0 / k + t2_0),
k being the harmonic mean of the groups' sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.frames import Frame
from mlm_widgets.inference.effect_sizes import intercepts_only
from mlm_widgets.inference.related import related_fit

__all__ = ["LevelShare", "check_levels_explained", "explained_by_level", "intercepts_fit"]


@dataclass(frozen=True, slots=True)
class LevelShare:
    """Variance at one level: of a grouping factor's intercepts, or of the residuals (`group` "Residual").

    Attributes
    ----------
    group : str
    variance_null, variance : float
        Without and with the predictors.
    raudenbush_bryk, snijders_bosker : float
        Shares explained; NaN where they are not defined.
    group_size : float
        Harmonic mean of the number of rows of a group; 1 for the residuals.
    """

    group: str
    variance_null: float
    variance: float
    raudenbush_bryk: float
    snijders_bosker: float
    group_size: float


def check_levels_explained(fit: Fit) -> None:
    """Raise for a generalized model, whose scale changes as predictors come in."""
    if not fit.family.is_linear:
        raise OptionError(
            "Variance explained at each level is that of linear models: in a generalized model the rows' variance is "
            "fixed, so the groups' variance changes with the predictors even where they explain nothing of it.",
            hint="`r2()` has generalized models.",
            argument="family",
        )


def intercepts_fit(fit: Fit, frame: Frame) -> Fit:
    """The model of `fit` with its fixed part, an intercept for each level of each grouping, and no slopes.

    Raises
    ------
    MlmError
        If it cannot be fitted.
    """
    spec = fit.design.spec.model
    random = intercepts_only(spec)
    return fit if spec.random == random else related_fit(fit, frame, spec.with_(random=random), reml=fit.reml)


def explained_by_level(fit: Fit, null: Fit) -> tuple[LevelShare, ...]:
    """Variance explained at each level, the residuals first.

    Parameters
    ----------
    fit : Fit
        With random intercepts and no slopes: with slopes the variance between groups depends on where they are looked
        at, so Snijders & Bosker advise to take them out first.
    null : Fit
        The same without predictors.

    Notes
    -----
    With prior weights the variance of the rows is that of a row of weight 1, and sizes of groups are numbers of rows.
    """
    before, after = _variances(null), _variances(fit)
    sizes = {g.grouping.name: _harmonic_size(fit, g.place) for g in fit.groups}
    own, own_null = after.pop(RESIDUAL), before.pop(RESIDUAL)
    total = 1.0 - _ratio(own + sum(after.values()), own_null + sum(before.values()))
    rows = [LevelShare(RESIDUAL, own_null, own, 1.0 - _ratio(own, own_null), total, 1.0)]
    for name, size in sizes.items():
        of_means = 1.0 - _ratio(own / size + after[name], own_null / size + before[name])
        share = 1.0 - _ratio(after[name], before[name])
        rows.append(LevelShare(name, before[name], after[name], share, of_means if len(sizes) == 1 else np.nan, size))
    return tuple(rows)


RESIDUAL = "Residual"


def _variances(fit: Fit) -> dict[str, float]:
    own = {g.grouping.name: float(fit.sigma**2 * g.lam[0, 0] ** 2) for g in fit.groups}
    return {**own, RESIDUAL: float(fit.sigma**2)}


def _harmonic_size(fit: Fit, place: int) -> float:
    return float(1.0 / np.mean(1.0 / np.bincount(fit.design.codes[place])))


def _ratio(after: float, before: float) -> float:
    return after / before if before > 0 else np.nan
