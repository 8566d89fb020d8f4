"""How a model is fitted."""

from __future__ import annotations

from dataclasses import dataclass

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
