"""The fixed coefficients with their standard errors, degrees of freedom and t tests, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.fitter import Fit
from mlm_widgets.inference.satterthwaite import satterthwaite_df

__all__ = ["Coefficients", "coefficients"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Wald tests of the fixed coefficients, arrays of shape (p,).

    Attributes
    ----------
    names : tuple of str
    estimate, std_error, df, statistic, p_value : ndarray (p,)
        `p_value` is two-sided, by Student's t with `df` degrees of freedom (infinite ones are the normal's).
    """

    names: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    df: Floats
    statistic: Floats
    p_value: Floats

    def limits(self, level: float) -> tuple[Floats, Floats]:
        """Limits of the Wald intervals, estimate ± t * std_error."""
        reach = special.stdtrit(self.df, 0.5 + level / 2) * self.std_error
        return self.estimate - reach, self.estimate + reach


def coefficients(fit: Fit, df_method: str) -> Coefficients:
    """The fixed coefficients of `fit`; `df_method` is "satterthwaite" or "normal" (infinite degrees of freedom)."""
    k = len(fit.beta)
    std_error = np.sqrt(np.diag(fit.cov_beta))
    df = satterthwaite_df(fit, np.eye(k)) if df_method == "satterthwaite" else np.full(k, np.inf)
    statistic = fit.beta / std_error
    return Coefficients(fit.names, fit.beta, std_error, df, statistic, 2.0 * special.stdtr(df, -np.abs(statistic)))
