"""Optimisers, start values, convergence in scaled terms, and certificates of singular fits."""

from __future__ import annotations

import numpy as np
import pytest

from mlm_widgets import FitOptions, MixedModel, OptionError, fit
from mlm_widgets.fitter import OPTIMISERS, prepare
from mlm_widgets.fitter.certificate import certified, inside_of
from tests.fitter.dense import STRUCTURES, dense_of, small_data
from tests.modelcache import fitted

CRITERION = 1e-7  # absolute: what scipy's optimisers may leave of a criterion of some hundreds
SCALED_GRADIENT = 1e-6  # in units of the criterion's square root

names = pytest.mark.parametrize("name", list(STRUCTURES))


def noise(seed: int, name: str) -> MixedModel:
    """An outcome without group effects: most fits end on the boundary."""
    data = small_data(seed)
    data["y"] = np.random.default_rng(seed).normal(size=len(data)) + 0.3 * data["x"]
    return fit(STRUCTURES[name], data)


@names
@pytest.mark.parametrize("optimiser", [name for name in OPTIMISERS if name != "newton"])
def test_optimisers_agree(name: str, optimiser: str) -> None:
    data = small_data()
    other = fit(STRUCTURES[name], data)
    if optimiser == "nelder-mead" and len(other.theta) > 4:
        pytest.skip("a simplex of many vertices takes thousands of evaluations")
    ours = fit(STRUCTURES[name], data, options=FitOptions(optimiser=optimiser, max_evaluations=5000))  # type: ignore[arg-type]
    assert ours.trace.optimiser == optimiser
    assert ours.converged
    assert ours.criterion == pytest.approx(other.criterion, abs=CRITERION)
    assert ours.is_singular == other.is_singular


@names
def test_a_start_at_the_optimum_ends_there(name: str) -> None:
    """Theta on lme4's scale, in and out: with `||`, shifted columns and weights too."""
    data = small_data().assign(w=np.linspace(0.5, 300, 110))
    other = fit(STRUCTURES[name], data, weights="w")
    ours = fit(STRUCTURES[name], data, weights="w", options=FitOptions(start=other.theta))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-9)
    assert ours.trace.n_evaluations <= 4
    prepared = prepare(other.fit_result.design)
    assert prepared.at(ours.trace.steps[0][0]).value == pytest.approx(ours.trace.steps[0][1], abs=1e-9)


@pytest.mark.parametrize("size", [0.01, 1.0, 30.0])
@names
def test_other_starts_end_at_the_same_optimum(name: str, size: float) -> None:
    data = small_data()
    other = fit(STRUCTURES[name], data)
    start = size * np.where(other.theta == 0, 0.1, 1.0)
    assert fit(STRUCTURES[name], data, options=FitOptions(start=start)).criterion == pytest.approx(
        other.criterion, abs=1e-6
    )


@names
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_scaled_gradient_and_certificate(name: str, seed: int) -> None:
    for m in (fit(STRUCTURES[name], small_data(seed)), noise(seed, name)):
        assert m.converged
        assert m.trace.scaled_gradient < SCALED_GRADIENT
        assert m.trace.least_curvature > -1e-6
        assert m.fit_result.certificate is not None
        assert m.fit_result.certificate.holds


@pytest.mark.parametrize("name", ["slopes", "two slopes", "crossed slopes", "no correlations"])
def test_certificate_of_a_singular_fit_by_brute_force(name: str) -> None:
    """No covariance matrix in any direction that keeps S positive semi-definite has a lower criterion."""
    m = next(m for m in (noise(seed, name) for seed in range(1, 20)) if m.is_singular)
    lams = [group.lam for group in m.fit_result.groups]
    draw = np.random.default_rng(0)
    for size in (1e-6, 1e-4, 1e-2):
        for _ in range(20):
            wider = []
            for group, lam in zip(m.fit_result.groups, lams, strict=True):
                S = lam @ lam.T
                for block in group.grouping.blocks:
                    own = np.ix_(block.columns, block.columns)
                    half = draw.normal(size=(len(block.columns), 1))
                    S[own] += size * half @ half.T
                wider.append(np.linalg.cholesky(S + 1e-14 * np.eye(len(S))))
            assert dense_of(m, wider).criterion > m.criterion - 1e-8


def test_a_stationary_point_that_is_no_minimum_has_no_certificate() -> None:
    """At theta = 0 the gradient in theta is zero, whatever the data say."""
    design = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").fit_result.design
    prepared = prepare(design)
    point = prepared.at(np.zeros(3))
    assert np.abs(point.gradient).max() == 0
    assert not certified(point).holds
    beside, tried = inside_of(point)
    assert beside is not None
    assert tried >= 1
    assert prepared.at(beside).value < point.value
    m = fit("Reaction ~ Days + (Days | Subject)", fitted_data(), options=FitOptions(start=[0, 0, 0]))
    assert m.criterion == pytest.approx(fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").criterion, abs=1e-8)


def fitted_data() -> object:
    return fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").data


def test_findings_say_that_a_boundary_is_certified() -> None:
    m = next(m for m in (noise(seed, "slopes") for seed in range(1, 20)) if m.is_singular)
    assert m.state == "boundary"
    assert any("certified optimum on the boundary" in finding.message for finding in m.findings)


def test_a_variance_of_zero_is_zero() -> None:
    m = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    assert m.theta.tolist() == [0.0]
    assert not m.ranef()["estimate"].any()


def test_tolerance_of_what_is_called_singular() -> None:
    data = small_data()
    formula = "y ~ x + (1 | g)"
    assert not fit(formula, data).is_singular
    assert fit(formula, data, options=FitOptions(singular_tolerance=50)).is_singular


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimiser": "bfg"}, "Did you mean 'bfgs'"), ({"optimiser": None}, "must be one of"),
        ({"start": []}, "list of finite"), ({"start": [1, np.nan]}, "list of finite"),
        ({"start": "abc"}, "list of finite"), ({"start": 1}, "list of finite"),
        ({"singular_tolerance": 0}, "above 0"), ({"tolerance": True}, "above 0"),
        ({"max_evaluations": True}, "whole number"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        FitOptions(**settings)  # type: ignore[arg-type]


def test_a_start_of_another_length_is_refused() -> None:
    with pytest.raises(OptionError, match="has 2 values, but the model has 4 variance parameters: 3 of g, 1 of h"):
        fit("y ~ x + (x | g) + (1 | h)", small_data(), options=FitOptions(start=[1, 1]))
