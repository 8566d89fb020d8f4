from typing import Any

import pytest

from mlm_widgets.errors import OptionError
from mlm_widgets.plots import predictions, predictions_spec
from tests.plots import models
from tests.plots.specs import layers, panels


def marks(spec: dict[str, Any]) -> set[str]:
    return {layer["mark"]["type"] for layer in layers(spec)}


def test_rows_are_the_models_numbers() -> None:
    model = models.hsb()
    frame = model.predictions({"cses": None, "sector": None})
    rows = predictions_spec(model, ["cses", "sector"])["datasets"]["lines"]
    assert len(rows) == len(frame)
    expected = {(round(float(x), 3), str(s)): (y, lo, hi) for x, s, y, _, lo, hi in frame.itertuples(index=False)}
    for row in rows:
        near = [numbers for (x, s), numbers in expected.items() if s == row["s"] and abs(x - row["x"]) < 0.002]
        assert near == [pytest.approx((row["y"], row["lo"], row["hi"]), abs=0.01)]


def test_the_first_number_left_open_is_x() -> None:
    spec = predictions_spec(models.hsb(), {"sector": None, "meanses": [-1, 1], "cses": None})
    assert spec["title"]["text"] == "Predicted mathach by cses, sector and meanses"
    assert [panel["title"]["text"] for panel in panels(spec)] == ["meanses −1", "meanses 1"]
    assert [row["s"] for row in spec["datasets"]["lines"]][:: len(spec["datasets"]["lines"]) - 1] == [
        "Public",
        "Catholic",
    ]


def test_low_middle_and_high_have_ordered_colours_and_are_named_at_the_end() -> None:
    spec = predictions_spec(models.hsb(), ["cses", "meanses"])
    names = [label["t"] for label in spec["datasets"]["labels"]]
    assert names == ["Low meanses (−0.41)", "Middle (0.01)", "High meanses (0.42)"]


def test_given_values_are_kept() -> None:
    spec = predictions_spec(models.hsb(), {"cses": None, "meanses": [0, 0.7]})
    assert [label["t"] for label in spec["datasets"]["labels"]] == ["meanses 0", "meanses 0.7"]


def test_panels_share_both_axes() -> None:
    spec = predictions_spec(models.hsb(), ["cses", "sector", "meanses"])
    scales = [(panel["encoding"]["x"]["scale"], panel["encoding"]["y"]["scale"]) for panel in panels(spec)]
    assert len(scales) == 3
    assert all(scale == scales[0] for scale in scales)


def test_lines_end_where_the_data_of_the_panel_end() -> None:
    model = models.hsb("ses * sector + meanses")
    rows = predictions_spec(model, {"ses": None, "sector": ["Public"], "meanses": [-1, 1]})["datasets"]["lines"]
    reach = [[row["x"] for row in rows if row["p"] == panel] for panel in (0, 1)]
    assert max(reach[0]) < max(reach[1])


def test_a_factor_as_x_gives_points_with_intervals() -> None:
    spec = predictions_spec(models.cake(), ["recipe"])
    assert "line" not in marks(spec)
    assert {"point", "rule"} <= marks(spec)
    assert [row["x"] for row in spec["datasets"]["lines"]] == [0, 1, 2]


def test_bands_can_be_left_out() -> None:
    assert "area" in marks(predictions_spec(models.hsb(), ["cses"]))
    bare = predictions_spec(models.hsb(), ["cses"], bands=False)
    assert "area" not in marks(bare)
    assert "bands" not in bare["title"]["subtitle"][0]


def test_raw_rows_are_a_fixed_sample_of_the_data() -> None:
    first, again = (predictions_spec(models.hsb(), ["cses", "sector"], raw=True)["datasets"]["raw"] for _ in range(2))
    assert first == again
    assert len(first) == 200
    data = models.hsb().data
    public = {
        (round(x, 3), round(y, 1))
        for x, y, s in zip(data["cses"], data["mathach"], data["sector"], strict=True)
        if s == "Public"
    }
    assert all((row["x"], row["y"]) in public for row in first if row["k"] == 0)


def test_more_than_four_lines_become_panels() -> None:
    model = models.hsb()
    spec = predictions_spec(model, {"cses": None, "meanses": [-0.6, -0.3, 0, 0.3, 0.6]})
    assert len(panels(spec)) == 5


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        (["cse"], r"terms must be one of[\s\S]*'cses'"),
        (["cses", "cses"], "one to three different predictors"),
        (["cses", "sector", "meanses", "sex"], "one to three different predictors"),
        ([], "one to three different predictors"),
        (
            {"cses": None, "meanses": [i / 10 for i in range(13)]},
            r"room for 12 panels[\s\S]*\{'meanses': \[0.0, 0.1\]\}",
        ),
    ],
)
def test_wrong_terms_say_what_is_allowed(terms: Any, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        predictions(models.hsb(), terms)


def test_a_factor_runs_along_x_beside_a_number_whose_values_are_chosen() -> None:
    spec = predictions_spec(models.hsb(), {"sector": None, "meanses": "sd"})
    assert {row["s"] for row in spec["datasets"]["lines"]} != {""}
    assert "Public" in {row["t"] for row in spec["datasets"]["hits"]}


def test_values_beyond_the_data_are_told() -> None:
    told = " ".join(predictions_spec(models.hsb(), {"cses": None, "meanses": [0, 9]})["title"]["subtitle"])
    assert "Beyond the data: meanses 9" in told
    assert "Beyond" not in str(predictions_spec(models.hsb(), {"cses": None, "meanses": [0, 0.5]})["title"])
