"""Findings: each is there when it should be, names the component, and is not there otherwise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.inference import Finding
from tests.fitter.dense import small_data
from tests.modelcache import fitted, table


def about(m: MixedModel, word: str) -> list[Finding]:
    return [finding for finding in m.findings if word in finding.message]


def many_groups(n_groups: int = 60, each: int = 8, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), each)
    x = draw.normal(size=len(g))
    y = draw.normal(size=n_groups)[g] + x * draw.normal(1, 0.7, n_groups)[g] + draw.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g, "w": draw.normal(size=n_groups)[g]})


def test_a_fit_with_nothing_to_say() -> None:
    assert fit("y ~ x + (x | g)", many_groups()).findings == ()
    assert fitted("mathach ~ cses + (1 + cses | school)", "hsb").findings == ()


def test_a_singular_fit_of_published_data() -> None:
    """R says the same of this model: correlation 1, isSingular."""
    (finding,) = fitted("mathach ~ ses * sector + (ses | school)", "hsb").findings
    assert finding.component == "school: slope of ses"
    assert "correlation at ±1" in finding.message


def test_singular_intercept() -> None:
    m = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    (finding,) = about(m, "does not vary")
    assert (finding.severity, finding.component) == ("warning", "Batch: intercept")
    assert "variance is estimated as zero" in finding.message
    assert finding.action == "Drop it from the random part of Batch."
    assert m.is_singular
    assert m.state == "boundary"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_singular_slope(scale: float, shift: float) -> None:
    """A slope that nobody has, whatever its units are."""
    data = many_groups()
    draw = np.random.default_rng(5)
    flat = draw.normal(size=60)[data["g"]] + data["x"] + draw.normal(size=len(data))
    m = fit("y ~ x + (x || g)", data.assign(y=flat, x=(data["x"] + shift) * scale))
    assert m.is_singular
    (finding,) = about(m, "does not vary")
    assert finding.component == "g: slope of x"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_correlation_of_one(scale: float) -> None:
    """Intercepts and slopes that go together exactly."""
    data = many_groups()
    draw = np.random.default_rng(3)
    effect = draw.normal(size=60)[data["g"]]
    y = effect * (1 + 0.8 * data["x"]) + data["x"] + draw.normal(size=len(data))
    m = fit("y ~ x + (x | g)", data.assign(y=y, x=data["x"] * scale))
    (finding,) = about(m, "correlation at ±1")
    assert (finding.severity, finding.component) == ("warning", "g: slope of x")
    assert "exactly as the intercept does" in finding.message
    assert "||" in str(finding.action)
    assert not about(m, "variance is estimated as zero")


def test_a_predictor_far_from_zero_is_not_called_singular() -> None:
    data = many_groups()
    near, far = fit("y ~ x + (x | g)", data), fit("y ~ x + (x | g)", data.assign(x=data["x"] + 1e6))
    assert near.findings == far.findings == ()
    assert far.state == "converged"


def test_missing_rows() -> None:
    data = many_groups()
    data.loc[[1, 2, 3], "x"] = np.nan
    data.loc[[3, 9], "y"] = np.nan
    (finding,) = fit("y ~ x + (x | g)", data).findings
    assert (finding.severity, finding.component) == ("info", "missing values")
    assert (
        finding.message == "5 of 480 rows were left out for missing values: y (2), x (3)."
        or "4 of 480" in finding.message
    )
    assert "4 of 480 rows" in finding.message


@pytest.mark.parametrize(
    ("n_groups", "words"), [(5, "hardly known"), (19, "hardly known"), (20, "fewer than 50"), (49, "fewer than 50")]
)
def test_few_groups(n_groups: int, words: str) -> None:
    m = fit("y ~ x + (1 | g)", many_groups(n_groups, 30))
    (finding,) = about(m, f"g has {n_groups} levels")
    assert words in finding.message
    assert (finding.severity, finding.component) == ("info", "g")
    assert (finding.action is not None) == (n_groups <= 5)


def test_enough_groups() -> None:
    assert not about(fit("y ~ x + (1 | g)", many_groups(50)), "levels")


def test_slope_of_a_predictor_that_is_constant_within_groups() -> None:
    m = fit("y ~ w + (w | g)", many_groups())
    (finding,) = about(m, "constant within each level")
    assert (finding.severity, finding.component) == ("warning", "g: slope of w")
    assert "“w”" in finding.message
    assert not about(fit("y ~ w + x + (x | g)", many_groups()), "constant within")


def test_two_valued_outcome() -> None:
    data = many_groups()
    m = fit("pass ~ x + (1 | g)", data.assign(**{"pass": (data["y"] > 0).astype(int)}))
    assert about(m, "two values")[0].component == "pass"


def test_findings_are_in_the_summary_the_gravest_first() -> None:
    m = fit("y ~ x + x2 + (1 | g)", small_data().assign(x2=lambda d: 2 * d["x"]))
    severities = [finding.severity for finding in m.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    for finding in m.findings:
        assert finding.message in str(m.summary())


# -- collinear predictors ---------------------------------------------------------------------------------------------

COLLINEAR = {
    "twice": ("y ~ x + z + x2", "y ~ x + z", ["x2"]),
    "sum": ("y ~ x + z + total", "y ~ x + z", ["total"]),
    "constant": ("y ~ x + one", "y ~ x", ["one"]),
    "zero": ("y ~ x + none", "y ~ x", ["none"]),
    "first of two": ("y ~ x2 + x", "y ~ x2", ["x"]),
    "factor of a factor": ("y ~ f + same", "y ~ f", ["same[T.MIDDLE]", "same[T.TOP]"]),
    "empty cell": ("y ~ f * cell", "y ~ f * cell - f:cell + I((f01) * (c01))", ["f[T.middle]:cell[T.v]"]),
    "with slopes": ("y ~ x + x2 + (x | g)", "y ~ x + (x | g)", ["x2"]),
    "without intercept": ("y ~ 0 + f + one", "y ~ 0 + f", ["one"]),
    "far away": ("y ~ far + far2", "y ~ far", ["far2"]),
}


def collinear_data() -> pd.DataFrame:
    data = small_data()
    data["x2"], data["total"], data["one"], data["none"] = 2 * data["x"], data["x"] - 3 * data["z"], 0.1, 0.0
    data["same"] = data["f"].str.upper()
    data["far"] = data["x"] + 1e6
    data["far2"] = data["far"] * 3 - 7
    data["cell"] = np.where((data["b"] == "b1") & (data["f"] != "middle"), "v", "u")
    data["f01"], data["c01"] = (data["f"] == "top").astype(int), (data["cell"] == "v").astype(int)
    return data


@pytest.mark.parametrize("case", COLLINEAR)
def test_collinear_predictors_are_left_out_and_named(case: str) -> None:
    formula, without, dropped = COLLINEAR[case]
    bars = "" if "|" in formula else " + (1 | g)"
    data = collinear_data()
    ours, other = fit(formula + bars, data), fit(without + bars, data)
    found = about(ours, "linear combination")
    assert [finding.component for finding in found] == dropped
    assert all(finding.severity == "warning" and finding.action for finding in found)
    assert not set(dropped) & set(ours.params.index)
    np.testing.assert_allclose(ours.params, other.params, rtol=1e-7)
    np.testing.assert_allclose(ours.bse, other.bse, rtol=1e-7)
    np.testing.assert_allclose(ours.df, other.df, rtol=1e-6)
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-8)
    assert ours.n_params == other.n_params
    np.testing.assert_allclose(ours.predict(data, random="none"), other.predict(data, random="none"), rtol=1e-9)
    assert len(ours.term_info()) == len(ours.params)


def test_nearly_collinear_predictors_are_kept() -> None:
    """A thousandth of independent variation is enough."""
    data = small_data()
    draw = np.random.default_rng(0)
    m = fit("y ~ x + near + (1 | g)", data.assign(near=data["x"] + 1e-4 * draw.normal(size=len(data))))
    assert list(m.params.index) == ["Intercept", "x", "near"]
    assert not about(m, "linear combination")


def test_null_model_is_of_the_same_rows() -> None:
    data = table("sleepstudy")
    data.loc[:4, "Days"] = np.nan
    m = fit("Reaction ~ Days + (Days | Subject)", data)
    assert m.null is not None
    assert m.null.nobs == m.nobs == 175
    assert m.null.formula == "Reaction ~ 1 + (1 | Subject)"
    assert m.null.icc().adjusted < m.icc().adjusted


def test_a_grouping_that_is_a_predictor_too() -> None:
    both = fit("diameter ~ plate + (1 | plate) + (1 | sample)", table("penicillin"))
    assert [finding.component for finding in about(both, "at once")] == ["plate"]
    assert not about(fit("diameter ~ sample + (1 | plate)", table("penicillin")), "at once")
