"""The leading factor's lanes in tiles that stay in cache: elimination, and sums of what it leaves.

Each arithmetic step is one operation on all lanes of a tile; with all lanes of a model at once, every step would go
through memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.linalg import cholesky, crossed, forward

__all__ = ["LeadSums", "Tile", "eliminate_lanes", "joined", "sum_lanes"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tile:
    """Steps 1 and 2 of the criterion for some lanes.

    Attributes
    ----------
    AW : ndarray (q, q + p + 1, lanes)
        [A_j W_j].
    L : ndarray (q, q, lanes)
    TK : ndarray (q, q + p + 1, lanes)
        [T_j K_j] = L_j^-1 lambda' [A_j W_j].
    """

    AW: Floats
    L: Floats
    TK: Floats

    @property
    def KK(self) -> Floats:
        """sum_j K_j'K_j, (p + 1, p + 1)."""
        K = self.TK[:, len(self.TK) :]
        return np.asarray(np.matmul(K, K.transpose(0, 2, 1)).sum(axis=0))

    def left(self) -> Floats:
        """[A_j W_j] - T_j'[T_j K_j] = Z_j'V_1^-1 [Z_j X y], (q, q + p + 1, lanes)."""
        return np.asarray(self.AW - crossed(self.TK[:, : len(self.TK)], self.TK))


@dataclass(frozen=True, slots=True)
class LeadSums:
    """Sums over the lanes of an only grouping: what its gradient and Hessian are made of.

    Attributes
    ----------
    B : ndarray (q, q)
        sum_j B_j, B_j = Z_j'V^-1 Z_j.
    EE : ndarray (q, p + 1, q, p + 1)
        sum_j E_ja' E_jb, E_j = Z_j'V^-1 [X y] R^-T.
    traces : ndarray (q^2, q^2)
        sum_j [B_j - 2 P_j]_ab [B_j]_cd, P_j = sum_k w_k E_jk E_jk'.
    """

    B: Floats
    EE: Floats
    traces: Floats


def eliminate_lanes(lam: Floats, AW: Floats) -> Tile:
    """Steps 1 and 2 at one factor lambda (q, q)."""
    q = len(lam)
    TK = (lam.T @ AW.reshape(q, -1)).reshape(AW.shape)
    M = np.matmul(lam.T, TK[:, :q])
    for a in range(q):
        M[a, a] += 1.0
    L = cholesky(M)
    return Tile(AW, L, forward(L, TK))


def sum_lanes(tiles: list[Tile], R_inverse: Floats, w: Floats) -> LeadSums:
    """The sums at R^-1 (p + 1, p + 1) and weights w (p + 1,) of the columns of E."""
    found = [_sums(tile, R_inverse, w) for tile in tiles]
    B, EE, traces = (np.asarray(sum(parts)) for parts in zip(*found, strict=True))
    shape = (len(B), len(w))
    return LeadSums(B, EE.reshape(shape + shape), traces)


def _sums(tile: Tile, R_inverse: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    q, left = len(tile.L), tile.left()
    E = np.matmul(R_inverse, left[:, q:])
    flat_B, flat_E = left[:, :q].reshape(q * q, -1), E.reshape(-1, E.shape[2])
    rest = flat_B - 2.0 * np.einsum("akj,bkj->abj", w[:, None] * E, E).reshape(q * q, -1)
    return left[:, :q].sum(axis=2), flat_E @ flat_E.T, rest @ flat_B.T


def joined(parts: list[Floats]) -> Floats:
    """Lanes of all tiles as one array."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
