"""What small-sample inference needs of a fit: how the covariance of the fixed effects moves with the variances.

The covariance sigma^2 (I + Z S Z') of the outcome is linear in sigma^2, whose direction may be V itself, and along
G_r = Z_f (I (x) v_r v_r') Z_f', where the v_r v_r' of a factor span the covariance matrices that its random effects may
have. With Xo = X R_X^-T, whose columns are orthonormal in V^-1,

    P_r = Xo'V^-1 G_r V^-1 Xo,  Q_rs = Xo'V^-1 G_r V^-1 G_s V^-1 Xo,  K_rs = tr(V^-1 G_r V^-1 G_s)

For one factor these are sums over its levels of products of f_r = v_r'Z_j'V^-1 Xo and b_rs = v_r'Z_j'V^-1 Z_j v_s. For
several, Q is made by solves with the factored V, and K, where the evaluation does not hold it, is minus the slope of
tr(V^-1 G_r) along G_s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.curvature import scalar_traces
from mlm_widgets.fitter.threads import single_thread

__all__ = ["VarianceMoments", "variance_moments"]

Floats = npt.NDArray[np.float64]

STEP = 1e-3  # of one-sided differences, relative to the direction's largest share of V: errors of STEP^3 ~ 1e-9
STENCIL = np.array([-11.0, 18.0, -9.0, 2.0]) / 6.0  # of the slope at the first of four points


@dataclass(frozen=True, slots=True)
class VarianceMoments:
    """Moments of k directions of the variances, in coordinates where (X'V^-1 X)^-1 is the unit matrix.

    Attributes
    ----------
    P : ndarray (k, p, p)
    Q : ndarray (k, p, k, p)
        Q_rs is Q[r, :, s].
    K : ndarray (k, k)
    traces : ndarray (k,)
        tr(V^-1 G_r).
    """

    P: Floats
    Q: Floats
    K: Floats
    traces: Floats


def variance_moments(point: Evaluation) -> VarianceMoments:
    """The moments at `point`."""
    with single_thread():
        directions = [_directions(point, f) for f in range(len(point.lams))]
        F = [np.tensordot(v, E[:, :-1], axes=1) for v, E in zip(directions, point.E, strict=True)]  # (k, p, J)
        P = np.concatenate([own @ own.transpose(0, 2, 1) for own in F])
        traces = _traces(point, directions)
        if point.block is None:
            Q, K = _one_factor(point, directions[0], F[0])
        else:
            Q, K = _several_factors(point, directions, F), _crossed_traces(point, directions)
        return VarianceMoments(P, Q, K, traces)


def _directions(point: Evaluation, f: int) -> Floats:
    """The v_r of a factor, (k, q): e_a and e_a + e_b of each block of correlated effects."""
    found = []
    for part in point.problem.templates[f].parts:
        for a in range(part.width):
            found.append(part.frame[:, a])
            found += [part.frame[:, a] + part.frame[:, b] for b in range(a)]
    return np.array(found)


def _traces(point: Evaluation, directions: Sequence[Floats]) -> Floats:
    forms = zip(directions, point.information, strict=True)
    return np.concatenate([np.einsum("ra,ab,rb->r", v, B, v) for v, B in forms])


def _one_factor(point: Evaluation, v: Floats, F: Floats) -> tuple[Floats, Floats]:
    """Q and K from the products of each level."""
    k, p, J = F.shape
    b = np.tensordot(v, np.tensordot(v, point.lead_B, axes=1), axes=([1], [1]))  # (k, k, J)
    Q = np.stack([F[r] @ (b[r][:, None] * F).reshape(k * p, J).T for r in range(k)])
    return Q.reshape(k, p, k, p), np.asarray((b * b).sum(axis=2))


def _several_factors(point: Evaluation, directions: Sequence[Floats], F: Sequence[Floats]) -> Floats:
    h = [
        (f, np.multiply.outer(v_r, row))
        for f, (v, own) in enumerate(zip(directions, F, strict=True))
        for v_r, rows in zip(v, own, strict=True)
        for row in rows
    ]
    n, p = sum(len(v) for v in directions), point.problem.rank
    return point.quadratic_forms(h).reshape(n, p, n, p) if p else np.zeros((n, 0, n, 0))


def _crossed_traces(point: Evaluation, directions: Sequence[Floats]) -> Floats:
    found = scalar_traces(point)
    if found is not None:
        scale = np.array([float(v[0, 0]) ** 2 for v in directions])
        return found * np.outer(scale, scale)
    rows = [_slopes(point, directions, f, v_s) for f, v in enumerate(directions) for v_s in v]
    K = -np.array(rows)
    return 0.5 * (K + K.T)


def _slopes(point: Evaluation, directions: Sequence[Floats], f: int, v: Floats) -> Floats:
    """d tr(V^-1 G_r) along G_s = Z_f (I (x) v v') Z_f': S + h v v' is a covariance matrix, at a boundary too."""
    step = STEP / _largest_share(point, f, v)
    values = [_traces(point, directions)]
    for k in range(1, len(STENCIL)):
        lams = list(point.lams)
        grown = np.vstack([point.lams[f].T, np.sqrt(k * step) * v])
        lams[f] = np.asarray(np.linalg.qr(grown, mode="r")).T
        values.append(_traces(evaluate(point.problem, point.theta, lams), directions))
    return STENCIL @ np.array(values) / step


def _largest_share(point: Evaluation, f: int, v: Floats) -> float:
    """A bound on the eigenvalues of V^-1 G: a / (1 + a c), a = max_j v'Z_j'Z_j v, where S >= c v v'."""
    problem, lam = point.problem, point.lams[f]
    q = len(lam)
    if f == problem.lead:
        sizes = np.einsum("aaj->j", problem.A)
    else:
        sizes = problem.A22.diagonal()[problem.columns(f)].reshape(-1, q).sum(axis=1)
    a = float(sizes.max()) * float(v @ v)
    half, *_ = np.linalg.lstsq(lam, v, rcond=1e-8)
    is_inside = np.allclose(lam @ half, v, atol=1e-6)
    return a / (1.0 + a / float(half @ half)) if is_inside else a
