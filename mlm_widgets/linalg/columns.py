"""Columns that are made a chunk of rows at a time: shifted and weighted copies of the data are never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["ONE", "Column", "chunks", "cross_products", "dots"]

Floats = npt.NDArray[np.float64]

CACHED = 200_000  # numbers that stay in cache
LEAST_CHUNK, MOST_CHUNK = 1_024, 65_536  # rows of a chunk
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
    source : object
        The same for columns that are multiples of each other.
    """

    values: Floats | None = None
    centre: float = 0.0
    scale: float = 1.0
    root: Floats | None = None
    source: object = field(default_factory=object, repr=False)

    def with_scale(self, scale: float) -> Column:
        """The column divided by another number."""
        return Column(self.values, self.centre, scale, self.root, self.source)

    @property
    def is_one(self) -> bool:
        """Whether it is the column of ones."""
        return self.values is None and self.root is None

    def part(self, rows: slice) -> Floats:
        """Some rows of it times `scale`: sums of products are divided by the scales when they are there."""
        if self.values is None:
            return np.broadcast_to(1.0, rows.stop - rows.start) if self.root is None else self.root[rows]
        own = self.values[rows]
        if self.centre != 0.0:
            own = own - self.centre
        return own if self.root is None else own * self.root[rows]

    def stored(self, n: int) -> Floats:
        """The column as an array, shape (n,)."""
        return np.asarray(self.part(slice(0, n)) / self.scale)


ONE = Column()


def chunks(n: int, width: int) -> Iterator[slice]:
    """Rows 0 to n in parts of which `width` columns stay in cache."""
    size = min(MOST_CHUNK, max(LEAST_CHUNK, CACHED // max(width, 1)))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def cross_products(columns: Sequence[Column], n: int, known: Mapping[tuple[int, int], float] | None = None) -> Floats:
    """Products of all columns with each other, shape (k, k).

    Those of `known`, by places (a, b), a >= b, have been found in another way: for scales of one.
    """
    k, known = len(columns), known or {}
    wanted = [(a, b) for a in range(k) for b in range(a + 1) if (a, b) not in known]
    used = {place for pair in wanted for place in pair}
    total = np.zeros((k, k))
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in chunks(n, k) if wanted else ():
            if k <= MOST_DOTS:
                parts = {place: columns[place].part(rows) for place in used}
                for a, b in wanted:
                    total[a, b] += _dot(columns[a], parts[a], columns[b], parts[b])
            else:
                stacked = np.array([column.part(rows) for column in columns])
                total += stacked @ stacked.T
    for a, b in wanted:
        total[b, a] = total[a, b]
    for (a, b), value in known.items():
        total[a, b] = total[b, a] = value
    scale = np.array([column.scale for column in columns])
    return np.asarray(total / scale[:, None] / scale)


def _dot(left: Column, own: Floats, right: Column, others: Floats) -> float:
    """The product of parts of two columns."""
    if left.is_one:
        return float(others.sum())
    return float(own.sum() if right.is_one else own @ others)


def dots(columns: Sequence[Column], other: Column, n: int) -> Floats:
    """Products of columns with one other, shape (k,)."""
    total = np.zeros(len(columns))
    for rows in chunks(n, 3):
        right = other.part(rows)
        total += [_dot(column, column.part(rows), other, right) for column in columns]
    return np.asarray(total / np.array([column.scale for column in columns]) / other.scale)
