"""Any data frame, read as typed columns.

A :class:`Frame` is what the rest of the package knows of the user's data: names, kinds, numbers, levels. It is made
from whatever narwhals understands (pandas, polars, pyarrow tables); this module is the only one that imports
narwhals. Columns are read when they are asked for, once, and the user's frame is never changed.

Columns of pandas frames that are numpy's or categories are taken as they are: narwhals' calls for each would cost more
than the fit of a small model.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import compress
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import DataError, closest
from mlm_widgets.frames.levels import Codes, Levels, codes_of_integers

__all__ = ["Column", "Frame", "Kind", "all_finite", "read_frame"]

Kind = Literal["number", "factor", "boolean", "date", "other"]
Floats = npt.NDArray[np.float64]

PROBLEM_OF_KIND = {
    "date": "it holds dates or times: turn them into numbers first (days since the start, say)",
    "other": "it mixes kinds of values, or holds values that are neither numbers nor text",
}


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind and, when asked for, its values.

    `series` is a pandas series, or narwhals' of another library; `numbers` and `codes` are computed on first use.
    """

    name: str
    kind: Kind
    series: Any = field(repr=False)

    @cached_property
    def numbers(self) -> Floats:
        """The values as float64, shape (n,); missing values are NaN. Booleans are 0 and 1.

        Raises
        ------
        DataError
            If the column does not hold numbers.
        """
        if self.kind not in ("number", "boolean"):
            raise DataError(
                f"Column “{self.name}” holds {_in_words(self.kind)}, but numbers are needed here.",
                hint="Choose a column of numbers, or convert this one.",
                argument=self.name,
            )
        return _as_floats(self.series)

    @cached_property
    def encoded(self) -> tuple[Codes, Levels]:
        """Integer codes, shape (n,), -1 where missing, and the levels that the codes point to.

        Categories keep their order; other values are sorted. Levels that no row has are dropped. Identifiers that
        are codes already (0, 1, 2, ...) are not copied.
        """
        if self.kind in PROBLEM_OF_KIND:
            raise DataError(
                f"Column “{self.name}” cannot be used: {PROBLEM_OF_KIND[self.kind]}.",
                argument=self.name,
            )
        return _as_codes(self.series, self.kind)

    @property
    def codes(self) -> Codes:
        """See `encoded`."""
        return self.encoded[0]

    @property
    def levels(self) -> Levels:
        """See `encoded`."""
        return self.encoded[1]

    @cached_property
    def total(self) -> float:
        """The sum of the values. A finite one says that all values are, and takes no memory."""
        return finite_sum(self.numbers)

    @property
    def is_finite(self) -> bool:
        """Whether all values are finite numbers, none missing."""
        return bool(np.isfinite(self.total)) or all_finite(self.numbers)

    @cached_property
    def has_missing(self) -> bool:
        """Whether any value is missing; for most columns this is known without a mask of the rows."""
        if self.kind in ("number", "boolean"):
            return not _never_misses(self.series) and not self.is_finite and bool(self.is_missing.any())
        return bool(self.is_missing.any())

    @cached_property
    def is_missing(self) -> npt.NDArray[np.bool_]:
        """True where the value is missing, shape (n,)."""
        if self.kind in ("number", "boolean"):
            return np.zeros(len(self.series), dtype=bool) if _never_misses(self.series) else np.isnan(self.numbers)
        if self.kind == "factor":
            return self.codes < 0
        is_null = self.series.isna() if isinstance(self.series, pd.Series) else self.series.is_null()
        return np.asarray(is_null.to_numpy(), dtype=bool)


class Frame:
    """A data frame as typed columns.

    Attributes
    ----------
    name : str
        What to call the data in sentences; "the data" where no name is known.
    names : tuple of str
        Column names, in order.
    n_rows : int
    index : pandas.Index
        Row labels: those of a pandas frame, else 0 to n - 1.
    units : dict of str to str
        Units by column, where the frame carries them (``DataFrame.attrs["units"]``).
    """

    def __init__(self, native: Any, frame: Any, names: list[str], name: str | None = None) -> None:
        attrs = getattr(native, "attrs", None) or {}
        self.name: str = name or str(attrs.get("name") or "the data")
        self.units: dict[str, str] = {str(k): str(v) for k, v in dict(attrs.get("units") or {}).items()}
        self.names: tuple[str, ...] = tuple(names)
        self.n_rows: int = len(frame)
        self.index: pd.Index[Any] = native.index if isinstance(native, pd.DataFrame) else pd.RangeIndex(self.n_rows)
        self._frame = frame
        self._places = {name: place for place, name in enumerate(self.names)}
        self._columns: dict[str, Column] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def column(self, name: str) -> Column:
        """The column called `name`.

        Raises
        ------
        DataError
            If there is none; the nearest names are offered.
        """
        if name not in self._places:
            raise unknown_column(self, name)
        if name not in self._columns:
            kind, series = _kind_of(self._series(name))
            self._columns[name] = Column(name, kind, series)
        return self._columns[name]

    def _series(self, name: str) -> Any:
        place = self._places[name]
        if not isinstance(self._frame, pd.DataFrame):
            return self._frame[:, place]
        # labels that are no text (numbers, tuples) may mean something else to pandas
        return self._frame[name] if isinstance(self._frame.columns[place], str) else self._frame.iloc[:, place]


def unknown_column(frame: Frame, name: str) -> DataError:
    """The error for a column that is not there, with the nearest names."""
    near = closest(name, frame.names)
    hint = f"Closest: {', '.join(near)}." if near else f"The columns are: {_listed(frame.names)}."
    return DataError(f"There is no column “{name}” in {frame.name}.", hint=hint, argument="data")


def read_frame(data: Any, name: str | None = None) -> Frame:
    """Read `data`, a pandas, polars or pyarrow table, as a :class:`Frame`.

    Raises
    ------
    DataError
        If `data` is no data frame, has no rows or no columns, or two columns of the same name.
    """
    if isinstance(data, Frame):
        return data
    if isinstance(data, pd.DataFrame):
        frame = data.copy(deep=False)  # pandas copies on write: later changes are the user's own
        frame.attrs = {}  # each column would take a deep copy of them along
        names = [str(column) for column in data.columns.tolist()]
    else:
        frame = _other_frame(data)
        names = [str(column) for column in frame.columns]
    _check_names(names)
    if len(frame) == 0 or not names:
        raise DataError(
            f"The data frame is empty: {len(frame):,} rows, {len(names):,} columns.",
            hint="Check how it was read or filtered.",
            argument="data",
        )
    return Frame(data, frame, names, name)


def _other_frame(data: Any) -> Any:
    """A data frame of another library than pandas, as narwhals has it."""
    try:
        frame = nw.from_native(data, eager_only=True)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"`data` must be a data frame, but it is {_type_in_words(data)}.",
            hint=_conversion_hint(data),
            argument="data",
        ) from error
    if not isinstance(frame, nw.DataFrame):
        raise DataError("`data` must be a data frame, but it is a single column.", argument="data")
    return frame


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    twice = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if twice:
        raise DataError(
            f"Two columns have the same name: “{twice[0]}”.",
            hint="Rename one of them, or drop it: df = df.loc[:, ~df.columns.duplicated()].",
            argument="data",
        )


def _conversion_hint(data: Any) -> str:
    if hasattr(data, "collect"):
        return "Bring it into memory first: data.collect()."
    if isinstance(data, (dict, list, np.ndarray)):
        return "Make it one: pandas.DataFrame(data)."
    return "Give a pandas, polars or pyarrow data frame."


def _type_in_words(data: Any) -> str:
    return "None" if data is None else f"of type {type(data).__name__}"


def _in_words(kind: Kind) -> str:
    words = {"factor": "text or categories", "date": "dates", "other": "mixed values"}
    return words.get(kind, kind)


def _listed(names: Iterable[str], most: int = 12) -> str:
    names = list(names)
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"


def _kind_of(series: Any) -> tuple[Kind, Any]:
    """The kind of a series, and the series, objects of one kind converted."""
    if isinstance(series, pd.Series):
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
            return ("boolean" if series.dtype.kind == "b" else "number"), series
        if isinstance(series.dtype, pd.CategoricalDtype):
            return "factor", series
        kind, found = _kind_of(nw.from_native(series, series_only=True))
        return kind, (found if isinstance(found, pd.Series) else found.to_native())
    dtype = series.dtype
    if dtype == nw.Boolean:
        return "boolean", series
    if dtype.is_numeric():
        return "number", series
    if dtype == nw.String and series.null_count() == len(series):
        return _kind_of_objects(series)  # pandas calls a column of None text
    if dtype in (nw.String, nw.Categorical) or isinstance(dtype, nw.Enum):
        return "factor", series
    if dtype.is_temporal():
        return "date", series
    return _kind_of_objects(series)


def _kind_of_objects(series: Any) -> tuple[Kind, Any]:
    values = pd.Series(list(series.to_list()), dtype=object)
    present = values[values.notna()]
    if present.empty:
        return "number", pd.Series(np.full(len(values), np.nan))
    for kind, types in (("boolean", (bool, np.bool_)), ("number", (numbers.Real, Decimal)), ("factor", (str,))):
        if present.map(lambda value, types=types: isinstance(value, types)).all():
            converted = values.astype("string") if kind == "factor" else pd.to_numeric(values).astype("float64")
            return kind, converted  # type: ignore[return-value]
    return "other", series


def _as_floats(series: Any) -> Floats:
    native = _as_pandas(series)
    if isinstance(native.dtype, np.dtype) and native.dtype != object:
        return np.ascontiguousarray(native.to_numpy(), dtype=np.float64)
    return native.to_numpy(dtype=np.float64, na_value=np.nan)


def _as_pandas(series: Any) -> pd.Series[Any]:
    """The values as a pandas series, by a way that needs no further library."""
    if isinstance(series, pd.Series):
        return series
    if series.dtype.is_numeric() and series.null_count() == 0:
        return pd.Series(series.to_numpy())
    if series.dtype.is_float():
        return pd.Series(series.fill_null(float("nan")).to_numpy())
    return pd.Series(series.to_list(), dtype="Int64" if series.dtype.is_integer() else object)


def _as_codes(series: Any, kind: Kind) -> tuple[Codes, Levels]:
    if _is_categorical(series):
        return _codes_of_categories(series)
    native = _as_pandas(series)
    if isinstance(native.dtype, np.dtype) and native.dtype.kind in "iu" and len(native):
        return codes_of_integers(native.to_numpy())
    codes, uniques = pd.factorize(native, sort=True, use_na_sentinel=True)
    if kind == "boolean":
        return np.asarray(codes, dtype=np.int64), tuple(str(bool(value)) for value in uniques)
    return np.asarray(codes, dtype=np.int64), tuple(_level_text(value) for value in uniques)


def _never_misses(series: Any) -> bool:
    """Whether the type of the values has no room for a missing one."""
    if isinstance(series, pd.Series):
        return isinstance(series.dtype, np.dtype) and series.dtype.kind in "biu"
    return bool((series.dtype.is_integer() or series.dtype == nw.Boolean) and series.null_count() == 0)


def finite_sum(values: Floats) -> float:
    """The sum of values; nan or inf, and no warning, where one is not finite or the sum is not."""
    with np.errstate(all="ignore"):
        return float(np.sum(values))


def all_finite(values: Floats) -> bool:
    """Whether all values are finite: the sum says so, and one that overflows is looked into."""
    return bool(np.isfinite(finite_sum(values))) or bool(np.isfinite(values).all())


def _is_categorical(series: Any) -> bool:
    if isinstance(series, pd.Series):
        return isinstance(series.dtype, pd.CategoricalDtype)
    return isinstance(series.dtype, nw.Enum) or series.dtype == nw.Categorical


def _codes_of_categories(series: Any) -> tuple[Codes, tuple[str, ...]]:
    is_pandas = isinstance(series, pd.Series)
    categorical: Any = series.array if is_pandas else pd.Categorical(series.to_list(), categories=_categories(series))
    names = categorical.categories
    is_text = isinstance(names.dtype, pd.StringDtype)
    levels = tuple(names.tolist()) if is_text else tuple(_level_text(value) for value in names.tolist())
    codes = categorical.codes.astype(np.int64)
    used = np.zeros(len(levels) + 1, dtype=bool)
    used[codes] = True  # a missing value, -1, is the last
    used = used[:-1]
    if used.all():
        return codes, levels
    renumbered = np.append(np.cumsum(used) - 1, -1)
    return np.asarray(renumbered[codes], dtype=np.int64), tuple(compress(levels, used))


def _categories(series: Any) -> list[Any]:
    """Categories in their order; polars keeps one for Enum only, so those of its Categorical are sorted."""
    if series.implementation.is_polars() and series.dtype == nw.Categorical:
        return sorted(series.drop_nulls().unique().to_list())
    return list(series.cat.get_categories().to_list())


def _level_text(value: Any) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 2**53:
        return str(int(value))
    return str(value)
