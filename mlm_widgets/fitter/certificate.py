"""Whether a theta is an optimum, on the boundary too: the first-order conditions in the covariances themselves.

In S = lambda lambda' the criterion is minimised over positive semi-definite matrices. With D = dd/dS, S is stationary
there if and only if D is positive semi-definite and D lambda = 0 (Karush, Kuhn and Tucker): no covariance matrix
nearby, of full rank or not, is better to first order. The gradient in theta alone cannot tell: it is zero wherever a
column of lambda is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.criterion import Evaluation, evaluate
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.template import Part

__all__ = ["Certificate", "certified", "inside_of"]

Floats = npt.NDArray[np.float64]

LEAST_SLOPE = -1e-5  # relative eigenvalue of D: what leaving the boundary there could win is below 1e-9 a level
STATIONARY = 1e-5  # relative size of D lambda
SPREAD = 0.01  # share of the block's variance above which a direction is inside already, and its slope a gradient
STEPS = (0.04, 4e-3, 4e-4, 4e-5, 4e-6)  # variances (relative to the residual's) with which a search leaves the boundary


@dataclass(frozen=True, slots=True)
class Certificate:
    """The conditions at one theta.

    Attributes
    ----------
    least_slope : float
        Least eigenvalue of D, relative to the sum of Z_j'V^-1 Z_j that D is a difference of. Negative where a
        covariance inside is better.
    stationarity : float
        Largest entry of D lambda, on the same scale.
    """

    least_slope: float
    stationarity: float

    @property
    def holds(self) -> bool:
        """Whether the optimum is certified."""
        return self.least_slope >= LEAST_SLOPE and self.stationarity <= STATIONARY


def certified(point: Evaluation) -> Certificate:
    """The certificate of `point`."""
    blocks = list(_blocks(point))
    return Certificate(
        least_slope=min(float(np.linalg.eigvalsh(block.slope)[0]) for block in blocks),
        stationarity=max(float(np.abs(block.stationarity).max()) for block in blocks),
    )


def inside_of(point: Evaluation) -> tuple[Floats | None, int]:
    """A better theta inside, where D is not positive semi-definite; and how many were tried."""
    tried = 0
    for block in _blocks(point):
        values, vectors = np.linalg.eigh(block.slope)
        along = block.scaled.T @ vectors[:, 0]
        if values[0] >= LEAST_SLOPE or along @ along > SPREAD * np.vdot(block.scaled, block.scaled):
            continue
        away = vectors[:, 0] / block.size
        away /= np.abs(away).max()
        for step in STEPS:
            theta = point.theta.copy()
            S = block.factor @ block.factor.T + step * np.outer(away, away)
            theta[block.places] = _lower(S)[block.part.row, block.part.col]
            tried += 1
            if evaluate(point.problem, theta).value < point.value - 1e-13 * abs(point.value):
                return theta, tried
    return None, tried


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of correlated effects: its D, scaled, its factor, and where its elements are in theta."""

    slope: Floats
    size: Floats
    factor: Floats
    part: Part
    places: slice

    @property
    def scaled(self) -> Floats:
        """The factor of the covariance of the scaled effects."""
        return self.size[:, None] * self.factor

    @property
    def stationarity(self) -> Floats:
        """D lambda relative to the information on the block's effects."""
        return self.slope @ self.scaled / self.size[:, None]


def _blocks(point: Evaluation) -> Iterator[_Block]:
    problem: Problem = point.problem
    for f, (template, own) in enumerate(zip(problem.templates, problem.slices, strict=True)):
        for part in template.parts:
            frame = part.frame
            size = np.sqrt(np.maximum(np.diag(frame.T @ point.information[f] @ frame), 1e-300))
            slope = frame.T @ point.D[f] @ frame / np.multiply.outer(size, size)
            places = slice(own.start + part.places.start, own.start + part.places.stop)
            yield _Block(slope, size, part.factor(point.theta[own]), part, places)


def _lower(S: Floats) -> Floats:
    """A lower triangular factor of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(S)
    half = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(np.linalg.qr(half.T, mode="r")).T
