"""The trailing block where the leading factor is nested in the only other one: classes in schools.

Every level j of the leading factor lies in one level k of the other, so absorbing it leaves the other block diagonal,
B22_k = A22_k - sum_{j in k} A21_j Y_j A12_j, and the block is as many small matrices (lanes) as it has levels: no
m x m matrix is made, and there may be any number of levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.fitter.crossing import Pairs
from mlm_widgets.linalg import backward, cholesky, crossed, forward, log_diagonal, product

__all__ = ["NestedBlock", "Nesting", "nesting_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Nesting:
    """Z_1'Z_2 where each level of the leading factor has one parent; a `Crossing` whose matrices are lanes.

    Attributes
    ----------
    A12 : ndarray (q_1, q_2, J_1)
    parent : ndarray (J_1,)
    n_parents : int
    A22 : ndarray (q_2, q_2, J_2)
    """

    A12: Floats
    parent: npt.NDArray[np.intp]
    n_parents: int
    A22: Floats

    def weighted(self, Y: Floats) -> Floats:
        """sum_j A21_j Y_j A12_j by parent, (q_2, q_2, J_2)."""
        own = crossed(self.A12, product(Y, self.A12))
        found = np.empty((*own.shape[:2], self.n_parents))
        for a in range(len(own)):
            for b in range(a + 1):
                found[a, b] = found[b, a] = np.bincount(self.parent, weights=own[a, b], minlength=self.n_parents)
        return found

    def forms(self, Q: Floats) -> Floats:
        """A12_j Q_k A21_j, (q_1, q_1, J_1)."""
        return product(self.at_pairs(Q), self.A12.transpose(1, 0, 2))

    def at_pairs(self, Q: Floats) -> Floats:
        """A12_j Q_k, (q_1, q_2, J_1)."""
        return product(self.A12, Q[:, :, self.parent])

    @cached_property
    def rest(self) -> sparse.csr_array:
        """Z_2'Z_2, level after level."""
        return _block_diagonal(self.A22)


def nesting_of(pairs: Pairs, A22: Floats) -> Nesting | None:
    """The nesting, where each level of the leading factor has one parent; A22 (q_2, q_2, J_2)."""
    q = len(A22)
    n_levels = len(pairs.pointers) - 1
    if not np.all(np.diff(pairs.pointers) == q):
        return None
    values = pairs.values.reshape(len(pairs.values), n_levels, q).transpose(0, 2, 1)
    return Nesting(np.ascontiguousarray(values), pairs.column[::q] // q, A22.shape[2], A22)


def _block_diagonal(lanes: Floats) -> sparse.csr_array:
    """The sparse matrix of lanes (q, q, J), level after level."""
    q, _, J = lanes.shape
    places = np.arange(J)[:, None, None] * q
    a, b = np.meshgrid(np.arange(q), np.arange(q), indexing="ij")
    rows, columns = np.broadcast_arrays(places + a, places + b)
    values = lanes.transpose(2, 0, 1).ravel()
    return sparse.csr_array((values, (rows.ravel(), columns.ravel())), shape=(J * q, J * q))


@dataclass(frozen=True)
class NestedBlock:
    """The block at one theta, as `DenseBlock` is: matrices (m, m) are lanes (q, q, J).

    Attributes
    ----------
    lam : ndarray (q, q)
    B22 : ndarray (q, q, J)
    B2W : ndarray (m, p + 1)
    """

    lam: Floats
    B22: Floats
    B2W: Floats

    @cached_property
    def _L(self) -> Floats:
        M = product(self._each(self.lam.T), product(self.B22, self._each(self.lam)))
        for a in range(len(M)):
            M[a, a] += 1.0
        return cholesky(M)

    def _each(self, matrix: Floats) -> Floats:
        return np.repeat(matrix[:, :, None], self.B22.shape[2], axis=2)

    def _lanes(self, rows: Floats) -> Floats:
        return rows.reshape(-1, len(self.lam), rows.shape[1]).transpose(1, 2, 0)

    def _rows(self, lanes: Floats) -> Floats:
        return np.ascontiguousarray(lanes.transpose(2, 0, 1)).reshape(-1, lanes.shape[1])

    @property
    def log_determinant(self) -> float:
        """log |I + Lambda_2'B22 Lambda_2|."""
        return 2.0 * log_diagonal(self._L)

    @property
    def scale(self) -> None:
        """Lambda_2 is not kept as a vector."""
        return

    @cached_property
    def K2(self) -> Floats:
        """L^-1 Lambda_2' B2W, (m, p + 1)."""
        return self.solved(self.B2W)

    @cached_property
    def P(self) -> Floats:
        """(I + Lambda_2'B22 Lambda_2)^-1."""
        half = forward(self._L, self._each(np.eye(len(self.lam))))
        return crossed(half, half)

    @cached_property
    def Q(self) -> Floats:
        """Lambda_2 P Lambda_2'."""
        return product(self._each(self.lam), product(self.P, self._each(self.lam.T)))

    @cached_property
    def U(self) -> Floats:
        """Q B2W, (m, p + 1)."""
        return self._rows(product(self._each(self.lam), backward(self._L, self._lanes(self.K2))))

    @cached_property
    def G(self) -> Floats:
        """Z_2'V^-1 [X y], (m, p + 1)."""
        return self.B2W - self._rows(product(self.B22, self._lanes(self.U)))

    def solved(self, rows: Floats) -> Floats:
        """L^-1 Lambda_2' rows."""
        return self._rows(forward(self._L, product(self._each(self.lam.T), self._lanes(rows))))

    def columns(self, f: int) -> slice:
        """All of them: there is one grouping."""
        return slice(0, len(self.B2W))

    def by_level(self, rows: Floats, f: int) -> Floats:
        """(m, k) rows -> (q, k, J)."""
        return self._lanes(rows)

    def level_blocks(self, matrix: Floats, f: int) -> Floats:
        """A matrix of lanes is its diagonal blocks."""
        return matrix

    def trace_part(self, f: int) -> Floats:
        """sum_k Z_k'V^-1 Z_k, (q, q)."""
        return np.asarray((self.B22 - product(self.B22, product(self.Q, self.B22))).sum(axis=2))

    def is_well_scaled(self, f: int) -> bool:
        """Nothing is divided by lambda here."""
        return True
