"""Remedies of singular fits: each is the fit of the simpler formula, with the test between the two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlm_widgets as mlm
from mlm_widgets.inference import remedies
from tests.fitter.dense import small_data
from tests.inference.test_findings import many_groups
from tests.modelcache import fitted, table


def compare(m: mlm.MixedModel, data: Any, simpler: dict[tuple[str, str], str], **how: Any) -> None:
    """The remedies of `m` are the fits of the formulas in `simpler`, by term and action."""
    found = m.remedies()
    assert dict(zip(zip(found["term"], found["action"], strict=True), found["formula"], strict=True)) == simpler
    for row in found.to_dict("records"):
        other = mlm.fit(row["formula"], data, **how)
        assert row["criterion"] == m.criterion
        assert row["criterion_after"] == pytest.approx(other.criterion, abs=1e-6)
        assert (row["n_params"], row["n_params_after"]) == (m.n_params, other.n_params)
        assert (row["aic"], row["aic_after"]) == pytest.approx((m.aic, other.aic), abs=1e-6)
        assert row["df"] == m.n_params - other.n_params
        assert row["statistic"] == pytest.approx(max(other.criterion - m.criterion, 0.0), abs=1e-6)
        assert row["is_singular_after"] == other.is_singular
        assert 0 <= row["p_mixture"] <= row["p_chi_square"] <= 1


@pytest.mark.parametrize("how", [{}, {"reml": False}, {"weights": "w"}])
@pytest.mark.parametrize("offset", ["", " + offset(w)"])
def test_a_correlation_at_its_end(how: dict[str, Any], offset: str) -> None:
    data = table("hsb").assign(w=lambda d: 1.0 + 0.1 * (np.arange(len(d)) % 2))
    fixed = f"mathach ~ ses * sector{offset}"
    m = mlm.fit(f"{fixed} + (ses | school)", data, **how)
    assert m.is_singular
    drop, apart = f"{fixed} + (1 | school)", f"{fixed} + (ses || school)"
    compare(m, data, {("ses", "drop"): drop, ("ses", "uncorrelate"): apart}, **how)


def test_agrees_with_ranova() -> None:
    m = fitted("mathach ~ ses * sector + (ses | school)", "hsb")
    own, theirs = m.remedies().iloc[0], m.ranova().iloc[1]
    assert own["statistic"] == pytest.approx(theirs["Chisq"])
    assert own["p_mixture"] == pytest.approx(theirs["p_mixture"])
    assert own["p_chi_square"] == pytest.approx(theirs["p_chisq"])


def test_a_variance_of_zero_costs_nothing() -> None:
    data = many_groups()
    draw = np.random.default_rng(5)
    data["y"] = draw.normal(size=60)[data["g"]] + data["x"] + draw.normal(size=len(data))
    m = mlm.fit("y ~ x + (x || g)", data)
    compare(m, data, {("x", "drop"): "y ~ x + (1 | g)"})
    (row,) = m.remedies().to_dict("records")
    assert row["statistic"] == pytest.approx(0, abs=1e-6)
    assert row["aic_after"] == pytest.approx(row["aic"] - 2)
    assert not row["is_singular_after"]


def test_the_last_random_effect_leaves_a_regression() -> None:
    m = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    (remedy,) = remedies(m.fit_result, m._frame)
    y = table("dyestuff2")["Yield"]
    rest = ((y - y.mean()) ** 2).sum()
    by_hand = 29 * (1 + np.log(2 * np.pi * rest / 29)) + np.log(30)
    assert remedy.fit is None
    assert remedy.criterion_after == pytest.approx(by_hand, abs=1e-8)
    assert (remedy.statistic, remedy.p_mixture, remedy.df) == (0.0, 1.0, 1)
    assert remedy.spec.random == ()


def test_slopes_of_a_factor_go_together() -> None:
    data = small_data()
    draw = np.random.default_rng(2)
    data["y"] = data["x"] + draw.normal(size=len(data)) + draw.normal(size=50)[data["g"].astype("category").cat.codes]
    m = mlm.fit("y ~ x + f + (f | g)", data)
    assert m.is_singular
    found = m.remedies()
    dropped = found[found["action"] == "drop"]
    assert set(dropped["formula"]) <= {"y ~ x + f + (1 | g)", "y ~ x + f + (0 + f | g)"}
    assert (dropped.loc[dropped["term"] != "Intercept", "df"] == 5).all()


def test_collinear_columns_stay_out() -> None:
    data = table("hsb").assign(twice=lambda d: 2 * d["ses"])
    found = mlm.fit("mathach ~ ses * sector + twice + (ses | school)", data).remedies()
    plain = fitted("mathach ~ ses * sector + (ses | school)", "hsb").remedies()
    np.testing.assert_allclose(found["statistic"], plain["statistic"], atol=1e-5)


@pytest.mark.parametrize("random", ["(1 | g)", "(x || g)"])
def test_generalized_models(random: str) -> None:
    data = many_groups(40, 10)
    draw = np.random.default_rng(8)
    data["n"] = draw.binomial(6, 0.5, len(data))
    data["m"] = 6 - data["n"]
    m = mlm.fit(f"cbind(n, m) ~ x + {random}", data, family="binomial")
    assert m.is_singular
    found = m.remedies()
    assert len(found) == sum(len(group.singular) for group in m.fit_result.groups)
    assert (found["statistic"] < 1e-4).all()
    for row in found.to_dict("records"):
        if "|" in row["formula"]:
            other = mlm.fit(row["formula"], data, family="binomial")
            assert row["criterion_after"] == pytest.approx(other.criterion, abs=1e-6)


def test_fits_that_need_none() -> None:
    found = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").remedies()
    assert len(found) == 0
    assert "p_mixture" in found.columns
