"""Sums of products of columns by the levels of a grouping factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mlm_widgets.linalg import Column, GroupSums

__all__ = ["LevelSums"]

Floats = npt.NDArray[np.float64]


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
        self._made: dict[frozenset[object], Floats] = {}

    def products(self, left: Sequence[Column], right: Sequence[Column]) -> Floats:
        """sum_j left_a right_b by level, shape (len(left), len(right), J)."""
        found = np.empty((len(left), len(right), self.n_levels))
        for own, first, sums in zip(found, left, self._sums_of(left, right), strict=True):
            for out, second, total in zip(own, right, sums, strict=True):
                np.divide(total, first.scale * second.scale, out=out)
        return found

    def totals(self, left: Sequence[Column], right: Sequence[Column]) -> Floats:
        """The sums over all rows of left_a right_b, times their scales, shape (len(left), len(right))."""
        return np.array([[own.sum() for own in sums] for sums in self._sums_of(left, right)])

    def _sums_of(self, left: Sequence[Column], right: Sequence[Column]) -> list[list[Floats]]:
        """The sums of all products; those that are not there yet are made in one reading of the rows."""
        keys = [[frozenset((first.source, second.source)) for second in right] for first in left]
        pairs = {key: (a, b) for own, a in zip(keys, left, strict=True) for key, b in zip(own, right, strict=True)}
        wanted = [key for key in pairs if key not in self._made]
        if wanted:
            self._made.update(zip(wanted, self._sums.products([pairs[key] for key in wanted]), strict=True))
        return [[self._made[key] for key in own] for own in keys]
