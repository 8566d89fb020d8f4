"""`ModelSpec`: the one description of a model.

It is what a formula parses to, what the builder's controls change, and what is saved as JSON. A *factor* is a piece
of text in our own canonical writing (``ses``, ``within(ses, school)``, ``log(x)``); a *term* is a product of factors;
a random term is a basis of terms that varies between the levels of a grouping factor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mlm_widgets.families import family_of

__all__ = ["ModelSpec", "RandomTerm", "Term", "ordered_terms"]

Term = tuple[str, ...]
"""Factors whose product is the term: ``("ses",)``, ``("ses", "sector")``. The intercept is a flag, not a term."""


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """``(basis | group)``.

    Attributes
    ----------
    group : tuple of str
        The columns whose combination is the grouping factor.
    terms : tuple of Term
        The slopes.
    intercept : bool
    correlated : bool
        False for ``||``: a variance for each column of the basis and no correlations.
    """

    group: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    intercept: bool = True
    correlated: bool = True

    @property
    def group_name(self) -> str:
        """The grouping factor's name: its columns joined by colons."""
        return ":".join(self.group)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: outcome, fixed part, random part, and how it is fitted.

    Attributes
    ----------
    outcome : str
        A factor's text, or ``cbind(successes, failures)``.
    terms : tuple of Term
        The fixed part without the intercept, main effects before interactions.
    intercept : bool
    random : tuple of RandomTerm
    reml : bool
        Of linear mixed models alone: the others are fitted by maximum likelihood.
    family, link : str
    weights : str or None
        The column of prior weights: residual variance sigma^2 / weight, or multiples of the log-likelihood.
    offset : str or None
        A known part of the linear predictor: the text of an expression, ``log(exposure)``.
    success : str or None
        Of an outcome of two values, the one that counts as success; None for the last level.
    """

    outcome: str
    terms: tuple[Term, ...] = ()
    intercept: bool = True
    random: tuple[RandomTerm, ...] = ()
    reml: bool = True
    family: str = "gaussian"
    link: str = "identity"
    weights: str | None = None
    offset: str | None = None
    success: str | None = None

    @property
    def is_linear(self) -> bool:
        """Whether it is the linear mixed model."""
        return (self.family, self.link) == ("gaussian", "identity")

    def with_(self, **changes: Any) -> ModelSpec:
        """A new spec with some fields changed; terms are put into order, and a family brings its default link."""
        if "family" in changes and "link" not in changes:
            changes["link"] = family_of(changes["family"]).link.name
        if "terms" in changes:
            changes["terms"] = ordered_terms(changes["terms"])
        return replace(self, **changes)


def ordered_terms(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Each term once, main effects before interactions, else in the order given."""
    unique: dict[frozenset[str], Term] = {}
    for term in terms:
        unique.setdefault(frozenset(term), tuple(dict.fromkeys(term)))
    return tuple(sorted(unique.values(), key=len))
