"""What the builder knows of the data: profiles of the columns, and what is constant within which groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Rows
from mlm_widgets.formula import Call, columns_of, parse_factor
from mlm_widgets.frames import ColumnProfile, Frame, Levels, is_constant_within, longest_chain, profile

__all__ = ["DataFacts"]

Codes = npt.NDArray[np.int64]


class DataFacts:
    """Facts about a frame, computed when they are asked for and kept."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._codes: dict[tuple[str, ...], tuple[Codes, Levels]] = {}
        self._constant: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._kept: dict[tuple[str, str], list[str]] = {}

    @cached_property
    def profiles(self) -> dict[str, ColumnProfile]:
        """Profiles of the columns, by name."""
        return {column.name: column for column in profile(self.frame)}

    @cached_property
    def row_names(self) -> list[str]:
        """Columns that name or number the rows: text or whole numbers, another value in each."""
        return [name for name, column in self.profiles.items() if self._names_rows(column)]

    def _names_rows(self, column: ColumnProfile) -> bool:
        if column.kind not in ("number", "factor") or column.n_distinct != self.frame.n_rows:
            return False
        values = self.frame.column(column.name).numbers if column.kind == "number" else np.zeros(1)
        return bool(np.all(values == np.round(values)))

    def kept(self, what: tuple[str, str], find: Callable[[], list[str]]) -> list[str]:
        """What `find` finds, the first time that `what` is asked."""
        if what not in self._kept:
            self._kept[what] = find()
        return self._kept[what]

    def group(self, columns: tuple[str, ...]) -> tuple[Codes, Levels]:
        """Codes and levels of a grouping."""
        if columns not in self._codes:
            self._codes[columns] = Rows(self.frame).group(columns)
        return self._codes[columns]

    def is_constant(self, column: str, group: tuple[str, ...]) -> bool:
        """Whether `column` has one value in each level of `group`."""
        key = (column, group)
        if key not in self._constant:
            own = self.profiles[column]
            is_known = own.kind in ("date", "other") or own.n_distinct < 2
            self._constant[key] = is_known or is_constant_within(self.frame.column(column).codes, self.group(group)[0])
        return self._constant[key]

    def is_factor_constant(self, factor: str, group: tuple[str, ...]) -> bool:
        """Whether a factor of the formula has one value in each level of `group`."""
        expression = parse_factor(factor)
        if isinstance(expression, Call) and expression.function == "within":
            return False
        if isinstance(expression, Call) and expression.function == "between":
            means_of = tuple(columns_of(expression.arguments[1][1]))
            if set(means_of) <= set(group):
                return True
            return all(self.is_constant(column, group) for column in means_of)
        return all(self.is_constant(column, group) for column in columns_of(expression))

    def level_of(self, factor: str, groups: list[tuple[str, ...]]) -> int:
        """1, and one more for each of a chain of nested groupings that the factor is constant in."""
        found = [i for i, group in enumerate(groups) if self.is_factor_constant(factor, group)]
        if len(found) < 2:
            return 1 + len(found)
        return 1 + longest_chain(
            found, {(i, j) for i in found for j in found if i != j and self._is_nested(groups[i], groups[j])}
        )

    def _is_nested(self, inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
        return set(outer) < set(inner) or is_constant_within(self.group(outer)[0], self.group(inner)[0])

    def group_sizes(self, columns: tuple[str, ...]) -> Any:
        """Rows of each level."""
        codes, levels = self.group(columns)
        return np.bincount(codes[codes >= 0], minlength=len(levels))
