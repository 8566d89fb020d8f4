"""The order in which levels that have no order of their own are eliminated, and which of them make one front.

Minimum degree gives the order; levels with the same neighbours make a front, and small fronts are merged where
beginning one more would cost more than the zeros that come in (Liu 1992, SIAM Review 34(1), sections 2 and 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import spilu

__all__ = ["OVERHEAD", "TreeFront", "cost_of", "tree_fronts"]

Ints = npt.NDArray[np.intp]

OVERHEAD = 300_000  # what beginning a dense front costs, in multiplications
TRAFFIC = 20  # what an entry of a dense front costs, in multiplications


@dataclass(slots=True)
class TreeFront:
    """A dense front while fronts are merged: levels by number in the order of elimination."""

    pivots: list[int]
    joined: Ints
    children: list[TreeFront] = field(default_factory=list)
    n_pivots: int = 0
    n_joined: int = 0

    @property
    def cost(self) -> float:
        """Multiplications, and what stands for the rest of the work."""
        return cost_of(self.n_pivots, self.n_joined)


def cost_of(k: int, r: int) -> float:
    """Multiplications with a front of k pivots and r joined columns, and what stands for the rest of the work."""
    return k**3 / 3 + float(k) * k * r + float(k) * r * r + OVERHEAD + TRAFFIC * float(k + r) ** 2


def _minimum_degree(graph: sparse.csr_array) -> Ints:
    """The order of elimination; SuperLU has it, and an incomplete factorisation that drops all gives it cheaply."""
    n = graph.shape[0]
    matrix = sparse.csc_array(graph.astype(np.float64) * -1.0 + sparse.eye_array(n) * 1e9)
    options = {"SymmetricMode": True}
    found = spilu(
        matrix, drop_tol=1.0, fill_factor=1.0, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
    )
    return np.argsort(found.perm_c)


def tree_fronts(graph: sparse.csr_array, levels_width: Ints, room: float) -> list[TreeFront] | None:
    """Fronts of all levels of `graph`, in order of elimination; None where they take more than `room` entries."""
    order = _minimum_degree(graph)
    width = levels_width[order]
    permuted = graph[order][:, order]
    roots = _elimination_tree(permuted, width, room)
    if roots is None:
        return None
    fronts: list[TreeFront] = []
    stack = _merged_siblings(roots, width)
    while stack:
        front = stack.pop()
        fronts.append(front)
        stack += front.children
    fronts.reverse()  # children first
    for front in fronts:
        front.pivots = order[front.pivots].tolist()
        front.joined = order[front.joined]
    return fronts


def _elimination_tree(graph: sparse.csr_array, width: Ints, room: float) -> list[TreeFront] | None:
    """Fronts by symbolic elimination, small ones merged where that saves time; the roots of the trees."""
    n = graph.shape[0]
    waiting: list[list[TreeFront]] = [[] for _ in range(n)]
    is_joined = np.zeros(n, dtype=bool)
    roots: list[TreeFront] = []
    pointers, indices = graph.indptr, graph.indices
    entries = 0.0
    for j in range(n):
        children = waiting[j]
        waiting[j] = []
        own = indices[pointers[j] : pointers[j + 1]]
        own = own[own > j]
        if len(children) == 1 and np.all(np.isin(own, children[0].joined, assume_unique=True)):
            # the only child's columns are this level's too: one front without an entry more
            front = children[0]
            front.pivots.append(j)
            front.joined = front.joined[1:]
            front.n_pivots += int(width[j])
            front.n_joined -= int(width[j])
        else:
            is_joined[own] = True
            for child in children:
                is_joined[child.joined] = True
            joined = j + 1 + np.flatnonzero(is_joined[j + 1 :])
            is_joined[joined] = False
            is_joined[j] = False
            front = TreeFront([j], joined, children, int(width[j]), int(width[joined].sum()))
        entries += float(width[j]) * front.n_joined
        if entries > room:
            return None
        if len(front.joined):
            waiting[int(front.joined[0])].append(front)
        else:
            roots.append(front)
    for root in roots:
        _merge_into_parents(root, width)
    return roots


def _merge_into_parents(root: TreeFront, width: Ints) -> None:
    """Children into parents, and siblings with one another, from below."""
    stack, order = [root], []
    while stack:
        front = stack.pop()
        order.append(front)
        stack += front.children
    for front in reversed(order):
        kept: list[TreeFront] = []
        for child in front.children:
            joint = cost_of(front.n_pivots + child.n_pivots, front.n_joined)
            if joint <= front.cost + child.cost:
                front.pivots = child.pivots + front.pivots
                front.n_pivots += child.n_pivots
                kept += child.children
            else:
                kept.append(child)
        front.children = _merged_siblings(kept, width)


def _merged_siblings(fronts: list[TreeFront], width: Ints) -> list[TreeFront]:
    """Fronts under one parent (or none), small ones together."""
    found: list[TreeFront] = []
    for front in sorted(fronts, key=lambda each: each.n_pivots + each.n_joined):
        if found:
            last = found[-1]
            joined = np.union1d(last.joined, front.joined)
            n_joined = int(width[joined].sum())
            if cost_of(last.n_pivots + front.n_pivots, n_joined) <= last.cost + front.cost:
                last.pivots = last.pivots + front.pivots
                last.n_pivots += front.n_pivots
                last.joined, last.n_joined = joined, n_joined
                last.children = last.children + front.children
                continue
        found.append(front)
    return found
