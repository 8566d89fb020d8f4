"""The search for theta: from a start to an optimum that is one, on the boundary too."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter.certificate import inside_of
from mlm_widgets.fitter.charts import newton_search
from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.curvature import exact_hessian
from mlm_widgets.fitter.newton import ROUNDING, Search, newton_decrement
from mlm_widgets.fitter.optimisers import by_scipy
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.start import moment_start

__all__ = ["least_curvature", "search_theta", "theta_of_user"]

Floats = npt.NDArray[np.float64]

RESTARTS = 4
NEAR = 1e-6  # decrement from which a step by the exact Hessian leads to the optimum
MOST_POLISHING = 3  # steps
POLISHED = 1e-7  # scaled gradient, well below what any result shows
ZERO = 1e-6  # a standard deviation that changes the criterion by its square, 1e-12
LARGE = 1e-2  # scaled gradient above which a single step would not do
CHEAP = 500  # random effects beside the leading factor's: an exact Hessian takes a millisecond
SADDLE = -1e-6  # least curvature relative to the largest: below, the point is no minimum


def search_theta(problem: Problem, options: FitOptions) -> tuple[Search[Evaluation], Floats]:
    """The search and the exact Hessian at its end.

    Where a search stopped on a boundary that is no minimum (theta_jj = 0 is always stationary), or at a saddle, it is
    taken up again from beside.
    """
    start = moment_start(problem) if options.start is None else theta_of_user(problem, np.array(options.start))
    search, hessian = _optimised(problem, start, options)
    n_evaluations = search.n_evaluations
    for _ in range(RESTARTS):
        if n_evaluations >= options.max_evaluations:
            break
        beside, tried = inside_of(search.point)
        if beside is None:
            beside, more = _off_saddle(search, hessian)
            tried += more
        n_evaluations += tried
        if beside is None or n_evaluations >= options.max_evaluations:
            break
        left = replace(options, max_evaluations=options.max_evaluations - n_evaluations)
        again, again_hessian = _optimised(problem, beside, left)
        n_evaluations += again.n_evaluations
        if again.point.value >= search.point.value:
            break
        search, hessian = again, again_hessian
    search = replace(search, n_evaluations=n_evaluations)
    return (_with_zeros(search) if search.converged else search), hessian


def _optimised(problem: Problem, start: Floats, options: FitOptions) -> tuple[Search[Evaluation], Floats]:
    """A search from `start`, and the exact Hessian at its end.

    By average information a search only comes near: the exact Hessian, which is needed anyway, makes the last steps.
    """
    if options.optimiser != "newton":
        return _polished(by_scipy(partial(evaluate, problem), start, options))
    if problem.crossing is None:
        return _polished(newton_search(problem, start, options))
    near = newton_search(problem, start, replace(options, tolerance=max(options.tolerance, NEAR)), is_final=False)
    search, hessian = _polished(near)
    if not search.converged or search.decrement <= options.tolerance:
        return search, hessian
    left = replace(options, max_evaluations=max(1, options.max_evaluations - search.n_evaluations))
    again = newton_search(problem, search.x, left)  # along a flat valley
    again = replace(again, n_evaluations=search.n_evaluations + again.n_evaluations, trace=search.trace + again.trace)
    return _polished(again)


def _with_zeros(search: Search[Evaluation]) -> Search[Evaluation]:
    """Uncorrelated effects whose standard deviation a search brought near to zero have none: it cannot end there."""
    problem = search.point.problem
    parts = [part for template in problem.templates for part in template.parts]
    is_alone = np.concatenate([np.full(len(part.row), part.width == 1) for part in parts])
    is_zero = is_alone & (search.x != 0) & (np.abs(search.x) < ZERO)
    if not is_zero.any():
        return search
    x = np.where(is_zero, 0.0, search.x)
    point = evaluate(problem, x)
    if point.value > search.point.value + ROUNDING * abs(search.point.value):
        return search
    return replace(search, x=x, point=point, n_evaluations=search.n_evaluations + 1)


def _polished(search: Search[Evaluation]) -> tuple[Search[Evaluation], Floats]:
    """The exact Hessian, and steps by it where the search went by an approximation and left a gradient.

    A step is so short that the Hessian changes nearly as the average information does: degrees of freedom move by some
    1e-5. Where the Hessian costs little it is made again at the end.
    """
    hessian = exact_hessian(search.point)
    first = search.point
    for _ in range(MOST_POLISHING if search.converged else 0):
        values, vectors = np.linalg.eigh(hessian)
        is_curved = values > POLISHED * values.max(initial=0.0)
        inner = vectors[:, is_curved].T @ search.point.gradient
        left = float(inner @ (inner / values[is_curved]))
        if not POLISHED < np.sqrt(left) < LARGE:
            break
        x = search.x - vectors[:, is_curved] @ (inner / values[is_curved])
        point = evaluate(search.point.problem, x)
        if point.value > search.point.value + ROUNDING * abs(search.point.value):
            break
        hessian = hessian + (point.hessian - search.point.hessian)
        search = replace(search, x=x, point=point, n_evaluations=search.n_evaluations + 1)
        search = replace(search, decrement=newton_decrement(point, x))
    if search.point is not first and len(search.point.problem.W2) <= CHEAP:
        hessian = exact_hessian(search.point)
    return search, hessian


def _off_saddle(search: Search[Evaluation], hessian: Floats) -> tuple[Floats | None, int]:
    """A lower point along the direction of negative curvature, where there is one; how many points were tried."""
    if not search.converged or not len(search.x) or least_curvature(hessian) >= SADDLE:
        return None, 0
    _, vectors = np.linalg.eigh(hessian)
    tried = 0
    for length in (0.2, -0.2, 0.02, -0.02):
        tried += 1
        beside = search.x + length * vectors[:, 0]
        if evaluate(search.point.problem, beside).value < search.point.value:
            return np.asarray(beside), tried
    return None, tried


def least_curvature(hessian: Floats) -> float:
    """The least eigenvalue relative to the largest: negative at a saddle, near zero in a flat valley."""
    values = np.linalg.eigvalsh(hessian)
    return float(values[0] / max(float(np.abs(values).max()), 1e-300))


def theta_of_user(problem: Problem, theta: Floats) -> Floats:
    """lme4's theta in the coordinates of the search.

    Raises
    ------
    OptionError
        If it has another length than the model's theta.
    """
    n_theta = sum(len(template.row) for template in problem.templates)
    if len(theta) != n_theta:
        parts = ", ".join(
            f"{len(template.row)} of {grouping.name}"
            for template, grouping in zip(problem.templates, problem.groupings, strict=True)
        )
        raise OptionError(
            f"`start` has {len(theta)} values, but the model has {n_theta} variance parameters: {parts}.",
            hint="They are the lower triangles of the relative covariance factors, column by column.",
            argument="start",
        )
    root = np.sqrt(problem.weight_scale)
    slices = zip(problem.templates, problem.slices, strict=True)
    return np.concatenate([template.of_user(root * theta[own]) for template, own in slices])
