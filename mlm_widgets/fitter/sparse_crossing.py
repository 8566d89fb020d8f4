"""Products with the pairs of a problem where matrices (m, m) are kept by the entries of a plan of elimination.

The same as :mod:`mlm_widgets.fitter.crossing` has for dense matrices: levels of the leading factor with equally many
pairs are lanes, and their products are added to the store, or read from it, entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.fitter.crossing import Pairs
from mlm_widgets.fitter.elimination import Elimination
from mlm_widgets.linalg import product

__all__ = ["SparseCrossing"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Group:
    """Levels of the leading factor with equally many pairs.

    Attributes
    ----------
    levels : ndarray (B,) or slice
    pairs : ndarray (n, B)
        Places among the pairs.
    places : ndarray (n (n + 1) / 2, B)
        Of the entries (i, j), i >= j, in the store.
    """

    levels: Ints | slice
    pairs: Ints
    places: Ints

    def row(self, i: int) -> Ints:
        """Where `places` has the entries (i, j), j = 0, 1, ..."""
        j = np.arange(len(self.pairs))
        return np.maximum(i, j) * (np.maximum(i, j) + 1) // 2 + np.minimum(i, j)


class SparseCrossing:
    """Products with the pairs of a problem; matrices (m, m) are entries of a plan's store."""

    def __init__(self, pairs: Pairs, A22: sparse.csr_array, plan: Elimination) -> None:
        self.pairs, self.plan = pairs, plan
        entries = A22.tocoo()
        is_lower = entries.row >= entries.col
        row, column = entries.row[is_lower].astype(np.intp), entries.col[is_lower].astype(np.intp)
        self._own = plan.places(row, column), entries.data[is_lower]
        self._groups = list(self._grouped())

    def _grouped(self) -> Iterator[_Group]:
        sizes = np.diff(self.pairs.pointers)
        for n in np.unique(sizes[sizes > 0]):
            levels = np.flatnonzero(sizes == n)
            pairs = self.pairs.pointers[levels] + np.arange(n)[:, None]
            i, j = np.tril_indices(n)
            columns = self.pairs.column[pairs]
            places = self.plan.places(columns[i].ravel(), columns[j].ravel()).reshape(len(i), -1)
            yield _Group(slice(None) if len(levels) == len(sizes) else levels, pairs, places)

    def absorbed(self, Y: Floats) -> Floats:
        """Z_2'Z_2 - sum_j A21_j Y_j A12_j."""
        store = np.zeros(self.plan.n_entries)
        q = len(Y)
        for group in self._groups:
            A12 = self.pairs.values[:, group.pairs]
            YA = product(Y[..., group.levels], A12)
            for i in range(len(group.pairs)):
                values = A12[0, i] * YA[0, : i + 1]
                for a in range(1, q):
                    values += A12[a, i] * YA[a, : i + 1]
                np.subtract.at(store, group.places[group.row(i)[: i + 1]].ravel(), values.ravel())
        places, values = self._own
        store[places] += values
        return store

    def forms(self, Q: Floats) -> Floats:
        """A12_j Q A21_j by level, (q, q, J)."""
        q = len(self.pairs.values)
        found = np.zeros((q, q, len(self.pairs.pointers) - 1))
        for group in self._groups:
            A12 = self.pairs.values[:, group.pairs]
            found[..., group.levels] = product(self._left(Q, group, A12), A12.transpose(1, 0, 2))
        return found

    def at_pairs(self, Q: Floats) -> Floats:
        """A12_j Q at the pairs, (q, n_pairs)."""
        found = np.empty_like(self.pairs.values)
        for group in self._groups:
            found[:, group.pairs] = self._left(Q, group, self.pairs.values[:, group.pairs])
        return found

    def _left(self, Q: Floats, group: _Group, A12: Floats) -> Floats:
        """A12_j Q at the pairs of a group, (q, n, B)."""
        found = np.empty_like(A12)
        for i in range(len(group.pairs)):
            entries = Q[group.places[group.row(i)]]
            for a, own in enumerate(A12):
                np.einsum("nb,nb->b", entries, own, out=found[a, i])
        return found
