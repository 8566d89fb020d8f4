"""Where the search begins: variances by the method of moments, from the problem's sums alone.

With M the projection off the columns of X and e = M y, the quadratic forms |Z_a'e|^2 (one a column of a random basis)
and |e|^2 have expectations linear in the variances (MINQUE with zero weights, Searle, Casella & McCulloch 1992,
section 11.3):

    E |Z_a'e|^2 = sum_b v_b |Z_a'M Z_b|^2 + v_0 tr Z_a'M Z_a,    E |e|^2 = sum_b v_b tr Z_b'M Z_b + v_0 (n - p)

Solving them costs less than one evaluation of the criterion and saves several.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.fitter.problem import Problem

__all__ = ["moment_start"]

Floats = npt.NDArray[np.float64]

LEAST, MOST = 0.03, 10.0  # sds relative to the residual's, in scaled coordinates: nothing real starts beyond
MOST_CORRELATED = 0.7
RANK = 1e-13  # relative eigenvalue below which moments say nothing


def moment_start(problem: Problem) -> Floats:
    """Start values of theta: standard deviations by moments on the diagonals, no correlations."""
    R, status = linalg.lapack.dpotrf(problem.N, lower=1, clean=1)
    if status != 0:  # an outcome that the predictors explain: the criterion tells
        return np.concatenate([template.start for template in problem.templates])
    inverse = np.asarray(linalg.lapack.dtrtri(R, lower=1)[0])
    rss = float(R[-1, -1]) ** 2
    E = np.matmul(inverse, problem.W)
    forms, crossings, own = _moments(problem, E, inverse)
    forms *= rss
    k = len(forms)
    M = np.empty((k + 1, k + 1))
    M[:k, :k], M[:k, k], M[k, :k], M[k, k] = crossings, own, own, problem.n_obs - problem.rank
    variances = _solved(M, np.append(forms, rss))
    if not variances[k] > 1e-3 * rss / problem.n_obs:
        variances[k] = rss / problem.n_obs
    ratio = np.sqrt(np.clip(variances[:k] / variances[k], LEAST**2, MOST**2))
    starts: list[Floats] = []
    end = 0
    for f, template in enumerate(problem.templates):
        sd = ratio[end : (end := end + template.q)]
        if f == problem.lead and template.q > 1 and all(part.is_free for part in template.parts):
            factor = np.linalg.cholesky(_correlations(problem, np.sqrt(rss) * E[:, -1], float(variances[k])))
            starts.append((sd[:, None] * factor)[template.row, template.col])
        else:
            starts.append(template.start * sd[template.row])
    return np.concatenate(starts)


def _solved(M: Floats, right: Floats) -> Floats:
    """The least solution of M x = right for a positive semi-definite M, scaled to a unit diagonal."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(M), 1e-300))
    values, vectors = np.linalg.eigh(M * np.multiply.outer(scale, scale))
    inverse = np.where(values > RANK * values[-1], 1.0 / values, 0.0)
    return np.asarray(scale * (vectors @ (inverse * (vectors.T @ (scale * right)))))


def _correlations(problem: Problem, ze: Floats, residual: float) -> Floats:
    """Correlations of the leading grouping's effects, from the cross products of its Z_j'e, (q, J).

    E sum_j Z_j'e e'Z_j = sum_j A_j Sigma A_j + v_0 sum_j A_j, but for the projection: good enough for a start.
    """
    A = problem.A
    q = len(A)
    flat = A.reshape(q * q, -1)
    T = (flat @ flat.T).reshape(q, q, q, q).transpose(0, 2, 1, 3).reshape(q * q, q * q)
    target = ze @ ze.T - residual * A.sum(axis=2)
    S = _solved(T, target.ravel()).reshape(q, q)
    sd = np.sqrt(np.maximum(np.diag(S), 1e-12))
    R = np.clip((S + S.T) / (2.0 * np.multiply.outer(sd, sd)), -MOST_CORRELATED, MOST_CORRELATED)
    np.fill_diagonal(R, 1.0)
    values, vectors = np.linalg.eigh(R)
    R = (vectors * np.maximum(values, 1.0 - MOST_CORRELATED)) @ vectors.T
    size = np.sqrt(np.diag(R))
    return np.asarray(R / np.multiply.outer(size, size))


def _moments(problem: Problem, E: Floats, inverse: Floats) -> tuple[Floats, Floats, Floats]:
    """|Z_a'e|^2 / |e|^2, |Z_a'M Z_b|^2 and tr Z_a'M Z_a over the columns of all groupings, in the groupings' order.

    E = Z_1'[X y] R^-T, R R' = [X y]'[X y] (its last column is Z_1'e / |e|): Z_1'M Z_1 = A - E_X E_X'.
    """
    starts = np.cumsum([0, *(template.q for template in problem.templates)])
    k, p = int(starts[-1]), problem.rank
    forms, crossings, own, S = np.empty(k), np.empty((k, k)), np.empty(k), np.empty((k, p, p))
    lead = slice(starts[problem.lead], starts[problem.lead + 1])
    X = E[:, :p]
    forms[lead] = (E[:, p] ** 2).sum(axis=1)
    own[lead] = np.einsum("aaj->a", problem.A)
    S[lead] = np.matmul(X, X.transpose(0, 2, 1))
    crossings[lead, lead] = (problem.A * (problem.A - 2.0 * np.einsum("akj,bkj->abj", X, X))).sum(axis=2)
    if problem.pairs is not None:
        _rest_moments(problem, X, problem.W2 @ inverse.T, starts, (forms, crossings, own, S))
    own -= np.einsum("akk->a", S)
    crossings += S.reshape(k, p * p) @ S.reshape(k, p * p).T
    return forms, crossings, own


def _rest_moments(
    problem: Problem,
    X: Floats,
    E2: Floats,
    starts: npt.NDArray[np.intp],
    moments: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """The same for the trailing block, E2 = Z_2'[X y] R^-T (m, p + 1), and between it and the leading grouping."""
    forms, crossings, own, S = moments
    pairs = problem.pairs
    assert pairs is not None
    lead = slice(starts[problem.lead], starts[problem.lead + 1])
    X2 = E2[:, :-1]
    fitted = np.einsum("akp,pk->ap", X[:, :, pairs.level], X2[pairs.column])
    at_pairs = pairs.values * (pairs.values - 2.0 * fitted)
    members = _members(problem, starts)
    rows = problem.A22.tocoo()
    at_rows = rows.data * (rows.data - 2.0 * np.einsum("kp,kp->k", X2[rows.row], X2[rows.col]))
    is_of = {c: _is_member(mine, len(E2)) for c, mine in members.items()}
    for c, mine in members.items():
        forms[c] = (E2[mine, -1] ** 2).sum()
        own[c] = problem.A22.diagonal()[mine].sum()
        S[c] = X2[mine].T @ X2[mine]
        is_mine = is_of[c]
        crossings[lead, c] = crossings[c, lead] = at_pairs[:, is_mine[pairs.column]].sum(axis=1)
        for d in members:
            crossings[c, d] = at_rows[is_mine[rows.row] & is_of[d][rows.col]].sum()


def _is_member(own: slice, m: int) -> npt.NDArray[np.bool_]:
    found = np.zeros(m, dtype=bool)
    found[own] = True
    return found


def _members(problem: Problem, starts: npt.NDArray[np.intp]) -> dict[int, slice]:
    """Places in the trailing block of each column of the other groupings' bases."""
    found: dict[int, slice] = {}
    for f, template in enumerate(problem.templates):
        if f != problem.lead:
            offset, stop = problem.offsets[f], problem.offsets[f] + len(problem.groupings[f].levels) * template.q
            found |= {int(starts[f]) + a: slice(offset + a, stop, template.q) for a in range(template.q)}
    return found
