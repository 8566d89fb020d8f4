"""Shares of variance: intraclass correlation, marginal and conditional R2.

Nakagawa & Schielzeth (2013), Methods Ecol. Evol. 4, 133-142; random slopes by Johnson (2014), Methods Ecol. Evol. 5,
944-946: the random effects' variance is the mean over rows of z' Sigma z. With prior weights the residual variance is
that of a row of weight 1 and all means over rows are plain ones, as R's performance has it; an offset has no share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlm_widgets.design import build_design
from mlm_widgets.errors import FitError
from mlm_widgets.fitter import Fit, fit_lmm
from mlm_widgets.formula import RandomTerm
from mlm_widgets.frames import Frame

__all__ = ["ICC", "R2", "icc", "null_fit", "r2", "variance_shares"]


@dataclass(frozen=True, slots=True)
class ICC:
    """Intraclass correlation.

    Attributes
    ----------
    adjusted : float
        Random effects' variance over random plus residual variance.
    unadjusted : float
        The same with the fixed effects' variance in the denominator.
    by_group : dict of str to float
        Adjusted, for each grouping factor.
    """

    adjusted: float
    unadjusted: float
    by_group: dict[str, float]


@dataclass(frozen=True, slots=True)
class R2:
    """Share of variance explained by the fixed effects (`marginal`) and by fixed and random effects (`conditional`)."""

    marginal: float
    conditional: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Variance of the fixed part's predictions, mean variance of each grouping's random part, residual variance."""

    fixed: float
    random: dict[str, float]
    residual: float


def variance_shares(fit: Fit) -> Shares:
    """The variances that ICC and R2 are made of."""
    design = fit.design
    prediction = design.X[:, fit.kept] @ fit.beta
    random = {}
    for group in fit.groups:
        half = design.Z[group.place] @ group.lam
        random[group.grouping.name] = float(fit.sigma**2 * np.einsum("ij,ij->", half, half) / design.n_obs)
    return Shares(float(np.var(prediction, ddof=1)), random, fit.sigma**2)


def icc(fit: Fit) -> ICC:
    """Intraclass correlation of the fitted model."""
    shares = variance_shares(fit)
    random = sum(shares.random.values())
    within = random + shares.residual
    by_group = {name: variance / within for name, variance in shares.random.items()}
    return ICC(random / within, random / (within + shares.fixed), by_group)


def r2(fit: Fit) -> R2:
    """Marginal and conditional R2 of the fitted model."""
    shares = variance_shares(fit)
    random = sum(shares.random.values())
    total = shares.fixed + random + shares.residual
    return R2(shares.fixed / total, (shares.fixed + random) / total)


def null_fit(fit: Fit, frame: Frame) -> Fit | None:
    """The model without predictors on the same rows: an intercept, and one for every level of each grouping.

    None where such a model cannot be fitted.
    """
    spec = fit.design.spec.model
    groups = dict.fromkeys(term.group for term in spec.random)
    null = spec.with_(terms=(), intercept=True, random=tuple(RandomTerm(group) for group in groups))
    own = fit.design
    try:
        plain = build_design(null.with_(weights=None, offset=None), frame, rows=own.rows)
        design = replace(plain, spec=replace(plain.spec, model=null), y=own.y, weights=own.weights, offset=own.offset)
        return fit_lmm(design, reml=fit.reml)
    except FitError:
        return None
