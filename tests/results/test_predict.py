"""Predictions: for the data's own rows, for new rows, and over grids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlm_widgets import DataError, DesignError, MixedModel, MlmError, OptionError, fit
from tests.fitter.dense import STRUCTURES, small_data
from tests.modelcache import fitted

EXACT = 1e-9  # absolute: the same products in another order, of numbers of size 10

FORMULAS = [
    *STRUCTURES.values(),
    "y ~ poly(x, 3) * f + (x | g)",
    "y ~ bs(x, df=5) + cr(z, df=4) + (1 | g)",
    "y ~ C(f, contr.sum) * scale(x) + (1 | g)",
    "y ~ C(f, contr.helmert) + C(b) + (C(f) || h)",
    'y ~ C(f, contr.treatment("top")):center(x) + (1 | a:b)',
    "y ~ within(x, g) * between(x, g) + within(z, a:b) + (1 | g)",
    "y ~ log(x + 10) + I(x * z) + abs(z) + (I(x**2) | g)",
    "log(y + 50) ~ x + (1 | g)",
    "y ~ f:x + f:z + (0 + f | g)",
]
formulas = pytest.mark.parametrize("formula", FORMULAS)


@formulas
def test_new_data_that_are_the_data(formula: str) -> None:
    data = small_data()
    m = fit(formula, data)
    fresh = pd.DataFrame(data.to_dict("list"), index=data.index)
    np.testing.assert_allclose(m.predict(), m.fittedvalues, rtol=0, atol=EXACT)
    np.testing.assert_allclose(m.predict(fresh), m.fittedvalues, rtol=0, atol=EXACT)
    X = m.fit_result.design.X[:, m.fit_result.kept]
    np.testing.assert_allclose(m.predict(random="none"), X @ m.params.to_numpy(), rtol=0, atol=EXACT)
    np.testing.assert_allclose(m.predict(fresh, random="none"), X @ m.params.to_numpy(), rtol=0, atol=EXACT)


@formulas
def test_some_rows_in_another_order_and_one_row(formula: str) -> None:
    """What was learned (levels, means, knots) is used, not learned again from the few rows."""
    data = small_data()
    m = fit(formula, data)
    some = data.iloc[[70, 3, 3, 41]]
    np.testing.assert_allclose(m.predict(some), m.fittedvalues.iloc[[70, 3, 3, 41]], rtol=0, atol=EXACT)
    for row in (0, 55):
        one = m.predict(data.iloc[[row]])
        assert list(one.index) == [row]
        assert one.iloc[0] == pytest.approx(m.fittedvalues.iloc[row], abs=EXACT)


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_new_data_of_another_kind_of_frame(make: Callable[[pd.DataFrame], Any]) -> None:
    data = small_data()
    m = fit("y ~ x * f + (x | g)", data)
    np.testing.assert_allclose(m.predict(make(data.head(7))), m.fittedvalues.head(7), rtol=0, atol=EXACT)


def test_categories_in_another_order_and_with_others() -> None:
    data = small_data()
    m = fit("y ~ x * f + (f | g)", data)
    wide = data.assign(
        f=pd.Categorical(data["f"], categories=["top", "new", "middle", "low"]),
        g=pd.Categorical(data["g"], categories=sorted(set(data["g"]), reverse=True)),
    )
    np.testing.assert_allclose(m.predict(wide), m.fittedvalues, rtol=0, atol=EXACT)
    only = wide[wide["f"] == "top"]
    np.testing.assert_allclose(m.predict(only), m.fittedvalues[only.index], rtol=0, atol=EXACT)


def test_numbers_as_factors_and_groups() -> None:
    """Groups are known by their text: 3, 3.0, "3" and the category 3 are one."""
    data = small_data().assign(g=lambda d: d["g"].str[1:].astype(int), k=lambda d: d["h"].str[1:].astype(int))
    m = fit("y ~ C(k) + (1 | g)", data)
    for other in (
        data["g"].astype(float),
        data["g"].astype(str),
        data["g"].astype("category"),
        data["g"].astype("Int64"),
    ):
        np.testing.assert_allclose(m.predict(data.assign(g=other)), m.fittedvalues, rtol=0, atol=EXACT)
    np.testing.assert_allclose(m.predict(data.assign(k=data["k"].astype(str))), m.fittedvalues, rtol=0, atol=EXACT)


def test_true_and_false_are_a_factor() -> None:
    data = small_data().assign(top=lambda d: d["f"] == "top")
    m = fit("y ~ x * top + (top | g)", data)
    assert list(m.params.index) == ["Intercept", "x", "top[T.True]", "x:top[T.True]"]
    np.testing.assert_allclose(m.predict(data.head(3)), m.fittedvalues.head(3), rtol=0, atol=EXACT)
    holes = data.assign(top=data["top"].astype(object))
    holes.loc[0, "top"] = None
    assert np.isnan(m.predict(holes).iloc[0])
    assert m.predict(data[data["top"]]).notna().all()


def test_outcome_of_true_and_false_counts_as_one_and_nought() -> None:
    data = small_data()
    data["pass"] = data["y"] > data["y"].median()
    m = fit("pass ~ x + (1 | g)", data)
    other = fit("pass ~ x + (1 | g)", data.assign(**{"pass": data["pass"].astype(float)}))
    np.testing.assert_allclose(m.params, other.params)
    assert any("two values" in finding.message for finding in m.findings)


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 | a / b)"])
def test_unseen_groups_are_the_population(formula: str) -> None:
    data = small_data()
    m = fit(formula, data)
    new = data.head(5).assign(g="new", h="new", a="new")
    np.testing.assert_allclose(m.predict(new), m.predict(new, random="none"), rtol=0, atol=EXACT)
    with pytest.raises(OptionError) as caught:
        m.predict(new, new_levels="error")
    assert "has not seen" in caught.value.message
    assert "new_levels='population'" in str(caught.value.hint)
    assert m.predict(data, new_levels="error").notna().all()


def test_one_unseen_group_of_two() -> None:
    data = small_data()
    m = fit("y ~ x + (1 | g) + (1 | h)", data)
    new = data.head(5).assign(g="new")
    np.testing.assert_allclose(m.predict(new), m.predict(new, random=["h"]), rtol=0, atol=EXACT)
    modes = m.ranef().query("group == 'h'").set_index("level")["estimate"]
    expected = m.predict(new, random="none") + modes[new["h"]].to_numpy()
    np.testing.assert_allclose(m.predict(new, random="h"), expected, rtol=0, atol=EXACT)


def test_new_pairs_of_known_columns() -> None:
    """`a:b` is unseen where the pair is, though a and b are known."""
    data = small_data()
    data = data[~((data["a"] == "a1") & (data["b"] == "b2"))]
    m = fit("y ~ x + (1 | a / b)", data)
    new = data.head(1).assign(a="a1", b="b2")
    assert m.predict(new).iloc[0] == pytest.approx(m.predict(new, random=["a"]).iloc[0], abs=EXACT)


def test_missing_values_in_new_rows() -> None:
    data = small_data()
    m = fit("y ~ x * f + (z | g)", data)
    new = data.head(6).copy()
    new.loc[1, "x"] = np.nan
    new.loc[2, "z"] = np.nan
    new.loc[3, "f"] = None
    new.loc[4, "g"] = None
    predicted = m.predict(new)
    assert list(predicted.index) == list(new.index)
    assert list(predicted.isna()) == [False, True, True, True, True, False]
    assert list(m.predict(new, random="none").isna()) == [False, True, False, True, False, False]
    assert m.predict(new.assign(x=np.nan)).isna().all()
    assert m.predict(new.drop(columns="y")).notna().sum() == 2


def test_missing_values_in_rows_of_the_same_label() -> None:
    """The index of a frame need not be unique: there is an answer for every row."""
    data = small_data()
    m = fit("y ~ x + (1 | g)", data)
    new = data.head(4).set_axis([5, 5, 6, 6])
    new["x"] = [1.0, np.nan, 2.0, 3.0]
    predicted = m.predict(new)
    assert list(predicted.index) == [5, 5, 6, 6]
    assert list(predicted.isna()) == [False, True, False, False]
    interval = m.predict(new, random="none", interval="confidence")
    assert isinstance(interval, pd.DataFrame)
    assert list(interval["estimate"].isna()) == [False, True, False, False]


def test_within_and_between_of_new_rows_use_the_means_that_were_learned() -> None:
    data = small_data()
    m = fit("y ~ within(x, g) + between(x, g) + (1 | g)", data)
    means = data.groupby("g")["x"].mean()
    new = data.head(1).assign(x=100.0)
    group = new["g"].iloc[0]
    b = m.params
    expected = b["Intercept"] + b["within(x, g)"] * (100.0 - means[group]) + b["between(x, g)"] * means[group]
    assert m.predict(new, random="none").iloc[0] == pytest.approx(expected)
    with pytest.raises(DesignError) as caught:
        m.predict(new.assign(g="new"), random="none")
    assert "“new”" in caught.value.message
    assert "within(x, g)" in caught.value.message


def test_scale_and_center_of_new_rows_use_what_was_learned() -> None:
    data = small_data()
    m = fit("y ~ scale(x) + center(z) + (1 | g)", data)
    one = data.head(1)
    x, z = (one["x"] - data["x"].mean()) / data["x"].std(), one["z"] - data["z"].mean()
    expected = m.params["Intercept"] + m.params["scale(x)"] * x + m.params["center(z)"] * z
    np.testing.assert_allclose(m.predict(one, random="none"), expected)


def test_intervals_of_the_population_mean() -> None:
    data = small_data()
    m = fit("y ~ x + (x | g)", data)
    table = m.predict(data.head(4), random="none", interval="confidence", level=0.9)
    assert isinstance(table, pd.DataFrame)
    X = np.column_stack([np.ones(4), data["x"].head(4)])
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(X @ m.cov_params().to_numpy() @ X.T)))
    grid = m.predictions({"x": data["x"].head(4).tolist()}, level=0.9)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(table[name], grid[name])


def test_columns_that_the_new_data_lack() -> None:
    data = small_data()
    m = fit("y ~ x + (z | g)", data)
    for name in ("x", "z", "g"):
        with pytest.raises(DataError) as caught:
            m.predict(data.drop(columns=name))
        assert f"“{name}”" in caught.value.message
        assert caught.value.hint
    m.predict(data[["x"]], random="none")


# -- grids ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid_model() -> MixedModel:
    return fit("y ~ x * f + z + (x | g)", small_data())


def test_a_grid_by_hand(grid_model: MixedModel) -> None:
    data, b = small_data(), grid_model.params
    grid = grid_model.predictions({"x": [0, 2], "f": ["low", "top"]})
    assert list(zip(grid["x"], grid["f"], strict=True)) == [(0, "low"), (0, "top"), (2, "low"), (2, "top")]
    base = b["Intercept"] + b["z"] * data["z"].mean()
    expected = [base, base + b["f[T.top]"], base + 2 * b["x"], base + 2 * b["x"] + b["f[T.top]"] + 2 * b["x:f[T.top]"]]
    np.testing.assert_allclose(grid["estimate"], expected)
    L = pd.DataFrame(0.0, index=range(4), columns=b.index)
    L["Intercept"], L["z"], L["x"] = 1.0, data["z"].mean(), [0.0, 0, 2, 2]
    L["f[T.top]"], L["x:f[T.top]"] = [0.0, 1, 0, 1], [0.0, 0, 0, 2]
    se = np.sqrt(np.einsum("ij,jk,ik->i", L, grid_model.cov_params(), L))
    np.testing.assert_allclose(grid["std_error"], se)
    assert (grid["conf_low"] < grid["estimate"]).all()
    np.testing.assert_allclose(grid["conf_high"] - grid["estimate"], grid["estimate"] - grid["conf_low"])


def test_degrees_of_freedom_on_a_grid_are_those_of_the_coefficient() -> None:
    """At x = 0 the mean is the intercept."""
    m = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    grid = m.predictions({"Days": [0]})
    assert grid["df"].iloc[0] == pytest.approx(m.df["Intercept"])
    assert grid["conf_low"].iloc[0] == pytest.approx(m.conf_int().loc["Intercept", "lower"])


def test_values_of_grids(grid_model: MixedModel) -> None:
    data = small_data()
    x, z = data["x"], data["z"]
    grid = grid_model.predictions(["x", "z", "f"])
    low, high = x.quantile([0.01, 0.99])
    assert sorted(set(grid["x"])) == pytest.approx(np.linspace(low, high, 41).tolist())
    assert sorted(set(grid["z"])) == pytest.approx([z.mean() - z.std(), z.mean(), z.mean() + z.std()])
    assert list(dict.fromkeys(grid["f"])) == ["low", "middle", "top"]
    assert len(grid) == 41 * 3 * 3
    assert sorted(set(grid_model.predictions({"x": "quartiles"})["x"])) == pytest.approx(
        x.quantile([0.25, 0.5, 0.75]).tolist()
    )
    assert sorted(set(grid_model.predictions("x [range]")["x"])) == pytest.approx([x.min(), x.max()])
    assert list(grid_model.predictions("x [0, 7]")["x"]) == [0, 7]
    assert list(grid_model.predictions(["f [top, low]"])["f"]) == ["top", "low"]
    assert list(grid_model.predictions({"f": "low"})["f"]) == ["low"]
    assert list(grid_model.predictions({"x": 3})["x"]) == [3]
    assert list(grid_model.predictions({"x": np.array([1, 2])})["x"]) == [1, 2]


def test_factors_that_are_not_named_are_held_or_averaged(grid_model: MixedModel) -> None:
    data = small_data()
    at = {
        level: grid_model.predictions({"x": [1.0], "f": [level]})["estimate"].iloc[0]
        for level in ("low", "middle", "top")
    }
    assert grid_model.predictions({"x": [1.0]})["estimate"].iloc[0] == pytest.approx(at["low"])
    shares = data["f"].value_counts(normalize=True)
    averaged = grid_model.predictions({"x": [1.0]}, factors="proportional")["estimate"].iloc[0]
    assert averaged == pytest.approx(sum(shares[level] * value for level, value in at.items()))


def test_grids_of_transformed_predictors() -> None:
    data = small_data()
    m = fit("y ~ scale(x) + log(z + 9) + poly(h7, 2) + (1 | g)", data.assign(h7=data["h"].str[1:].astype(int)))
    assert m.predictors == ["x", "z", "h7"]
    grid = m.predictions({"x": [1.0, 2.0], "z": [0.0], "h7": [3]})
    step = grid["estimate"].diff().iloc[1]
    assert step == pytest.approx(m.params["scale(x)"] / data["x"].std())


def test_grids_of_within_and_between() -> None:
    m = fit("y ~ within(x, g) * between(x, g) + (1 | g)", small_data())
    assert m.predictors == ["within(x, g)", "between(x, g)"]
    b = m.params
    grid = m.predictions({"within(x, g)": [0, 1], "between(x, g)": [3]})
    assert grid["estimate"].diff().iloc[1] == pytest.approx(b["within(x, g)"] + 3 * b["within(x, g):between(x, g)"])
    with pytest.raises(MlmError, match="several ways"):
        m.predictions("x")
    alone = fit("y ~ within(x, g) + (1 | g)", small_data())
    assert "x" in alone.predictions({"x": [0, 1]}).columns


def test_names_that_hold_brackets() -> None:
    data = small_data().rename(columns={"x": "x [kg]"})
    m = fit("y ~ `x [kg]` + (1 | g)", data)
    assert list(m.predictions({"x [kg]": [1, 2]})["x [kg]"]) == [1, 2]
    assert len(m.predictions(["x [kg]"])) == 41
    assert list(m.predictions(["x [kg] [1, 2]"])["x [kg]"]) == [1, 2]
