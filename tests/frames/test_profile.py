"""What each column can be used for, and the sentence that says why it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import datasets
from mlm_widgets.frames import is_constant_within, longest_chain, profile, read_frame


def test_columns_of_hsb() -> None:
    found = {column.name: column for column in profile(read_frame(datasets.load("hsb")))}
    school, ses, sector, size = found["school"], found["ses"], found["sector"], found["size"]
    assert (school.kind, school.n_distinct, school.group_problem) == ("factor", 160, None)
    assert school.predictor_problem == "160 levels: use it as a grouping"
    assert school.outcome_problem == "text of 160 levels: an outcome is a number or has two levels"
    assert len(school.levels) == 50
    assert (ses.kind, ses.outcome_problem, ses.predictor_problem) == ("number", None, None)
    assert ses.group_problem == "numbers with decimals do not name groups"
    assert ses.constant_within == ()
    assert ses.bins is not None
    assert sum(ses.bins) == 7185
    assert "school" in sector.constant_within
    assert "school" in size.constant_within
    assert size.range == (100.0, 2713.0)


def test_columns_that_serve_for_nothing() -> None:
    n = 12
    data = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "same": 1,
            "nothing": np.nan,
            "day": pd.date_range("2020", periods=n),
            "mixed": ["a", 1] * (n // 2),
            "infinite": [np.inf, *range(n - 1)],
            "g": list("aabbcc") * 2,
        }
    )
    found = {column.name: column for column in profile(read_frame(data))}
    assert found["id"].group_problem == "every row has its own value"
    assert found["same"].outcome_problem == found["same"].group_problem == "the same value in every row"
    assert found["nothing"].predictor_problem == "every value is missing"
    assert found["nothing"].n_missing == n
    assert found["nothing"].range is None
    assert found["day"].outcome_problem == "dates: convert to numbers first"
    assert found["mixed"].predictor_problem == "mixed kinds of values"
    assert found["infinite"].range == (0.0, 10.0)
    assert found["g"].group_problem is None


def test_constant_within() -> None:
    codes = np.array([0, 0, 1, 1, -1])
    assert is_constant_within(np.array([1.0, 1.0, 2.0, 2.0, 9.0]), codes)
    assert is_constant_within(np.array([0.1 + 0.2, 0.3, 2.0, 2.0, 9.0]), codes)
    assert not is_constant_within(np.array([1.0, 1.1, 2.0, 2.0, 9.0]), codes)
    assert is_constant_within(np.array([np.nan, np.nan, 2.0, 2.0, 9.0]), codes)
    assert is_constant_within(np.array([4, 4, 5, 5, 6]), codes)
    assert not is_constant_within(np.array([4, 4, 5, 6, 6]), codes)
    assert is_constant_within(np.array([1.0]), np.array([-1]))


def test_longest_chain_of_nested_groupings() -> None:
    nested = {(0, 1), (1, 2), (0, 2)}
    assert longest_chain([0, 1, 2], nested) == 3
    assert longest_chain([0, 3], nested) == 1
    assert longest_chain([], nested) == 0


def test_constant_within_is_found_for_every_pair_of_columns() -> None:
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(40), 50)
    late = np.where(np.arange(2000) < 1990, g, rng.integers(0, 40, 2000))  # as g in all rows that are tried first
    data = pd.DataFrame(
        {"g": g, "late": late, "of_g": (g % 7).astype(float), "outer": g // 4, "free": rng.permutation(g)}
    )
    data["holes"] = np.where(rng.random(2000) < 0.1, np.nan, g)
    data["of_g_holes"] = np.where(g % 3 == 0, np.nan, g % 5)
    columns = {str(name): read_frame(data).column(str(name)).codes for name in data}
    found = {column.name: column for column in profile(read_frame(data))}
    for name, codes in columns.items():
        fine_enough = [
            other for other in columns if found[other].n_distinct >= found[name].n_distinct and other != name
        ]
        expected = [other for other in fine_enough if is_constant_within(codes, columns[other])]
        assert list(found[name].constant_within) == expected
    assert "g" in found["of_g"].constant_within
    assert "g" in found["of_g_holes"].constant_within
    assert "g" not in found["late"].constant_within


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 1.0, 2.0, 3.0],
        [5.0] * 4,
        [-1.7e308, 0.0, 1.0, 1.7e308],
        [0.0, 5e-324, 0.0, 5e-324],
        [1e16, 1e16 + 2, 1e16, 1e16 + 2],
        [1_700_000_000_000_000_000, 1_700_000_000_000_000_256] * 2,
        [np.inf, -np.inf, 1.0, 2.0],
    ],
)
def test_bins_count_every_finite_value(values: list[float]) -> None:
    (column,) = profile(read_frame(pd.DataFrame({"x": values})))
    assert column.bins is not None
    assert len(column.bins) == 20
    assert sum(column.bins) == np.isfinite(values).sum()


def test_bins_are_those_of_a_histogram() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    (column,) = profile(read_frame(pd.DataFrame({"x": values})))
    assert column.bins == tuple(np.histogram(values, bins=20)[0])


def test_one_grouping_under_two_names_is_no_chain() -> None:
    assert longest_chain([0, 1], {(0, 1), (1, 0)}) == 1
    assert longest_chain([0, 1, 2], {(0, 1), (1, 0), (2, 0), (2, 1)}) == 2
