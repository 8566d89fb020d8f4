"""Offsets: columns, expressions of columns and arrays; what they miss, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import DataError, fit
from mlm_widgets.design import Design, Rows, build_design
from mlm_widgets.formula import parse_formula
from mlm_widgets.frames import read_frame

N = 12
DATA = pd.DataFrame(
    {
        "y": [0.0, 4.0, 2.0, 1.0] * 3,
        "x": np.linspace(-1, 1, N),
        "g": ["a", "b", "c"] * 4,
        "e": np.arange(1.0, N + 1),
        "z": np.arange(N),
        "the offset": np.linspace(0, 2, N),
        "a - b": np.linspace(0, 3, N),
        "log(z)": np.linspace(0, 4, N),
        "text": ["u"] * N,
        "truth": [True, False] * 6,
    }
)


def design(offset: Any, data: pd.DataFrame = DATA, formula: str = "y ~ x + (1 | g)", family: str = "poisson") -> Design:
    spec = parse_formula(formula).spec.with_(family=family)
    spec, array = (spec.with_(offset=offset), None) if isinstance(offset, str) else (spec, offset)
    return build_design(spec, read_frame(data), offset=array)


# what is given -> (what the spec has, the values)
GIVEN = {
    "e": ("e", DATA["e"]),
    "log(e)": ("log(e)", np.log(DATA["e"])),
    " log( e )": ("log(e)", np.log(DATA["e"])),
    "I(e/2)": ("I(e / 2)", DATA["e"] / 2),
    "e - z": ("e - z", DATA["e"] - DATA["z"]),
    "-e**2": ("-(e**2)", -(DATA["e"] ** 2)),
    "the offset": ("`the offset`", DATA["the offset"]),
    "`the offset` * 2": ("`the offset` * 2", 2 * DATA["the offset"]),
    "a - b": ("`a - b`", DATA["a - b"]),
    "`log(z)`": ("`log(z)`", DATA["log(z)"]),
    "log(z + 1)": ("log(z + 1)", np.log1p(DATA["z"])),
}


@pytest.mark.parametrize("family", ["poisson", "gaussian"])
@pytest.mark.parametrize("given", GIVEN)
def test_offsets_by_name_and_by_expression(given: str, family: str) -> None:
    text, values = GIVEN[given]
    made = design(given, family=family)
    assert made.offset is not None
    np.testing.assert_allclose(made.offset, values)
    assert made.spec.model.offset == text
    again = made.spec.offset_values(Rows(read_frame(DATA), np.array([3, 1])))
    assert again is not None
    np.testing.assert_allclose(again, np.asarray(values)[[3, 1]])
    typed = design(None, formula=f"y ~ x + offset({text}) + (1 | g)")
    assert typed.offset is not None
    np.testing.assert_array_equal(typed.offset, made.offset)


def test_arrays_take_the_place_of_what_is_named() -> None:
    array = np.linspace(0, 1, N)
    made = build_design(parse_formula("y ~ offset(e) + (1 | g)").spec, read_frame(DATA), offset=array)
    assert made.offset is array
    array = np.where(DATA["z"] == 4, np.nan, array)
    made = build_design(parse_formula("y ~ x + (1 | g)").spec, read_frame(DATA), offset=array)
    assert made.dropped == {"offset": 1}
    assert made.spec.offset_values(Rows(read_frame(DATA))) is None


def test_rows_that_miss_a_part_of_the_offset_are_left_out() -> None:
    data = DATA.assign(e=DATA["e"].where(DATA["z"] != 2), z=DATA["z"].where(DATA["z"] != 5))
    made = design("log(e) + z", data)
    assert made.dropped == {"e": 1, "z": 1}
    assert made.rows.tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]
    assert made.offset is not None
    np.testing.assert_allclose(made.offset, (np.log(data["e"]) + data["z"]).dropna())


REFUSED = {
    "log(z)": ("The offset log(z) is not a finite number in 1 row, first in row 0 (z = 0).", "zeros and negative"),
    "sqrt(-e)": ("not a finite number in 12 rows, first in row 0 (e = 1)", "a missing value (NaN) leaves a row out"),
    "e / (z - 3)": ("in 1 row, first in row 3 (e = 4, z = 3)", "division by zero"),
    "nothing": ("no column “nothing”", "Give a column"),
    "log(eee)": ("no column “eee”", "Give a column"),
    "text": ("“text” holds text", "convert"),
    "truth": ("“truth” holds true and false", "convert"),
    "e + truth": ("“truth” holds true and false", "convert"),
    "poly(e, 2)": ("An offset cannot hold poly", "Allowed"),
    "__import__('os')": ("must be a column or an expression of columns", ""),
    "log(e": ("must be a column or an expression of columns", ""),
    "the ofset": ("must be a column or an expression of columns", "Closest: the offset"),
    "": ("must be a column or an expression of columns", ""),
}


@pytest.mark.parametrize("offset", REFUSED)
def test_offsets_that_are_refused(offset: str) -> None:
    message, hint = REFUSED[offset]
    data = DATA.drop(columns="log(z)")
    with pytest.raises(DataError) as caught:
        design(offset, data)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.hint
    assert caught.value.argument == "offset"


def test_an_infinite_value_is_no_missing_one() -> None:
    with pytest.raises(DataError, match="holds 1 infinite values"):
        design("e", DATA.assign(e=DATA["e"].where(DATA["z"] != 2, np.inf)))


@pytest.mark.parametrize("way", ["typed", "named", "array"])
def test_three_ways_of_one_linear_model(way: str) -> None:
    data = DATA.assign(y=DATA["y"] + np.random.default_rng(1).normal(size=N))
    plain = fit("y ~ x + (1 | g)", data.assign(y=data["y"] - np.log(data["e"])))
    formula = "y ~ x + offset(log(e)) + (1 | g)" if way == "typed" else "y ~ x + (1 | g)"
    offset = {"typed": None, "named": "log(e)", "array": np.log(data["e"])}[way]
    m = fit(formula, data, offset=offset)
    assert m.criterion == pytest.approx(plain.criterion, abs=1e-9)
    assert m.formula == ("y ~ x + (1 | g)" if way == "array" else "y ~ x + offset(log(e)) + (1 | g)")
    if way != "array":
        new = data.head(4).assign(e=[1.0, 2.0, np.nan, 3.0])
        np.testing.assert_allclose(m.predict(new), plain.predict(new) + np.log(new["e"]), rtol=1e-8)
        with pytest.raises(DataError, match="no column “e”"):
            m.predict(new.drop(columns="e"))
    assert ("offset=offset" in m.to_python()) == (way == "array")
