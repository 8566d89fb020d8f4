"""What taking the term out of a singular fit does to it: each remedy is fitted and compared.

Variances are tested by the mixture of :mod:`mlm_widgets.inference.likelihood_ratio`, since a variance of zero is at the
end of its range. A correlation of zero is not at the end of its own, and its test is the plain one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mlm_widgets.errors import MlmError
from mlm_widgets.fitter import Fit, GroupFit
from mlm_widgets.formula import ModelSpec, RandomTerm, Term
from mlm_widgets.frames import Frame
from mlm_widgets.inference.likelihood_ratio import chi_square_p, mixture_p
from mlm_widgets.inference.related import criterion_without_random, n_parameters, related_fit

__all__ = ["Remedy", "remedies"]

ROUNDING = 1e-9  # of a criterion


@dataclass(frozen=True, slots=True)
class Remedy:
    """A simpler model in place of a singular one, with the numbers of both.

    Attributes
    ----------
    group, term : str
        The component without variation of its own: "Intercept" or the column of a slope.
    action : {"drop", "uncorrelate"}
        The term is taken out, or its correlations.
    spec : ModelSpec
        The simpler model.
    fit : Fit or None
        Its fit; None where no random effect is left, and the model is an ordinary regression.
    criterion, criterion_after : float
        REML criterion or -2 log-likelihood, before and after.
    n_params, n_params_after : int
    aic, aic_after : float
    statistic : float
        Rise of the criterion, not below zero.
    df : int
        Parameters less.
    p_chi_square : float
        By the chi-square with `df` degrees of freedom: too large where a variance is tested.
    p_mixture : float
        By the mixture; where several effects go at once, the largest that any mixture gives. That of correlations is
        `p_chi_square`.
    is_singular_after : bool
    """

    group: str
    term: str
    action: str
    spec: ModelSpec
    fit: Fit | None
    criterion: float
    criterion_after: float
    n_params: int
    n_params_after: int
    aic: float
    aic_after: float
    statistic: float
    df: int
    p_chi_square: float
    p_mixture: float
    is_singular_after: bool


def remedies(fit: Fit, frame: Frame) -> tuple[Remedy, ...]:
    """The remedies of each singular component of `fit`; none where it has none.

    Every remedy is one fit, on the same rows with the same fixed part, weights, offset, family and REML, so criteria
    can be compared, those of REML too. Columns that are collinear are dropped in both. A remedy that cannot be fitted
    is left out.
    """
    found = []
    for group in fit.groups:
        for name in group.singular:
            for action, random in _simpler(group, name, fit.design.spec.model):
                remedy = _remedy(fit, frame, (group.grouping.name, name, action), random)
                found += [] if remedy is None else [remedy]
    return tuple(found)


def _simpler(group: GroupFit, name: str, spec: ModelSpec) -> Iterator[tuple[str, tuple[RandomTerm, ...]]]:
    """(action, random part) of each remedy."""
    block = next(block for block in group.grouping.blocks if name in block.basis.names)
    place = block.basis.assign[block.basis.names.index(name)]
    term = None if place < 0 else block.basis.terms[place]
    own = group.grouping.columns
    yield "drop", tuple(_without(spec.random, own, term))
    has_variance = bool(np.any(np.abs(group.lam[group.grouping.names.index(name)]) > 0))
    if has_variance and len(block.columns) > 1:
        yield "uncorrelate", tuple(_uncorrelated(one, own, term) for one in spec.random)


def _is_of(term: RandomTerm, columns: tuple[str, ...], slope: Term | None) -> bool:
    """Whether `slope` (None: the intercept) varies in `term`."""
    has_slope = term.intercept if slope is None else slope in term.terms
    return frozenset(term.group) == frozenset(columns) and has_slope


def _without(random: tuple[RandomTerm, ...], columns: tuple[str, ...], slope: Term | None) -> Iterator[RandomTerm]:
    for term in random:
        if not _is_of(term, columns, slope):
            yield term
            continue
        terms, intercept = tuple(one for one in term.terms if one != slope), term.intercept and slope is not None
        if terms or intercept:
            yield replace(
                term, terms=terms, intercept=intercept, correlated=term.correlated or len(terms) + intercept == 1
            )


def _uncorrelated(term: RandomTerm, columns: tuple[str, ...], slope: Term | None) -> RandomTerm:
    return replace(term, correlated=False) if _is_of(term, columns, slope) else term


def _remedy(fit: Fit, frame: Frame, what: tuple[str, str, str], random: tuple[RandomTerm, ...]) -> Remedy | None:
    spec = fit.design.spec.model.with_(random=random)
    try:
        after = related_fit(fit, frame, spec, reml=fit.reml) if random else None
        criterion = criterion_without_random(fit) if after is None else after.criterion
    except MlmError:
        return None
    n_params, df = n_parameters(fit), len(fit.theta) - (0 if after is None else len(after.theta))
    statistic = max(criterion - fit.criterion, 0.0)
    statistic = 0.0 if statistic < ROUNDING * (1.0 + abs(fit.criterion)) else statistic
    p_value = chi_square_p(statistic, df)
    return Remedy(
        *what,
        spec=spec,
        fit=after,
        criterion=fit.criterion,
        criterion_after=criterion,
        n_params=n_params,
        n_params_after=n_params - df,
        aic=fit.criterion + 2 * n_params,
        aic_after=criterion + 2 * (n_params - df),
        statistic=statistic,
        df=df,
        p_chi_square=p_value,
        p_mixture=mixture_p(statistic, df) if what[2] == "drop" else p_value,
        is_singular_after=after is not None and any(group.singular for group in after.groups),
    )
