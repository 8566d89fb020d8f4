"""New outcomes from a fitted model: random effects, then outcomes from the family at the means that they give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter import Fit

__all__ = ["simulate"]

Floats = npt.NDArray[np.float64]


def simulate(fit: Fit, n: int, seed: int | None, *, is_new: bool) -> Floats:
    """`n` outcomes for the rows of the fit, shape (n_obs, n); numbers of successes, for the binomial.

    Random effects are drawn anew from their distribution (`is_new`), or are the conditional modes. A normal outcome
    of prior weight w has the variance sigma^2 / w; other families' outcomes do not answer to weights, which count
    rows.

    Raises
    ------
    FitError
        If random effects were drawn for which the link gives no mean that the family can have.
    """
    draw = np.random.default_rng(seed)
    eta = _linear_predictors(fit, n, draw, is_new)
    if fit.family.is_linear:
        noise = draw.standard_normal(eta.shape)
        if fit.design.weights is not None:
            noise /= np.sqrt(fit.design.weights)[:, None]
        return eta + fit.sigma * noise
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mu = fit.family.link.inverse(eta)
        variance = fit.family.variance(mu, fit.dispersion)
    if not np.all(variance >= 0) or not np.isfinite(mu).all():
        raise FitError(
            f"Random effects were drawn for which the link {fit.family.link.name!r} gives no mean of the family "
            f"{fit.family.name!r}.",
            hint="Use random='conditional', or a link whose inverse stays within the family's range, such as "
            f"{fit.family.links[0]!r}.",
        )
    columns = [fit.family.draw(draw, mu[:, k], fit.design.trials, fit.dispersion) for k in range(n)]
    return np.column_stack(columns)


def _linear_predictors(fit: Fit, n: int, draw: np.random.Generator, is_new: bool) -> Floats:
    design = fit.design
    mean = design.X[:, fit.kept] @ fit.beta + (0.0 if design.offset is None else design.offset)
    found = np.repeat(mean[:, None], n, axis=1)
    for group in fit.groups:
        q, J = group.modes.shape
        if is_new:
            effects = fit.sigma * np.einsum("ab,bjr->ajr", group.lam, draw.standard_normal((q, J, n)))
        else:
            effects = group.modes[:, :, None]
        for a in range(q):
            found += design.Z[group.place][:, a, None] * effects[a][design.codes[group.place]]
    return found
