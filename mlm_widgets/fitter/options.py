"""How a model is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError, closest

__all__ = ["OPTIMISERS", "FitOptions", "Optimiser"]

Optimiser = Literal["newton", "bfgs", "nelder-mead"]
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Settings of the search.

    Attributes
    ----------
    tolerance : float
        The drop of the criterion that the search may leave: the Newton decrement g'H^-1 g, which has no scale. scipy's
        optimisers end at a gradient or a spread of values of that order.
    max_evaluations : int
        After so many evaluations the search gives up, and the fit says that it has not converged. Newton's method
        needs 5 to 30, BFGS about twice as many, Nelder-Mead hundreds.
    optimiser : {"newton", "bfgs", "nelder-mead"}
        Newton's method with the exact Hessian (by average information for crossed factors), or scipy's: they need more
        evaluations, and are there to be compared with.
    start : sequence of float, optional
        Theta to begin from, as `MixedModel.theta` (and lme4) has it. Default: from the variances by moments.
    singular_tolerance : float
        A variance is called zero where the effect's standard deviation, on the scale of the residual's and of a
        predictor of mean square 1, is below. lme4's `isSingular` has the same default.
    """

    tolerance: float = 1e-10
    max_evaluations: int = 1000
    optimiser: Optimiser = "newton"
    start: Sequence[float] | npt.NDArray[np.float64] | None = None
    singular_tolerance: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("tolerance", "singular_tolerance"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
                raise OptionError(f"`{name}` must be a number above 0, not {value!r}.", argument=name)
        if isinstance(self.max_evaluations, bool) or not isinstance(self.max_evaluations, int):
            raise _not_a_count(self.max_evaluations)
        if self.max_evaluations < 1:
            raise _not_a_count(self.max_evaluations)
        if self.optimiser not in OPTIMISERS:
            near = closest(str(self.optimiser), OPTIMISERS)
            raise OptionError(
                f"`optimiser` must be one of {', '.join(map(repr, OPTIMISERS))}, not {self.optimiser!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
                argument="optimiser",
            )
        if self.start is not None:
            object.__setattr__(self, "start", _start(self.start))


def _not_a_count(value: object) -> OptionError:
    return OptionError(f"`max_evaluations` must be a whole number from 1, not {value!r}.", argument="max_evaluations")


def _start(values: Sequence[float] | npt.NDArray[np.float64]) -> tuple[float, ...]:
    try:
        found = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        found = ()
    if not found or not np.isfinite(found).all():
        raise OptionError(
            f"`start` must be a list of finite numbers, not {values!r}.",
            hint="Give theta as another fit has it: start=model.theta.",
            argument="start",
        )
    return found
