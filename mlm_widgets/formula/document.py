"""A `ModelSpec` as a JSON document, and back. A document comes from outside: all of it is checked and parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlm_widgets.errors import MlmError, OptionError, closest
from mlm_widgets.families import family_of
from mlm_widgets.formula.expressions import to_text
from mlm_widgets.formula.parser import (
    OUTCOME_HINT,
    canonical_factor,
    canonical_offset,
    outcome_problem,
    parse_factor,
)
from mlm_widgets.formula.spec import ModelSpec, RandomTerm, Term, ordered_terms

__all__ = ["VERSION", "from_json", "to_json"]

VERSION = 1
OPTIONAL = ("weights", "offset", "success")
KEYS = ("version", "outcome", "intercept", "terms", "random", "reml", "family", "link", *OPTIONAL)


def to_json(spec: ModelSpec) -> dict[str, Any]:
    """The spec as a document of lists, texts and truth values; weights, offset and success where there are any."""
    optional = {key: getattr(spec, key) for key in OPTIONAL}
    return {
        "version": VERSION,
        "outcome": spec.outcome,
        "intercept": spec.intercept,
        "terms": [list(term) for term in spec.terms],
        "random": [
            {
                "group": list(term.group),
                "intercept": term.intercept,
                "terms": [list(slope) for slope in term.terms],
                "correlated": term.correlated,
            }
            for term in spec.random
        ],
        "reml": spec.reml,
        "family": spec.family,
        "link": spec.link,
        **{key: text for key, text in optional.items() if text is not None},
    }


def from_json(document: Any) -> ModelSpec:
    """Read a document that `to_json` wrote.

    Raises
    ------
    OptionError
        If the document is not of that form, or its family or link is none.
    FormulaError
        If a factor in it is not allowed.
    """
    if not isinstance(document, Mapping) or document.get("version") != VERSION:
        raise OptionError(
            f"`spec` must be a document of version {VERSION}.", hint="Save one with builder.spec.", argument="spec"
        )
    _check_keys(document)
    try:
        family = family_of(_text(document["family"]), _text(document["link"]))
        offset = _optional_text(document.get("offset"))
        return ModelSpec(
            outcome=_outcome(_text(document["outcome"])),
            terms=_terms(document["terms"]),
            intercept=_flag(document["intercept"]),
            random=tuple(_random_term(term) for term in _items(document["random"])),
            reml=_flag(document["reml"]),
            family=family.name,
            link=family.link.name,
            weights=_optional_text(document.get("weights")),
            offset=None if offset is None else canonical_offset(offset),
            success=_optional_text(document.get("success")),
        )
    except MlmError:
        raise
    except (KeyError, TypeError) as error:
        raise OptionError(
            f"`spec` is not a model's document: {error}.", hint="Save one with builder.spec.", argument="spec"
        ) from error


def _check_keys(document: Mapping[Any, Any]) -> None:
    unknown = [str(key) for key in document if key not in KEYS]
    if unknown:
        near = closest(unknown[0], KEYS)
        raise OptionError(
            f"`spec` has a key “{unknown[0]}”, which no model's document has.",
            hint=f"Closest: {', '.join(near)}." if near else f"The keys are: {', '.join(KEYS)}.",
            argument="spec",
        )


def _outcome(text: str) -> str:
    expression = parse_factor(text)
    if problem := outcome_problem(expression):
        raise OptionError(problem, hint=OUTCOME_HINT, argument="spec")
    return to_text(expression)


def _random_term(term: Any) -> RandomTerm:
    group, slopes = _filled(term["group"]), _terms(term["terms"])
    intercept = _flag(term["intercept"])
    if not intercept and not slopes:
        raise TypeError("a random term in which nothing varies")
    return RandomTerm(tuple(_text(column) for column in group), slopes, intercept, _flag(term["correlated"]))


def _terms(value: Any) -> tuple[Term, ...]:
    return ordered_terms(tuple(canonical_factor(_text(factor)) for factor in _filled(term)) for term in _items(value))


def _filled(value: Any) -> list[Any]:
    items = _items(value)
    if not items:
        raise TypeError("an empty list where a term or a group is named")
    return items


def _items(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false was expected, not {type(value).__name__}")
    return value
