"""The exact Hessian of the criterion at its optimum, for several grouping factors.

In the variances' directions V_k = Z_k Z_k', with P_X = V^-1 - V^-1 X C X'V^-1,

    d2d / ds_k ds_l = -tr(P_X V_k P_X V_l) + nn (2 q_kl / r^2 - y_k y_l / r^4)

q and y are those of the average information. With one random effect a level everywhere the traces come from matrices
that the evaluation has already made, and one product of m^3 operations where factors are crossed; else the analytic
gradient is differenced.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.fitter.block import DenseBlock, mirrored
from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.sparse import SparseBlock
from mlm_widgets.fitter.sparse_crossing import SparseCrossing

__all__ = ["exact_hessian"]

Floats = npt.NDArray[np.float64]

DIFFERENCE = 1e-4  # step of central differences of the analytic gradient, in units of theta ~ 1


def exact_hessian(point: Evaluation) -> Floats:
    """d2d/dtheta2 at `point`, shape (n_theta, n_theta)."""
    if point.block is None:
        return point.hessian
    traces = scalar_traces(point)
    return _differenced_hessian(point) if traces is None else _scalar_hessian(point, traces)


def scalar_traces(point: Evaluation) -> Floats | None:
    """tr(V^-1 V_k V^-1 V_l) over several groupings, from what `point` holds; None where that does not suffice."""
    rest = [f for f in range(len(point.lams)) if f != point.problem.lead]
    if any(len(lam) > 1 for lam in point.lams):
        return None
    if isinstance(point.block, SparseBlock):
        is_nested = len(point.block.fronts) == 1 and not point.block.fronts[0].stage.is_dense
        return _nested_traces(point) if is_nested else None
    assert point.block is not None
    return _traces(point) if all(point.block.is_well_scaled(f) for f in rest) else None


def _scalar_hessian(point: Evaluation, traces: Floats) -> Floats:
    """From tr(V^-1 V_k V^-1 V_l) over the groupings."""
    dS = np.array([float(dS[0, 0]) for _, dS in point.directions])
    if point.problem.reml:
        traces = traces - 2.0 * _mixed_traces(point) + _fixed_traces(point)
    grouping = [f for f, _ in point.directions]
    traces = traces[np.ix_(grouping, grouping)] * np.outer(dS, dS)
    # the average information puts nn q / r^2 for the traces: it counts q once, the Hessian twice
    return point.hessian + (point.problem.degrees / point.r2) * point.information_terms[0] - traces


def _traces(point: Evaluation) -> Floats:
    """tr(V^-1 V_k V^-1 V_l) over the groupings."""
    problem, block = point.problem, point.block
    assert isinstance(block, DenseBlock)
    assert block.scale is not None
    assert problem.crossing is not None
    assert not isinstance(problem.crossing, SparseCrossing)
    scale, lead = block.scale, problem.lead
    P = mirrored(block.P)
    N = point.N[0, 0]
    B = N * problem.A[0, 0]
    T = mirrored(problem.crossing.weighted((N * N)[None, None])) * scale[:, None] * scale
    X = linalg.blas.dsymm(1.0, np.asfortranarray(P), np.asfortranarray(T), lower=1)
    found = np.empty((len(point.lams),) * 2)
    inner = N * N * point.forms[0, 0]
    found[lead, lead] = np.sum(B * B) - 2.0 * np.sum(B * inner) + np.sum(X * X.T)
    crossed = np.einsum("ck,ck->c", X, P) / scale**2
    squares = (np.eye(len(P)) - P) ** 2 / scale[:, None] ** 2 / scale**2
    for f in range(len(point.lams)):
        if f == lead:
            continue
        own = block.columns(f)
        found[lead, f] = found[f, lead] = crossed[own].sum()
        for g in range(len(point.lams)):
            if g != lead:
                found[f, g] = squares[own, block.columns(g)].sum()
    return found


def _nested_traces(point: Evaluation) -> Floats:
    """The same where the leading grouping is nested in the only other: V^-1 is block diagonal by its levels.

    With n_j = N_j A12_j, Z_1'V^-1 Z_1 = diag(N_j A_j) - n Q_k n', Z_1'V^-1 Z_2 = n (1 - Q_k B22_k), Z_2'V^-1 Z_2 =
    B22_k (1 - B22_k Q_k) at each level k of the other.
    """
    block, pairs = point.block, point.problem.pairs
    assert isinstance(block, SparseBlock)
    assert pairs is not None
    lead, other = point.problem.lead, 1 - point.problem.lead
    B, Q, B22 = point.N[0, 0] * point.problem.A[0, 0], block.mode_blocks(other)[0, 0], block.fronts[0].Fkk[0, 0]
    parent = pairs.column
    squares = (point.N[0, 0] * pairs.values[0]) ** 2
    of_parent = np.bincount(parent, weights=squares, minlength=len(Q))
    left = 1.0 - Q * B22
    found = np.empty((2, 2))
    found[lead, lead] = B @ B - 2.0 * (B * squares) @ Q[parent] + (Q * of_parent) @ (Q * of_parent)
    found[lead, other] = found[other, lead] = (left**2) @ of_parent
    found[other, other] = np.sum((B22 * left) ** 2)
    return found


def _mixed_traces(point: Evaluation) -> Floats:
    """tr(C X'V^-1 V_k V^-1 V_l V^-1 X)."""
    p, n = point.problem.rank, len(point.lams)
    h = [(f, E[:, k]) for f, E in enumerate(point.E) for k in range(p)]
    return np.asarray(np.einsum("akbk->ab", point.quadratic_forms(h).reshape(n, p, n, p)))


def _fixed_traces(point: Evaluation) -> Floats:
    """tr(C M_k C M_l), M_k = X'V^-1 V_k V^-1 X."""
    O_ = np.array([EE[0, :-1, 0, :-1].ravel() for EE in point.EE])
    return np.asarray(O_ @ O_.T)


def _differenced_hessian(point: Evaluation) -> Floats:
    n = len(point.theta)
    H = np.empty((n, n))
    for k in range(n):
        step = np.zeros(n)
        step[k] = DIFFERENCE
        ahead = evaluate(point.problem, point.theta + step).gradient
        behind = evaluate(point.problem, point.theta - step).gradient
        H[k] = (ahead - behind) / (2.0 * DIFFERENCE)
    return 0.5 * (H + H.T)
