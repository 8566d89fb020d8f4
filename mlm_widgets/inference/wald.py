"""How linear functions of the fixed effects are tested: by Satterthwaite, by Kenward and Roger, or as if normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit, Prepared
from mlm_widgets.inference.ftest import FTest, root_of, standardised
from mlm_widgets.inference.kenward_roger import KenwardRoger, kenward_roger
from mlm_widgets.inference.satterthwaite import satterthwaite_df, satterthwaite_f_test

__all__ = ["DF_METHODS", "Wald", "wald"]

Floats = npt.NDArray[np.float64]

DF_METHODS = ("satterthwaite", "kenward-roger", "normal")


@dataclass(frozen=True, slots=True)
class Wald:
    """Wald tests and intervals of linear functions L beta of the fixed effects of `fit`, L (k, p) over `fit.names`.

    Attributes
    ----------
    fit : Fit
    df_method : {"satterthwaite", "kenward-roger", "normal"}
    adjusted : KenwardRoger or None
        With "kenward-roger".
    """

    fit: Fit
    df_method: str
    adjusted: KenwardRoger | None = None

    @property
    def covariance(self) -> Floats:
        """Of the fixed effects, (p, p): Kenward and Roger's, or that at the estimated variances."""
        return self.fit.cov_beta if self.adjusted is None else self.adjusted.covariance

    @property
    def has_df(self) -> bool:
        """Whether tests are t and F tests; else z and chi-square tests."""
        return self.df_method != "normal"

    @property
    def note(self) -> str:
        """What has to be said of the figures; "" where nothing has."""
        if self.adjusted is None or not self.adjusted.is_refit:
            return ""
        return (
            "The model was fitted by maximum likelihood; Kenward and Roger's standard errors and degrees of freedom "
            "are those of the same model fitted again by REML."
        )

    def std_error(self, L: Floats) -> Floats:
        """Standard errors of L beta, shape (k,)."""
        return np.asarray(np.sqrt(((L @ self.covariance) * L).sum(axis=1)))

    def df(self, L: Floats) -> Floats:
        """Degrees of freedom of the t test of each row, shape (k,); infinite for "normal"."""
        if self.adjusted is not None:
            return self.adjusted.df(L)
        return satterthwaite_df(self.fit, L) if self.has_df else np.full(len(L), np.inf)

    def f_test(self, L: Floats, rhs: Floats | float = 0.0) -> FTest:
        """The test of all rows of L beta = rhs at once, L of any rank; infinite degrees of freedom for "normal"."""
        difference = L @ self.fit.beta - rhs
        if self.adjusted is not None:
            return self.adjusted.f_test(L, difference)
        if self.has_df:
            return satterthwaite_f_test(self.fit, L, difference)
        T, z = standardised(L, root_of(self.fit.cov_beta), difference)
        return FTest(float(z @ z), len(T), np.inf)


def wald(fit: Fit, df_method: str, prepared: Prepared | None = None) -> Wald:
    """The tests of `fit` by one of `DF_METHODS`, "normal" alone for a generalized model.

    `prepared`, the sums of a linear model's design, saves Kenward and Roger some work where it is there.
    """
    adjusted = kenward_roger(fit, prepared) if df_method == "kenward-roger" else None
    return Wald(fit, df_method, adjusted)
