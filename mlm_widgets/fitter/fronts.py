"""Fronts that are absorbed, one stage at a time, as the leading factor is.

With F the front's entries of B22 = Z_2'V^-1 Z_2 (V without what is not yet absorbed), k its pivots and r those joined
to them:

    L L' = I + Lambda_k'F_kk Lambda_k,  H = L^-1 Lambda_k'F_kr,  K_k = L^-1 Lambda_k'W_k
    passed on:  F_rr - H'H,  W_r - H'K_k

and backwards, with R = L^-1 Lambda_k', Y = R'R and Q = Lambda_2 (I + Lambda_2'B22 Lambda_2)^-1 Lambda_2',

    U_k = R'(K_k - H U_r),  Q_kr = -R'H Q_rr,  Q_kk = Y - Q_kr (R'H)'
    Z_k'V^-1 Z_k = N F_kk - N (F_kr Q_rr F_rk) N',  N = I - F_kk Y

Nothing is divided by Lambda: a singular one is as good as any.
"""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.fitter.elimination import Stage
from mlm_widgets.linalg import backward, cholesky, crossed, forward, log_diagonal, product

__all__ = ["DenseFront", "Front", "LaneFronts"]

Floats = npt.NDArray[np.float64]


class Front(Protocol):
    """A stage's fronts, eliminated; rows (k, c) are lanes (k, c, B) for lanes."""

    stage: Stage
    Fkk: Floats
    log_determinant: float
    passed_on: Floats

    def half(self, W: Floats) -> Floats:
        """L^-1 Lambda_k'W."""

    def reduced(self, K: Floats) -> Floats:
        """H'K."""

    def solved(self, K: Floats, U: Floats) -> Floats:
        """R'(K - H U)."""

    def left(self, W: Floats, U: Floats, own: Floats) -> Floats:
        """W - F_kr U - F_kk own."""

    def inverse(self, Q: Floats) -> tuple[Floats, Floats]:
        """Q_kk and Q_kr, given Q_rr."""

    def information(self, Q: Floats, f: int) -> Floats:
        """The sum of the diagonal blocks of grouping f in Z_k'V^-1 Z_k, given Q_rr."""


class LaneFronts:
    """Small fronts, one a lane."""

    def __init__(self, stage: Stage, lams: list[Floats], F: Floats) -> None:
        k = stage.n_pivots
        self.stage, self.lam = stage, lams[stage.parts[0][0]]
        self.Fkk, self.Fkr = F[:k, :k].copy(), F[:k, k:].copy()
        for a in range(k):
            for b in range(a):
                self.Fkk[b, a] = self.Fkk[a, b]
        M = product(self._scaled(self.Fkk), self._each(self.lam))
        for a in range(k):
            M[a, a] += 1.0
        self.L = cholesky(M)
        self.log_determinant = 2.0 * log_diagonal(self.L)
        self.H = self.half(self.Fkr)
        self.passed_on = crossed(self.H, self.H)

    def _each(self, matrix: Floats) -> Floats:
        return np.repeat(matrix[:, :, None], self.stage.columns.shape[1], axis=2)

    def _scaled(self, rows: Floats) -> Floats:
        """Lambda'rows."""
        return (self.lam.T @ rows.reshape(len(rows), -1)).reshape(rows.shape)

    def half(self, W: Floats) -> Floats:
        """See `Front`."""
        return forward(self.L, self._scaled(W))

    def reduced(self, K: Floats) -> Floats:
        """See `Front`."""
        return crossed(self.H, K)

    def solved(self, K: Floats, U: Floats) -> Floats:
        """See `Front`."""
        rows = K - product(self.H, U) if len(U) else K
        own = backward(self.L, rows)
        return (self.lam @ own.reshape(len(own), -1)).reshape(own.shape)

    def left(self, W: Floats, U: Floats, own: Floats) -> Floats:
        """See `Front`."""
        rest = W - product(self.Fkk, own)
        return rest - product(self.Fkr, U) if len(U) else rest

    @cached_property
    def R(self) -> Floats:
        """L^-1 Lambda_k'."""
        return forward(self.L, self._each(self.lam.T))

    def inverse(self, Q: Floats) -> tuple[Floats, Floats]:
        """See `Front`."""
        Y = crossed(self.R, self.R)
        if not len(Q):
            return Y, np.empty((len(Y), 0, Y.shape[2]))
        RH = crossed(self.R, self.H)
        beside = -product(RH, Q)
        return Y - product(beside, RH.transpose(1, 0, 2)), beside

    def information(self, Q: Floats, f: int) -> Floats:
        """See `Front`."""
        N = -product(self.Fkk, crossed(self.R, self.R))
        for a in range(len(N)):
            N[a, a] += 1.0
        found = product(N, self.Fkk)
        if len(Q):
            NF = product(N, self.Fkr)
            found -= product(product(NF, Q), NF.transpose(1, 0, 2))
        return np.asarray(found.sum(axis=2))


class DenseFront:
    """One front, by LAPACK."""

    def __init__(self, stage: Stage, lams: list[Floats], F: Floats) -> None:
        k = stage.n_pivots
        self.stage, self.lams = stage, lams
        F = F[:, :, 0]
        self.Fkk = np.tril(F[:k, :k])
        self.Fkk += np.tril(self.Fkk, -1).T
        self.Fkr = F[:k, k:].copy()
        M = self._scaled(self._scaled(self.Fkk).T)
        M[np.diag_indices(k)] += 1.0
        self.L = linalg.cholesky(M, lower=True, overwrite_a=True, check_finite=False)
        self.log_determinant = 2.0 * float(np.log(np.diag(self.L)).sum())
        self.H = self.half(self.Fkr)
        self.passed_on = (self.H.T @ self.H)[:, :, None]

    def _scaled(self, rows: Floats, *, is_transposed: bool = True) -> Floats:
        """Lambda'rows, or Lambda rows."""
        found = np.empty_like(rows)
        for f, own in self.stage.parts:
            lam = self.lams[f].T if is_transposed else self.lams[f]
            if len(lam) == 1:
                np.multiply(rows[own], lam[0, 0], out=found[own])
            else:
                levels = rows[own].reshape((own.stop - own.start) // len(lam), len(lam), rows.shape[1])
                found[own] = np.matmul(lam, levels).reshape(found[own].shape)
        return found

    def half(self, W: Floats) -> Floats:
        """See `Front`."""
        return linalg.solve_triangular(self.L, self._scaled(W), lower=True, check_finite=False)

    def reduced(self, K: Floats) -> Floats:
        """See `Front`."""
        return self.H.T @ K

    def solved(self, K: Floats, U: Floats) -> Floats:
        """See `Front`."""
        return self._back(K - self.H @ U)

    def _back(self, rows: Floats) -> Floats:
        """R'rows."""
        own = linalg.solve_triangular(self.L, rows, lower=True, trans="T", check_finite=False)
        return self._scaled(own, is_transposed=False)

    def left(self, W: Floats, U: Floats, own: Floats) -> Floats:
        """See `Front`."""
        return W - self.Fkk @ own - self.Fkr @ U

    @cached_property
    def Y(self) -> Floats:
        """R'R."""
        half, status = linalg.lapack.dpotri(self.L, lower=1)
        assert status == 0
        P = np.tril(half) + np.tril(half, -1).T
        return self._scaled(self._scaled(P, is_transposed=False).T, is_transposed=False)

    @cached_property
    def RH(self) -> Floats:
        """R'H."""
        return self._back(self.H)

    def inverse(self, Q: Floats) -> tuple[Floats, Floats]:
        """See `Front`."""
        beside = -self.RH @ Q[:, :, 0]
        return (self.Y - beside @ self.RH.T)[:, :, None], beside[:, :, None]

    def information(self, Q: Floats, f: int) -> Floats:
        """See `Front`."""
        own, q = dict(self.stage.parts)[f], len(self.lams[f])
        X = self.half(self.Fkk[:, own])
        NF = self.Fkr[own] - self.Fkk[own] @ self.RH
        NFQ = NF @ Q[:, :, 0]
        found = np.empty((q, q))
        for a in range(q):
            for b in range(q):
                found[a, b] = np.trace(self.Fkk[own, own][a::q, b::q])
                found[a, b] -= np.vdot(X[:, a::q], X[:, b::q]) + np.vdot(NFQ[a::q], NF[b::q])
        return found
