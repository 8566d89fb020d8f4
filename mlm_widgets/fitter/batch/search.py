"""Newton's search of :mod:`mlm_widgets.fitter.newton`, for many replicates side by side.

Each replicate has its own theta, step and length; those that are done leave the arrays. Blocks of correlated effects
change the order in which they are factored as in :mod:`mlm_widgets.fitter.charts`, after any step: derivatives in
S = lambda lambda' are there, and theta alone changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.batch.criterion import Factors, Pulled, Slopes, derivatives, factors, pulled
from mlm_widgets.fitter.batch.lanes import Lanes
from mlm_widgets.fitter.charts import BAD
from mlm_widgets.fitter.newton import ENOUGH, FLOOR, LONGEST, ROUNDING, SHORTEST
from mlm_widgets.fitter.template import Part, Template
from mlm_widgets.linalg import backward, cholesky, forward

__all__ = ["Found", "Orders", "search"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

MOST_TRIES = 15  # lengths of a step; after these what is left is rounding, or a matter for a search of its own
MOST_ROUNDS = 60  # a replicate that takes longer is in a narrow valley
SEARCHING, LAST_STEP, DONE, LOST = range(4)


class Orders:
    """The order in which each replicate factors the effects of each correlated block, and theta there."""

    def __init__(self, template: Template, R: int) -> None:
        self.template = template
        self.wide = [part for part in template.parts if part.width > 1]
        self.order = [np.repeat(np.arange(part.width)[:, None], R, axis=1) for part in self.wide]
        self._directions = np.zeros_like(template.H)
        self._directions[template.row] = template.moves.sum(axis=2)
        self.moves = np.repeat(template.moves.sum(axis=2)[:, :, None], R, axis=2)

    def factor(self, theta: Floats, chosen: Ints) -> Floats:
        """lambda of some replicates, (q, q, R), from theta (k, R)."""
        q, moves = self.template.q, self.moves[:, :, chosen]
        lam = np.zeros((q, q, len(chosen)))
        for k, col in enumerate(self.template.col):
            lam[:, col] += theta[k] * moves[k]
        return lam

    def improved(self, theta: Floats, chosen: Ints) -> Floats:
        """Theta of some replicates after blocks whose first variances had become small have changed their order."""
        for part, order in zip(self.wide, self.order, strict=True):
            own = _block(theta[part.places], order[:, chosen], part.row, part.col, part.width)
            best = _good_orders(own, order[:, chosen])
            changed = np.flatnonzero((best != order[:, chosen]).any(axis=0))
            if len(changed):
                theta = self._reordered(theta, chosen, changed, part, own, best, order)
        return theta

    def natural(self, theta: Floats) -> Floats:
        """Theta of all replicates in the formula's order, which they take."""
        chosen = np.arange(theta.shape[1])
        for part, order in zip(self.wide, self.order, strict=True):
            own = _block(theta[part.places], order, part.row, part.col, part.width)
            best = np.repeat(np.arange(part.width)[:, None], len(chosen), axis=1)
            theta = self._reordered(theta, chosen, chosen, part, own, best, order)
        return theta

    def _reordered(
        self, theta: Floats, chosen: Ints, changed: Ints, part: Part, own: Floats, best: Ints, order: Ints
    ) -> Floats:
        """Theta with the factors `own` of places `changed` among `chosen` in the orders `best`."""
        theta = theta.copy()
        lower = lower_factors(np.take_along_axis(own[:, :, changed], best[:, None, changed], axis=0))
        theta[part.places.start : part.places.stop, changed] = lower[part.row, part.col]
        order[:, chosen[changed]] = best[:, changed]
        rows = part.columns.start + best[part.row][:, changed]
        self.moves[part.places, :, chosen[changed]] = self._directions[rows].transpose(0, 2, 1)
        return theta


def _block(theta: Floats, order: Ints, row: Ints, col: Ints, width: int) -> Floats:
    """A block's factor with its rows in the formula's order, (width, width, R)."""
    own = np.zeros((width, width, theta.shape[1]))
    own[row, col] = theta
    found = np.empty_like(own)
    np.put_along_axis(found, np.broadcast_to(order[:, None], own.shape).copy(), own, axis=0)
    return found


def lower_factors(half: Floats) -> Floats:
    """Lower triangular factors with diagonals from zero of half half', (k, k, R)."""
    lower = np.asarray(np.linalg.qr(half.transpose(2, 1, 0), mode="r")).transpose(2, 1, 0)
    sign = np.where(np.einsum("kkr->kr", lower) < 0, -1.0, 1.0)
    return np.asarray(lower * sign)


def _good_orders(factor: Floats, current: Ints) -> Ints:
    """`charts.good_order` by replicate: the largest remaining variance first where the next is far below it."""
    width, R = current.shape
    S = np.einsum("akr,bkr->abr", factor, factor)
    left, found, all_ = current.copy(), np.empty_like(current), np.arange(R)
    for place in range(width):
        variances = np.take_along_axis(np.einsum("kkr->kr", S), left[place:], axis=0)
        best = np.where(variances[0] >= BAD * variances.max(axis=0), 0, variances.argmax(axis=0)) + place
        pivot = left[best, all_]
        for k in range(width - 1, place, -1):  # the others move on by one, in their order
            left[k] = np.where(k <= best, left[k - 1], left[k])
        left[place] = found[place] = pivot
        own = S[:, pivot, all_]
        size = S[pivot, pivot, all_]
        S = S - own[:, None] * own[None] / np.where(size > 0, size, np.inf)
    return found


@dataclass(frozen=True, slots=True)
class Found:
    """Where the searches ended, in the formula's order.

    Attributes
    ----------
    theta : ndarray (k, R)
    lam : ndarray (q, q, R)
    value : ndarray (R,)
        The criterion, in scaled coordinates.
    slopes : Slopes
    pulled : Pulled
    converged : ndarray (R,)
    """

    theta: Floats
    lam: Floats
    value: Floats
    slopes: Slopes
    pulled: Pulled
    converged: npt.NDArray[np.bool_]


class _State:
    """Where each replicate is."""

    def __init__(self, lanes: Lanes, template: Template, start: Floats) -> None:
        R, k = lanes.n_replicates, len(template.row)
        self.lanes, self.col = lanes, template.col
        self.orders = Orders(template, R)
        self.x = np.repeat(start[:, None], R, axis=1) if start.ndim == 1 else start.copy()
        self.value = np.full(R, np.inf)
        self.slopes = Slopes.empty(template.q, lanes.Wx.shape[1], R)
        self.step, self.decrement = np.zeros((k, R)), np.zeros(R)
        self.length, self.tries, self.phase = np.ones(R), np.zeros(R, dtype=int), np.zeros(R, dtype=int)

    def accept(self, chosen: Ints, x: Floats, lanes: Lanes, at: Factors) -> None:
        """Move some replicates to x."""
        self.slopes.put(chosen, derivatives(lanes, at))
        self.value[chosen] = at.value
        self.x[:, chosen] = x

    def aim(self, chosen: Ints, tolerance: float) -> None:
        """The next step of some replicates."""
        if not len(chosen):
            return
        self.x[:, chosen] = x = self.orders.improved(self.x[:, chosen], chosen)
        own = self.pulled(chosen, x)
        step = newton_steps(own.hessian, own.gradient, x)
        decrement = -np.einsum("kr,kr->r", own.gradient, step)
        self.step[:, chosen], self.decrement[chosen], self.length[chosen], self.tries[chosen] = step, decrement, 1.0, 0
        is_short = np.abs(step).max(axis=0, initial=0.0) <= 1e-9 * (1.0 + np.abs(x).max(axis=0, initial=0.0))
        near = np.where(is_short, DONE, LAST_STEP)
        self.phase[chosen] = np.where(decrement <= tolerance, near, SEARCHING)
        self.phase[chosen[~np.isfinite(decrement)]] = LOST

    def pulled(self, chosen: Ints, x: Floats) -> Pulled:
        """Derivatives in theta of some replicates."""
        whole = len(chosen) == self.lanes.n_replicates
        slopes = self.slopes if whole else self.slopes.taken(chosen)
        lam, moves = self.orders.factor(x, chosen), self.orders.moves[:, :, chosen]
        return pulled(slopes, lam, moves, self.col, self.lanes.degrees[chosen], reml=self.lanes.reml)

    def round(self, tolerance: float) -> None:
        """One evaluation of each replicate that is not done."""
        chosen = np.flatnonzero(self.phase < DONE)
        lanes = self.lanes.taken(chosen)
        x = self.x[:, chosen] + self.length[chosen] * self.step[:, chosen]
        at = factors(lanes, self.orders.factor(x, chosen))
        old, decrement, length = self.value[chosen], self.decrement[chosen], self.length[chosen]
        is_last = self.phase[chosen] == LAST_STEP
        slack = ROUNDING * np.abs(old)
        is_lower = at.value <= old - np.where(is_last, 0.0, ENOUGH * length * decrement) + slack
        own = np.flatnonzero(is_lower)
        if len(own):
            self.accept(chosen[own], x[:, own], lanes.taken(own), at.taken(own))
        self.phase[chosen[is_last]] = DONE
        self.aim(chosen[is_lower & ~is_last], tolerance)
        self._shorten(chosen, at.value - old, ~is_lower & ~is_last)

    def _shorten(self, chosen: Ints, rise: Floats, is_long: npt.NDArray[np.bool_]) -> None:
        """Take a part of the step: where the parabola through what is known has its minimum, within bounds."""
        own = chosen[is_long]
        length, decrement = self.length[own], self.decrement[own]
        excess = rise[is_long] + length * decrement
        is_known = np.isfinite(excess) & (excess > 0)
        best = np.where(is_known, 0.5 * decrement * length**2 / np.where(is_known, excess, 1.0), 0.0)
        self.length[own] = np.clip(best, SHORTEST * length, LONGEST * length)
        self.tries[own] += 1
        slack = np.maximum(1e-6, 100 * ROUNDING * np.abs(self.value[own]))
        spent = self.tries[own] >= MOST_TRIES
        self.phase[own[spent]] = np.where(decrement <= slack, DONE, LOST)[spent]


def search(lanes: Lanes, template: Template, start: Floats, tolerance: float) -> Found:
    """Minimise the criterion of every replicate from `start`, theta (k,) or (k, R) in the formula's order."""
    state = _State(lanes, template, start)
    everyone = np.arange(lanes.n_replicates)
    at = factors(lanes, state.orders.factor(state.x, everyone))
    fine = np.flatnonzero(np.isfinite(at.value))
    state.phase[~np.isfinite(at.value)] = LOST
    if len(fine):
        state.accept(fine, state.x[:, fine], lanes.taken(fine), at.taken(fine))
        state.aim(fine, tolerance)
    for _ in range(MOST_ROUNDS):
        if not (state.phase < DONE).any():
            break
        state.round(tolerance)
    theta = state.orders.natural(state.x)
    return Found(
        theta=theta,
        lam=state.orders.factor(theta, everyone),
        value=state.value,
        slopes=state.slopes,
        pulled=state.pulled(everyone, theta),
        converged=state.phase == DONE,
    )


def newton_steps(hessian: Floats, gradient: Floats, x: Floats) -> Floats:
    """`newton._newton_step` by replicate: (k, R) from (k, k, R); negative curvature is turned round."""
    if len(gradient) == 0:
        return gradient
    largest = np.abs(np.einsum("kkr->kr", hessian)).max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        L = cholesky(hessian)
        is_fine = (np.einsum("kkr->kr", L) ** 2 > 10 * FLOOR * largest).all(axis=0)
        step = -backward(L, forward(L, gradient[:, None]))[:, 0]
    other = np.flatnonzero(~is_fine)
    if len(other):
        step[:, other] = _turned_steps(hessian[:, :, other].transpose(2, 0, 1), gradient[:, other].T).T
    longest = 2.0 * (1.0 + np.abs(x).max(axis=0))
    return np.asarray(step * np.minimum(1.0, longest / np.maximum(np.abs(step).max(axis=0), 1e-300)))


def _turned_steps(hessian: Floats, gradient: Floats) -> Floats:
    is_number = np.isfinite(hessian.sum(axis=(1, 2)) + gradient.sum(axis=1))
    values, vectors = np.linalg.eigh(np.where(is_number[:, None, None], hessian, 0.0))
    size = np.abs(values)
    size = np.maximum(size, np.maximum(FLOOR * size.max(axis=1), 1e-12)[:, None])
    inner = np.einsum("rak,ra->rk", vectors, np.where(is_number[:, None], gradient, np.nan))
    return -np.einsum("rak,rk->ra", vectors, inner / size)
