"""The criterion of :mod:`mlm_widgets.fitter.criterion` for many replicates at once, each at a theta of its own.

The same equations on arrays (..., J, R). Derivatives are kept in S = lambda lambda', whatever theta stands for, so
that a replicate can change the order in which it factors its effects without being evaluated again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.batch.lanes import Lanes
from mlm_widgets.fitter.criterion import LEAST_RESIDUAL
from mlm_widgets.linalg import cholesky, forward, product

__all__ = ["Factors", "Pulled", "Slopes", "derivatives", "factors", "pulled"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Factors:
    """Steps 1 to 5: L, lambda'A (q, q, J, R), K (q, p + 1, J, R), R (p + 1, p + 1, R) and the criterion (R,).

    The criterion is infinite where the factors of a replicate do not exist.
    """

    L: Floats
    TA: Floats
    K: Floats
    R: Floats
    value: Floats

    def taken(self, chosen: Ints) -> Factors:
        """Some of the replicates."""
        if len(chosen) == len(self.value):
            return self
        return Factors(*(np.take(getattr(self, own.name), chosen, axis=-1) for own in fields(self)))


def factors(lanes: Lanes, lam: Floats) -> Factors:
    """The criterion at lambda, (q, q, R)."""
    half = lam.swapaxes(0, 1)[:, :, None]
    TA = product(half, lanes.A[..., None])
    M = product(TA, lam[:, :, None])
    for a in range(len(M)):
        M[a, a] += 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        L = cholesky(M)
        p = lanes.Wx.shape[1]
        K = np.empty((len(lam), p + 1, *L.shape[2:]))
        K[:, :p] = product(half, lanes.Wx)
        K[:, p:] = product(half, lanes.Wy[:, None])
        K = forward(L, K)
        R = cholesky(lanes.N - _gram(K.swapaxes(0, 1), lanes.times))
        r2, nn = R[p, p] ** 2, lanes.degrees
        logs = sum(np.log(L[a, a]) for a in range(len(L)))
        value = 2.0 * (lanes.count * logs).sum(axis=0) + nn * (1.0 + np.log(2.0 * np.pi * r2 / nn))
        if lanes.reml:
            value += 2.0 * np.log(np.einsum("kkr->kr", R[:p, :p])).sum(axis=0)
    is_fine = np.isfinite(value) & (r2 > LEAST_RESIDUAL * lanes.N[p, p])
    return Factors(L, TA, K, R, np.where(is_fine, value, np.inf))


def _gram(K: Floats, times: Floats | None) -> Floats:
    """sum_aj K_kaj K_laj, (m, m, R), for K (m, a, J, R)."""
    m = len(K)
    found = np.empty((m, m, K.shape[-1]))
    for k in range(m):
        own = K[k] if times is None else K[k] * times
        found[k, k:] = found[k:, k] = np.einsum("ajr,najr->nr", own, K[k:])
    return found


@dataclass(frozen=True, slots=True)
class Slopes:
    """What derivatives in S are made of; replicates last.

    Attributes
    ----------
    R : ndarray (p + 1, p + 1, R), R_inverse : the same
    information : ndarray (q, q, R)
        sum_j Z_j'V^-1 Z_j.
    D : ndarray (q, q, R)
        dd/dS.
    O : ndarray (q, q, p + 1, p + 1, R)
        sum_j E_ja' E_jb.
    traces : ndarray (q, q, q, q, R)
        sum_j [B_j - 2 P_j]_ab [B_j]_cd, P_j = sum_k w_k E_jk E_jk'.
    """

    R: Floats
    R_inverse: Floats
    information: Floats
    D: Floats
    O: Floats  # noqa: E741
    traces: Floats

    @classmethod
    def empty(cls, q: int, p: int, R: int) -> Slopes:
        """Arrays to be filled."""
        square, block = (p + 1, p + 1, R), (q, q, R)
        shapes = (square, square, block, block, (q, q, *square), (q, q, *block))
        return cls(*(np.zeros(shape) for shape in shapes))

    def taken(self, chosen: Ints) -> Slopes:
        """Some of the replicates."""
        return Slopes(*(np.take(getattr(self, own.name), chosen, axis=-1) for own in fields(self)))

    def put(self, chosen: Ints, other: Slopes) -> None:
        """Replace some of the replicates."""
        for own in fields(self):
            getattr(self, own.name)[..., chosen] = getattr(other, own.name)


def derivatives(lanes: Lanes, at: Factors) -> Slopes:
    """Derivatives in S at `at`."""
    q, p = len(at.L), lanes.Wx.shape[1]
    T = forward(at.L, at.TA)
    left = T.swapaxes(0, 1)
    B = lanes.A[..., None] - product(left, T)
    G = -product(left, at.K)
    G[:, :p] += lanes.Wx
    G[:, p] += lanes.Wy
    R_inverse = forward(at.R, np.broadcast_to(np.eye(p + 1)[:, :, None], at.R.shape))
    E = np.empty_like(G)
    for k in range(p + 1):
        np.multiply(R_inverse[k, k], G[:, k], out=E[:, k])
        for m in range(k):
            E[:, k] += R_inverse[k, m] * G[:, m]
    flat = E.reshape(q * (p + 1), 1, *E.shape[2:])
    O_ = _gram(flat, lanes.times).reshape(q, p + 1, q, p + 1, -1).swapaxes(1, 2)
    information, D, traces = _traces(lanes, B, E)
    return Slopes(at.R, R_inverse, information, D, O_, traces)


def _traces(lanes: Lanes, B: Floats, E: Floats) -> tuple[Floats, Floats, Floats]:
    """sum_j B, D, and sum_j [B - 2 P]_ab B_cd."""
    q, p = len(B), E.shape[1] - 1
    information, D = (np.empty((q, q, B.shape[-1])) for _ in range(2))
    traces = np.empty((q, q, q, q, B.shape[-1]))
    pairs = [(a, b) for a in range(q) for b in range(a + 1)]
    stacked = np.array([B[a, b] for a, b in pairs])
    for a, b in pairs:
        P = lanes.degrees * E[a, p] * E[b, p]
        if lanes.reml:
            P += np.einsum("kjr,kjr->jr", E[a, :p], E[b, :p])
        if lanes.times is not None:
            P *= lanes.times
        own = lanes.count * B[a, b]
        information[a, b] = information[b, a] = own.sum(axis=0)
        own -= P
        D[a, b] = D[b, a] = own.sum(axis=0)
        own -= P
        sums = np.einsum("jr,njr->nr", own, stacked)
        for (c, d), total in zip(pairs, sums, strict=True):
            traces[a, b, c, d] = traces[b, a, c, d] = traces[a, b, d, c] = traces[b, a, d, c] = total
    return information, D, traces


@dataclass(frozen=True, slots=True)
class Pulled:
    """Derivatives in theta: gradient (k, R), Hessian (k, k, R), O_n = sum_ab dS_n[a, b] O_ab (k, p + 1, p + 1, R)."""

    gradient: Floats
    hessian: Floats
    O: Floats  # noqa: E741


def pulled(slopes: Slopes, lam: Floats, moves: Floats, col: Ints, degrees: Floats, *, reml: bool) -> Pulled:
    """The derivatives in theta: lambda = sum_k theta_k moves_k e_col[k]', moves (k, q, R)."""
    n, R, p = len(moves), moves.shape[2], len(slopes.R) - 1
    at = lam.transpose(1, 0, 2)[col]  # column col[k] of lambda, (k, q, R)
    half = moves[:, :, None] * at[:, None]
    dS = half + half.swapaxes(1, 2)
    gradient = 2.0 * np.einsum("nar,abr,nbr->nr", moves, slopes.D, at)
    O_ = np.einsum("nabr,abklr->nklr", dS, slopes.O)
    w = np.full((p + 1, p + 1, R), float(reml))
    w[p] = w[:, p] = degrees
    hessian = np.empty((n, n, R))
    for m in range(n):
        # sum_xyzw dS_xy B_yz dS_zw [B - 2 P]_wx
        inner = np.einsum("xyr,wxyzr->zwr", dS[m], slopes.traces)
        weighted = w * O_[m]
        for k in range(m + 1):
            total = -np.einsum("zwr,zwr->r", inner, dS[k]) - np.einsum("klr,klr->r", weighted, O_[k])
            if col[k] == col[m]:
                total += 2.0 * np.einsum("ar,abr,br->r", moves[k], slopes.D, moves[m])
            hessian[m, k] = hessian[k, m] = total
    return Pulled(gradient, hessian, O_)
