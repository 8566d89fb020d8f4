"""Strands: parts of a long piece of work that may run at the same time.

How the work is cut depends on its size alone, and what the strands find is put together in their order. So results do
not depend on the number of processors; only the time does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

__all__ = ["bounds_of", "in_strands", "n_processors"]

T = TypeVar("T")

MOST = 4


@cache
def n_processors() -> int:
    """How many strands may run at the same time."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bounds_of(size: int, least: int) -> list[tuple[int, int]]:
    """(start, stop) of strands of `least` items or more each; one where there are too few."""
    count = max(1, min(MOST, size // least))
    return [(k * size // count, (k + 1) * size // count) for k in range(count)]


def in_strands(work: Callable[[int, int], T], bounds: Sequence[tuple[int, int]]) -> list[T]:
    """What `work` finds in each strand. It should spend its time where numpy lets other threads run."""
    if len(bounds) == 1 or n_processors() == 1:
        return [work(start, stop) for start, stop in bounds]
    with ThreadPoolExecutor(min(len(bounds), n_processors())) as pool:
        return list(pool.map(lambda own: work(*own), bounds))
