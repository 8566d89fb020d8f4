"""Fits agree with the textbook's n x n matrices, for every structure of random effects, by REML and by ML."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.fitter import prepare
from mlm_widgets.fitter.criterion import evaluate
from mlm_widgets.fitter.curvature import exact_hessian
from mlm_widgets.fitter.problem import Problem
from tests.fitter.dense import STRUCTURES, dense_of, derivatives, lams_of, small_data

CRITERION = 1e-8  # relative: both are sums of about a hundred logarithms in double precision
EXACT = 1e-6  # relative to the largest entry: solutions of the same normal equations, V of condition up to 1e4
GRADIENT = 1e-6  # relative to the largest entry: differences with errors of step^4 = 1e-12 and rounding of 1e-13 / step
HESSIAN = 1e-5  # the same, with rounding of 1e-13 / step^2
OPTIMUM = 1e-8  # how far below the fitted criterion another theta may be: rounding
DF = 1e-3  # relative: second differences

ALL = [(name, reml) for name in STRUCTURES for reml in (True, False)]
IDS = [f"{name}, {'REML' if reml else 'ML'}" for name, reml in ALL]
cases = pytest.mark.parametrize(("name", "reml"), ALL, ids=IDS)


@cache
def model(name: str, reml: bool, seed: int = 0) -> MixedModel:
    return fit(STRUCTURES[name], small_data(seed), reml=reml)


@cache
def problem(name: str, reml: bool) -> Problem:
    return prepare(model(name, reml).fit_result.design, reml=reml).problem


@cases
def test_criterion_at_the_optimum(name: str, reml: bool) -> None:
    m = model(name, reml)
    assert m.converged
    assert m.criterion == pytest.approx(dense_of(m).criterion, rel=CRITERION)


@cases
def test_criterion_anywhere(name: str, reml: bool) -> None:
    """At random theta, in the fitter's own centred coordinates: b = H^-1 b_c, lambda = H^-1 lambda_c."""
    m, own = model(name, reml), problem(name, reml)
    scaling = own.scaling
    constant = 2 * own.degrees * np.log(scaling.y_scale) + 2 * scaling.log_scale_x * reml
    draw = np.random.default_rng(1)
    for size in (0.2, 1.0, 5.0):
        theta = size * draw.normal(size=sum(len(t.row) for t in own.templates))
        point = evaluate(own, theta)
        lams = [np.linalg.inv(t.H) @ lam for t, lam in zip(own.templates, point.lams, strict=True)]
        assert point.value + constant == pytest.approx(dense_of(m, lams).criterion, rel=CRITERION)


@cases
def test_gradient_and_hessian_are_those_of_the_criterion(name: str, reml: bool) -> None:
    own = problem(name, reml)
    theta = 0.4 + 0.4 * np.random.default_rng(2).normal(size=sum(len(t.row) for t in own.templates))
    point = evaluate(own, theta)
    gradient, hessian = derivatives(lambda x: evaluate(own, x).value, theta)
    np.testing.assert_allclose(point.gradient, gradient, rtol=0, atol=GRADIENT * np.abs(gradient).max())
    np.testing.assert_allclose(exact_hessian(point), hessian, rtol=0, atol=HESSIAN * np.abs(hessian).max())


@cases
def test_gradient_at_singular_theta(name: str, reml: bool) -> None:
    """Nothing is divided by lambda: theta of zero, and a last diagonal of zero."""
    own = problem(name, reml)
    k = sum(len(t.row) for t in own.templates)
    for theta in (np.zeros(k), np.append(np.full(k - 1, 0.5), 0.0)):
        gradient, _ = derivatives(lambda x: evaluate(own, x).value, theta)
        scale = max(1.0, float(np.abs(gradient).max()))
        np.testing.assert_allclose(evaluate(own, theta).gradient, gradient, rtol=0, atol=GRADIENT * scale)


@cases
def test_no_other_theta_is_better(name: str, reml: bool) -> None:
    m = model(name, reml)
    draw = np.random.default_rng(3)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(12):
            theta = m.theta + size * draw.normal(size=len(m.theta)) * np.maximum(np.abs(m.theta), 0.1)
            assert dense_of(m, lams_of(m, theta)).criterion > m.criterion - OPTIMUM


@cases
def test_theta_is_that_of_the_factors(name: str, reml: bool) -> None:
    m = model(name, reml)
    for ours, group in zip(lams_of(m, m.theta), m.fit_result.groups, strict=True):
        np.testing.assert_allclose(ours, group.lam, rtol=0, atol=0)
        assert (np.diag(ours) >= 0).all()


@cases
def test_fixed_effects_are_generalised_least_squares(name: str, reml: bool) -> None:
    m = model(name, reml)
    dense = dense_of(m)
    assert m.sigma == pytest.approx(dense.sigma, rel=EXACT)
    if len(m.params) == 0:
        return
    np.testing.assert_allclose(m.params, dense.beta, rtol=EXACT, atol=EXACT * np.abs(dense.beta).max())
    covariance = dense.sigma**2 * np.linalg.inv(dense.XtVX)
    np.testing.assert_allclose(m.cov_params(), covariance, rtol=EXACT, atol=EXACT * np.abs(covariance).max())


@cases
def test_modes_and_their_covariances(name: str, reml: bool) -> None:
    m = model(name, reml)
    dense = dense_of(m)
    for f, group in enumerate(m.fit_result.groups):
        modes = dense.modes(f)
        np.testing.assert_allclose(group.modes.T, modes, rtol=0, atol=EXACT * np.abs(modes).max())
        q, J = group.modes.shape
        blocks = dense.mode_covariance(f).reshape(J, q, J, q)
        expected = np.array([blocks[j, :, j, :] for j in range(J)])
        ours = group.mode_covariance.transpose(2, 0, 1)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=EXACT * np.abs(expected).max())


@cases
def test_fitted_values(name: str, reml: bool) -> None:
    m = model(name, reml)
    dense = dense_of(m)
    fitted = dense.X @ dense.beta + sum(Z @ dense.modes(f).ravel() for f, Z in enumerate(dense.Z))
    np.testing.assert_allclose(m.fittedvalues, fitted, rtol=0, atol=EXACT * np.abs(fitted).max())
    np.testing.assert_allclose(m.resid(), dense.y - fitted, rtol=0, atol=EXACT * np.abs(fitted).max())


@cases
def test_satterthwaite_by_differences(name: str, reml: bool) -> None:
    """lmerTest's recipe: numerical derivatives in (theta, sigma) of deviance and cov(beta), df = 2 v^2 / g'Ag."""
    m = model(name, reml)
    if m.is_singular or len(m.params) == 0:
        pytest.skip("on the boundary the deviance has no second derivative to trust")
    here = np.append(m.theta, m.sigma)
    _, hessian = derivatives(lambda v: dense_of(m, lams_of(m, v[:-1])).deviance(v[-1]), here)
    slopes, _ = derivatives(lambda v: v[-1] ** 2 * np.linalg.inv(dense_of(m, lams_of(m, v[:-1])).XtVX), here)
    A = 2 * np.linalg.inv(hessian)
    for k, ours in enumerate(m.df):
        g = slopes[:, k, k]
        expected = 2 * m.bse.iloc[k] ** 4 / float(g @ A @ g)
        assert ours == pytest.approx(expected, rel=DF)


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize(
    "name", ["slopes", "no correlations", "nested slopes", "crossed slopes", "three factors with slopes"]
)
def test_optimum_on_noise(name: str, seed: int) -> None:
    """An outcome without group effects: most fits end on the boundary, and none may end above another theta."""
    data = small_data(seed)
    data["y"] = np.random.default_rng(seed).normal(size=len(data)) + 0.3 * data["x"]
    m = fit(STRUCTURES[name], data)
    assert m.converged
    draw = np.random.default_rng(seed)
    assert m.criterion == pytest.approx(dense_of(m).criterion, rel=CRITERION)
    for size in (1e-2, 0.1, 0.5):
        for _ in range(15):
            theta = m.theta + size * draw.normal(size=len(m.theta))
            assert dense_of(m, lams_of(m, theta)).criterion > m.criterion - OPTIMUM


def test_no_warning_of_numpy_is_raised_by_a_fit() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(STRUCTURES["crossed slopes"], small_data(4)).summary()
