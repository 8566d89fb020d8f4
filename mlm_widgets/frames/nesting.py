"""Which columns are constant within which groups, and so the level that each column belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["is_constant_within", "longest_chain"]

Codes = npt.NDArray[np.int64]


def is_constant_within(values: npt.NDArray[Any], codes: Codes) -> bool:
    """Whether rows of one group have one value; numbers may differ by rounding. Rows of code -1 do not count."""
    if (codes < 0).any():
        values, codes = values[codes >= 0], codes[codes >= 0]
    if len(codes) == 0:
        return True
    first = np.empty(int(codes.max()) + 1, dtype=values.dtype)
    first[codes[::-1]] = values[::-1]
    if values.dtype.kind != "f":
        return bool(np.array_equal(values, first[codes]))
    reach = 1e-12 * float(np.nanmax(np.abs(values), initial=0.0))
    return bool(np.allclose(values, first[codes], rtol=0, atol=reach, equal_nan=True))


def longest_chain(found: Iterable[int], nested: set[tuple[int, int]]) -> int:
    """The size of the largest set of groupings in `found` of which every two are nested one in the other.

    Two that are nested both ways are one grouping under two names.
    """
    found = list(found)
    for size in range(len(found), 0, -1):
        for chain in combinations(found, size):
            if all(((f, g) in nested) != ((g, f) in nested) for f, g in combinations(chain, 2)):
                return size
    return 0
