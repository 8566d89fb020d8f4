"""Charts of generalized models: ratios on logarithmic axes, probabilities and counts with their words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import mlm_widgets as mlm
from mlm_widgets.errors import OptionError
from mlm_widgets.plots import caterpillar_spec, coefficients_spec, predictions_spec
from mlm_widgets.plots.digits import axis, labelled_as_ratios, ratio_axis
from tests.plots.specs import drawn_width, layers, panels, strings, svg

Spec = dict[str, Any]


@cache
def fitted(name: str, formula: str, family: str, link: str | None = None) -> mlm.MixedModel:
    return mlm.fit(formula, mlm.datasets.load(name), family=family, link=link)


def logistic(link: str | None = None) -> mlm.MixedModel:
    return fitted("contraception", "use ~ age + urban + (urban | district)", "binomial", link)


def trials() -> mlm.MixedModel:
    return fitted("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")


def counts() -> mlm.MixedModel:
    return fitted("grouseticks", "TICKS ~ YEAR + cHEIGHT + offset(log(HEIGHT)) + (1 | BROOD)", "poisson")


def ticks() -> mlm.MixedModel:
    return fitted("grouseticks", "TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", "negative_binomial")


def axes(spec: Spec, channel: str) -> list[Spec]:
    found = [part["encoding"][channel] for part in layers(spec) if channel in part["encoding"]]
    found += [panel["encoding"][channel] for panel in panels(spec) if channel in panel.get("encoding", {})]
    return [each for each in found if each.get("axis")]


def titles(spec: Spec, channel: str) -> list[str]:
    texts = [each["axis"]["title"] for each in axes(spec, channel)]
    return [" ".join(text) if isinstance(text, list) else str(text) for text in texts]


def subtitle(spec: Spec) -> str:
    return " ".join(spec["title"]["subtitle"])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.6, 3.1, (0.75, 1, 1.5, 2, 3)),
        (1.2, 2.9, (1, 1.2, 1.5, 2, 2.5, 3)),
        (0.04, 90, (0.1, 1, 10, 100)),
        (0.98, 1.05, (0.98, 1, 1.02, 1.04)),
        (1, 1, (0.998, 1, 1.002, 1.004)),
    ],
)
def test_ticks_of_ratios_are_round_and_hold_one(low: float, high: float, ticks: tuple[float, ...]) -> None:
    reach = ratio_axis(low, high)
    assert reach.ticks == pytest.approx(ticks)
    assert reach.low < min(low, 1) <= max(high, 1) < reach.high
    assert reach.share(2 * reach.low) == pytest.approx(np.log(2) / np.log(reach.high / reach.low))


@pytest.mark.parametrize("high", [1.001, 1.5, 4.0, 60.0, 1e3, 1e6])
@pytest.mark.parametrize("low", [0.999, 0.4, 0.02, 1e-3, 1e-6])
def test_an_axis_of_ratios_has_a_few_ticks_and_one_is_among_them(low: float, high: float) -> None:
    reach = ratio_axis(low, high)
    assert 1.0 in [pytest.approx(tick) for tick in reach.ticks]
    assert 3 <= len(reach.ticks) <= 9
    shown = labelled_as_ratios(axis(float(np.log(low)), float(np.log(high))))
    assert 0.0 in [pytest.approx(tick, abs=1e-12) for tick in shown.ticks]


def test_coefficients_are_the_models_ratios_on_a_logarithmic_axis() -> None:
    model = logistic()
    spec = coefficients_spec(model, exponentiate=True)
    table = model.tidy("fixed", exponentiate=True).set_index("term")
    for row, term in zip(spec["datasets"]["terms"], ["age", "urban[T.Y]"], strict=True):
        for field, column in (("b", "estimate"), ("lo", "conf_low"), ("hi", "conf_high")):
            assert row[field] == pytest.approx(table.loc[term, column], rel=1e-5)
    (x,) = axes(spec, "x")
    assert (x["scale"]["type"], x["datum"]) == ("log", 1.0)
    assert 1.0 in x["axis"]["values"]
    assert titles(spec, "x") == ["Odds ratio of use = Y per unit of the predictor (log axis)"]
    assert spec["title"]["text"].startswith("Odds ratios, use ~ age")
    tooltip = next(part["encoding"]["tooltip"] for part in layers(spec) if "tooltip" in part["encoding"])
    assert "df" not in [field["title"] for field in tooltip]
    assert "Odds ratio" in svg(spec)


def test_coefficients_on_the_links_scale_say_so() -> None:
    spec = coefficients_spec(logistic())
    assert titles(spec, "x") == ["Change in log-odds of use = Y per unit of the predictor"]
    assert axes(spec, "x")[0]["datum"] == 0
    assert titles(coefficients_spec(logistic("probit")), "x")[0].startswith("Change in probit scale of use = Y")
    assert titles(coefficients_spec(counts()), "x") == ["Change in log rate of TICKS per unit of the predictor"]
    assert titles(coefficients_spec(logistic(), intercept=True), "x") == ["Estimate (log-odds)"]
    assert titles(coefficients_spec(counts(), exponentiate=True), "x")[0].startswith("Rate ratio of TICKS")


def test_ratios_are_refused_where_a_link_has_none() -> None:
    linear = mlm.fit("mathach ~ ses + (1 | school)", mlm.datasets.load("hsb"))
    for model in (logistic("probit"), linear):
        for draw in (coefficients_spec, caterpillar_spec):
            with pytest.raises(OptionError, match="gives none"):
                draw(model, exponentiate=True)
    with pytest.raises(OptionError, match="gives none"):
        coefficients_spec([logistic(), logistic("probit")], exponentiate=True)


def test_several_models_share_their_ratios() -> None:
    spec = coefficients_spec({"one": ticks(), "two": counts()}, exponentiate=True)
    assert spec["title"]["text"] == "Rate ratios of 2 models"
    assert axes(spec, "x")[0]["scale"]["type"] == "log"


def test_intervals_without_bound_end_and_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    model = logistic()
    table = model.tidy

    def wide(effects: str, level: float = 0.95, *, exponentiate: bool = False) -> Any:
        return table(effects, level, exponentiate=exponentiate).assign(conf_low=1e-250, conf_high=np.inf)

    monkeypatch.setattr(model, "tidy", wide)
    spec = coefficients_spec(model, exponentiate=True)
    assert "Intervals end at a ratio of 1,000 or 1/1,000." in subtitle(spec)
    assert spec["datasets"]["terms"][0]["hi"] < 2000
    assert "∞" in spec["datasets"]["terms"][0]["i_text"]
    svg(spec)


def test_caterpillars_name_their_scale() -> None:
    spec = caterpillar_spec(logistic())
    assert titles(spec, "x") == [
        "Difference from the average district (log-odds)",
        "Difference from the average slope (log-odds)",
    ]
    assert titles(caterpillar_spec(counts()), "x") == ["Difference from the average BROOD (log rate)"]


def test_caterpillars_as_ratios_stand_where_the_modes_do() -> None:
    plain, spec = caterpillar_spec(trials()), caterpillar_spec(trials(), exponentiate=True)
    assert plain["datasets"] == spec["datasets"]
    (x,) = axes(spec, "x")
    assert titles(spec, "x") == ["Odds ratio to the average herd (log axis)"]
    assert np.exp(x["axis"]["values"]) == pytest.approx([0.2, 0.5, 1, 2, 5])
    assert "exclude 1" in " ".join(strings(spec))
    texts = svg(spec)
    assert all(f">{tick:g}<" in texts for tick in np.round(np.exp(x["axis"]["values"]), 6))


def test_predictions_are_probabilities_of_a_typical_group_or_averaged() -> None:
    model = logistic()
    for groups, words in (("typical", "For a typical district"), ("average", "Averaged over groups")):
        spec = predictions_spec(model, ["age", "urban"], groups=groups)
        table = model.predictions(["age", "urban"], groups=groups)
        shown = sorted(row["y"] for row in spec["datasets"]["lines"])
        assert shown == pytest.approx(sorted(table["estimate"]), abs=1e-3)
        assert min(row["lo"] for row in spec["datasets"]["lines"]) >= 0
        assert max(row["hi"] for row in spec["datasets"]["lines"]) <= 1
        assert subtitle(spec).startswith(words)
        assert titles(spec, "y") == ["Predicted probability of use = Y"]
        assert titles(spec, "x") == ["age (years)"]
    with pytest.raises(OptionError, match="groups"):
        predictions_spec(model, ["age"], groups="all")


def test_predicted_counts_have_a_unit_and_do_not_fall_below_zero() -> None:
    spec = predictions_spec(counts(), ["cHEIGHT", "YEAR"], raw=True)
    assert titles(spec, "y") == ["Predicted TICKS (ticks)"]
    assert "Offset at its mean." in subtitle(spec)
    assert panels(spec)[0]["encoding"]["y"]["scale"]["domain"][0] >= 0
    assert titles(predictions_spec(trials(), "period"), "y") == ["Predicted probability of incidence of size"]


def test_two_valued_outcomes_are_drawn_as_shares() -> None:
    model = logistic()
    spec = predictions_spec(model, ["age", "urban"], raw=True)
    data = mlm.datasets.load("contraception")
    rows = [row for row in spec["datasets"]["raw"] if row["k"] == 1]
    assert 5 <= len(rows) <= 10
    inside = data[data["urban"] == "Y"]
    share = np.average([row["y"] for row in rows], weights=[row["n"] for row in rows])
    assert share == pytest.approx((inside["use"] == "Y").mean(), abs=0.02)
    assert "shares observed in tenths of the rows for each line" in subtitle(spec)
    by_level = predictions_spec(model, ["urban"], raw=True)
    assert [row["y"] for row in by_level["datasets"]["raw"]] == pytest.approx(
        data.groupby("urban", observed=True)["use"].apply(lambda own: (own == "Y").mean()).tolist(), abs=1e-3
    )
    assert "by level, whatever the other predictors" in subtitle(by_level)
    for drawn in (spec, by_level):
        svg(drawn)


def test_shares_of_trials_are_drawn_as_they_are() -> None:
    data = mlm.datasets.load("cbpp")
    spec = predictions_spec(trials(), "period", raw=True)
    shares = sorted(round(value, 3) for value in data["incidence"] / data["size"])
    assert sorted(row["y"] for row in spec["datasets"]["raw"]) == pytest.approx(shares, abs=1e-3)


TWINS: list[tuple[Callable[..., Any], Callable[..., Spec], dict[str, Any]]] = [
    (mlm.plots.coefficients, coefficients_spec, {"exponentiate": True}),
    (mlm.plots.caterpillar, caterpillar_spec, {"exponentiate": True}),
    (mlm.plots.predictions, predictions_spec, {"terms": ["age", "urban"], "groups": "average", "raw": True}),
]


@pytest.mark.parametrize(("draw", "specify", "options"), TWINS, ids=["coefficients", "caterpillar", "predictions"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_altair_draws_the_same(
    draw: Callable[..., Any], specify: Callable[..., Spec], options: dict[str, Any], theme: str
) -> None:
    made = draw(logistic(), theme=theme, **options).to_dict()  # validates
    spec = specify(logistic(), theme=theme, **options)
    assert made["datasets"] == spec["datasets"]
    assert made["title"] == spec["title"]
    assert drawn_width(spec) <= 701
