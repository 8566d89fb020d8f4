"""scipy's BFGS and Nelder-Mead, there to be compared with Newton's search. They give a `Search` as it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.criterion import Evaluation
from mlm_widgets.fitter.newton import Search, newton_decrement, slack_of
from mlm_widgets.fitter.options import FitOptions

__all__ = ["by_scipy"]

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Evaluation]


class _SpentError(Exception):
    """The evaluations are used up."""


class _Recorder:
    """The function as scipy wants it; keeps the best point, the steps that led there, and the count."""

    def __init__(self, function: Function, max_evaluations: int) -> None:
        self.function = function
        self.max_evaluations = max_evaluations
        self.n_evaluations = 0
        self.best: Evaluation | None = None
        self.trace: list[tuple[Floats, float]] = []

    def at(self, x: Floats) -> Evaluation | None:
        if self.n_evaluations >= self.max_evaluations:
            raise _SpentError
        self.n_evaluations += 1
        try:
            point = self.function(x.copy())
        except (FitError, np.linalg.LinAlgError):
            if self.best is None:
                raise
            return None  # so far out that numbers end
        if self.best is None or point.value < self.best.value:
            self.best = point
            self.trace.append((point.theta, point.value))
        return point

    def value(self, x: Floats) -> float:
        point = self.at(x)
        return np.inf if point is None else point.value

    def both(self, x: Floats) -> tuple[float, Floats]:
        point = self.at(x)
        return (np.inf, np.zeros_like(x)) if point is None else (point.value, point.gradient)


def by_scipy(function: Function, start: Floats, options: FitOptions) -> Search[Evaluation]:
    """Minimise `function` from `start` by the optimiser of scipy's that `options` name."""
    recorder = _Recorder(function, options.max_evaluations)
    try:
        if options.optimiser == "bfgs":
            gradient_tolerance = 0.1 * float(np.sqrt(options.tolerance))
            optimize.minimize(recorder.both, start, jac=True, method="BFGS", options={"gtol": gradient_tolerance})
        else:
            _by_simplex(recorder, start, options.tolerance)
    except _SpentError:
        pass
    point = recorder.best
    assert point is not None
    decrement = newton_decrement(point, point.theta)
    converged = decrement <= max(options.tolerance, slack_of(point))
    return Search(point.theta, point, decrement, recorder.n_evaluations, tuple(recorder.trace), converged)


def _by_simplex(recorder: _Recorder, start: Floats, tolerance: float) -> None:
    """Two runs: a simplex may shrink short of the optimum, and a fresh one finds the rest."""
    for size in (0.2, 0.02):
        simplex = np.vstack([start, start + size * np.eye(len(start))])
        found = optimize.minimize(
            recorder.value,
            start,
            method="Nelder-Mead",
            options={
                "xatol": 1e-7,
                "fatol": tolerance,
                "initial_simplex": simplex,
                "maxiter": recorder.max_evaluations,
                "maxfev": recorder.max_evaluations,
                "adaptive": len(start) > 3,
            },
        )
        start = np.asarray(found.x)
