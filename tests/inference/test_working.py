"""Leverages and coefficients by group of generalized models against dense matrices of the working model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import mlm_widgets as mlm
from mlm_widgets.fitter import Fit
from mlm_widgets.inference import linear_predictor, working_weights
from tests.inference.told import generalized_table

CASES = {
    "poisson": ("count ~ x + z + offset(log(v)) + (x | g) + (1 | h)", "poisson", None),
    "trials": ("cbind(won, size - won) ~ x + (1 | g)", "binomial", "logit"),
    "double_bar": ("count ~ x + (x || g)", "poisson", None),
    "gamma": ("time ~ x + (1 | g/k)", "gamma", "log"),
    "probit": ("use ~ x + (x | g)", "binomial", "probit"),
}


def dense(fit: Fit, W: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """[X Z] and the inverse of [X Z]' W [X Z] + diag(0, Sigma^-1); Z level by level, effect by effect."""
    parts, precision = [fit.design.X], [np.zeros((len(fit.beta), len(fit.beta)))]
    for group in fit.groups:
        codes, Z = fit.design.codes[group.place], fit.design.Z[group.place]
        q, J = group.modes.shape
        full = np.zeros((len(codes), J * q))
        for a in range(q):
            full[np.arange(len(codes)), codes * q + a] = Z[:, a]
        parts.append(full)
        precision.append(np.kron(np.eye(J), np.linalg.inv(group.lam @ group.lam.T)))
    columns = np.hstack(parts)
    penalty = np.zeros((columns.shape[1], columns.shape[1]))
    start = 0
    for block in precision:
        own = slice(start, start := start + len(block))
        penalty[own, own] = block
    return columns, np.asarray(np.linalg.inv(columns.T @ (W[:, None] * columns) + penalty), dtype=np.float64)


@pytest.fixture(params=list(CASES))
def model(request: pytest.FixtureRequest) -> mlm.MixedModel:
    formula, family, link = CASES[request.param]
    return mlm.fit(formula, generalized_table("generalized"), family=family, link=link)


def test_leverages(model: mlm.MixedModel) -> None:
    W = working_weights(model.fit_result)
    columns, inverse = dense(model.fit_result, W)
    expected = W * np.einsum("ia,ab,ib->i", columns, inverse, columns)
    np.testing.assert_allclose(model.leverage(), expected, rtol=1e-6)


def test_coefficients_by_group(model: mlm.MixedModel) -> None:
    fit = model.fit_result
    _, inverse = dense(fit, working_weights(fit))
    p, group = len(fit.beta), fit.groups[0]
    q, J = group.modes.shape
    table = model.coef_by_group()
    own = table[table["group"] == group.grouping.name]
    intercepts = own[own["term"] == "Intercept"]
    np.testing.assert_allclose(intercepts["estimate"], fit.beta[0] + group.modes[0])
    places = p + q * np.arange(J)
    variance = inverse[0, 0] + 2 * inverse[0, places] + inverse[places, places]
    np.testing.assert_allclose(intercepts["se"] ** 2, variance, rtol=1e-6)


def test_weights_are_curvatures() -> None:
    """-d^2 log p / d eta^2 by differences of scores."""
    m = mlm.fit("cbind(won, size - won) ~ x + (1 | g)", generalized_table("generalized"), family="binomial")
    fit, step = m.fit_result, 1e-5
    eta = linear_predictor(fit)
    up, down = (fit.family.likelihood(eta + move, fit.design.y, fit.design.trials, 0.0).first for move in (step, -step))
    np.testing.assert_allclose(working_weights(fit), (up - down) / (2 * step), rtol=1e-6)


def test_expected_weights_where_a_curvature_is_negative() -> None:
    m = mlm.fit("rate ~ z + (1 | g)", generalized_table("generalized"), family="gamma", link="identity")
    assert np.all(working_weights(m.fit_result) > 0)
    assert np.all((m.leverage() > 0) & (m.leverage() < 1))


def test_a_level_for_each_row() -> None:
    """An observation-level random effect has no residual variance beside it, and needs none."""
    data = generalized_table("grouseticks")
    m = mlm.fit("TICKS ~ YEAR + (1 | BROOD) + (1 | INDEX)", data, family="poisson")
    assert len(m.coef_by_group()) > 0
    columns, inverse = dense(m.fit_result, W := working_weights(m.fit_result))
    np.testing.assert_allclose(m.leverage(), W * np.einsum("ia,ab,ib->i", columns, inverse, columns), rtol=1e-6)
    assert list(m.icc().by_group) == ["BROOD"]
