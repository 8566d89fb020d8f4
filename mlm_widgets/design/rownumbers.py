"""Prior weights and offsets: a number for each row, from columns of the data or from an array beside it.

Weights have lme4's meaning: in a linear model the residual variance of row i is sigma^2 / weights[i]. They say how
precisely a row is known (the number of measurements that it is the mean of, say), not how often it was seen. In a
generalized model they are multiples of a row's log-likelihood.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design.variables import Rows, evaluate
from mlm_widgets.errors import DataError, FormulaError, closest
from mlm_widgets.formula import columns_of, parse_offset, quote_name, to_text
from mlm_widgets.frames import Frame, read_frame

__all__ = ["check_weights", "column_of", "offset_text", "offset_values", "row_numbers", "without_weightless"]

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


def column_of(name: str, what: str, frame: Frame) -> Floats:
    """Column `name` as weights or part of an offset, shape (n_rows,); missing ones are NaN.

    Raises
    ------
    DataError
        If there is no such column, or it holds text, truth values or infinite numbers.
    """
    if name not in frame:
        near = closest(name, frame.names)
        raise DataError(
            f"There is no column “{name}” in {frame.name}, which `{what}` names.",
            hint=f"Closest: {', '.join(near)}." if near else f"Give a column of numbers, or an array: {what}=values.",
            argument=what,
        )
    return _finite(frame, name, what)


def offset_text(text: str, frame: Frame) -> str:
    """An offset as a formula writes it: an expression of columns of `frame`, or the name of one, however odd.

    Raises
    ------
    DataError
        If it is neither.
    """
    try:
        expression = parse_offset(text)
    except FormulaError as error:
        if text in frame:
            return quote_name(text)
        near = closest(text, frame.names)
        raise DataError(
            f"`offset` must be a column or an expression of columns, not {text!r}: {error.detail}",
            hint=f"Closest: {', '.join(near)}."
            if near
            else error.hint or "Write offset='log(exposure)', for instance.",
            argument="offset",
        ) from error
    is_known = all(name in frame for name in columns_of(expression))
    return quote_name(text) if text in frame and not is_known else to_text(expression)


def offset_values(text: str | None, frame: Frame) -> Floats | None:
    """An offset, shape (n_rows,), NaN where a column that it is made of is missing; None for None.

    Raises
    ------
    DataError
        If there is no such column, or it holds text, or the offset is no finite number where all columns are there.
    """
    if text is None:
        return None
    expression = parse_offset(text)
    columns = {name: column_of(name, "offset", frame) for name in columns_of(expression)}
    values = evaluate(expression, {quote_name(name): column for name, column in columns.items()})
    is_missing = np.logical_or.reduce([np.isnan(column) for column in columns.values()])
    is_bad = ~np.isfinite(values) & ~is_missing
    if is_bad.any():
        place, n_bad = int(np.flatnonzero(is_bad)[0]), int(is_bad.sum())
        given = ", ".join(f"{name} = {column[place]:g}" for name, column in columns.items())
        in_rows = f"{n_bad:,} row{'s' * (n_bad != 1)}"
        raise DataError(
            f"The offset {text} is not a finite number in {in_rows}, first in row {place} ({given}).",
            hint="Check for zeros and negative values under log() and sqrt(), and for division by zero; "
            "a missing value (NaN) leaves a row out.",
            argument="offset",
        )
    return values


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
