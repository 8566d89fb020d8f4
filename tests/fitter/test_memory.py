"""Memory of a fit of many rows, as numpy reports it: columns are read, not copied."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import fit

N, GROUP_SIZE = 500_000, 50
ROW = 8  # bytes of a column


def frame(*, is_shuffled: bool) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    g = np.arange(N) // GROUP_SIZE
    b, x = draw.normal(size=(g[-1] + 1, 2)), draw.normal(size=N)
    data = pd.DataFrame({"y": b[g, 0] + b[g, 1] * x + draw.normal(size=N), "x": x, "g": g})
    return data.sample(frac=1.0, random_state=0).reset_index(drop=True) if is_shuffled else data


def peak_of(data: pd.DataFrame, **options: Any) -> float:
    """Peak of a fit, in columns of the data."""
    fit("y ~ x + (x | g)", data[data["g"] < 20])  # what is imported and learned once
    tracemalloc.start()
    try:
        m = fit("y ~ x + (x | g)", data, **options)
        assert m.df is not None
        return tracemalloc.get_traced_memory()[1] / (N * ROW)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_a_fit_takes_less_than_a_copy_of_its_columns(is_shuffled: bool) -> None:
    assert peak_of(frame(is_shuffled=is_shuffled)) < 3.0


def test_weights_take_a_column_more() -> None:
    weights = np.random.default_rng(1).uniform(0.5, 2.0, size=N)
    assert peak_of(frame(is_shuffled=False), weights=weights) < 4.0


def test_missing_values_take_a_copy_of_the_rows_left() -> None:
    data = frame(is_shuffled=False)
    data.loc[7, "x"] = np.nan
    assert peak_of(data) < 6.0
