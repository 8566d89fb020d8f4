"""Leverages: the diagonal of the hat matrix of a mixed model, the derivative of each fitted value in its own outcome.

The fitted values are X beta + Z b, both linear in y at the estimated variances. With rows times sqrt(w),

    H = I - V^-1 + V^-1 X C X'V^-1,   I - V^-1 = Z Cov(b) Z' / sigma^2

(Demidenko & Stukel 2005, Statist. Med. 24; lme4's `hatvalues`). The covariance between the random effects of two
factors is needed for the pairs of levels that occur in a row only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.fitter import Evaluation, Nesting, Prepared
from mlm_widgets.linalg import Column, product

__all__ = ["hat_values"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

SLAB = 4_000_000  # entries of a slab of the leading factor's levels against the other random effects


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
    if isinstance(problem.crossing, Nesting):
        f, lead = 1 - problem.lead, problem.lead
        answers = product(point.Y, problem.crossing.at_pairs(block.Q))
        return -np.einsum("ia,ib,abi->i", Z[lead], Z[f], answers[:, :, codes[lead]])
    Q = np.tril(block.Q) + np.tril(block.Q, -1).T
    rest = [f for f in range(len(Z)) if f != problem.lead]
    columns = {f: problem.offsets[f] + codes[f][:, None] * Z[f].shape[1] + np.arange(Z[f].shape[1]) for f in rest}
    found = np.zeros(len(codes[0]))
    for place, f in enumerate(rest):
        found += _with_lead(point, Q, Z[problem.lead], codes[problem.lead], Z[f], columns[f])
        for g in rest[:place]:
            own = Q[columns[f][:, :, None], columns[g][:, None, :]]
            found += np.einsum("ia,ib,iab->i", Z[f], Z[g], own)
    return found


def _with_lead(
    point: Evaluation, Q: Floats, lead_Z: Floats, lead_codes: npt.NDArray[np.int64], Z: Floats, columns: Ints
) -> Floats:
    """The same between the leading factor and another: -Y_j A12_j Q at the pairs that occur."""
    pairs = point.problem.pairs
    assert pairs is not None
    m = len(Q)
    at_pairs = _products_at_pairs(point, Q)
    keys = pairs.level * m + pairs.column
    found = np.zeros(len(lead_codes))
    for b in range(Z.shape[1]):
        place = np.searchsorted(keys, lead_codes * m + columns[:, b])
        found -= Z[:, b] * np.einsum("ia,aci,ci->i", lead_Z, point.Y[:, :, lead_codes], at_pairs[:, place])
    return found


def _products_at_pairs(point: Evaluation, Q: Floats) -> Floats:
    """A12_j Q at the pairs (level, column) that occur, shape (q_1, n_pairs)."""
    pairs = point.problem.pairs
    assert pairs is not None
    n_levels, m = len(pairs.pointers) - 1, len(Q)
    rows = [sparse.csr_array((own, pairs.column, pairs.pointers), shape=(n_levels, m)) for own in pairs.values]
    found = np.empty_like(pairs.values)
    width = max(1, SLAB // m)
    for start in range(0, n_levels, width):
        own = slice(pairs.pointers[start], pairs.pointers[min(n_levels, start + width)])
        for a, matrix in enumerate(rows):
            slab = matrix[start : start + width] @ Q
            found[a, own] = slab[pairs.level[own] - start, pairs.column[own]]
    return found
