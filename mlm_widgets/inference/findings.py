"""What a careful colleague would say of a fit: each finding names the component and says what to do next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit, GroupFit
from mlm_widgets.formula import columns_of, parse_factor
from mlm_widgets.frames import is_constant_within
from mlm_widgets.inference.finding import Finding
from mlm_widgets.inference.generalized_findings import generalized_findings
from mlm_widgets.inference.redundancy import redundant_columns

__all__ = ["findings"]

TOO_FEW_GROUPS = 20  # Stegmueller (2013), AJPS 57; McNeish & Stapleton (2016), Educ. Psychol. Rev. 28
TOO_FEW = {
    True: "tests of group-level predictors should use REML and small-sample degrees of freedom",
    False: "z tests of group-level predictors find too much and maximum likelihood too small a variance",
}
FEW_GROUPS = 50  # Maas & Hox (2005), Methodology 1: standard errors of variances are too small below
LEAST_SD = 1e-3  # of residual standard deviations: an effect smaller than this has no variance to speak of

Floats = npt.NDArray[np.float64]


def findings(fit: Fit) -> tuple[Finding, ...]:
    """All findings on a fit, the gravest first."""
    found = [
        *_convergence(fit),
        *_collinear(fit),
        *(finding for group in fit.groups for finding in _singular(group, fit)),
        *_slopes_without_variation(fit),
        *(finding for group in fit.groups for finding in _redundant_effects(group, fit)),
        *_fixed_and_random(fit),
        *_missing_rows(fit),
        *_weightless_rows(fit),
        *(finding for group in fit.groups for finding in _few_groups(group, fit)),
        *(_binary_outcome(fit) if fit.family.is_linear else generalized_findings(fit)),
    ]
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda finding: rank[finding.severity]))


def _convergence(fit: Fit) -> list[Finding]:
    if fit.state != "failed":
        return []
    return [
        Finding(
            "error",
            "search",
            f"The search did not converge in {fit.trace.n_evaluations} evaluations: "
            "the estimates are not the best ones.",
            "Take a random slope out, or allow more evaluations: fit(..., options=FitOptions(max_evaluations=1000)).",
        )
    ]


def _collinear(fit: Fit) -> list[Finding]:
    return [
        Finding(
            "warning",
            name,
            f"“{name}” was left out: it is a linear combination of the predictors before it.",
            "Remove it, or one of those that it repeats, from the model.",
        )
        for name in fit.dropped
    ]


def _singular(group: GroupFit, fit: Fit) -> list[Finding]:
    Z, weights = fit.design.Z[group.place], fit.design.weights if fit.family.is_linear else None
    is_one = [name == "Intercept" for name in group.grouping.names]
    # what size an effect has relative to the residuals of a row of mean weight, or in units of the linear predictor
    spread = np.where(is_one, 1.0, Z.std(axis=0)) * (1.0 if weights is None else np.sqrt(weights.mean()))
    return [_singular_finding(group, name, spread, _certainty(fit)) for name in group.singular]


def _certainty(fit: Fit) -> str:
    if fit.certificate is None:  # a generalized model, whose boundary is searched from beside
        return "" if fit.state == "failed" else "Searches from beside this boundary found nothing better. "
    if fit.certificate.holds:
        return "This is a certified optimum on the boundary: no covariance nearby fits better. "
    return "The search could not certify that this is the optimum. "


def _singular_finding(group: GroupFit, name: str, spread: Floats, optimum: str) -> Finding:
    place = group.grouping.names.index(name)
    what = "intercept" if name == "Intercept" else f"slope of {name}"
    factor = group.grouping.name
    row = group.lam[place]
    others = [other for k, other in enumerate(group.grouping.names) if k < place and abs(row[k]) > 0]
    if float(np.abs(row).max() * spread[place]) > LEAST_SD and others:
        return Finding(
            "warning",
            f"{factor}: {what}",
            f"The {what} differs between the levels of {factor}, but exactly as {_joined(others)} does "
            "(correlation at ±1): the data hold no separate information about it. "
            f"{optimum}The fixed effects are usable.",
            f"Drop the {what} from the random part, or its correlations (||).",
        )
    return Finding(
        "warning",
        f"{factor}: {what}",
        f"The {what} does not vary between the levels of {factor}: its variance is estimated as zero. "
        f"{optimum}The fixed effects are usable.",
        f"Drop it from the random part of {factor}.",
    )


def _joined(names: list[str]) -> str:
    words = ["the intercept" if name == "Intercept" else f"the slope of {name}" for name in names]
    return " and ".join(words)


def _slopes_without_variation(fit: Fit) -> list[Finding]:
    found = []
    for group in fit.groups:
        Z, codes = fit.design.Z[group.place], fit.design.codes[group.place]
        for k, name in enumerate(group.grouping.names):
            if name != "Intercept" and len(group.grouping.names) > 1 and is_constant_within(Z[:, k], codes):
                found.append(
                    Finding(
                        "warning",
                        f"{group.grouping.name}: slope of {name}",
                        f"“{name}” is constant within each level of {group.grouping.name}, so a slope of it "
                        "cannot be told from the intercept.",
                        f"Take “{name}” out of the random part of {group.grouping.name}.",
                    )
                )
    return found


def _redundant_effects(group: GroupFit, fit: Fit) -> list[Finding]:
    names, factor = group.grouping.names, group.grouping.name
    blocks = [block.columns for block in group.grouping.blocks]
    return [
        Finding(
            "warning",
            f"{factor}: slope of {names[place]}",
            f"“{names[place]}” is a linear combination of {_joined([names[k] for k in others])} in the random part of "
            f"{factor}: how they vary between its levels cannot be told apart, and many covariances fit equally well. "
            "The criterion, the fixed effects and the fitted values are right; these variances are one choice of many.",
            f"Take “{names[place]}” out of the random part of {factor}.",
        )
        for place, others in redundant_columns(fit.design.Z[group.place], blocks)
    ]


def _fixed_and_random(fit: Fit) -> list[Finding]:
    """A grouping factor that is a fixed factor too leaves its own variance nothing to explain."""
    spec = fit.design.spec
    factors = {column for key in spec.levels for column in columns_of(parse_factor(key)) if key in spec.fixed.variables}
    return [
        Finding(
            "warning",
            group.grouping.name,
            f"{group.grouping.name} is a predictor and a grouping factor at once: its levels are estimated one by one, "
            "so no variance between them is left.",
            "Keep one of the two: the grouping if the levels are a sample, the predictor if they are all there are.",
        )
        for group in fit.groups
        if group.grouping.columns[0] in factors and len(group.grouping.columns) == 1
    ]


def _missing_rows(fit: Fit) -> list[Finding]:
    if not fit.design.dropped:
        return []
    n_dropped = fit.design.n_rows - fit.design.n_obs - fit.design.n_weightless
    costs = ", ".join(f"{name} ({count:,})" for name, count in fit.design.dropped.items())
    return [
        Finding(
            "info",
            "missing values",
            f"{n_dropped:,} of {fit.design.n_rows:,} rows were left out for missing values: {costs}.",
            "Models that are compared should be fitted to the same rows.",
        )
    ]


def _weightless_rows(fit: Fit) -> list[Finding]:
    n = fit.design.n_weightless
    if n == 0:
        return []
    return [
        Finding(
            "info",
            "weights",
            f"{n:,} of {fit.design.n_rows:,} rows were left out because their weight is zero.",
            "They count neither as rows nor as groups.",
        )
    ]


def _few_groups(group: GroupFit, fit: Fit) -> list[Finding]:
    n, name = len(group.grouping.levels), group.grouping.name
    if n >= FEW_GROUPS:
        return []
    if n < TOO_FEW_GROUPS:
        return [
            Finding(
                "info",
                name,
                f"{name} has {n} levels: a variance between so few groups is hardly known, and with fewer than 20 "
                f"{TOO_FEW[fit.family.is_linear]}.",
                None if n > 5 else f"With {n} levels consider {name} as a fixed factor.",
            )
        ]
    return [
        Finding(
            "info",
            name,
            f"{name} has {n} levels: with fewer than 50, standard errors of group-level variances are too small.",
        )
    ]


def _binary_outcome(fit: Fit) -> list[Finding]:
    y = fit.design.y
    if np.all((y == y.min()) | (y == y.max())):
        return [
            Finding(
                "warning",
                fit.design.spec.model.outcome,
                "The outcome has two values only: a linear model predicts values outside them.",
                'Use family="binomial", a logistic mixed model.',
            )
        ]
    return []
