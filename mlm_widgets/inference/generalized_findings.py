"""What to know of a generalized model: spread that the family does not have, estimates that run off, odd groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from mlm_widgets.fitter import Fit
from mlm_widgets.inference.finding import Finding
from mlm_widgets.inference.prediction import linear_predictor
from mlm_widgets.inference.residuals import residuals

__all__ = ["Overdispersion", "ZeroInflation", "generalized_findings", "overdispersion", "zero_inflation"]

Floats = npt.NDArray[np.float64]

SIGNIFICANT = 0.05
FEW_ZEROS = 0.95  # expected over observed zeros, below which performance's check_zeroinflation speaks up
SURPRISING = 2.0  # standard errors
LARGE = {"logit": 8.0, "log": 8.0, "cloglog": 4.0, "probit": 4.0}  # an effect of a predictor: odds of 3,000, say
UNKNOWN = 3.0  # standard error of such an effect: the likelihood is flat there
CERTAIN = 1e-8  # a probability this near to 0 or 1
WIDE = {"logit": 5.0, "log": 5.0, "cloglog": 5.0, "probit": 3.0}  # standard deviation of a random effect
HARDLY = 0.01  # share of the variance of counts that is beyond a Poisson's
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """Pearson's chi-square over its degrees of freedom (`ratio`), and the p value of a larger one."""

    chi2: float
    df: int
    ratio: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ZeroInflation:
    """Zeros among the counts, those that the model expects, and the standard deviation of their number."""

    observed: int
    expected: float
    sd: float


def generalized_findings(fit: Fit) -> list[Finding]:
    """Findings that only a generalized model has."""
    eta = linear_predictor(fit)
    return [
        *_separation(fit, eta),
        *_wide_groups(fit),
        *_overdispersed(fit),
        *_zero_inflated(fit, eta),
        *_hardly_dispersed(fit, eta),
        *_uniform_groups(fit),
    ]


def overdispersion(fit: Fit) -> Overdispersion | None:
    """Of counts by Poisson and of successes out of several trials; None for what cannot be overdispersed.

    As R's performance::check_overdispersion: Pearson residuals at the conditional modes, n minus the parameters. A row
    of prior weight w counts as w rows.
    """
    design = fit.design
    has_trials = design.trials is not None and bool(np.any(design.trials > 1))
    n = design.n_obs if design.weights is None else round(float(design.weights.sum()))
    df = n - len(fit.beta) - len(fit.theta)
    if not (fit.family.name == "poisson" or (fit.family.name == "binomial" and has_trials)) or df < 1:
        return None
    values = residuals(fit, "pearson")
    chi2 = float(values @ values)
    return Overdispersion(chi2, df, chi2 / df, float(stats.chi2.sf(chi2, df)))


def zero_inflation(fit: Fit, eta: Floats | None = None) -> ZeroInflation | None:
    """Zeros of a model of counts against those expected at the conditional modes; None for other families.

    A row of prior weight w counts as w rows.
    """
    if not fit.family.is_count:
        return None
    eta = linear_predictor(fit) if eta is None else eta
    p = np.exp(-fit.family.likelihood(eta, np.zeros_like(eta), None, float(np.log(fit.dispersion))).value)
    w = np.ones_like(p) if fit.design.weights is None else fit.design.weights
    return ZeroInflation(round(float(w @ (fit.design.y == 0))), float(w @ p), float(np.sqrt(w @ (p * (1 - p)))))


def _overdispersed(fit: Fit) -> list[Finding]:
    found = overdispersion(fit)
    if found is None or found.p_value > SIGNIFICANT:
        return []
    own_rows = "a random effect of its own for each row (a column that numbers the rows, (1 | row))"
    is_count = fit.family.is_count
    cost = "counts" if is_count else "successes"
    return [
        Finding(
            "warning",
            fit.design.spec.model.outcome,
            f"Overdispersion: the {cost} vary {found.ratio:.2f} times as much about their fitted values as the family "
            f"{fit.family.name!r} lets them (Pearson χ² = {found.chi2:.1f} on {found.df:,} df, "
            f"p {_p(found.p_value)}), so standard errors are too small.",
            f"Use family='negative_binomial', or {own_rows}." if is_count else f"Use {own_rows}.",
        )
    ]


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"= {value:.3f}".replace("0.", ".", 1)


def _zero_inflated(fit: Fit, eta: Floats) -> list[Finding]:
    found = zero_inflation(fit, eta)
    if found is None or found.observed == 0 or found.expected >= FEW_ZEROS * found.observed:
        return []
    if found.observed - found.expected < SURPRISING * found.sd:
        return []
    return [
        Finding(
            "warning",
            fit.design.spec.model.outcome,
            f"More zeros than the model expects: {found.observed:,} rows are 0, but it expects {found.expected:,.0f}.",
            "Use family='negative_binomial', which has more zeros."
            if fit.family.name == "poisson"
            else "Look for a predictor of rows that can be zero only, or model by itself whether a row is zero.",
        )
    ]


def _separation(fit: Fit, eta: Floats) -> list[Finding]:
    """Coefficients that the likelihood drives off: a predictor that tells the outcome without an error somewhere."""
    family, design = fit.family, fit.design
    most = LARGE.get(family.link.name)
    if most is None or not (family.name == "binomial" or family.is_count):
        return []
    spread = np.array([_spread(column) for column in design.X[:, fit.kept].T])
    size, error = np.abs(fit.beta) * spread, np.sqrt(np.diag(fit.cov_beta)) * spread
    found = []
    for k in np.flatnonzero((size > most) & (error > UNKNOWN)):
        name = fit.names[k]
        what = "has only failures, or only successes," if family.name == "binomial" else "has only zeros"
        found.append(
            Finding(
                "warning",
                name,
                f"Separation: the estimate of “{name}”, {fit.beta[k]:.1f} with a standard error of "
                f"{error[k] / spread[k]:.3g}, has run off: the outcome {what} on one side of it, so the likelihood "
                "grows without end. Its test and interval mean nothing.",
                f"{'Join levels of its factor' if '[T.' in name else 'Make it coarser'}, or take it out; the "
                "likelihoods with and without it can be compared.",
            )
        )
    mu = family.link.inverse(eta)
    n_certain = int(((mu < CERTAIN) | (mu > 1 - CERTAIN)).sum()) if family.name == "binomial" else 0
    if n_certain and not found:
        found.append(
            Finding(
                "warning",
                design.spec.model.outcome,
                f"The fitted probability is 0 or 1 to eight digits in {n_certain:,} of {design.n_obs:,} rows: "
                "predictors or groups tell the outcome there without an error.",
                "Look for predictors that separate successes from failures, and for groups of a single outcome.",
            )
        )
    return found


def _spread(column: Floats) -> float:
    """The range of a column of two values, else two standard deviations; 0 where it does not vary."""
    low, high = column.min(), column.max()
    is_pair = np.all((column == low) | (column == high))
    return float(high - low) if is_pair else float(2.0 * column.std())


def _wide_groups(fit: Fit) -> list[Finding]:
    most = WIDE.get(fit.family.link.name)
    if most is None:
        return []
    found = []
    for group in fit.groups:
        Z = fit.design.Z[group.place]
        sds = np.sqrt(np.diag(group.lam @ group.lam.T))
        for name, sd, column in zip(group.grouping.names, sds, Z.T, strict=True):
            spread = 1.0 if name == "Intercept" else _spread(column)
            if sd * spread <= most:
                continue
            what = "intercept" if name == "Intercept" else f"slope of {name}"
            is_simple = len(fit.groups) == 1 and len(group.grouping.names) == 1 and fit.n_agq == 1
            more = "Fit again with n_agq=9 or more, " if is_simple else "Take it out of the random part, "
            found.append(
                Finding(
                    "warning",
                    f"{group.grouping.name}: {what}",
                    f"The {what} has a standard deviation of {sd:.3g} between the levels of {group.grouping.name} on "
                    f"the {fit.family.link.name} scale: most levels are all but certain of one outcome, and Laplace's "
                    "approximation is poor there.",
                    f"{more}or look for a predictor that tells the levels apart.",
                )
            )
    return found


def _hardly_dispersed(fit: Fit, eta: Floats) -> list[Finding]:
    if fit.family.name != "negative_binomial":
        return []
    mu = fit.family.link.inverse(eta)
    if fit.dispersion * float(mu @ mu) >= HARDLY * float(mu.sum()):
        return []
    return [
        Finding(
            "info",
            "shape",
            f"The shape is {1 / fit.dispersion:.3g}: beside the random effects the counts vary no more than Poisson "
            "counts do.",
            "Use family='poisson', which has one parameter less.",
        )
    ]


def _uniform_groups(fit: Fit) -> list[Finding]:
    """Groups of one outcome: no harm, but people ask."""
    design = fit.design
    if fit.family.name != "binomial":
        return []
    n = np.ones(design.n_obs) if design.trials is None else design.trials
    found = []
    for group in fit.groups:
        codes, J = design.codes[group.place], len(group.grouping.levels)
        trials = np.bincount(codes, weights=n, minlength=J)
        successes = np.bincount(codes, weights=design.y, minlength=J)
        uniform = np.flatnonzero(((successes == 0) | (successes == trials)) & (trials > 1))
        if not len(uniform) or len(group.grouping.levels) == design.n_obs:
            continue
        names = ", ".join(str(group.grouping.levels[int(j)]) for j in uniform[:SHOWN])
        more = ", …" if len(uniform) > SHOWN else ""
        found.append(
            Finding(
                "info",
                group.grouping.name,
                f"{len(uniform):,} of {J:,} levels of {group.grouping.name} have one outcome only ({names}{more}). "
                "That is fine: their effects are drawn towards the mean of all.",
            )
        )
    return found
