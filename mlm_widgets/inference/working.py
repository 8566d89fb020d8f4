"""The linear mixed model that a fit is, near its estimates, with the variances held.

A linear model is its own. For a generalized one the rows have the variance 1 / w about the linear predictor, w the
curvature of -log p(y | eta) (McCullagh & Nelder 1989, section 2.5): leverages and prediction errors follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Evaluation, Fit, Prepared, prepare
from mlm_widgets.inference.prediction import linear_predictor

__all__ = ["WorkingModel", "working_model", "working_weights"]

Floats = npt.NDArray[np.float64]

LEAST_WEIGHT = 1e-12  # of the largest: rows at a probability of 0 or 1 have none


@dataclass(frozen=True, slots=True)
class WorkingModel:
    """Sums and criterion of the linear model at the variances of the fit.

    Attributes
    ----------
    prepared : Prepared
    point : Evaluation
    sigma : float
        Residual standard deviation in the coordinates of `prepared`.
    """

    prepared: Prepared
    point: Evaluation
    sigma: float


def working_model(fit: Fit, prepared: Prepared | None = None) -> WorkingModel:
    """The working model of `fit`; `prepared` are the sums of a linear one, where they are there."""
    if fit.family.is_linear:
        prepared = prepare(fit.design, reml=fit.reml) if prepared is None else prepared
        point = prepared.at(fit.theta_centred)
        return WorkingModel(prepared, point, point.sigma)
    design = fit.design
    y = np.linspace(-1.0, 1.0, design.n_obs)  # no outcome is asked of it
    prepared = prepare(
        replace(design, y=y, weights=working_weights(fit), offset=None, trials=None, totals={}),
        reml=False,
        has_residual=False,
    )
    scale = np.sqrt(prepared.problem.weight_scale)
    parts = []
    for group, template in zip(fit.groups, prepared.problem.templates, strict=True):
        parts.append(template.of_user(scale * group.lam[template.row, template.col]))
    return WorkingModel(
        prepared, prepared.at(np.concatenate(parts)), float(1.0 / (scale * prepared.problem.scaling.y_scale))
    )


def working_weights(fit: Fit) -> Floats:
    """Curvature of minus the log-likelihood in each row's linear predictor, (n,); the expected one where it is none.

    The observed curvature is that of the Laplace approximation; with links that are not canonical it can be negative,
    and then all rows have the expected one, (d mu / d eta)^2 / variance.
    """
    design, family = fit.design, fit.family
    eta = linear_predictor(fit)
    log_phi = float(np.log(fit.dispersion))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        weights = family.likelihood(eta, design.y, design.trials, log_phi).second
        if not np.all(weights >= 0):
            mu, slope, *_ = family.link.derivatives(eta)
            weights = slope**2 / family.variance(mu, fit.dispersion)
            weights = weights if design.trials is None else weights * design.trials
    weights = weights if design.weights is None else weights * design.weights
    weights = np.nan_to_num(weights, nan=0.0, posinf=0.0)
    return np.asarray(np.maximum(weights, LEAST_WEIGHT * weights.max()))
