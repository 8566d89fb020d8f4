"""New outcomes from a fitted model: y* = X beta + offset + Z b* + e*, e* with variance sigma^2 / w."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit

__all__ = ["simulate"]

Floats = npt.NDArray[np.float64]


def simulate(fit: Fit, n: int, seed: int | None, *, is_new: bool) -> Floats:
    """`n` outcomes for the rows of the fit, shape (n_obs, n).

    Random effects are drawn anew from their distribution (`is_new`), or are the conditional modes.
    """
    draw = np.random.default_rng(seed)
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
    noise = draw.standard_normal(found.shape)
    if design.weights is not None:
        noise /= np.sqrt(design.weights)[:, None]
    return found + fit.sigma * noise
