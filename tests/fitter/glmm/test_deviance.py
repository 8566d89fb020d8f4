"""The deviance of generalized models: Laplace against dense matrices, quadrature against brute force, gradients."""

from collections.abc import Callable

import numpy as np
import pytest

from mlm_widgets.families import FAMILIES
from mlm_widgets.fitter.glmm import hessian
from mlm_widgets.fitter.glmm.search import Objective, differences
from tests.fitter.glmm.designs import (
    CROSSED,
    ONE_FACTOR,
    SLOPES,
    STRUCTURES,
    THREE,
    Floats,
    Structure,
    arrays_of,
    brute_deviance,
    dense_laplace,
    five_point_gradient,
    parameters_of,
)

VALUE = 1e-9  # relative
GRADIENT = 2e-7  # what differences of fourth order can tell
INTEGRAL = 2e-7  # 30 nodes, on the cases here

CASES = [(family.name, link) for family in FAMILIES.values() for link in family.links]


@pytest.mark.parametrize(("name", "link"), CASES)
def test_laplace_against_dense_matrices(name: str, link: str) -> None:
    arrays = arrays_of(name, link, CROSSED)
    parameters = parameters_of(arrays)
    point = Objective(arrays, 1, 100).at(parameters)
    assert point.value == pytest.approx(dense_laplace(arrays, parameters), rel=VALUE)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
@pytest.mark.parametrize("is_dense", [True, False])
def test_structures_against_dense_matrices(
    structure: Structure, is_dense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hessian, "DENSE", 10**9 if is_dense else 0)
    monkeypatch.setattr(hessian, "SLAB", 100)
    arrays = arrays_of("poisson", None, structure, with_weights=True, with_offset=True)
    parameters = parameters_of(arrays)
    objective = Objective(arrays, 1, 10_000)
    if objective.pattern is not None and not is_dense:
        objective.pattern.is_dense = False
    point = objective.at(parameters)
    assert point.value == pytest.approx(dense_laplace(arrays, parameters), rel=VALUE)
    expected = five_point_gradient(lambda x: objective.at(x).value, parameters)
    np.testing.assert_allclose(point.gradient, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


@pytest.mark.parametrize(("name", "link"), CASES)
def test_gradient(name: str, link: str) -> None:
    arrays = arrays_of(name, link, SLOPES)
    parameters = parameters_of(arrays)
    objective = Objective(arrays, 1, 10_000)
    expected = five_point_gradient(lambda x: objective.at(x).value, parameters)
    found = objective.at(parameters).gradient
    np.testing.assert_allclose(found, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("structure", [SLOPES, THREE], ids=str)
def test_hessian_by_differences_of_the_gradient(name: str, structure: Structure) -> None:
    arrays = arrays_of(name, None, structure)
    parameters = parameters_of(arrays)
    objective = Objective(arrays, 1, 10_000)
    point = objective.at(parameters)
    found = differences(objective, point, np.eye(len(parameters)) * len(arrays.y))

    def slope(k: int) -> Callable[[Floats], float]:
        return lambda x: float(objective.at(x).gradient[k])

    expected = np.array([five_point_gradient(slope(k), parameters) for k in range(len(parameters))])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "link"), CASES)
def test_quadrature_against_brute_force(name: str, link: str) -> None:
    arrays = arrays_of(name, link, ONE_FACTOR, n=150)
    parameters = parameters_of(arrays)
    expected = brute_deviance(arrays, parameters)
    assert Objective(arrays, 30, 100).at(parameters).value == pytest.approx(expected, rel=INTEGRAL)


@pytest.mark.parametrize("name", ["binomial", "poisson", "gamma", "negative_binomial", "beta"])
def test_more_nodes_come_nearer(name: str) -> None:
    arrays = arrays_of(name, None, ONE_FACTOR, n=150)
    parameters = parameters_of(arrays)
    expected = brute_deviance(arrays, parameters)
    errors = [abs(Objective(arrays, n, 100).at(parameters).value - expected) for n in (1, 5, 15)]
    assert errors[0] > 3 * errors[1]
    assert errors[2] < max(errors[1], 1e-9)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("n_agq", [2, 3, 11])
def test_gradient_of_quadrature(name: str, n_agq: int) -> None:
    arrays = arrays_of(name, None, ONE_FACTOR, with_weights=True, with_offset=True)
    parameters = parameters_of(arrays)
    objective = Objective(arrays, n_agq, 10_000)
    expected = five_point_gradient(lambda x: objective.at(x).value, parameters)
    found = objective.at(parameters).gradient
    np.testing.assert_allclose(found, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


def test_one_node_is_laplace() -> None:
    from mlm_widgets.fitter.glmm.laplace import LaplacePoint
    from mlm_widgets.fitter.glmm.quadrature import QuadraturePoint

    arrays = arrays_of("binomial", "cloglog", ONE_FACTOR)
    modes = Objective(arrays, 1, 100).at(parameters_of(arrays)).modes
    laplace, quadrature = LaplacePoint(modes), QuadraturePoint(modes, 1)
    assert quadrature.value == pytest.approx(laplace.value, rel=1e-13)
    np.testing.assert_allclose(quadrature.gradient, laplace.gradient, rtol=1e-9, atol=1e-9)
