"""Classes in schools: the block of the outer factor is block diagonal, and there may be any number of levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import FitError, fit
from mlm_widgets.fitter import Nesting, Prepared, prepare
from mlm_widgets.fitter.crossing import build_crossing
from mlm_widgets.fitter.curvature import exact_hessian
from mlm_widgets.fitter.problem import Problem
from tests.fitter.dense import STRUCTURES, small_data

SAME = 1e-9  # relative: the same sums in another order


def schools(n_schools: int, classes: int, pupils: int, slope: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    n_classes = n_schools * classes
    own = np.repeat(np.arange(n_classes), pupils)
    school = own // classes
    x = draw.normal(size=len(own)) + 3
    y = 1 + 0.5 * x + draw.normal(0, 0.8, n_schools)[school] + draw.normal(0, 0.6, n_classes)[own]
    y += slope * x * draw.normal(size=n_schools)[school] + draw.normal(size=len(own))
    return pd.DataFrame({"y": y, "x": x, "school": school, "klass": own % classes})


def as_dense(prepared: Prepared) -> Prepared:
    """The same problem by the dense block that crossed factors have."""
    problem = prepared.problem
    assert isinstance(problem.crossing, Nesting)
    assert problem.pairs is not None
    dense: Problem = replace(
        problem, A22=problem.crossing.rest.toarray(), crossing=build_crossing(problem.pairs, len(problem.W2))
    )
    return replace(prepared, problem=dense)


@pytest.mark.parametrize("formula", [STRUCTURES["nested"], STRUCTURES["nested slopes"], "y ~ x + (x || a) + (1 | a:b)"])
@pytest.mark.parametrize("reml", [True, False])
def test_lanes_and_the_dense_block_are_one(formula: str, reml: bool) -> None:
    nested = prepare(fit(formula, small_data()).fit_result.design, reml=reml)
    dense = as_dense(nested)
    draw = np.random.default_rng(3)
    for _ in range(3):
        theta = draw.normal(size=sum(len(t.row) for t in nested.problem.templates))
        ours, other = nested.at(theta), dense.at(theta)
        assert ours.value == pytest.approx(other.value, rel=SAME)
        np.testing.assert_allclose(ours.gradient, other.gradient, rtol=1e-7, atol=SAME * np.abs(other.gradient).max())
        np.testing.assert_allclose(ours.hessian, other.hessian, rtol=0, atol=SAME * np.abs(other.hessian).max())
        hessians = exact_hessian(ours), exact_hessian(other)
        np.testing.assert_allclose(*hessians, rtol=0, atol=1e-6 * np.abs(hessians[1]).max())
        for mine, theirs in zip(ours.mode_covariances(), other.mode_covariances(), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=SAME * np.abs(theirs).max())


def test_many_schools() -> None:
    """More than the dense block carries; the balanced design has its variances in closed form (Searle et al. 1992)."""
    n_schools, classes, pupils = 7_000, 3, 3
    data = schools(n_schools, classes, pupils)
    m = fit("y ~ 1 + (1 | school/klass)", data)
    assert m.converged
    by_class = data.groupby(["school", "klass"])["y"].mean()
    by_school = by_class.groupby("school").mean()
    within = data["y"] - by_class.loc[list(zip(data["school"], data["klass"], strict=True))].to_numpy()
    ms_residual = float((within**2).sum()) / (len(data) - n_schools * classes)
    between = by_class - by_school.loc[by_class.index.get_level_values("school")].to_numpy()
    ms_class = pupils * float((between**2).sum()) / (n_schools * (classes - 1))
    ms_school = pupils * classes * float(by_school.var(ddof=1))
    variances = dict(zip(m.varcorr()["group"], m.varcorr()["variance"], strict=True))
    assert variances["Residual"] == pytest.approx(ms_residual, rel=1e-6)
    assert variances["school:klass"] == pytest.approx((ms_class - ms_residual) / pupils, rel=1e-6)
    assert variances["school"] == pytest.approx((ms_school - ms_class) / (pupils * classes), rel=1e-6)
    assert m.df.iloc[0] == pytest.approx(n_schools - 1, rel=1e-4)
    assert m.leverage().between(0, 1).all()


def test_slopes_in_many_schools() -> None:
    m = fit("y ~ x + (x | school) + (1 | school:klass)", schools(7_000, 2, 4, slope=0.5))
    assert m.converged
    assert m.trace.scaled_gradient < 1e-6
    sd = m.varcorr().query("group == 'school' and term1 == 'x' and term2.isna()")["sd_or_corr"]
    assert float(sd.iloc[0]) == pytest.approx(0.5, abs=0.03)


def test_many_crossed_levels_are_refused() -> None:
    draw = np.random.default_rng(0)
    data = pd.DataFrame({"y": draw.normal(size=40_000), "g": draw.integers(0, 9000, 40_000)})
    data["h"] = draw.integers(0, 8000, 40_000)
    with pytest.raises(FitError, match="at most 6,000"):
        fit("y ~ 1 + (1 | g) + (1 | h)", data)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("theta", [[0.7, 1.3], [0.0, 0.5], [2.0, 0.0]])
def test_exact_hessian_of_intercepts_by_differences_of_the_gradient(theta: list[float], reml: bool) -> None:
    prepared = prepare(fit("y ~ x + (1 | a/b)", small_data(), reml=reml).fit_result.design, reml=reml)
    assert isinstance(prepared.problem.crossing, Nesting)
    ahead, behind = ([prepared.at(np.array(theta) + step).gradient for step in s * np.eye(2)] for s in (1e-5, -1e-5))
    differences = (np.array(ahead) - np.array(behind)) / 2e-5
    exact = exact_hessian(prepared.at(np.array(theta)))
    np.testing.assert_allclose(exact, differences, rtol=0, atol=1e-6 * np.abs(differences).max())
