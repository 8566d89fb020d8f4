"""Standardised coefficients against R's parameters and effectsize (standardised.json), and by definition."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from tests.modelcache import REFERENCE, fitted, generalized, table

ENTRIES: list[dict[str, Any]] = json.loads((REFERENCE / "standardised.json").read_text())
THEIRS = {"refit": "refit", "basic": "basic", "within": "pseudo"}
CASES = [(entry, method) for entry in ENTRIES for method, name in THEIRS.items() if name in entry]
LIMIT = {True: 1e-7, False: 5e-6}  # linear or not: glmer's covariance is by finite differences
COLUMNS = ["estimate", "std_error", "conf_low", "conf_high"]


@pytest.mark.parametrize(("entry", "method"), CASES, ids=[f"{entry['id']}-{method}" for entry, method in CASES])
def test_coefficients_are_those_of_parameters(entry: dict[str, Any], method: str) -> None:
    family = entry["family"] or "gaussian"
    reml, df_method = entry["REML"], "normal"
    m = mlm.fit(entry["formula"], table(entry["data"]), reml=reml, family=family, df_method=df_method)
    own = m.standardised(method)
    theirs = pd.DataFrame(entry[THEIRS[method]])[["estimate", "low", "high"]]
    theirs = theirs if method == "refit" else theirs.iloc[1:]  # an intercept of zero
    np.testing.assert_allclose(own[["estimate", "conf_low", "conf_high"]], theirs, atol=LIMIT[m.is_linear], rtol=0)
    assert list(own.columns) == COLUMNS
    assert own.attrs == {"method": method, "outcome": "scaled" if m.is_linear else "as it is"}


def scaled(column: pd.Series) -> pd.Series:
    return (column - column.mean()) / column.std()


@pytest.mark.parametrize("method", ["refit", "basic", "within"])
def test_units_do_not_matter(method: str) -> None:
    formula = "y ~ x * kind + xb + (x | g)"
    data = table("shares")
    own = fitted(formula, "shares").standardised(method)
    other = mlm.fit(formula, data.assign(y=5 - 3 * data["y"], x=data["x"] * 1e4, xb=data["xb"] / 1e3))
    np.testing.assert_allclose(other.standardised(method)["estimate"].iloc[1:], -own["estimate"].iloc[1:], rtol=1e-5)


@pytest.mark.parametrize("how", [{}, {"weights": "w"}, {"reml": False}])
@pytest.mark.parametrize("random", ["(x | g)", "(x || g)", "(1 | g)"])
def test_refit_is_a_fit_of_scaled_columns(how: dict[str, Any], random: str) -> None:
    data = table("shares")
    changed = data.assign(**{name: scaled(data[name]) for name in ("y", "x", "xb")})
    formula = f"y ~ x * xb + kind + {random}"
    own, other = mlm.fit(formula, data, **how).standardised(), mlm.fit(formula, changed, **how)
    assert list(own.index) == list(other.params.index)
    np.testing.assert_allclose(own["estimate"], other.params, atol=1e-7)
    np.testing.assert_allclose(own["std_error"], other.bse, rtol=1e-5)
    np.testing.assert_allclose(own[["conf_low", "conf_high"]], other.conf_int(), atol=1e-5)


def test_refit_scales_what_stands_in_the_formula() -> None:
    data = table("shares").assign(p=lambda d: np.exp(d["x"]), one=1.0, n=lambda d: d["g"] % 3)
    data["lp"], data["dw"] = scaled(np.log(data["p"])), scaled(data["xw"])
    data["sq"] = scaled(data["z"]) ** 2
    data["ys"], data["zs"] = scaled(data["y"]), scaled(data["z"])
    own = mlm.fit("y ~ log(p) + within(x, g) + I(z ** 2) + scale(z) + C(n) + one + poly(xb, 2) + (1 | g)", data)
    other = mlm.fit("ys ~ lp + dw + sq + zs + C(n) + one + poly(xb, 2) + (1 | g)", data)
    found = own.standardised()
    assert list(found.index) == list(own.params.index)
    np.testing.assert_allclose(found["estimate"], other.params, atol=1e-6)


def test_an_offset_is_in_units_of_the_outcome() -> None:
    data = table("shares")
    own = mlm.fit("y ~ x + (1 | g)", data, offset="z").standardised()
    changed = data.assign(y=scaled(data["y"]), x=scaled(data["x"]), z=data["z"] / data["y"].std())
    other = mlm.fit("y ~ x + (1 | g)", changed, offset="z")
    np.testing.assert_allclose(own["estimate"], other.params, atol=1e-7)


@pytest.mark.parametrize(
    ("outcome", "family"), [("cbind(hit, 3 - hit)", "binomial"), ("count", "poisson"), ("count", "negative_binomial")]
)
def test_generalized_models_keep_outcome_trials_weights_and_offset(outcome: str, family: str) -> None:
    data = table("shares")
    how: dict[str, Any] = {"family": family, "offset": "z"} | ({} if family == "binomial" else {"weights": "w"})
    own = mlm.fit(f"{outcome} ~ x + xb + (1 | g)", data, **how)
    changed = data.assign(x=scaled(data["x"]), xb=scaled(data["xb"]))
    other = mlm.fit(f"{outcome} ~ x + xb + (1 | g)", changed, **how)
    np.testing.assert_allclose(own.standardised()["estimate"], other.params, atol=1e-5)
    factors = data[["x", "xb"]].std()
    np.testing.assert_allclose(own.standardised("basic")["estimate"], own.params[["x", "xb"]] * factors, rtol=1e-10)


@pytest.mark.parametrize("method", ["refit", "basic", "within"])
def test_collinear_columns_stay_out(method: str) -> None:
    data = table("shares").assign(x2=lambda d: 1 - 2 * d["x"])
    own, plain = mlm.fit("y ~ x + x2 + xb + (1 | g)", data), mlm.fit("y ~ x + xb + (1 | g)", data)
    pd.testing.assert_frame_equal(own.standardised(method), plain.standardised(method), atol=1e-7)


def test_within_is_by_the_standard_deviations_of_each_level() -> None:
    """Also of a predictor of both levels, which effectsize scales by its whole standard deviation, with a warning."""
    data = table("shares")
    m = fitted("y ~ x + xb + (1 | g)", "shares")
    found = m.standardised("within")
    assert m.null is not None
    own = m.null.varcorr()["sd_or_corr"].to_numpy()
    within = data["x"] - data.groupby("g")["x"].transform("mean")
    assert found.loc["x", "estimate"] == pytest.approx(m.params["x"] * within.std() / own[1])
    between = data.groupby("g")["xb"].mean().std()
    assert found.loc["xb", "estimate"] == pytest.approx(m.params["xb"] * between / own[0])
    assert found.loc["xb", "std_error"] == pytest.approx(m.bse["xb"] * between / own[0])


def test_basic_is_by_the_column_of_the_model_matrix() -> None:
    m, data = fitted("y ~ x * kind + (1 | g)", "shares"), table("shares")
    factor = (data["x"] * (data["kind"] == "b")).std() / data["y"].std()
    found = m.standardised("basic", level=0.9).loc["x:kind[T.b]"]
    assert found["estimate"] == pytest.approx(m.params["x:kind[T.b]"] * factor)
    assert found["conf_low"] == pytest.approx(m.conf_int(0.9)["lower"]["x:kind[T.b]"] * factor)


def test_singular_fits() -> None:
    data = table("shares")
    flat = data.assign(y=data["xw"] + np.random.default_rng(1).normal(size=len(data)))
    flat["y"] -= flat.groupby("g")["y"].transform("mean")
    m = mlm.fit("y ~ xw + xb + (1 | g)", flat)
    assert m.is_singular
    assert m.standardised("refit").loc["xw", "estimate"] == pytest.approx(m.standardised("basic").loc["xw", "estimate"])
    with pytest.raises(mlm.OptionError, match="no variance between groups"):
        m.standardised("within")
    assert list(mlm.fit("y ~ xw + (1 | g)", flat).standardised("within").index) == ["xw"]


def test_what_is_refused() -> None:
    with pytest.raises(mlm.OptionError, match="'refit', 'basic', 'within'"):
        fitted("y ~ x + xb + (1 | g)", "shares").standardised("posthoc")
    with pytest.raises(mlm.OptionError, match="linear models"):
        generalized("hit ~ x + (1 | g)", "shares", "binomial").standardised("within")
    with pytest.raises(mlm.OptionError, match="several grouping factors"):
        fitted("angle ~ temp + (1 | recipe/replicate)", "cake").standardised("within")
