"""Satterthwaite's degrees of freedom for t and F tests of linear functions of the fixed effects.

df = 2 v^2 / (g' A g), v = l'Cl the variance of l'beta, g its gradient in the variance parameters, A their asymptotic
covariance. Fai & Cornelius (1996), J. Stat. Comput. Simul. 54; Kuznetsova, Brockhoff & Christensen (2017), J. Stat.
Software 82(13), eq. 7; for several rows section 3.2 there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit
from mlm_widgets.inference.ftest import FTest, root_of, standardised

__all__ = ["satterthwaite_df", "satterthwaite_f_test"]

Floats = npt.NDArray[np.float64]

SAME_DF = 1e-8  # degrees of freedom of independent parts that differ by less are one number


def satterthwaite_df(fit: Fit, L: Floats) -> Floats:
    """Degrees of freedom of each row of L (k, p), shape (k,)."""
    variance = _forms(L, fit.cov_beta)
    slopes = np.array([_forms(L, slope) for slope in fit.cov_beta_slopes]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * variance**2 / _forms(slopes, fit.cov_variance))


def satterthwaite_f_test(fit: Fit, L: Floats, difference: Floats) -> FTest:
    """The F test of L beta = rhs, L (k, p) of any rank, `difference` = L beta - rhs (k,).

    F is a mean of q independent squared t statistics, of the principal components of L beta; the denominator's degrees
    of freedom match the mean of that sum. As in lmerTest they depend a little on how the rows of L are combined.
    """
    T, z = standardised(L, root_of(fit.cov_beta), difference)
    q = len(T)
    if q == 0:
        return FTest(0.0, 0, np.nan)
    _, vectors = np.linalg.eigh(L @ fit.cov_beta @ L.T)
    df = satterthwaite_df(fit, vectors.T[-q:] @ L)
    return FTest(float(z @ z), q, _joint_df(df))


def _joint_df(df: Floats) -> float:
    """2 E / (E - q), E = sum df / (df - 2) the mean of a sum of q independent F(1, df)."""
    if len(df) == 1 or np.ptp(df) < SAME_DF:
        return float(df.mean())
    if np.any(df <= 2.0):
        return 2.0
    excess = float(np.sum(2.0 / (df - 2.0)))  # E - q
    return np.inf if excess == 0.0 else 2.0 * (excess + len(df)) / excess


def _forms(L: Floats, C: Floats) -> Floats:
    """l'C l for each row l of L (k, p), shape (k,)."""
    return np.asarray(((L @ C) * L).sum(axis=1))
