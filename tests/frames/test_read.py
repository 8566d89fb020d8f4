"""Columns of pandas, polars and pyarrow frames as numbers, codes and levels."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlm_widgets.errors import DataError
from mlm_widgets.frames import Column, Frame, read_frame

NAN = float("nan")


def column(values: Any) -> Column:
    return read_frame(pd.DataFrame({"x": values})).column("x")


NUMBERS: list[tuple[Any, list[float]]] = [
    ([1, 2], [1.0, 2.0]), (pd.array([1, None], dtype="Int64"), [1.0, NAN]), ([1.5, None], [1.5, NAN]),
    (pd.array([1.5, None], dtype="Float64"), [1.5, NAN]), (np.array([1, 2], dtype="int8"), [1.0, 2.0]),
    (np.array([1, 2], dtype="uint64"), [1.0, 2.0]), (np.array([1.5, 2], dtype="float32"), [1.5, 2.0]),
    (pd.Series([1, 2.5, None], dtype=object), [1.0, 2.5, NAN]),
    (pd.Series([Decimal("1.5"), None], dtype=object), [1.5, NAN]), (pd.Series([None, None], dtype=object), [NAN, NAN]),
    (pd.array([1, None], dtype="int64[pyarrow]"), [1.0, NAN]),
    (pd.array([1.5, None], dtype="double[pyarrow]"), [1.5, NAN]), (pd.arrays.SparseArray([1.0, 0.0]), [1.0, 0.0]),
    (pd.Series([True, 2], dtype=object), [1.0, 2.0]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), NUMBERS, ids=[str(getattr(v, "dtype", "list")) for v, _ in NUMBERS])
def test_numbers(values: Any, expected: list[float]) -> None:
    found = column(values)
    assert found.kind == "number"
    assert found.numbers.dtype == np.float64
    np.testing.assert_array_equal(found.numbers, expected)
    np.testing.assert_array_equal(found.is_missing, np.isnan(expected))


FACTORS: list[tuple[Any, list[int], list[str]]] = [
    (["b", "a", None], [1, 0, -1], ["a", "b"]),
    (pd.array(["b", "a", None], dtype="string"), [1, 0, -1], ["a", "b"]),
    (pd.Series(["b", "a", None], dtype=object), [1, 0, -1], ["a", "b"]),
    (pd.Categorical(["b", "a", None], categories=["c", "b", "a"]), [0, 1, -1], ["b", "a"]),
    (pd.Categorical(["b", "a", "b"], ordered=True), [1, 0, 1], ["a", "b"]),
    (pd.Categorical([10, 2, 10]), [1, 0, 1], ["2", "10"]),
    (pd.Categorical([1.0, 2.5, None]), [0, 1, -1], ["1", "2.5"]),
    (pd.array(["b", "a", None], dtype="string[pyarrow]"), [1, 0, -1], ["a", "b"]),
    (["", " ", "a"], [0, 1, 2], ["", " ", "a"]),
]


@pytest.mark.parametrize(("values", "codes", "levels"), FACTORS, ids=[str(i) for i in range(len(FACTORS))])
def test_factors(values: Any, codes: list[int], levels: list[str]) -> None:
    found = column(values)
    assert found.kind == "factor"
    assert found.codes.tolist() == codes
    assert list(found.levels) == levels
    assert found.is_missing.tolist() == [code < 0 for code in codes]
    with pytest.raises(DataError, match="“x” holds text or categories"):
        found.numbers  # noqa: B018


def test_numbers_as_groups() -> None:
    assert column([10, 2, 10]).levels == ("2", "10")
    assert column([10.0, 2.5, None]).codes.tolist() == [1, 0, -1]
    assert column([10.0, 2.5, None]).levels == ("2.5", "10")
    assert column(pd.array([3, None, 1], dtype="Int64")).codes.tolist() == [1, -1, 0]
    assert column([-0.0, 0.0]).levels == ("0",)


@pytest.mark.parametrize(
    "values",
    [[True, False], pd.array([True, False, None], dtype="boolean"), pd.Series([True, None, False], dtype=object)],
    ids=["bool", "boolean", "object"],
)
def test_booleans(values: Any) -> None:
    found = column(values)
    assert found.kind == "boolean"
    assert found.levels == ("False", "True")
    assert set(found.numbers[~found.is_missing]) == {0.0, 1.0}
    assert found.is_missing.tolist() == [bool(value) for value in pd.isna(pd.Series(values))]


@pytest.mark.parametrize(
    ("values", "kind"),
    [(pd.date_range("2020", periods=2), "date"), (pd.to_timedelta([1, 2], unit="D"), "date"),
     ([dt.date(2020, 1, 1), None], "other"), ([1, "a"], "other"), ([[1], [2]], "other"),
     ([{"a": 1}, None], "other"), ([1j, 2j], "other"),
     (pd.period_range("2020", periods=2, freq="D"), "other"), ([b"a", b"b"], "other")],
)  # fmt: skip
def test_columns_that_cannot_be_used(values: Any, kind: str) -> None:
    found = column(values)
    assert found.kind in (kind, "date")
    with pytest.raises(DataError, match="“x”"):
        found.numbers  # noqa: B018
    with pytest.raises(DataError, match="“x”") as caught:
        found.encoded  # noqa: B018
    assert caught.value.argument == "x"
    assert len(found.is_missing) == 2


POLARS = {
    "ints": pl.Series([1, None], dtype=pl.Int32), "floats": pl.Series([1.5, None]), "nan": pl.Series([NAN, 2.0]),
    "text": pl.Series(["b", None]), "bool": pl.Series([True, None]), "cat": pl.Series(["b", "a"], dtype=pl.Categorical),
    "enum": pl.Series(["b", "a"], dtype=pl.Enum(["z", "b", "a"])), "date": pl.Series([dt.date(2020, 1, 1), None]),
    "dec": pl.Series([Decimal("1.5"), None]), "list": pl.Series([[1], [2]]), "null": pl.Series([None, None]),
}  # fmt: skip
KINDS = {"ints": "number", "floats": "number", "nan": "number", "text": "factor", "bool": "boolean", "cat": "factor",
         "enum": "factor", "date": "date", "dec": "number", "list": "other", "null": "number"}  # fmt: skip


@pytest.mark.parametrize(
    "make", [pl.DataFrame, lambda columns: pl.DataFrame(columns).to_arrow()], ids=["polars", "pyarrow"]
)
def test_polars_and_pyarrow(make: Any) -> None:
    frame = read_frame(make(POLARS))
    assert {name: frame.column(name).kind for name in frame.names} == KINDS
    for name, expected in (
        ("ints", [1.0, NAN]),
        ("floats", [1.5, NAN]),
        ("nan", [NAN, 2.0]),
        ("dec", [1.5, NAN]),
        ("null", [NAN, NAN]),
    ):
        np.testing.assert_array_equal(frame.column(name).numbers, expected)
    assert frame.column("text").codes.tolist() == [0, -1]
    assert frame.column("bool").is_missing.tolist() == [False, True]
    assert frame.column("bool").levels == ("True",)
    assert frame.column("enum").levels == ("b", "a")
    assert sorted(frame.column("cat").levels) == ["a", "b"]
    assert frame.column("cat").is_missing.tolist() == [False, False]
    assert frame.column("ints").codes.tolist() == [0, -1]
    assert frame.column("date").is_missing.tolist() == [False, True]


def test_pyarrow_dictionaries_keep_their_order() -> None:
    values = pa.DictionaryArray.from_arrays([1, 0, None], ["z", "a"])
    found = read_frame(pa.table({"x": values})).column("x")
    assert found.codes.tolist() == [1, 0, -1]
    assert found.levels == ("z", "a")


def test_a_frame_knows_its_name_units_and_rows() -> None:
    data = pd.DataFrame({"x": [1, 2]}, index=[5, 7])
    data.attrs = {"name": "hsb", "units": {"x": "points"}}
    frame = read_frame(data)
    assert (frame.name, frame.units, frame.names, frame.n_rows) == ("hsb", {"x": "points"}, ("x",), 2)
    assert frame.index.tolist() == [5, 7]
    assert read_frame(frame) is frame
    assert isinstance(frame, Frame)
    assert "x" in frame
    assert "y" not in frame


def test_unknown_columns() -> None:
    frame = read_frame(pd.DataFrame({"school": [1], "ses": [2]}))
    with pytest.raises(DataError) as caught:
        frame.column("Schol")
    assert caught.value.hint == "Closest: school."
    with pytest.raises(DataError) as caught:
        frame.column("zzz")
    assert caught.value.hint == "The columns are: school, ses."


def test_columns_of_several_levels_of_names() -> None:
    """pandas' columns of tuples are known by their text."""
    data = pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert read_frame(data).names == ("('a', 'x')", "('a', 'y')")
    np.testing.assert_array_equal(read_frame(data).column("('a', 'y')").numbers, [0, 1])
