"""Newton's search in coordinates that suit the variances: the order in which correlated effects are factored.

With S = L L' and a first effect whose variance is near zero beside the others', S_11 = e^2, S_21 = e b and S_22 =
b^2 + c^2: b and c can turn along a circle at hardly any cost, and the search follows that bend by small steps, dozens
of them. With the largest remaining variance factored first, as in a Cholesky decomposition with pivots, there is no
such circle. So the search goes in legs of a few steps; between them a block whose order has become bad gets another.
The answer is given in the order of the formula.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.newton import Search, minimise
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.template import Part

__all__ = ["Chart", "good_order", "newton_search"]

Floats = npt.NDArray[np.float64]
Orders = tuple[tuple[tuple[int, ...], ...], ...]

LEG = 3  # steps
BAD = 0.25  # a variance this much less than the largest remaining one should not be factored before it


def newton_search(problem: Problem, start: Floats, options: FitOptions, *, is_final: bool = True) -> Search[Evaluation]:
    """Minimise the criterion from `start`, theta in the order of the formula; `is_final` as `minimise` has it."""
    natural = Chart.natural(problem)
    if all(part.width == 1 for template in problem.templates for part in template.parts):
        return _leg(natural, start, None, options, options.max_evaluations, None, is_final)
    chart, theta, x, point = natural, start, start, None
    trace: list[tuple[Floats, float]] = []
    n_evaluations = 0
    while True:
        orders = natural.good_orders(theta, chart.orders)
        if orders != chart.orders:
            chart = Chart.of(problem, orders)
            x, point = chart.own(theta), None
        search = _leg(chart, x, point, options, options.max_evaluations - n_evaluations, LEG, is_final)
        n_evaluations += search.n_evaluations
        trace += [(chart.theta(step), value) for step, value in search.trace[len(trace) > 0 :]]
        x, point, theta = search.x, search.point, chart.theta(search.x)
        if search.converged or len(search.trace) <= LEG or n_evaluations >= options.max_evaluations:
            break
    if not chart.is_natural:
        point = evaluate(problem, theta)
        n_evaluations += 1
    return replace(search, x=theta, point=point, n_evaluations=n_evaluations, trace=tuple(trace))


def _leg(
    chart: Chart,
    x: Floats,
    point: Evaluation | None,
    options: FitOptions,
    budget: int,
    steps: int | None,
    is_final: bool,
) -> Search[Evaluation]:
    return minimise(
        chart.at, x, point, tolerance=options.tolerance, max_evaluations=budget, max_steps=steps, is_final=is_final
    )


@dataclass(frozen=True, slots=True)
class Chart:
    """A problem whose templates factor their effects in `orders`, by grouping and block."""

    problem: Problem
    orders: Orders

    @classmethod
    def natural(cls, problem: Problem) -> Chart:
        """The order of the formula."""
        return cls(problem, tuple(tuple(tuple(range(p.width)) for p in t.parts) for t in problem.templates))

    @classmethod
    def of(cls, problem: Problem, orders: Orders) -> Chart:
        """`problem` with its templates in `orders`."""
        if cls(problem, orders).is_natural:
            return cls(problem, orders)
        templates = tuple(t.ordered(own) for t, own in zip(problem.templates, orders, strict=True))
        return cls(replace(problem, templates=templates), orders)

    def at(self, x: Floats) -> Evaluation:
        """The criterion."""
        return evaluate(self.problem, x)

    def _blocks(self) -> list[tuple[slice, Part, tuple[int, ...]]]:
        """Place in theta, part and order of each block."""
        found = []
        for own, template, orders in zip(self.problem.slices, self.problem.templates, self.orders, strict=True):
            found += [(own, part, order) for part, order in zip(template.parts, orders, strict=True)]
        return found

    def theta(self, x: Floats) -> Floats:
        """Theta in the order of the formula."""
        return self._turned(x, is_back=True)

    def own(self, theta: Floats) -> Floats:
        """Theta in this chart's order."""
        return self._turned(theta, is_back=False)

    @property
    def is_natural(self) -> bool:
        """Whether all orders are those of the formula."""
        return all(list(order) == sorted(order) for own in self.orders for order in own)

    def _turned(self, x: Floats, *, is_back: bool) -> Floats:
        if self.is_natural:
            return x
        found = x.copy()
        for own, part, order in self._blocks():
            if list(order) != sorted(order):
                factor = part.factor(x[own])
                turned = factor[np.argsort(order)] if is_back else factor[list(order)]
                lower = np.asarray(np.linalg.qr(turned.T, mode="r")).T
                lower *= np.where(np.diag(lower) < 0, -1.0, 1.0)
                found[own][part.places] = lower[part.row, part.col]
        return found

    def good_orders(self, theta: Floats, current: Orders) -> Orders:
        """Orders without a bad pivot at `theta`: those of `current` where they will do."""
        factors = iter(part.factor(theta[own]) for own, part, _ in self._blocks())
        return tuple(tuple(good_order(next(factors), order) for order in own) for own in current)


def good_order(factor: Floats, current: tuple[int, ...]) -> tuple[int, ...]:
    """`current`, but with the largest remaining variance first wherever the next is far below it; factor (k, k)."""
    if len(current) == 1:
        return current
    S = factor @ factor.T
    left, found = list(current), []
    while left:
        variances = [S[k, k] for k in left]
        place = 0 if variances[0] >= BAD * max(variances) else int(np.argmax(variances))
        pivot = left.pop(place)
        found.append(pivot)
        if left and S[pivot, pivot] > 0:
            S = S - np.multiply.outer(S[:, pivot], S[pivot]) / S[pivot, pivot]
    return tuple(found)
