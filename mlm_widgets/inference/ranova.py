"""Tests of the random terms: each is made smaller or taken away, and the likelihoods are compared.

What lmerTest's ``ranova`` does (Kuznetsova, Brockhoff & Christensen 2017, J. Stat. Software 82(13), section 2.4): a
term with slopes loses each slope that no other of its slopes contains, a term without them is taken away. A REML fit is
compared by the REML criterion: the fixed part stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter import Fit
from mlm_widgets.formula import RandomTerm, random_text, term_text
from mlm_widgets.frames import Frame
from mlm_widgets.inference.likelihood_ratio import chi_square_p, mixture_p
from mlm_widgets.inference.related import criterion_without_random, n_parameters, related_fit

__all__ = ["RandomTests", "Reduction", "ranova", "reductions"]

Floats = npt.NDArray[np.float64]

LOWER = 1e-5  # of a criterion below the larger model's that is no rounding


@dataclass(frozen=True, slots=True)
class Reduction:
    """A model with one random term made smaller.

    Attributes
    ----------
    name : str
        What was taken away: ``(1 | g)``, or ``x in (x | g)``.
    random : tuple of RandomTerm
        What is left.
    """

    name: str
    random: tuple[RandomTerm, ...]


@dataclass(frozen=True, slots=True)
class RandomTests:
    """Tests of random terms; arrays of shape (k + 1,), the fit itself first.

    Attributes
    ----------
    names : tuple of str
    n_params : ndarray
    criterion : ndarray
        -2 log L, restricted where the fit is.
    statistic, df, p_chi_square, p_mixture : ndarray
        See :mod:`mlm_widgets.inference.likelihood_ratio`; NaN for the fit itself.
    notes : tuple of str
    """

    names: tuple[str, ...]
    n_params: Floats
    criterion: Floats
    statistic: Floats
    df: Floats
    p_chi_square: Floats
    p_mixture: Floats
    notes: tuple[str, ...]


def ranova(fit: Fit, frame: Frame) -> RandomTests:
    """Test each random term of `fit`.

    Prior weights, offsets and rows are those of the fit; coefficients that were left out as collinear stay out. A term
    whose variance is zero already has the statistic 0 and the p value 1. A generalized model is compared by its
    approximate likelihood, without random effects by the exact one.

    Raises
    ------
    MlmError
        If a smaller model cannot be fitted.
    """
    own = reductions(fit)
    rows = [(n_parameters(fit), fit.criterion)]
    notes = []
    for reduction in own:
        n_params, criterion, n_effects = _reduced(fit, frame, reduction)
        if criterion < fit.criterion - LOWER:
            notes.append(
                f"Without “{reduction.name}” the criterion is {fit.criterion - criterion:.2g} lower than with it: the "
                "fit is not at its optimum (see all_fits())."
            )
        if _n_effects(fit) - n_effects > 1:
            notes.append(
                f"“{reduction.name}” is several random effects: its mixture p is the largest that any mixture can give."
            )
        rows.append((n_params, criterion))
    table = np.array(rows, dtype=np.float64)
    statistic = np.maximum(table[:, 1] - fit.criterion, 0.0)
    statistic[statistic < 1e-9 * (1.0 + abs(fit.criterion))] = 0.0
    statistic[0] = np.nan
    df = rows[0][0] - table[:, 0]
    df[0] = np.nan
    tests = list(zip(statistic[1:].tolist(), df[1:].astype(int).tolist(), strict=True))
    return RandomTests(
        names=("<none>", *(reduction.name for reduction in own)),
        n_params=table[:, 0],
        criterion=table[:, 1],
        statistic=statistic,
        df=df,
        p_chi_square=np.array([np.nan, *(chi_square_p(*test) for test in tests)]),
        p_mixture=np.array([np.nan, *(mixture_p(*test) for test in tests)]),
        notes=tuple(notes),
    )


def reductions(fit: Fit) -> tuple[Reduction, ...]:
    """The models that one random term less gives, in the order of the formula; ``||`` counts as separate terms."""
    terms = [part for term in fit.design.spec.model.random for part in _separate(term)]
    found = []
    for k, term in enumerate(terms):
        others = (*terms[:k], *terms[k + 1 :])
        for name, left in _smaller(fit, term, others):
            random = others if left is None else (*terms[:k], left, *terms[k + 1 :])
            found.append(Reduction(name, random))
    return tuple(found)


def _separate(term: RandomTerm) -> list[RandomTerm]:
    if term.correlated:
        return [term]
    own = [RandomTerm(term.group, (), intercept=True)] if term.intercept else []
    return own + [RandomTerm(term.group, (slope,), intercept=False) for slope in term.terms]


def _smaller(fit: Fit, term: RandomTerm, others: tuple[RandomTerm, ...]) -> Iterator[tuple[str, RandomTerm | None]]:
    """What is taken from `term`, and what is left of it."""
    text = random_text(term)
    slopes = [own for own in term.terms if not any(set(own) < set(other) for other in term.terms)]
    if not slopes:
        yield text, None
        return
    for slope in slopes:
        left = tuple(own for own in term.terms if own != slope)
        name = f"{term_text(slope)} in {text}"
        if left or term.intercept:
            yield name, replace(term, terms=left)
        elif _holds_intercept(fit, slope) and not any(_is_intercept(own, term.group) for own in others):
            yield name, replace(term, terms=(), intercept=True)
        else:
            yield text, None


def _holds_intercept(fit: Fit, slope: tuple[str, ...]) -> bool:
    """Whether the columns of `slope` without an intercept add up to one: it is of factors alone."""
    return all(factor in fit.design.spec.levels for factor in slope)


def _is_intercept(term: RandomTerm, group: tuple[str, ...]) -> bool:
    return term.intercept and set(term.group) == set(group)


def _n_effects(fit: Fit) -> int:
    """Random effects a level, over all grouping factors."""
    return sum(len(group.grouping.names) for group in fit.groups)


def _reduced(fit: Fit, frame: Frame, reduction: Reduction) -> tuple[int, float, int]:
    """Number of parameters, criterion and number of random effects of the smaller model."""
    if not reduction.random:
        return len(fit.beta) + fit.family.has_dispersion, criterion_without_random(fit), 0
    spec = fit.design.spec.model.with_(random=reduction.random)
    smaller = related_fit(fit, frame, spec, reml=fit.reml)
    return n_parameters(smaller), smaller.criterion, _n_effects(smaller)
