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
Ints = npt.NDArray[np.intp]

BUILT_TOGETHER = 500_000  # entries of the map: what is made on the way stays in cache
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

    def at_pairs(self, Q: Floats) -> Floats:
        """A12_j Q at the pairs, (q, n_pairs)."""


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
        self.pairs, self.q, self.m = pairs, len(pairs.values), m
        index: type[np.int32 | np.int64] = np.int32 if m <= 46_000 else np.int64
        sizes = np.diff(pairs.pointers)
        pointers = np.concatenate([[0], np.cumsum(sizes * (sizes + 1) // 2)])
        target = np.empty(entries, dtype=index)
        data = {couple: np.empty(entries) for couple in _couples(self.q)}
        for start, stop in _slabs(pointers, BUILT_TOGETHER):
            own = slice(pointers[start], pointers[stop])
            first, second = _lower_pairs(pairs.pointers[start : stop + 1])
            target[own] = pairs.column[first] + pairs.column[second] * m
            for (a, b), values in data.items():
                np.multiply(pairs.values[a, first], pairs.values[b, second], out=values[own])
                if a != b:
                    values[own] += pairs.values[a, second] * pairs.values[b, first]
        shape = (m * m, len(sizes))
        pointers = pointers.astype(index)
        self.maps = {couple: sparse.csc_array((own, target, pointers), shape=shape) for couple, own in data.items()}

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
            found[a, b] = np.asarray(matrix.T @ entries)
            if a != b:
                found[a, b] *= 0.5
                found[b, a] = found[a, b]
        return found

    def at_pairs(self, Q: Floats) -> Floats:
        """See `Crossing`."""
        return _at_pairs(self.pairs, Q)


def _slabs(pointers: Ints, size: int) -> Iterator[tuple[int, int]]:
    """Levels start to stop that have about `size` entries together."""
    start = 0
    while start < len(pointers) - 1:
        stop = max(start + 1, int(np.searchsorted(pointers, pointers[start] + size, side="right")) - 1)
        yield start, stop
        start = stop


def _lower_pairs(pointers: Ints) -> tuple[Ints, Ints]:
    """All couples i >= j of pairs of the same level, by level."""
    n = np.diff(pointers)
    within = np.arange(pointers[-1] - pointers[0]) - np.repeat(pointers[:-1] - pointers[0], n)
    first = np.repeat(np.arange(pointers[0], pointers[-1]), within + 1)
    ends = np.cumsum(within + 1)
    begins = np.arange(pointers[0], pointers[-1]) - within
    return first, np.arange(len(first)) + np.repeat(begins - ends + within + 1, within + 1)


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
        pairs, at_pairs = self.pairs, _at_pairs(self.pairs, Q)
        n_levels = len(pairs.pointers) - 1
        found = np.empty((len(at_pairs), len(at_pairs), n_levels))
        for a, left in enumerate(at_pairs):
            for b, right in enumerate(pairs.values):
                found[a, b] = np.bincount(pairs.level, weights=left * right, minlength=n_levels)
        return found

    def at_pairs(self, Q: Floats) -> Floats:
        """See `Crossing`."""
        return _at_pairs(self.pairs, Q)


def _at_pairs(pairs: Pairs, Q: Floats) -> Floats:
    full = np.tril(Q) + np.tril(Q, -1).T
    n_levels, m = len(pairs.pointers) - 1, len(Q)
    rows = [sparse.csr_array((own, pairs.column, pairs.pointers), shape=(n_levels, m)) for own in pairs.values]
    found = np.empty_like(pairs.values)
    width = max(1, SLAB // m)
    for start in range(0, n_levels, width):
        own = slice(pairs.pointers[start], pairs.pointers[min(n_levels, start + width)])
        for a, matrix in enumerate(rows):
            slab = matrix[start : start + width] @ full
            found[a, own] = slab[pairs.level[own] - start, pairs.column[own]]
    return found
