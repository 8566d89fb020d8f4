"""Shares of variance: intraclass correlation, marginal and conditional R2.

Nakagawa & Schielzeth (2013), Methods Ecol. Evol. 4, 133-142; random slopes by Johnson (2014), Methods Ecol. Evol. 5,
944-946: the random effects' variance is the mean over rows of z' Sigma z. With prior weights the residual variance is
that of a row of weight 1 and all means over rows are plain ones, as R's performance has it; an offset has no share.

In a generalized model the residual variance is on the scale of the linear predictor, and there are several ways to say
what it is (:func:`observation_variance`; Nakagawa, Johnson & Schielzeth 2017, J. R. Soc. Interface 14, 20170213).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from mlm_widgets.errors import MlmError, OptionError
from mlm_widgets.families import Family
from mlm_widgets.fitter import Fit, GroupFit
from mlm_widgets.formula import ModelSpec, RandomTerm
from mlm_widgets.frames import Frame
from mlm_widgets.inference.averaging import averaged
from mlm_widgets.inference.related import related_fit

__all__ = [
    "ICC",
    "R2",
    "VARIANCE_METHODS",
    "Shares",
    "default_variance_method",
    "icc",
    "intercepts_only",
    "null_fit",
    "observation_variance",
    "r2",
    "uses_null",
    "variance_shares",
]

VARIANCE_METHODS = ("theoretical", "delta", "lognormal", "trigamma")
LATENT = {"logit": np.pi**2 / 3, "probit": 1.0, "cloglog": np.pi**2 / 6}  # of the threshold model's latent outcome


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
    method : str
        How the residual variance of a generalized model was found; "" for a linear one.
    """

    adjusted: float
    unadjusted: float
    by_group: dict[str, float]
    method: str = ""


@dataclass(frozen=True, slots=True)
class R2:
    """Share of variance explained by the fixed effects (`marginal`) and by fixed and random effects (`conditional`).

    `method` says how the residual variance of a generalized model was found; "" for a linear one.
    """

    marginal: float
    conditional: float
    method: str = ""


@dataclass(frozen=True, slots=True)
class Shares:
    """Variance of the fixed part's predictions, mean variance of each grouping's random part, residual variance.

    A grouping factor with a level for each row is no group: in a generalized model its variance (overdispersion) is
    part of the residual's.
    """

    fixed: float
    random: dict[str, float]
    residual: float
    method: str


def variance_shares(fit: Fit, method: str | None = None, null: Fit | None = None) -> Shares:
    """The variances that ICC and R2 are made of; `null` is the fit without predictors (see :func:`uses_null`)."""
    design, family = fit.design, fit.family
    prediction = design.X[:, fit.kept] @ fit.beta
    random = {group.grouping.name: _random_variance(fit, group) for group in fit.groups}
    fixed = float(np.var(prediction, ddof=1))
    if family.is_linear and method is None:
        return Shares(fixed, random, fit.sigma**2, "")
    method = _checked(family, method)
    rows = [g.grouping.name for g in fit.groups if len(g.grouping.levels) == design.n_obs]
    beside = sum(random.pop(name) for name in rows)
    mean = _mean(fit, null) if uses_null(family, method) else 1.0
    trials = 1.0 if design.trials is None else float(design.trials.mean())
    return Shares(fixed, random, beside + observation_variance(family, mean, fit.dispersion, method, trials), method)


def _random_variance(fit: Fit, group: GroupFit) -> float:
    half = fit.design.Z[group.place] @ group.lam
    return float(fit.sigma**2 * np.einsum("ij,ij->", half, half) / fit.design.n_obs)


def observation_variance(family: Family, mean: float, phi: float, method: str, trials: float = 1.0) -> float:
    """Variance of an outcome about its mean, on the scale of the linear predictor.

    Parameters
    ----------
    family : Family
    mean : float
        Mean of the outcome at which it is taken; "theoretical" has no need of it.
    phi : float
        The family's dispersion.
    method : {"theoretical", "delta", "lognormal", "trigamma"}
        With v = Var(y) at `mean`: "theoretical": the variance of the latent outcome of a binomial model, pi^2 / 3
        (logit), 1 (probit), pi^2 / 6 (cloglog), whatever the number of trials; "delta": v g'(mean)^2, over `trials`;
        "lognormal": log(1 + v / mean^2); "trigamma": psi_1(mean^2 / v); the latter two with the link log.
    trials : float
        Trials of an outcome.
    """
    if method == "theoretical":
        return float(LATENT[family.link.name])
    mu = np.array([mean])
    v = float(family.variance(mu, phi)[0])
    if method == "delta":
        slope = float(family.link.derivatives(np.asarray(family.link.forward(mu), dtype=np.float64))[1][0])
        return v / slope**2 / trials
    return float(np.log1p(v / mean**2)) if method == "lognormal" else float(special.polygamma(1, mean**2 / v))


def default_variance_method(family: Family) -> str:
    """As R's performance: the latent outcome's for the binomial, "lognormal" with the link log, else "delta"."""
    return _methods(family)[0]


def uses_null(family: Family, method: str | None = None) -> bool:
    """Whether the residual variance depends on the mean of the model without predictors.

    It does not for latent outcomes, nor where the variance is a multiple of mean^2 (Gamma with the link log).
    """
    if family.is_linear or (method or default_variance_method(family)) == "theoretical":
        return False
    return not (family.name == "gamma" and family.link.name == "log")


def _checked(family: Family, method: str | None) -> str:
    if family.is_linear:
        raise OptionError(
            "A linear model has one residual variance: `method` means nothing there.",
            hint="Leave it out.",
            argument="method",
        )
    method = default_variance_method(family) if method is None else method
    allowed = _methods(family)
    if method not in allowed:
        raise OptionError(
            f"`method` must be one of {', '.join(map(repr, allowed))} for the family {family.name!r} with the link "
            f"{family.link.name!r}, not {method!r}.",
            hint=f"Leave it out for {allowed[0]!r}.",
            argument="method",
        )
    return method


def _methods(family: Family) -> list[str]:
    """The methods that a family has, its default first."""
    if family.link.name == "log":
        has_trigamma = family.is_count or family.name == "gamma"
        return ["lognormal", "delta", "trigamma"] if has_trigamma else ["lognormal", "delta"]
    return ["theoretical", "delta"] if family.name == "binomial" and family.link.name in LATENT else ["delta"]


def _mean(fit: Fit, null: Fit | None) -> float:
    """The outcome's mean in the null model, over its random effects too; where it has none, that of the rows."""
    y, trials = fit.design.y, fit.design.trials
    of_rows = float(y.mean() if trials is None else y.sum() / trials.sum())
    if null is None or len(null.beta) != 1:
        return of_rows
    offset = np.zeros(1) if null.design.offset is None else null.design.offset
    sd = np.sqrt(sum(_random_variance(null, group) for group in null.groups))
    try:
        return float(averaged(null.family.link, null.beta[0] + offset, np.full(len(offset), sd))[0].mean())
    except OptionError:  # a link whose inverse has a pole
        return of_rows


def icc(fit: Fit, method: str | None = None, null: Fit | None = None) -> ICC:
    """Intraclass correlation of the fitted model; see :func:`variance_shares`."""
    shares = variance_shares(fit, method, null)
    random = sum(shares.random.values())
    within = random + shares.residual
    by_group = {name: variance / within for name, variance in shares.random.items()}
    return ICC(random / within, random / (within + shares.fixed), by_group, shares.method)


def r2(fit: Fit, method: str | None = None, null: Fit | None = None) -> R2:
    """Marginal and conditional R2 of the fitted model; see :func:`variance_shares`."""
    shares = variance_shares(fit, method, null)
    random = sum(shares.random.values())
    total = shares.fixed + random + shares.residual
    return R2(shares.fixed / total, (shares.fixed + random) / total, shares.method)


def null_fit(fit: Fit, frame: Frame) -> Fit | None:
    """The model without predictors on the same rows: an intercept, and one for every level of each grouping.

    None where such a model cannot be fitted.
    """
    spec = fit.design.spec.model
    try:
        return related_fit(
            fit, frame, spec.with_(terms=(), intercept=True, random=intercepts_only(spec)), reml=fit.reml
        )
    except MlmError:
        return None


def intercepts_only(spec: ModelSpec) -> tuple[RandomTerm, ...]:
    """The random part of `spec` with an intercept for each level of each grouping, and no slopes."""
    return tuple(RandomTerm(group) for group in dict.fromkeys(term.group for term in spec.random))
