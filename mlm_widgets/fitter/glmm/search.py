"""The search over (theta, beta, log phi): BFGS from the working linear model's Hessian, ended by Newton's method.

The exact Hessian at the end comes from central differences of the exact gradient. The modes are moved along by their
first-order change: what that leaves out is even in the step and cancels, so that each difference costs two passes over
the rows and no iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.fitter.glmm.hessian import RowsOfPairs
from mlm_widgets.fitter.glmm.laplace import LaplacePoint, moved_effects
from mlm_widgets.fitter.glmm.modes import DECREMENT, Modes, find_modes, settled
from mlm_widgets.fitter.glmm.quadrature import QuadraturePoint

__all__ = [
    "GlmmPoint",
    "GlmmSearch",
    "Objective",
    "damped_update",
    "differences",
    "newton_step",
    "predicted_effects",
    "search",
]

Floats = npt.NDArray[np.float64]
GlmmPoint = LaplacePoint | QuadraturePoint

CLOSE = 1e-7  # decrement at which BFGS hands over to Newton's method
ROUGH, ROUGHEST = 1e-3, 1e-4  # of the decrement, at most: the last step to the modes squares what it promises
STEP = 1e-3  # of a difference, in standard errors; more where the gradient carries rounding errors of large counts,
LONG_STEP = 1e-2  # up to this
ASYMMETRY = 0.5  # of two second differences that should be one, in standard errors
FLOOR = 1e-8  # least curvature that counts, relative to the largest
NEWTON_STEPS = 30  # where a covariance matrix becomes singular they are short


class Objective:
    """The deviance of a model as a function of its parameters; the modes of one call start the next."""

    def __init__(self, arrays: Arrays, n_agq: int, max_evaluations: int) -> None:
        self.arrays = arrays
        self.pattern = RowsOfPairs(arrays) if len(arrays.factors) > 1 else None
        self.n_agq = n_agq
        self.max_evaluations = max_evaluations
        self.n_evaluations = 0
        self._u = [np.zeros((rows.q, rows.n_levels)) for rows in arrays.factors]

    def at(self, parameters: Floats, start: list[Floats] | None = None, enough: float = DECREMENT) -> GlmmPoint:
        """The deviance at `parameters`; `enough` is the decrement of the last step to the modes."""
        self.n_evaluations += 1
        modes = find_modes(self.arrays, self.pattern, parameters, self._u if start is None else start, enough)
        self._u = modes.u
        return self.of(modes)

    def of(self, modes: Modes) -> GlmmPoint:
        """The deviance at given modes."""
        return LaplacePoint(modes) if self.n_agq == 1 else QuadraturePoint(modes, self.n_agq)

    @property
    def is_spent(self) -> bool:
        """Whether the evaluations are used up."""
        return self.n_evaluations >= self.max_evaluations


@dataclass(frozen=True)
class GlmmSearch:
    """How the search went.

    Attributes
    ----------
    parameters : ndarray (k,)
    point : LaplacePoint or QuadraturePoint
    hessian : ndarray (k, k)
        Exact, at `parameters` or a step of length `CLOSE` from there.
    decrement : float
    n_evaluations : int
    trace : tuple of (ndarray, float)
    converged : bool
    """

    parameters: Floats
    point: GlmmPoint
    hessian: Floats
    decrement: float
    n_evaluations: int
    trace: tuple[tuple[Floats, float], ...]
    converged: bool


def search(objective: Objective, start: Floats, metric: Callable[[GlmmPoint], Floats], tolerance: float) -> GlmmSearch:
    """Minimise from `start`; `metric` gives the first Hessian."""
    x = start
    point = objective.at(x)
    B = metric(point)
    trace = [(x, point.value)]
    while not objective.is_spent:
        step, decrement = newton_step(B, point.gradient, x)
        if decrement < CLOSE:
            break
        found = _line_search(objective, x, point, step, decrement)
        if found is None:
            break
        new, there = found
        B = damped_update(B, new - x, there.gradient - point.gradient)
        x, point = new, there
        trace.append((x, point.value))
    hessian = differences(objective, point, B)
    if not np.isfinite(hessian).all():
        return GlmmSearch(x, point, B, np.inf, objective.n_evaluations, tuple(trace), converged=False)
    decrement = np.inf
    for _ in range(NEWTON_STEPS):
        step, decrement = newton_step(hessian, point.gradient, x)
        if decrement < tolerance or objective.is_spent:
            break
        found = _line_search(objective, x, point, step, decrement)
        if found is None:
            break
        is_far = decrement > 1e-4
        x, point = found
        trace.append((x, point.value))
        if is_far:
            again = differences(objective, point, hessian)
            hessian = again if np.isfinite(again).all() else hessian
    slack = max(1e-6, 1e-11 * abs(point.value), 20.0 * objective.arrays.rounding)
    return GlmmSearch(x, point, hessian, decrement, objective.n_evaluations, tuple(trace), converged=decrement <= slack)


def newton_step(B: Floats, gradient: Floats, x: Floats) -> tuple[Floats, float]:
    """The Newton step, negative curvature turned round, and the decrement that it promises."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(B)), 1e-12))
    values, vectors = np.linalg.eigh(B * np.outer(scale, scale))
    size = np.maximum(np.abs(values), FLOOR * max(float(np.abs(values).max()), 1e-300))
    step = -scale * (vectors @ ((vectors.T @ (scale * gradient)) / size))
    longest = 2.0 * (1.0 + float(np.abs(x).max()))
    step = step * min(1.0, longest / max(float(np.abs(step).max()), 1e-300))
    return step, float(-gradient @ step)


def _line_search(
    objective: Objective, x: Floats, point: GlmmPoint, step: Floats, decrement: float
) -> tuple[Floats, GlmmPoint] | None:
    slack = 1e-13 * abs(point.value) + objective.arrays.rounding
    enough = min(max(DECREMENT, ROUGH * decrement), ROUGHEST)
    length = 1.0
    for _ in range(30):
        if objective.is_spent:
            return None
        new = x + length * step
        try:
            there = objective.at(new, predicted_effects(point.modes, new - x), enough)
        except (FitError, np.linalg.LinAlgError):
            length *= 0.25
            continue
        if there.value <= point.value - 1e-4 * length * decrement + slack:
            return new, there
        length *= 0.5
    return None


def predicted_effects(modes: Modes, direction: Floats) -> list[Floats]:
    """The modes moved along a direction of the parameters, to first order."""
    return [u + du for u, du in zip(modes.u, moved_effects(modes, direction), strict=True)]


def damped_update(B: Floats, s: Floats, y: Floats) -> Floats:
    """Powell's damped BFGS update."""
    Bs = B @ s
    curvature, expected = float(s @ y), float(s @ Bs)
    if curvature < 0.2 * expected:
        share = 0.8 * expected / (expected - curvature)
        y = share * y + (1 - share) * Bs
        curvature = float(s @ y)
    return np.asarray(B - np.outer(Bs, Bs) / expected + np.outer(y, y) / curvature)


def differences(objective: Objective, point: GlmmPoint, scale: Floats) -> Floats:
    """The Hessian at `point` by central differences of the gradient; `scale`, an approximation, sets the steps.

    Not a number where the differences contradict each other, as they do on the edge of a family's range.
    """
    modes = point.modes
    k = len(modes.parameters)
    size = min(max(STEP, objective.arrays.rounding ** (1 / 3)), LONG_STEP)
    move = settled if size == STEP else find_modes  # what is third order in long steps does not cancel
    steps = size * np.sqrt(2.0 / np.maximum(np.abs(np.diag(scale)), 1e-12))
    steps = np.minimum(steps, 0.01 * (1.0 + np.abs(modes.parameters)))
    found = np.empty((k, k))
    for a, direction in enumerate(np.diag(steps)):
        du = moved_effects(modes, direction)
        ends = []
        for sign in (1.0, -1.0):
            u = [own + sign * each for own, each in zip(modes.u, du, strict=True)]
            there = move(modes.arrays, objective.pattern, modes.parameters + sign * direction, u)
            ends.append(objective.of(there).gradient)
        found[a] = (ends[0] - ends[1]) / (2.0 * steps[a])
    root = np.sqrt(np.abs(np.diag(found)))
    is_noise = not np.all(np.abs(found - found.T) <= ASYMMETRY * np.outer(root, root))
    return np.full_like(found, np.nan) if is_noise else (found + found.T) / 2.0
