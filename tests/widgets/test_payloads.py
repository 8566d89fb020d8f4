"""What goes to the browser: the fields and types of payload.ts, plain JSON, in every state."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.widgets.driver import TRAITS, Driver, table
from tests.widgets.typescript import interfaces, problems

ODD_NAMES = [
    "my outcome",
    'a "quoted" <b>x</b>',
    "<script>alert(1)</script>",
    "`tick` \\ slash",
    "größe π 😀",
    "a:b|c~d",
]


def check(driver: Driver) -> None:
    """All traits are of their type, and JSON that any reader takes."""
    types = interfaces()["Traits"][1]
    assert tuple(types) == TRAITS
    for name in TRAITS:
        value = getattr(driver.builder, name)
        again = json.loads(json.dumps(value, allow_nan=False))
        assert problems(again, types[name], name) == []
    json.dumps(driver.builder.spec, allow_nan=False)


def test_the_check_finds_what_is_wrong() -> None:
    good = {"id": "a", "label": "a", "level": "L1"}
    assert problems(good, "InteractionPayload") == []
    assert problems({**good, "level": 1}, "InteractionPayload") != []
    assert problems({**good, "more": ""}, "InteractionPayload") != []
    assert problems({"id": "a", "label": "a"}, "InteractionPayload") != []
    assert problems({"spec": {}, "version": 1}, "ChartPayload") == []
    assert problems({"spec": {}}, "ChartPayload") != []
    assert problems("bad", ("union", [("literal", "good"), ("name", "null")])) != []


def odd() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    columns = [rng.normal(size=60), rng.normal(size=60), [ODD_NAMES[i % 3] for i in range(60)], rng.normal(size=60)]
    data = dict(zip(ODD_NAMES, columns, strict=False))
    data[ODD_NAMES[4]] = np.arange(60) // 6
    data[ODD_NAMES[5]] = [f"`{i // 15}`" for i in range(60)]
    return pd.DataFrame(data)


def tiny(outcome: list[float] | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    place = np.arange(40)
    return pd.DataFrame(
        {
            "y": rng.normal(size=40) if outcome is None else outcome,
            "x": rng.normal(size=40),
            "g": place // 5,
            "const": 1.0,
            "gone": np.nan,
            "inf": np.where(place == 3, np.inf, place),
            "day": pd.date_range("2024-01-01", periods=40),
            "mixed": [1, "a"] * 20,
            "flag": place % 2 == 0,
            "some": np.where(place % 4 == 0, np.nan, place),
            "id": place,
        }
    )


BY_SES = "mathach ~ ses + (1 | school)"


def at_values(text: str) -> Driver:
    """Predictions at values of a second predictor that a person typed."""
    values = {"meanses": {"mode": "given", "text": text}}
    fields: dict[str, object] = {"along": "ses", "lines": "meanses", "values": values}
    return after("hsb", "mathach ~ ses * meanses + (1 | school)", ("view_predictions", fields))


def opened(data: object, formula: str | None = None, **options: object) -> Callable[[], Driver]:
    return lambda: Driver(data, formula, **options)


def after(data: object, formula: str | None, *steps: tuple[str, dict[str, object]], live: bool = True) -> Driver:
    driver = Driver(data, formula, live=live)
    for kind, fields in steps:
        driver.ask(kind, **fields)
    return driver


STATES: dict[str, Callable[[], Driver]] = {
    "no data": opened(None),
    "an empty frame": opened(pd.DataFrame()),
    "nothing chosen": opened("hsb"),
    "unfinished": opened("hsb", "mathach ~ ses * sector"),
    "fitted": opened("hsb", "mathach ~ ses * sector + meanses + (ses | school)"),
    "by ML": lambda: after("hsb", "mathach ~ ses + (1 | school)", ("set_reml", {"on": False})),
    "centred": opened("hsb", "mathach ~ within(ses, school) * sector + between(ses, school) + (1 | school)"),
    "nested": opened("pastes", "strength ~ 1 + (1 | batch / cask)"),
    "crossed": opened("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    "a factor's slope": opened("cake", "angle ~ recipe * temp + (recipe | replicate)"),
    "zero variance": opened("dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    "uncorrelated": opened("hsb", "mathach ~ ses + (ses || school)"),
    "singular": opened(tiny(), "y ~ x + (x + flag | g)"),
    "zero variance of a slope": opened(tiny(), "y ~ x + (x | g)"),
    "transformed": opened("hsb", "log(mathach + 10) ~ poly(ses, 2) + I(meanses**2) + (1 | school)"),
    "functions without columns": opened("hsb", "mathach ~ I(2) + ses + (1 | school)"),
    "no intercept": opened("hsb", "mathach ~ 0 + sector + ses:sector + (0 + ses | school)"),
    "two rows of a grouping": opened("hsb", "mathach ~ ses + (1 | school) + (0 + ses | school)"),
    "collinear": opened("hsb", "mathach ~ ses + I(2 * ses) + (1 | school)"),
    "missing rows": opened(tiny(), "y ~ some + (1 | g)"),
    "a boolean": opened(tiny(), "flag ~ x * flag + (flag | g)"),
    "odd names": lambda: after(
        odd(),
        None,
        ("set_outcome", {"column": ODD_NAMES[0]}),
        ("add_predictor", {"column": ODD_NAMES[1]}),
        ("add_predictor", {"column": ODD_NAMES[2]}),
        ("add_interaction", {"ids": ["`a \"quoted\" <b>x</b>`", "`<script>alert(1)</script>`"]}),
        ("add_group", {"id": "`größe π 😀`"}),
        ("set_slope", {"group": ODD_NAMES[4], "term": "`a \"quoted\" <b>x</b>`", "on": True}),
        ("set_option", {"id": "`a \"quoted\" <b>x</b>`", "value": f"within:{ODD_NAMES[4]}"}),
        ("add_group", {"id": "`a:b|c~d`"}),
    ),
    "a formula not understood": lambda: after("hsb", BY_SES, ("set_formula", {"text": "x ~ ("})),
    "a formula with a slip": lambda: after("hsb", None, ("set_formula", {"text": "mathach ~ sess + (1 | school)"})),
    "failed": opened(tiny(), "y ~ inf + (1 | g)"),
    "failed after a fit": lambda: after(tiny(), "y ~ x + (1 | g)", ("set_formula", {"text": "y ~ day + (1 | g)"})),
    "text as outcome": opened("hsb", "sector ~ ses + (1 | school)"),
    "constant outcome": opened(tiny(), "const ~ x + (1 | g)"),
    "all missing": opened(tiny(), "y ~ gone + (1 | g)"),
    "one group": opened(tiny(), "y ~ x + (1 | const)"),
    "as many groups as rows": opened(tiny(), "y ~ x + (1 | id)"),
    "outcome among the predictors": opened("hsb", "mathach ~ mathach + (1 | school)"),
    "exact": opened(tiny([float(i // 5) for i in range(40)]), "y ~ x + (1 | g)"),
    "stale": lambda: after("hsb", BY_SES, ("set_live", {"on": False}), ("set_reml", {"on": False})),
    "values far out": lambda: at_values("1e308"),
    "no values": lambda: at_values("?"),
    "many values": lambda: at_values(", ".join(str(i / 100) for i in range(3000))),
    "large numbers": opened(tiny().assign(x=np.where(np.arange(40) % 2, 1e300, -1e300)), "y ~ x + (1 | g)"),
    "the largest numbers": opened(tiny().assign(x=np.where(np.arange(40) % 2, 1.7e308, -1.7e308)), "y ~ x + (1 | g)"),
    "the smallest numbers": opened(tiny().assign(x=np.where(np.arange(40) % 2, 5e-324, 0)), "y ~ x + (1 | g)"),
    "nanoseconds": opened(tiny().assign(x=1_700_000_000_000_000_000 + 256 * np.arange(40)), "y ~ x + (1 | g)"),
    "numbers as column names": opened(tiny().rename(columns={"y": 0, "g": 1}), "`0` ~ 1 + (1 | `1`)"),
    "a keyword as name": opened(tiny(), "y ~ x + (1 | g)", name="class"),
    "no text as name": opened(tiny(), "y ~ x + (1 | g)", name=5),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_state_is_as_the_browser_expects(state: str) -> None:
    check(STATES[state]())


def test_states_are_what_they_are_called() -> None:
    found = {
        name: STATES[name]() for name in ("zero variance", "odd names", "failed after a fit", "stale", "one group")
    }
    assert found["zero variance"].fit["kind"] == "boundary"
    assert found["odd names"].fit["state"] == "ready"
    assert len(found["odd names"].setup["groups"]) == 2
    assert found["failed after a fit"].fit["state"] == "failed"
    assert found["failed after a fit"].fit["stale"]
    assert found["stale"].fit["stale"]
    assert found["one group"].fit["state"] == "failed"


def test_the_summary_holds_the_models_numbers() -> None:
    driver = Driver("hsb", "mathach ~ ses * sector + (ses | school)")
    model, summary = driver.builder.model, driver.fit["summary"]
    tidy = model.tidy("fixed").set_index("term")
    assert [row["term"] for row in summary["fixed"]] == list(tidy.index)
    for row in summary["fixed"]:
        for key in ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"):
            assert row[key] == pytest.approx(tidy.loc[row["term"], key], rel=1e-12)
    last = summary["fixed"][-1]
    assert (last["label"], last["detail"], last["level"]) == ("ses × sector", "Catholic", "L1×L2")
    assert [(row["group"], row["term"]) for row in summary["random"]] == [
        ("school", "Intercept"), ("school", "ses"), ("Residual", ""),
    ]  # fmt: skip
    assert [len(row["corr"]) for row in summary["random"]] == [0, 1, 0]
    assert summary["fit"][0]["value"] == model.criterion


def test_the_code_gives_the_same_model() -> None:
    driver = Driver("hsb", "mathach ~ ses * sector + (ses | school)")
    assert 'mlm.fit("mathach ~ ses * sector + (ses | school)", hsb)' in driver.fit["code"]["python"]
    for name in ("class", "my data", "<script>"):
        code = Driver(tiny(), "y ~ x + (1 | g)", name=name).fit["code"]
        assert 'mlm.fit("y ~ x + (1 | g)", data)' in code["python"]
        compile(code["python"], "code", "exec")


def test_problems_of_columns_say_what_they_serve_for() -> None:
    driver = Driver(tiny())
    roles = {
        column["name"]: tuple(column[f"{role}_problem"] is None for role in ("outcome", "predictor", "group"))
        for column in driver.builder.data["columns"]
    }
    assert roles == {
        "y": (True, True, False),
        "x": (True, True, False),
        "g": (True, True, True),
        "const": (False, False, False),
        "gone": (False, False, False),
        "inf": (True, True, False),
        "day": (False, False, False),
        "mixed": (False, False, False),
        "flag": (True, True, True),
        "some": (True, True, False),
        "id": (True, True, False),
    }
    assert driver.column("some")["n_missing"] == 10
    assert driver.column("inf")["range"] == [0.0, 39.0]
    for name, role in (("const", "outcome"), ("day", "predictor"), ("mixed", "group")):
        reason = driver.column(name)[f"{role}_problem"]
        kind, field = {"outcome": ("set_outcome", "column"), "predictor": ("add_predictor", "column"),
                       "group": ("add_group", "id")}[role]  # fmt: skip
        message = driver.refused(kind, **{field: name})
        assert role == "group" or reason in message


def test_a_date_in_the_data_leaves_the_others_alone() -> None:
    driver = Driver(table("hsb").assign(day=pd.Timestamp("2024-05-01")), "mathach ~ ses + (1 | school)")
    assert driver.fit["state"] == "ready"
    assert driver.column("day")["kind"] == "date"
