"""New outcomes from a fitted model: random effects, then outcomes from the family at the means that they give.

Random effects and outcomes come from two streams of one seed, replicate after replicate: the first hundred replicates
of a thousand are those of a hundred, in whatever portions they are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.errors import FitError, OptionError
from mlm_widgets.families import Family
from mlm_widgets.fitter import Fit

__all__ = ["Effects", "Simulator", "Truth", "simulate", "truth_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """The random effects of the grouping factor in `place` of a design: Var(b) = sigma^2 lam lam'.

    `modes` (q, J) are those of the groups at hand, where there are such.
    """

    place: int
    lam: Floats
    modes: Floats | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """A model whose parameters are known: what outcomes are drawn from.

    Attributes
    ----------
    design : Design
        Its outcome does not count.
    reml : bool
        How it is to be fitted.
    names : tuple of str
        Of the coefficients; `kept` (p,) are their columns of the design's X.
    beta : ndarray (p,)
    effects : tuple of Effects
    sigma, dispersion : float
        As a `Fit` has them.
    family : Family
    n_agq : int
    """

    design: Design
    reml: bool
    names: tuple[str, ...]
    kept: npt.NDArray[np.intp]
    beta: Floats
    effects: tuple[Effects, ...]
    sigma: float
    dispersion: float
    family: Family
    n_agq: int = 1


def truth_of(fit: Fit) -> Truth:
    """The fit's estimates taken as the truth."""
    effects = tuple(Effects(group.place, group.lam, group.modes) for group in fit.groups)
    return Truth(
        fit.design, fit.reml, fit.names, fit.kept, fit.beta, effects, fit.sigma, fit.dispersion, fit.family, fit.n_agq
    )


def simulate(fit: Fit, n: int, seed: int | None, *, is_new: bool) -> Floats:
    """`n` outcomes for the rows of the fit, shape (n_obs, n); see `Simulator`."""
    return Simulator(truth_of(fit), seed, is_new=is_new).drawn(n)


class Simulator:
    """Draws outcomes for the rows of a design; numbers of successes, for the binomial.

    Random effects are drawn anew from their distribution (`is_new`), or are the conditional modes. A normal outcome
    of prior weight w has the variance sigma^2 / w. In a generalized model a row of weight w stands for w rows, whose
    outcomes differ: one outcome drawn for them all would vary too much, so that is refused.

    Raises
    ------
    OptionError
        If a generalized model has prior weights.
    """

    def __init__(self, truth: Truth, seed: int | Sequence[int] | None, *, is_new: bool = True) -> None:
        design = truth.design
        if design.weights is not None and not truth.family.is_linear:
            raise OptionError(
                "Outcomes of a generalized model with prior weights cannot be drawn: a row of weight w stands for w "
                "rows, each with an outcome of its own.",
                hint="Repeat the rows instead, data.loc[data.index.repeat(data['w'])], and fit without weights; the "
                "bootstrap of groups, kind='group', draws no outcomes.",
                argument="weights",
            )
        self.truth = truth
        self.is_new = is_new
        self._of_effects, self._of_outcomes = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        self._mean = design.X[:, truth.kept] @ truth.beta + (0.0 if design.offset is None else design.offset)
        for own in () if is_new else truth.effects:
            assert own.modes is not None
            self._mean = self._mean + (design.Z[own.place] * own.modes.T[design.codes[own.place]]).sum(axis=1)

    def drawn(self, n: int) -> Floats:
        """The next `n` outcomes, shape (n_obs, n).

        Raises
        ------
        FitError
            If random effects were drawn for which the link gives no mean that the family can have.
        """
        truth, eta = self.truth, self._linear_predictors(n)
        if truth.family.is_linear:
            noise = self._of_outcomes.standard_normal((n, len(eta))).T
            size = (
                truth.sigma if truth.design.weights is None else (truth.sigma / np.sqrt(truth.design.weights))[:, None]
            )
            eta += size * noise
            return eta
        return np.column_stack([_outcomes(truth, eta[:, k], self._of_outcomes) for k in range(n)])

    def _linear_predictors(self, n: int) -> Floats:
        """Shape (n_obs, n)."""
        truth = self.truth
        design = truth.design
        found = np.repeat(self._mean[:, None], n, axis=1)
        if not self.is_new:
            return found
        shapes = [(len(own.lam), len(design.spec.groupings[own.place].levels)) for own in truth.effects]
        spherical = self._of_effects.standard_normal((n, sum(q * J for q, J in shapes)))
        end = 0
        for group, (q, J) in zip(truth.effects, shapes, strict=True):
            own = spherical[:, end : (end := end + q * J)].reshape(n, q, J)
            effects = np.einsum("ab,nbj->ajn", truth.sigma * group.lam, own, order="C")
            for effect, column in zip(effects, design.random[group.place], strict=True):
                found += column[:, None] * effect[design.codes[group.place]]
        return found


def _outcomes(truth: Truth, eta: Floats, draw: np.random.Generator) -> Floats:
    family, design = truth.family, truth.design
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mu = family.link.inverse(eta)
        terms = family.likelihood(eta, design.y, design.trials, float(np.log(truth.dispersion)))
    if not (np.isfinite(terms.value).all() and np.isfinite(mu).all()):  # as it is outside the family's means
        raise FitError(
            f"Random effects were drawn for which the link {family.link.name!r} gives no mean of the family "
            f"{family.name!r}.",
            hint="Use random='conditional', or a link whose inverse stays within the family's range, such as "
            f"{family.links[0]!r}.",
        )
    return family.draw(draw, mu, design.trials, truth.dispersion)
