"""Fixed coefficients in standard deviations, in three ways (R's effectsize and parameters have the same).

refit
    Every numeric predictor and the outcome scaled to mean 0 and standard deviation 1, and the model fitted again. A
    predictor is what stands in the formula: ``x``, ``log(x)``, ``within(x, g)``; inside ``I()`` it is each column.
    Interactions are products of scaled predictors, so their main effects are those at the mean.
basic
    beta sd(x) / sd(y), x being the column of the model matrix, also of a factor or of an interaction.
within
    For two levels (Hoffman 2015, Longitudinal Analysis; "pseudo" in effectsize): a coefficient of level 1 by the
    standard deviations within groups, one of level 2 by those between. Those of the outcome are the model's without
    predictors; that of x is over its deviations from the means of groups, or over the means, a group counting once. An
    interaction across levels is of level 1. (effectsize takes the null model by REML always, here it is fitted as the
    model is; and of a predictor of both levels it takes the whole standard deviation, with a warning.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design import Values, variables_of
from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.formula import Call, Expression, Name, Term, parse_factor, to_text
from mlm_widgets.formula.expressions import MATH, Operation
from mlm_widgets.frames import Frame, is_constant_within
from mlm_widgets.inference.decomposition import check_two_levels
from mlm_widgets.inference.related import related_fit

__all__ = ["STANDARDISED", "Scales", "basic_scales", "scaled_fit", "within_scales"]

Floats = npt.NDArray[np.float64]

STANDARDISED = ("refit", "basic", "within")


@dataclass(frozen=True, slots=True)
class Scales:
    """What each coefficient but the intercept is multiplied by: `names` (k) and `factors` (k,), with their `places`."""

    names: tuple[str, ...]
    places: npt.NDArray[np.intp]
    factors: Floats


def scaled_fit(fit: Fit, frame: Frame) -> Fit:
    """The model of scaled predictors, and of a scaled outcome where it is linear; names are those of `fit`.

    Means and standard deviations are plain ones over the rows, whatever their weights; an offset is in the outcome's
    units and scaled with it. Numbers that are taken as categories (``C(x)``), splines, polynomials and constants stay.
    """
    spec, values = fit.design.spec.model, fit.design.variables

    def scaled_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(tuple(to_text(_scaled(parse_factor(text), values)) for text in term) for term in terms)

    scaled = replace(
        spec,
        terms=scaled_terms(spec.terms),
        random=tuple(replace(term, terms=scaled_terms(term.terms)) for term in spec.random),
    )
    design = fit.design
    if fit.family.is_linear:
        sd = float(np.std(design.y, ddof=1))
        offset = None if design.offset is None else design.offset / sd
        design = replace(design, y=(design.y - design.y.mean()) / sd, offset=offset)
    found = related_fit(replace(fit, design=design), frame, scaled, reml=fit.reml)
    names = fit.design.spec.fixed.names
    return replace(found, names=tuple(names[k] for k in found.kept))


def _scaled(factor: Expression, values: Values) -> Expression:
    """The factor with what is a number in it inside scale()."""
    match factor:
        case Name():
            column = values.get(to_text(factor))
            is_number = isinstance(column, np.ndarray) and float(np.ptp(column)) > 0
            return Call("scale", (("", factor),)) if is_number else factor
        case Call(function, _) if function in (*MATH, "within", "between", "center"):
            if any(isinstance(values.get(key), pd.Categorical) for key in variables_of(factor)):
                return factor
            return Call("scale", (("", factor),))
        case Call("I", arguments):
            return Call("I", tuple((keyword, _scaled(inner, values)) for keyword, inner in arguments))
        case Operation(operator, left, right):
            return Operation(operator, None if left is None else _scaled(left, values), _scaled(right, values))
    return factor


def basic_scales(fit: Fit) -> Scales:
    """sd(x) / sd(y) for a linear model, sd(x) for a generalized one; plain standard deviations over the rows."""
    sd_y = float(np.std(fit.design.y, ddof=1)) if fit.family.is_linear else 1.0
    return _scales(fit, lambda column: float(np.std(column, ddof=1)) / sd_y)


def within_scales(fit: Fit, null: Fit) -> Scales:
    """Standard deviations of x over those of y, within groups for level 1, between them for level 2.

    Raises
    ------
    OptionError
        For a generalized model, one of several grouping factors, and one whose outcome does not vary between groups,
        where a predictor is of level 2.
    """
    check_two_levels(fit, "Standardising within and between groups")
    codes = fit.design.codes[fit.groups[0].place]
    sizes = np.bincount(codes)
    sd_between = float(null.sigma * null.groups[0].lam[0, 0])

    def factor_of(column: Floats) -> float:
        means = np.bincount(codes, weights=column) / sizes
        if not is_constant_within(column, codes):
            return float(np.std(column - means[codes], ddof=1)) / null.sigma
        if sd_between < LEAST_BETWEEN * null.sigma:
            raise OptionError(
                "The outcome has no variance between groups in the model without predictors, so coefficients of level "
                "2 cannot be given in its standard deviations.",
                hint="Use method='basic' or 'refit'.",
                argument="method",
            )
        return float(np.std(means, ddof=1)) / sd_between

    return _scales(fit, factor_of)


LEAST_BETWEEN = 1e-3  # of the residual standard deviation: less is a variance of zero


def _scales(fit: Fit, factor_of: Callable[[Floats], float]) -> Scales:
    assign = fit.design.spec.fixed.assign
    places = np.array([place for place, k in enumerate(fit.kept) if assign[k] >= 0], dtype=np.intp)
    X = fit.design.X[:, fit.kept]
    factors = np.array([factor_of(X[:, place]) for place in places], dtype=np.float64)
    return Scales(tuple(fit.names[place] for place in places), places, factors)
