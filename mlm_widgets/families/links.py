"""Links: eta = g(mu), and the inverse with its derivatives.

A likelihood needs mu and d mu / d eta to third order; a binomial one needs log mu and log (1 - mu) instead, with
derivatives that hold in the tails, where mu rounds to 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["LINKS", "Link", "LogShares"]

Floats = npt.NDArray[np.float64]
Four = tuple[Floats, Floats, Floats, Floats]
MOST_CLOGLOG = 200.0  # exp(exp(6)) has no double: all beyond is as impossible

LogShares = Callable[[Floats], tuple[Four, Four]]


@dataclass(frozen=True, slots=True)
class Link:
    """A link function.

    Attributes
    ----------
    name : str
    forward : callable
        mu -> eta.
    inverse : callable
        eta -> mu.
    derivatives : callable
        eta -> mu, mu', mu'', mu''' with respect to eta.
    log_shares : callable or None
        eta -> (log mu with three derivatives, log (1 - mu) with three derivatives); for links of a share between 0
        and 1.
    """

    name: str
    forward: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]
    derivatives: Callable[[Floats], Four]
    log_shares: LogShares | None = None


def _identity(eta: Floats) -> Four:
    return eta, np.ones_like(eta), np.zeros_like(eta), np.zeros_like(eta)


def _log(eta: Floats) -> Four:
    mu = np.exp(eta)
    return mu, mu, mu, mu


def _sqrt(eta: Floats) -> Four:
    return eta**2, 2 * eta, np.full_like(eta, 2.0), np.zeros_like(eta)


def _reciprocal(eta: Floats) -> Four:
    mu = 1 / eta
    return mu, -(mu**2), 2 * mu**3, -6 * mu**4


def _reciprocal_square(eta: Floats) -> Four:
    mu = eta**-0.5
    return mu, -0.5 * eta**-1.5, 0.75 * eta**-2.5, -1.875 * eta**-3.5


def _logit(eta: Floats) -> Four:
    mu = special.expit(eta)
    first = mu * special.expit(-eta)
    slope = 1 - 2 * mu
    return mu, first, first * slope, first * (slope**2 - 2 * first)


def _probit(eta: Floats) -> Four:
    density = np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)
    return special.ndtr(eta), density, -eta * density, (eta**2 - 1) * density


def _cloglog(eta: Floats) -> Four:
    z = np.exp(np.minimum(eta, MOST_CLOGLOG))
    first = z * np.exp(-z)
    return -np.expm1(-z), first, first * (1 - z), first * (1 - 3 * z + z**2)


def _cauchit(eta: Floats) -> Four:
    first = 1 / (np.pi * (1 + eta**2))
    return (
        np.arctan2(1.0, -eta) / np.pi,
        first,
        -2 * np.pi * eta * first**2,
        (6 * eta**2 - 2) * np.pi**2 * first**3,
    )


def _logit_shares(eta: Floats) -> tuple[Four, Four]:
    mu, rest = special.expit(eta), special.expit(-eta)
    log_mu = np.minimum(eta, 0.0) - np.log1p(np.exp(-np.abs(eta)))
    variance = mu * rest
    third = -variance * (1 - 2 * mu)
    return (log_mu, rest, -variance, third), (log_mu - eta, -mu, -variance, third)


def _probit_shares(eta: Floats) -> tuple[Four, Four]:
    share, first, second, third = _log_normal_tail(-eta)
    return _log_normal_tail(eta), (share, -first, second, -third)


def _log_normal_tail(x: Floats) -> Four:
    """log Phi(x) and its derivatives; h = phi / Phi is the inverse of Mills' ratio."""
    log_share = special.log_ndtr(x)
    h = np.sqrt(2 / np.pi) / special.erfcx(-x / np.sqrt(2))
    second = -h * (x + h)
    return log_share, h, second, -second * (x + h) - h * (1 + second)


def _cloglog_shares(eta: Floats) -> tuple[Four, Four]:
    z = np.exp(np.minimum(eta, MOST_CLOGLOG))
    survived = np.exp(-z)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_mu = np.where(z < 1e-8, eta - z / 2, np.log(-np.expm1(-z)))
        first = np.where(z < 1e-8, 1 - z / 2, z * survived / -np.expm1(-z))
    second = first * (1 - z - first)
    # 1 - z - r is - z / 2 for small z, where it would cancel
    second = np.where(z < 1e-5, -z / 2 + z**2 / 6, second)
    third = np.where(z < 1e-5, -z / 2 + z**2 / 3, second * (1 - z - first) + first * (-z - second))
    return (log_mu, first, second, third), (-z, -z, -z, -z)


def _cauchit_shares(eta: Floats) -> tuple[Four, Four]:
    def tail(x: Floats) -> Four:
        mu, first, second, third = _cauchit(x)
        r1, r2, r3 = first / mu, second / mu, third / mu
        return np.log(mu), r1, r2 - r1**2, r3 - 3 * r1 * r2 + 2 * r1**3

    share, first, second, third = tail(-eta)
    return tail(eta), (share, -first, second, -third)


def _same(values: Floats) -> Floats:
    return values


def _power_minus_2(mu: Floats) -> Floats:
    return np.asarray(mu**-2.0)


def _power_minus_half(eta: Floats) -> Floats:
    return np.asarray(eta**-0.5)


def _cloglog_share(eta: Floats) -> Floats:
    return np.asarray(-np.expm1(-np.exp(np.minimum(eta, MOST_CLOGLOG))))


def _cauchit_of(mu: Floats) -> Floats:
    return np.asarray(np.tan(np.pi * (mu - 0.5)))


def _cauchit_share(eta: Floats) -> Floats:
    return np.asarray(np.arctan2(1.0, -eta) / np.pi)


def _log_of_minus_log(mu: Floats) -> Floats:
    return np.asarray(np.log(-np.log1p(-mu)))


LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link("identity", _same, _same, _identity),
        Link("log", np.log, np.exp, _log),
        Link("sqrt", np.sqrt, np.square, _sqrt),
        Link("inverse", np.reciprocal, np.reciprocal, _reciprocal),
        Link("1/mu^2", _power_minus_2, _power_minus_half, _reciprocal_square),
        Link("logit", special.logit, special.expit, _logit, _logit_shares),
        Link("probit", special.ndtri, special.ndtr, _probit, _probit_shares),
        Link("cloglog", _log_of_minus_log, _cloglog_share, _cloglog, _cloglog_shares),
        Link(
            "cauchit",
            _cauchit_of,
            _cauchit_share,
            _cauchit,
            _cauchit_shares,
        ),
    )
}
