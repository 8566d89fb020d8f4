"""The columns of a term with an indicator for each level of every factor, whatever its contrasts are in the model."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design.basis import evaluate_finite, is_plain, learn_basis
from mlm_widgets.design.variables import Values, variables_of
from mlm_widgets.formula import Term, parse_factor

__all__ = ["overparametrised_columns", "plain_factors"]

Floats = npt.NDArray[np.float64]


def overparametrised_columns(terms: tuple[Term, ...], values: Values, n_rows: int) -> list[list[Floats]]:
    """By term all products of the columns of its factors.

    Those of first levels stand after those of the others, where the term without the factor is in the model (for one
    factor that is the intercept, or what takes its place): as R compares levels then. Taking from the intercept and
    the columns of all terms, in order, each that no columns before it make up gives the treatment coding.
    """
    present = {frozenset(term) for term in terms} | {frozenset[str]()}
    columns = {text: _columns(text, values, n_rows) for term in terms for text in term}
    found = []
    for term in terms:
        compared = [frozenset(term) - {text} in present for text in term]
        made: list[tuple[int, Floats]] = []
        for chosen in product(*(columns[text] for text in reversed(term))):
            parts = chosen[::-1]
            n_first = sum(is_first and own for (_, is_first), own in zip(parts, compared, strict=True))
            made.append((n_first, reduce(np.multiply, [column for column, _ in parts])))
        found.append([column for _, column in sorted(made, key=lambda item: item[0])])
    return found


def plain_factors(terms: tuple[Term, ...], values: Values) -> set[str]:
    """The factors that are one column of numbers: no levels, no polynomial."""
    texts = {text for term in terms for text in term}
    return {text for text in texts if is_plain(parse_factor(text), values)}


def _columns(text: str, values: Values, n_rows: int) -> list[tuple[Floats, bool]]:
    """The columns of one factor, and whether each is of the first of its levels."""
    factor = parse_factor(text)
    if is_plain(factor, values):
        return [(evaluate_finite(factor, values), False)]
    levels = values[variables_of(factor)[0]]
    if isinstance(levels, pd.Categorical):
        codes = np.asarray(levels.codes)
        return [((codes == k).astype(np.float64), k == 0) for k in range(len(levels.categories))]
    _, columns = learn_basis(((text,),), False, values, n_rows)  # without an intercept
    return [(column, False) for column in columns]
