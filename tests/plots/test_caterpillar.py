from itertools import pairwise

import numpy as np
import pytest

from mlm_widgets.errors import OptionError
from mlm_widgets.plots import caterpillar, caterpillar_spec
from tests.plots import models
from tests.plots.specs import layers, panels


def test_rows_are_the_models_numbers_in_the_order_of_the_sorting_term() -> None:
    model = models.sleepstudy()
    modes = model.ranef().set_index(["term", "level"])
    rows = caterpillar_spec(model, sort="Days")["datasets"]["groups"]
    assert [row["r"] for row in rows] == list(range(18))
    assert all(a["m1"] <= b["m1"] for a, b in pairwise(rows))
    for row in rows:
        for j, term in enumerate(("Intercept", "Days")):
            numbers = modes.loc[(term, row["n"])]
            assert row[f"m{j}"] == pytest.approx(numbers["estimate"], abs=0.01)
            assert row[f"m{j}"] + row[f"h{j}"] == pytest.approx(numbers["upper"], abs=0.02)
            assert row[f"s{j}"] == int(numbers["lower"] > 0 or numbers["upper"] < 0)


@pytest.mark.parametrize("n", [5, 18, 160, 410])
def test_each_panel_counts_the_intervals_that_leave_zero(n: int) -> None:
    model = models.simulated(n)
    frame = model.ranef()
    left = frame[(frame["lower"] > 0) | (frame["upper"] < 0)]["term"].value_counts()
    for panel, term in zip(panels(caterpillar_spec(model)), ("Intercept", "x1"), strict=True):
        assert panel["title"]["subtitle"].startswith(f"{left.get(term, 0)} of {n} intervals exclude 0")


def test_names_are_on_the_rows_up_to_40_groups_only() -> None:
    def named(n: int) -> bool:
        return any(
            layer["mark"]["type"] == "text" and layer["mark"]["align"] == "right"
            for layer in layers(caterpillar_spec(models.simulated(n)))
        )

    assert named(40)
    assert not named(41)


def test_the_panel_that_sorts_says_so() -> None:
    titles = [panel["title"]["text"] for panel in panels(caterpillar_spec(models.sleepstudy(), sort="Days"))]
    assert titles == ["Intercept (same order)", "Slope of Days (sorts the rows)"]


def test_axis_titles_carry_units() -> None:
    spec = caterpillar_spec(models.sleepstudy())
    titles = [
        layer["encoding"]["x"]["axis"]["title"] for layer in layers(spec) if "axis" in layer["encoding"].get("x", {})
    ]
    assert titles == [["Difference from the average Subject (ms)"], ["Difference from the average slope (ms per day)"]]


def test_picked_groups_are_in_the_selection_as_texts() -> None:
    (parameter,) = caterpillar_spec(models.sleepstudy(), pick=[337, "308"])["params"]
    assert parameter["name"] == "picked"
    assert parameter["value"] == [{"n": "337"}, {"n": "308"}]


def test_names_of_neighbours_are_pushed_apart() -> None:
    model = models.hsb("cses")
    names = [row["n"] for row in caterpillar_spec(model)["datasets"]["groups"]]
    rows = caterpillar_spec(model, pick=names[:3])["datasets"]["groups"][:3]
    step = 480 / 160
    assert np.all(np.diff([row["q"] for row in rows]) * step >= 13 - 0.1)


def test_zero_is_in_the_middle_of_the_scale_of_a_panel_without_names() -> None:
    for panel in panels(caterpillar_spec(models.sleepstudy())):
        (low, high), *_ = [
            layer["encoding"]["x"]["scale"]["domain"]
            for layer in layers(panel)
            if "scale" in layer["encoding"].get("x", {})
        ]
        assert low == -high


def test_above_400_groups_run_along_x_and_above_5000_as_bands() -> None:
    along = caterpillar_spec(models.simulated(2000))
    assert "vconcat" in along
    assert len(along["datasets"]["groups"]) == 2000
    bands = caterpillar_spec(models.simulated(5001, 1, each=2), pick=["g2500"])
    assert len(bands["datasets"]["bands"]) == 240
    assert len(bands["datasets"]["groups"]) == 21


def test_several_grouping_factors() -> None:
    inner = models.simulated(18)
    model = type(inner)(inner.data, inner.outcome, inner.fixed, {"g": ("Intercept",), "kind": ("Intercept",)})
    assert len(caterpillar_spec(model)["datasets"]["groups"]) == 18
    assert len(caterpillar_spec(model, group="kind")["datasets"]["groups"]) == 3


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"group": "subject"}, r"group must be one of 'Subject', not 'subject'[\s\S]*'Subject'"),
        ({"sort": "days"}, r"sort must be one of 'Intercept', 'Days'[\s\S]*'Days'"),
        ({"pick": ["3377"]}, r"pick must be one of[\s\S]*and 6 more"),
        ({"level": 0}, "between 0 and 1"),
    ],
)
def test_wrong_options_name_the_nearest(options: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        caterpillar(models.sleepstudy(), **options)  # type: ignore[arg-type]
