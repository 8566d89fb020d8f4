"""Likelihood-ratio tests, and what is known of their distribution on a boundary.

Twice the difference of two nested models' log-likelihoods is chi-square distributed with as many degrees of freedom as
parameters were taken away, unless one of these is at the end of its range where it is taken away. A variance is: half
of the time the larger model gains nothing by it. With one random effect less, and its d - 1 covariances, the
distribution is the mixture

    0.5 chi2(d - 1) + 0.5 chi2(d),   chi2(0) a mass at zero

Self & Liang (1987), J. Am. Stat. Assoc. 82, case 5; Stram & Lee (1994), Biometrics 50, section 3. With several effects
less at once the weights depend on the design; the same mixture then is the largest p value that any of them can give
(Silvapulle & Sen 2005, Constrained Statistical Inference, section 3.4). Both take the other variances as not zero.
"""

from __future__ import annotations

import numpy as np
from scipy import special

__all__ = ["chi_square_p", "mixture_p"]


def chi_square_p(statistic: float, df: int) -> float:
    """P(chi2(df) >= statistic); not a number without degrees of freedom."""
    return float(special.chdtrc(df, max(statistic, 0.0))) if df > 0 else float("nan")


def mixture_p(statistic: float, df: int) -> float:
    """P of 0.5 chi2(df - 1) + 0.5 chi2(df)."""
    if df < 1 or np.isnan(statistic):
        return float("nan")
    below = float(statistic <= 0.0) if df == 1 else chi_square_p(statistic, df - 1)
    return 0.5 * below + 0.5 * chi_square_p(statistic, df)
