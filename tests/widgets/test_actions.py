"""What each action of a person does to the model: sequences of clicks and the formula they end in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from tests.widgets.driver import Driver, table

Step = tuple[str, dict[str, Any]]


def outcome(column: str) -> Step:
    return "set_outcome", {"column": column}


def predictor(column: str) -> Step:
    return "add_predictor", {"column": column}


def unpick(name: str) -> Step:
    return "remove_predictor", {"id": name}


def option(name: str, value: str) -> Step:
    return "set_option", {"id": name, "value": value}


def interaction(*names: str) -> Step:
    return "add_interaction", {"ids": list(names)}


def uninteract(name: str) -> Step:
    return "remove_interaction", {"id": name}


def group(name: str) -> Step:
    return "add_group", {"id": name}


def ungroup(name: str) -> Step:
    return "remove_group", {"id": name}


def slope(name: str, term: str, on: bool = True) -> Step:
    return "set_slope", {"group": name, "term": term, "on": on}


def intercept(name: str, on: bool) -> Step:
    return "set_intercept", {"group": name, "on": on}


def correlated(name: str, on: bool) -> Step:
    return "set_correlated", {"group": name, "on": on}


def typed(text: str) -> Step:
    return "set_formula", {"text": text}


UNDO: Step = ("undo", {})
REDO: Step = ("redo", {})
WITHIN, BETWEEN = "within(ses, school)", "between(ses, school)"
CATHOLIC = 'C(sector, contr.treatment("Catholic"))'

SEQUENCES: list[tuple[str, str, list[Step], str]] = [
    # the start
    ("an outcome alone", "hsb", [outcome("mathach")], "mathach ~ 1"),
    ("another outcome", "hsb", [outcome("mathach"), outcome("ses")], "ses ~ 1"),
    ("groups before outcome", "hsb", [group("school"), outcome("mathach")], "mathach ~ 1 + (1 | school)"),
    (
        "a predictor becomes the outcome",
        "hsb",
        [typed("mathach ~ ses * sector + (ses | school)"), outcome("ses")],
        "ses ~ sector + (1 | school)",
    ),
    (
        "a grouping becomes the outcome",
        "hsb",
        [typed("mathach ~ ses + (1 | size) + (1 | school)"), outcome("size")],
        "size ~ ses + (1 | school)",
    ),
    # predictors and how they enter
    ("predictors", "hsb", [typed("mathach ~ 1 + (1 | school)"), predictor("ses"), predictor("sector")],
     "mathach ~ ses + sector + (1 | school)"),
    ("not in the model any more", "hsb", [typed("mathach ~ ses * sector + (ses | school)"), unpick("ses")],
     "mathach ~ sector + (1 | school)"),
    ("nothing else varied", "hsb", [typed("mathach ~ ses + (0 + ses | school)"), unpick("ses")], "mathach ~ 1"),
    ("three-way, one gone", "hsb", [typed("mathach ~ ses * sector * sex + (1 | school)"), unpick("sector")],
     "mathach ~ ses * sex + (1 | school)"),
    ("only in an interaction", "hsb", [typed("mathach ~ ses:sector + (1 | school)"), predictor("ses")],
     "mathach ~ ses + ses:sector + (1 | school)"),
    ("grand mean", "hsb", [typed("mathach ~ ses + (ses | school)"), option("ses", "center")],
     "mathach ~ center(ses) + (center(ses) | school)"),
    ("standardised", "hsb", [typed("mathach ~ ses + (1 | school)"), option("ses", "scale")],
     "mathach ~ scale(ses) + (1 | school)"),
    ("within groups, in all places", "hsb",
     [typed("mathach ~ ses * sector + (ses | school)"), option("ses", "within:school")],
     f"mathach ~ {WITHIN} * sector + ({WITHIN} | school)"),
    ("back to raw", "hsb",
     [typed(f"mathach ~ {WITHIN} * sector + ({WITHIN} | school)"), option(WITHIN, "none")],
     "mathach ~ ses * sector + (ses | school)"),
    ("the mean after the difference", "hsb", [typed(f"mathach ~ {WITHIN} + (1 | school)"), predictor("ses")],
     f"mathach ~ {WITHIN} + {BETWEEN} + (1 | school)"),
    ("a mean has no slope", "hsb",
     [typed("mathach ~ ses + sex + (ses + sex | school)"), option("ses", "between:school")],
     f"mathach ~ {BETWEEN} + sex + (sex | school)"),
    ("a mean has no slope, the only one", "hsb",
     [typed("mathach ~ ses + (0 + ses | school)"), option("ses", "between:school")],
     f"mathach ~ {BETWEEN} + (1 | school)"),
    ("a mean keeps its slope elsewhere", "penicillin",
     [typed("diameter ~ x + (x | plate) + (x | sample)"), option("x", "between:plate")],
     "diameter ~ between(x, plate) + (1 | plate) + (between(x, plate) | sample)"),
    ("the same option", "hsb", [typed("mathach ~ C(size) + (1 | school)"), option("C(size)", "C")],
     "mathach ~ C(size) + (1 | school)"),
    ("reference", "hsb", [typed("mathach ~ ses * sector + (1 | school)"), option("sector", "Catholic")],
     f"mathach ~ ses * {CATHOLIC} + (1 | school)"),
    ("the first reference", "hsb", [typed(f"mathach ~ ses * {CATHOLIC} + (1 | school)"), option(CATHOLIC, "Public")],
     "mathach ~ ses * sector + (1 | school)"),
    ("reference of a factor with a slope", "cake",
     [typed("angle ~ recipe + (recipe | replicate)"), option("recipe", "C")],
     'angle ~ C(recipe, contr.treatment("C")) + (C(recipe, contr.treatment("C")) | replicate)'),
    # interactions
    ("two-way", "hsb", [typed("mathach ~ ses + sector + (1 | school)"), interaction("ses", "sector")],
     "mathach ~ ses * sector + (1 | school)"),
    ("three-way brings what is below", "hsb",
     [typed("mathach ~ ses + sector + sex + (1 | school)"), interaction("ses", "sector", "sex")],
     "mathach ~ ses * sector * sex + (1 | school)"),
    ("below goes with above", "hsb",
     [typed("mathach ~ ses * sector * sex + (1 | school)"), uninteract("ses:sector")],
     "mathach ~ ses + sector + sex + ses:sex + sector:sex + (1 | school)"),
    ("with its slope", "hsb",
     [typed("mathach ~ ses * sex + (ses * sex | school)"), uninteract("ses:sex")],
     "mathach ~ ses + sex + (ses + sex | school)"),
    # groups
    ("nested", "pastes", [outcome("strength"), group("batch"), group("batch:cask")], "strength ~ 1 + (1 | batch/cask)"),
    ("crossed", "penicillin", [outcome("diameter"), group("plate"), group("sample")],
     "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("a combination alone", "pastes",
     [outcome("strength"), group("batch"), group("batch:cask"), ungroup("batch")], "strength ~ 1 + (1 | batch:cask)"),
    ("split plot: a recipe's batches, and recipes compared", "cake",
     [outcome("angle"), predictor("recipe"), predictor("temp"), interaction("recipe", "temp"), group("replicate"),
      group("replicate:recipe"), ungroup("replicate")],
     "angle ~ recipe * temp + (1 | replicate:recipe)"),
    ("a predictor becomes a grouping", "cake",
     [typed("angle ~ recipe * temp + (recipe | replicate)"), group("recipe")],
     "angle ~ temp + (1 | replicate) + (1 | recipe)"),
    ("centring goes with its grouping", "hsb",
     [typed(f"mathach ~ {WITHIN} * sex + (1 | school)"), ungroup("school")], "mathach ~ ses * sex"),
    ("both halves become one", "hsb",
     [typed(f"mathach ~ {WITHIN} + {BETWEEN} + (1 | school)"), ungroup("school")], "mathach ~ ses"),
    ("centring stays while a row is left", "hsb",
     [typed(f"mathach ~ {WITHIN} + (1 | school) + (0 + {WITHIN} | school)"), ungroup("school")],
     f"mathach ~ {WITHIN} + (0 + {WITHIN} | school)"),
    # what varies
    ("slopes in the fixed part's order", "hsb",
     [typed("mathach ~ ses + sex + (1 | school)"), slope("school", "sex"), slope("school", "ses")],
     "mathach ~ ses + sex + (ses + sex | school)"),
    ("a slope no more", "hsb", [typed("mathach ~ ses + (ses | school)"), slope("school", "ses", False)],
     "mathach ~ ses + (1 | school)"),
    ("a slope that is not fixed", "hsb",
     [typed("mathach ~ 1 + (ses | school)"), slope("school", "ses", False)], "mathach ~ 1 + (1 | school)"),
    ("a factor's slope", "cake", [typed("angle ~ recipe + (1 | replicate)"), slope("replicate", "recipe")],
     "angle ~ recipe + (recipe | replicate)"),
    ("no intercept", "hsb", [typed("mathach ~ ses + (ses | school)"), intercept("school", False)],
     "mathach ~ ses + (0 + ses | school)"),
    ("uncorrelated", "hsb", [typed("mathach ~ ses + (ses | school)"), correlated("school", False)],
     "mathach ~ ses + (ses || school)"),
    ("correlated again", "hsb", [typed("mathach ~ ses + (ses || school)"), correlated("school", True)],
     "mathach ~ ses + (ses | school)"),
    ("the second row of a grouping", "hsb",
     [typed("mathach ~ ses + sex + (1 | school) + (0 + ses | school)"), slope("school #2", "sex"),
      slope("school #2", "ses", False)],
     "mathach ~ ses + sex + (1 | school) + (0 + sex | school)"),
    # back and forth
    ("undo", "hsb", [typed("mathach ~ ses + (1 | school)"), unpick("ses"), UNDO], "mathach ~ ses + (1 | school)"),
    ("redo", "hsb", [typed("mathach ~ ses + (1 | school)"), unpick("ses"), UNDO, REDO], "mathach ~ 1 + (1 | school)"),
    ("undo to the start", "hsb", [outcome("mathach"), UNDO, UNDO, UNDO], ""),
    ("a change after undo", "hsb", [outcome("mathach"), predictor("ses"), UNDO, predictor("sex"), REDO],
     "mathach ~ sex"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "steps", "formula"), [case[1:] for case in SEQUENCES], ids=[c[0] for c in SEQUENCES])
def test_clicks_make_the_formula_that_a_person_expects(data: str, steps: list[Step], formula: str) -> None:
    frame = table(data)
    if data == "penicillin":
        frame["x"] = np.arange(len(frame)) % 7
    driver = Driver(frame, live=False)
    for kind, fields in steps:
        driver.do(kind, **fields)
    assert driver.formula == formula
    assert driver.setup["formula"] == formula
    # the formula says all: typed into another builder it gives the same controls
    if formula:
        typed_in = Driver(frame, formula, live=False)
        assert typed_in.builder.spec == driver.builder.spec
        live = ("can_undo", "can_redo")
        assert {k: v for k, v in typed_in.setup.items() if k not in live} == {
            k: v for k, v in driver.setup.items() if k not in live
        }


def test_undo_and_redo_go_over_everything_that_changes_the_model() -> None:
    driver = Driver("hsb", live=False)
    steps: list[Step] = [
        outcome("mathach"), predictor("ses"), group("school"), option("ses", "within:school"), predictor("sector"),
        interaction(WITHIN, "sector"), slope("school", WITHIN), correlated("school", False), intercept("school", False),
        ("set_reml", {"on": False}), typed("mathach ~ sex + (1 | school)"), unpick("sex"), ungroup("school"),
    ]  # fmt: skip
    seen = [driver.builder.spec]
    for kind, fields in steps:
        driver.do(kind, **fields)
        seen.append(driver.builder.spec)
    assert len({str(spec) for spec in seen}) == len(seen)
    for spec in reversed(seen[:-1]):
        assert driver.setup["can_undo"]
        driver.do("undo")
        assert driver.builder.spec == spec
    assert not driver.setup["can_undo"]
    for spec in seen[1:]:
        assert driver.setup["can_redo"]
        driver.do("redo")
        assert driver.builder.spec == spec
    assert not driver.setup["can_redo"]


def test_what_changes_nothing_is_no_step_to_undo() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school)", live=False)
    before = driver.setup
    driver.do("set_outcome", column="mathach")
    driver.do("set_reml", on=True)
    driver.do("set_formula", text="mathach ~ 1 + ses + (1|school)")
    driver.do("set_intercept", group="school", on=True)
    assert driver.setup == before


REFUSED: list[tuple[str, str, Step, str]] = [
    ("a text outcome", "hsb", outcome("school"), "text"),
    ("an unknown column", "hsb", predictor("nosuch"), "no column"),
    ("a predictor twice", "hsb", predictor("ses"), "in the model already"),
    ("a factor of many levels", "hsb", predictor("school"), "levels"),
    ("a grouping twice", "hsb", group("school"), "cannot be a grouping"),
    ("the outcome as grouping", "hsb", group("mathach"), "cannot be a grouping"),
    ("numbers with decimals as grouping", "hsb", group("meanses"), "cannot be a grouping"),
    ("a slope of a constant", "hsb", slope("school", "sector"), "constant within school"),
    ("a slope of nothing", "hsb", slope("school", "sex"), "no predictor"),
    ("nothing left to vary", "hsb", intercept("school", False), "has to vary"),
    ("an interaction of one", "hsb", interaction("ses"), "two"),
    ("an interaction of one, twice", "hsb", interaction("ses", "ses"), "two"),
    ("an interaction with a stranger", "hsb", interaction("ses", "sex"), "no predictor"),
    ("no such interaction", "hsb", uninteract("ses:sector"), "no interaction"),
    ("no such grouping", "hsb", ungroup("class"), "no grouping"),
    ("no such predictor", "hsb", unpick("sex"), "no predictor"),
    ("no such option", "hsb", option("ses", "log"), "no choice"),
    ("no such level", "hsb", option("sector", "Buddhist"), "no choice"),
    ("centring within what it is constant in", "hsb", option("meanses", "within:school"), "no choice"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "words"), [case[2:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_makes_no_sense_is_refused_and_changes_nothing(step: Step, words: str) -> None:
    driver = Driver("hsb", "mathach ~ ses + sector + meanses + (1 | school)", live=False)
    assert words in driver.refused(step[0], **step[1])


def test_one_effect_is_not_offered_in_two_rows_of_a_grouping() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school) + (0 + ses | school)", live=False)
    assert [row["id"] for row in driver.setup["groups"]] == ["school", "school #2"]
    assert driver.cell("school", "ses")["reason"] == "varies in another row of school"
    assert driver.cell("school #2", "ses") == {"term": "ses", "label": "ses", "on": True, "reason": None}
    assert "another row" in driver.refused("set_slope", group="school", term="ses", on=True)
    assert "another row" in driver.refused("set_intercept", group="school #2", on=True)


def test_both_halves_of_one_column_cannot_become_the_same() -> None:
    driver = Driver("hsb", f"mathach ~ {WITHIN} + {BETWEEN} + (1 | school)", live=False)
    assert "in the model already" in driver.refused("set_option", id=WITHIN, value="between:school")


# -- what the controls show ------------------------------------------------------------------------------------------


def test_levels_follow_the_groupings_of_the_model() -> None:
    driver = Driver("hsb", live=False)
    for column in ("ses", "meanses"):
        driver.do("add_predictor", column=column)
    driver.do("set_outcome", column="mathach")
    assert [row["level"] for row in driver.setup["predictors"]] == [None, None]
    driver.do("add_group", id="school")
    driver.do("add_interaction", ids=["ses", "meanses"])
    assert [row["level"] for row in driver.setup["predictors"]] == ["L1", "L2"]
    assert [row["level"] for row in driver.setup["interactions"]] == ["L1×L2"]
    driver.do("set_option", id="ses", value="within:school")
    driver.do("add_predictor", column="ses")
    assert driver.predictor(WITHIN)["level"] == "L1"
    assert driver.predictor(BETWEEN)["level"] == "L2"
    assert (driver.predictor(WITHIN)["label"], driver.predictor(WITHIN)["detail"]) == ("ses", "within school")
    assert (driver.predictor(BETWEEN)["label"], driver.predictor(BETWEEN)["detail"]) == ("ses", "school mean")


def nested() -> pd.DataFrame:
    """Districts with schools, schools with classes, pupils in classes; a predictor of each level."""
    rng = np.random.default_rng(1)
    place = np.arange(240)
    frame = pd.DataFrame({"district": place // 40, "school": place // 20, "class": place // 5})
    for name in ("district", "school", "class"):
        frame[f"{name}_x"] = rng.normal(size=60)[frame[name]]
        frame[name] = [f"{name} {code}" for code in frame[name]]
    frame["pupil_x"] = rng.normal(size=240)
    frame["y"] = rng.normal(size=240) + rng.normal(size=60)[place // 5]
    frame["school again"] = frame["school"] + "!"
    return frame


def test_levels_of_nested_groupings() -> None:
    driver = Driver(nested(), "y ~ pupil_x + class_x + school_x + district_x + (1 | district / school / class)")
    names = ["pupil_x", "class_x", "school_x", "district_x"]
    assert [driver.predictor(name)["level"] for name in names] == ["L1", "L2", "L3", "L4"]
    assert driver.column("school_x")["constant_within"] == ["school", "class", "school again"]
    assert driver.column("district")["constant_within"] == ["school", "class", "school again"]
    assert driver.column("pupil_x")["constant_within"] == []
    assert driver.cell("district:school", "class_x") == {"term": "class_x", "label": "class_x", "on": False,
                                                         "reason": None}  # fmt: skip
    assert driver.cell("district:school", "school_x")["reason"] == "constant within district:school"
    rows = {row["term"]: row["level"] for row in driver.fit["summary"]["fixed"]}
    assert [rows[name] for name in names] == ["L1", "L2", "L3", "L4"]


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ school_x + (1 | school) + (0 + pupil_x | school)",
        "y ~ school_x + (1 | school) + (0 + pupil_x | `school again`)",
    ],
)
def test_one_grouping_in_two_rows_is_one_level(formula: str) -> None:
    driver = Driver(nested(), formula)
    assert driver.predictor("school_x")["level"] == "L2"
    assert [row["level"] for row in driver.fit["summary"]["fixed"]] == ["", "L2"]


def test_levels_of_crossed_groupings() -> None:
    frame = table("penicillin")
    frame["of_plate"] = frame["plate"].cat.codes % 5
    driver = Driver(frame, "diameter ~ of_plate + (1 | plate) + (1 | sample)", live=False)
    assert driver.predictor("of_plate")["level"] == "L2"
    assert driver.cell("plate", "of_plate")["reason"] == "constant within plate"
    assert driver.cell("sample", "of_plate")["reason"] is None


def test_groupings_to_choose_from_with_how_they_lie() -> None:
    driver = Driver("pastes", live=False)
    driver.do("set_outcome", column="strength")
    assert driver.choices() == {"batch": "10 groups", "cask": "3 groups", "sample": "30 groups"}
    driver.do("add_group", id="batch")
    assert driver.group("batch")["detail"] == "10 groups"
    assert driver.choices()["batch:cask"] == "30 groups, cask within batch"
    assert "batch:sample" not in driver.choices()  # makes no groups that sample does not make
    driver.do("add_group", id="batch:cask")
    assert "batch:cask" not in driver.choices()
    assert driver.group("batch:cask")["columns"] == ["batch", "cask"]


def test_options_of_a_number_and_of_a_factor() -> None:
    driver = Driver("hsb", "mathach ~ ses + meanses + sector + (1 | school)", live=False)
    option = driver.predictor("ses")["option"]
    assert option["kind"] == "centring"
    assert [choice["value"] for choice in option["choices"]] == [
        "none", "center", "scale", "within:school", "between:school",
    ]  # fmt: skip
    assert [choice["value"] for choice in driver.predictor("meanses")["option"]["choices"]] == [
        "none", "center", "scale",
    ]  # fmt: skip
    assert driver.predictor("sector")["option"] == {
        "kind": "reference",
        "value": "Public",
        "choices": [{"value": "Public", "label": "Public"}, {"value": "Catholic", "label": "Catholic"}],
    }


@pytest.mark.parametrize("factor", ["log(ses + 10)", "I(2)", "poly(ses, 2)", "ses:sex"])
def test_predictors_without_options_are_shown(factor: str) -> None:
    driver = Driver("hsb", f"mathach ~ {factor} + (1 | school)", live=False)
    assert driver.builder.error is None
    assert [row["option"] for row in driver.setup["predictors"]] == ([] if ":" in factor else [None])


def test_a_reference_far_down_the_list_is_shown() -> None:
    frame = pd.DataFrame({"y": np.arange(300.0) % 7, "f": np.arange(300) % 60, "g": np.arange(300) // 30})
    frame["f"] = "level " + frame["f"].astype(str)
    driver = Driver(frame, 'y ~ C(f, contr.treatment("level 9")) + (1 | g)', live=False)
    option = driver.setup["predictors"][0]["option"]
    assert option["value"] in [choice["value"] for choice in option["choices"]]


def test_boolean_columns() -> None:
    frame = table("hsb")
    frame["is_girl"] = frame["sex"] == "Female"
    driver = Driver(frame, "mathach ~ ses + (1 | school)")
    driver.do("add_predictor", column="is_girl")
    assert driver.predictor("is_girl")["option"]["value"] == "False"
    driver.do("set_option", id="is_girl", value="True")
    assert driver.formula == 'mathach ~ ses + C(is_girl, contr.treatment("True")) + (1 | school)'
    assert driver.fit["state"] == "ready"
    driver.do("set_slope", group="school", term='C(is_girl, contr.treatment("True"))', on=True)
    assert driver.fit["state"] == "ready"
    driver.do("set_outcome", column="is_girl")
    assert driver.formula == "is_girl ~ ses + (1 | school)"
    assert driver.fit["state"] == "ready"


def test_a_factor_alone_can_be_uncorrelated() -> None:
    driver = Driver("cake", "angle ~ recipe + temp + (0 + recipe | replicate)", live=False)
    assert driver.group("replicate")["can_correlate"]
    driver.do("set_formula", text="angle ~ recipe + temp + (0 + temp | replicate)")
    assert not driver.group("replicate")["can_correlate"]


# -- fits ------------------------------------------------------------------------------------------------------------


def test_every_change_is_fitted_while_live() -> None:
    driver = Driver("hsb")
    for kind, fields in (outcome("mathach"), predictor("ses")):
        driver.do(kind, **fields)
        assert (driver.fit["state"], driver.fit["stale"]) == ("empty", False)
        assert driver.setup["prompt"].startswith("Choose a grouping column")
    driver.do("add_group", id="school")
    assert (driver.fit["state"], driver.fit["formula"]) == ("ready", "mathach ~ ses + (1 | school)")
    assert driver.setup["prompt"] is None
    assert driver.builder.model.formula == driver.formula


def test_not_live_a_change_makes_the_results_stale_until_fit() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school)", live=False)
    assert (driver.fit["state"], driver.fit["stale"]) == ("empty", False)
    driver.do("fit")
    assert (driver.fit["state"], driver.fit["stale"], driver.fit["word"]) == ("ready", False, "Converged")
    driver.do("add_predictor", column="sector")
    assert (driver.fit["state"], driver.fit["stale"]) == ("ready", True)
    assert driver.fit["formula"] == "mathach ~ ses + (1 | school)"
    assert driver.builder.model.formula == "mathach ~ ses + (1 | school)"
    driver.do("undo")
    assert (driver.fit["stale"], driver.fit["word"]) == (False, "Converged")
    driver.do("redo")
    driver.do("fit")
    assert (driver.fit["stale"], driver.fit["formula"]) == (False, driver.formula)


def test_another_criterion_makes_the_results_stale_too() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school)")
    driver.do("set_live", on=False)
    driver.do("set_reml", on=False)
    assert driver.fit["stale"]
    driver.do("set_live", on=True)
    assert not driver.fit["stale"]
    assert driver.builder.model.reml is False
    assert driver.setup["reml"] is False
    assert driver.fit["summary"]["fit"][0]["label"] == "Deviance"


def test_live_again_fits_what_waited() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school)", live=False)
    driver.do("set_live", on=True)
    assert driver.fit["state"] == "ready"
    driver.do("set_live", on=False)
    driver.do("remove_group", id="school")
    driver.do("set_live", on=True)  # there is nothing to fit: no error
    assert driver.setup["live"]
    assert driver.fit["stale"]


def test_fit_without_a_grouping_says_what_is_needed() -> None:
    driver = Driver("hsb", live=False)
    assert driver.setup["prompt"] == "Choose an outcome."
    assert driver.refused("fit") == "Choose an outcome."
    driver.do("set_outcome", column="mathach")
    assert driver.refused("fit").startswith("Choose a grouping column")


# -- the charts' controls --------------------------------------------------------------------------------------------


def test_choices_of_the_charts() -> None:
    driver = Driver("hsb", "mathach ~ ses * sector + sex + (ses | school)")
    view = driver.builder.views["predictions"]
    assert (view["along"], view["lines"], view["panels"]) == ("ses", "sector", None)
    version = driver.builder.chart_predictions["version"]
    driver.do("view_predictions", lines="sex", raw=True)
    view = driver.builder.views["predictions"]
    assert (view["along"], view["lines"], view["panels"], view["raw"]) == ("ses", "sex", None, True)
    assert driver.builder.chart_predictions["version"] > version
    driver.do("view_predictions", panels="sector")
    driver.do("view_predictions", along="sex")  # one place each: the two change places
    view = driver.builder.views["predictions"]
    assert (view["along"], view["lines"], view["panels"]) == ("sex", "ses", "sector")
    driver.do("view_caterpillar", sort="ses")
    assert driver.builder.views["caterpillar"]["sort"] == "ses"
    driver.do("view_coefficients", intercept=True)
    assert driver.builder.views["coefficients"] == {"intercept": True, "ratios": True, "ratio_names": None}
    driver.do("add_predictor", column="minority")  # a new fit keeps the choices
    assert driver.builder.views["predictions"]["along"] == "sex"
    assert driver.builder.views["caterpillar"]["sort"] == "ses"
    driver.do("remove_predictor", id="sex")
    assert driver.builder.views["predictions"]["along"] == "ses"


def test_values_that_a_person_gives() -> None:
    driver = Driver("hsb", "mathach ~ ses * meanses + (1 | school)")
    driver.do("view_predictions", along="ses", lines="meanses")
    driver.do("view_predictions", values={"meanses": {"mode": "given", "text": "-0.5, 0.5"}})
    assert driver.builder.views["predictions"]["values"] == {"meanses": {"mode": "given", "text": "-0.5, 0.5"}}
    assert "spec" in driver.builder.chart_predictions
    for text in ("", "high", "nan", "1, inf", "1e999", "0 7"):
        driver.do("view_predictions", values={"meanses": {"mode": "given", "text": text}})
        assert "list of numbers" in driver.builder.chart_predictions["message"]
        assert driver.builder.views["predictions"]["values"]["meanses"]["text"] == text
    driver.do("view_predictions", values={"meanses": {"mode": "quartiles", "text": ""}})
    assert "spec" in driver.builder.chart_predictions


def test_views_of_what_the_model_does_not_have_are_refused() -> None:
    driver = Driver("hsb", "mathach ~ ses + (1 | school)")
    before = driver.builder.views
    for fields in ({"along": "sex"}, {"lines": "x"}, {"values": {"x": {"mode": "sd", "text": ""}}}):
        driver.refused("view_predictions", **fields)
    driver.refused("view_caterpillar", sort="ses")
    driver.refused("view_caterpillar", group="sex")
    assert driver.builder.views == before
    empty = Driver("hsb")
    empty.refused("view_predictions", along="ses")
    empty.do("view_coefficients", intercept=True)


def test_an_intercept_left_alone_has_no_correlations_to_leave_out() -> None:
    driver = Driver("hsb", "mathach ~ ses + (ses || school)")
    driver.do("set_slope", group="school", term="ses", on=False)
    assert driver.builder.formula == "mathach ~ ses + (1 | school)"


def test_brackets_in_a_name_are_part_of_it() -> None:
    frame = mlm.datasets.load("hsb").rename(columns={"ses": "item 17 (reversed)", "size": "size [pupils]"})
    builder = mlm.ModelBuilder(frame, "mathach ~ `item 17 (reversed)` + `size [pupils]` + sector + (1 | school)")
    rows = [(row["label"], row["detail"]) for row in builder.fit["summary"]["fixed"]]
    assert rows[1:] == [("item 17 (reversed)", ""), ("size [pupils]", ""), ("sector", "Catholic")]


@pytest.mark.parametrize("is_typed", [True, False])
def test_weights_outlive_a_new_formula_and_its_offset_is_the_text(is_typed: bool) -> None:
    frame = mlm.datasets.load("sleepstudy").assign(w=lambda data: 1.0 + data["Days"], o=lambda data: data["Days"] / 2.0)
    spec = {**mlm.ModelBuilder(frame, "Reaction ~ Days + (Days | Subject)").spec, "weights": "w", "offset": "o"}
    driver = Driver(frame, spec=spec)
    builder = driver.builder
    assert builder.formula == "Reaction ~ Days + offset(o) + (Days | Subject)"
    for offset, written in ((None, ""), ("o", " + offset(o)"), ("o / 2", " + offset(o / 2)")):
        formula = f"Reaction ~ Days{written} + (1 | Subject)"
        if is_typed:
            driver.do("set_formula", text=formula)
        else:
            builder.formula = formula
        assert builder.formula == formula
        assert (builder.spec["weights"], builder.spec.get("offset")) == ("w", offset)
        expected = mlm.fit("Reaction ~ Days + (1 | Subject)", frame, weights="w", offset=offset)
        assert builder.model.criterion == pytest.approx(expected.criterion, abs=1e-9)
        shown = ["".join(run["text"] for run in fact) for fact in builder.fit["facts"]]
        assert "weights w" in shown
        assert (f"offset {offset}" in shown) == (offset is not None)


def test_a_column_that_becomes_the_outcome_is_no_offset() -> None:
    frame = mlm.datasets.load("sleepstudy").assign(o=lambda data: data["Days"] / 2.0, p=lambda data: data["Days"] / 3.0)
    driver = Driver(frame, "Reaction ~ Days + offset(o) + (1 | Subject)")
    driver.do("set_outcome", column="p")
    assert driver.builder.spec["offset"] == "o"
    driver.do("set_outcome", column="o")
    assert "offset" not in driver.builder.spec
