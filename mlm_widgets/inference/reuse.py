"""Identifiers of nested data that are used again: class 1 of school A and class 1 of school B.

Data alone cannot tell them from crossed factors, but three traces are left. Few levels under several parents, where
nearly all are under one, are exceptions: a slip, or somebody who moved. Parents of different numbers of levels, whose
levels are the first of one list nevertheless, have them numbered anew. So may have those that all have the whole list,
where every combination has several rows: crossed designs more often have one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ReusedLevels", "reused_levels"]

Codes = npt.NDArray[np.int64]

EXCEPTIONS = 0.2  # share of the levels under several parents, up to which they are exceptions
NUMBERED = 0.9  # share of the parents that have the first levels of the list, from which they are numbered anew
LEAST_CHILDREN = 2  # levels under a parent, on average: with one there is nothing to number


@dataclass(frozen=True, slots=True)
class ReusedLevels:
    """Levels under several parents, as places in the list of levels; whether they are exceptions, or the rule."""

    levels: tuple[int, ...]
    is_exception: bool


def reused_levels(codes: Codes, parents: Codes) -> ReusedLevels | None:
    """The levels in `codes` (n,) that seem to be used again under several of `parents` (n,); None where none do.

    Codes count the levels in their order, numbers as numbers and text by the alphabet; rows of code -1 do not count.
    """
    is_there = (codes >= 0) & (parents >= 0)
    if not is_there.any():
        return None
    width = int(codes.max()) + 1
    both, rows = np.unique(parents[is_there] * width + codes[is_there], return_counts=True)
    pairs = np.divmod(both, width)
    n_parents = np.bincount(pairs[1])
    several, present = np.flatnonzero(n_parents > 1), n_parents[n_parents > 0]
    if not len(several):
        return None
    if len(several) <= EXCEPTIONS * len(present):
        return ReusedLevels(tuple(several.tolist()), True)
    children = np.bincount(pairs[0])
    children = children[children > 0]
    if children.mean() < LEAST_CHILDREN or np.median(rows) < 2:
        return None
    ranks = np.cumsum(np.bincount(codes[is_there]) > 0) - 1
    last = np.zeros(int(pairs[0].max()) + 1, dtype=np.int64)
    np.maximum.at(last, pairs[0], ranks[pairs[1]])
    last = last[np.bincount(pairs[0]) > 0]
    is_first = last + 1 == children  # as many as the place of the last: none of the list is left out
    return ReusedLevels(tuple(several.tolist()), False) if is_first.mean() >= NUMBERED else None
