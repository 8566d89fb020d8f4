"""Variance explained at each level, and design effects: from the definitions, on fits made one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from tests.modelcache import fitted, generalized, table


def variances(m: mlm.MixedModel) -> dict[str, float]:
    own = m.varcorr()
    return dict(zip(own["group"], own["variance"], strict=True))


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("offset", [None, "xw"])
def test_levels_of_two(weights: str | None, offset: str | None) -> None:
    data = table("shares")
    kept: dict[str, Any] = {"weights": weights, "offset": offset}
    found = mlm.fit("y ~ x + xb + kind + (x | g)", data, **kept).explained_by_level()
    after = variances(mlm.fit("y ~ x + xb + kind + (1 | g)", data, **kept))
    before = variances(mlm.fit("y ~ 1 + (1 | g)", data, **kept))
    k = len(data["g"].unique()) / np.sum(1 / data.groupby("g").size())
    s, s0, t, t0 = after["Residual"], before["Residual"], after["g"], before["g"]
    assert list(found.index) == ["Residual", "g"]
    np.testing.assert_allclose(found["raudenbush_bryk"], [1 - s / s0, 1 - t / t0], rtol=1e-6)
    sizes = [1 - (s + t) / (s0 + t0), 1 - (s / k + t) / (s0 / k + t0)]
    np.testing.assert_allclose(found["snijders_bosker"], sizes, rtol=1e-6)
    assert found.loc["g", "group_size"] == pytest.approx(k)
    assert found.attrs["formula"].endswith("(1 | g)")


def test_levels_of_a_known_truth() -> None:
    """A balanced design, whose ML estimates are those of an analysis of variance."""
    draw = np.random.default_rng(3)
    J, n = 400, 25
    g = np.repeat(np.arange(J), n)
    x, w = draw.normal(size=J * n), draw.normal(size=J)[g]
    x -= pd.Series(x).groupby(g).transform("mean").to_numpy()
    y = x + w + draw.normal(size=J)[g] + draw.normal(size=J * n)
    found = mlm.fit("y ~ x + w + (1 | g)", pd.DataFrame({"y": y, "x": x, "w": w, "g": g})).explained_by_level()
    np.testing.assert_allclose(found["raudenbush_bryk"], 0.5, atol=0.06)
    np.testing.assert_allclose(found["snijders_bosker"], 0.5, atol=0.06)


def test_a_predictor_of_the_rows_may_explain_less_than_nothing_of_the_groups() -> None:
    """Rows explained alone: the groups' means had held s2 / n of the rows' variance, and hold less of it now."""
    found = fitted("y ~ xw + (1 | g)", "shares").explained_by_level()["raudenbush_bryk"]
    assert found["Residual"] > 0.2
    assert found["g"] < 0


def test_several_groupings() -> None:
    found = fitted("angle ~ temp + (1 | recipe/replicate)", "cake").explained_by_level()
    assert list(found.index) == ["Residual", "recipe:replicate", "recipe"]
    assert found["snijders_bosker"].isna().tolist() == [False, True, True]
    null = variances(fitted("angle ~ 1 + (1 | recipe/replicate)", "cake"))
    assert found.loc["recipe:replicate", "variance_null"] == pytest.approx(null["recipe:replicate"], rel=1e-5)


def test_variances_of_zero_have_no_shares() -> None:
    m = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    found = m.explained_by_level()
    assert found.loc["Residual", "raudenbush_bryk"] == 0.0
    assert found["raudenbush_bryk"].isna().tolist() == [False, True]
    assert found.loc["Batch", "snijders_bosker"] == 0.0
    assert m.design_effect().loc["Batch", "design_effect"] == 1.0


def test_collinear_columns_explain_nothing() -> None:
    data = table("shares").assign(x2=lambda d: 3 * d["x"])
    own = mlm.fit("y ~ x + x2 + (1 | g)", data).explained_by_level()
    pd.testing.assert_frame_equal(own, mlm.fit("y ~ x + (1 | g)", data).explained_by_level(), rtol=1e-6)


def test_generalized_models_have_neither() -> None:
    m = generalized("hit ~ x + (1 | g)", "shares", "binomial")
    with pytest.raises(mlm.OptionError, match="linear models"):
        m.explained_by_level()
    with pytest.raises(mlm.OptionError, match="outcome's own scale"):
        m.design_effect()


# -- design effects ---------------------------------------------------------------------------------------------------


def variance_of_mean(null: mlm.MixedModel, data: pd.DataFrame, groups: list[list[str]]) -> float:
    """Of the mean of all rows over that of as many independent ones, by the whole covariance matrix."""
    own = variances(null)
    V = own["Residual"] * np.eye(len(data))
    for columns in groups:
        codes = data.groupby(columns, observed=True).ngroup().to_numpy()
        V += own[":".join(columns)] * (codes[:, None] == codes)
    return float(V.mean() / (V[0, 0] / len(data)))


@pytest.mark.parametrize(
    ("formula", "name", "groups"),
    [
        ("y ~ x + xb + (x | g)", "shares", [["g"]]),
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", [["plate"], ["sample"]]),
        ("strength ~ 1 + (1 | batch/cask)", "pastes", [["batch"], ["batch", "cask"]]),
    ],
)
def test_design_effects_are_those_of_the_mean(formula: str, name: str, groups: list[list[str]]) -> None:
    m, data = fitted(formula, name), table(name)
    found = m.design_effect()
    assert m.null is not None
    last = found.iloc[-1]
    assert last["design_effect"] == pytest.approx(variance_of_mean(m.null, data, groups), rel=1e-6)
    assert last["effective_n"] == pytest.approx(len(data) / last["design_effect"])
    assert list(found.index) == [*m.n_groups, *(["(all)"] if len(groups) > 1 else [])]


def test_groups_of_one_size() -> None:
    found = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").design_effect().loc["Subject"]
    assert found["mean_size"] == found["weighted_size"] == 10
    assert found["design_effect"] == pytest.approx(1 + 9 * found["icc"])


def test_weights_and_collinear_columns_leave_sizes_alone() -> None:
    data = table("shares")
    own = mlm.fit("y ~ x + I(2 * x) + (1 | g)", data, weights="w", offset="xw").design_effect().loc["g"]
    sizes = data.groupby("g").size()
    assert own["weighted_size"] == pytest.approx((sizes**2).sum() / sizes.sum())
    null = mlm.fit("y ~ 1 + (1 | g)", data, weights="w", offset="xw")
    assert own["icc"] == pytest.approx(null.icc().adjusted, rel=1e-6)
