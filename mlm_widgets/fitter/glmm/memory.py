"""Memory that is asked for again and again.

A pass over the rows makes arrays of their length and drops them. glibc gives arrays above a threshold back to the
system at once, which clears them page by page when they are asked for anew. The
threshold rises to the size of the largest block that was freed, up to 32 MB (mallopt(3), M_MMAP_THRESHOLD), so one
of that size is freed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

__all__ = ["keep_freed_memory"]

LARGEST = 3_900_000  # doubles: just below the 32 MB up to which the threshold rises


@cache
def keep_freed_memory() -> None:
    """Let the process keep some tens of MB that it frees; where the C library is another, nothing changes."""
    block = np.empty(LARGEST)  # its pages are never touched, so this costs microseconds
    del block
