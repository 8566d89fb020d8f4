"""Sums of products of columns by the levels of a grouping factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mlm_widgets.linalg import Column, GroupSums

__all__ = ["LevelSums"]

Floats = npt.NDArray[np.float64]
Source = tuple[int, float, int]


class LevelSums:
    """Sums over the rows of each level; each distinct product is made once, whatever its columns are scaled by.

    `codes` (n,) are the rows' levels; `counts` (n_levels,) says how many rows each has, where that is known.
    """

    def __init__(
        self, codes: npt.NDArray[np.integer], n_levels: int, counts: npt.NDArray[np.integer] | None = None
    ) -> None:
        self.codes = codes
        self.n_levels = n_levels
        self._sums = GroupSums(codes, n_levels, counts)
        self._made: dict[frozenset[Source], Floats] = {}
        self._alive: list[Column] = []  # else another array may get the identity of one that is gone

    def products(self, left: Sequence[Column], right: Sequence[Column]) -> Floats:
        """sum_j left_a right_b by level, shape (len(left), len(right), J)."""
        self.make(left, right)
        found = np.empty((len(left), len(right), self.n_levels))
        for a, first in enumerate(left):
            for b, second in enumerate(right):
                np.divide(self._made[_key(first, second)], first.scale * second.scale, out=found[a, b])
        return found

    def make(self, left: Sequence[Column], right: Sequence[Column]) -> None:
        """Make the sums of all products that are not there yet, in one reading of the rows."""
        pairs = {_key(a, b): (a, b) for a in left for b in right}
        wanted = {key: pair for key, pair in pairs.items() if key not in self._made}
        if wanted:
            self._made.update(zip(wanted, self._sums.products(list(wanted.values())), strict=True))
            self._alive += [*left, *right]

    def total(self, first: Column, second: Column) -> float | None:
        """The sum over all rows of first * second, times their scales; None if the sums have not been made."""
        own = self._made.get(_key(first, second))
        return None if own is None else float(own.sum())


def _key(first: Column, second: Column) -> frozenset[Source]:
    return frozenset((first.source, second.source))
