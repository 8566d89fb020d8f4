"""Variance by source and level against Rights & Sterba's formulas in R (decomposition.json), and against a truth."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from tests.modelcache import REFERENCE, fitted, generalized, table

ENTRIES: list[dict[str, Any]] = json.loads((REFERENCE / "decomposition.json").read_text())
SHARE = 2e-7  # absolute: bobyqa with rhoend 1e-10
PURE = "y ~ xw + xb + (xw | g)"


def numbers(values: list[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_shares_are_those_of_the_paper(entry: dict[str, Any]) -> None:
    m = mlm.fit(entry["formula"], table("shares"), reml=entry["REML"], weights=entry["weights"])
    found = m.r2_decomposition()
    assert list(found.r2.index) == ["f1", "f2", "v", "m", "f", "fv", "fvm"]
    for column, values in entry["r2"].items():
        np.testing.assert_allclose(found.r2[column], numbers(values), atol=SHARE, rtol=0)
    assert found.is_split == ("f1" in entry)
    for name in ("v", "m", "residual"):
        assert getattr(found, name) == pytest.approx(entry[name], rel=1e-4, abs=1e-7)


def test_sources_add_up() -> None:
    found = fitted(PURE, "shares").r2_decomposition()
    variances = found.variances
    assert list(variances.index) == ["f1", "f2", "v", "m", "residual"]
    assert variances["variance"].sum() == pytest.approx(found.total) == pytest.approx(found.within + found.between)
    np.testing.assert_allclose(variances[["total", "within", "between"]].sum(), 1.0, rtol=1e-12)
    mixed = fitted("y ~ x + xb + (x | g)", "shares").r2_decomposition()
    assert mixed.mixed == ("x",)
    assert list(mixed.variances.index) == ["f", "v", "m", "residual"]
    assert mixed.variances["total"].sum() == pytest.approx(1.0)
    assert np.isnan(mixed.within)


def test_centring_in_the_formula_is_centring_in_the_data() -> None:
    own = mlm.fit("y ~ within(x, g) + between(x, g) + (within(x, g) | g)", table("shares")).r2_decomposition()
    pd.testing.assert_frame_equal(own.r2, fitted(PURE, "shares").r2_decomposition().r2, rtol=1e-7)


def test_predictors_of_the_same_mean_in_every_group_need_no_centring() -> None:
    """Days 0 to 9 of each subject: shares do not depend on where zero is."""
    far = mlm.fit("Reaction ~ Days + (Days | Subject)", table("sleepstudy")).r2_decomposition()
    near = mlm.fit("Reaction ~ I(Days - 4.5) + (I(Days - 4.5) | Subject)", table("sleepstudy")).r2_decomposition()
    assert far.is_split
    np.testing.assert_allclose(far.r2, near.r2, atol=1e-7)


def test_estimates_are_those_of_a_known_truth() -> None:
    """500 groups of 40: y = 0.5 x_w + 0.8 x_b + (u1 x_w) + u0 + e, so variances are 1, 0.64, 0.36, 0.5 and 2."""
    draw = np.random.default_rng(7)
    J, n = 500, 40
    g = np.repeat(np.arange(J), n)
    x = draw.normal(size=(J, n))
    xw = 2 * (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    xb = np.repeat(draw.permutation(np.linspace(-np.sqrt(3), np.sqrt(3), J)), n)
    u0, u1 = np.sqrt(0.5) * draw.normal(size=J)[g], 0.3 * draw.normal(size=J)[g]
    y = 0.5 * xw.ravel() + 0.8 * xb + u1 * xw.ravel() + u0 + np.sqrt(2) * draw.normal(size=J * n)
    m = mlm.fit(PURE, pd.DataFrame({"y": y, "xw": xw.ravel(), "xb": xb, "g": g}))
    found = m.r2_decomposition()
    truth = {"f1": 1.0, "f2": 0.64, "v": 0.36, "m": 0.5, "residual": 2.0}
    total = sum(truth.values())
    for name, variance in truth.items():
        # five standard errors of the largest, that of a variance of 500 draws: 0.5 * sqrt(2 / 500) / 4.5
        assert found.variances.loc[name, "total"] == pytest.approx(variance / total, abs=0.035)
    assert found.r2.loc["m", "between"] == pytest.approx(0.5 / 1.14, abs=0.1)


def test_units_offset_and_collinear_columns_do_not_matter() -> None:
    data = table("shares")
    plain = fitted(PURE, "shares").r2_decomposition()
    other = data.assign(y=1000 * data["y"], xw=data["xw"] / 7, xb=data["xb"] * 100 + 3)
    np.testing.assert_allclose(mlm.fit(PURE, other).r2_decomposition().r2, plain.r2, atol=1e-7)
    offset = np.sin(np.arange(len(data)))
    shifted = mlm.fit(PURE, data.assign(y=data["y"] + offset), offset=offset).r2_decomposition()
    np.testing.assert_allclose(shifted.r2, plain.r2, atol=1e-7)
    twice = mlm.fit("y ~ xw + xb + x2 + (xw | g)", data.assign(x2=2 * data["xw"] - 1)).r2_decomposition()
    np.testing.assert_allclose(twice.r2, plain.r2, atol=1e-7)


def test_singular_fits_have_shares_of_zero() -> None:
    m = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    found = m.r2_decomposition()
    assert m.is_singular
    assert found.r2.loc["fvm", "total"] == 0.0
    assert found.residual == pytest.approx(m.sigma**2)


def test_a_model_without_predictors_has_means_alone() -> None:
    found = fitted("y ~ 1 + (1 | g)", "shares").r2_decomposition()
    assert (found.f1, found.f2, found.v) == (0.0, 0.0, 0.0)
    assert found.r2.loc["m", "total"] == pytest.approx(fitted("y ~ 1 + (1 | g)", "shares").icc().adjusted)


def test_models_that_have_no_such_decomposition() -> None:
    with pytest.raises(mlm.OptionError, match="several grouping factors: plate, sample"):
        fitted("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin").r2_decomposition()
    with pytest.raises(mlm.OptionError, match="linear models"):
        generalized("hit ~ x + (1 | g)", "shares", "binomial").r2_decomposition()
