"""Families by point and click: what suits an outcome, what goes with a family, and what a change takes along."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlm_widgets as mlm
from mlm_widgets import ModelBuilder
from mlm_widgets.families import FAMILIES
from mlm_widgets.formula import from_json, to_formula
from tests.widgets.driver import Driver, table
from tests.widgets.test_payloads import check


@cache
def _mixed() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 120
    g = np.arange(n) // 8
    eta = 0.5 * rng.normal(size=n // 8)[g]
    size = rng.integers(3, 12, size=n)
    won = rng.binomial(size, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame(
        {
            "answer": np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no"),
            "done": rng.random(n) < 0.4,
            "zero_one": (rng.random(n) < 0.4).astype(float),
            "one_two": 1 + (rng.random(n) < 0.4).astype(int),
            "won": won,
            "size": size,
            "share": won / size,
            "hours": rng.uniform(1, 5, size=n),
            "skewed": rng.gamma(2, np.exp(eta)),
            "inner": rng.uniform(0.1, 0.9, size=n),
            "three": np.array(list("abc"))[np.arange(n) % 3],
            "x": rng.normal(size=n),
            "the n": size + 1,
            "g": g,
        }
    )


def mixed() -> pd.DataFrame:
    return _mixed().copy()


def suited(driver: Driver) -> list[str]:
    return [row["value"] for row in driver.setup["families"] if row["reason"] is None]


def grouped(outcome: str, *groups: str) -> Driver:
    driver = Driver(mixed())
    driver.do("set_outcome", column=outcome)
    for group in groups or ("g",):
        driver.do("add_group", id=group)
    return driver


COUNTS = ["poisson", "negative_binomial", "gaussian"]


@pytest.mark.parametrize(
    ("outcome", "families"),
    [
        ("answer", ["binomial"]),
        ("done", ["binomial"]),
        ("zero_one", ["binomial", "gaussian", "poisson", "negative_binomial"]),
        ("won", [*COUNTS, "binomial"]),
        ("skewed", ["gaussian", "gamma", "inverse_gaussian"]),
        ("x", ["gaussian"]),
    ],
)
def test_families_that_suit_come_first_and_others_say_why_not(outcome: str, families: list[str]) -> None:
    driver = Driver(mixed())
    driver.do("set_outcome", column=outcome)
    assert suited(driver) == families
    rows = driver.setup["families"]
    assert [row["value"] for row in rows[: len(families)]] == families
    assert {row["value"] for row in rows} == set(FAMILIES)
    assert all(row["reason"].startswith("needs ") for row in rows[len(families) :])
    for row in rows[len(families) :]:
        assert row["reason"] in driver.refused("set_family", family=row["value"])
    check(driver)


def test_the_family_changes_by_itself_only_where_the_outcome_leaves_no_choice() -> None:
    driver = Driver(mixed())
    driver.do("set_outcome", column="zero_one")
    assert (driver.setup["family"], driver.setup["note"]) == ("gaussian", None)
    driver.do("set_outcome", column="answer")
    assert (driver.setup["family"], driver.setup["link"]) == ("binomial", "logit")
    assert "so the family is binomial: the model is of the probability of “yes”" in driver.setup["note"]
    driver.do("add_group", id="g")
    assert "binomial" in driver.setup["note"]
    driver.do("set_outcome", column="zero_one")  # it can be binomial: the family stays
    assert (driver.setup["family"], driver.setup["note"]) == ("binomial", None)
    driver.do("set_outcome", column="x")
    assert (driver.setup["family"], driver.setup["link"]) == ("gaussian", "identity")
    assert driver.setup["note"] == "“x” cannot be Binomial, so the family is gaussian again."
    driver.do("undo")
    assert (driver.setup["outcome"], driver.setup["family"], driver.setup["note"]) == ("zero_one", "binomial", None)
    driver.do("redo")
    assert (driver.setup["outcome"], driver.setup["family"]) == ("x", "gaussian")


def test_a_column_of_three_levels_is_no_outcome() -> None:
    assert "two levels" in Driver(mixed()).refused("set_outcome", column="three")


@pytest.mark.parametrize(
    ("outcome", "levels", "default", "is_named"),
    [
        ("answer", ["no", "yes"], "yes", False),
        ("done", ["False", "True"], "True", False),
        ("zero_one", ["0", "1"], "1", False),
        ("one_two", ["1", "2"], "2", True),
    ],
)
def test_success(outcome: str, levels: list[str], default: str, *, is_named: bool) -> None:
    driver = grouped(outcome)
    driver.do("set_family", family="binomial")
    assert driver.setup["success"]["value"] == default
    assert [choice["value"] for choice in driver.setup["success"]["choices"]] == levels
    assert driver.builder.spec.get("success") == (default if is_named else None)
    first = driver.builder.model.params["Intercept"]
    driver.do("set_success", level=levels[0])
    assert driver.builder.spec["success"] == levels[0]
    assert driver.builder.model.params["Intercept"] == pytest.approx(-first, abs=1e-5)
    assert "no level “maybe”" in driver.refused("set_success", level="maybe")
    driver.do("set_success", level=default)
    assert driver.builder.spec.get("success") == (default if is_named else None)
    driver.do("set_success", level=levels[0])
    if outcome not in ("answer", "done"):
        driver.do("set_family", family="gaussian")
        assert driver.setup["success"] is None
        assert "success" not in driver.builder.spec


def test_trials_make_a_pair_of_counts_and_leave_with_the_family() -> None:
    driver = grouped("won")
    linear = driver.formula
    assert (driver.setup["trials"], driver.setup["success"]) == (None, None)
    driver.do("set_family", family="binomial")
    assert "number of" not in driver.setup["prompt"]
    assert driver.setup["prompt"].startswith("Choose the trials")
    assert driver.setup["trials"] == {
        "value": None,
        "choices": [{"value": "size", "label": "size"}, {"value": "the n", "label": "the n"}],
    }
    assert driver.fit["stale"]
    assert "trials" in driver.refused("fit")
    assert "cannot be the trials" in driver.refused("set_trials", column="hours")
    driver.do("set_trials", column="size")
    assert driver.formula == "cbind(won, size - won) ~ 1 + (1 | g)"
    assert (driver.setup["outcome"], driver.setup["trials"]["value"]) == ("won", "size")
    assert not {"won", "size"} & set(driver.setup["predictor_choices"])
    own = mlm.fit(driver.formula, mixed(), family="binomial")
    assert driver.builder.model.llf == pytest.approx(own.llf, abs=1e-8)
    driver.do("set_trials", column="the n")
    assert driver.formula == "cbind(won, `the n` - won) ~ 1 + (1 | g)"
    driver.do("set_family", family="gaussian")
    assert driver.formula == linear
    for expected in ("cbind(won, `the n` - won)", "cbind(won, size - won)", "won", "won"):
        driver.do("undo")
        assert driver.formula.startswith(f"{expected} ~")
    assert driver.setup["family"] == "gaussian"


def test_shares_take_their_trials_as_weights() -> None:
    driver = grouped("share")
    driver.do("set_family", family="binomial")
    assert driver.setup["trials"]["choices"] == [{"value": "size", "label": "size"}]
    assert driver.setup["prompt"].startswith("Choose the trials")
    driver.do("set_trials", column="size")
    assert (driver.formula, driver.builder.spec["weights"]) == ("share ~ 1 + (1 | g)", "size")
    counted = mlm.fit("cbind(won, size - won) ~ 1 + (1 | g)", mixed(), family="binomial")
    assert driver.builder.model.llf == pytest.approx(counted.llf, abs=1e-6)
    driver.do("set_outcome", column="x")
    assert "weights" not in driver.builder.spec
    driver.do("undo")
    driver.do("set_family", family="gaussian")
    assert "weights" not in driver.builder.spec


def test_exposure_is_an_offset_of_counts() -> None:
    driver = grouped("won")
    assert not driver.setup["exposure"]
    assert "exposure" in driver.refused("set_exposure", column="hours")
    driver.do("set_family", family="poisson")
    assert driver.setup["exposure"]["value"] is None
    assert {"hours", "the n"} <= {choice["value"] for choice in driver.setup["exposure"]["choices"]}
    assert "x" not in {choice["value"] for choice in driver.setup["exposure"]["choices"]}
    driver.do("set_exposure", column="hours")
    assert driver.formula == "won ~ 1 + offset(log(hours)) + (1 | g)"
    assert driver.setup["exposure"]["value"] == "hours"
    driver.do("set_exposure", column="the n")
    assert driver.formula == "won ~ 1 + offset(log(`the n`)) + (1 | g)"
    assert "cannot be the exposure" in driver.refused("set_exposure", column="x")
    driver.do("set_exposure", column=None)
    assert "offset" not in driver.formula
    driver.do("undo")
    driver.do("set_family", family="negative_binomial")  # counts again: it stays
    assert driver.setup["exposure"]["value"] == "the n"
    driver.do("set_family", family="gaussian")
    assert (driver.formula, driver.setup["exposure"]) == ("won ~ 1 + (1 | g)", None)


def test_links_are_those_of_the_family() -> None:
    driver = grouped("won")
    assert [link["value"] for link in driver.setup["links"]] == ["identity", "log"]
    driver.do("set_link", link="log")
    assert not driver.setup["is_linear"]
    assert driver.builder.spec["link"] == "log"
    driver.do("set_family", family="poisson")
    driver.do("set_link", link="sqrt")
    assert driver.builder.model.family.link.name == "sqrt"
    assert "must be one of" in driver.refused("set_link", link="logit")
    driver.do("undo")
    assert driver.setup["link"] == "log"


@pytest.mark.parametrize(
    ("text", "family", "trials", "exposure"),
    [
        ("answer ~ x + (1 | g)", "binomial", None, None),
        ("cbind(won, size - won) ~ x + (1 | g)", "binomial", "size", None),
        ("cbind(won, the_rest) ~ x + (1 | g)", "binomial", "won + the_rest", None),
        ("won ~ x + (1 | g)", "gaussian", None, None),
        ("won ~ x + offset(log(hours)) + (1 | g)", "gaussian", None, "hours"),
        ("won ~ x + offset(x) + (1 | g)", "gaussian", None, "offset(x)"),
        ("log(hours) ~ x + (1 | g)", "gaussian", None, None),
    ],
)
def test_what_is_typed_changes_the_controls(text: str, family: str, trials: str | None, exposure: str | None) -> None:
    driver = Driver(mixed().assign(the_rest=lambda data: data["size"] - data["won"]))
    driver.do("set_formula", text=text)
    setup = driver.setup
    assert (setup["formula"], setup["family"], setup["error"]) == (text, family, None)
    assert (setup["trials"] and setup["trials"]["value"], setup["exposure"] and setup["exposure"]["value"]) == (
        trials,
        exposure,
    )
    for shown in (setup["trials"], setup["exposure"]):
        assert shown is None or shown["value"] in [choice["value"] for choice in shown["choices"]]
    assert driver.fit["state"] == "ready", driver.fit["message"]
    check(driver)
    driver.do("undo")
    assert driver.setup["family"] == "gaussian"


def test_a_formula_that_keeps_the_outcome_keeps_the_family() -> None:
    driver = grouped("won")
    driver.do("set_family", family="poisson")
    driver.do("set_link", link="sqrt")
    driver.do("set_formula", text="won ~ x + (1 | g)")
    assert (driver.setup["family"], driver.setup["link"]) == ("poisson", "sqrt")
    driver.do("set_formula", text="answer ~ x + (1 | g)")
    assert (driver.setup["family"], driver.setup["link"]) == ("binomial", "logit")


def test_a_family_that_changes_with_what_is_typed_is_told() -> None:
    driver = grouped("won")
    driver.do("set_formula", text="cbind(won, size - won) ~ x + (1 | g)")
    assert driver.setup["note"] == "cbind(won, size - won) counts successes and failures, so the family is binomial."
    driver.do("set_formula", text="won ~ x + (1 | g)")
    assert driver.setup["note"] == "“won” cannot be Binomial, so the family is gaussian again."
    driver.do("set_family", family="binomial")  # chosen: nothing to tell
    assert driver.setup["note"] is None
    driver.do("set_trials", column="size")
    driver.do("set_family", family="gaussian")
    assert (driver.formula, driver.setup["note"]) == ("won ~ x + (1 | g)", None)


FIELDS = {
    "set_outcome": "column",
    "set_family": "family",
    "set_link": "link",
    "set_success": "level",
    "set_trials": "column",
    "set_exposure": "column",
    "set_formula": "text",
}


STEPS: list[list[tuple[str, str]]] = [
    [("set_outcome", "answer"), ("set_success", "no"), ("set_link", "probit")],
    [("set_outcome", "won"), ("set_family", "binomial"), ("set_trials", "the n")],
    [("set_outcome", "won"), ("set_family", "poisson"), ("set_exposure", "hours")],
    [("set_outcome", "skewed"), ("set_family", "gamma")],
    [("set_outcome", "share"), ("set_family", "binomial"), ("set_trials", "size")],
    [("set_outcome", "inner"), ("set_family", "beta"), ("set_link", "cloglog")],
]


@pytest.mark.parametrize("steps", STEPS, ids=["-".join(value for _, value in steps) for steps in STEPS])
def test_every_step_can_be_undone_and_the_document_opens_the_same_model(steps: list[tuple[str, str]]) -> None:
    driver = Driver(mixed())
    driver.do("add_group", id="g")
    seen = [driver.builder.spec]
    for kind, value in steps:
        driver.do(kind, **{FIELDS[kind]: value})
        assert driver.builder.spec != seen[-1]
        seen.append(driver.builder.spec)
    assert driver.fit["state"] == "ready", driver.fit["message"]
    assert (driver.fit["facts"][0][0]["text"].lower().replace(" ", "_"), driver.fit["summary"]["statistic_name"]) == (
        driver.setup["family"],
        "z",
    )
    document = driver.builder.spec
    assert to_formula(from_json(document)) == driver.formula
    again = ModelBuilder(mixed(), spec=document)
    assert (again.spec, again.formula) == (document, driver.formula)
    assert again.model.llf == driver.builder.model.llf
    scope: dict[str, Any] = {"data": mixed()}
    exec(driver.fit["code"]["python"], scope)  # noqa: S102  (the code that the builder wrote)
    assert scope["model"].llf == pytest.approx(driver.builder.model.llf, abs=1e-9)
    check(driver)
    for spec in reversed(seen[:-1]):
        driver.do("undo")
        assert driver.builder.spec == spec
    for spec in seen[1:]:
        driver.do("redo")
        assert driver.builder.spec == spec


def test_effects_are_ratios_where_the_link_gives_them() -> None:
    driver = Driver(table("contraception"), "use ~ age + urban + (1 | district)")
    model = driver.builder.model
    summary, view = driver.fit["summary"], driver.builder.views["coefficients"]
    assert (summary["ratio"]["plural"], view["ratio_names"], view["ratios"]) == ("Odds ratios", "Odds ratios", True)
    rows = {row["term"]: row for row in summary["fixed"]}
    assert rows["urban[T.Y]"]["ratio"]["estimate"] == pytest.approx(np.exp(model.params["urban[T.Y]"]))
    assert not summary["has_df"]
    assert [row["group"] for row in summary["random"]] == ["district"]
    assert "Laplace" in driver.fit["facts"][0][1]["text"]
    assert driver.builder.chart_coefficients["spec"]["title"]["text"] == "Odds ratios, use = Y"
    driver.do("view_coefficients", ratios=False)
    assert driver.builder.chart_coefficients["spec"]["title"]["text"] == "Fixed effects on use = Y"
    driver.do("set_link", link="probit")
    assert driver.fit["summary"]["ratio"] is None
    assert driver.builder.views["coefficients"]["ratio_names"] is None
    assert all(row["ratio"] is None for row in driver.fit["summary"]["fixed"])
    check(driver)


def test_random_effects_are_shown_as_ratios_when_asked() -> None:
    driver = Driver(table("contraception"), "use ~ age + (1 | district)")
    view = driver.builder.views["caterpillar"]
    assert (view["ratios"], view["ratio_names"]) == (False, "Odds ratios")
    assert "log-odds" in str(driver.builder.chart_caterpillar["spec"])
    driver.do("view_caterpillar", ratios=True)
    assert driver.builder.views["caterpillar"]["ratios"]
    assert "Odds ratio to the average district" in str(driver.builder.chart_caterpillar["spec"])
    driver.do("set_link", link="probit")
    assert "Odds ratio" not in str(driver.builder.chart_caterpillar["spec"])
    check(driver)


def test_predictions_are_of_a_typical_group_or_averaged() -> None:
    driver = Driver(table("contraception"), "use ~ age + (1 | district)")
    assert driver.builder.views["predictions"]["average"] is False
    typical = driver.builder.chart_predictions["spec"]
    driver.do("view_predictions", average=True)
    averaged = driver.builder.chart_predictions["spec"]
    assert "typical district" in typical["title"]["subtitle"][0]
    assert "Averaged over groups" in averaged["title"]["subtitle"][0]
    assert typical["datasets"]["lines"] != averaged["datasets"]["lines"]
    assert Driver("hsb", "mathach ~ ses + (1 | school)").builder.views["predictions"]["average"] is None


def test_counts_can_have_an_effect_of_each_row() -> None:
    driver = Driver(table("grouseticks"), "TICKS ~ cHEIGHT + (1 | BROOD)")
    assert "INDEX" not in driver.choices()
    assert "cannot be a grouping" in driver.refused("add_group", id="INDEX")
    driver.do("set_family", family="poisson")
    assert driver.choices()["INDEX"] == "one group a row: scatter beyond the family's"
    assert "cHEIGHT" not in driver.choices()
    driver.do("add_group", id="INDEX")
    assert (driver.formula, driver.fit["state"]) == ("TICKS ~ cHEIGHT + (1 | BROOD) + (1 | INDEX)", "ready")
    check(driver)
    driver.do("undo")
    driver.do("set_family", family="negative_binomial")  # has scatter of its own
    assert "INDEX" not in driver.choices()
    yes_or_no = Driver(mixed().assign(row=range(len(mixed()))), "answer ~ x + (1 | g)")
    assert "row" not in yes_or_no.choices()  # one trial a row has no scatter beyond its own
    yes_or_no.do("set_formula", text="cbind(won, size - won) ~ x + (1 | g)")
    assert "row" in yes_or_no.choices()


def test_a_long_frame_waits_for_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlm_widgets.widgets.builder.LIVE_ROWS_GENERALIZED", 100)
    driver = grouped("won")
    assert driver.fit["state"] == "ready"  # a linear model is quick
    driver.do("set_family", family="poisson")
    assert driver.fit["stale"]
    driver.do("fit")
    assert not driver.fit["stale"]


def test_a_dispersion_stands_with_the_fit() -> None:
    driver = grouped("won")
    driver.do("set_family", family="negative_binomial")
    driver.do("set_outcome", column="skewed")
    driver.do("set_family", family="gamma")
    rows = {row["label"]: row["value"] for row in driver.fit["summary"]["fit"]}
    assert rows["Shape"] == pytest.approx(1 / driver.builder.model.dispersion)


NAMES = [*mixed().columns, *FAMILIES, "log", "logit", "probit", "1/mu^2", "yes", "no", "True", "1", "2", "", "\ud83d"]
FORMULAS = ["cbind(won, size - won) ~ x + (1 | g)", "answer ~ 1 + (1 | g)", "won ~ x + offset(log(hours)) + (1 | g)"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([*FIELDS]), st.sampled_from([*NAMES, *FORMULAS]) | st.none() | st.integers()),
        min_size=1,
        max_size=8,
    )
)
def test_any_order_of_choices_leaves_a_sound_state(steps: list[tuple[str, Any]]) -> None:
    driver = Driver(mixed(), live=False)
    for kind, value in steps:
        before = driver.builder.spec
        reply = driver.ask(kind, **{FIELDS[kind]: value})
        if not reply["ok"]:
            assert not reply["error"]["message"].startswith("Something went wrong"), reply
            assert driver.builder.spec == before
    setup = driver.setup
    document = driver.builder.spec
    assert setup["link"] in FAMILIES[setup["family"]].links
    assert ModelBuilder(mixed(), spec=document, live=False).spec == document
    if setup["formula"]:
        assert to_formula(from_json(document)) == setup["formula"]
    for name in ("success", "trials", "exposure"):
        if setup[name] and setup[name]["value"] is not None:
            assert setup[name]["value"] in [choice["value"] for choice in setup[name]["choices"]]
    check(driver)
