"""The fixed coefficients with their standard errors, degrees of freedom and t tests, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.inference.wald import Wald

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


def coefficients(tests: Wald) -> Coefficients:
    """The fixed coefficients with standard errors and degrees of freedom as `tests` has them."""
    fit = tests.fit
    std_error = np.sqrt(np.diag(tests.covariance))
    df = tests.df(np.eye(len(fit.beta)))
    statistic = fit.beta / std_error
    return Coefficients(fit.names, fit.beta, std_error, df, statistic, 2.0 * special.stdtr(df, -np.abs(statistic)))
