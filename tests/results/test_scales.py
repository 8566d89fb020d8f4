"""Data on other scales and other searches: exactly the same model, so the same answer nearly to rounding.

Predictors are rounded to multiples of 2^-20, so that adding 10^6 to them, or taking 10^6 from y, rounds nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import FitOptions, MixedModel, fit
from mlm_widgets.fitter import prepare
from tests.fitter.dense import STRUCTURES, small_data

SAME = 1e-9  # relative

NAMES = ["intercepts", "slopes", "factor as slope", "nested", "nested slopes", "crossed", "crossed slopes", "within"]
structures = pytest.mark.parametrize("name", NAMES)


def rounded_data() -> pd.DataFrame:
    data = small_data()
    return data.assign(x=np.round(data["x"] * 2**20) / 2**20)


def about(m: MixedModel, word: str) -> list[str]:
    return [finding.message for finding in m.findings if word in finding.message]


@structures
@pytest.mark.parametrize(("factor", "shift"), [(1.0, 1e6), (1.0, -1e6), (1e-6, 0.0), (1e6, 0.0)])
def test_a_predictor_shifted_or_scaled(name: str, factor: float, shift: float) -> None:
    """The slopes and their tests stay; what belongs to x = 0, where x is now, has to change."""
    data = rounded_data()
    other = fit(STRUCTURES[name], data, reml=False)
    ours = fit(STRUCTURES[name], data.assign(x=factor * data["x"] + shift), reml=False)
    kept = [term for term in other.params.index if term != "Intercept" and not (shift and "between" in term)]
    size = np.array([factor if "x" in term else 1.0 for term in kept])
    assert ours.criterion == pytest.approx(other.criterion, rel=1e-11)
    assert ours.sigma == pytest.approx(other.sigma, rel=SAME)
    np.testing.assert_allclose(ours.params[kept] * size, other.params[kept], rtol=SAME)
    np.testing.assert_allclose(ours.bse[kept] * size, other.bse[kept], rtol=SAME)
    np.testing.assert_allclose(ours.df[kept], other.df[kept], rtol=SAME)
    np.testing.assert_allclose(ours.pvalues[kept], other.pvalues[kept], rtol=1e-7, atol=1e-12)
    # fitted values are sums of numbers as large as the shift
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=SAME, atol=1e-14 * abs(shift))
    assert ours.state == other.state
    if shift == 0:
        assert ours.params["Intercept"] == pytest.approx(other.params["Intercept"], rel=SAME)


@structures
@pytest.mark.parametrize("factor", [1e12, 1e-12])
def test_a_huge_or_tiny_outcome(name: str, factor: float) -> None:
    data = small_data()
    other, ours = fit(STRUCTURES[name], data), fit(STRUCTURES[name], data.assign(y=data["y"] * factor))
    degrees = other.nobs - len(other.params)
    assert ours.criterion - 2 * degrees * np.log(factor) == pytest.approx(other.criterion, rel=1e-12)
    np.testing.assert_allclose(ours.params / factor, other.params, rtol=SAME)
    np.testing.assert_allclose(ours.bse / factor, other.bse, rtol=SAME)
    np.testing.assert_allclose(ours.df, other.df, rtol=SAME)
    np.testing.assert_allclose(ours.theta, other.theta, rtol=0, atol=SAME)
    assert ours.sigma / factor == pytest.approx(other.sigma, rel=SAME)
    np.testing.assert_allclose(ours.fittedvalues / factor, other.fittedvalues, rtol=SAME)
    assert ours.state == other.state
    assert [f.component for f in ours.findings] == [f.component for f in other.findings]
    assert ours.icc().adjusted == pytest.approx(other.icc().adjusted, rel=SAME)


@pytest.mark.parametrize("name", ["intercepts", "slopes", "crossed"])
def test_groups_of_one_row_are_like_any_other(name: str) -> None:
    """Each row of two groups in a group of its own: against the definition with n x n matrices."""
    data = small_data()
    alone = data["g"].isin(["g0", "g1"])
    data.loc[alone, "g"] = [f"alone{k}" for k in range(int(alone.sum()))]
    m = fit(STRUCTURES[name], data)
    assert m.converged
    assert (m.group_sizes["g"] == 1).sum() == alone.sum()
    design = m.fit_result.design
    V = np.eye(m.nobs)
    for group in m.fit_result.groups:
        half, codes = design.Z[group.place] @ group.lam, design.codes[group.place]
        V += (half @ half.T) * (codes[:, None] == codes)
    XtVX = design.X.T @ np.linalg.solve(V, design.X)
    beta = np.linalg.solve(XtVX, design.X.T @ np.linalg.solve(V, design.y))
    rest = design.y - design.X @ beta
    r2, nn = rest @ np.linalg.solve(V, rest), m.nobs - len(beta)
    dense = np.linalg.slogdet(V)[1] + np.linalg.slogdet(XtVX)[1] + nn * (1 + np.log(2 * np.pi * r2 / nn))
    assert m.criterion == pytest.approx(dense, rel=1e-11)
    np.testing.assert_allclose(m.params, beta, rtol=SAME)


@structures
def test_a_looser_tolerance_leaves_no_more_than_it_says(name: str) -> None:
    other = fit(STRUCTURES[name], small_data())
    for tolerance in (1e-2, 1e-4, 1e-12):
        ours = fit(STRUCTURES[name], small_data(), options=FitOptions(tolerance=tolerance))
        assert ours.converged
        assert ours.trace.n_evaluations <= other.trace.n_evaluations + 1
        assert -1e-9 <= ours.criterion - other.criterion <= tolerance


@structures
def test_a_search_that_is_given_too_few_evaluations(name: str) -> None:
    needed = fit(STRUCTURES[name], small_data()).trace.n_evaluations
    for most in range(1, needed - 1):
        m = fit(STRUCTURES[name], small_data(), options=FitOptions(max_evaluations=most))
        assert m.trace.n_evaluations <= most + 3  # polished twice, and evaluated in the order of the formula
        if m.state == "failed":
            assert m.findings[0].severity == "error"
            assert about(m, "did not converge")
            assert np.isfinite(m.params).all()
            assert np.isfinite(m.criterion)
        else:
            assert m.trace.decrement < 1e-6
    first = fit(STRUCTURES[name], small_data(), options=FitOptions(max_evaluations=1, start=10 * np.ones_like(m.theta)))
    assert first.state == "failed"


@structures
def test_any_start_is_taken_and_ends_at_the_same_optimum(name: str) -> None:
    other = fit(STRUCTURES[name], small_data())
    draw = np.random.default_rng(8)
    start = np.abs(draw.normal(size=len(other.theta))) + 0.1
    ours = fit(STRUCTURES[name], small_data(), options=FitOptions(start=start))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-8)
    assert ours.state == other.state
    first, value = ours.trace.steps[0]
    assert prepare(ours.fit_result.design).at(first).value == pytest.approx(value, rel=1e-12)
