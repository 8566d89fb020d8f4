"""Means of an outcome over the distribution of the random effects: E g^-1(eta + s t), t standard normal.

The trapezoidal rule in t, whose error falls exponentially with the number of nodes for functions as smooth as these
(Trefethen & Weideman 2014, SIAM Review 56(3), section 5); unlike Gauss-Hermite nodes it holds where the inverse link
is a step beside a wide normal. The logarithm's mean has a closed form, exp(eta + s^2 / 2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError
from mlm_widgets.families import Link

__all__ = ["averaged"]

Floats = npt.NDArray[np.float64]

REACH = 9.0  # standard deviations: beyond lies 2e-19 of the normal
NODES = 801
ROWS = 1_000  # gone through at a time
POLES = ("inverse", "1/mu^2")  # linear predictors on the far side of zero have no mean


def averaged(link: Link, eta: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """The mean of g^-1(eta + sd t) and its derivative in eta, both (n,), for eta and sd (n,).

    Raises
    ------
    OptionError
        If the inverse link is not defined for all linear predictors, so that there is no such mean.
    """
    eta, sd = np.broadcast_arrays(np.asarray(eta, dtype=np.float64), np.asarray(sd, dtype=np.float64))
    if link.name == "log":
        mean = np.exp(eta + sd**2 / 2)
        return mean, mean
    if link.name in POLES and np.any(sd > 0):
        raise _no_mean(link)
    t = np.linspace(-REACH, REACH, NODES)
    weights = np.exp(-(t**2) / 2)
    weights /= weights.sum()
    mean, slope = np.empty(len(eta)), np.empty(len(eta))
    for start in range(0, len(eta), ROWS):
        own = slice(start, start + ROWS)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mu, first, *_ = link.derivatives(eta[own, None] + sd[own, None] * t)
            mean[own], slope[own] = mu @ weights, first @ weights
    if not (np.isfinite(mean).all() and np.isfinite(slope).all()):
        raise _no_mean(link)
    return mean, slope


def _no_mean(link: Link) -> OptionError:
    return OptionError(
        f"With the link {link.name!r} the outcome has no mean over all groups: some linear predictors have no outcome.",
        hint="Use groups='typical'.",
        argument="groups",
    )
