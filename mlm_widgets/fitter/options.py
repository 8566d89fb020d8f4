"""How a model is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

from mlm_widgets.errors import OptionError

__all__ = ["FitOptions"]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Settings of the search.

    Attributes
    ----------
    tolerance : float
        The drop of the criterion that the search may leave (Newton decrement).
    max_evaluations : int
        After so many evaluations the search gives up, and the fit says that it has not converged.
    """

    tolerance: float = 1e-10
    max_evaluations: int = 200

    def __post_init__(self) -> None:
        if not isinstance(self.tolerance, Real) or not self.tolerance > 0:
            raise OptionError(f"`tolerance` must be a number above 0, not {self.tolerance!r}.", argument="tolerance")
        if not isinstance(self.max_evaluations, int) or self.max_evaluations < 1:
            raise OptionError(
                f"`max_evaluations` must be a whole number from 1, not {self.max_evaluations!r}.",
                argument="max_evaluations",
            )
