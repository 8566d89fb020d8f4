"""Design -> the sums that a linear mixed model depends on, in the coordinates of the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.design import Design, Grouping
from mlm_widgets.errors import FitError
from mlm_widgets.fitter.coordinates import Coordinates, Scaling, centred_design
from mlm_widgets.fitter.crossing import Crossing, Pairs
from mlm_widgets.fitter.elimination import Levels
from mlm_widgets.fitter.levels import LevelSums
from mlm_widgets.fitter.sparse_crossing import SparseCrossing
from mlm_widgets.fitter.template import Template, build_template
from mlm_widgets.fitter.trailing import build_trailing
from mlm_widgets.linalg import Column

__all__ = ["Problem", "build_problem", "check_sizes", "outcome_problem", "rest_levels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

TILE = 163_840  # entries of [A_j W_j] that are gone through at a time
LEAST_TILE = 1_024  # lanes
NO_REST = sparse.csr_array((0, 0))  # of one grouping factor; to make one takes longer than the sums of a small model
MAX_TABLE = 40_000_000  # pairs of levels that a table may have; above, keys are sorted


@dataclass(frozen=True)
class Problem:
    """The sums of a model (MATH: A_j = Z_j'Z_j, W_j = Z_j'[X y], N = [X y]'[X y]), and how to read them.

    Attributes
    ----------
    n_obs, rank : int
    reml : bool
    groupings : tuple of Grouping
        By decreasing number of levels, as lme4 orders them.
    source : tuple of int
        Place of each grouping in the design.
    lead : int
        Place of the grouping with the most random effects: it is absorbed, the others form the trailing block.
    templates : tuple of Template
    AW : ndarray (q, q + p + 1, J)
        [A_j W_j] of the leading factor; `A` and `W` are parts of it.
    N : ndarray (p + 1, p + 1)
    A22 : sparse array (m, m), W2 : ndarray (m, p + 1)
        Z_2'Z_2 and Z_2'[X y] of the rest, level after level of factor after factor.
    pairs : Pairs or None
    crossing : Crossing, SparseCrossing or None
        Products with the pairs, as they suit a dense or a sparse trailing block.
    offsets : tuple of int
        Where each grouping's columns begin in the trailing block; -1 for the leading one.
    scaling : Scaling
    kept : ndarray (rank,)
        Columns of X that are not linear combinations of those before them.
    log_weights : float
        Sum of the logarithms of the prior weights, relative to their mean.
    weight_scale : float
        Mean of the prior weights.
    """

    n_obs: int
    rank: int
    reml: bool
    groupings: tuple[Grouping, ...]
    source: tuple[int, ...]
    lead: int
    templates: tuple[Template, ...]
    AW: Floats
    N: Floats
    A22: sparse.csr_array
    W2: Floats
    pairs: Pairs | None
    crossing: Crossing | SparseCrossing | None
    offsets: tuple[int, ...]
    scaling: Scaling
    kept: Ints
    log_weights: float
    weight_scale: float

    @property
    def A(self) -> Floats:
        """Z_j'Z_j of the leading factor, (q, q, J)."""
        return self.AW[:, : len(self.AW)]

    @property
    def W(self) -> Floats:
        """Z_j'[X y] of the leading factor, (q, p + 1, J)."""
        return self.AW[:, len(self.AW) :]

    @cached_property
    def tiles(self) -> list[Floats]:
        """Parts of `AW` whose lanes stay in cache; one part where a rest is to be absorbed."""
        q, k, J = self.AW.shape
        width = max(LEAST_TILE, TILE // (q * k))
        if self.crossing is not None or width >= J:
            return [self.AW]
        return [np.ascontiguousarray(self.AW[:, :, start : start + width]) for start in range(0, J, width)]

    @property
    def degrees(self) -> int:
        """N - p for REML, n for ML: what sigma^2 is divided by."""
        return self.n_obs - self.rank if self.reml else self.n_obs

    @cached_property
    def pair_matrices(self) -> list[tuple[sparse.csr_array, sparse.csc_array]]:
        """Z_1'Z_2, a sparse (J, m) matrix for each column of the leading factor's basis, and its transpose."""
        assert self.pairs is not None
        shape = (self.AW.shape[2], len(self.W2))
        pairs = self.pairs
        found = [sparse.csr_array((values, pairs.column, pairs.pointers), shape=shape) for values in pairs.values]
        return [(matrix, matrix.T) for matrix in found]

    @cached_property
    def slices(self) -> list[slice]:
        """The part of theta that belongs to each grouping."""
        end = 0
        return [slice(end, end := end + len(template.row)) for template in self.templates]

    def columns(self, f: int) -> slice:
        """The columns of grouping f in the trailing block."""
        return slice(self.offsets[f], self.offsets[f] + len(self.groupings[f].levels) * self.templates[f].q)


def build_problem(
    design: Design, reml: bool, coordinates: Coordinates | None = None, *, has_residual: bool = True
) -> Problem:
    """The sums of `design`, whose columns may be in `coordinates` already; see `prepare` for `has_residual`.

    Raises
    ------
    FitError
        If there are more effects than rows, or more levels of crossed factors than fit in memory.
    """
    order = _order([len(grouping.levels) for grouping in design.spec.groupings])
    groupings = tuple(design.spec.groupings[f] for f in order)
    if has_residual:
        check_sizes(design)
    coordinates = coordinates or centred_design(design)
    Z = [coordinates.Z[f] for f in order]
    sums = [coordinates.sums[f] for f in order]
    lead = int(np.argmax([len(g.levels) * len(g.names) for g in groupings]))
    outcome = [*coordinates.X, coordinates.y]
    offsets = _offsets(groupings, lead)
    rest = [f for f in range(len(order)) if f != lead]
    pairs = _pairs(sums, Z, offsets, lead, rest) if rest else None
    A22, W2 = _rest_sums(sums, Z, outcome, offsets, rest)
    crossing = None if pairs is None else build_trailing(pairs, A22, rest_levels(groupings, lead))
    return Problem(
        n_obs=design.n_obs,
        rank=len(coordinates.kept),
        reml=reml,
        groupings=groupings,
        source=tuple(order),
        lead=lead,
        templates=tuple(build_template(g, coordinates.H[f]) for g, f in zip(groupings, order, strict=True)),
        AW=sums[lead].products(Z[lead], [*Z[lead], *outcome]),
        N=coordinates.N,
        A22=A22,
        W2=W2,
        pairs=pairs,
        crossing=crossing,
        offsets=tuple(offsets),
        scaling=coordinates.scaling,
        kept=coordinates.kept,
        log_weights=coordinates.log_weights,
        weight_scale=coordinates.weight_scale,
    )


def outcome_problem(problem: Problem, coordinates: Coordinates, design: Design) -> Problem:
    """The same problem with the outcome of `coordinates` and `design`."""
    AW, W2 = problem.AW.copy(), problem.W2.copy()
    for f, source in enumerate(problem.source):
        levels = len(problem.groupings[f].levels)
        sums = LevelSums(design.codes[source], levels).products(coordinates.Z[source], [coordinates.y])[:, 0]
        if f == problem.lead:
            AW[:, -1] = sums
        else:
            W2[problem.offsets[f] : problem.offsets[f] + sums.size, -1] = sums.T.ravel()
    return replace(problem, AW=AW, W2=W2, N=coordinates.N, scaling=coordinates.scaling)


def check_sizes(design: Design) -> None:
    """Raise where there are more effects than rows can carry."""
    n, p = design.n_obs, len(design.fixed)
    if n <= p:
        raise FitError(
            f"There are {n:,} rows for {p:,} fixed effects: at least {p + 1:,} rows are needed.",
            hint="Use fewer predictors, or more data.",
        )
    for grouping in design.spec.groupings:
        for block in grouping.blocks:
            effects = len(grouping.levels) * len(block.columns)
            if effects >= n:
                raise FitError(
                    f"{n:,} rows cannot carry {effects:,} random effects ({len(block.columns)} for each of "
                    f"{len(grouping.levels):,} levels of “{grouping.name}”): "
                    "they could not be told from the residuals.",
                    hint=f"Let fewer terms vary between the levels of “{grouping.name}”, or choose larger groups.",
                )


def _order(n_levels: list[int]) -> list[int]:
    """Lme4's order of factors: by decreasing number of levels; where that changes anything, ties turn round."""
    places = list(range(len(n_levels)))
    if n_levels == sorted(n_levels, reverse=True):
        return places
    return sorted(places, key=lambda f: n_levels[f])[::-1]


def _offsets(groupings: tuple[Grouping, ...], lead: int) -> list[int]:
    offsets = [-1] * len(groupings)
    place = 0
    for f, grouping in enumerate(groupings):
        if f != lead:
            offsets[f] = place
            place += len(grouping.levels) * len(grouping.names)
    return offsets


def rest_levels(groupings: tuple[Grouping, ...], lead: int) -> Levels:
    """The levels of the trailing block."""
    rest = [f for f in range(len(groupings)) if f != lead]
    n_levels = [len(groupings[f].levels) for f in rest]
    width = np.repeat([len(groupings[f].names) for f in rest], n_levels)
    return Levels(np.repeat(rest, n_levels), width, np.cumsum(width) - width)


def _rest_sums(
    sums: list[LevelSums], Z: list[list[Column]], outcome: list[Column], offsets: list[int], rest: list[int]
) -> tuple[sparse.csr_array, Floats]:
    """Z_2'Z_2 and Z_2'[X y] of the trailing block, level after level of factor after factor."""
    m = sum(sums[f].n_levels * len(Z[f]) for f in rest)
    W2 = np.zeros((m, len(outcome)))
    parts: list[tuple[Ints, Ints, Floats]] = []
    for f in rest:
        q = len(Z[f])
        W2[offsets[f] : offsets[f] + sums[f].n_levels * q] = (
            sums[f].products(Z[f], outcome).transpose(2, 0, 1).reshape(-1, len(outcome))
        )
        places = offsets[f] + np.arange(sums[f].n_levels) * q
        own = sums[f].products(Z[f], Z[f])
        parts += [(places + a, places + b, own[a, b]) for a in range(q) for b in range(q)]
        for g in rest:
            if g < f:
                parts += _crossed_sums((sums[f], Z[f], offsets[f]), (sums[g], Z[g], offsets[g]))
    if not parts:
        return NO_REST, W2
    row, column, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sparse.csr_array((values, (row, column)), shape=(m, m)), W2


def _crossed_sums(
    first: tuple[LevelSums, list[Column], int], second: tuple[LevelSums, list[Column], int]
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Z_f'Z_g and its transpose, for two factors of the trailing block."""
    (sums, Z, offset), (others, other_Z, other_offset) = first, second
    keys, place = _keys(sums.codes, others)
    rows = offset + (keys // others.n_levels) * len(Z)
    columns = other_offset + (keys % others.n_levels) * len(other_Z)
    found = LevelSums(place, len(keys)).products(Z, other_Z)
    for a in range(len(Z)):
        for b in range(len(other_Z)):
            yield rows + a, columns + b, found[a, b]
            yield columns + b, rows + a, found[a, b]


def _pairs(sums: list[LevelSums], Z: list[list[Column]], offsets: list[int], lead: int, rest: list[int]) -> Pairs:
    """Z_1'Z_2 by the pairs that occur."""
    found: list[tuple[Ints, Ints, Floats]] = []
    for f in rest:
        keys, place = _keys(sums[lead].codes, sums[f])
        for a, own in enumerate(LevelSums(place, len(keys)).products(Z[f], Z[lead])):
            column = offsets[f] + (keys % sums[f].n_levels) * len(Z[f]) + a
            found.append((keys // sums[f].n_levels, column, own))
    level = np.concatenate([part[0] for part in found])
    column = np.concatenate([part[1] for part in found])
    values = np.concatenate([part[2] for part in found], axis=1)
    if len(found) > 1:
        order = np.argsort(level * (int(column.max()) + 1) + column, kind="stable")  # merges the sorted parts
        level, column, values = level[order], column[order], np.ascontiguousarray(values[:, order])
    pointers = np.concatenate([[0], np.cumsum(np.bincount(level, minlength=sums[lead].n_levels))])
    return Pairs(level, column, values, pointers)


def _keys(codes: npt.NDArray[np.integer], other: LevelSums) -> tuple[Ints, npt.NDArray[np.integer]]:
    """Keys code * J + other code that occur, sorted, and the place of each row's key among them."""
    keys = codes.astype(np.intp, copy=False) * other.n_levels + other.codes
    size = (int(codes.max()) + 1) * other.n_levels
    if size > MAX_TABLE:
        return np.unique(keys, return_inverse=True)
    occurs = np.zeros(size, dtype=bool)
    occurs[keys] = True
    found = np.flatnonzero(occurs)
    place = np.empty(size, dtype=np.int32)
    place[found] = np.arange(len(found), dtype=np.int32)
    return found, place[keys]
