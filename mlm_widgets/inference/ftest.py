"""F tests of several linear functions of the fixed effects at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["FTest", "root_of", "standardised"]

Floats = npt.NDArray[np.float64]

DEPENDENT = 1e-8  # singular value, relative to the largest, of standardised rows that depend on each other


@dataclass(frozen=True, slots=True)
class FTest:
    """A test of L beta = rhs.

    Attributes
    ----------
    wald : float
        (L beta - rhs)' (L Cov L')^-1 (L beta - rhs).
    num_df : int
        Rank of L; 0 where nothing can be tested.
    den_df : float
        Infinite where `wald` is a chi-square.
    scaling : float
        What Kenward and Roger multiply the F statistic by; else 1.
    """

    wald: float
    num_df: int
    den_df: float
    scaling: float = 1.0

    @property
    def unscaled(self) -> float:
        """The Wald statistic over its degrees of freedom."""
        return self.wald / self.num_df if self.num_df else np.nan

    @property
    def statistic(self) -> float:
        """F."""
        return self.scaling * self.unscaled

    @property
    def p_value(self) -> float:
        """Chance of a larger statistic."""
        if not self.num_df:
            return np.nan
        if np.isinf(self.den_df):
            return float(special.chdtrc(self.num_df, self.num_df * self.statistic))
        return float(special.fdtrc(self.num_df, self.den_df, self.statistic))


def root_of(covariance: Floats) -> Floats:
    """A square root (p, p) of a covariance matrix, whatever the units of its parameters."""
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(sd > 0, sd, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.multiply.outer(scale, scale))
    return np.asarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


def standardised(L: Floats, root: Floats, difference: Floats) -> tuple[Floats, Floats]:
    """Orthonormal rows T (q, p) that span L root, and z (q,), `difference` = L beta - rhs with a unit covariance.

    q is the rank of L; rows count equally, whatever their units.
    """
    rows = L @ root
    sd = np.linalg.norm(rows, axis=1)
    used = sd > 0
    U, values, T = np.linalg.svd(rows[used] / sd[used, None], full_matrices=False)
    kept = values > DEPENDENT * values.max(initial=0.0)
    return T[kept], (U[:, kept] / values[kept]).T @ (difference[used] / sd[used])
