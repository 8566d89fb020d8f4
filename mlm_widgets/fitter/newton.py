"""Newton's method with a line search for smooth functions of a few variables that are costly only a little.

Negative curvature is turned round (|eigenvalue|), steps are bounded, and the search ends when the Newton decrement,
twice the drop that the quadratic model still promises, is at rounding level: a scale-free test, so that no false
alarm is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["ROUNDING", "Point", "Search", "minimise", "newton_decrement", "slack_of"]

Floats = npt.NDArray[np.float64]

ENOUGH = 1e-4  # Armijo's share of the promised drop
ROUNDING = 1e-13  # relative rounding of a criterion that is a sum of many terms
ONE_ERROR = (
    1.0  # decrement of a step of one standard error: along longer ones the curvature changes more than AI is off
)
FLOOR = 1e-9  # least curvature, relative to the largest
SECANT = 0.05  # share of the expected change of the gradient below which the gradients tell nothing
SHORTEST, LONGEST = 0.1, 0.5  # of a length that was too long


class Point(Protocol):
    """A function's value, gradient and Hessian at one place."""

    @property
    def value(self) -> float:
        """The function."""

    @property
    def gradient(self) -> Floats:
        """Its gradient, shape (k,)."""

    @property
    def hessian(self) -> Floats:
        """Its Hessian, or what stands for it, shape (k, k)."""

    @property
    def is_exact(self) -> bool:
        """Whether `hessian` is the Hessian."""


P = TypeVar("P", bound=Point)


@dataclass(frozen=True)
class Search(Generic[P]):
    """How a search went.

    Attributes
    ----------
    x : ndarray
    point : Point
        The function at x.
    decrement : float
        Newton decrement at x: about twice the drop that is left.
    n_evaluations : int
    trace : tuple of (ndarray, float)
        x and value of each accepted step.
    converged : bool
    """

    x: Floats
    point: P
    decrement: float
    n_evaluations: int
    trace: tuple[tuple[Floats, float], ...]
    converged: bool


def minimise(
    function: Callable[[Floats], P],
    start: Floats,
    point: P | None = None,
    *,
    tolerance: float = 1e-10,
    max_evaluations: int = 200,
    max_steps: int | None = None,
    is_final: bool = True,
) -> Search[P]:
    """Minimise `function` from `start`.

    Parameters
    ----------
    function : callable
        x -> point.
    start : ndarray (k,)
    point : Point, optional
        The function at `start`, where it is known.
    tolerance : float
        The Newton decrement, in units of the criterion, at which the search ends.
    max_evaluations : int
    max_steps : int, optional
        After so many steps the search pauses: it has not converged, and can be taken up from where it is.
    is_final : bool
        Whether the last step, which is below the tolerance, is taken.
    """
    x, n_evaluations = start, int(point is None)
    point = function(start) if point is None else point
    trace = [(x, point.value)]
    hessian = point.hessian
    while True:
        step = _newton_step(hessian, point.gradient, x)
        decrement = float(-point.gradient @ step)
        if decrement <= tolerance:
            if is_final:
                # the last step is free of charge: it brings the answer to rounding level
                x, point, n_evaluations = _polished(function, x, point, step, n_evaluations)
            return Search(x, point, decrement, n_evaluations, tuple(trace), converged=True)
        found, used = _line_search(function, x, point, step, decrement, max_evaluations - n_evaluations)
        n_evaluations += used
        if found is None:
            return Search(x, point, decrement, n_evaluations, tuple(trace), converged=decrement <= slack_of(point))
        is_near = decrement < ONE_ERROR and not point.is_exact
        hessian = _secant(point, found[1], found[0] - x) if is_near else found[1].hessian
        x, point = found
        trace.append((x, point.value))
        if max_steps is not None and len(trace) > max_steps:
            return Search(x, point, decrement, n_evaluations, tuple(trace), converged=False)


def newton_decrement(point: Point, x: Floats) -> float:
    """About twice the drop that is left at x."""
    return float(-point.gradient @ _newton_step(point.hessian, point.gradient, x))


def slack_of(point: Point) -> float:
    """The decrement that rounding may leave."""
    return max(1e-6, 100 * ROUNDING * abs(point.value))


def _secant(last: Point, point: Point, step: Floats) -> Floats:
    """What stands for the Hessian at `point`, mended along the last step by the gradients (BFGS)."""
    H, change = point.hessian, point.gradient - last.gradient
    Hs = H @ step
    along, bent = float(step @ change), float(step @ Hs)
    if not (along > SECANT * bent > 0):
        return H
    return np.asarray(H - np.multiply.outer(Hs, Hs) / bent + np.multiply.outer(change, change) / along)


def _newton_step(hessian: Floats, gradient: Floats, x: Floats) -> Floats:
    values, vectors = np.linalg.eigh(hessian)
    size = np.abs(values)
    size = np.maximum(size, max(FLOOR * size.max(), 1e-12))
    step = -vectors @ ((vectors.T @ gradient) / size)
    longest = 2.0 * (1.0 + float(np.abs(x).max()))
    return np.asarray(step * min(1.0, longest / max(float(np.abs(step).max()), 1e-300)))


def _polished(
    function: Callable[[Floats], P], x: Floats, point: P, step: Floats, n_evaluations: int
) -> tuple[Floats, P, int]:
    if float(np.abs(step).max()) <= 1e-9 * (1.0 + float(np.abs(x).max())):
        return x, point, n_evaluations
    candidate = function(x + step)
    if candidate.value <= point.value + ROUNDING * abs(point.value):
        return x + step, candidate, n_evaluations + 1
    return x, point, n_evaluations + 1


def _line_search(
    function: Callable[[Floats], P], x: Floats, point: P, step: Floats, decrement: float, budget: int
) -> tuple[tuple[Floats, P] | None, int]:
    """A part of the step that lowers the function enough, the whole one first; how many points were tried.

    The next part is where the parabola through what is known has its minimum, within bounds.
    """
    slack = ROUNDING * abs(point.value)
    length = 1.0
    for used in range(1, min(budget, 40) + 1):
        candidate = function(x + length * step)
        if candidate.value <= point.value - ENOUGH * length * decrement + slack:
            return (x + length * step, candidate), used
        excess = candidate.value - point.value + length * decrement
        best = 0.5 * decrement * length**2 / excess if np.isfinite(excess) and excess > 0 else 0.0
        length = min(max(best, SHORTEST * length), LONGEST * length)
    return None, max(min(budget, 40), 0)
