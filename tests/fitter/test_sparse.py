"""The sparse trailing block is the dense one: criterion, gradient, Hessian, modes and their covariances, anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import FitError, fit
from mlm_widgets.fitter import Prepared, elimination, prepare, sparse, trailing, trees
from mlm_widgets.fitter.crossing import build_crossing
from mlm_widgets.fitter.curvature import exact_hessian
from mlm_widgets.fitter.problem import Problem, rest_levels
from mlm_widgets.fitter.sparse_crossing import SparseCrossing
from mlm_widgets.inference.leverage import hat_values
from tests.fitter.dense import STRUCTURES, small_data

SAME = 1e-9  # relative: the same sums in another order
CROSSED = [name for name in STRUCTURES if "nested" in name or "cross" in name or "three" in name]
MORE = {
    "chain": "y ~ x + (1 | a / b / c)",
    "chain with slopes": "y ~ x + (x | a / b / c)",
    "chain, other terms at each level": "y ~ x + z + (x || a) + (1 | a:b) + (x + z | a:b:c)",
    "chain and crossed": "y ~ x + (1 | a / b / c) + (x | h)",
    "two chains": "y ~ x + (1 | a / b) + (1 | g / h)",
}


def data(seed: int = 0) -> pd.DataFrame:
    frame = small_data(seed, n=240)
    draw = np.random.default_rng(seed + 100)
    frame["c"] = draw.integers(0, 4, len(frame))
    frame["y"] += draw.normal(0, 0.8, 60)[frame.groupby(["a", "b", "c"]).ngroup()]
    return frame


def as_sparse(prepared: Prepared) -> Prepared:
    """The same problem by a sparse block, whatever that costs."""
    problem = prepared.problem
    assert problem.pairs is not None
    levels = rest_levels(problem.groupings, problem.lead)
    graph = trailing.meetings(problem.pairs, problem.A22, levels)
    plan = elimination.eliminate(levels, graph, np.inf)
    assert plan is not None
    return replace(prepared, problem=replace(problem, crossing=SparseCrossing(problem.pairs, problem.A22, plan)))


def as_dense(prepared: Prepared) -> Prepared:
    """The same problem by a dense block."""
    problem = prepared.problem
    assert problem.pairs is not None
    dense: Problem = replace(problem, crossing=build_crossing(problem.pairs, len(problem.W2)))
    return replace(prepared, problem=dense)


def n_lanes(prepared: Prepared) -> int:
    assert isinstance(prepared.problem.crossing, SparseCrossing)
    return sum(not stage.is_dense for stage in prepared.problem.crossing.plan.stages)


@pytest.fixture(params=["lanes", "fronts", "one front"])
def shapes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Lanes wherever they can be; or dense fronts, none merged, or all."""
    kind: str = request.param
    monkeypatch.setattr(elimination, "LEAST_LANES", 1 if kind == "lanes" else 10**9)
    monkeypatch.setattr(trees, "OVERHEAD", 1e12 if kind == "one front" else 0.0)
    monkeypatch.setattr(trees, "TRAFFIC", 0.0)
    return kind


@pytest.mark.parametrize("formula", [*(STRUCTURES[name] for name in CROSSED), *MORE.values()])
@pytest.mark.parametrize("reml", [True, False])
def test_sparse_and_dense_are_one(formula: str, reml: bool, shapes: str) -> None:
    prepared = prepare(fit(formula, data()).fit_result.design, reml=reml)
    ours, other = as_sparse(prepared), as_dense(prepared)
    if "/" in formula and shapes == "lanes":
        assert n_lanes(ours)
    draw = np.random.default_rng(3)
    k = sum(len(t.row) for t in prepared.problem.templates)
    for size in (1.0, 1.0, 1e-3, 0.0):
        theta = size * draw.normal(size=k)
        theta[draw.integers(k)] = 0.0
        mine, theirs = ours.at(theta), other.at(theta)
        assert mine.value == pytest.approx(theirs.value, rel=SAME)
        np.testing.assert_allclose(mine.gradient, theirs.gradient, rtol=1e-7, atol=SAME * np.abs(theirs.D[0]).max())
        np.testing.assert_allclose(mine.hessian, theirs.hessian, rtol=0, atol=SAME * np.abs(theirs.hessian).max())
        for f in range(len(mine.lams)):
            scale = float(np.abs(theirs.information[f]).max())
            np.testing.assert_allclose(mine.D[f], theirs.D[f], rtol=0, atol=SAME * scale)
            np.testing.assert_allclose(mine.modes[f], theirs.modes[f], rtol=0, atol=SAME)
        for own, their in zip(mine.mode_covariances(), theirs.mode_covariances(), strict=True):
            np.testing.assert_allclose(own, their, rtol=0, atol=SAME * max(np.abs(their).max(), 1e-12))
        np.testing.assert_allclose(hat_values(ours, mine), hat_values(other, theirs), rtol=0, atol=SAME)
    hessians = exact_hessian(ours.at(np.full(k, 0.4))), exact_hessian(other.at(np.full(k, 0.4)))
    np.testing.assert_allclose(*hessians, rtol=0, atol=1e-6 * np.abs(hessians[1]).max())


@pytest.mark.parametrize("name", ["crossed slopes", "nested and crossed"])
def test_information_with_and_without_division_by_lambda(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = as_sparse(prepare(fit(STRUCTURES[name], data()).fit_result.design))
    theta = np.full(sum(len(t.row) for t in prepared.problem.templates), 0.5)
    divided = prepared.at(theta).D
    monkeypatch.setattr(sparse, "WELL_SCALED", np.inf)
    for ours, other in zip(prepared.at(theta).D, divided, strict=True):
        np.testing.assert_allclose(ours, other, rtol=0, atol=SAME * 240)


def neighbours(n_first: int, n_second: int, rows: int) -> pd.DataFrame:
    """Two crossed factors; each level of the first meets a few of the second that lie together."""
    draw = np.random.default_rng(7)
    a = np.repeat(np.arange(n_first), rows)
    b = (a * n_second // n_first + draw.integers(0, 8, len(a))) % n_second
    x = draw.normal(size=len(a))
    y = 1 + 0.5 * x + draw.normal(size=n_first)[a] + draw.normal(0, 0.7, n_second)[b] + draw.normal(size=len(a))
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b})


def test_many_crossed_levels_that_meet_in_places() -> None:
    m = fit("y ~ x + (1 | a) + (x | b)", neighbours(20_000, 9_000, 4))
    assert m.converged
    assert m.trace.scaled_gradient < 1e-6
    crossing = m._prepared.problem.crossing
    assert isinstance(crossing, SparseCrossing)
    assert crossing.plan.n_entries < 0.05 * 18_000**2
    variances = dict(zip(m.varcorr()["group"], m.varcorr()["variance"], strict=True))
    assert variances["a"] == pytest.approx(1.0, abs=0.1)


def test_the_form_that_costs_less_is_chosen() -> None:
    near = prepare(fit("y ~ x + (1 | a) + (1 | b)", neighbours(2_000, 400, 6)).fit_result.design)
    assert isinstance(near.problem.crossing, SparseCrossing)
    data = neighbours(2_000, 400, 6)
    data["b"] = np.random.default_rng(0).permutation(data["b"])
    far = prepare(fit("y ~ x + (1 | a) + (1 | b)", data).fit_result.design)
    assert not isinstance(far.problem.crossing, SparseCrossing)
    for prepared in (near, far):
        theta = np.array([0.9, 0.6])
        assert as_sparse(prepared).at(theta).value == pytest.approx(as_dense(prepared).at(theta).value, rel=SAME)


def test_too_many_levels_for_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trailing, "_memory", lambda: 2.0**24)
    draw = np.random.default_rng(0)
    data = pd.DataFrame({"y": draw.normal(size=40_000), "g": draw.integers(0, 9000, 40_000)})
    data["h"] = draw.integers(0, 8000, 40_000)
    with pytest.raises(FitError, match=r"7,958 random effects .* about 2.8 GB of memory, and 0.0 GB may be used"):
        fit("y ~ 1 + (1 | g) + (1 | h)", data)
