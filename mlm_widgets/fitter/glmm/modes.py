"""The conditional modes: penalised iteratively reweighted least squares, as Newton's method.

For given theta, beta and phi the modes u minimise sum_i f_i(eta_i) + |u|^2 / 2, eta = X beta + Z Lambda u + offset,
with f = -log p(y | eta). The curvature is the observed one, f''; where that does not give a
positive definite H (links that are not canonical), the expected one takes its place on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.families import Terms
from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.fitter.glmm.hessian import Factored, RowsOfPairs, factored

__all__ = ["DECREMENT", "Modes", "find_modes", "settled"]

Floats = npt.NDArray[np.float64]
Effects = list[Floats]

DECREMENT = 1e-7  # twice the drop left when the last step is taken: that step squares it
NO_MODE = 1e-6  # decrement at which a place that no step lowers is no mode
MAX_STEPS = 100
MAX_HALVINGS = 30
ROUNDING = 1e-12


@dataclass(frozen=True)
class Modes:
    """The conditional modes at given parameters, with the likelihood there.

    Attributes
    ----------
    parameters : ndarray (k,)
        (theta, beta[, log phi]).
    lams : list of ndarray (q, q)
    u, b : list of ndarray (q, J)
        Spherical random effects, and on the scale of eta: b = lambda u.
    eta : ndarray (n,)
    terms : Terms
    score : list of ndarray (q, J)
        Z'f'.
    penalised : float
        2 sum f + |u|^2.
    H : Factored
    n_steps : int
    """

    arrays: Arrays
    parameters: Floats
    lams: list[Floats]
    u: Effects
    b: Effects
    eta: Floats
    terms: Terms
    score: Effects
    penalised: float
    H: Factored
    n_steps: int

    @property
    def log_phi(self) -> float:
        """The last of the parameters, or 0 where there is no phi."""
        return self.arrays.split(self.parameters)[2]


def find_modes(
    arrays: Arrays, pattern: RowsOfPairs | None, parameters: Floats, start: Effects, enough: float = DECREMENT
) -> Modes:
    """The modes at `parameters`, from the effects `start`; a step that promises less than `enough` is the last.

    Raises
    ------
    FitError
        If no finite likelihood is found, or its curvature is no number.
    """
    theta, beta, log_phi = arrays.split(parameters)
    lams, fixed = arrays.lams(theta), arrays.fixed(beta)
    for u in (start, [np.zeros_like(each) for each in start]):
        place = _Place.at(arrays, lams, fixed, log_phi, u)
        if np.isfinite(place.penalised):
            found, n_steps = _descended(place, pattern, enough)
            if found is not None:
                return _modes(found, pattern, parameters, n_steps)
    if not np.isfinite(place.penalised):
        raise FitError(
            "The likelihood is not finite at the parameters tried: the means leave the range of the family.",
            hint="Choose a link that keeps them inside, such as 'log' for counts and positive outcomes.",
        )
    raise FitError(
        "The random effects have no mode at the parameters tried: the likelihood has no single maximum in "
        "them, or has it on the edge of the family's range.",
        hint="Choose a link that keeps means inside, such as 'log' for counts, or simplify the random effects.",
    )


def _descended(place: _Place, pattern: RowsOfPairs | None, enough: float) -> tuple[_Place | None, int]:
    """The minimum below `place` and the steps there; None where Newton's method comes to no minimum."""
    for n_steps in range(1, MAX_STEPS + 1):
        H, _, residual = place.curvature(pattern)
        step = H.solve([-each for each in residual])
        decrement = -sum(float(np.vdot(s, r)) for s, r in zip(step, residual, strict=True))
        if n_steps > 1 and decrement < ROUNDING * (1.0 + abs(place.penalised)) * ROUNDING:
            return place, n_steps
        found = place.lowered(step, decrement)
        if found is None:
            return (place if decrement < NO_MODE + 1e3 * place.slack else None), n_steps
        place = found
        if decrement < enough:
            return place, n_steps
    return None, MAX_STEPS


def _modes(place: _Place, pattern: RowsOfPairs | None, parameters: Floats, n_steps: int) -> Modes:
    H, score, _ = place.curvature(pattern)
    return Modes(
        arrays=place.arrays,
        parameters=parameters,
        lams=place.lams,
        u=place.u,
        b=place.b,
        eta=place.eta,
        terms=place.terms,
        score=score,
        penalised=place.penalised,
        H=H,
        n_steps=n_steps,
    )


def settled(arrays: Arrays, pattern: RowsOfPairs | None, parameters: Floats, u: Effects) -> Modes:
    """The likelihood and H at the effects `u`, whether or not they are the modes."""
    theta, beta, log_phi = arrays.split(parameters)
    lams = arrays.lams(theta)
    place = _Place.at(arrays, lams, arrays.fixed(beta), log_phi, u)
    return _modes(place, pattern, parameters, 0)


@dataclass(frozen=True)
class _Place:
    """Effects tried, and the likelihood there."""

    arrays: Arrays
    lams: list[Floats]
    fixed: Floats
    log_phi: float
    u: Effects
    b: Effects
    eta: Floats
    terms: Terms
    penalised: float

    @staticmethod
    def at(arrays: Arrays, lams: list[Floats], fixed: Floats, log_phi: float, u: Effects) -> _Place:
        b = [lam @ each for lam, each in zip(lams, u, strict=True)]
        eta = fixed
        for rows, each in zip(arrays.factors, b, strict=True):
            eta = eta + rows.spread(each)
        terms = arrays.terms(eta, log_phi)
        penalised = 2.0 * float(terms.value.sum()) + sum(float(np.vdot(each, each)) for each in u)
        return _Place(arrays, lams, fixed, log_phi, u, b, eta, terms, penalised if penalised == penalised else np.inf)

    @property
    def slack(self) -> float:
        """What rounding may do to the objective."""
        return ROUNDING * (1.0 + abs(self.penalised)) + self.arrays.rounding

    def curvature(self, pattern: RowsOfPairs | None) -> tuple[Factored, Effects, Effects]:
        """H, Z'f' and the gradient in u."""
        arrays = self.arrays
        score = [rows.gathered(self.terms.first) for rows in arrays.factors]
        residual = [lam.T @ s + u for lam, s, u in zip(self.lams, score, self.u, strict=True)]
        try:
            H = factored(arrays, pattern, self.lams, self.terms.second)
        except np.linalg.LinAlgError:
            expected = np.maximum(self.terms.second, arrays.information(self.eta, self.log_phi))
            H = self._of_expected(pattern, expected)
        return H, score, residual

    def _of_expected(self, pattern: RowsOfPairs | None, expected: Floats) -> Factored:
        try:
            return factored(self.arrays, pattern, self.lams, expected)
        except np.linalg.LinAlgError:
            raise FitError(
                "The curvature of the likelihood at the parameters tried cannot be computed: means are on the edge of "
                "the family's range, or too large.",
                hint="Choose a link that keeps means inside, such as 'log' for counts, or other units of the outcome.",
            ) from None

    def lowered(self, step: Effects, decrement: float) -> _Place | None:
        """The first of the step, its half, its quarter, ... that lowers the objective; None where none does."""
        slack = self.slack
        length = 1.0
        for _ in range(MAX_HALVINGS):
            u = [old + length * each for old, each in zip(self.u, step, strict=True)]
            found = _Place.at(self.arrays, self.lams, self.fixed, self.log_phi, u)
            if found.penalised <= self.penalised - 1e-4 * length * decrement + slack:
                return found
            length *= 0.5
        return None
