"""Coefficients by group: fixed plus random effects, with the standard error of the sum as a prediction.

The error of beta_k + b_jk has two sources, beta itself and the random effect given beta, and the estimate of b answers
to that of beta (Henderson 1975, Biometrics 31): with GX = Z_j'V^-1 X, S = lambda lambda' and C = (X'V^-1 X)^-1,

    Var = sigma^2 (l - GX' S m)' C (l - GX' S m) + m' Var(b_j | y, beta) m

for l, m that pick the coefficient and the effect. The variances are taken as known. A generalized model has these of
its working model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit, GroupFit
from mlm_widgets.inference.working import WorkingModel

__all__ = ["GroupCoefficients", "group_coefficients"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupCoefficients:
    """Coefficients of one grouping factor's levels: `estimate` and `std_error` (terms, J)."""

    group: GroupFit
    terms: tuple[str, ...]
    estimate: Floats
    std_error: Floats


def group_coefficients(fit: Fit, working: WorkingModel) -> list[GroupCoefficients]:
    """By grouping factor; the terms are those of the fixed part, then the random effects that it does not have."""
    covariances = working.point.mode_covariances()
    return [_of_group(fit, working, f, covariances[f]) for f in range(len(fit.groups))]


def _of_group(fit: Fit, working: WorkingModel, f: int, covariance: Floats) -> GroupCoefficients:
    group, problem, point = fit.groups[f], working.prepared.problem, working.point
    own = group.grouping.names
    terms = (*fit.names, *(name for name in own if name not in fit.names))
    J = len(group.grouping.levels)
    scaling = problem.scaling
    back = scaling.y_scale * np.linalg.inv(problem.templates[f].H)
    shared = np.einsum("ab,bpj->apj", point.lams[f] @ point.lams[f].T, point.G[f][:, : problem.rank])
    estimate, variance = np.zeros((len(terms), J)), np.empty((len(terms), J))
    for k, term in enumerate(terms):
        fixed = np.zeros((problem.rank, 1))
        random = np.zeros(len(own))
        if term in fit.names:
            place = fit.names.index(term)
            estimate[k] += fit.beta[place]
            fixed[:, 0] = scaling.to_user[place]
        if term in own:
            place = own.index(term)
            estimate[k] += group.modes[place]
            random = back[place]
        direct = fixed - np.einsum("a,apj->pj", random, shared)
        variance[k] = np.einsum("pj,pq,qj->j", direct, point.C, direct, optimize=True)
        variance[k] += np.einsum("a,abj,b->j", random, covariance, random)
    return GroupCoefficients(group, terms, estimate, working.sigma * np.sqrt(np.maximum(variance, 0.0)))
