"""Whatever is given, the answer is a model or an `MlmError` that names the thing and says what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlm_widgets as mlm
from mlm_widgets import (
    DataError,
    DesignError,
    FitError,
    FitOptions,
    FormulaError,
    MixedModel,
    MlmError,
    OptionError,
    fit,
)
from tests.fitter.dense import small_data

FORMULA = "y ~ x + (1 | g)"


def refused(data: Any, formula: Any = FORMULA, **settings: Any) -> MlmError:
    """The error of a fit; every one has a message, and is a ValueError."""
    with pytest.raises(MlmError) as caught:
        fit(formula, data, **settings)
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.message
    assert "mlm_0" not in str(error)
    return error


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "None"), ([1, 2], "list"), ({"y": [1]}, "dict"), (3, "int"), ("hsb", "str"), (np.eye(3), "ndarray"),
     (pd.Series([1.0]), "single column|Series"), (pl.DataFrame({"y": [1]}).lazy(), "LazyFrame")],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_data_frame(data: Any, words: str) -> None:
    error = refused(data)
    assert isinstance(error, DataError)
    assert error.argument == "data"
    assert any(word in error.message for word in words.split("|"))
    assert "data frame" in error.message
    assert error.hint


@pytest.mark.parametrize("data", [pd.DataFrame(), small_data().head(0), small_data()[[]], pl.DataFrame()])
def test_empty_frames(data: Any) -> None:
    error = refused(data)
    assert isinstance(error, DataError)
    assert "empty" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("formula", "wrong", "near"),
    [("yy ~ x + (1 | g)", "yy", "y"), ("y ~ xx + (1 | g)", "xx", "x"), ("y ~ x + (1 | gg)", "gg", "g"),
     ("y ~ x + (zz | g)", "zz", "z"), ("y ~ log(xx) + (1 | g)", "xx", "x"), ("y ~ within(xx, g) + (1 | g)", "xx", "x")],
)  # fmt: skip
def test_columns_that_are_not_there(formula: str, wrong: str, near: str) -> None:
    data = small_data()
    error = refused(data, formula)
    assert isinstance(error, FormulaError)
    assert f"“{wrong}”" in error.message
    assert error.hint == f"Closest: {near}."
    assert formula[error.start : error.end] == wrong
    spec = mlm.ModelSpec("y", (("xx",),), random=())
    from_spec = refused(data, fit(FORMULA, data).spec.with_(terms=spec.terms))
    assert "“xx”" in from_spec.message
    assert from_spec.hint == "Closest: x."


def test_constant_outcome() -> None:
    for value in (3.5, 0.0, 1e9 + 0.1):
        error = refused(small_data().assign(y=value))
        assert "constant" in error.message
        assert "“y”" in error.message
        assert error.hint


@pytest.mark.parametrize(
    ("values", "word"),
    [("text", "text"), (pd.Timestamp("2020-01-01"), "dates"), (pd.Timedelta("1D"), "dates"), (object(), "mixed")],
    ids=["text", "date", "duration", "object"],
)
def test_outcomes_that_are_no_numbers(values: Any, word: str) -> None:
    data = small_data()
    data["y"] = [values] * len(data)
    error = refused(data)
    assert isinstance(error, DataError)
    assert "“y”" in error.message
    assert word in error.message
    assert error.hint


def test_text_that_looks_like_numbers_is_text() -> None:
    data = small_data()
    error = refused(data.assign(y=data["y"].astype(str)))
    assert "text" in error.message
    assert "convert" in str(error.hint)


@pytest.mark.parametrize("column", ["y", "x", "g"])
def test_a_column_that_is_missing_in_every_row(column: str) -> None:
    data = small_data()
    for nothing in (np.nan, None, pd.NA, pd.NaT):
        error = refused(pd.DataFrame(dict(data.items()) | {column: [nothing] * len(data)}))
        assert isinstance(error, DataError)
        assert f"“{column}” is missing in every row" in error.message or nothing is pd.NaT
        assert f"“{column}”" in error.message


def test_no_row_is_complete() -> None:
    data = small_data()
    data.loc[::2, "x"] = np.nan
    data.loc[1::2, "y"] = np.nan
    error = refused(data)
    assert "No complete rows" in error.message
    assert "x (55)" in str(error.hint)
    assert "y (55)" in str(error.hint)


def test_one_group() -> None:
    error = refused(small_data().assign(g="only"))
    assert isinstance(error, DesignError)
    assert "“g”" in error.message
    assert "one level" in error.message
    assert "only" in error.message
    assert error.hint


def test_as_many_groups_as_rows() -> None:
    data = small_data()
    error = refused(data.assign(g=np.arange(len(data))))
    assert isinstance(error, DesignError)
    assert "“g”" in error.message
    assert "as many levels" in error.message
    assert error.hint


def test_more_random_effects_than_rows() -> None:
    data = small_data().head(30)
    data["g"] = np.arange(30) // 2
    error = refused(data, "y ~ x + (x | g)")
    assert isinstance(error, FitError)
    assert "30 random effects" in error.message
    assert "“g”" in error.message
    assert error.hint


def test_more_fixed_effects_than_rows() -> None:
    data = small_data().head(6)
    data["g"] = list("aabbcc")
    error = refused(data, "y ~ x * z * h + (1 | g)")
    assert isinstance(error, FitError)
    assert "6 rows" in error.message
    assert error.hint


def test_two_columns_of_one_name() -> None:
    data = pd.concat([small_data(), small_data()[["x"]]], axis=1)
    error = refused(data)
    assert isinstance(error, DataError)
    assert "same name: “x”" in error.message
    assert error.hint


def test_a_number_and_a_text_of_the_same_name() -> None:
    assert "same name" in refused(small_data().assign(**{"1": 0}).rename(columns={"z": 1})).message


@pytest.mark.parametrize("column", ["y", "x", "z"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values(column: str, value: float) -> None:
    data = small_data()
    data.loc[[3, 7], column] = value
    error = refused(data, "y ~ x + (z | g)")
    assert isinstance(error, DataError)
    assert f"“{column}”" in error.message
    assert "2 infinite" in error.message
    assert "NaN" in str(error.hint)


def test_logarithm_of_what_has_none() -> None:
    data = small_data().assign(x=lambda d: d["x"] - 3)
    error = refused(data, "y ~ log(x) + (1 | g)")
    assert isinstance(error, DesignError)
    assert "log(x)" in error.message
    assert "finite" in error.message
    assert refused(data.assign(y=-1.0 * data["y"]), "sqrt(y) ~ x + (1 | g)").message.startswith("sqrt(y)")


def test_numbers_that_overflow_when_squared() -> None:
    data = small_data()
    error = refused(data.assign(x=data["x"] * 1e200), "y ~ I(x**2) + (1 | g)")
    assert "finite" in error.message


def test_dates_and_mixed_values_as_predictors_and_groups() -> None:
    data = small_data()
    data["day"] = pd.date_range("2020-01-01", periods=len(data))
    data["mixed"] = [1 if i % 2 else "one" for i in range(len(data))]
    data["lists"] = [[i % 3] for i in range(len(data))]
    for column, word in (("day", "dates"), ("mixed", "mixe"), ("lists", "mixe")):
        for formula in (
            f"y ~ {column} + (1 | g)",
            f"y ~ x + (1 | {column})",
            f"y ~ x + ({column} | g)",
            f"y ~ C({column}) + (1 | g)",
        ):
            error = refused(data, formula)
            assert isinstance(error, DataError)
            assert f"“{column}”" in error.message
            assert word in error.message


def test_text_in_arithmetic() -> None:
    for term in ("log(f)", "I(x * f)", "scale(f)", "within(f, g)", "poly(f, 2)", "bs(f, df=4)", "x:log(f)"):
        error = refused(small_data(), f"y ~ {term} + (1 | g)")
        assert isinstance(error, DesignError)
        assert "“f”" in error.message
        assert error.hint


def test_functions_inside_functions_that_make_columns() -> None:
    for formula in ("y ~ log(poly(x, 2)) + (1 | g)", "y ~ I(bs(x, df=4)) + (1 | g)", "y ~ I(C(f)) + (1 | g)"):
        assert isinstance(refused(small_data(), formula), (DesignError, FormulaError))


def test_splines_that_cannot_be_made() -> None:
    data = small_data().assign(h01=lambda d: (d["x"] > 3).astype(int))
    for term in (
        "bs(x, df=1)",
        "cr(x, df=-3)",
        "bs(x, df=2.5)",
        "bs(x, df=[1])",
        "bs(x, degree=-1)",
    ):
        error = refused(data, f"y ~ {term} + (1 | g)")
        assert isinstance(error, (DesignError, FormulaError))
        assert term in str(error)


def test_no_random_term() -> None:
    error = refused(small_data(), "y ~ x")
    assert isinstance(error, FormulaError)
    assert "no random term" in error.message
    assert "(1 | group)" in str(error.hint)


def test_one_effect_twice() -> None:
    for formula in ("y ~ x + (1 | g) + (1 | g)", "y ~ x + (x | g) + (1 | g)", "y ~ x + (x | g) + (0 + x | g)",
                    "y ~ x + (1 | a:b) + (1 | b:a)"):  # fmt: skip
        error = refused(small_data(), formula)
        assert isinstance(error, DesignError)
        assert "twice" in error.message
        assert error.hint


def test_a_slope_that_is_the_same_in_every_row() -> None:
    error = refused(small_data().assign(x=2.0), "y ~ z + (x | g)")
    assert isinstance(error, DesignError)
    assert "“x”" in error.message
    assert "“g”" in error.message


@pytest.mark.parametrize("formula", [FORMULA, "y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | h)"])
def test_exact_fits(formula: str) -> None:
    data = small_data()
    for y in (2 + 3 * data["x"], data["g"].astype("category").cat.codes * 1.0, data["x"] * 0 + (data["g"] == "g3")):
        error = refused(data.assign(y=y), formula)
        assert isinstance(error, FitError)
        assert "exactly" in error.message
        assert error.hint


def test_an_outcome_that_is_a_predictor() -> None:
    assert isinstance(refused(small_data(), "y ~ y + (1 | g)"), FitError)


@pytest.mark.parametrize(
    ("settings", "argument", "words"),
    [({"reml": "yes"}, "reml", "True or False"), ({"reml": None}, "reml", "True or False"),
     ({"family": "binomal"}, "family", "'binomial'"), ({"family": 3}, "family", "'gaussian'"),
     ({"link": "logit"}, "link", "'identity'"), ({"n_agq": 5}, "n_agq", "linear"),
     ({"df_method": "satterwaite"}, "df_method", "'satterthwaite'"),
     ({"df_method": None}, "df_method", "'normal'"), ({"options": {"tolerance": 1}}, "options", "FitOptions"),
     ({"options": 3}, "options", "FitOptions")],
)  # fmt: skip
def test_options_of_wrong_value(settings: dict[str, Any], argument: str, words: str) -> None:
    error = refused(small_data(), **settings)
    assert isinstance(error, OptionError)
    assert error.argument == argument
    assert f"`{argument}`" in error.message
    assert words in str(error)


@pytest.mark.parametrize(
    "settings",
    [{"tolerance": 0}, {"tolerance": -1e-8}, {"tolerance": "small"}, {"tolerance": float("nan")},
     {"max_evaluations": 0}, {"max_evaluations": 2.5}, {"max_evaluations": None}],
)  # fmt: skip
def test_fit_options_of_wrong_value(settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        FitOptions(**settings)
    assert f"`{next(iter(settings))}`" in caught.value.message


@pytest.mark.parametrize("formula", [None, 3, ["y ~ x"], {"version": 9}, {}])
def test_formulas_of_wrong_kind(formula: Any) -> None:
    assert refused(small_data(), formula).argument in ("formula", "spec")


@pytest.fixture(scope="module")
def model() -> MixedModel:
    return fit("y ~ x * f + (x | g)", small_data())


@pytest.mark.parametrize(
    ("method", "arguments", "settings"),
    [("conf_int", (1.5,), {}), ("conf_int", ("95%",), {}), ("conf_int", (0.95, "profil"), {}),
     ("conf_int", (None,), {}), ("conf_int", (True,), {}), ("ranef", (0,), {}),
     ("ranef", (float("nan"),), {}), ("resid", ("raw",), {}),
     ("tidy", ("ran_pars",), {}), ("tidy", ("all", 2), {}), ("predict", (3,), {}), ("predict", (), {"random": "h"}),
     ("predict", (), {"random": None}), ("predict", (), {"random": ["g", "h"]}), ("predict", (), {"random": 3}),
     ("predict", (), {"new_levels": "mean"}), ("predict", (), {"interval": "prediction"}),
     ("predict", (), {"interval": "confidence"}),
     ("predict", (), {"interval": "confidence", "random": "none", "level": 95}),
     ("predictions", ([],), {}), ("predictions", ({},), {}), ("predictions", (None,), {}), ("predictions", (3,), {}),
     ("predictions", (["xx"],), {}), ("predictions", ([3],), {}), ("predictions", (["x [a, b]"],), {}),
     ("predictions", (["f [nope]"],), {}), ("predictions", ({"x": "deciles"},), {}),
     ("predictions", ({"x": [float("inf")]},), {}),
     ("predictions", ({"x": []},), {}), ("predictions", ({"f": []},), {}), ("predictions", (["g"],), {}),
     ("predictions", (["x"],), {"level": 0}), ("predictions", (["x"],), {"factors": "mean"}),
     ("predictions", ({"f": 3},), {}), ("column_kind", ("nope",), {}), ("predictions", (["x", "x"],), {}),
     ("predictions", ({3: [1]},), {})],
)  # fmt: skip
def test_methods_refuse_wrong_arguments(model: MixedModel, method: str, arguments: Any, settings: Any) -> None:
    if arguments == (["x", "x"],):
        assert list(model.predictions(["x", "x"])["x"]) == list(model.predictions("x")["x"])
        return
    with pytest.raises(MlmError) as caught:
        getattr(model, method)(*arguments, **settings)
    assert caught.value.argument
    assert caught.value.message


def test_unknown_attributes_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="mlm_widgets"):
        mlm.nothing  # noqa: B018


def test_bad_new_data(model: MixedModel) -> None:
    data = small_data()
    for bad, word in (
        (data.drop(columns="x"), "“x”"),
        (data.drop(columns="g"), "“g”"),
        (data.head(0), "empty"),
        (data.assign(f="new"), "“new”"),
        (data.assign(x="text"), "“x”"),
        (data.assign(x=np.inf), "“x”"),
        (pd.concat([data, data], axis=1), "same name"),
        ([1, 2], "data frame"),
    ):
        with pytest.raises(MlmError) as caught:
            model.predict(bad)
        assert word in caught.value.message
    assert model.predict(data.drop(columns=["g", "y"]), random="none").notna().all()


def test_a_search_cut_short_says_so() -> None:
    m = fit("y ~ x + (x | g)", small_data(), options=FitOptions(max_evaluations=1))
    assert not m.converged
    assert m.state == "failed"
    assert m.findings[0].severity == "error"
    assert "did not converge" in m.findings[0].message
    assert "did not converge" in str(m.summary())


def test_more_crossed_levels_than_are_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlm_widgets.fitter.trailing.SMALL", 5)
    monkeypatch.setattr("mlm_widgets.fitter.trailing._memory", lambda: 1.0)
    error = refused(small_data(), "y ~ x + (1 | g) + (1 | h)")
    assert isinstance(error, FitError)
    assert "7 random effects" in error.message
    assert error.hint


def test_text_that_looks_like_numbers_as_predictor() -> None:
    """Each text is a level: too many for the rows."""
    data = small_data()
    error = refused(data.assign(x=data["x"].astype(str)))
    assert isinstance(error, FitError)
    assert "110 rows for 110 fixed effects" in error.message
