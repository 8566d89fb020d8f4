"""Each fixed term that marginality allows is left out in turn, and the likelihoods are compared.

R's ``drop1`` for lme4: a term stays while another contains it. All fits are by maximum likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit
from mlm_widgets.formula import Term, term_text
from mlm_widgets.frames import Frame
from mlm_widgets.inference.likelihood_ratio import chi_square_p
from mlm_widgets.inference.related import ml_fit, n_parameters, related_fit

__all__ = ["DroppedTerms", "drop1", "droppable_terms"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DroppedTerms:
    """Models with one fixed term less; arrays of shape (k + 1,), the model itself first.

    Attributes
    ----------
    names : tuple of str
    n_params, criterion : ndarray
        Of the model without the term; -2 log L.
    statistic, df, p_value : ndarray
        Likelihood-ratio tests; NaN for the model itself.
    notes : tuple of str
    """

    names: tuple[str, ...]
    n_params: Floats
    criterion: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    notes: tuple[str, ...]


def droppable_terms(fit: Fit) -> tuple[Term, ...]:
    """The terms of the fixed part that no other contains."""
    terms = fit.design.spec.model.terms
    return tuple(term for term in terms if not any(set(term) < set(other) for other in terms))


def drop1(fit: Fit, frame: Frame) -> DroppedTerms:
    """Test the fixed terms of `fit` one by one.

    Prior weights, offsets and rows are those of the fit. A term whose columns were all left out as collinear, or can be
    made of those that stay, has no degrees of freedom and no test. Singular fits are compared as they are. Generalized
    models are compared by their approximate likelihoods.

    Raises
    ------
    MlmError
        If a model without a term cannot be fitted.
    """
    notes = []
    full = ml_fit(fit)
    if fit.reml:
        notes.append("Refitted by maximum likelihood: REML criteria of other fixed parts do not compare.")
    spec = full.design.spec.model
    terms = droppable_terms(full)
    rows = [(n_parameters(full), full.criterion)]
    for term in terms:
        smaller = related_fit(full, frame, spec.with_(terms=[own for own in spec.terms if own != term]), reml=False)
        rows.append((n_parameters(smaller), smaller.criterion))
        if rows[-1][0] == rows[0][0]:
            notes.append(f"“{term_text(term)}” adds nothing to the other terms: there is no test.")
    table = np.array(rows, dtype=np.float64)
    df = rows[0][0] - table[:, 0]
    statistic = np.where(df > 0, np.maximum(table[:, 1] - full.criterion, 0.0), np.nan)
    df[0] = np.nan
    p_value = [chi_square_p(*test) for test in zip(statistic[1:].tolist(), df[1:].astype(int).tolist(), strict=True)]
    return DroppedTerms(
        names=("<none>", *(term_text(term) for term in terms)),
        n_params=table[:, 0],
        criterion=table[:, 1],
        statistic=statistic,
        df=df,
        p_value=np.array([np.nan, *p_value]),
        notes=tuple(notes),
    )
