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


def moment_start(problem: Problem) -> Floats:
    """Start values of theta: standard deviations by moments on the diagonals, no correlations."""
    p = problem.rank
    C = np.asarray(linalg.pinvh(problem.N[:p, :p]), dtype=np.float64)
    contrast = np.append(-C @ problem.N[:p, p], 1.0)
    rss = float(contrast @ problem.N @ contrast)
    forms, crossings, own = _moments(problem, contrast, C)
    k = len(forms)
    M = np.empty((k + 1, k + 1))
    M[:k, :k], M[:k, k], M[k, :k], M[k, k] = crossings, own, own, problem.n_obs - p
    scale = 1.0 / np.sqrt(np.maximum(np.diag(M), 1e-300))
    variances = linalg.lstsq(M * np.outer(scale, scale), np.append(forms, rss) * scale)[0] * scale
    if not variances[k] > 1e-3 * rss / problem.n_obs:
        variances[k] = rss / problem.n_obs
    ratio = np.sqrt(np.clip(variances[:k] / variances[k], LEAST**2, MOST**2))
    split = np.split(ratio, np.cumsum([template.q for template in problem.templates])[:-1])
    starts = [t.start * own[t.row] for t, own in zip(problem.templates, split, strict=True)]
    lead = problem.templates[problem.lead]
    if lead.q > 1 and lead.is_free.all():
        factor = linalg.cholesky(_correlations(problem, contrast, float(variances[k])), lower=True)
        starts[problem.lead] = (split[problem.lead][:, None] * factor)[lead.row, lead.col]
    return np.concatenate(starts)


def _correlations(problem: Problem, contrast: Floats, residual: float) -> Floats:
    """Correlations of the leading grouping's effects, from the cross products of its Z_j'e.

    E sum_j Z_j'e e'Z_j = sum_j A_j Sigma A_j + v_0 sum_j A_j, but for the projection: good enough for a start.
    """
    q, J = problem.A.shape[0], problem.A.shape[2]
    ze = np.einsum("akj,k->aj", problem.W, contrast)
    flat = problem.A.reshape(q * q, J)
    T = (flat @ flat.T).reshape(q, q, q, q).transpose(0, 2, 1, 3).reshape(q * q, q * q)
    target = ze @ ze.T - residual * problem.A.sum(axis=2)
    S = linalg.lstsq(T, target.ravel())[0].reshape(q, q)
    sd = np.sqrt(np.maximum(np.diag(S), 1e-12))
    R = np.clip((S + S.T) / (2.0 * np.outer(sd, sd)), -MOST_CORRELATED, MOST_CORRELATED)
    np.fill_diagonal(R, 1.0)
    values, vectors = np.linalg.eigh(R)
    R = (vectors * np.maximum(values, 1.0 - MOST_CORRELATED)) @ vectors.T
    size = np.sqrt(np.diag(R))
    return np.asarray(R / np.outer(size, size))


def _moments(problem: Problem, contrast: Floats, C: Floats) -> tuple[Floats, Floats, Floats]:
    """|Z_a'e|^2, |Z_a'M Z_b|^2 and tr Z_a'M Z_a over the columns of all groupings, in the order of the groupings."""
    p = problem.rank
    starts = np.cumsum([0, *(template.q for template in problem.templates)])
    k = int(starts[-1])
    forms, crossings, own, S = np.empty(k), np.empty((k, k)), np.empty(k), np.empty((k, p, p))
    lead = np.arange(starts[problem.lead], starts[problem.lead + 1])
    WX = problem.W[:, :p]
    CW = np.einsum("kl,blj->bkj", C, WX)
    forms[lead] = np.sum(np.einsum("akj,k->aj", problem.W, contrast) ** 2, axis=1)
    own[lead] = np.einsum("aaj->a", problem.A)
    S[lead] = np.einsum("akj,alj->akl", WX, WX)
    fitted = np.einsum("akj,bkj->abj", WX, CW)
    crossings[np.ix_(lead, lead)] = np.sum(problem.A * (problem.A - 2.0 * fitted), axis=2)
    if problem.pairs is not None:
        _rest_moments(problem, contrast, C, starts, lead, (forms, crossings, own, S))
    CS = np.einsum("kl,alm->akm", C, S)
    crossings += np.einsum("akl,blk->ab", CS, CS)
    own -= np.einsum("akk->a", CS)
    return forms, crossings, own


def _rest_moments(
    problem: Problem,
    contrast: Floats,
    C: Floats,
    starts: npt.NDArray[np.intp],
    lead: npt.NDArray[np.intp],
    moments: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """The same for the dense block, and between it and the leading grouping."""
    forms, crossings, own, S = moments
    pairs = problem.pairs
    assert pairs is not None
    W2X = problem.W2[:, : problem.rank]
    ze = problem.W2 @ contrast
    CW2 = W2X @ C
    fitted = np.einsum("akp,pk->ap", problem.W[:, : problem.rank, pairs.level], CW2[pairs.column])
    at_pairs = pairs.values * (pairs.values - 2.0 * fitted)
    members = _members(problem, starts)
    for c, mine in members.items():
        forms[c] = float(np.sum(ze[mine] ** 2))
        own[c] = float(problem.A22.diagonal()[mine].sum())
        S[c] = W2X[mine].T @ W2X[mine]
        is_mine = np.zeros(len(ze), dtype=bool)
        is_mine[mine] = True
        crossings[lead, c] = crossings[c, lead] = at_pairs[:, is_mine[pairs.column]].sum(axis=1)
        for d, other in members.items():
            block = problem.A22[mine][:, other]
            crossings[c, d] = float(np.sum(block * (block - 2.0 * (CW2[mine] @ W2X[other].T))))


def _members(problem: Problem, starts: npt.NDArray[np.intp]) -> dict[int, slice]:
    """Places in the dense block of each column of the other groupings' bases."""
    found: dict[int, slice] = {}
    for f, template in enumerate(problem.templates):
        if f != problem.lead:
            offset, stop = problem.offsets[f], problem.offsets[f] + len(problem.groupings[f].levels) * template.q
            found |= {int(starts[f]) + a: slice(offset + a, stop, template.q) for a in range(template.q)}
    return found
