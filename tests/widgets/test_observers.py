"""The builder from Python: setting, observing, and two threads at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import traitlets

from mlm_widgets import MlmError, ModelBuilder, results
from mlm_widgets.formula import from_json, to_formula
from tests.widgets.driver import Driver, table
from tests.widgets.test_messages import FORMULA, small

FIT = "mlm_widgets.widgets.builder.fit_spec"
PUBLIC = ("formula", "spec", "model", "error")


def watched(builder: ModelBuilder) -> list[tuple[str, Any, str]]:
    """What observers hear: the trait, its new value, and whether all of the builder is in agreement."""
    heard: list[tuple[str, Any, str]] = []

    def hear(change: Any) -> None:
        spec, model = builder.spec, builder.model
        assert builder.formula == (to_formula(from_json(spec)) if spec["outcome"] else "")
        assert change.new == getattr(builder, change.name)
        agreed = model is not None and model.formula == builder.formula
        heard.append((change.name, change.new, "agreed" if agreed else "waits"))

    for name in PUBLIC:
        builder.observe(hear, name)
    return heard


def names(heard: list[tuple[str, Any, str]]) -> list[str]:
    return sorted(name for name, _, _ in heard)


def test_a_click_is_heard_once_with_everything_in_agreement() -> None:
    driver = Driver(small(), FORMULA)
    heard = watched(driver.builder)
    driver.do("remove_predictor", id="f")
    assert names(heard) == ["formula", "model", "spec"]
    assert {agreed for _, _, agreed in heard} == {"agreed"}
    heard.clear()
    driver.do("set_reml", on=False)
    assert names(heard) == ["model", "spec"]
    heard.clear()
    driver.do("view_coefficients", intercept=True)
    driver.do("set_reml", on=False)
    assert heard == []


def test_a_formula_set_from_python_is_heard_once() -> None:
    driver = Driver(small(), FORMULA)
    heard = watched(driver.builder)
    driver.builder.formula = "y~x+(1|g)"
    assert driver.formula == "y ~ x + (1 | g)"
    assert names(heard) == ["formula", "model", "spec"]
    assert {agreed for _, _, agreed in heard} == {"agreed"}
    heard.clear()
    driver.builder.formula = " y ~ 1 + x + (1 | g) "
    driver.builder.spec = driver.builder.spec
    assert heard == []


def test_a_spec_set_from_python_is_heard_once() -> None:
    driver = Driver(small(), FORMULA)
    heard = watched(driver.builder)
    spec = driver.builder.spec
    spec["reml"] = False  # a copy: the builder is as it was until it is set
    spec["terms"] = [["x"]]
    assert driver.builder.spec != spec
    driver.builder.spec = spec
    assert driver.formula == "y ~ x + (x | g)"
    assert driver.builder.model.reml is False
    assert names(heard) == ["formula", "model", "spec"]


def test_not_live_only_the_description_is_heard() -> None:
    driver = Driver(small(), FORMULA, live=False)
    heard = watched(driver.builder)
    driver.builder.formula = "y ~ x + (1 | g)"
    assert names(heard) == ["formula", "spec"]
    driver.do("fit")
    assert names(heard) == ["formula", "model", "spec"]


def test_an_error_is_heard_when_it_comes_and_when_it_goes() -> None:
    driver = Driver(small(), FORMULA)
    heard = watched(driver.builder)
    driver.do("set_formula", text="y ~ (")
    driver.do("set_formula", text="y ~ x + (1 | g)")
    errors = [value for name, value, _ in heard if name == "error"]
    assert isinstance(errors[0], MlmError)
    assert errors[1:] == [None]


BAD: list[tuple[str, Any]] = [
    ("formula", "y ~ "),
    ("formula", "y ~ xx + (1 | g)"),
    ("formula", "y ~ eval('1') + (1 | g)"),
    ("formula", 5),
    ("formula", None),
    ("formula", b"y ~ x"),
    ("spec", None),
    ("spec", {}),
    ("spec", "y ~ x"),
    ("spec", {"version": 99}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "outcome": "nosuch"}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "outcome": 5}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "terms": [["open('x')"]]}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "terms": "x"}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "reml": 1}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "family": "binomial"}),
    ("spec", {**Driver(small(), FORMULA, live=False).builder.spec, "random": [{"group": "g"}]}),
    ("spec", small()),
]


@pytest.mark.parametrize(("trait", "value"), BAD, ids=[f"{i}: {trait}" for i, (trait, _) in enumerate(BAD)])
def test_an_error_set_from_python_is_raised_and_changes_nothing(trait: str, value: Any) -> None:
    driver = Driver(small(), FORMULA)
    heard = watched(driver.builder)
    before = (driver.builder.spec, driver.formula, driver.setup, driver.fit, driver.builder.error)
    with pytest.raises(MlmError):
        setattr(driver.builder, trait, value)
    assert (driver.builder.spec, driver.formula, driver.setup, driver.fit, driver.builder.error) == before
    assert heard == []
    driver.builder.formula = "y ~ x + (1 | g)"
    assert driver.builder.model.formula == "y ~ x + (1 | g)"


def test_an_empty_formula_starts_over() -> None:
    driver = Driver(small(), FORMULA)
    driver.builder.formula = ""
    assert driver.builder.spec["outcome"] == ""
    assert driver.setup["prompt"] == "Choose an outcome."
    driver.do("undo")
    assert driver.formula == FORMULA


def test_model_and_error_are_only_read() -> None:
    builder = Driver(small(), FORMULA, live=False).builder
    for name in ("model", "error"):
        with pytest.raises(traitlets.TraitError):
            setattr(builder, name, None)


def test_two_builders_can_be_linked() -> None:
    first, second = Driver(small(), live=False), Driver(small(), live=False)
    traitlets.link((first.builder, "formula"), (second.builder, "formula"))
    first.do("set_outcome", column="y")
    first.do("add_group", id="g")
    second.do("add_predictor", column="x")
    assert first.formula == second.formula == "y ~ x + (1 | g)"
    for _ in range(3):
        first.do("undo")
    assert first.formula == second.formula == ""


# -- observers that misbehave ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trait", ["formula", "spec", "model"])
def test_an_observer_that_raises_leaves_the_builder_whole(trait: str) -> None:
    driver = Driver(small(), FORMULA)

    def fail(_change: Any) -> None:
        raise RuntimeError("not today")

    driver.builder.observe(fail, trait)
    reply = driver.ask("remove_predictor", id="f")
    assert not reply["ok"]
    assert "not today" in reply["error"]["message"]
    assert driver.formula == driver.fit["formula"] == driver.builder.model.formula == "y ~ x + (x | g)"
    assert driver.builder.spec["terms"] == [["x"]]
    with pytest.raises(RuntimeError, match="not today"):
        driver.builder.formula = "y ~ 1 + (1 | g)"
    assert driver.formula == driver.fit["formula"] == driver.builder.model.formula == "y ~ 1 + (1 | g)"
    driver.builder.unobserve(fail, trait)
    driver.do("undo")
    assert driver.formula == driver.builder.model.formula == "y ~ x + (x | g)"


@pytest.mark.parametrize("trait", ["formula", "spec", "model"])
def test_an_observer_may_set_the_formula(trait: str) -> None:
    driver = Driver(small(), FORMULA)

    def insist(_change: Any) -> None:
        if "x" not in driver.builder.formula:
            driver.builder.formula = "y ~ x + (1 | g)"

    driver.builder.observe(insist, trait)
    driver.do("remove_predictor", id="x")
    assert driver.formula == driver.setup["formula"] == driver.fit["formula"] == "y ~ x + (1 | g)"
    assert driver.builder.model.formula == driver.formula == to_formula(from_json(driver.builder.spec))
    driver.builder.formula = "y ~ f + (1 | g)"
    assert driver.formula == driver.setup["formula"] == driver.fit["formula"] == "y ~ x + (1 | g)"


def test_changes_held_by_a_person_arrive_when_released() -> None:
    driver = Driver(small(), FORMULA)
    with driver.builder.hold_trait_notifications():
        driver.builder.formula = "y~x+(1|g)"
    assert driver.formula == driver.fit["formula"] == "y ~ x + (1 | g)"
    with pytest.raises(MlmError), driver.builder.hold_trait_notifications():
        driver.builder.formula = "y ~ nosuch + (1 | g)"
    assert driver.formula == driver.setup["formula"] == "y ~ x + (1 | g)"


# -- two threads -----------------------------------------------------------------------------------------------------


def test_clicks_in_a_thread_and_formulas_in_another_do_not_meet() -> None:
    driver = Driver(small(), FORMULA)
    heard = watched_values(driver.builder)
    failures: list[BaseException] = []

    def click() -> None:
        try:
            for i in range(20):
                driver.ask("set_slope", group="g", term="x", on=i % 2 == 0)
                driver.ask("undo")
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=click, daemon=True)
    thread.start()
    for i in range(20):
        driver.builder.formula = ("y ~ x + (1 | g)", "y ~ x * f + (1 | g)")[i % 2]
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert failures == []
    assert len(driver.replies) == 40
    assert driver.formula == driver.setup["formula"] == to_formula(from_json(driver.builder.spec))
    assert driver.fit["formula"] == driver.builder.model.formula == driver.formula
    assert heard[-1] == driver.formula


def watched_values(builder: ModelBuilder) -> list[str]:
    heard: list[str] = []
    builder.observe(lambda change: heard.append(change.new), "formula")
    return heard


def test_a_click_while_python_fits_waits_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(small(), FORMULA)
    started, may_end, real = threading.Event(), threading.Event(), results.fit_spec

    def slow(*arguments: Any) -> Any:
        started.set()
        assert may_end.wait(30)
        return real(*arguments)

    monkeypatch.setattr(FIT, slow)
    setter = threading.Thread(target=lambda: setattr(driver.builder, "formula", "y ~ x + (1 | g)"), daemon=True)
    setter.start()
    assert started.wait(30)
    assert driver.fit["state"] == "running"
    clicker = threading.Thread(target=lambda: driver.do("add_predictor", column="h"), daemon=True)
    clicker.start()
    clicker.join(0.05)
    assert driver.replies == []
    may_end.set()
    setter.join(30)
    clicker.join(30)
    assert driver.formula == driver.fit["formula"] == "y ~ x + h + (1 | g)"


def test_an_interrupted_fit_leaves_the_results_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: Any) -> Any:
        raise KeyboardInterrupt

    driver = Driver(small(), FORMULA)
    with monkeypatch.context() as patch:
        patch.setattr(FIT, interrupted)
        with pytest.raises(KeyboardInterrupt):
            driver.builder.formula = "y ~ x + (1 | g)"
    assert (driver.fit["state"], driver.fit["stale"]) == ("ready", True)
    assert driver.formula == driver.setup["formula"] == "y ~ x + (1 | g)"
    driver.do("fit")
    assert driver.fit["formula"] == driver.formula


def test_a_fit_that_breaks_down_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ZeroDivisionError("oh")

    driver = Driver(table("pastes"), "strength ~ 1 + (1 | batch)")
    with monkeypatch.context() as patch:
        patch.setattr(FIT, broken)
        driver.do("add_group", id="batch:cask")
    assert (driver.fit["state"], driver.fit["stale"]) == ("failed", True)
    assert driver.fit["message"] == "The fit broke down: ZeroDivisionError: oh"
    assert isinstance(driver.builder.error.__cause__, ZeroDivisionError)
    driver.do("fit")
    assert (driver.fit["state"], driver.builder.error) == ("ready", None)
