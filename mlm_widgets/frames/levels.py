"""Whole numbers as a factor: codes and levels.

Identifiers may be many: what are codes already (0, 1, 2, ...) is not copied, and the levels' text is made when somebody
asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__all__ = ["Codes", "IntegerLevels", "Levels", "codes_of_integers"]

Codes = npt.NDArray[np.int64]

Levels = Sequence[str]
"""Level names; a tuple, or what is equal to one."""

CHUNK = 65_536  # rows that stay in cache


class IntegerLevels(Sequence[str]):
    """Whole numbers as level names: a tuple of text that is not there before it is looked at.

    `counts` (J,) is how often each occurs in its column.
    """

    def __init__(self, values: npt.NDArray[Any], counts: npt.NDArray[np.intp]) -> None:
        self._values = values
        self.counts = counts

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(map(str, self._values.tolist()))

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...

    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return self._texts[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, (tuple, IntegerLevels)) and self._texts == tuple(other))

    def __hash__(self) -> int:
        return hash(self._texts)

    def __repr__(self) -> str:
        return repr(self._texts)


def codes_of_integers(values: npt.NDArray[Any]) -> tuple[Codes, Levels]:
    """Codes, shape (n,), and levels.

    By runs where the values rise; by a table where they lie close together, as identifiers do; else by sorting.
    """
    starts = _starts_of_rising_runs(values)
    if starts is not None:
        levels, counts = values[starts], np.diff(starts, append=len(values))
        is_coded = levels[0] == 0 and levels[-1] == len(levels) - 1
        codes = values.astype(np.int64, copy=False) if is_coded else np.repeat(np.arange(len(levels)), counts)
        return codes, IntegerLevels(levels, counts)
    least, most = _range(values)
    if most - least > 4 * len(values) + 1000:
        levels, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        return codes.astype(np.int64), IntegerLevels(levels, counts)
    places = (values - values.dtype.type(least) if least else values).astype(np.intp, copy=False)
    counts = np.bincount(places)
    used = np.flatnonzero(counts)
    codes = places if len(used) == len(counts) else (np.cumsum(counts > 0) - 1)[places]
    return codes.astype(np.int64, copy=False), IntegerLevels(used + least, counts[used])


def _starts_of_rising_runs(values: npt.NDArray[Any]) -> npt.NDArray[np.intp] | None:
    """Where each value begins, if no value is less than the one before it; None at the first that is."""
    found = [np.zeros(1, dtype=np.intp)]
    for start in range(0, len(values) - 1, CHUNK):
        own = values[start : start + CHUNK + 1]
        changes = np.flatnonzero(own[1:] != own[:-1])
        if np.any(own[changes + 1] < own[changes]):
            return None
        found.append(changes + (start + 1))
    return np.concatenate(found)


def _range(values: npt.NDArray[Any]) -> tuple[int, int]:
    chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    return min(int(own.min()) for own in chunks), max(int(own.max()) for own in chunks)
