"""The charts of fitted models: the numbers of the reference fits of R reach the picture."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import mlm_widgets as mlm
from mlm_widgets.plots import caterpillar_spec, coefficients_spec, predictions_spec
from tests.plots.specs import drawn_width, layers, panels

REFERENCE = Path(__file__).parents[1] / "reference" / "lme4.json"


@cache
def reference(entry: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))[entry]
    return found


@cache
def hsb(formula: str) -> mlm.MixedModel:
    data = mlm.datasets.load("hsb")
    data["cses"] = data["ses"] - data["meanses"]
    return mlm.fit(formula, data)


@cache
def sleepstudy() -> mlm.MixedModel:
    return mlm.fit("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))


def test_coefficients_of_hsb() -> None:
    fixed = reference("hsb_mod4")["fixed"]
    spec = coefficients_spec(hsb("mathach ~ cses + meanses + sector + cses:meanses + cses:sector + (cses | school)"))
    rows = spec["datasets"]["terms"]
    assert [row["b"] for row in rows] == pytest.approx(fixed["estimate"][1:], abs=1e-3)
    assert [row["b_text"] for row in rows] == ["2.94", "5.34", "1.22", "1.04", "−1.64"]
    assert [row["i_text"] for row in rows][-1] == "[−2.12, −1.17]"
    headings = [row["t"] for row in spec["datasets"]["labels"] if row["h"]]
    assert headings == ["Level 1", "Level 2", "Cross-level"]


def test_caterpillar_of_sleepstudy() -> None:
    modes = reference("sleepstudy_slope_reml")["ranef"]["Subject"]
    expected = dict(zip(modes["levels"], modes["mode"], strict=True))
    spec = caterpillar_spec(sleepstudy(), sort="Days")
    for row in spec["datasets"]["groups"]:
        assert [row["m0"], row["m1"]] == pytest.approx(expected[row["n"]], abs=0.02)
    counts = [panel["title"]["subtitle"] for panel in panels(spec)]
    assert counts == ["6 of 18 intervals exclude 0", "8 of 18 intervals exclude 0"]


def test_caterpillar_of_hsb_counts_its_schools() -> None:
    spec = caterpillar_spec(hsb("mathach ~ cses + (cses | school)"))
    counts = [panel["title"]["subtitle"] for panel in panels(spec)]
    assert counts == ["88 of 160 intervals exclude 0", "1 of 160 intervals exclude 0"]


def test_predictions_are_those_of_the_model() -> None:
    model = hsb("mathach ~ ses * sector + (ses | school)")
    frame = model.predictions(["ses", "sector"])
    rows = predictions_spec(model, ["ses", "sector"])["datasets"]["lines"]
    assert len(rows) == len(frame)
    for name, column in (("y", "estimate"), ("lo", "conf_low"), ("hi", "conf_high")):
        assert sorted(row[name] for row in rows) == pytest.approx(sorted(frame[column]), abs=0.01)


def test_centring_within_groups_keeps_its_name() -> None:
    model = hsb("mathach ~ within(ses, school) * sector + (1 | school)")
    spec = predictions_spec(model, ["ses", "sector"], raw=True)
    assert spec["title"]["text"] == "Predicted mathach by ses (within school) and sector"
    assert max(abs(row["x"]) for row in spec["datasets"]["raw"]) < 2.5


def test_a_column_that_enters_in_several_ways_must_be_named() -> None:
    model = hsb("mathach ~ within(ses, school) + between(ses, school) + (1 | school)")
    with pytest.raises(mlm.OptionError, match=r"within\(ses, school\), between\(ses, school\)"):
        predictions_spec(model, ["ses"])
    assert predictions_spec(model, ["between(ses, school)"])


def test_a_variance_of_zero_is_said_and_drawn_on_a_plain_axis() -> None:
    spec = caterpillar_spec(mlm.fit("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2")))
    assert "estimated as 0" in " ".join(spec["title"]["subtitle"])
    ticks = [
        layer["encoding"]["x"]["axis"]["values"] for layer in layers(spec) if "axis" in layer["encoding"].get("x", {})
    ]
    assert max(ticks[0]) > 0.1


def test_nested_factors_are_chosen_by_name() -> None:
    model = mlm.fit("strength ~ 1 + (1 | batch/cask)", mlm.datasets.load("pastes"))
    for group, n in model.n_groups.items():
        assert len(caterpillar_spec(model, group=group)["datasets"]["groups"]) == n


def test_fitted_models_draw() -> None:
    cake = mlm.fit("angle ~ recipe * temp + (1 | recipe:replicate)", mlm.datasets.load("cake"))
    for spec in (coefficients_spec(cake), caterpillar_spec(cake), predictions_spec(cake, ["recipe", "temp"])):
        assert drawn_width(spec) <= 703


def test_values_may_be_written_behind_the_name() -> None:
    model = hsb("mathach ~ ses * meanses + (1 | school)")
    asked = predictions_spec(model, ["ses", "meanses [0, 0.7]"])
    assert asked == predictions_spec(model, {"ses": None, "meanses": [0, 0.7]})
    quartiles = predictions_spec(model, ["ses", "meanses [quartiles]"])
    assert quartiles["datasets"]["labels"][1]["t"] == "Median (0.04)"


def test_a_factor_with_another_reference_keeps_its_name() -> None:
    model = hsb('mathach ~ cses * C(sector, contr.treatment("Catholic")) + (1 | school)')
    assert predictions_spec(model, ["cses", "C(sector)"])["title"]["text"] == "Predicted mathach by cses and sector"
