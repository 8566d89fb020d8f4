"""The parameters of a fit by name, on the scale that people read: what profiles and bootstraps have a row for.

``Days`` is a fixed coefficient; ``sd__Intercept|Subject`` and ``cor__Intercept.Days|Subject`` are a standard deviation
and a correlation of the random effects of a grouping factor (the words of `tidy`, with the factor); ``sigma`` is the
residual standard deviation of a linear model, ``dispersion`` the phi of a generalized one that has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit

__all__ = ["Parameter", "parameter_values", "parameters"]

Floats = npt.NDArray[np.float64]
Kind = Literal["fixed", "sd", "cor", "sigma", "dispersion"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    name : str
    kind : {"fixed", "sd", "cor", "sigma", "dispersion"}
    place : int
        Of a fixed coefficient among those estimated; of a random effect's grouping factor among `Fit.groups`.
    effects : tuple of int
        The factor's columns: one of a standard deviation, two of a correlation.
    """

    name: str
    kind: Kind
    place: int = 0
    effects: tuple[int, ...] = ()

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value that it can have."""
        if self.kind == "fixed":
            return -np.inf, np.inf
        return (-1.0, 1.0) if self.kind == "cor" else (0.0, np.inf)


def parameters(fit: Fit) -> tuple[Parameter, ...]:
    """All parameters: fixed coefficients, then by grouping factor standard deviations and correlations, then sigma."""
    found = [Parameter(name, "fixed", k) for k, name in enumerate(fit.names)]
    for f, group in enumerate(fit.groups):
        names, name = group.grouping.names, group.grouping.name
        found += [Parameter(f"sd__{own}|{name}", "sd", f, (k,)) for k, own in enumerate(names)]
        for block in group.grouping.blocks:
            found += [
                Parameter(f"cor__{names[b]}.{names[a]}|{name}", "cor", f, (b, a))
                for a in block.columns
                for b in range(block.start, a)
            ]
    if fit.family.is_linear:
        found.append(Parameter("sigma", "sigma"))
    elif fit.family.has_dispersion:
        found.append(Parameter("dispersion", "dispersion"))
    return tuple(found)


def parameter_values(fit: Fit) -> Floats:
    """Their estimates, in the order of `parameters`; a correlation with an effect that does not vary is NaN."""
    found = list(fit.beta)
    for group in fit.groups:
        covariance = fit.sigma**2 * group.lam @ group.lam.T
        sd = np.sqrt(np.diag(covariance))
        found += sd.tolist()
        for block in group.grouping.blocks:
            for a in block.columns:
                for b in range(block.start, a):
                    size = sd[a] * sd[b]
                    found.append(float(np.clip(covariance[a, b] / size, -1.0, 1.0)) if size > 0 else np.nan)
    if fit.family.is_linear:
        found.append(fit.sigma)
    elif fit.family.has_dispersion:
        found.append(fit.dispersion)
    return np.array(found)
