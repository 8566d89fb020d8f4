"""How the grouping factors beside the leading one are kept: as one dense matrix, or by the entries that are not zero.

What an evaluation costs either way, and the memory it takes, follow from the graph of levels that meet, before
anything is computed.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.crossing import Crossing, Pairs, build_crossing
from mlm_widgets.fitter.elimination import Levels, eliminate
from mlm_widgets.fitter.sparse_crossing import SparseCrossing

__all__ = ["build_trailing", "meetings"]

Ints = npt.NDArray[np.intp]

SMALL = 100  # columns up to which a dense matrix is quicker than looking for a better way
MOST_COUPLES = 500_000_000  # pairs of columns that meet, counted again at each level: more are not listed
DENSE_BYTES = 48  # an entry of a dense matrix and of those made from it
SPARSE_BYTES = 40  # an entry of a plan's store and of what is made from it
UNKNOWN_MEMORY = 8 * 2**30


def build_trailing(pairs: Pairs, A22: sparse.csr_array, levels: Levels) -> Crossing | SparseCrossing:
    """Products with the pairs, as they suit the design.

    Raises
    ------
    FitError
        If neither form fits in the computer's memory.
    """
    m = levels.n_columns
    if m <= SMALL:
        return build_crossing(pairs, m)
    memory = _memory()
    dense_memory = DENSE_BYTES * float(m) ** 2
    sizes = np.diff(pairs.pointers).astype(np.float64)
    couples = float((sizes * (sizes + 1) / 2).sum())
    if couples < (float(m) ** 2 / 2 if dense_memory <= memory else MOST_COUPLES):
        plan = eliminate(levels, meetings(pairs, A22, levels), memory / SPARSE_BYTES)
        if plan is not None and (dense_memory > memory or plan.cost < _dense_cost(m)):
            return SparseCrossing(pairs, A22, plan)
    if dense_memory > memory:
        raise _too_large(levels, dense_memory, memory)
    return build_crossing(pairs, m)


def _dense_cost(m: int) -> float:
    return float(m) ** 3 / 3 + 20.0 * float(m) ** 2


def meetings(pairs: Pairs, A22: sparse.csr_array, levels: Levels) -> sparse.csr_array:
    """Which levels meet, in a level of the leading factor or in a row."""
    own = np.repeat(np.arange(len(levels.width)), levels.width)
    n = len(levels.width)
    shape = (len(pairs.pointers) - 1, n)
    meets = sparse.csr_array((np.ones(len(pairs.column), dtype=np.int32), own[pairs.column], pairs.pointers), shape)
    rows = A22.tocoo()
    beside = sparse.csr_array((np.ones(rows.nnz, dtype=np.int32), (own[rows.row], own[rows.col])), shape=(n, n))
    return sparse.csr_array(meets.T @ meets + beside)


def _memory() -> float:
    """Bytes that a fit may take: half of what the computer has."""
    try:
        return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on every system
        return 0.5 * UNKNOWN_MEMORY


def _too_large(levels: Levels, needed: float, memory: float) -> FitError:
    return FitError(
        f"The grouping factors beside the largest have {levels.n_columns:,} random effects in all, and nearly all of "
        f"them meet: a fit would take about {needed / 2**30:,.1f} GB of memory, and {memory / 2**30:,.1f} GB may be "
        "used here.",
        hint="Use fewer levels or fewer random slopes in the smaller grouping factors, or part of the rows.",
    )
