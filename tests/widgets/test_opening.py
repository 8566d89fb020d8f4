"""Opening a builder: any frame, a formula, a saved spec; and what is wrong with them, shown and not raised."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlm_widgets import DataError, FormulaError, MlmError, ModelBuilder
from tests.widgets.driver import Driver, table
from tests.widgets.test_messages import FORMULA, small

DUPLICATED = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
BAD_DATA: list[tuple[str, Any, str]] = [
    ("nothing", None, "must be a data frame, but it is None"),
    ("a list", [1, 2], "of type list"),
    ("a dict", {"y": [1, 2]}, "of type dict"),
    ("an array", np.ones((3, 2)), "of type ndarray"),
    ("a column", pd.Series([1.0]), "of type Series"),
    ("no rows", pd.DataFrame({"y": []}), "is empty"),
    ("no columns", pd.DataFrame(index=[1, 2]), "is empty"),
    ("a name twice", DUPLICATED, "the same name: “a”"),
    ("not in memory", pl.LazyFrame({"y": [1]}), "must be a data frame"),
]


@pytest.mark.parametrize(("data", "words"), [case[1:] for case in BAD_DATA], ids=[case[0] for case in BAD_DATA])
def test_bad_data_are_shown_and_not_raised(data: Any, words: str) -> None:
    driver = Driver(data, "y ~ x + (1 | g)")
    assert (driver.fit["state"], driver.fit["kind"]) == ("failed", "error")
    assert words in driver.fit["message"]
    assert isinstance(driver.builder.error, DataError)
    assert driver.builder.error.hint == driver.fit["hint"]
    assert driver.setup["prompt"] is None
    assert driver.builder.data["columns"] == []
    assert "no data" in repr(driver.builder)
    assert "no data" in driver.refused("set_outcome", column="y")
    for name, value in (("formula", "y ~ x + (1 | g)"), ("spec", Driver(small(), FORMULA, live=False).builder.spec)):
        with pytest.raises(DataError, match="no data"):
            setattr(driver.builder, name, value)
    assert driver.formula == ""


def broken() -> pd.DataFrame:
    row = np.arange(72)
    return small().assign(same=1.0, gone=np.nan, row=row, inf=np.where(row == 3, np.inf, row))


BAD_MODELS: list[tuple[str, str, str]] = [
    ("a constant outcome", "same ~ x + (1 | g)", "same"),
    ("a text outcome", "h ~ x + (1 | g)", "h"),
    ("nothing but missing values", "y ~ gone + (1 | g)", "gone"),
    ("one group", "y ~ x + (1 | same)", "same"),
    ("as many groups as rows", "y ~ x + (1 | row)", "row"),
    ("infinite values", "y ~ inf + (1 | g)", "inf"),
    ("the outcome as predictor", "y ~ y + (1 | g)", "y"),
    ("centring text", "y ~ within(f, g) + (1 | g)", "f"),
    ("no such reference", 'y ~ C(f, contr.treatment("zz")) + (1 | g)', "zz"),
]


@pytest.mark.parametrize(("formula", "word"), [case[1:] for case in BAD_MODELS], ids=[c[0] for c in BAD_MODELS])
def test_a_model_that_cannot_be_fitted_is_shown_and_the_last_good_one_stays(formula: str, word: str) -> None:
    opened = Driver(broken(), formula)
    assert (opened.fit["state"], opened.fit["summary"]) == ("failed", None)
    assert opened.builder.model is None
    driver = Driver(broken(), FORMULA)
    good, summary = driver.builder.model, driver.fit["summary"]
    driver.builder.formula = formula  # understood, so nothing is raised
    for failed in (opened, driver):
        assert failed.formula == formula
        assert word in failed.fit["message"]
        assert isinstance(failed.builder.error, MlmError)
        assert failed.builder.error.message == failed.fit["message"]
    assert (driver.fit["stale"], driver.fit["summary"], driver.fit["formula"]) == (True, summary, FORMULA)
    assert driver.builder.model is good
    driver.do("undo")
    assert (driver.fit["state"], driver.fit["stale"]) == ("ready", False)
    assert driver.builder.error is None


def test_collinear_predictors_are_named() -> None:
    driver = Driver(small().assign(twice=lambda frame: 2 * frame["x"]), "y ~ x + twice + (1 | g)")
    assert driver.fit["state"] == "ready"
    assert any("twice" in finding["message"] for finding in driver.fit["findings"])
    driver.do("undo")
    assert driver.fit["findings"] == [] or driver.formula == ""


SLIPS: list[tuple[str, str, str | None]] = [
    ("y ~ xx + (1 | g)", "xx", "x"),
    ("y ~ x + (1 | gg)", "gg", "g"),
    ("Y ~ x + (1 | g)", "Y", "y"),
    ("y ~ x + (1 | g", "(", None),
    ("y ~ x + 1 | g", "|", None),
    ("y ~ x + eval(x) + (1 | g)", "eval", None),
    ("y ~ `x + (1 | g)", "`x + (1 | g)", None),
    ("y ~ x + + (1 | g)", "+", None),
    ("x + (1 | g)", "+", None),
]


@pytest.mark.parametrize(("text", "word", "replacement"), SLIPS)
def test_a_slip_in_a_formula_is_shown_at_its_place(text: str, word: str, replacement: str | None) -> None:
    opened = Driver(small(), text)
    driver = Driver(small(), FORMULA)
    driver.do("set_formula", text=text)
    for found in (opened, driver):
        error = found.setup["error"]
        assert error["text"] == text
        assert text[error["start"] : error["end"]].startswith(word)
        assert error["replacement"] == replacement
        assert error["message"] == found.builder.error.message
        assert isinstance(found.builder.error, FormulaError)
    assert driver.formula == FORMULA
    assert (driver.fit["state"], driver.fit["stale"]) == ("ready", False)
    if replacement is not None:
        mended = text[: error["start"]] + replacement + text[error["end"] :]
        driver.do("set_formula", text=mended)
        assert driver.setup["error"] is None
        assert driver.builder.error is None
        assert driver.formula == "y ~ x + (1 | g)"


def test_the_next_good_action_clears_an_error() -> None:
    driver = Driver(small(), FORMULA)
    for action in (("remove_predictor", {"id": "f"}), ("undo", {}), ("set_formula", {"text": FORMULA})):
        driver.do("set_formula", text="y ~ (")
        assert driver.setup["error"] is not None
        driver.do(action[0], **action[1])
        assert driver.setup["error"] is None
        assert driver.builder.error is None
        assert driver.fit["state"] == "ready"


# -- specs -----------------------------------------------------------------------------------------------------------

MODELS = [
    ("hsb", "mathach ~ ses * sector + (ses | school)"),
    ("hsb", 'mathach ~ within(ses, school) * C(sector, contr.treatment("Catholic")) + (within(ses, school) || school)'),
    ("hsb", "log(mathach + 10) ~ 0 + poly(ses, 2) + sex + (1 | school) + (0 + ses | school)"),
    ("pastes", "strength ~ 1 + (1 | batch / cask)"),
    ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("cake", "angle ~ recipe * temp + (1 | recipe:replicate)"),
]


@pytest.mark.parametrize(("data", "formula"), MODELS)
def test_a_saved_spec_opens_the_same_model(data: str, formula: str) -> None:
    first = Driver(data, formula)
    first.do("set_reml", on=False)
    saved = json.dumps(first.builder.spec)
    second = Driver(data, spec=json.loads(saved))
    assert json.dumps(second.builder.spec) == saved
    assert second.formula == first.formula
    assert second.builder.model.criterion == first.builder.model.criterion
    assert second.fit["summary"] == first.fit["summary"]
    again = Driver(data, first.formula)
    again.builder.spec = json.loads(saved)
    assert again.fit["summary"] == first.fit["summary"]


def test_an_unfinished_spec_opens_where_it_was_left() -> None:
    first = Driver("hsb")
    first.do("add_group", id="school")
    first.do("add_predictor", column="ses")
    first.do("set_slope", group="school", term="ses", on=True)
    second = Driver("hsb", spec=first.builder.spec)
    assert second.builder.spec == first.builder.spec
    assert second.setup["groups"] == first.setup["groups"]
    assert second.setup["prompt"] == "Choose an outcome."
    second.do("set_outcome", column="mathach")
    assert second.formula == "mathach ~ ses + (ses | school)"
    assert Driver("hsb", spec=Driver("hsb").builder.spec).formula == ""
    assert Driver("hsb", Driver("hsb").formula).builder.error is None


@pytest.mark.parametrize("spec", [{}, {"version": 1}, "y ~ x", [], {"version": 1, "outcome": ""}])
def test_a_bad_spec_is_shown_and_not_raised(spec: Any) -> None:
    driver = Driver(small(), spec=spec)
    assert driver.fit["state"] == "failed"
    assert isinstance(driver.builder.error, MlmError)
    driver.do("set_formula", text=FORMULA)
    assert driver.fit["state"] == "ready"
    assert driver.builder.error is None


# -- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frames_of_other_libraries_give_the_same(kind: str) -> None:
    frame = table("hsb").astype({"school": str, "sector": str, "sex": str, "minority": str})
    other = pl.from_pandas(frame) if kind == "polars" else pa.Table.from_pandas(frame)
    formula = "mathach ~ ses * sector + (1 | school)"
    ours, theirs = Driver(frame, formula, name="hsb"), Driver(other, formula, name="hsb")
    assert theirs.builder.data == ours.builder.data
    assert theirs.setup == ours.setup
    assert theirs.builder.model.criterion == pytest.approx(ours.builder.model.criterion, abs=1e-9)
    theirs.do("set_slope", group="school", term="ses", on=True)
    assert theirs.fit["state"] == "ready"


def test_missing_values_are_counted_and_their_rows_left_out() -> None:
    frame = small()
    frame.loc[:4, "x"] = np.nan
    frame.loc[5:9, "f"] = None
    frame.loc[10:12, "g"] = np.nan
    driver = Driver(frame, FORMULA)
    assert [driver.column(name)["n_missing"] for name in "yxfg"] == [0, 5, 5, 3]
    assert driver.builder.model.nobs == 72 - 13
    assert driver.fit["facts"][-1] == [{"text": "13 rows dropped"}]


def test_row_labels_may_repeat() -> None:
    frame = small().set_axis([0] * 72, axis=0)
    again, usual = Driver(frame, FORMULA), Driver(small(), FORMULA)
    assert again.fit["summary"] == usual.fit["summary"]
    for name in ("coefficients", "caterpillar", "predictions"):
        assert "spec" in getattr(again.builder, f"chart_{name}")
    again.do("view_predictions", raw=True)
    assert "spec" in again.builder.chart_predictions


def test_the_users_frame_is_left_alone() -> None:
    frame = small()
    before = frame.copy(deep=True)
    driver = Driver(frame, FORMULA)
    driver.do("set_option", id="x", value="within:g")
    pd.testing.assert_frame_equal(frame, before)


def test_a_frame_that_changes_under_the_builder_breaks_nothing() -> None:
    frame = small()
    driver = Driver(frame, FORMULA)
    frame["new"] = 1.0
    del frame["h"]
    frame.loc[:, "y"] = 0.0
    driver.do("remove_predictor", id="f")
    assert driver.fit["state"] in ("ready", "failed")
    assert "no column" in driver.refused("add_predictor", column="new")
    driver.do("add_predictor", column="h")
    assert driver.formula == "y ~ x + h + (x | g)"


def test_many_columns() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({f"item {i}": rng.integers(0, 7, 600) for i in range(300)})
    frame["y"], frame["school"], frame["size"] = rng.normal(size=600), np.arange(600) // 20, 0
    frame["size"] = rng.normal(size=30)[frame["school"]]
    driver = Driver(frame, "y ~ `item 1` + (1 | school)")
    assert len(driver.builder.data["columns"]) == 303
    assert driver.column("size")["constant_within"] == ["school"]
    assert driver.column("item 3")["constant_within"] == []
    driver.do("add_group", id="`item 2`")
    assert len(driver.setup["predictor_choices"]) == 303 - 4


def test_a_long_frame_waits_for_fit() -> None:
    frame = pd.concat([small()] * 2800, ignore_index=True)
    assert len(frame) > 200_000
    driver = Driver(frame, "y ~ x + (1 | g)")
    assert driver.setup["live"]
    assert (driver.fit["state"], driver.setup["prompt"]) == ("empty", None)
    driver.do("fit")
    assert driver.fit["state"] == "ready"


def test_it_is_shown_as_a_widget() -> None:
    builder = ModelBuilder(small(), FORMULA, name="mine")
    bundle = builder._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data is not None
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == builder.model_id
    assert repr(builder) == f"ModelBuilder(mine, formula='{FORMULA}')"
