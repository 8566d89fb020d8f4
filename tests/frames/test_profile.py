"""What each column can be used for, and the sentence that says why it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlm_widgets import datasets
from mlm_widgets.frames import is_constant_within, longest_chain, profile, read_frame


def test_columns_of_hsb() -> None:
    found = {column.name: column for column in profile(read_frame(datasets.load("hsb")))}
    school, ses, sector, size = found["school"], found["ses"], found["sector"], found["size"]
    assert (school.kind, school.n_distinct, school.group_problem) == ("factor", 160, None)
    assert school.predictor_problem == "160 levels: use it as a grouping"
    assert school.outcome_problem == "text: the outcome must be a number"
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
