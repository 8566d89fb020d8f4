"""Leverage, coefficients by group, conditional covariances, refits, simulations and searches by all optimisers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from mlm_widgets import DataError, FitOptions, MixedModel, OptionError, fit
from tests.fitter.dense import STRUCTURES, small_data
from tests.modelcache import fitted

EXACT = 1e-7  # relative to the largest: solutions of the same linear equations

structures = pytest.mark.parametrize("name", list(STRUCTURES))


def weighted_data() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    return small_data().assign(w=draw.uniform(0.2, 4, 110), o=draw.normal(0, 2, 110))


@cache
def model(name: str, reml: bool = True) -> MixedModel:
    return fit(STRUCTURES[name], weighted_data(), weights="w", offset="o", reml=reml)


def joint(m: MixedModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Henderson's equations with everything in full: (X, Z) by rows, their inverse / sigma^2, sizes of the blocks."""
    record = m.fit_result
    design = record.design
    parts, penalties = [design.X[:, record.kept]], [np.zeros((len(record.kept),) * 2)]
    for group in record.groups:
        q, J = group.modes.shape
        S = group.lam @ group.lam.T + 1e-10 * np.eye(q)
        Z = np.zeros((design.n_obs, J * q))
        for k in range(q):
            Z[np.arange(design.n_obs), design.codes[group.place] * q + k] = design.Z[group.place][:, k]
        parts.append(Z)
        penalties.append(np.kron(np.eye(J), np.linalg.inv(S)))
    T = np.hstack(parts)
    P = np.zeros((T.shape[1],) * 2)
    place = 0
    for penalty in penalties:
        P[place : place + len(penalty), place : place + len(penalty)] = penalty
        place += len(penalty)
    w = np.ones(design.n_obs) if design.weights is None else design.weights
    return T, np.linalg.inv((T.T * w) @ T + P), np.cumsum([0, *(part.shape[1] for part in parts)])


@structures
def test_leverage_is_the_hat_matrix_of_hendersons_equations(name: str) -> None:
    m = model(name)
    T, inverse, _ = joint(m)
    w = m.fit_result.design.weights
    expected = np.einsum("ia,ab,ib->i", T, inverse, T) * w
    np.testing.assert_allclose(m.leverage(), expected, rtol=0, atol=1e-6)


@structures
def test_leverage_is_the_derivative_of_the_fitted_value(name: str) -> None:
    """At the same theta: the modes are linear in y."""
    m = model(name)
    i = 17
    theta, prepared = m.fit_result.theta_centred, m._prepared
    y = m.fit_result.design.y

    def fitted_at(values: np.ndarray) -> float:
        ready = prepared.with_outcome(values)
        point, scaling = ready.at(theta), ready.problem.scaling
        design = ready.design
        total = design.X[i, m.fit_result.kept] @ (scaling.to_user @ point.beta + scaling.shift)
        for f, template in enumerate(ready.problem.templates):
            modes = scaling.y_scale * np.linalg.inv(template.H) @ point.modes[f]
            place = ready.problem.source[f]
            total += design.Z[place][i] @ modes[:, design.codes[place][i]]
        return float(total)

    step = np.zeros(len(y))
    step[i] = 1.0
    slope = fitted_at(y + step) - fitted_at(y)
    assert m.leverage().iloc[i] == pytest.approx(slope, abs=1e-8)


@structures
def test_coefficients_and_their_errors_are_those_of_hendersons_equations(name: str) -> None:
    m = model(name)
    if not len(m.params):
        pytest.skip("no fixed effects")
    _, inverse, sizes = joint(m)
    table = m.coef_by_group()
    ranef = m.ranef()
    for f, group in enumerate(m.fit_result.groups):
        own = table[table["group"] == group.grouping.name]
        q = len(group.grouping.names)
        for row in own.iloc[:: max(1, len(own) // 23)].itertuples():
            pick = np.zeros(len(inverse))
            estimate = 0.0
            if row.term in m.params.index:
                pick[list(m.params.index).index(row.term)] = 1
                estimate += float(m.params.loc[str(row.term)])
            if row.term in group.grouping.names:
                level = group.grouping.levels.index(row.level)
                pick[sizes[f + 1] + level * q + group.grouping.names.index(row.term)] = 1
                mine = ranef[
                    (ranef["group"] == row.group) & (ranef["level"] == row.level) & (ranef["term"] == row.term)
                ]
                estimate += float(mine["estimate"].iloc[0])
            assert row.estimate == pytest.approx(estimate, rel=1e-12)
            assert row.se == pytest.approx(m.sigma * np.sqrt(pick @ inverse @ pick), rel=1e-4)


def test_a_coefficient_that_does_not_vary_has_its_own_standard_error() -> None:
    m = model("intercepts")
    x = m.coef_by_group().query("term == 'x'")
    np.testing.assert_allclose(x["estimate"], m.params["x"])
    np.testing.assert_allclose(x["se"], m.bse["x"], rtol=1e-10)


@structures
def test_conditional_covariances_hold_the_standard_errors_of_the_modes(name: str) -> None:
    m = model(name)
    for group, n in m.n_groups.items():
        found = m.ranef_cov(group)
        q = len(found.terms)
        assert found.values.shape == (n, q, q)
        se = m.ranef().query("group == @group").pivot(index="level", columns="term", values="se")
        ours = np.sqrt(np.einsum("jaa->ja", found.values))
        np.testing.assert_allclose(ours, se.loc[list(found.levels), list(found.terms)], atol=1e-10)
    if len(m.n_groups) > 1:
        with pytest.raises(OptionError, match="several grouping factors"):
            m.ranef_cov()


@structures
@pytest.mark.parametrize("reml", [True, False])
def test_a_refit_is_a_fit(name: str, reml: bool) -> None:
    data, m = weighted_data(), model(name, reml)
    y = m.simulate(seed=4)["sim_1"]
    ours = m.refit(y)
    other = fit(STRUCTURES[name], data.assign(y=y), weights="w", offset="o", reml=reml)
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-8)
    np.testing.assert_allclose(ours.params, other.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=0, atol=1e-5)
    again = ours.refit(data["y"])
    assert again.criterion == pytest.approx(m.criterion, abs=1e-8)
    assert m.fit_result.design.y is not ours.fit_result.design.y


def test_a_refit_has_its_own_outcome() -> None:
    m = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    y = np.array(m.simulate(seed=1)["sim_1"])
    ours = m.refit(y, options=FitOptions(start=m.theta))
    np.testing.assert_array_equal(ours.data["Reaction"], y)
    np.testing.assert_allclose(ours.fittedvalues + ours.resid(), y)
    y[0] = 1e9
    assert ours.data["Reaction"].iloc[0] < 1e4
    assert ours.null is not None
    assert ours.null.fit_result.design.y[3] == y[3]


@pytest.mark.parametrize("y", [np.zeros(3), np.full(180, np.nan), ["a"] * 180, 3.0, np.zeros((180, 2))])
def test_outcomes_that_cannot_be_refitted(y: object) -> None:
    m = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    with pytest.raises(DataError, match="180 finite numbers"):
        m.refit(y)
    with pytest.raises(DataError, match="constant"):
        m.refit(np.ones(180))
    with pytest.raises(DataError, match="labels"):
        m.refit(pd.Series(np.arange(180.0), index=np.arange(1, 181)))


def test_simulations_have_the_models_mean_and_covariance() -> None:
    m = model("crossed slopes")
    record = m.fit_result
    design, sigma = record.design, m.sigma
    sims = m.simulate(20_000, seed=3).to_numpy()
    assert design.weights is not None
    V = np.diag(1 / design.weights)
    for group in record.groups:
        half, codes = design.Z[group.place] @ group.lam, design.codes[group.place]
        V += (half @ half.T) * (codes[:, None] == codes)
    V *= sigma**2
    mean = np.asarray(m.predict(random="none"))
    np.testing.assert_allclose((sims.mean(axis=1) - mean) / np.sqrt(np.diag(V) / 20_000), 0, atol=5)
    spread = np.sqrt((np.outer(np.diag(V), np.diag(V)) + V**2) / 20_000)
    np.testing.assert_allclose((np.cov(sims) - V) / spread, 0, atol=6)
    held = m.simulate(20_000, seed=3, random="conditional").to_numpy()
    own = sigma / np.sqrt(design.weights)
    np.testing.assert_allclose((held.mean(axis=1) - m.fittedvalues) / own * np.sqrt(20_000), 0, atol=5)
    np.testing.assert_allclose(held.std(axis=1) / own, 1, atol=0.03)


def test_the_same_seed_gives_the_same_numbers() -> None:
    m = model("slopes")
    assert m.simulate(3, seed=1).equals(m.simulate(3, seed=1))
    assert not m.simulate(3, seed=1).equals(m.simulate(3, seed=2))
    assert list(m.simulate(2).columns) == ["sim_1", "sim_2"]
    assert m.simulate(1).index.equals(m.fittedvalues.index)
    for settings in ({"n": 0}, {"n": 1.5}, {"random": "old"}):
        with pytest.raises(OptionError):
            m.simulate(**settings)


@pytest.mark.parametrize("name", ["intercepts", "slopes", "no correlations", "crossed slopes"])
def test_all_fits_agree(name: str) -> None:
    found = model(name).all_fits()
    assert found.agrees
    assert "agree" in found.sentence
    table = found.table
    assert list(table.columns) == [
        "optimiser", "start", "criterion", "difference", "theta", "evaluations", "time_ms", "scaled_gradient",
        "converged", "agrees",
    ]  # fmt: skip
    assert set(table["optimiser"]) == {"newton", "bfgs", "nelder-mead"}
    assert table["converged"].all()
    assert table["difference"].min() == 0
    assert (table["evaluations"] > 0).all()
    for theta in table["theta"]:
        np.testing.assert_allclose(theta, model(name).theta, rtol=0, atol=1e-3)
    assert found.sentence in repr(found)
    assert "<table" in found._repr_html_()


def test_searches_that_end_early_do_not_agree() -> None:
    m = model("slopes")
    found = m.all_fits(["newton", "nelder-mead"], max_evaluations=3)
    assert not found.agrees
    assert "not " in found.sentence
    assert not found.table["converged"].all()
    assert set(m.all_fits("newton").table["optimiser"]) == {"newton"}
    with pytest.raises(mlm.OptionError, match="optimisers"):
        m.all_fits(["lbfgs"])
