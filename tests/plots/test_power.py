"""Charts of power: a point a size, its interval, the target and the study's own size."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import OptionError
from mlm_widgets.inference import Power
from mlm_widgets.plots import power, power_spec
from tests.plots.specs import Spec, drawn_width, layers, svg


@cache
def curve(n_groups: tuple[int | None, ...] = (6, 10, 18, 30), sizes: tuple[int | None, ...] = (None,)) -> Power:
    """A curve of a study with 18 groups of 10."""
    asked = tuple((n, size) for size in sizes for n in n_groups)
    table = pd.DataFrame(
        {"n_groups": [n or 18 for n, _ in asked], "group_size": [size or 10 for _, size in asked], "n_sim": 200}
    )
    table["power"] = np.clip(table["n_groups"] * table["group_size"] / 320, 0, 1)
    table["lower"], table["upper"] = np.maximum(table["power"] - 0.05, 0), np.minimum(table["power"] + 0.05, 1)
    table["n_failed"], table["n_singular"] = 1, 3
    text = "t test with Satterthwaite's degrees of freedom"
    return Power(table, "Days", 5.0, "Subject", text, 0.05, 0.95, (18, 10.0), asked)


def marks(spec: Spec) -> list[str]:
    return [layer["mark"]["type"] for layer in layers(spec)]


def test_a_point_a_size_with_its_interval() -> None:
    spec = power_spec(curve())
    rows = spec["datasets"]["points"]
    assert [row["x"] for row in rows] == [6, 10, 18, 30]
    assert rows[0] == {"x": 6.0, "y": 0.1875, "lo": 0.1375, "hi": 0.2375, "k": 0, "n": "6", "m": "10",
                       "t": "18.8% [13.8%, 23.8%]", "f": "200, 0.5% without a fit"}  # fmt: skip
    assert {"area", "line", "point", "rule"} <= set(marks(spec))
    assert spec["title"]["text"] == "Power to find Days = 5"
    subtitle = " ".join(spec["title"]["subtitle"])
    assert "95% Monte Carlo interval, 200 simulations a point" in subtitle
    assert "10 rows a group" in subtitle
    drawn = svg(spec)
    for text in ("Number of groups (Subject)", "Power at the 5% level", "target 80%", "this study: 18", "100%"):
        assert f">{text}<" in drawn


def test_sizes_of_groups_are_lines_named_at_their_ends() -> None:
    spec = power_spec(curve(sizes=(4, 10)))
    assert [row["t"] for row in spec["datasets"]["labels"]] == ["4 rows a group", "10 rows a group"]
    assert {row["k"] for row in spec["datasets"]["points"]} == {0, 1}
    heights = [row["y"] for row in spec["datasets"]["labels"]]
    assert heights[0] > heights[1]  # less power lies lower
    with pytest.raises(OptionError, match="room for 4 lines"):
        power_spec(curve(sizes=(2, 3, 4, 5, 6)))
    assert len(power_spec(curve(sizes=(2, 3, 4, 5)))["datasets"]["labels"]) == 4


def test_sizes_are_along_x_where_the_number_of_groups_is_one() -> None:
    spec = power_spec(curve((None,), (3, 5, 10, 20)))
    assert [row["x"] for row in spec["datasets"]["points"]] == [3, 5, 10, 20]
    assert ">Rows a group<" in svg(spec)
    assert "18 groups (Subject)" in " ".join(spec["title"]["subtitle"])


def test_one_size_is_one_point() -> None:
    spec = power_spec(curve((None,)))
    assert len(spec["datasets"]["points"]) == 1
    assert "this study" not in svg(spec)


def test_the_studys_own_size_is_marked_where_it_is_in_reach() -> None:
    assert "this study" not in svg(power_spec(curve((30, 40, 50))))
    assert "this study: 18" in svg(power_spec(curve((6, 18))))


def test_a_size_without_a_fit_has_no_point() -> None:
    table = curve().table.copy()
    table.loc[1, ["power", "lower", "upper"]] = [np.nan, 0.0, 1.0]
    spec = power_spec(replace(curve(), table=table))
    assert [row["x"] for row in spec["datasets"]["points"]] == [6, 18, 30]
    table["power"] = np.nan
    with pytest.raises(OptionError, match="no power to draw"):
        power_spec(replace(curve(), table=table))


def test_options() -> None:
    assert power_spec(curve(), title="Enough?")["title"]["text"] == "Enough?"
    assert ">target 90%<" in svg(power_spec(curve(), target=0.9))
    assert drawn_width(power_spec(curve(sizes=(4, 10)), width=400)) <= 403
    for options in ({"target": 80}, {"theme": "sepia"}, {"width": 1000}):
        with pytest.raises(OptionError):
            power_spec(curve(), **options)


def test_altair_takes_it() -> None:
    assert power(curve(sizes=(4, 10))).to_dict()["datasets"]
