"""Maximum likelihood of a linear mixed model with one parameter held.

Fixed effects are profiled out, sigma is not: with L = sigma lambda the deviance is a function of (L, log sigma),

    d = log|V| + n log(2 pi sigma^2) + r^2 / sigma^2,   V = I + Z S Z',   S = L L' / sigma^2

whose gradient and Hessian are those of the profiled deviance (:mod:`mlm_widgets.fitter.criterion`) with r^2 / sigma^2
in the place of n as the residuals' weight, and the chain rule of theta = L / sigma. A held fixed effect is taken out of
X, times its value, and from the outcome; sums of products stay sums of products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.charts import newton_search
from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.holding import Holding, lower_factor, turned_part, turned_template
from mlm_widgets.fitter.newton import minimise
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.problem import Problem

__all__ = [
    "BESIDE",
    "NEAR_ZERO",
    "TOLERANCE",
    "HeldEffect",
    "HeldVariance",
    "Solved",
    "held_effect",
    "held_sigma",
    "held_variance",
    "no_optimum",
]

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6  # decrement at which a search ends; half of it, which is left of zeta^2, is taken off
MAX_EVALUATIONS = 400
NEAR_ZERO, BESIDE = 1e-2, 3e-2  # standard deviations over sigma: where zero is a saddle, a search from zero stays


@dataclass(frozen=True, slots=True)
class Solved:
    """The optimum with one coordinate held at `c`.

    Attributes
    ----------
    value : float
        The deviance, in scaled coordinates.
    slope : float
        Its derivative in c.
    x : ndarray
        The free coordinates: where the next search begins.
    n_evaluations : int
    hessian : ndarray, optional
        What BFGS has made of the Hessian, for the next search.
    """

    c: float
    value: float
    slope: float
    x: Floats
    n_evaluations: int
    hessian: Floats | None = None


@dataclass(frozen=True)
class AbsolutePoint:
    """The deviance in (L, log sigma); `point` has sigma held."""

    point: Evaluation
    sigma: float

    @property
    def _weight(self) -> float:
        return self.point.r2 / self.sigma**2

    @property
    def value(self) -> float:
        """-2 log L, in scaled coordinates."""
        n = self.point.problem.n_obs
        profiled = n * (1.0 + np.log(2.0 * np.pi * self.point.r2 / n))
        return float(self.point.value - profiled + n * np.log(2.0 * np.pi * self.sigma**2) + self._weight)

    @property
    def is_exact(self) -> bool:
        """Whether `hessian` is the Hessian."""
        return self.point.is_exact

    @cached_property
    def _slopes_r2(self) -> Floats:
        """-d log r^2 / d theta."""
        pairs = zip(self.point.dS, self.point.EE, strict=True)
        return np.concatenate([np.tensordot(dS, EE[:, -1, :, -1]) for dS, EE in pairs])

    @cached_property
    def gradient(self) -> Floats:
        """By (L, log sigma)."""
        by_theta = self.point.gradient
        by_sigma = 2.0 * self.point.problem.n_obs - 2.0 * self._weight
        return np.append(by_theta / self.sigma, by_sigma - self.point.theta @ by_theta)

    @cached_property
    def hessian(self) -> Floats:
        """By (L, log sigma); by average information for several grouping factors."""
        w, y, theta, sigma = self._weight, self._slopes_r2, self.point.theta, self.sigma
        by_theta = self.point.gradient
        H = self.point.hessian + w * np.outer(y, y)
        mixed = 2.0 * w * y
        k = len(theta)
        found = np.empty((k + 1, k + 1))
        found[:k, :k] = H / sigma**2
        found[:k, k] = found[k, :k] = (mixed - H @ theta - by_theta) / sigma
        found[k, k] = 4.0 * w - 2.0 * theta @ mixed + theta @ H @ theta + theta @ by_theta
        return found


def absolute_point(problem: Problem, full: Floats) -> AbsolutePoint:
    """The deviance at full = (L, log sigma)."""
    sigma = float(np.exp(full[-1]))
    point = evaluate(problem, full[:-1] / sigma)
    return AbsolutePoint(replace(point, residual_weight=point.r2 / sigma**2), sigma)


@dataclass(frozen=True, slots=True)
class _FreePoint:
    """The deviance as a function of the free coordinates."""

    point: AbsolutePoint
    M: Floats

    @property
    def value(self) -> float:
        return self.point.value

    @property
    def is_exact(self) -> bool:
        return self.point.is_exact

    @property
    def gradient(self) -> Floats:
        return self.M.T @ self.point.gradient

    @property
    def hessian(self) -> Floats:
        return self.M.T @ self.point.hessian @ self.M


@dataclass(frozen=True)
class HeldVariance:
    """A standard deviation, a correlation (as its arc sine) or log sigma, held.

    Attributes
    ----------
    problem : Problem
        Its template has the effect first.
    holding : Holding
    full : ndarray
        The full coordinates at the optimum.
    unit : float
        The user's standard deviation is as many times the held coordinate.
    """

    problem: Problem
    holding: Holding
    full: Floats
    unit: float = 1.0

    @property
    def start(self) -> tuple[float, Floats]:
        """(c, x) at the optimum."""
        return self.holding.split(self.full)

    def curvature(self) -> float:
        """d2d/dc2 along the profile at the optimum; 0 where that is not positive."""
        return self.holding.curvature(*self.start, absolute_point(self.problem, self.full).hessian)

    def solve(self, c: float, x: Floats, hessian: Floats | None = None) -> Solved:
        """The optimum with the coordinate at `c`, from the free coordinates `x`."""
        found = self._solved(c, self._beside_zero(x), np.zeros(len(x), dtype=bool))
        signs = self.holding.signs()
        if signs is None or found.x[signs[0]] * found.x[signs[1]] >= 0.0:
            return found
        # past a standard deviation of zero the correlation has the other sign: the optimum is at zero
        candidates = []
        for place in signs:
            is_zero = np.zeros(len(x), dtype=bool)
            is_zero[place] = True
            candidates.append(self._solved(c, np.where(is_zero, 0.0, x), is_zero))
        return min(candidates, key=lambda each: each.value)

    def _solved(self, c: float, x: Floats, is_zero: npt.NDArray[np.bool_]) -> Solved:
        offset, M = self.holding.offset(c), self.holding.directions(c)[:, ~is_zero]

        def at(free: Floats) -> _FreePoint:
            return _FreePoint(absolute_point(self.problem, offset + M @ free), M)

        search = minimise(at, x[~is_zero], tolerance=TOLERANCE, max_evaluations=MAX_EVALUATIONS, is_final=False)
        if not search.converged:
            raise no_optimum()
        full = np.zeros(len(x))
        full[~is_zero] = search.x
        slope = float(self.holding.along(c, full) @ search.point.point.gradient)
        return Solved(c, search.point.value - search.decrement / 2.0, slope, full, search.n_evaluations)

    def _beside_zero(self, x: Floats) -> Floats:
        sigma = float(np.exp(x[-1])) if self.holding.places[0] != len(self.full) - 1 else float(np.exp(self.full[-1]))
        found = x.copy()
        for place in self.holding.free_diagonal():
            if abs(found[place]) < NEAR_ZERO * sigma:
                found[place] = BESIDE * sigma
        return found


def held_variance(problem: Problem, theta: Floats, sigma: float, f: int, effects: tuple[int, ...]) -> HeldVariance:
    """A standard deviation (`effects` of one of grouping f's columns) or a correlation (of two of one block), held.

    `theta` and `sigma` are the optimum, in the coordinates of the search.
    """
    template = problem.templates[f]
    part = next(part for part in template.parts if part.columns.start <= effects[0] < part.columns.stop)
    T, lengths = turned_part(template, part, tuple(effect - part.columns.start for effect in effects))
    templates = list(problem.templates)
    templates[f] = turned_template(template, part, T)
    own = problem.slices[f]
    first = own.start + part.places.start
    lam = template.matrix(theta[own])[part.columns, part.columns]
    full = sigma * theta
    full[first : own.start + part.places.stop] = sigma * lower_factor(T @ lam)[part.row, part.col]
    full = np.append(full, np.log(sigma))
    turned = replace(problem, templates=tuple(templates))
    if len(effects) == 1:
        holding = Holding("place", (first,), len(full), _diagonal(problem))
        return HeldVariance(turned, holding, full, float(lengths[0]))
    second = first + int(np.flatnonzero((part.row == 1) & (part.col == 1))[0])
    holding = Holding("angle", (first + 1, second), len(full), _diagonal(problem), first)
    return HeldVariance(turned, holding, full)


def held_sigma(problem: Problem, theta: Floats, sigma: float) -> HeldVariance:
    """The residual standard deviation held; the coordinate is its logarithm."""
    full = np.append(sigma * theta, np.log(sigma))
    return HeldVariance(problem, Holding("place", (len(theta),), len(full), _diagonal(problem)), full)


def _diagonal(problem: Problem) -> tuple[int, ...]:
    places = []
    for own, template in zip(problem.slices, problem.templates, strict=True):
        places += (own.start + np.flatnonzero(template.row == template.col)).tolist()
    return tuple(places)


@dataclass(frozen=True)
class HeldEffect:
    """A linear function a'beta of the fixed effects held, as q'beta with q of length 1.

    Attributes
    ----------
    problem : Problem
    without : callable
        c -> the problem with q'beta = c.
    q : ndarray (p,)
    theta : ndarray
        The optimum.
    """

    problem: Problem
    without: Callable[[float], Problem]
    q: Floats
    theta: Floats

    @property
    def start(self) -> tuple[float, Floats]:
        """(c, x) at the optimum."""
        return float(self.q @ evaluate(self.problem, self.theta).beta), self.theta

    def curvature(self) -> float:
        """d2d/dc2 at the optimum, with the variances held."""
        point = evaluate(self.problem, self.theta)
        return float(2.0 / (point.sigma**2 * self.q @ point.C @ self.q))

    def solve(self, c: float, x: Floats, hessian: Floats | None = None) -> Solved:
        """The optimum with q'beta at `c`, from theta = `x`."""
        problem = self.without(c)
        search = newton_search(problem, _beside_zero(problem, x), FitOptions(tolerance=TOLERANCE), is_final=False)
        if not search.converged:
            raise no_optimum()
        full = evaluate(self.problem, search.x)
        slope = 2.0 * problem.degrees / search.point.r2 * (c - self.q @ full.beta) / (self.q @ full.C @ self.q)
        value = search.point.value - search.decrement / 2.0
        return Solved(c, value, float(slope), search.x, search.n_evaluations + 1)


def _beside_zero(problem: Problem, theta: Floats) -> Floats:
    found = theta.copy()
    for place in _diagonal(problem):
        if abs(found[place]) < NEAR_ZERO:
            found[place] = BESIDE
    return found


def held_effect(problem: Problem, theta: Floats, a: Floats) -> HeldEffect:
    """a'beta held, in the coordinates of the search; the coordinate is a'beta / |a|."""
    q = a / np.linalg.norm(a)
    _, _, V = np.linalg.svd(q[None])
    # [X y] -> [the rest of X, y, X q]
    p = len(q)
    turn = np.zeros((p + 1, p + 1))
    turn[:p, : p - 1], turn[p, p - 1], turn[:p, p] = V[1:].T, 1.0, q
    N = turn.T @ problem.N @ turn
    turned = replace(
        problem,
        rank=p - 1,
        N=N,
        AW=np.concatenate([problem.A, np.einsum("akj,km->amj", problem.W, turn)], axis=1),
        W2=problem.W2 @ turn,
    )
    return HeldEffect(problem, partial(_with_held, turned), q, theta)


def _with_held(turned: Problem, c: float) -> Problem:
    """[.., y, X q] -> [.., y - c X q]."""
    q = len(turned.AW)
    p = turned.N.shape[0] - 1
    fold = np.eye(p + 1, p)
    fold[p, p - 1] = -c
    AW = np.concatenate([turned.AW[:, : q + p - 1], turned.AW[:, [-2]] - c * turned.AW[:, [-1]]], axis=1)
    return replace(turned, N=fold.T @ turned.N @ fold, AW=AW, W2=turned.W2 @ fold)


def no_optimum() -> FitError:
    """The error for a search that ended nowhere."""
    return FitError(
        "With a parameter held the search for the others did not converge.",
        hint="Simplify the random effects, or profile fewer parameters: profile(['name', ...]).",
    )
