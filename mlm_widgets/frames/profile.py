"""What each column holds and what it can be used for: the facts that a person needs to choose from a list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.frames.nesting import is_constant_within
from mlm_widgets.frames.read import Column, Frame, Kind

__all__ = ["ColumnProfile", "profile"]

Codes = npt.NDArray[np.int64]

MAX_LEVELS_SHOWN = 50
MAX_PREDICTOR_LEVELS = 50  # a factor of more levels names things, and is better a grouping
N_BINS = 20
N_TRIED = 500  # rows, the first, that show of most pairs of columns that one is not constant within the other
LIKELY_GROUP_SIZE = 2  # rows a group, on average, from which a column counts as a grouping of the others


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Facts about one column.

    Attributes
    ----------
    name : str
    kind : {"number", "factor", "boolean", "date", "other"}
    n_distinct, n_missing : int
    range : tuple of float or None
        Smallest and largest finite value of a column of numbers.
    levels : tuple of str
        The first 50 levels of a factor.
    constant_within : tuple of str
        Columns that could be groupings and within whose groups this one does not vary.
    bins : tuple of int or None
        Counts of a histogram of a column of numbers, over `range`.
    outcome_problem, predictor_problem, group_problem : str or None
        Why the column cannot be used in that role; None where it can.
    """

    name: str
    kind: Kind
    n_distinct: int
    n_missing: int
    range: tuple[float, float] | None
    levels: tuple[str, ...]
    constant_within: tuple[str, ...]
    bins: tuple[int, ...] | None
    outcome_problem: str | None
    predictor_problem: str | None
    group_problem: str | None


def profile(frame: Frame) -> tuple[ColumnProfile, ...]:
    """A profile of every column of `frame`."""
    codes = {name: _codes(frame.column(name)) for name in frame.names}
    distinct = {name: _count(own) for name, own in codes.items()}
    groupings = [
        name for name in frame.names
        if _group_problem(frame.column(name), distinct[name], frame.n_rows) is None
        and distinct[name] * LIKELY_GROUP_SIZE <= frame.n_rows
    ]  # fmt: skip
    constant = _constant_pairs(codes, distinct, groupings)
    return tuple(_profile(frame, name, distinct[name], constant[name]) for name in frame.names)


def _constant_pairs(codes: dict[str, Codes], distinct: dict[str, int], groupings: list[str]) -> dict[str, list[str]]:
    """For each column the groupings that it is constant within; all pairs of columns, so most are settled early."""
    found: dict[str, list[str]] = {name: [] for name in codes}
    few = np.array([own[:N_TRIED] for own in codes.values()])
    for group in groupings:
        own = codes[group][:N_TRIED]
        _, first, place = np.unique(own, return_index=True, return_inverse=True)
        may_be = ((few == few[:, first[place]]) | (own < 0)).all(axis=1)
        for name, is_open in zip(codes, may_be, strict=True):
            is_candidate = is_open and group != name and 1 < distinct[name] <= distinct[group]
            if is_candidate and is_constant_within(codes[name], codes[group]):
                found[name].append(group)
    return found


def _profile(frame: Frame, name: str, n_distinct: int, constant_within: list[str]) -> ColumnProfile:
    column = frame.column(name)
    finite = column.numbers[np.isfinite(column.numbers)] if column.kind == "number" else np.empty(0)
    return ColumnProfile(
        name=name,
        kind=column.kind,
        n_distinct=n_distinct,
        n_missing=int(column.is_missing.sum()),
        range=(float(finite.min()), float(finite.max())) if len(finite) else None,
        levels=tuple(column.levels[:MAX_LEVELS_SHOWN]) if column.kind in ("factor", "boolean") else (),
        constant_within=tuple(constant_within),
        bins=_bins(finite) if len(finite) else None,
        outcome_problem=_outcome_problem(column, n_distinct),
        predictor_problem=_predictor_problem(column, n_distinct),
        group_problem=_group_problem(column, n_distinct, frame.n_rows),
    )


def _bins(values: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """Counts in bins of equal width. In halves, as the whole span of doubles is no double; numpy's own bins fail on it.

    The same holds for a span of a few units in the last place, as of times in nanoseconds; one value is in the middle.
    """
    low, span = values.min() / 2, values.max() / 2 - values.min() / 2
    share = (values / 2 - low) / span if span > 0 else np.full(len(values), 0.5)
    places = np.minimum((N_BINS * share).astype(np.int64), N_BINS - 1)
    return tuple(np.bincount(places, minlength=N_BINS).tolist())


def _codes(column: Column) -> Codes:
    return np.full(len(column.series), -1) if column.kind in ("date", "other") else column.codes


def _count(codes: Codes) -> int:
    return int(codes.max(initial=-1)) + 1


def _common_problem(column: Column, n_distinct: int) -> str | None:
    if column.kind == "date":
        return "dates: convert to numbers first"
    if column.kind == "other":
        return "mixed kinds of values"
    if n_distinct == 0:
        return "every value is missing"
    if n_distinct == 1:
        return "the same value in every row"
    return None


def _outcome_problem(column: Column, n_distinct: int) -> str | None:
    if column.kind == "factor" and n_distinct > 2:
        return f"text of {n_distinct:,} levels: an outcome is a number or has two levels"
    return _common_problem(column, n_distinct)


def _predictor_problem(column: Column, n_distinct: int) -> str | None:
    problem = _common_problem(column, n_distinct)
    if problem is None and column.kind == "factor" and n_distinct > MAX_PREDICTOR_LEVELS:
        return f"{n_distinct:,} levels: use it as a grouping"
    return problem


def _group_problem(column: Column, n_distinct: int, n_rows: int) -> str | None:
    problem = _common_problem(column, n_distinct)
    if problem is not None:
        return problem
    if n_distinct >= n_rows - int(column.is_missing.sum()):
        return "every row has its own value"
    if column.kind == "number" and not _are_whole(column.numbers):
        return "numbers with decimals do not name groups"
    return None


def _are_whole(values: npt.NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return bool(np.all(finite == np.round(finite)))
