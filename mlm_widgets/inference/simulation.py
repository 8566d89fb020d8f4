"""New outcomes from a fitted model: random effects, then outcomes from the family at the means that they give.

Random effects and outcomes come from two streams of one seed, replicate after replicate: the first hundred replicates
of a thousand are those of a hundred, in whatever portions they are drawn.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter import Fit

__all__ = ["Simulator", "simulate"]

Floats = npt.NDArray[np.float64]


def simulate(fit: Fit, n: int, seed: int | None, *, is_new: bool) -> Floats:
    """`n` outcomes for the rows of the fit, shape (n_obs, n); see `Simulator`."""
    return Simulator(fit, seed, is_new=is_new).drawn(n)


class Simulator:
    """Draws outcomes for the rows of a fit; numbers of successes, for the binomial.

    Random effects are drawn anew from their distribution (`is_new`), or are the conditional modes. A normal outcome
    of prior weight w has the variance sigma^2 / w; other families' outcomes do not answer to weights, which count
    rows.
    """

    def __init__(self, fit: Fit, seed: int | None, *, is_new: bool) -> None:
        design = fit.design
        self.fit = fit
        self.is_new = is_new
        self._of_effects, self._of_outcomes = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        self._mean = design.X[:, fit.kept] @ fit.beta + (0.0 if design.offset is None else design.offset)
        if not is_new:
            self._mean = self._mean + sum(
                (design.Z[group.place] * group.modes.T[design.codes[group.place]]).sum(axis=1) for group in fit.groups
            )

    def drawn(self, n: int) -> Floats:
        """The next `n` outcomes, shape (n_obs, n).

        Raises
        ------
        FitError
            If random effects were drawn for which the link gives no mean that the family can have.
        """
        fit, eta = self.fit, self._linear_predictors(n)
        if fit.family.is_linear:
            noise = self._of_outcomes.standard_normal((n, len(eta))).T
            size = fit.sigma if fit.design.weights is None else (fit.sigma / np.sqrt(fit.design.weights))[:, None]
            eta += size * noise
            return eta
        return np.column_stack([_outcomes(fit, eta[:, k], self._of_outcomes) for k in range(n)])

    def _linear_predictors(self, n: int) -> Floats:
        """Shape (n_obs, n)."""
        design, groups = self.fit.design, self.fit.groups
        found = np.repeat(self._mean[:, None], n, axis=1)
        if not self.is_new:
            return found
        spherical = self._of_effects.standard_normal((n, sum(group.modes.size for group in groups)))
        end = 0
        for group in groups:
            q, J = group.modes.shape
            own = spherical[:, end : (end := end + q * J)].reshape(n, q, J)
            effects = np.einsum("ab,nbj->ajn", self.fit.sigma * group.lam, own, order="C")
            for effect, column in zip(effects, design.random[group.place], strict=True):
                found += column[:, None] * effect[design.codes[group.place]]
        return found


def _outcomes(fit: Fit, eta: Floats, draw: np.random.Generator) -> Floats:
    family, design = fit.family, fit.design
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mu = family.link.inverse(eta)
        terms = family.likelihood(eta, design.y, design.trials, float(np.log(fit.dispersion)))
    if not (np.isfinite(terms.value).all() and np.isfinite(mu).all()):  # as it is outside the family's means
        raise FitError(
            f"Random effects were drawn for which the link {family.link.name!r} gives no mean of the family "
            f"{family.name!r}.",
            hint="Use random='conditional', or a link whose inverse stays within the family's range, such as "
            f"{family.links[0]!r}.",
        )
    return family.draw(draw, mu, design.trials, fit.dispersion)
