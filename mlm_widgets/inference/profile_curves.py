"""Profile likelihood: how the deviance rises as one parameter is held away from its estimate.

With d(c) the least deviance at which the parameter is c, and d the least of all,

    zeta(c) = sign(c - estimate) sqrt(d(c) - d)

is compared with the normal distribution: the interval of level 1 - a holds the values with |zeta| below its quantile
at 1 - a / 2. Bates & Watts (1988), Nonlinear Regression Analysis, section 6.1; lme4's ``profile``. Where zeta is a
straight line the Wald interval is right; near a boundary it is far from it.

Points are about 0.7 of a unit of zeta apart; each starts from the last. The deviance has its exact derivative in c (the
envelope theorem), and so has zeta: between points it is a cubic with the right slopes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import interpolate, optimize, stats

from mlm_widgets.errors import FitError, OptionError, closest
from mlm_widgets.fitter import Fit, prepare
from mlm_widgets.fitter.glmm.held import glmm_optimum, held_coefficient, held_deviation, held_dispersion
from mlm_widgets.fitter.held import Solved, held_effect, held_sigma, held_variance
from mlm_widgets.fitter.threads import single_thread
from mlm_widgets.inference.parameter import Parameter, parameter_values, parameters
from mlm_widgets.inference.progress import ProgressOption, Work

__all__ = ["Curve", "chosen_parameters", "profile_curves"]

Floats = npt.NDArray[np.float64]

STEP = 0.7  # of zeta between points
LONGEST_STEP = 1.2  # of zeta: a step that turns out longer gets a point in its middle
MARGIN = 1.02  # how far beyond the level a curve goes
MAX_POINTS = 60  # a side
GROWTH = 3.0  # of a step over the last, in the parameter
NO_OVERDISPERSION = -14.0  # log phi of counts below which they are Poisson's: the likelihood is flat
LOWER = 1e-6  # of a deviance below the optimum's that is no rounding


class Held(Protocol):
    """One parameter of a fit, to be held at values of a coordinate that has no kinks."""

    @property
    def start(self) -> tuple[float, Floats]:
        """The coordinate and the free ones at the optimum."""

    def curvature(self) -> float:
        """Second derivative of the profiled deviance at the optimum."""

    def solve(self, c: float, x: Floats, hessian: Floats | None = None) -> Solved:
        """The optimum with the coordinate at `c`."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The profile of one parameter.

    Attributes
    ----------
    parameter : Parameter
    estimate : float
        By maximum likelihood.
    value, zeta : ndarray (k,)
        Points of the curve, values increasing.
    coordinate, slope : ndarray (k,)
        The coordinate in which it is smooth (log sigma, arc sine of a correlation), and d zeta / d coordinate.
    reach : float
        |zeta| to which it was followed, where no bound came first.
    n_evaluations : int
    """

    parameter: Parameter
    estimate: float
    value: Floats
    zeta: Floats
    coordinate: Floats
    slope: Floats
    reach: float
    n_evaluations: int

    def limits(self, level: float) -> tuple[float, float]:
        """The interval of that level; its ends are the parameter's bounds where zeta does not come so far before."""
        target = float(stats.norm.ppf(0.5 + level / 2.0))
        return self._crossing(-target), self._crossing(target)

    def _crossing(self, target: float) -> float:
        """Where zeta is `target`."""
        low, high = self.parameter.bounds
        if not len(self.zeta) or target < self.zeta[0]:
            return low
        if target > self.zeta[-1]:
            return high
        right = int(np.clip(np.searchsorted(self.zeta, target), 1, len(self.zeta) - 1))
        pair = slice(right - 1, right + 1)
        ends = self.coordinate[pair]
        piece = interpolate.CubicHermiteSpline(
            ends, self.zeta[pair], _monotone(ends, self.zeta[pair], self.slope[pair])
        )
        root = optimize.brentq(lambda c: float(piece(c)) - target, ends[0], ends[1], xtol=1e-14, rtol=1e-12)
        share = (root - ends[0]) / (ends[1] - ends[0])
        return float(_value_of(self.parameter, root, self.value[pair], share))


def _monotone(c: Floats, zeta: Floats, slope: Floats) -> Floats:
    """Slopes of a cubic that stays monotone: Fritsch & Carlson (1980), SIAM J. Numer. Anal. 17(2)."""
    secant = float((zeta[1] - zeta[0]) / (c[1] - c[0]))
    ratio = np.clip(slope / max(secant, 1e-300), 0.0, None)
    size = float(np.hypot(ratio[0], ratio[1]))
    return np.asarray(secant * (ratio if size <= 3.0 else 3.0 / size * ratio))


def _value_of(parameter: Parameter, c: float, ends: Floats, share: float) -> float:
    """The parameter at the coordinate c, `share` of the way between two points."""
    if parameter.kind == "cor":
        return float(np.sin(c))
    if parameter.kind in ("sigma", "dispersion"):
        return float(ends[0] * (ends[1] / ends[0]) ** share)
    return float(ends[0] + share * (ends[1] - ends[0]))


def chosen_parameters(fit: Fit, names: str | Sequence[str] | None) -> tuple[Parameter, ...]:
    """Parameters by name; "fixed" and "random" are all of a kind, None all.

    Raises
    ------
    OptionError
        If the model has no such parameter.
    """
    known = {own.name: own for own in parameters(fit)}
    if names is None:
        return tuple(known.values())
    found: list[Parameter] = []
    for name in [names] if isinstance(names, str) else names:
        if name in known:
            found.append(known[name])
        elif name in ("fixed", "random"):
            found += [own for own in known.values() if (own.kind == "fixed") == (name == "fixed")]
        else:
            near = closest(str(name), [*known, "fixed", "random"])
            raise OptionError(
                f"The model has no parameter {name!r}.",
                hint=f"Closest: {', '.join(near)}." if near else f"It has: {', '.join(known)}.",
                argument="parameters",
            )
    if not found:
        raise OptionError("`parameters` is empty: name one or more, or leave it out.", argument="parameters")
    return tuple(dict.fromkeys(found))


def profile_curves(
    fit: Fit,
    chosen: Sequence[Parameter],
    level: float,
    progress: ProgressOption = None,
    cancel: threading.Event | None = None,
) -> tuple[Curve, ...]:
    """Profiles of the parameters `chosen` of a maximum likelihood fit, far enough for intervals of `level`.

    A linear model is profiled by its exact likelihood, a generalized one by its approximation (Laplace's, or the fit's
    quadrature). Prior weights and offsets are in the likelihood; coefficients that were left out as collinear have no
    profile; from a singular fit curves begin at the boundary.

    Raises
    ------
    FitError
        If a lower deviance is found on the way than the fit has, or a search does not converge.
    Cancelled
        With the curves that were finished.
    """
    reach = MARGIN * float(stats.norm.ppf(0.5 + level / 2.0))
    values = dict(zip((own.name for own in parameters(fit)), parameter_values(fit), strict=True))
    made: list[Curve] = []
    errors = np.errstate(over="ignore", invalid="ignore", divide="ignore")
    with Work("Profile", len(chosen), progress, cancel) as work, single_thread(), errors:
        holder = _Holder(fit)
        for parameter in chosen:
            made.append(_curve(holder, parameter, float(values[parameter.name]), reach))
            work.advance(partial=lambda: tuple(made))
    return tuple(made)


class _Holder:
    """Makes what holds one parameter of a fit."""

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        if fit.family.is_linear:
            self.prepared = prepare(fit.design, reml=False)
            point = self.prepared.at(fit.theta_centred)
            self.value, self.sigma = point.value, point.sigma
        else:
            self.optimum = glmm_optimum(fit)
            self.value = fit.criterion

    def held(self, parameter: Parameter) -> tuple[Held, float, float]:
        """What holds `parameter`, and the scale and shift that make its value of the coordinate."""
        return self._linear(parameter) if self.fit.family.is_linear else self._generalized(parameter)

    def _linear(self, parameter: Parameter) -> tuple[Held, float, float]:
        problem, theta = self.prepared.problem, self.fit.theta_centred
        scaling = problem.scaling
        if parameter.kind == "fixed":
            a = scaling.to_user[parameter.place]
            held = held_effect(problem, theta, a)
            return held, float(np.linalg.norm(a)), float(scaling.shift[parameter.place])
        if parameter.kind == "sigma":
            return held_sigma(problem, theta, self.sigma), scaling.y_scale * np.sqrt(problem.weight_scale), 0.0
        variance = held_variance(problem, theta, self.sigma, parameter.place, parameter.effects)
        return variance, scaling.y_scale * variance.unit, 0.0

    def _generalized(self, parameter: Parameter) -> tuple[Held, float, float]:
        if parameter.kind == "fixed":
            coefficient = held_coefficient(self.optimum, parameter.place)
            return coefficient, coefficient.unit, 0.0
        if parameter.kind == "dispersion":
            return held_dispersion(self.optimum), 1.0, 0.0
        deviation = held_deviation(self.optimum, self.fit.groups[parameter.place].place, parameter.effects)
        return deviation, deviation.unit, 0.0


@dataclass(frozen=True, slots=True)
class _Place:
    """A point of a curve, with what the next begins from."""

    c: float
    zeta: float
    slope: float
    x: Floats
    hessian: Floats | None = None


def _curve(holder: _Holder, parameter: Parameter, estimate: float, reach: float) -> Curve:
    held, scale, shift = holder.held(parameter)
    c, x = held.start
    if np.isnan(c):
        return _undetermined(parameter, estimate, reach)
    tracer = _Tracer(held, holder.value, parameter, is_count=holder.fit.family.is_count)
    curvature = held.curvature()
    slope = float(np.sqrt(curvature / 2.0))
    is_guess = not np.isfinite(slope) or slope * tracer.unit < 1e-4
    middle = _Place(c, 0.0, 1.0 / tracer.unit if is_guess else slope, x)
    low, high = tracer.bounds
    below = tracer.side(middle, -1, reach) if c > low else []
    above = tracer.side(middle, 1, reach) if c < high else []
    places = [*reversed(below), middle, *above]
    if is_guess and len(places) > 1:
        secant = float(np.diff([places[0].zeta, places[-1].zeta])[0] / (places[-1].c - places[0].c))
        places = [replace(own, slope=secant) if own is middle else own for own in places]
    coordinate = np.array([own.c for own in places])
    if parameter.kind == "cor":
        value = np.sin(coordinate)
    elif parameter.kind in ("sigma", "dispersion"):
        value = scale * np.exp(coordinate)
    else:
        value = shift + scale * coordinate
    return Curve(
        parameter=parameter,
        estimate=estimate,
        value=value,
        zeta=np.array([own.zeta for own in places]),
        coordinate=coordinate,
        slope=np.array([own.slope for own in places]),
        reach=reach,
        n_evaluations=tracer.n_evaluations,
    )


def _undetermined(parameter: Parameter, estimate: float, reach: float) -> Curve:
    """Of a correlation with an effect that does not vary: every value is as likely."""
    c = np.array([-np.pi / 2, np.pi / 2])
    return Curve(parameter, estimate, np.sin(c), np.zeros(2), c, np.zeros(2), reach, 0)


class _Tracer:
    """Follows a curve away from the optimum."""

    def __init__(self, held: Held, value: float, parameter: Parameter, *, is_count: bool) -> None:
        self.held = held
        self.value = value
        self.parameter = parameter
        self.is_count = is_count
        self.n_evaluations = 0
        self.unit = 0.1 if parameter.kind in ("cor", "sigma", "dispersion") else 0.05

    @property
    def bounds(self) -> tuple[float, float]:
        """Of the coordinate."""
        kind = self.parameter.kind
        if kind == "cor":
            return -np.pi / 2, np.pi / 2
        if kind == "dispersion" and self.is_count:
            return NO_OVERDISPERSION, np.inf
        return (0.0, np.inf) if kind == "sd" else (-np.inf, np.inf)

    def side(self, middle: _Place, sign: int, reach: float) -> list[_Place]:
        """Points from beside `middle` to |zeta| = `reach` or the bound."""
        bound = self.bounds[0] if sign < 0 else self.bounds[1]
        places = [middle]
        step = STEP / middle.slope
        while abs(places[-1].zeta) < reach and places[-1].c != bound and len(places) < MAX_POINTS:
            last = places[-1]
            c = last.c + sign * step
            if sign * (c - bound) > -0.05 * step:  # to a bound that is near at once
                c = bound
            places += self._stepped(places, c)
            taken, rise = abs(places[-1].c - last.c), abs(places[-1].zeta) - abs(last.zeta)
            slope = max(places[-1].slope, 0.3 * rise / max(taken, 1e-300), 1e-12)
            step = min(STEP / slope, GROWTH * taken)
        beyond = next((k for k, own in enumerate(places) if abs(own.zeta) >= reach), len(places) - 1)
        return places[1 : beyond + 1]

    def _stepped(self, places: list[_Place], c: float, depth: int = 4) -> list[_Place]:
        """The point at `c`, after those that a long step needs between."""
        last = places[-1]
        found = self._place(places, c)
        if depth == 0 or abs(found.zeta - last.zeta) <= LONGEST_STEP:
            return [found]
        between = self._stepped(places, (last.c + c) / 2.0, depth - 1)
        return [*between, *self._stepped([*places, *between], c, depth - 1)]

    def _place(self, places: list[_Place], c: float) -> _Place:
        last, middle = places[-1], places[0]
        try:
            found = self.held.solve(c, _extrapolated(places[-3:], c), last.hessian)
        except (FitError, np.linalg.LinAlgError):
            found = self.held.solve(c, last.x, None)
        self.n_evaluations += found.n_evaluations
        rise = found.value - self.value
        if rise < -LOWER - 1e-9 * abs(self.value):
            raise FitError(
                f"With {self.parameter.name} held the deviance is {-rise:.2g} lower than that of the fit, which is not "
                "the optimum.",
                hint="See `all_fits()` for other optima, and fit the model again with options=FitOptions(start=...).",
            )
        zeta = float(np.sign(c - middle.c) * np.sqrt(max(rise, 0.0)))
        zeta = max(zeta, last.zeta) if c > middle.c else min(zeta, last.zeta)
        slope = 0.5 * found.slope / zeta if abs(zeta) > 1e-6 else middle.slope
        return _Place(c, zeta, max(float(slope), 0.0), found.x, found.hessian)


def _extrapolated(places: list[_Place], c: float) -> Floats:
    """The free coordinates at `c` by the polynomial through the last points (Lagrange)."""
    found = np.zeros_like(places[-1].x)
    for own in places:
        others = [other.c for other in places if other is not own]
        found += own.x * float(np.prod([(c - other) / (own.c - other) for other in others]))
    return found
