"""The order in which correlated effects are factored changes how the search goes, not what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.designs import random_design
from mlm_widgets import FitOptions, fit
from mlm_widgets.fitter import prepare
from mlm_widgets.fitter.charts import Chart, good_order
from tests.fitter.dense import STRUCTURES, small_data

MOST = 15  # evaluations; in the order of the formula these took 80, 42, 41 and 31


@pytest.mark.parametrize("name", ["slopes", "two slopes", "no correlations", "crossed slopes", "factor as slope"])
def test_any_order_is_the_same_criterion(name: str) -> None:
    problem = prepare(fit(STRUCTURES[name], small_data()).fit_result.design).problem
    draw = np.random.default_rng(3)
    theta = draw.normal(size=sum(len(t.row) for t in problem.templates))
    orders = tuple(tuple(tuple(range(p.width))[::-1] for p in t.parts) for t in problem.templates)
    chart, natural = Chart.of(problem, orders), Chart.natural(problem)
    x = chart.own(theta)
    ours, other = chart.at(x), natural.at(theta)
    assert ours.value == pytest.approx(other.value, rel=1e-13)
    assert natural.at(chart.theta(x)).value == pytest.approx(other.value, rel=1e-13)
    for step in 1e-5 * np.eye(len(x)):
        slope = (chart.at(x + step).value - chart.at(x - step).value) / 2e-5
        assert ours.gradient @ step == pytest.approx(1e-5 * slope, rel=1e-4, abs=1e-8)


def test_a_small_variance_is_not_factored_first() -> None:
    assert good_order(np.array([[0.01, 0.0], [0.1, 0.7]]), (0, 1)) == (1, 0)
    assert good_order(np.array([[0.7, 0.0], [0.1, 0.01]]), (0, 1)) == (0, 1)
    assert good_order(np.array([[0.6, 0.0], [0.1, 0.7]]), (1, 0)) == (1, 0)
    assert good_order(np.zeros((3, 3)), (2, 0, 1)) == (2, 0, 1)


@pytest.mark.parametrize("seed", [132, 40, 202, 97])
def test_searches_that_end_on_the_boundary_are_short(seed: int) -> None:
    design = random_design(seed)
    m = fit(design.formula, design.frame, reml=design.reml)
    assert m.state == "boundary"
    assert m.trace.n_evaluations <= MOST
    assert m.fit_result.certificate is not None
    assert m.fit_result.certificate.holds
    assert m.trace.scaled_gradient < 1e-6
    other = fit(design.formula, design.frame, reml=design.reml, options=FitOptions(optimiser="bfgs"))
    assert m.criterion <= other.criterion + 1e-9


def test_steps_are_told_in_the_coordinates_of_the_formula() -> None:
    design = random_design(40)
    m = fit(design.formula, design.frame, reml=design.reml)
    prepared = prepare(m.fit_result.design, reml=design.reml)
    values = [value for _, value in m.trace.steps]
    assert values == sorted(values, reverse=True)
    np.testing.assert_allclose([prepared.at(theta).value for theta, _ in m.trace.steps], values, rtol=1e-12)
