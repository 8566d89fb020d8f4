"""The same generalized model for another outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import DataError
from mlm_widgets.fitter import Fit, FitOptions, fit_glmm
from mlm_widgets.inference.simulation import Truth

__all__ = ["check_generalized_outcome", "refit_glmm"]

Floats = npt.NDArray[np.float64]


def refit_glmm(fit: Fit | Truth, y: Floats, options: FitOptions | None) -> Fit:
    """The fit of `y` (n,), numbers of successes for the binomial, by the same likelihood.

    Raises
    ------
    DataError
        If the family cannot have such an outcome, or no finite estimate fits it.
    """
    check_generalized_outcome(fit, y)
    return fit_glmm(replace(fit.design, y=y), fit.family, n_agq=fit.n_agq, options=options)


def check_generalized_outcome(fit: Fit | Truth, y: Floats) -> None:
    """Raise DataError where `y` is no outcome of the family, or has no finite estimates."""
    trials, family = fit.design.trials, fit.family
    if family.name == "binomial":
        most = np.ones_like(y) if trials is None else trials
        bad = (y < 0) | (y > most) | (np.abs(y - np.round(y)) > 1e-9)
        if bad.any():
            place = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"`y` holds {y[place]:g} in place {place}, but must hold whole numbers of successes from 0 to the "
                f"trials of each row, {most[place]:g} there.",
                hint="Give counts, such as a column of `simulate`, not shares.",
                argument="y",
            )
        is_flat = not y.any() or bool(np.all(y == most))
    else:
        family.check_outcome(y, "y")
        is_flat = not y.any() if family.is_count else bool(np.all(y == y[0]))
    if is_flat:
        raise DataError(
            "`y` is constant, so the likelihood has no finite maximum.",
            hint="Give an outcome that varies.",
            argument="y",
        )
