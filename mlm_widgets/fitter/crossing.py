"""Sums over the pairs of levels of crossed factors, for any weights.

With A12_j the row of Z_1'Z_2 at level j of the leading factor, the criterion needs sum_j A21_j Y_j A12_j for lanes
Y_j (q x q), and its transpose, the forms A12_j Q A21_j for a symmetric Q (m x m). Both are one fixed sparse map
between lanes and entries of an m x m matrix: it is built once, and its products cost as many multiplications as it
has entries, sum_j n_j (n_j + 1) / 2, n_j the number of pairs at level j. Where that is too many, sparse products take
its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Crossing", "Pairs", "build_crossing"]

Floats = npt.NDArray[np.float64]

MAX_ENTRIES = 40_000_000  # of the map: 0.5 GB
SLAB = 4_000_000  # entries of a dense slab of the leading factor against the rest


@dataclass(frozen=True, slots=True)
class Pairs:
    """Z_1'Z_2 by the pairs (level of the leading factor, column of the rest) that occur, sorted by level.

    Attributes
    ----------
    level, column : ndarray (n_pairs,)
    values : ndarray (q_1, n_pairs)
    pointers : ndarray (J_1 + 1,)
        Where each level's pairs begin.
    """

    level: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    values: Floats
    pointers: npt.NDArray[np.intp]


class Crossing(Protocol):
    """Products with the pairs of a problem."""

    def weighted(self, Y: Floats) -> Floats:
        """sum_j A21_j Y_j A12_j for symmetric lanes Y (q, q, J): (m, m) by columns, the lower triangle only."""

    def forms(self, Q: Floats) -> Floats:
        """A12_j Q A21_j by level, (q, q, J), for Q (m, m) of which the lower triangle counts."""


def build_crossing(pairs: Pairs, m: int) -> Crossing:
    """The map, or its substitute where the map would be too large."""
    sizes = np.diff(pairs.pointers)
    entries = int((sizes * (sizes + 1) // 2).sum())
    return _Map(pairs, m, entries) if entries <= MAX_ENTRIES else _Products(pairs, m)


def _couples(q: int) -> Iterator[tuple[int, int]]:
    return ((a, b) for a in range(q) for b in range(a, q))


class _Map:
    """Entries of the lower triangle as rows, levels as columns; one matrix for each couple (a, b) of lanes."""

    def __init__(self, pairs: Pairs, m: int, entries: int) -> None:
        self.q, self.m = len(pairs.values), m
        column = pairs.column.astype(np.int64 if m > 46_000 else np.int32)
        within = np.arange(len(column)) - pairs.pointers[pairs.level]  # place of each pair in its level
        first = np.repeat(np.arange(len(column), dtype=np.int32), within + 1)
        starts = np.cumsum(within + 1) - (within + 1)
        second = np.arange(entries, dtype=np.int64) - np.repeat(starts - pairs.pointers[pairs.level], within + 1)
        target = column[first] + column[second] * column.dtype.type(m)
        sizes = np.diff(pairs.pointers)
        pointers = np.concatenate([[0], np.cumsum(sizes * (sizes + 1) // 2)]).astype(column.dtype)
        shape = (m * m, len(sizes))
        self.maps: dict[tuple[int, int], sparse.csc_array] = {}
        for a, b in _couples(self.q):
            left, right = pairs.values[a], pairs.values[b]
            data = left[first] * right[second]
            if a != b:
                data += right[first] * left[second]
            self.maps[a, b] = sparse.csc_array((data, target, pointers), shape=shape)

    def weighted(self, Y: Floats) -> Floats:
        """See `Crossing`."""
        total = sum(matrix @ Y[a, b] for (a, b), matrix in self.maps.items())
        return np.asarray(total).reshape((self.m, self.m), order="F")

    def forms(self, Q: Floats) -> Floats:
        """See `Crossing`."""
        doubled = np.asfortranarray(2.0 * Q)
        np.fill_diagonal(doubled, np.diag(Q))
        entries = doubled.ravel(order="F")
        found = np.empty((self.q, self.q, next(iter(self.maps.values())).shape[1]))
        for (a, b), matrix in self.maps.items():
            found[a, b] = matrix.T @ entries
            if a != b:
                found[a, b] *= 0.5
                found[b, a] = found[a, b]
        return found


class _Products:
    """The same by products of sparse matrices, a few levels at a time."""

    def __init__(self, pairs: Pairs, m: int) -> None:
        self.pairs, self.m = pairs, m
        shape = (len(pairs.pointers) - 1, m)
        self.rows = [sparse.csr_array((own, pairs.column, pairs.pointers), shape=shape) for own in pairs.values]

    def weighted(self, Y: Floats) -> Floats:
        """See `Crossing`."""
        total = np.zeros((self.m, self.m), order="F")
        for a, left in enumerate(self.rows):
            for b, right in enumerate(self.rows):
                total += (
                    left.T @ (sparse.dia_array((Y[a, b][None], [0]), shape=(len(Y[a, b]),) * 2) @ right)
                ).toarray()
        return total

    def forms(self, Q: Floats) -> Floats:
        """See `Crossing`."""
        full = np.tril(Q) + np.tril(Q, -1).T
        pairs, q = self.pairs, len(self.rows)
        n_levels = len(pairs.pointers) - 1
        found = np.zeros((q, q, n_levels))
        width = max(1, SLAB // self.m)
        for start in range(0, n_levels, width):
            stop = min(n_levels, start + width)
            own = slice(pairs.pointers[start], pairs.pointers[stop])
            level = pairs.level[own] - start
            for a, b in ((a, b) for a in range(q) for b in range(q)):
                at_pairs = (self.rows[a][start:stop] @ full)[level, pairs.column[own]] * pairs.values[b, own]
                found[a, b, start:stop] = np.bincount(level, weights=at_pairs, minlength=stop - start)
        return found
