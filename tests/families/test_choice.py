"""Columns and the families that are offered for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlm_widgets.families import FAMILIES, families_for
from mlm_widgets.frames import Column, read_frame

POSITIVE = ["gamma", "inverse_gaussian"]
COUNTS = ["poisson", "negative_binomial"]

# values -> families, the likeliest first
OFFERED: dict[str, tuple[list[Any], list[str]]] = {
    "zeros and ones": ([0, 1, 1, 0], ["binomial", "gaussian", *COUNTS]),
    "with a missing one": ([0.0, 1.0, np.nan, 0.0], ["binomial", "gaussian", *COUNTS]),
    "ones and twos": ([1, 2, 1, 2], ["binomial", "gaussian", *COUNTS, *POSITIVE]),
    "two other numbers": ([-1.5, 2.0, 2.0], ["binomial", "gaussian"]),
    "two words": (["N", "Y", "N"], ["binomial"]),
    "two words and a missing one": (["N", None, "Y"], ["binomial"]),
    "three words": (["a", "b", "c"], []),
    "one word": (["a", "a"], []),
    "truth": ([True, False, True], ["binomial"]),
    "one truth": ([True, True], []),
    "small counts": ([0, 3, 1, 99], [*COUNTS, "gaussian"]),
    "small counts from one": ([1, 3, 2], [*COUNTS, "gaussian", *POSITIVE]),
    "counts as floats": ([0.0, 3.0, 1.0], [*COUNTS, "gaussian"]),
    "large whole numbers": ([0, 250, 100], ["gaussian", *COUNTS]),
    "whole numbers below zero": ([-1, 0, 4], ["gaussian"]),
    "shares": ([0.1, 0.25, 0.9], ["beta", "gaussian", *POSITIVE]),
    "shares up to one": ([0.1, 0.25, 1.0], ["gaussian", "binomial", *POSITIVE]),
    "shares from zero": ([0.0, 0.25, 0.9], ["gaussian", "binomial"]),
    "positive": ([0.5, 12.25, 3.0], ["gaussian", *POSITIVE]),
    "any sign": ([-0.5, 12.25, 3.0], ["gaussian"]),
    "with an infinite one": ([-0.5, np.inf, 3.0, 4.0], ["gaussian"]),
    "constant": ([2, 2, 2], []),
    "missing": ([np.nan, np.nan], []),
    "dates": (list(pd.to_datetime(["2020-01-01", "2020-01-02"])), []),
    "mixed": ([1, "a", 2.5], []),
}


def column(values: list[Any]) -> Column:
    return read_frame(pd.DataFrame({"y": values})).column("y")


@pytest.mark.parametrize("name", OFFERED)
def test_families_are_offered_in_order_of_fit(name: str) -> None:
    values, expected = OFFERED[name]
    found = families_for(column(values))
    assert found == expected
    assert set(found) <= set(FAMILIES)


def test_frames_of_other_libraries() -> None:
    frame = read_frame(pl.DataFrame({"y": ["N", "Y", None], "n": [0, None, 4]}))
    assert families_for(frame.column("y")) == ["binomial"]
    assert families_for(frame.column("n"))[0] == "binomial"
