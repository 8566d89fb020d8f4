"""Leverages: the diagonal of the hat matrix of a mixed model, the derivative of each fitted value in its own outcome.

The fitted values are X beta + Z b, both linear in y at the estimated variances. With rows times sqrt(w),

    H = I - V^-1 + V^-1 X C X'V^-1,   I - V^-1 = Z Cov(b) Z' / sigma^2

(Demidenko & Stukel 2005, Statist. Med. 24; lme4's `hatvalues`). The covariance between the random effects of two
factors is needed for the pairs of levels that occur in a row only. A generalized model has the leverages of its
working model, as R's `hatvalues` of a glm fit does; lme4's of a glmer fit takes prior for working weights, and warns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Evaluation, Prepared
from mlm_widgets.linalg import Column

__all__ = ["hat_values"]

Floats = npt.NDArray[np.float64]


def hat_values(prepared: Prepared, point: Evaluation) -> Floats:
    """Leverages of the rows, shape (n,); their sum is the effective number of coefficients."""
    design, problem = prepared.design, prepared.problem
    n = design.n_obs
    Z = [_matrix(prepared.coordinates.Z[source], n) for source in problem.source]
    codes = [design.codes[source] for source in problem.source]
    hat = np.zeros(n)
    E = _matrix(prepared.coordinates.X, n)  # V^-1 X, row by row
    covariances = point.mode_covariances()
    for f, lam in enumerate(point.lams):
        E -= np.einsum("ia,api->ip", Z[f], _gathered(_shared(point, f, lam), codes[f]), optimize=True)
        hat += np.einsum("ia,ib,abi->i", Z[f], Z[f], _gathered(covariances[f], codes[f]))
    hat += np.einsum("ip,pq,iq->i", E, point.C, E, optimize=True)
    if problem.pairs is not None:
        hat += 2.0 * _between_factors(point, Z, codes)
    return hat


def _matrix(columns: Sequence[Column], n: int) -> Floats:
    """Columns (n, k)."""
    return np.stack([column.stored(n) for column in columns], axis=1) if columns else np.empty((n, 0))


def _shared(point: Evaluation, f: int, lam: Floats) -> Floats:
    """S Z'V^-1 X by level, (q, p, J): how the modes answer to beta."""
    return np.einsum("ab,bpj->apj", lam @ lam.T, point.G[f][:, : point.problem.rank])


def _gathered(lanes: Floats, codes: npt.NDArray[np.int64]) -> Floats:
    return np.asarray(lanes[..., codes])


def _between_factors(point: Evaluation, Z: list[Floats], codes: list[npt.NDArray[np.int64]]) -> Floats:
    """z_f' Cov(b_f, b_g) z_g / sigma^2 of each row, over the pairs f < g of grouping factors."""
    problem, block = point.problem, point.block
    assert block is not None
    assert problem.pairs is not None
    assert problem.crossing is not None
    at_pairs = problem.crossing.at_pairs(block.Q)
    keys = problem.pairs.level * len(problem.W2) + problem.pairs.column
    rest = [f for f in range(len(Z)) if f != problem.lead]
    columns = {f: problem.offsets[f] + codes[f][:, None] * Z[f].shape[1] + np.arange(Z[f].shape[1]) for f in rest}
    found = np.zeros(len(codes[0]))
    for place, f in enumerate(rest):
        # between the leading factor and another: -Y_j A12_j Q at the pairs that occur
        lead = codes[problem.lead].astype(np.intp, copy=False)
        for b in range(Z[f].shape[1]):
            at = np.searchsorted(keys, lead * len(problem.W2) + columns[f][:, b])
            own = np.einsum("aci,ci->ai", point.Y[:, :, lead], at_pairs[:, at])
            found -= Z[f][:, b] * np.einsum("ia,ai->i", Z[problem.lead], own)
        for g in rest[:place]:
            for a, left in enumerate(Z[f].T):
                for b, right in enumerate(Z[g].T):
                    found += left * right * block.entries(columns[f][:, a], columns[g][:, b])
    return found
