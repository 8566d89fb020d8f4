"""Prior weights and offsets: a number for each row, from a column of the data or from an array beside it.

Weights have lme4's meaning: the residual variance of row i is sigma^2 / weights[i]. They say how precisely a row is
known (the number of measurements that it is the mean of, say), not how often it was seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design.variables import Rows
from mlm_widgets.errors import DataError, closest
from mlm_widgets.frames import Frame, read_frame

__all__ = ["check_weights", "column_of", "row_numbers", "without_weightless"]

Floats = npt.NDArray[np.float64]


def row_numbers(values: Any, what: str, frame: Frame) -> Floats:
    """An array, a series or a list of one number a row of `frame`, shape (n_rows,); missing ones are NaN.

    Parameters
    ----------
    values : array
        A pandas Series must have the labels of the data's rows, in their order.
    what : {"weights", "offset"}
        What it is, for the messages.
    frame : Frame

    Raises
    ------
    DataError
        If it has another length or other labels, or holds text, truth values or infinite numbers.
    """
    if isinstance(values, pd.Series):
        if len(values) == frame.n_rows and not values.index.equals(frame.index):
            raise DataError(
                f"`{what}` is a series whose labels are not those of the data's rows.",
                hint=f"Align it, or give its values: {what}=series.to_numpy().",
                argument=what,
            )
    elif np.ndim(values) != 1:
        raise DataError(
            f"`{what}` must be the name of a column, or one number a row; it has {np.ndim(values)} dimensions.",
            hint=f"Give an array of {frame.n_rows:,} numbers.",
            argument=what,
        )
    if len(values) != frame.n_rows:
        raise DataError(
            f"`{what}` has {len(values):,} values for {frame.n_rows:,} rows.",
            hint="Give one for each row of the data, those with missing values too.",
            argument=what,
        )
    plain = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    return _finite(read_frame(pd.DataFrame({what: plain.to_numpy()})), what, what)


def column_of(name: str | None, what: str, frame: Frame) -> Floats | None:
    """Column `name` as weights or offset, shape (n_rows,); None for None.

    Raises
    ------
    DataError
        If there is no such column, or it holds text, truth values or infinite numbers.
    """
    if name is None:
        return None
    if name not in frame:
        near = closest(name, frame.names)
        raise DataError(
            f"There is no column “{name}” in {frame.name}, which `{what}` names.",
            hint=f"Closest: {', '.join(near)}." if near else f"Give a column of numbers, or an array: {what}=values.",
            argument=what,
        )
    return _finite(frame, name, what)


def _finite(frame: Frame, name: str, what: str) -> Floats:
    column = frame.column(name)
    if column.kind != "number":
        raise DataError(
            f"`{what}` must be numbers, but {'it' if name == what else f'“{name}”'} holds "
            f"{'true and false' if column.kind == 'boolean' else 'text, categories or dates'}.",
            hint="Choose a column of numbers, or convert this one.",
            argument=what,
        )
    values = column.numbers
    if np.isinf(values).any():
        raise DataError(
            f"`{what}` holds {int(np.isinf(values).sum()):,} infinite values.",
            hint="Replace them by a number, or by NaN to leave these rows out.",
            argument=what,
        )
    return values


def check_weights(weights: Floats | None, name: str) -> None:
    """Raise where a weight is negative."""
    if weights is None:
        return
    is_negative = weights < 0
    if is_negative.any():
        place = int(np.flatnonzero(is_negative)[0])
        raise DataError(
            f"Weights must not be negative: “{name}” is {weights[place]:g} in row {place}.",
            hint="The residual variance is sigma² / weight; leave rows out by a weight of 0.",
            argument="weights",
        )


def without_weightless(rows: Rows, weights: Floats | None) -> tuple[Rows, int]:
    """The rows of positive weight, and how many were left out.

    Raises
    ------
    DataError
        If none is left.
    """
    if weights is None:
        return rows, 0
    own = weights if rows.rows is None else weights[rows.rows]
    n_weightless = int((own == 0).sum())
    if n_weightless == 0:
        return rows, 0
    if n_weightless == len(own):
        raise DataError("Every row has weight zero.", hint="Give some rows a weight above 0.", argument="weights")
    places = np.arange(rows.frame.n_rows) if rows.rows is None else rows.rows
    return Rows(rows.frame, places[own > 0]), n_weightless
