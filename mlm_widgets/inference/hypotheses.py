"""Hypothesis matrices of the terms of the fixed part: types I, II and III, as lmerTest has them.

Type I takes the terms in order: the rows of R of the QR decomposition of X, each over its diagonal, that belong to a
term (the Doolittle factor of X'X). Type II tests a term that no other contains by its own coefficients, others by type
I with the terms that contain them put last. Type III is SAS's: from the general form of estimable functions of the
overparametrised model, with an indicator for each level of every factor, the columns of a term are made orthogonal to
those of the terms that contain it. It is found in the treatment coding and carried over to the columns of the model,
and so does not depend on how factors are coded.

A term contains another if it has all its factors, more besides, and the same plain numbers: f:g contains f, but f:x
does not (where f is tested is at x = 0), while f:x contains x.

Kuznetsova, Brockhoff & Christensen (2017), J. Stat. Software 82(13), section 2.2; SAS/STAT, The four types of estimable
functions. Prior weights have no part in the hypotheses; where columns were dropped as collinear, hypotheses are of
what can be estimated of the term, and a term of which nothing can has no rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import overparametrised_columns, plain_factors
from mlm_widgets.fitter import Fit
from mlm_widgets.fitter.threads import single_thread

__all__ = ["containing", "empty_cells", "hypotheses", "term_places"]

Floats = npt.NDArray[np.float64]

COLLINEAR = 1e-7  # R's tolerance of a pivoted QR decomposition
ROWS = 65_536  # of X that are decomposed at a time
ZERO = 1e-8  # entry of a hypothesis, or length of its row, that is rounding


def hypotheses(fit: Fit, kind: str) -> list[Floats]:
    """For each term of the fixed part the rows L (k, p) of its hypothesis L beta = 0; `kind` is "I", "II" or "III"."""
    if kind == "III":
        return _type_three(fit)
    R = _triangular(fit.design.X[:, fit.kept])
    places = term_places(fit)
    if kind == "I":
        return [_sequential(R)[own] for own in places]
    after = containing(fit, same_numbers=True)
    return [_type_two(R, own, [k for term in after[place] for k in places[term]]) for place, own in enumerate(places)]


def term_places(fit: Fit) -> list[list[int]]:
    """For each term the places of its coefficients among `fit.names`."""
    assign = [fit.design.spec.fixed.assign[column] for column in fit.kept]
    return [[k for k, own in enumerate(assign) if own == term] for term in range(len(fit.design.spec.fixed.terms))]


def containing(fit: Fit, *, same_numbers: bool) -> list[list[int]]:
    """For each term the places of the terms that contain it; with `same_numbers` those of the same plain numbers."""
    terms = [set(term) for term in fit.design.spec.fixed.terms]
    plain = plain_factors(fit.design.spec.fixed.terms, fit.design.variables) if same_numbers else set()
    return [[k for k, other in enumerate(terms) if term < other and term & plain == other & plain] for term in terms]


def empty_cells(fit: Fit) -> dict[str, int]:
    """How many combinations of levels no row has, by term of several factors, where there are any."""
    several = tuple(term for term in fit.design.spec.fixed.terms if len(term) > 1)
    columns = overparametrised_columns(several, fit.design.variables, fit.design.n_obs)
    n_empty = [sum(not column.any() for column in own) for own in columns]
    return {":".join(term): count for term, count in zip(several, n_empty, strict=True) if count}


def _triangular(X: Floats) -> Floats:
    """R of the QR decomposition of X, by parts of its rows: those of many need no second copy of X."""
    R = np.empty((0, X.shape[1]))
    with single_thread():
        for start in range(0, len(X), ROWS):
            R = np.asarray(np.linalg.qr(np.vstack([R, X[start : start + ROWS]]), mode="r"))
    return R


def _sequential(R: Floats) -> Floats:
    """Rows of R over their diagonal: each coefficient with what those after it add where they are left out."""
    return np.asarray(R / np.diag(R)[:, None])


def _type_two(R: Floats, own: list[int], after: list[int]) -> Floats:
    if not after:
        return np.eye(len(R))[own]
    last = {*own, *after}
    order = [k for k in range(len(R)) if k not in last] + own + after
    rows = np.zeros_like(R)
    rows[:, order] = _sequential(_triangular(R[:, order]))
    first = len(R) - len(last)
    return rows[first : first + len(own)]


def _type_three(fit: Fit) -> list[Floats]:
    design, terms = fit.design, fit.design.spec.fixed.terms
    has_intercept = -1 in design.spec.fixed.assign
    made = overparametrised_columns(terms, design.variables, design.n_obs)
    first = [np.ones(design.n_obs)] if has_intercept else []
    columns = [*first, *(column for own in made for column in own)]
    term_of = [-1] * len(first) + [term for term, own in enumerate(made) for _ in own]
    R = _triangular(np.column_stack([*columns, design.X[:, fit.kept]]))
    full, own_X = R[:, : len(columns)], R[:, len(columns) :]
    chosen = _independent(full)
    treatment = full[:, chosen]
    L = _cleaned(np.linalg.lstsq(treatment, full, rcond=None)[0].T)  # estimable functions, a row a column of `full`
    places = [[k for k, column in enumerate(chosen) if term_of[column] == term] for term in range(len(terms))]
    contained_in = containing(fit, same_numbers=True)
    for term in sorted(range(len(terms)), key=lambda k: -len(terms[k])):
        inside, own = [k for other in contained_in[term] for k in places[other]], places[term]
        if inside and own:
            L[:, own] = _cleaned(L[:, own] - L[:, inside] @ np.linalg.lstsq(L[:, inside], L[:, own], rcond=None)[0])
    carried = np.linalg.lstsq(treatment, own_X, rcond=None)[0]  # coefficients of the treatment coding, from the model's
    rows = [_cleaned(L[chosen][:, own].T @ carried) for own in places]
    return [own[np.abs(own).sum(axis=1) > ZERO] for own in rows]


def _independent(columns: Floats) -> list[int]:
    """Columns that are no linear combination of those before them."""
    chosen: list[int] = []
    Q = np.empty((len(columns), 0))
    for k, column in enumerate(columns.T):
        rest = column.copy()
        for _ in range(2):  # twice is enough: Kahan and Parlett's rule for Gram-Schmidt
            rest -= Q @ (Q.T @ rest)
        if np.linalg.norm(rest) > COLLINEAR * np.linalg.norm(column):
            chosen.append(k)
            Q = np.column_stack([Q, rest / np.linalg.norm(rest)])
    return chosen


def _cleaned(L: npt.NDArray[np.floating[Any]]) -> Floats:
    """Without rounding where a zero is meant."""
    return np.where(np.abs(L) < ZERO, 0.0, L).astype(np.float64, copy=False)
