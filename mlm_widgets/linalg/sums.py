"""Sums over rows: cross products and sums by group. All that a linear mixed model needs of its data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["GroupSums", "cross_product", "dot_products"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CHUNK = 16_384  # rows whose columns stay in cache: three times faster than one skinny matrix product


def cross_product(W: Floats) -> Floats:
    """W'W for W (n, k), by chunks of rows."""
    total = np.zeros((W.shape[1], W.shape[1]))
    for start in range(0, len(W), CHUNK):
        part = W[start : start + CHUNK]
        total += part.T @ part
    return total


def dot_products(columns: Sequence[Floats]) -> Floats:
    """The cross products of contiguous columns (n,), shape (k, k)."""
    k = len(columns)
    total = np.empty((k, k))
    for a in range(k):
        for b in range(a + 1):
            total[a, b] = total[b, a] = columns[a] @ columns[b]
    return total


class GroupSums:
    """Sums by group, `codes` (n,) naming the group of each row.

    Rows that lie together by group are added in place; others go through a counting sum.
    """

    def __init__(self, codes: Codes, n_groups: int) -> None:
        self.codes = codes
        self.n_groups = n_groups

    @cached_property
    def _starts(self) -> npt.NDArray[np.intp] | None:
        """Where each group begins, if rows lie together by group, in order, and none is empty."""
        starts = np.flatnonzero(self.codes[1:] != self.codes[:-1]) + 1
        if len(starts) + 1 != self.n_groups or not np.array_equal(self.codes[starts], np.arange(1, self.n_groups)):
            return None
        return np.concatenate([[0], starts])

    def counts(self) -> Floats:
        """Number of rows by group, shape (n_groups,)."""
        if self._starts is not None:
            return np.diff(self._starts, append=len(self.codes)).astype(np.float64)
        return np.bincount(self.codes, minlength=self.n_groups).astype(np.float64)

    def of(self, values: Floats) -> Floats:
        """Sums of `values` (n,) by group, shape (n_groups,)."""
        if self._starts is not None:
            return np.add.reduceat(values, self._starts)
        return np.bincount(self.codes, weights=values, minlength=self.n_groups).astype(np.float64, copy=False)
