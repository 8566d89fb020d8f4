"""Rows to predict: which of a new data frame hold all that a model needs, and where they go in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlm_widgets.design import Rows, used_columns
from mlm_widgets.errors import DataError, closest
from mlm_widgets.fitter import Fit
from mlm_widgets.formula import ModelSpec
from mlm_widgets.frames import Frame
from mlm_widgets.results.checks import check_choice

__all__ = ["chosen_groupings", "complete_rows", "in_place"]


def chosen_groupings(random: str | Sequence[str], names: list[str]) -> list[str]:
    """The grouping factors whose random effects count: "all", "none", or some of `names`."""
    if random == "all":
        return names
    if random == "none":
        return []
    for name in random if isinstance(random, (list, tuple)) else [random]:
        check_choice("random", name, ["all", "none", *names])
    return [random] if isinstance(random, str) else list(random)


def complete_rows(fit: Fit, frame: Frame, groupings: list[str]) -> Rows:
    """The rows of `frame` that hold the predictors of `fit` and what its `groupings` need.

    Raises
    ------
    DataError
        If a column is not there.
    """
    spec = fit.design.spec.model
    groups = [column for g in fit.groups if g.grouping.name in groupings for column in g.grouping.columns]
    slopes = tuple(term for term in spec.random if term.group_name in groupings)
    needed = [*used_columns(spec.with_(random=()), outcome=False), *groups]
    needed = list(dict.fromkeys([*needed, *used_columns(spec.with_(terms=(), random=slopes), outcome=False)]))
    for name in needed:
        if name not in frame:
            raise _missing_column(spec, frame, name, groups)
    missing = [frame.column(name).is_missing for name in needed]
    return Rows(frame, np.flatnonzero(~np.logical_or.reduce(missing)) if missing else np.arange(frame.n_rows))


def _missing_column(spec: ModelSpec, frame: Frame, name: str, groups: list[str]) -> DataError:
    near = closest(name, frame.names)
    if name == spec.offset:
        hint = "It is the model's offset: give it for the new rows too."
    elif name in groups:
        hint = "Use random='none' to predict the population's mean without groups."
    else:
        hint = f"Closest: {', '.join(near)}." if near else "The model needs every predictor."
    return DataError(f"`newdata` has no column “{name}”.", hint=hint, argument="newdata")


def in_place(result: Any, rows: Rows) -> Any:
    """A series or data frame of `rows` as one of all rows of their frame: those that could not be predicted are NaN."""
    frame = rows.frame
    if rows.rows is None or len(result) == frame.n_rows:
        return result
    place = np.full(frame.n_rows, -1)
    place[rows.rows] = np.arange(len(rows.rows))
    return result.reset_index(drop=True).reindex(place).set_axis(frame.index)
