"""In which order the grouping factors beside the leading one are eliminated, and where each number is kept.

The graph: levels are nodes, two are joined where the leading factor's levels (or a row) hold both. Eliminating a level
joins its neighbours. Factors whose levels are not joined among themselves, as all of a chain a/b/c are once those
below were eliminated, go as a whole: their levels are *fronts* of the same shape, one a lane. What remains goes in
minimum-degree order, and levels with common neighbours make one dense front (George & Liu 1981; Liu 1992, SIAM Review
34(1), the multifrontal method; Davis 2006, chapters 4 and 7).

A front holds its own columns (*pivots*) and those that they are joined to; the latter lie in its parent's front too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.fitter.trees import OVERHEAD, TreeFront, cost_of, tree_fronts

__all__ = ["Elimination", "Levels", "Stage", "eliminate"]

Ints = npt.NDArray[np.intp]

MOST_JOINED = 16  # columns beside a level's own up to which lanes are quicker than matrix products
LEAST_LANES = 16  # levels of one factor for which lanes are worth while


@dataclass(frozen=True, slots=True)
class Stage:
    """Fronts of one shape that are eliminated together: lanes, or one dense front.

    Attributes
    ----------
    columns : ndarray (k + r, B)
        The columns of each front, its pivots first.
    n_pivots : int
        k.
    parts : tuple of (grouping, slice)
        The pivots of each grouping factor.
    is_dense : bool
    offset : int
        Where the fronts begin in the store, (k + r, k + r, B).
    above, beside : ndarray (r, B)
        The place of entry (i, j) of what is passed on to the parents' fronts is above[i] + beside[j].
    """

    columns: Ints
    n_pivots: int
    parts: tuple[tuple[int, slice], ...]
    is_dense: bool
    offset: int
    above: Ints
    beside: Ints

    @property
    def size(self) -> int:
        """Entries in the store."""
        n, B = self.columns.shape
        return n * n * B


@dataclass(frozen=True)
class Elimination:
    """Stages in order, and the places of pairs of columns.

    Attributes
    ----------
    stages : tuple of Stage
    n_entries : int
        Of the store: all fronts.
    front : ndarray (m,)
        The front in which a column is a pivot.
    local : ndarray (m,)
        Its place among the front's columns.
    shapes : ndarray (n_fronts, 3)
        Offset of the front's first entry, its number of columns, and the number of lanes.
    keys, locals : ndarray
        front * m + column of all columns of all fronts, sorted, and their places in the fronts.
    """

    stages: tuple[Stage, ...]
    n_entries: int
    front: Ints
    local: Ints
    shapes: Ints
    keys: Ints
    locals: Ints

    @property
    def cost(self) -> float:
        """Multiplications of an evaluation, and what stands for the rest of its work."""
        shapes = [(stage.n_pivots, len(stage.above), stage.columns.shape[1]) for stage in self.stages]
        return sum(OVERHEAD + (cost_of(k, r) - OVERHEAD) * lanes for k, r, lanes in shapes)

    def places(self, first: Ints, second: Ints) -> Ints:
        """Where the store keeps the entry of two columns that are joined."""
        own = np.minimum(self.front[first], self.front[second])  # fronts are numbered in order of elimination
        i, j = self._within(own, first), self._within(own, second)
        is_swapped = (self.front[first] != own) | ((self.front[second] == own) & (i < j))
        i, j = np.where(is_swapped, j, i), np.where(is_swapped, i, j)
        offset, n, lanes = self.shapes[own].T
        return offset + (i * n + j) * lanes

    def _within(self, front: Ints, column: Ints) -> Ints:
        found = self.local[column]
        is_other = self.front[column] != front
        keys = front[is_other] * len(self.front) + column[is_other]
        place = np.searchsorted(self.keys, keys)
        assert np.array_equal(self.keys[place], keys)
        found[is_other] = self.locals[place]
        return found


@dataclass(frozen=True, slots=True)
class _Shape:
    """A stage before its parents are known."""

    columns: Ints
    n_pivots: int
    parts: tuple[tuple[int, slice], ...]
    is_dense: bool


@dataclass(frozen=True)
class Levels:
    """The nodes: levels of the groupings beside the leading one.

    Attributes
    ----------
    grouping, width, start : ndarray (n_levels,)
        The grouping of a level, its number of columns, and the first of them.
    """

    grouping: Ints
    width: Ints
    start: Ints

    @cached_property
    def n_columns(self) -> int:
        """m."""
        return int(self.width.sum())

    def columns(self, levels: Ints) -> Ints:
        """All columns of `levels`, one level's after another's."""
        width = self.width[levels]
        ends = np.cumsum(width)
        return np.arange(int(width.sum())) + np.repeat(self.start[levels] - ends + width, width)


def eliminate(levels: Levels, graph: sparse.csr_array, most_entries: float) -> Elimination | None:
    """The plan for levels joined as in `graph` (n_levels, n_levels); None where it has more than `most_entries`."""
    is_left = np.ones(len(levels.grouping), dtype=bool)
    shapes: list[_Shape] = []
    graph = _without_diagonal(graph)
    while True:
        own = _next_lanes(levels, graph, is_left)
        if own is None:
            break
        shapes += _lane_shapes(levels, graph, own)
        is_left[own] = False
        graph = _eliminated(graph, own, is_left)
    left = np.flatnonzero(is_left)
    if len(left):
        room = most_entries - sum(float(len(s.columns)) ** 2 * s.columns.shape[1] for s in shapes)
        fronts = tree_fronts(sparse.csr_array(graph[left][:, left]), levels.width[left], room)
        if fronts is None:
            return None
        shapes += [_dense_shape(levels, left, front) for front in fronts]
    if sum(float(len(s.columns)) ** 2 * s.columns.shape[1] for s in shapes) > most_entries:
        return None
    return _placed(shapes, levels.n_columns)


def _without_diagonal(graph: sparse.csr_array) -> sparse.csr_array:
    entries = graph.tocoo()
    is_off = entries.row != entries.col
    row, column = entries.row[is_off], entries.col[is_off]
    return sparse.csr_array((np.ones(len(row), dtype=np.int32), (row, column)), shape=graph.shape)


def _next_lanes(levels: Levels, graph: sparse.csr_array, is_left: npt.NDArray[np.bool_]) -> Ints | None:
    """Levels of one factor that are not joined among themselves and to few others; of the largest such factor."""
    counts = np.bincount(levels.grouping[is_left])
    for f in np.argsort(-counts, kind="stable"):
        own = np.flatnonzero(is_left & (levels.grouping == f))
        if len(own) < LEAST_LANES:
            return None
        rows = graph[own]
        if np.any(levels.grouping[rows.indices] == f):
            continue
        own = own[rows @ levels.width <= MOST_JOINED]
        if len(own) >= LEAST_LANES:
            return own
    return None


def _lane_shapes(levels: Levels, graph: sparse.csr_array, own: Ints) -> Iterator[_Shape]:
    """Stages of `own`, one for each number of columns that they are joined to."""
    rows = graph[own]
    f, q = int(levels.grouping[own[0]]), int(levels.width[own[0]])
    joined = levels.columns(rows.indices.astype(np.intp))
    n_joined = np.asarray(rows @ levels.width)
    begins = np.cumsum(n_joined) - n_joined
    for r in np.unique(n_joined):
        mine = np.flatnonzero(n_joined == r)
        pivots = levels.start[own[mine]] + np.arange(q)[:, None]
        beside = joined[begins[mine] + np.arange(r)[:, None]]
        yield _Shape(np.concatenate([pivots, beside]), q, ((f, slice(0, q)),), is_dense=False)


def _eliminated(graph: sparse.csr_array, own: Ints, is_left: npt.NDArray[np.bool_]) -> sparse.csr_array:
    """The graph without `own`, whose neighbours are joined."""
    rows = graph[own]
    entries = graph.tocoo()
    keep = is_left[entries.row] & is_left[entries.col]
    left = sparse.csr_array((entries.data[keep], (entries.row[keep], entries.col[keep])), shape=graph.shape)
    rows.data[:] = 1
    return _without_diagonal(sparse.csr_array(left + rows.T @ rows))


def _dense_shape(levels: Levels, left: Ints, front: TreeFront) -> _Shape:
    pivots = left[np.array(front.pivots, dtype=np.intp)]
    pivots = pivots[np.argsort(levels.grouping[pivots], kind="stable")]
    columns = levels.columns(np.concatenate([pivots, left[front.joined]]))
    parts, place = [], 0
    for f in np.unique(levels.grouping[pivots]):
        size = int(levels.width[pivots[levels.grouping[pivots] == f]].sum())
        parts.append((int(f), slice(place, place + size)))
        place += size
    return _Shape(columns[:, None], place, tuple(parts), is_dense=True)


def _placed(shapes: list[_Shape], m: int) -> Elimination:
    """Stages with their places in the store."""
    lanes = np.array([shape.columns.shape[1] for shape in shapes])
    sizes = np.array([len(shape.columns) for shape in shapes])
    offsets = np.concatenate([[0], np.cumsum(sizes * sizes * lanes)])
    numbers = np.concatenate([[0], np.cumsum(lanes)])
    front, local = np.empty(m, dtype=np.intp), np.empty(m, dtype=np.intp)
    table = np.empty((int(numbers[-1]), 3), dtype=np.intp)
    for number, shape in enumerate(shapes):
        own = np.arange(numbers[number], numbers[number + 1])
        pivots = shape.columns[: shape.n_pivots]
        front[pivots], local[pivots] = own, np.arange(len(pivots))[:, None]
        table[own, 0] = offsets[number] + own - own[0]
        table[own, 1], table[own, 2] = sizes[number], lanes[number]
    keys = np.concatenate([((numbers[k] + np.arange(lanes[k])) * m + s.columns).ravel() for k, s in enumerate(shapes)])
    places = np.concatenate([np.repeat(np.arange(len(s.columns)), s.columns.shape[1]) for s in shapes])
    order = np.argsort(keys, kind="stable")
    plan = Elimination((), int(offsets[-1]), front, local, table, keys[order], places[order])
    stages = tuple(_stage(plan, shape, int(offset)) for shape, offset in zip(shapes, offsets[:-1], strict=True))
    return Elimination(stages, plan.n_entries, front, local, table, plan.keys, plan.locals)


def _stage(plan: Elimination, shape: _Shape, offset: int) -> Stage:
    joined = shape.columns[shape.n_pivots :]
    if len(joined) == 0:
        return Stage(shape.columns, shape.n_pivots, shape.parts, shape.is_dense, offset, joined, joined)
    parent = np.broadcast_to(plan.front[joined].min(axis=0), joined.shape)
    within = plan._within(parent.ravel(), joined.ravel()).reshape(joined.shape)
    start, n, lanes = plan.shapes[parent[0]].T
    return Stage(
        shape.columns, shape.n_pivots, shape.parts, shape.is_dense, offset, start + within * n * lanes, within * lanes
    )
