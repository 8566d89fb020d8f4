"""Satterthwaite's degrees of freedom for t tests of linear functions of the fixed effects.

df = 2 v^2 / (g' A g), v = l'Cl the variance of l'beta, g its gradient in the variance parameters, A their asymptotic
covariance. Fai & Cornelius (1996), J. Stat. Comput. Simul. 54; Kuznetsova, Brockhoff & Christensen (2017), J. Stat.
Software 82(13), eq. 7.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit

__all__ = ["satterthwaite_df", "standard_errors"]

Floats = npt.NDArray[np.float64]


def standard_errors(fit: Fit, L: Floats) -> Floats:
    """Standard errors of L beta, shape (k,), for L (k, p)."""
    return np.asarray(np.sqrt(_forms(L, fit.cov_beta)))


def satterthwaite_df(fit: Fit, L: Floats) -> Floats:
    """Degrees of freedom of each row of L (k, p), shape (k,)."""
    variance = _forms(L, fit.cov_beta)
    slopes = np.array([_forms(L, slope) for slope in fit.cov_beta_slopes]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * variance**2 / _forms(slopes, fit.cov_variance))


def _forms(L: Floats, C: Floats) -> Floats:
    """l'C l for each row l of L (k, p), shape (k,)."""
    return np.asarray(((L @ C) * L).sum(axis=1))
