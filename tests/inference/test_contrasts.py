"""Hypotheses as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import OptionError, fit
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.contrasts import read_hypothesis
from tests.fitter.dense import small_data


@pytest.fixture(scope="module")
def record() -> Fit:
    frame = small_data(0).rename(columns={"z": "z z"})
    frame["x2"] = frame["x"] ** 2
    frame["copy"] = frame["x"] * 3
    return fit("y ~ x * f + x2 + `z z` + poly(x2, 2) + copy + (1 | g)", frame).fit_result


NAMES = ("Intercept", "x", "f[T.middle]", "f[T.top]", "x2", "z z", "poly(x2, 2)[2]", "x:f[T.middle]", "x:f[T.top]")


def rows(record: Fit, given: Any) -> list[tuple[dict[str, float], float]]:
    found = read_hypothesis(record, given)
    named = [{name: w for name, w in zip(record.names, row.tolist(), strict=True) if w} for row in found.L]
    return list(zip(named, found.rhs.tolist(), strict=True))


def test_names(record: Fit) -> None:
    assert set(NAMES) <= set(record.names)
    assert "copy" in record.dropped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", [({"x": 1}, 0)]),
        ("x = 0", [({"x": 1}, 0)]),
        ("x == 2.5", [({"x": 1}, 2.5)]),
        ("3 = x", [({"x": -1}, -3)]),
        ("x - x2 = 0", [({"x": 1, "x2": -1}, 0)]),
        ("x=x2", [({"x": 1, "x2": -1}, 0)]),
        ("x = x2 = 1", [({"x": 1}, 1), ({"x2": 1}, 1)]),
        ("x = 0, x2 = 1e-1", [({"x": 1}, 0), ({"x2": 1}, 0.1)]),
        ("f[T.middle]-f[T.top]", [({"f[T.middle]": 1, "f[T.top]": -1}, 0)]),
        ("x + x:f[T.top] = 0", [({"x": 1, "x:f[T.top]": 1}, 0)]),
        ("2 * (x - x2) / 4 - -x = 1", [({"x": 1.5, "x2": -0.5}, 1)]),
        ("x * 2 + 1 = 3", [({"x": 2}, 2)]),
        ("`z z` + z z = 0", [({"z z": 2}, 0)]),
        ("(Intercept) - Intercept / 2", [({"Intercept": 0.5}, 0)]),
        ("poly(x2, 2)[2] = 0", [({"poly(x2, 2)[2]": 1}, 0)]),
        (["x = 0", "x2 = 1"], [({"x": 1}, 0), ({"x2": 1}, 1)]),
        ({"x": 1, "x2": -2}, [({"x": 1, "x2": -2}, 0)]),
        ([{"x": 1}, "x2 = 3"], [({"x": 1}, 0), ({"x2": 1}, 3)]),
        (pd.DataFrame({"x2": [1.0, 0.0], "x": [0.0, 2.0]}), None),
    ],
)  # fmt: skip
def test_what_is_understood(record: Fit, text: Any, expected: Any) -> None:
    if expected is None:
        wide = text.reindex(columns=list(record.names), fill_value=0.0)
        assert rows(record, wide[list(reversed(record.names))]) == [({"x2": 1.0}, 0.0), ({"x": 2.0}, 0.0)]
        return
    assert rows(record, text) == expected


def test_matrices_and_labels(record: Fit) -> None:
    p = len(record.names)
    assert rows(record, np.eye(p)[1]) == [({record.names[1]: 1.0}, 0.0)]
    assert len(rows(record, np.eye(p)[1:4].tolist())) == 3
    assert read_hypothesis(record, "2*x - x2 = 1").labels == ("2 * x - x2 = 1",)
    assert read_hypothesis(record, "-x").labels == ("-x = 0",)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ("nothing = 0", "nothing"),
        ("x3 = 0", "x3"),
        ("x * x2 = 0", "product"),
        ("x / x2", "divide"),
        ("x / 0", "divide"),
        ("x = ", "too early"),
        ("(x = 0", "bracket"),
        ("x = 0 x2", "not understood"),
        ("__import__('os')", "__import__"),
        ("1 = 1", "without any coefficient"),
        ("x - x = 0", "without any coefficient"),
        ("copy = 0", "linear combination"),
        ({"copy": 1}, "linear combination"),
        ({"xx": 1}, "no coefficient"),
        ({"x": "1"}, "number"),
        ({"x": np.inf}, "finite"),
        ([], "without any coefficient|columns"),
        ([1.0, 2.0], "columns"),
        (np.ones((2, 3)), "columns"),
        (["x", 3], "mixes"),
        (None, "columns"),
        ("(" * 60 + "x" + ")" * 60, "deeply"),
        ("-" * 60 + "x", "deeply"),
        ("x + " * 10_000 + "x", "too long"),
        (["x = 1", "x = 2"], "contradict"),
    ],
)
def test_what_is_not(record: Fit, given: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match) as caught:
        read_hypothesis(record, given)
    assert caught.value.argument == "L"
