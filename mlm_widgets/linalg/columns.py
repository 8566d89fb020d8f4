"""Columns that are made a chunk of rows at a time: shifted and weighted copies of the data are never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.linalg.strands import bounds_of, in_strands

__all__ = ["CHUNK", "ONE", "ROWS_A_STRAND", "Column", "cross_products", "dots", "means"]

Floats = npt.NDArray[np.float64]

CHUNK = 32_768  # rows whose columns stay in cache
LEAST_CHUNK = 1_024
ROWS_A_STRAND = 250_000  # fewer are summed in less time than a thread takes to begin
MOST_DOTS = 8  # columns up to which single products are faster than a matrix product


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """root * (values - centre) / scale.

    Attributes
    ----------
    values : ndarray (n,) or None
        None for ones.
    centre, scale : float
        An infinite scale makes a column of zeros.
    root : ndarray (n,) or None
        Square roots of the rows' weights.
    """

    values: Floats | None = None
    centre: float = 0.0
    scale: float = 1.0
    root: Floats | None = None

    @property
    def source(self) -> tuple[int, float, int]:
        """What it is made from, whatever its scale: columns of the same source are multiples of each other."""
        return id(self.values), self.centre, id(self.root)

    @property
    def is_one(self) -> bool:
        """Whether it is the column of ones."""
        return self.values is None and self.root is None

    def part(self, rows: slice, out: Floats) -> Floats:
        """Some rows of it times `scale`: sums of products are divided by the scales when they are there.

        `out` (m,) may hold them, or not be needed.
        """
        if self.values is None:
            return np.broadcast_to(1.0, out.shape) if self.root is None else self.root[rows]
        own = self.values[rows]
        if self.centre != 0.0:
            own = np.subtract(own, self.centre, out=out)
        if self.root is not None:
            own = np.multiply(own, self.root[rows], out=out)
        return own

    def stored(self, n: int) -> Floats:
        """The column as an array, shape (n,)."""
        return np.asarray(self.part(slice(0, n), np.empty(n)) / self.scale)


ONE = Column()


def means(arrays: Sequence[Floats], weights: Floats | None) -> list[float]:
    """Means of arrays (n,) under weights of mean 1."""

    def work(start: int, stop: int) -> Floats:
        rows = slice(start, stop)
        with np.errstate(over="ignore", invalid="ignore"):
            if weights is None:
                return np.array([array[rows].sum() for array in arrays])
            return np.array([np.dot(array[rows], weights[rows]) for array in arrays])

    if not arrays:
        return []
    n = len(arrays[0])
    return [float(total / n) for total in np.sum(in_strands(work, bounds_of(n, ROWS_A_STRAND)), axis=0)]


def cross_products(columns: Sequence[Column], n: int, known: Mapping[tuple[int, int], float] | None = None) -> Floats:
    """Products of all columns with each other, shape (k, k).

    Those of `known`, by places (a, b), a >= b, have been found in another way: for scales of one.
    """
    k, known = len(columns), known or {}
    chunk = min(CHUNK, max(LEAST_CHUNK, 4 * CHUNK // max(k, 1)))
    wanted = [(a, b) for a in range(k) for b in range(a + 1) if (a, b) not in known]
    used = sorted({place for pair in wanted for place in pair})

    def work(start: int, stop: int) -> Floats:
        total, buffer = np.zeros((k, k)), np.empty((k, min(chunk, stop - start)))
        for first in range(start, stop, chunk):
            rows = slice(first, min(first + chunk, stop))
            own = buffer[:, : rows.stop - first]
            with np.errstate(over="ignore", invalid="ignore"):
                if k <= MOST_DOTS:
                    parts = {place: columns[place].part(rows, own[place]) for place in used}
                    for a, b in wanted:
                        total[a, b] += _dot(columns[a], parts[a], columns[b], parts[b])
                    continue
                for column, out in zip(columns, own, strict=True):
                    part = column.part(rows, out)
                    if part is not out:
                        out[:] = part
                total += np.dot(own, own.T)
        return total

    total = np.asarray(sum(in_strands(work, bounds_of(n, ROWS_A_STRAND))) if wanted else np.zeros((k, k)))
    for place, value in known.items():
        total[place] = value
    total = np.tril(total) + np.tril(total, -1).T
    scale = np.array([column.scale for column in columns])
    return np.asarray(total / scale[:, None] / scale)


def _dot(left: Column, own: Floats, right: Column, others: Floats) -> float:
    """The product of parts of two columns: not by matmul, which keeps other threads waiting."""
    if left.is_one:
        return float(others.sum())
    return float(own.sum() if right.is_one else np.dot(own, others))


def dots(columns: Sequence[Column], other: Column, n: int) -> Floats:
    """Products of columns with one other, shape (k,)."""

    def work(start: int, stop: int) -> Floats:
        total, buffer = np.zeros(len(columns)), np.empty((2, min(CHUNK, stop - start)))
        for first in range(start, stop, CHUNK):
            rows = slice(first, min(first + CHUNK, stop))
            mine, out = buffer[:, : rows.stop - first]
            with np.errstate(over="ignore", invalid="ignore"):
                right = other.part(rows, out)
                total += [_dot(column, column.part(rows, mine), other, right) for column in columns]
        return total

    total = np.asarray(sum(in_strands(work, bounds_of(n, ROWS_A_STRAND))))
    return np.asarray(total / np.array([column.scale for column in columns]) / other.scale)
