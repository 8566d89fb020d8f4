"""Messages that no browser of ours would send: forged, broken, huge. They are answered, and change nothing."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlm_widgets import ModelBuilder
from mlm_widgets.formula import from_json, parse_formula, to_formula
from mlm_widgets.widgets.messages import MAX_ITEMS, MAX_TEXT, OPTIONAL, REQUIRED
from tests.widgets.driver import TRAITS, Driver
from tests.widgets.test_payloads import check

FORMULA = "y ~ x * f + (x | g)"
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PRIVATE = [
    "__init__", "__class__", "_do_fit", "_act", "close", "send", "set_state", "observe", "open", "fit ", "FIT", "fit\n",
    "../../etc/passwd", "do_fit", "_refit", "model", "add_traits", "", "\ud800", "set_formula\x00", "𝓯𝓲𝓽",
]  # fmt: skip
NAMES = ["y", "x", "f", "g", "h", "x:f", "`x`", "within(x, g)", "between:g", "within:g", "center", "none", "b", "a",
         "C", "g:h", "g #2", "", "🙂", "x" * 300, "__class__", "../x", "y ~ x + (1 | g)", FORMULA,
         "gaussian", "binomial", "poisson", "gamma", "identity", "log", "logit"]  # fmt: skip
HOSTILE = [
    "__import__('os').system('id')",
    "y ~ __import__('os').system('id') + (1 | g)",
    "y ~ I(__import__('os').system('id')) + (1 | g)",
    "y ~ I(x.__class__.__mro__) + (1 | g)",
    "y ~ eval('1') + (1 | g)",
    "y ~ exec(\"open('/tmp/x', 'w')\") + (1 | g)",
    "y ~ open('/etc/passwd') + (1 | g)",
    "y ~ {x} + (1 | g)",
    "y ~ `x`.__class__ + (1 | g)",
    "y ~ C(x, levels=open('/etc/passwd')) + (1 | g)",
    "y ~ poly(x, 10**9) + (1 | g)",
    "y ~ bs(x, df=999999999) + (1 | g)",
    "y ~ bs(x, df=1e9) + (1 | g)",
    "y ~ bs(x, degree=99999) + (1 | g)",
    "y ~ poly(x, degree=99999) + (1 | g)",
    f"y ~ cr(x, knots={list(range(2000))}) + (1 | g)",
    "y ~ poly(x, " + "9" * 5000 + ") + (1 | g)",
    "y ~ (x + f)^" + "9" * 5000 + " + (1 | g)",
    "y ~ np.linalg.inv(x) + (1 | g)",
    "y ~ (lambda: 1)() + (1 | g)",
    "y ~ x if x else x + (1 | g)",
    "y ~ [x for x in y] + (1 | g)",
    "y ~ @x + (1 | g)",
    "y ~ $x + (1 | g)",
    "y ~ x; import os",
    "y ~ " + "(" * 5000 + "x" + ")" * 5000 + " + (1 | g)",
    "y ~ " + "-" * 15000 + "x + (1 | g)",
    "y ~ " + "I(" * 3000,
    "y ~ (x + f + g + h)^20^20 + (1 | g)",
    "y ~ " + " * ".join(f"I(x + {i})" for i in range(60)) + " + (1 | g)",
    "y" * 19_000,
    "\x00",
    "y ~ x + (1 | g)\x00",
]


def small() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    place = np.arange(72)
    return pd.DataFrame(
        {
            "y": rng.normal(size=72) + rng.normal(size=12)[place // 6],
            "x": rng.normal(size=72),
            "f": np.array(list("ab"))[place % 2],
            "g": place // 6,
            "h": np.array(list("pqrs"))[place % 4],
        }
    )


_driver = Driver(small(), FORMULA, live=False)


def state(driver: Driver) -> Any:
    return [driver.builder.spec, driver.formula, *(getattr(driver.builder, name) for name in TRAITS)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([*NAMES, *PRIVATE]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
fields = st.sampled_from(sorted({name for own in [*REQUIRED.values(), *OPTIONAL.values()] for name in own}))
actions = st.fixed_dictionaries({"type": st.sampled_from([*REQUIRED, *PRIVATE]) | json_values}).flatmap(
    lambda head: st.dictionaries(fields | st.text(max_size=6), json_values, max_size=3).map(lambda d: {**d, **head})
)
messages = json_values | st.fixed_dictionaries(
    {
        "kind": st.just("action") | json_values,
        "id": st.integers() | json_values,
        "action": actions | json_values,
    }
)


@QUICK
@given(message=messages)
def test_any_message_is_answered_and_nothing_breaks(message: Any) -> None:
    before = _driver.builder.spec
    replies = _driver.message(message)
    number = message.get("id") if isinstance(message, dict) else None
    is_numbered = isinstance(number, int) and not isinstance(number, bool)
    assert [reply["id"] for reply in replies] == ([number] if is_numbered else [])
    if not replies or not replies[0]["ok"]:
        assert _driver.builder.spec == before
    assert to_formula(from_json(_driver.builder.spec)) == _driver.formula if _driver.formula else True


def well_formed(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Actions of the right form, with names that may or may not be there."""
    values = {
        "text": st.sampled_from(NAMES),
        "flag": st.booleans(),
        "texts": st.lists(st.sampled_from(["x", "f", "within(x, g)"]), min_size=1, max_size=3),
        "text or none": st.none() | st.sampled_from(NAMES),
        "values": st.dictionaries(
            st.sampled_from(["x", "f", "z"]),
            st.fixed_dictionaries(
                {"mode": st.sampled_from(["sd", "quartiles", "given"]), "text": st.sampled_from(["", "0", "0, 1", "?"])}
            ),
            max_size=2,
        ),
    }
    required = {name: values[own] for name, own in REQUIRED[kind].items()}
    optional = {name: values[own] for name, own in OPTIONAL.get(kind, {}).items()}
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional=optional)


walks = st.lists(st.sampled_from(list(REQUIRED)).flatmap(well_formed), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(steps=walks)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_walk_through_the_controls_ends_in_a_state_that_holds_together(steps: list[dict[str, Any]]) -> None:
    driver = Driver(small(), FORMULA, live=False)
    for step in steps:
        before = driver.builder.spec, driver.setup["can_undo"]
        reply = driver.ask(step["type"], **{key: value for key, value in step.items() if key != "type"})
        if not reply["ok"]:
            assert not reply["error"]["message"].startswith("Something went wrong"), reply
            assert driver.builder.spec == before[0]
        elif driver.builder.spec != before[0] and step["type"] not in ("undo", "redo"):
            driver.do("undo")
            assert driver.builder.spec == before[0]
            driver.do("redo")
    check(driver)
    again = Driver(small(), spec=driver.builder.spec, live=False)
    assert again.builder.spec == driver.builder.spec
    assert again.setup["groups"] == driver.setup["groups"]
    if driver.formula:
        spec = from_json(driver.builder.spec)
        parsed = parse_formula(driver.formula, reml=spec.reml).spec
        # what a formula has no words for
        assert parsed.with_(family=spec.family, link=spec.link, success=spec.success, weights=spec.weights) == spec


@pytest.mark.parametrize("kind", PRIVATE)
def test_names_of_methods_are_no_actions(kind: str) -> None:
    before = state(_driver)
    assert not _driver.ask(kind)["ok"]
    assert state(_driver) == before


BROKEN: list[Any] = [
    None, 1, "text", [], {}, {"kind": "action"}, {"kind": "reply", "id": 1, "ok": True},
    {"kind": "action", "id": True, "action": {"type": "fit"}},
    {"kind": "action", "id": 1.5, "action": {"type": "fit"}},
    {"kind": "action", "id": "1", "action": {"type": "fit"}},
    {"kind": "anywidget-command", "id": "1", "name": "_refit", "msg": None},
]  # fmt: skip
REFUSED: list[dict[str, Any]] = [
    {"kind": "action", "id": 7},
    {"kind": "action", "id": 7, "action": None},
    {"kind": "action", "id": 7, "action": {}},
    {"kind": "action", "id": 7, "action": {"type": ["fit"]}},
    {"kind": "action", "id": 7, "action": {"type": "fit", "more": 1}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome"}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome", "column": None}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome", "column": ["x"]}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome", "column": "x" * (MAX_TEXT + 1)}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome", "column": "\ud800"}},
    {"kind": "action", "id": 7, "action": {"type": "set_outcome", "column": "x", "self": 1}},
    {"kind": "action", "id": 7, "action": {"type": "set_reml", "on": 1}},
    {"kind": "action", "id": 7, "action": {"type": "set_reml", "on": "true"}},
    {"kind": "action", "id": 7, "action": {"type": "add_interaction", "ids": []}},
    {"kind": "action", "id": 7, "action": {"type": "add_interaction", "ids": ["x"] * (MAX_ITEMS + 1)}},
    {"kind": "action", "id": 7, "action": {"type": "add_interaction", "ids": "xf"}},
    {"kind": "action", "id": 7, "action": {"type": "view_predictions", "values": {"x": {"mode": "eval", "text": "1"}}}},
    {"kind": "action", "id": 7, "action": {"type": "view_predictions", "values": {"x": {"mode": "sd"}}}},
    {"kind": "action", "id": 10**30, "action": {"type": "nosuch"}},
]


@pytest.mark.parametrize("message", BROKEN)
def test_what_carries_no_number_is_not_answered(message: Any) -> None:
    before = state(_driver)
    assert [reply for reply in _driver.message(message) if reply["id"] != 1 or reply["ok"]] == []
    assert state(_driver) == before


@pytest.mark.parametrize("message", REFUSED)
def test_what_carries_a_number_is_refused_with_words(message: dict[str, Any]) -> None:
    before = state(_driver)
    (reply,) = _driver.message(message)
    assert (reply["id"], reply["ok"]) == (message["id"], False)
    assert reply["error"]["message"]
    assert len(json.dumps(reply)) < 1000
    assert state(_driver) == before


def test_text_is_read_up_to_its_bound() -> None:
    driver = Driver(small(), FORMULA, live=False)
    driver.do("set_formula", text="y ~ " + " " * (MAX_TEXT - 20) + "x + (1 | g)")
    assert driver.formula == "y ~ x + (1 | g)"


# -- code, files, attributes -----------------------------------------------------------------------------------------

WATCHED = ("exec", "compile", "import", "open", "os.", "subprocess.", "shutil.", "ctypes.", "socket.")
_heard: list[str] | None = None


def _watch(event: str, _arguments: tuple[Any, ...]) -> None:
    if _heard is not None and event.startswith(WATCHED):
        _heard.append(event)


sys.addaudithook(_watch)


@pytest.mark.parametrize("text", HOSTILE, ids=[f"{i}: {text[:30]!r}" for i, text in enumerate(HOSTILE)])
def test_a_typed_formula_runs_no_code(text: str) -> None:
    global _heard  # noqa: PLW0603  (an audit hook cannot be taken away: it listens while this is a list)
    driver = Driver(small(), FORMULA, live=True)
    driver.do("set_formula", text="y ~ nosuch(x) + (1 | g)")  # whatever is imported late is imported now
    before, fit = driver.builder.spec, driver.fit
    _heard = []
    try:
        reply = driver.ask("set_formula", text=text)
    finally:
        heard, _heard = _heard, None
    assert reply["ok"]
    assert heard == []
    error = driver.setup["error"]
    assert error is not None
    assert error["text"] == text
    assert 0 <= error["start"] <= error["end"]
    assert driver.builder.spec == before
    assert driver.fit == fit
    assert driver.setup["formula"] == FORMULA


@pytest.mark.parametrize("factor", ["I(9**9**9**9)", "I(x + " + "9" * 5000 + ")", "exp(exp(exp(x + 9)))", "I(x / 0)"])
def test_arithmetic_without_end_fails_at_once(factor: str) -> None:
    driver = Driver(small(), FORMULA)
    driver.do("set_formula", text=f"y ~ {factor} + (1 | g)")
    assert driver.setup["error"] is None
    assert (driver.fit["state"], driver.fit["stale"]) == ("failed", True)
    assert "not a finite number" in driver.fit["message"]
    driver.do("undo")
    assert driver.fit["state"] == "ready"


@pytest.mark.parametrize("kind", [kind for kind, own in REQUIRED.items() if "text" in own.values()])
@pytest.mark.parametrize(
    "text", ["__import__('os')", "x.__class__", "../../etc/passwd", "{0.__class__}", "%s%n", "\x00"]
)
def test_names_are_only_ever_compared(kind: str, text: str) -> None:
    driver = Driver(small(), FORMULA, live=False)
    before = driver.builder.spec
    reply = driver.ask(kind, **{name: text if own == "text" else True for name, own in REQUIRED[kind].items()})
    assert reply["ok"] == (kind == "set_formula")
    assert driver.builder.spec == before


# -- state from the browser ------------------------------------------------------------------------------------------

FORGED: dict[str, Any] = {
    "formula": "y ~ 1 + (1 | g)",
    "spec": {},
    "model": None,
    "error": "x",
    "setup": {"outcome": "x"},
    "data": {},
    "fit": {"state": "ready"},
    "views": {},
    "chart_predictions": {"spec": {"url": "https://example.org"}, "version": 1},
    "_esm": "export default {render() { alert(1) }}",
    "_css": "*{display:none}",
    "_runtime": None,
    "_view_module": "evil",
    "_lock": None,
    "layout": None,
}


def snapshot(builder: ModelBuilder) -> Any:
    return {name: getattr(builder, name) for name in FORGED}


def test_state_from_the_browser_is_dropped() -> None:
    builder = _driver.builder
    before = snapshot(builder)
    builder.set_state(FORGED)
    assert snapshot(builder) == before
    for key, value in FORGED.items():
        data = {"method": "update", "state": {key: value}, "buffer_paths": []}
        builder._handle_msg({"content": {"data": data}, "buffers": []})
    assert snapshot(builder) == before


def test_messages_arrive_the_way_that_jupyter_sends_them() -> None:
    driver = Driver(small(), FORMULA, live=False)
    content = {"kind": "action", "id": 3, "action": {"type": "remove_predictor", "id": "f"}}
    driver.builder._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert driver.replies == [{"kind": "reply", "id": 3, "ok": True}]
    assert driver.formula == "y ~ x + (x | g)"
