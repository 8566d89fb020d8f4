"""What holds for every chart: it is valid, uses only the theme, fits, draws, and takes names as data."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mlm_widgets.plots import (
    caterpillar,
    caterpillar_spec,
    coefficients,
    coefficients_spec,
    inert,
    power_spec,
    predictions,
    predictions_spec,
    theme,
)
from tests.plots import models
from tests.plots.models import ODD
from tests.plots.specs import Spec, drawn_width, strings, svg
from tests.plots.test_power import curve

Draw = Callable[..., Spec]

CASES: dict[str, Draw] = {
    "coefficients": lambda **o: coefficients_spec(models.hsb(), **o),
    "coefficients of two": lambda **o: coefficients_spec({"a": models.hsb("cses"), "b": models.hsb()}, **o),
    "coefficients, odd": lambda **o: coefficients_spec(models.odd(), **o),
    "caterpillar 5": lambda **o: caterpillar_spec(models.simulated(5, 3), **o),
    "caterpillar 18": lambda **o: caterpillar_spec(models.sleepstudy(), pick=["337"], **o),
    "caterpillar 160": lambda **o: caterpillar_spec(models.hsb("cses"), pick=["2639", "8367"], **o),
    "caterpillar 500": lambda **o: caterpillar_spec(models.simulated(500), pick=["g0007"], **o),
    "caterpillar, odd": lambda **o: caterpillar_spec(models.odd(), pick=["</script>"], **o),
    "number by factor": lambda **o: predictions_spec(models.hsb(), ["cses", "sector"], raw=True, **o),
    "number by number": lambda **o: predictions_spec(models.hsb(), ["cses", "meanses"], **o),
    "three-way": lambda **o: predictions_spec(models.hsb(), ["cses", "sector", "meanses"], raw=True, **o),
    "factor by factor": lambda **o: predictions_spec(models.simulated(18), ["place", "kind"], raw=True, **o),
    "predictions, odd": lambda **o: predictions_spec(models.odd(), [ODD["x"], ODD["f"]], raw=True, **o),
    "predictions of an odd factor": lambda **o: predictions_spec(models.odd(), [ODD["f"]], **o),
    "power": lambda **o: power_spec(curve(), **o),
    "power of four sizes": lambda **o: power_spec(curve(sizes=(2, 4, 8, 16)), **o),
    "power, odd": lambda **o: power_spec(replace(curve(), effect=ODD["x"], group="</script>"), **o),
}
every_chart = pytest.mark.parametrize("name", CASES)


@every_chart
def test_it_draws_no_wider_than_asked(name: str) -> None:
    assert drawn_width(CASES[name](width=700)) <= 700 + 3
    assert drawn_width(CASES[name](width=560)) <= 560 + 3


@every_chart
@pytest.mark.parametrize("look", ["light", "dark"])
def test_it_uses_only_colours_of_the_theme(name: str, look: str) -> None:
    found = {text for text in strings(CASES[name](theme=look)) if re.fullmatch(r"#[0-9A-Fa-f]{3,8}", text)}
    assert found <= set(theme.tokens(look).values())
    assert not [text for text in strings(CASES[name](theme=look)) if text in {"black", "white", "gray", "grey"}]


@every_chart
def test_dark_is_light_with_the_colours_swapped(name: str) -> None:
    swap = dict(zip(theme.tokens("light").values(), theme.tokens("dark").values(), strict=True))

    def swapped(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: value if key == "datasets" else swapped(value) for key, value in part.items()}
        if isinstance(part, list):
            return [swapped(value) for value in part]
        return swap.get(part, part) if isinstance(part, str) else part

    assert swapped(CASES[name](theme="light")) == CASES[name](theme="dark")


@every_chart
def test_names_of_the_data_are_no_fields(name: str) -> None:
    spec = CASES[name]()
    fields = {key for rows in spec["datasets"].values() for row in rows for key in row}
    assert all(re.fullmatch(r"[a-z]\w{0,7}", field) for field in fields)


@every_chart
def test_no_markup_is_left_in_it(name: str) -> None:
    assert not re.search(r"<[A-Za-z/!?]", json.dumps(CASES[name]()))


@every_chart
def test_numbers_are_finite(name: str) -> None:
    json.dumps(CASES[name](), allow_nan=False)


def test_altair_takes_them_and_validates() -> None:
    for chart in (
        coefficients(models.hsb()),
        caterpillar(models.sleepstudy()),
        caterpillar(models.simulated(500)),
        predictions(models.hsb(), ["cses", "sector", "meanses"], raw=True),
        caterpillar(models.odd()),
    ):
        assert chart.to_dict()["datasets"]


def test_the_html_of_a_chart_holds_no_tag_of_the_data() -> None:
    page = caterpillar(models.odd(), pick=["</script>"]).to_html()
    assert "alert(1)" in page
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")


def test_odd_names_are_drawn_as_they_are() -> None:
    drawn = svg(caterpillar_spec(models.odd()))
    for name in ("a.b", "c[0]", "datum.x", "back\\slash", "日本語"):
        assert f">{name}<" in drawn


def test_ordinary_names_stay_as_they_are() -> None:
    assert inert("a < b, x<3, 5 > 4") == "a < b, x<3, 5 > 4"
    assert inert("<b>").replace("\u2060", "") == "<b>"


def test_the_specifications_need_no_altair() -> None:
    code = "import sys, mlm_widgets.plots; sys.exit('altair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
