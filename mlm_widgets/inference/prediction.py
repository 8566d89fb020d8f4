"""Predictions: linear predictors with standard errors, and means of the outcome made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from mlm_widgets.design import Rows
from mlm_widgets.errors import DataError, OptionError
from mlm_widgets.families import Link
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.averaging import averaged
from mlm_widgets.inference.wald import Wald

__all__ = ["Means", "linear_means", "linear_predictor", "offset_of", "predict_rows", "response_means"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Means:
    """Estimates with standard errors, degrees of freedom and Wald limits, each of shape (k,)."""

    estimate: Floats
    std_error: Floats
    df: Floats
    lower: Floats
    upper: Floats


def linear_predictor(fit: Fit) -> Floats:
    """X beta + offset + Z b of the rows used, shape (n,), at the conditional modes."""
    design = fit.design
    result = design.X[:, fit.kept] @ fit.beta + (0.0 if design.offset is None else design.offset)
    for group in fit.groups:
        modes = group.modes[:, design.codes[group.place]]
        result = result + np.einsum("iq,qi->i", design.Z[group.place], modes)
    return np.asarray(result)


def linear_means(tests: Wald, X: Floats, level: float, offset: Floats | float = 0.0) -> Means:
    """X beta + offset with standard errors, degrees of freedom and limits; X (k, p) over the design's columns."""
    L = X[:, tests.fit.kept]
    estimate = L @ tests.fit.beta + offset
    std_error, df = tests.std_error(L), tests.df(L)
    reach = stats.t.ppf(0.5 + level / 2, df) * std_error
    return Means(estimate, std_error, df, estimate - reach, estimate + reach)


def response_means(link: Link, means: Means, sd: Floats | float = 0.0) -> Means:
    """Means of the outcome: the inverse link of `means`, averaged over a normal part of standard deviation `sd` (k,).

    Standard errors by the delta method; limits are those of the linear predictor, transformed, so that they stay
    within the outcome's range.
    """
    if link.name == "identity":
        return means
    ends = []
    for eta in (means.estimate, means.lower, means.upper):
        if np.any(np.asarray(sd) > 0):
            ends.append(averaged(link, eta, np.asarray(sd)))
        else:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                ends.append(link.derivatives(eta)[:2])
    (mean, slope), (one, _), (other, _) = ends
    low, high = np.minimum(one, other), np.maximum(one, other)
    has_zero = (means.lower < 0) & (means.upper > 0)  # where these links turn, or have a pole
    if link.name == "sqrt":
        low = np.where(has_zero & (np.asarray(sd) == 0), 0.0, low)
    if link.name in ("inverse", "1/mu^2"):
        low, high = np.where(has_zero, other, low), np.where(has_zero, np.inf, high)
    return Means(mean, np.abs(slope) * means.std_error, means.df, low, high)


def predict_rows(fit: Fit, rows: Rows, groupings: Sequence[str], new_levels: str) -> Floats:
    """X beta plus the random effects of `groupings`, shape (n,); a level that was not seen adds nothing.

    Raises
    ------
    OptionError
        If a level was not seen and `new_levels` is "error".
    """
    spec = fit.design.spec
    result = spec.fixed_matrix(rows)[:, fit.kept] @ fit.beta
    for group in fit.groups:
        if group.grouping.name not in groupings:
            continue
        codes = spec.group_codes(group.grouping, rows)
        if new_levels == "error" and (codes < 0).any():
            place = int(np.flatnonzero(codes < 0)[0])
            raise OptionError(
                f"Row {place} of `newdata` is of a level of “{group.grouping.name}” that the model has not seen.",
                hint="Use new_levels='population' to predict the average group there.",
                argument="newdata",
            )
        modes = np.column_stack([group.modes, np.zeros(len(group.modes))])
        result = result + np.einsum("iq,qi->i", spec.random_matrix(group.grouping, rows), modes[:, codes])
    return result


def offset_of(fit: Fit, rows: Rows) -> Floats | float:
    """The offset of `rows`, from the expression that the model names; 0 where there is none."""
    if fit.design.offset is None:
        return 0.0
    values = fit.design.spec.offset_values(rows)
    if values is None:
        raise DataError(
            "The model has an offset that was given as an array, so the offset of new rows is not known.",
            hint="Fit with the offset as a column of the data, offset='name', and give that column in `newdata`.",
            argument="newdata",
        )
    return values
