"""The conditional likelihoods: minus log p(y | eta) with derivatives in eta and in the logarithm of the dispersion.

McCullagh & Nelder (1989), Generalized Linear Models, chapter 2. For an exponential family with unit deviance halves
b(y, mu) and dispersion phi, f = b / phi + c(y, phi); the derivatives in mu become those in eta by Faa di Bruno's rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.families.links import Link

__all__ = [
    "Likelihood",
    "Terms",
    "beta",
    "binomial",
    "gamma",
    "gaussian",
    "inverse_gaussian",
    "negative_binomial",
    "poisson",
]

Floats = npt.NDArray[np.float64]
HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
LARGE_SIZE = 1e4  # the next term of Stirling's series, size^-4 / 120, is below rounding
MOST_LOG_ODDS = 700.0  # above, their exponential is no number


@dataclass(frozen=True, slots=True)
class Terms:
    """f = -log p(y | eta) by row.

    Attributes
    ----------
    value, first, second, third : ndarray (n,)
        f, and its derivatives with respect to eta.
    dispersion : tuple of three ndarray (n,), or None
        Derivatives of f, f' and f'' with respect to log phi, where phi is estimated.
    """

    value: Floats
    first: Floats
    second: Floats
    third: Floats
    dispersion: tuple[Floats, Floats, Floats] | None = None


class Likelihood(Protocol):
    """A likelihood for one link: eta, the outcome, trials (binomial only) and log phi -> `Terms`."""

    def __call__(self, eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        """The terms of each row."""


def binomial(link: Link) -> Likelihood:
    """Successes y of `trials`."""
    shares = link.log_shares
    if shares is None:
        raise ValueError(f"the link {link.name!r} is none for shares")

    def logit(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        capped = np.minimum(eta, MOST_LOG_ODDS)
        odds = np.exp(capped)
        rest = 1.0 / (1.0 + odds)
        mu = odds * rest
        variance = mu * rest
        n = 1.0 if trials is None else trials
        value = n * (np.log1p(odds) + (eta - capped))
        value = value if trials is None else value - _log_choose(trials, y)
        return Terms(value - y * eta, n * mu - y, n * variance, n * (variance * (rest - mu)))

    def other(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        n = np.ones_like(y) if trials is None else trials
        won, lost = shares(eta)
        failures = n - y
        value, first, second, third = (-(_times(y, a) + _times(failures, b)) for a, b in zip(won, lost, strict=True))
        return Terms(value if trials is None else value - _log_choose(n, y), first, second, third)

    return logit if link.name == "logit" else other


def _times(count: Floats, values: Floats) -> Floats:
    """count * values, with 0 where the count is."""
    return np.where(count == 0, 0.0, count * values)


def _log_choose(n: Floats, k: Floats) -> Floats:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def poisson(link: Link) -> Likelihood:
    """Counts with variance mu."""

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        constant = special.gammaln(y + 1)
        if link.name == "log":
            mu = np.exp(eta)
            return Terms(mu - y * eta + constant, mu - y, mu, mu)
        mu, *slopes = link.derivatives(eta)
        share = np.where(y == 0, 0.0, y / mu)
        parts = _composed((mu - special.xlogy(y, mu), 1 - share, share / mu, -2 * share / mu**2), slopes)
        return _inside(Terms(parts[0] + constant, *parts[1:]), mu >= 0 if link.name == "sqrt" else mu > 0)

    return of


def gaussian(link: Link) -> Likelihood:
    """A normal outcome; phi is the residual variance."""

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        mu, *slopes = link.derivatives(eta)
        residual = y - mu
        one = np.ones_like(mu)
        parts = _composed((residual**2 / 2, -residual, one, np.zeros_like(mu)), slopes)
        return _with_dispersion(parts, log_phi, HALF_LOG_2PI + log_phi / 2, 0.5)

    return of


def gamma(link: Link) -> Likelihood:
    """A positive outcome with variance phi mu^2; 1 / phi is the shape."""

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        shape = np.exp(-log_phi)
        if link.name == "log":
            z = y * np.exp(-eta)
            parts = (z + eta, 1 - z, z, -z)
            inside: npt.NDArray[np.bool_] | np.bool_ = np.True_
        else:
            mu, *slopes = link.derivatives(eta)
            z = y / mu
            with np.errstate(invalid="ignore", divide="ignore"):
                parts = _composed((z + np.log(mu), (1 - z) / mu, (2 * z - 1) / mu**2, (2 - 6 * z) / mu**3), slopes)
            inside = mu > 0
        log_y = np.log(y)
        constant = special.gammaln(shape) + shape * log_phi - (shape - 1) * log_y
        slope = shape * (1 + log_y - log_phi - special.digamma(shape))
        return _inside(_with_dispersion(parts, log_phi, constant, slope), inside)

    return of


def inverse_gaussian(link: Link) -> Likelihood:
    """A positive outcome with variance phi mu^3."""

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        mu, *slopes = link.derivatives(eta)
        with np.errstate(invalid="ignore", divide="ignore"):
            # (y - mu)^2 / (2 mu^2 y) = y / (2 mu^2) - 1 / mu + 1 / (2 y)
            outer = (
                (y - mu) ** 2 / (2 * mu**2 * y),
                (mu - y) / mu**3,
                (3 * y - 2 * mu) / mu**4,
                (6 * mu - 12 * y) / mu**5,
            )
            parts = _composed(outer, slopes)
        constant = HALF_LOG_2PI + log_phi / 2 + 1.5 * np.log(y)
        return _inside(_with_dispersion(parts, log_phi, constant, 0.5), mu > 0)

    return of


def negative_binomial(link: Link) -> Likelihood:
    """Counts with variance mu + mu^2 phi; 1 / phi is the shape (R's theta, the size)."""

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        size = np.exp(-log_phi)
        mu, *slopes = link.derivatives(eta)
        total, both = y + size, mu + size
        # f = c - y log mu + (y + s) log(mu + s), s = 1 / phi; log phi moves s by -s. Without overdispersion s is large:
        # log gamma and s log s are taken out of both parts of the difference
        spread, constant = total * np.log1p(mu / size), _log_choose_from(size, y) - y * log_phi
        if link.name == "log":
            share = mu / both
            first, second = total * share - y, total * share * (1 - share)
            parts = (spread - y * eta, first, second, second * (1 - 2 * share))
            in_size = (
                share * (mu - y) / both,
                share * ((y + 2 * size) / both - 2 * total * size / both**2),
            )
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = np.where(y == 0, 0.0, y / mu)
                outer = (
                    spread - special.xlogy(y, mu),
                    total / both - ratio,
                    ratio / mu - total / both**2,
                    2 * total / both**3 - 2 * ratio / mu**2,
                )
                parts = _composed(outer, slopes)
                in_mu = ((mu - y) / both**2, (2 * y - mu + size) / both**3)
                in_size = (in_mu[0] * slopes[0], in_mu[1] * slopes[0] ** 2 + in_mu[0] * slopes[1])
        value_by_size = np.log1p(mu / size) + (y - mu) / both - _digamma_step(size, y)
        moved = (-size * value_by_size, -size * in_size[0], -size * in_size[1])
        return _inside(Terms(parts[0] + constant, *parts[1:], dispersion=moved), mu > 0)

    return of


def _log_choose_from(size: float, y: Floats) -> Floats:
    """log of gamma(size) y! / gamma(size + y): that of y times the beta function, which is 1 where y is 0."""
    k = np.where(y == 0, 1.0, y)
    return np.where(y == 0, 0.0, special.betaln(size, k) + np.log(k))


def _digamma_step(size: float, y: Floats) -> Floats:
    """digamma(size + y) - digamma(size), by Stirling's series where that is a difference of nearly equal numbers."""
    if size < LARGE_SIZE:
        return np.asarray(special.digamma(size + y) - special.digamma(size))
    a, b = 1.0 / size, 1.0 / (size + y)
    return np.log1p(y / size) + (a - b) / 2.0 + (a**2 - b**2) / 12.0


def beta(link: Link) -> Likelihood:
    """A share strictly between 0 and 1 with mean mu and variance mu (1 - mu) / (1 + precision); phi is 1 / precision.

    Ferrari & Cribari-Neto (2004), J. Applied Statistics 31(7).
    """

    def of(eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        precision = np.exp(-log_phi)
        mu, *slopes = link.derivatives(eta)
        mu = np.clip(mu, 1e-300, 1 - 1e-16)
        a, b = mu * precision, (1 - mu) * precision
        difference = np.log(y) - np.log1p(-y)
        poly = (
            special.digamma(a) - special.digamma(b),
            special.polygamma(1, a) + special.polygamma(1, b),
            special.polygamma(2, a) - special.polygamma(2, b),
        )
        value = special.gammaln(a) + special.gammaln(b) - special.gammaln(precision)
        value = value - (a - 1) * np.log(y) - (b - 1) * np.log1p(-y)
        outer = (value, precision * (poly[0] - difference), precision**2 * poly[1], precision**3 * poly[2])
        parts = _composed(outer, slopes)
        by_precision = (
            mu * special.digamma(a)
            + (1 - mu) * special.digamma(b)
            - special.digamma(precision)
            - mu * np.log(y)
            - (1 - mu) * np.log1p(-y)
        )
        bent = mu * special.polygamma(1, a) - (1 - mu) * special.polygamma(1, b)
        first = poly[0] - difference + precision * bent
        second = 2 * precision * poly[1] + precision**2 * (
            mu * special.polygamma(2, a) + (1 - mu) * special.polygamma(2, b)
        )
        moved = (by_precision, first * slopes[0], second * slopes[0] ** 2 + first * slopes[1])
        return Terms(*parts, dispersion=(-precision * moved[0], -precision * moved[1], -precision * moved[2]))

    return of


def _composed(outer: tuple[Floats, ...], slopes: list[Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Derivatives in eta of a function of mu: (f, f_mu, f_mumu, f_mumumu) and mu', mu'', mu'''."""
    value, d1, d2, d3 = outer
    m1, m2, m3 = slopes
    return value, d1 * m1, d2 * m1**2 + d1 * m2, d3 * m1**3 + 3 * d2 * m1 * m2 + d1 * m3


def _with_dispersion(
    parts: tuple[Floats, Floats, Floats, Floats], log_phi: float, constant: Floats | float, slope: Floats | float
) -> Terms:
    """b / phi + c: `constant` is c, `slope` dc / d log phi."""
    by_phi = np.exp(-log_phi)
    value, first, second, third = (part * by_phi for part in parts)
    return Terms(value + constant, first, second, third, (slope - value, -first, -second))


def _inside(terms: Terms, inside: npt.NDArray[np.bool_] | np.bool_) -> Terms:
    """Infinite where the mean is not one of the family."""
    if np.all(inside):
        return terms
    return Terms(np.where(inside, terms.value, np.inf), terms.first, terms.second, terms.third, terms.dispersion)
