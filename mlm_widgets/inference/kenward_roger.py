"""Kenward and Roger's covariance of the fixed effects, and degrees of freedom of t and F tests.

Kenward & Roger (1997), Biometrics 53, 983-997, as R's pbkrtest has it (Halekoh & Hojsgaard 2014, J. Stat. Software
59(9)): the marginal covariance of the outcome is linear in the variances and covariances, so the term of its second
derivatives is zero. With the moments of :mod:`mlm_widgets.fitter.moments`, in coordinates where the covariance of the
fixed effects is sigma^2 I,

    adjusted = sigma^2 (I + 2 sum_rs W_rs (Q_rs - P_r P_s)),  W = 2 (K - 2 tr Q_rs + tr P_r P_s)^-1

W is the asymptotic covariance of the variances by expected information. All that follows is the same in whatever
linear parameters V is written, so that V itself stands for the residual variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter import Fit, Prepared, VarianceMoments, prepare, variance_moments
from mlm_widgets.inference.ftest import FTest, standardised

__all__ = ["KenwardRoger", "kenward_roger"]

Floats = npt.NDArray[np.float64]

FLAT = 1e-7  # share of its information, were the fixed effects known, below which a direction of the variances has none
NOTHING = 1e-10  # rounding of differences that are zero at two degrees of freedom
NO_SCALING = 0.01  # pbkrtest: at df within this of 2 the F statistic is not scaled


@dataclass(frozen=True, slots=True)
class KenwardRoger:
    """What the tests need.

    Attributes
    ----------
    root : ndarray (p, p)
        Cov(beta) = root root'.
    inflation : ndarray (p, p)
        Kenward and Roger's covariance of beta is root inflation root'.
    P : ndarray (k + 1, p, p)
        -d (X'V^-1 X) by the variances, in the coordinates of `root`.
    W : ndarray (k + 1, k + 1)
        Asymptotic covariance of the variances.
    sigma : float
    is_refit : bool
        Whether it is of a fit by REML made for this, the model's own being by maximum likelihood.
    """

    root: Floats
    inflation: Floats
    P: Floats
    W: Floats
    sigma: float
    is_refit: bool

    @property
    def covariance(self) -> Floats:
        """Kenward and Roger's covariance of beta, (p, p)."""
        return self.root @ self.inflation @ self.root.T

    def df(self, L: Floats) -> Floats:
        """Degrees of freedom of the t test of each row of L (k, p), shape (k,)."""
        T = L @ self.root
        with np.errstate(invalid="ignore"):
            return self._df_of_rows(T / np.linalg.norm(T, axis=1, keepdims=True))

    def _df_of_rows(self, T: Floats) -> Floats:
        """Of rows of length one; the recipe for F comes to 2 / A for one row, A = A1 = A2, and to no scaling."""
        with np.errstate(divide="ignore", invalid="ignore"):
            m = ((T @ self.P) * T).sum(axis=2)
            return np.asarray(2.0 / ((self.W @ m) * m).sum(axis=0))

    def f_test(self, L: Floats, difference: Floats) -> FTest:
        """The F test of L beta = rhs, L (k, p) of any rank, `difference` = L beta - rhs (k,).

        F is scaled as lmerTest has it; where the scaling is not positive it means nothing and is left out, as pbkrtest
        advises.
        """
        T, z = standardised(L, self.root, difference)
        q = len(T)
        if q == 0:
            return FTest(0.0, 0, np.nan)
        wald = float(z @ np.linalg.solve(T @ self.inflation @ T.T, z))
        if q == 1:
            return FTest(wald, 1, float(self._df_of_rows(T)[0]))
        M = T @ self.P @ T.T
        traces = np.einsum("raa->r", M)
        A1 = np.float64(traces @ self.W @ traces)
        A2 = np.float64(np.sum(self.W * np.einsum("rab,sba->rs", M, M)))
        df, scaling = _df_and_scaling(q, A1, A2)
        return FTest(wald, q, df, scaling if scaling > 0 else 1.0)


@np.errstate(divide="ignore", invalid="ignore")
def _df_and_scaling(q: int, A1: np.float64, A2: np.float64) -> tuple[float, float]:
    """Degrees of freedom and the factor of F, which match its first two moments (Kenward & Roger 1997, section 4).

    The constants are those for which they are exact where F is, down to one degree of freedom.
    """
    if A2 == 0.0:
        return np.inf, 1.0
    B = (A1 + 6.0 * A2) / (2.0 * q)
    g = ((q + 1.0) * A1 - (q + 4.0) * A2) / ((q + 2.0) * A2)
    c1, c2, c3 = (part / (3.0 * q + 2.0 * (1.0 - g)) for part in (g, q - g, q + 2.0 - g))
    V0, V1, V2 = 1.0 + c1 * B, 1.0 - c2 * B, 1.0 - c3 * B
    V0 = np.float64(0.0) if abs(V0) < NOTHING else V0
    E = 1.0 - A2 / q
    share = 1.0 if abs(E) < NOTHING and abs(V1) < NOTHING else E / V1
    rho = share**2 * V0 / V2 / q
    df = float(4.0 + (q + 2.0) / (q * rho - 1.0))
    return df, 1.0 if abs(df - 2.0) < NO_SCALING else float(df * E / (df - 2.0))


def kenward_roger(fit: Fit, prepared: Prepared | None = None) -> KenwardRoger:
    """Kenward and Roger's figures for a linear mixed model of any structure.

    Parameters
    ----------
    fit : Fit
        A linear mixed model. Prior weights are part of the residual variances (pbkrtest leaves them out), an offset
        has no influence, and columns of X that were dropped have no part. A fit by maximum likelihood is fitted again
        by REML, whose covariance and degrees of freedom these are, as in pbkrtest. A singular fit is treated as any
        other, as there: the information is that of all variances, also of those estimated as zero. Directions of the
        variances that the data say nothing of count as known.
    prepared : Prepared, optional
        The sums of the fit's design, where they are there.

    Raises
    ------
    FitError
        If the fit by REML of a model that was fitted by maximum likelihood does not converge.
    """
    is_refit = not fit.reml
    if is_refit:
        prepared = prepare(fit.design, reml=True)
        fit = prepared.fit()
        if fit.state == "failed":
            raise FitError(
                "The model was fitted by maximum likelihood, and its fit by REML, which Kenward and Roger's figures "
                "are of, does not converge.",
                hint="Use df_method='satterthwaite', or a simpler model.",
            )
    prepared = prepare(fit.design) if prepared is None else prepared
    point = prepared.at(fit.theta_centred)
    scaling = prepared.problem.scaling
    root = point.sigma * scaling.to_user @ point.half_C.T
    P, W, U = _adjustment(variance_moments(point), fit.design.n_obs)
    return KenwardRoger(root, np.eye(len(U)) + 2.0 * U, P, W, fit.sigma, is_refit)


def _adjustment(moments: VarianceMoments, n: int) -> tuple[Floats, Floats, Floats]:
    """P and W with V itself as the last direction, and U = sum_rs W_rs (Q_rs - P_r P_s), to which that adds nothing."""
    k, p = len(moments.K), moments.P.shape[1]
    PP = np.einsum("rab,sbc->rasc", moments.P, moments.P)
    fixed = np.einsum("raa->r", moments.P)
    information = np.empty((k + 1, k + 1))
    information[:k, :k] = moments.K - 2.0 * np.einsum("rasa->rs", moments.Q) + np.einsum("rasa->rs", PP)
    information[k, :k] = information[:k, k] = moments.traces - fixed
    information[k, k] = n - p
    W = 2.0 * _inverse(information, np.sqrt([*np.diag(moments.K), n]))
    U = np.einsum("rs,rasc->ac", W[:k, :k], moments.Q - PP)
    return np.concatenate([moments.P, np.eye(p)[None]]), W, 0.5 * (U + U.T)


def _inverse(information: Floats, scale: Floats) -> Floats:
    """The inverse; directions of no information are left out, as by pbkrtest's pseudoinverse."""
    values, vectors = np.linalg.eigh(information / np.multiply.outer(scale, scale))
    kept = values > FLAT
    half = vectors[:, kept] / scale[:, None]
    return np.asarray(half / values[kept] @ half.T)
