"""Sums over rows by group: with cross products, all that a linear mixed model needs of its data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlm_widgets.linalg.columns import Column, chunks

__all__ = ["GroupSums"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

LEAST_RUN = 4  # mean rows of a run from which on runs are summed, not rows


class GroupSums:
    """Sums by group, `codes` (n,) of integers naming the group of each row.

    Where rows of a group lie together, runs of rows are summed and the sums added to their groups; else every row is.
    """

    def __init__(
        self, codes: npt.NDArray[np.integer], n_groups: int, counts: npt.NDArray[np.integer] | None = None
    ) -> None:
        self.codes = codes
        self.n_groups = n_groups
        self._counts = counts

    @cached_property
    def _runs(self) -> Ints | None:
        """Where each run of rows of the same group begins; None where runs are short."""
        found, count = [np.zeros(1, dtype=np.intp)], 1
        for rows in chunks(len(self.codes) - 1, 1):
            own = self.codes[rows.start : rows.stop + 1]
            changes = np.flatnonzero(own[1:] != own[:-1])
            count += len(changes)
            if count * LEAST_RUN > rows.stop + LEAST_RUN:
                return None
            found.append(changes + (rows.start + 1))
        return np.concatenate(found)

    def counts(self) -> Floats:
        """Number of rows by group, shape (n_groups,), unless they were known before."""
        if self._counts is not None:
            return self._counts.astype(np.float64)
        if self._runs is None:
            return np.asarray(np.bincount(self.codes, minlength=self.n_groups), dtype=np.float64)
        lengths = np.diff(self._runs, append=len(self.codes))
        return self._of_runs(lengths.astype(np.float64))

    def of(self, values: Floats) -> Floats:
        """Sums of `values` (n,) by group, shape (n_groups,)."""
        if self._runs is None:
            return np.asarray(np.bincount(self.codes, weights=values, minlength=self.n_groups), dtype=np.float64)
        return self._of_runs(np.add.reduceat(values, self._runs))

    def _of_runs(self, values: Floats) -> Floats:
        found = np.bincount(self.codes[self._runs], weights=values, minlength=self.n_groups)
        return np.asarray(found, dtype=np.float64)

    def products(self, pairs: Sequence[tuple[Column, Column]]) -> Floats:
        """Sums by group of the products of pairs of columns, shape (len(pairs), n_groups).

        They are of the columns times their scales: sums serve all multiples of a column.
        """
        found = np.zeros((len(pairs), self.n_groups))
        places: dict[object, int] = {}
        columns: list[Column] = []
        for column in (column for pair in pairs for column in pair if not column.is_one):
            if places.setdefault(column.source, len(columns)) == len(columns):
                columns.append(column)
        wanted = [[places[column.source] for column in pair if not column.is_one] for pair in pairs]

        with np.errstate(over="ignore", invalid="ignore"):
            for rows in chunks(len(self.codes), len(columns) + 1) if columns else ():
                parts = [column.part(rows) for column in columns]
                starts, groups = self._groups(rows)
                for total, factors in zip(found, wanted, strict=True):
                    if factors:
                        own = parts[factors[0]] * parts[factors[1]] if len(factors) == 2 else parts[factors[0]]
                        np.add.at(total, groups, own if starts is None else np.add.reduceat(own, starts))
        for total, factors in zip(found, wanted, strict=True):
            if not factors:
                total[:] = self.counts()
        return found

    def _groups(self, rows: slice) -> tuple[Ints | None, Ints]:
        """Where runs begin in `rows`, and their groups; or the group of each row."""
        if self._runs is None:
            return None, self.codes[rows].astype(np.intp, copy=False)
        first, last = np.searchsorted(self._runs, [rows.start + 1, rows.stop])
        starts = self._runs[first - 1 : last] - rows.start
        starts[0] = 0
        return starts, self.codes[starts + rows.start].astype(np.intp, copy=False)
