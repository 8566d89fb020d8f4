"""Whole numbers as a factor: codes, levels and counts, however the values lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets.frames import IntegerLevels, read_frame
from mlm_widgets.frames.levels import CHUNK

DRAW = np.random.default_rng(0)
VALUES = {
    "codes": np.repeat(np.arange(5), 3),
    "codes, shuffled": DRAW.permutation(np.repeat(np.arange(5), 3)),
    "rising from 3": np.array([3, 3, 4, 7, 7, 7]),
    "falling": np.array([7, 7, 3, 3, 3]),
    "gaps": np.array([9, 0, 4, 4, 9, 2]),
    "negative": np.array([-2, 5, -2, 0]),
    "far": np.array([10**15, 3, -(10**15), 3]),
    "far and rising": np.array([-(10**15), 3, 3, 10**15]),
    "one": np.array([4, 4, 4]),
    "more than a chunk": np.arange(2 * CHUNK + 5) // 7,
    "falls after a chunk": np.append(np.arange(CHUNK + 1) // 7, 2),
    "changes between chunks": np.append(np.zeros(CHUNK, dtype=np.int64), [1, 1, 2]),
}


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint16", "uint64"])
@pytest.mark.parametrize("name", VALUES)
def test_codes_and_levels(name: str, dtype: str) -> None:
    values = VALUES[name]
    if values.min() < np.iinfo(dtype).min or values.max() > np.iinfo(dtype).max:
        pytest.skip("not of this type")
    column = read_frame(pd.DataFrame({"g": values.astype(dtype)})).column("g")
    expected, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(column.codes, codes)
    assert column.codes.dtype == np.int64
    assert tuple(column.levels) == tuple(map(str, expected.tolist()))
    assert isinstance(column.levels, IntegerLevels)
    np.testing.assert_array_equal(column.levels.counts, counts)


def test_levels_are_like_a_tuple() -> None:
    levels = read_frame(pd.DataFrame({"g": [30, 10, 20]})).column("g").levels
    others = read_frame(pd.DataFrame({"g": [10, 10, 20, 30]})).column("g").levels
    assert levels == ("10", "20", "30") == levels
    assert levels == others
    unlike: list[object] = [("10", "20"), ["10", "20", "30"], None]
    assert all(levels != other for other in unlike)
    assert hash(levels) == hash(("10", "20", "30"))
    assert levels[1] == "20"
    assert levels[:2] == ("10", "20")
    assert list(levels) == ["10", "20", "30"]
    assert "20" in levels
    assert repr(levels) == "('10', '20', '30')"
    assert len(levels) == 3


def test_what_are_codes_already_is_not_copied() -> None:
    data = pd.DataFrame({"sorted": np.repeat(np.arange(50), 4), "shuffled": DRAW.permutation(np.arange(200) % 50)})
    frame = read_frame(data)
    for name in data:
        assert np.shares_memory(frame.column(str(name)).codes, data[name].to_numpy())
