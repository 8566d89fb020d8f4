"""Residuals: what the outcome is above its fitted value, in the units of the outcome or of its spread.

McCullagh & Nelder (1989), Generalized Linear Models, section 2.4; as R's ``residuals`` of lmer and glmer fits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.prediction import linear_predictor

__all__ = ["RESIDUALS", "residuals"]

Floats = npt.NDArray[np.float64]

RESIDUALS = ("response", "pearson", "deviance", "working", "scaled")


def residuals(fit: Fit, kind: str, eta: Floats | None = None) -> Floats:
    """Residuals of one of the kinds `RESIDUALS` at the linear predictor `eta` (that of the fit), shape (n,).

    Raises
    ------
    OptionError
        If the family has none of that kind.
    """
    design, family = fit.design, fit.family
    eta = linear_predictor(fit) if eta is None else eta
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mu, slope, *_ = family.link.derivatives(eta)
        y = design.y if design.trials is None else design.y / design.trials
        if kind == "response":
            return y - mu
        if kind == "working":
            return (y - mu) / slope
        if kind == "deviance":
            values = np.sign(y - mu) * np.sqrt(np.maximum(_unit_deviance(fit, y, mu), 0.0))
        else:
            values = (y - mu) / np.sqrt(family.unit_variance(mu, fit.dispersion))
        if kind == "scaled":
            values = values / np.sqrt(_scale(fit))
    for each in (design.trials, design.weights):
        values = values if each is None else values * np.sqrt(each)
    return np.where(y == mu, 0.0, values)


def _unit_deviance(fit: Fit, y: Floats, mu: Floats) -> Floats:
    if fit.family.deviance is None:
        raise OptionError(
            f"The family {fit.family.name!r} has no deviance residuals.",
            hint="Use kind='pearson'.",
            argument="kind",
        )
    return fit.family.deviance(y, mu, fit.dispersion)


def _scale(fit: Fit) -> float:
    if not fit.family.is_linear:
        raise OptionError(
            "Residuals divided by sigma are those of a linear model.",
            hint="Use kind='pearson', which has the spread that the family expects.",
            argument="kind",
        )
    return fit.dispersion
