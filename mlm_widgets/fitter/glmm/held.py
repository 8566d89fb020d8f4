"""Maximum likelihood of a generalized linear mixed model with one parameter held.

The full coordinates are (theta, beta, log phi) with the factor of the block concerned, or X, turned so that what is
held is a coordinate (:mod:`mlm_widgets.fitter.holding`). The search is BFGS with the exact gradient; from one held
value to the next its matrix goes along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.fit import Fit
from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.fitter.glmm.build import GlmmProblem, build_arrays
from mlm_widgets.fitter.glmm.search import (
    GlmmPoint,
    Objective,
    damped_update,
    differences,
    newton_step,
    predicted_effects,
)
from mlm_widgets.fitter.held import BESIDE, NEAR_ZERO, TOLERANCE, Solved, no_optimum
from mlm_widgets.fitter.holding import Holding, lower_factor, turned_part, turned_template

__all__ = [
    "GlmmOptimum",
    "HeldParameter",
    "glmm_optimum",
    "held_coefficient",
    "held_deviation",
    "held_dispersion",
    "without_random",
]

Floats = npt.NDArray[np.float64]

MAX_EVALUATIONS = 100_000  # of a whole profile
MAX_STEPS = 60
MAX_HALVINGS = 25
ROUGH = 1e-4  # decrement at which rounding may end a search


@dataclass(frozen=True)
class GlmmOptimum:
    """A generalized fit in the coordinates of its search."""

    problem: GlmmProblem
    parameters: Floats
    n_agq: int


@dataclass(frozen=True)
class HeldParameter:
    """One of the full coordinates, or the arc sine of a correlation, held.

    Attributes
    ----------
    objective : Objective
    holding : Holding
    full : ndarray
        The full coordinates at the optimum.
    hessian : ndarray
        There.
    unit : float
        The user's parameter is as many times the held coordinate.
    """

    objective: Objective
    holding: Holding
    full: Floats
    hessian: Floats
    unit: float = 1.0

    @property
    def start(self) -> tuple[float, Floats]:
        """(c, x) at the optimum."""
        return self.holding.split(self.full)

    def curvature(self) -> float:
        """d2d/dc2 along the profile at the optimum; 0 where that is not positive."""
        return self.holding.curvature(*self.start, self.hessian)

    def solve(self, c: float, x: Floats, hessian: Floats | None = None) -> Solved:
        """The optimum with the coordinate at `c`, from the free coordinates `x`; `hessian` as the last one left it."""
        found = self._solved(c, self._beside_zero(x), np.zeros(len(x), dtype=bool), hessian)
        signs = self.holding.signs()
        if signs is None or found.x[signs[0]] * found.x[signs[1]] >= 0.0:
            return found
        candidates = []
        for place in signs:
            is_zero = np.zeros(len(x), dtype=bool)
            is_zero[place] = True
            candidates.append(self._solved(c, np.where(is_zero, 0.0, x), is_zero, None))
        return min(candidates, key=lambda each: each.value)

    def _beside_zero(self, x: Floats) -> Floats:
        found = x.copy()
        for place in self.holding.free_diagonal():
            if abs(found[place]) < NEAR_ZERO:
                found[place] = BESIDE
        return found

    def _solved(self, c: float, x: Floats, is_zero: npt.NDArray[np.bool_], hessian: Floats | None) -> Solved:
        offset, directions = self.holding.offset(c), self.holding.directions(c)
        M = directions[:, ~is_zero]
        B = M.T @ self.hessian @ M if hessian is None or len(hessian) != M.shape[1] else hessian
        used = self.objective.n_evaluations
        free, point, B = _minimised(self.objective, offset, M, x[~is_zero], B)
        full = np.zeros(len(x))
        full[~is_zero] = free
        slope = float(self.holding.along(c, full) @ point.gradient)
        left = B if not is_zero.any() else None
        return Solved(c, point.value, slope, full, self.objective.n_evaluations - used, left)


def _minimised(
    objective: Objective, offset: Floats, M: Floats, x: Floats, B: Floats
) -> tuple[Floats, GlmmPoint, Floats]:
    """The minimum over x of the deviance at offset + M x, and the matrix that BFGS has made of B."""
    point = objective.at(offset + M @ x)
    gradient = M.T @ point.gradient
    decrement = np.inf
    for _ in range(MAX_STEPS):
        if not len(x):
            return x, point, B
        step, decrement = newton_step(B, gradient, x)
        if decrement < TOLERANCE:
            return x, point, B
        found = _lowered(objective, offset, M, x, point, step, decrement)
        if found is None:
            break
        new, there = found
        change = M.T @ there.gradient - gradient
        B = damped_update(B, new - x, change)
        x, point, gradient = new, there, gradient + change
    if decrement > ROUGH:
        raise no_optimum()
    return x, point, B


def _lowered(
    objective: Objective, offset: Floats, M: Floats, x: Floats, point: GlmmPoint, step: Floats, decrement: float
) -> tuple[Floats, GlmmPoint] | None:
    slack = 1e-13 * abs(point.value) + objective.arrays.rounding
    length = 1.0
    for _ in range(MAX_HALVINGS):
        new = x + length * step
        try:
            there = objective.at(offset + M @ new, predicted_effects(point.modes, M @ (new - x)))
        except (FitError, np.linalg.LinAlgError):
            length *= 0.25
            continue
        if there.value <= point.value - 1e-4 * length * decrement + slack:
            return new, there
        length *= 0.5
    return None


def glmm_optimum(fit: Fit) -> GlmmOptimum:
    """The arrays and parameters of a generalized fit."""
    problem = build_arrays(fit.design, fit.family)
    beta = np.linalg.solve(problem.to_user, fit.beta)
    parts = [fit.theta_centred, beta]
    if fit.family.has_dispersion:
        parts.append(np.array([np.log(fit.dispersion)]))
    return GlmmOptimum(problem, np.concatenate(parts), fit.n_agq)


def _held(
    own: GlmmOptimum, arrays: Arrays, full: Floats, places: tuple[int, ...], *, lead: int = -1, unit: float = 1.0
) -> HeldParameter:
    objective = Objective(arrays, own.n_agq, MAX_EVALUATIONS)
    on_diagonal = np.concatenate([template.row == template.col for template in arrays.templates])
    diagonal = tuple(int(place) for place in np.flatnonzero(on_diagonal))
    holding = Holding("angle" if len(places) > 1 else "place", places, len(full), diagonal, lead)
    return HeldParameter(objective, holding, full, _hessian(objective, full), unit)


def _hessian(objective: Objective, full: Floats) -> Floats:
    """By differences, with steps as for parameters that ten rows tell of by themselves."""
    rough = np.diag(np.full(len(full), max(2.0, len(objective.arrays.y) / 5.0)))
    return differences(objective, objective.at(full), rough)


def held_deviation(own: GlmmOptimum, source: int, effects: tuple[int, ...]) -> HeldParameter:
    """A standard deviation (one effect) or a correlation (two), held; `source` is the factor's place in the design."""
    arrays = own.problem.arrays
    f = own.problem.source.index(source)
    template = arrays.templates[f]
    start = sum(len(each.row) for each in arrays.templates[:f])
    part = next(part for part in template.parts if part.columns.start <= effects[0] < part.columns.stop)
    T, lengths = turned_part(template, part, tuple(effect - part.columns.start for effect in effects))
    theta = own.parameters[start : start + len(template.row)]
    lam = template.matrix(theta)[part.columns, part.columns]
    full = own.parameters.copy()
    first = start + part.places.start
    full[first : start + part.places.stop] = lower_factor(T @ lam)[part.row, part.col]
    templates = list(arrays.templates)
    templates[f] = turned_template(template, part, T)
    turned = replace(arrays, templates=tuple(templates))
    if len(effects) == 1:
        return _held(own, turned, full, (first,), unit=float(lengths[0]))
    second = first + int(np.flatnonzero((part.row == 1) & (part.col == 1))[0])
    return _held(own, turned, full, (first + 1, second), lead=first)


def held_coefficient(own: GlmmOptimum, j: int) -> HeldParameter:
    """A fixed coefficient, by its place among those estimated, held."""
    arrays, a = own.problem.arrays, own.problem.to_user[j]
    length = float(np.linalg.norm(a))
    _, _, V = np.linalg.svd(a[None] / length)
    Q = np.vstack([a / length, V[1:]])
    k, p = arrays.n_theta, len(arrays.X)
    full = own.parameters.copy()
    full[k : k + p] = Q @ full[k : k + p]
    return _held(own, replace(arrays, X=Q @ arrays.X), full, (k,), unit=length)


def held_dispersion(own: GlmmOptimum) -> HeldParameter:
    """The dispersion held; the coordinate is its logarithm."""
    return _held(own, own.problem.arrays, own.parameters, (len(own.parameters) - 1,))


def without_random(own: GlmmOptimum) -> float:
    """-2 log L of the model without random effects."""
    arrays = own.problem.arrays
    objective = Objective(arrays, own.n_agq, MAX_EVALUATIONS)
    k = arrays.n_theta
    free = np.eye(len(own.parameters))[:, k:]
    offset = np.zeros(len(own.parameters))
    x = own.parameters[k:]
    hessian = _hessian(objective, offset + free @ x)
    return _minimised(objective, offset, free, x, free.T @ hessian @ free)[1].value
