"""What a click does to the description of a model: functions from spec to spec.

The builder's spec may be unfinished: an empty outcome means that none was chosen yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, combinations

from mlm_widgets.errors import OptionError
from mlm_widgets.formula import (
    Call,
    ModelSpec,
    RandomTerm,
    Term,
    canonical_factor,
    columns_of,
    ordered_terms,
    parse_factor,
    parse_offset,
    quote_name,
)
from mlm_widgets.formula.lexer import quote_text

__all__ = [
    "EMPTY",
    "add_group",
    "add_interaction",
    "add_predictor",
    "drop_slopes",
    "group_id",
    "remove_group",
    "remove_interaction",
    "remove_predictor",
    "replace_factor",
    "set_centring",
    "set_correlated",
    "set_intercept",
    "set_outcome",
    "set_reference",
    "set_slope",
    "varies",
    "varies_elsewhere",
]

EMPTY = ModelSpec(outcome="")


def set_outcome(spec: ModelSpec, column: str) -> ModelSpec:
    """Choose the outcome; a column cannot be outcome and predictor, so it leaves predictors and offset."""
    for factor in _factors(spec):
        if column in columns_of(parse_factor(factor)):
            spec = remove_predictor(spec, factor)
    random = tuple(term for term in spec.random if column not in term.group)
    offset = None if spec.offset is not None and column in columns_of(parse_offset(spec.offset)) else spec.offset
    return spec.with_(outcome=quote_name(column), random=random, offset=offset, success=None)


def add_predictor(spec: ModelSpec, column: str) -> ModelSpec:
    """Add `column`; where its distance from the group's mean is in the model, add that mean (Mundlak's second half)."""
    factor = quote_name(column)
    for known in _factors(spec):
        expression = parse_factor(known)
        if isinstance(expression, Call) and expression.function == "within" and columns_of(expression)[0] == column:
            factor = canonical_factor(known.replace("within(", "between(", 1))
    return spec.with_(terms=(*spec.terms, (factor,)))


def remove_predictor(spec: ModelSpec, factor: str) -> ModelSpec:
    """Take `factor` out, with the interactions and slopes that it is part of."""
    random = tuple(replace(term, terms=_without(term.terms, factor)) for term in spec.random)
    random = tuple(term for term in random if term.intercept or term.terms)
    return spec.with_(terms=_without(spec.terms, factor), random=random)


def replace_factor(spec: ModelSpec, old: str, new: str) -> ModelSpec:
    """`new` for `old` in every term, fixed and random."""
    if old != new and any(new in term for term in spec.terms):
        raise OptionError(f"“{new}” is in the model already.", hint="Remove one of the two.")
    random = tuple(replace(term, terms=_replaced(term.terms, old, new)) for term in spec.random)
    return spec.with_(terms=_replaced(spec.terms, old, new), random=random)


def set_centring(spec: ModelSpec, factor: str, choice: str, groups: list[tuple[str, ...]]) -> ModelSpec:
    """Change how a number enters: "none", "center", "scale", "within:GROUP" or "between:GROUP"."""
    column = quote_name(columns_of(parse_factor(factor))[0])
    if choice == "none":
        return replace_factor(spec, factor, column)
    if choice in ("center", "scale"):
        return replace_factor(spec, factor, f"{choice}({column})")
    function, _, name = choice.partition(":")
    group = next((group for group in groups if ":".join(group) == name), None)
    if function not in ("within", "between") or group is None:
        raise OptionError(f"There is no centring “{choice}”.")
    return replace_factor(spec, factor, f"{function}({column}, {':'.join(map(quote_name, group))})")


def set_reference(spec: ModelSpec, factor: str, level: str, default: str) -> ModelSpec:
    """Change the level that the others of a factor are compared with."""
    column = quote_name(columns_of(parse_factor(factor))[0])
    new = column if level == default else f"C({column}, contr.treatment({quote_text(level)}))"
    return replace_factor(spec, factor, new)


def add_interaction(spec: ModelSpec, factors: Term) -> ModelSpec:
    """Add the product of `factors` and every product below it (marginality)."""
    if len(set(factors)) < 2:
        raise OptionError("An interaction needs two predictors or more.")
    subsets = chain.from_iterable(combinations(factors, size) for size in range(1, len(factors) + 1))
    return spec.with_(terms=(*spec.terms, *subsets))


def remove_interaction(spec: ModelSpec, term: Term) -> ModelSpec:
    """Take `term` out, and every interaction that contains it."""
    gone = set(term)
    random = tuple(replace(r, terms=tuple(t for t in r.terms if not gone <= set(t))) for r in spec.random)
    random = tuple(r for r in random if r.intercept or r.terms)
    return spec.with_(terms=tuple(t for t in spec.terms if not gone <= set(t)), random=random)


def group_id(spec: ModelSpec, place: int) -> str:
    """The name of a random term's row: its grouping, numbered where it stands in several rows."""
    name = spec.random[place].group_name
    before = sum(term.group_name == name for term in spec.random[:place])
    return name if before == 0 else f"{name} #{before + 1}"


def add_group(spec: ModelSpec, columns: tuple[str, ...]) -> ModelSpec:
    """Add a grouping with a random intercept.

    A column that is a grouping leaves the predictors; one of a combination stays: a recipe is compared with the others
    while the batches of each recipe vary.
    """
    if any(set(term.group) == set(columns) for term in spec.random):
        raise OptionError(f"“{':'.join(columns)}” is a grouping already.")
    if len(columns) == 1:
        spec = remove_predictor(spec, quote_name(columns[0]))
    return spec.with_(random=(*spec.random, RandomTerm(columns)))


def remove_group(spec: ModelSpec, place: int) -> ModelSpec:
    """Take a random term out; numbers centred within its groups are no longer centred."""
    group = spec.random[place].group
    spec = spec.with_(random=(*spec.random[:place], *spec.random[place + 1 :]))
    if any(term.group == group for term in spec.random):
        return spec
    for factor in _factors(spec):
        expression = parse_factor(factor)
        if isinstance(expression, Call) and expression.function in ("within", "between"):
            column, means_of = expression.arguments[0][1], tuple(columns_of(expression.arguments[1][1]))
            if means_of == group:
                spec = _uncentred(spec, factor, quote_name(columns_of(column)[0]))
    return spec


def set_intercept(spec: ModelSpec, place: int, is_on: bool) -> ModelSpec:
    """Let the intercept vary between the levels, or not."""
    group = frozenset(spec.random[place].group)
    others = [term for i, term in enumerate(spec.random) if i != place and frozenset(term.group) == group]
    if is_on and any(term.intercept for term in others):
        raise OptionError(f"The intercept varies in another row of “{spec.random[place].group_name}”.")
    return _with_random(spec, place, replace(spec.random[place], intercept=is_on))


def set_slope(spec: ModelSpec, place: int, term: Term, is_on: bool) -> ModelSpec:
    """Let a slope vary between the levels, or not; slopes stand in the order of the fixed part."""
    own = [slope for slope in spec.random[place].terms if set(slope) != set(term)]
    if is_on and varies_elsewhere(spec, place, term):
        name = spec.random[place].group_name
        raise OptionError(f"“{':'.join(term)}” varies in another row of “{name}”.", hint="Untick it there first.")
    if is_on:
        own.append(term)
    order = {frozenset(fixed): i for i, fixed in enumerate(spec.terms)}
    own.sort(key=lambda slope: order.get(frozenset(slope), len(order)))
    term_now = replace(spec.random[place], terms=ordered_terms(own))
    if not own:
        term_now = replace(term_now, correlated=True)  # an intercept alone has nothing to correlate with
    return _with_random(spec, place, term_now)


def varies(random: RandomTerm, slope: Term) -> bool:
    """Whether `slope` varies in a random term."""
    return any(set(slope) == set(own) for own in random.terms)


def varies_elsewhere(spec: ModelSpec, place: int, slope: Term) -> bool:
    """Whether `slope` varies in another random term of the same grouping."""
    group = set(spec.random[place].group)
    return any(i != place and set(r.group) == group and varies(r, slope) for i, r in enumerate(spec.random))


def drop_slopes(spec: ModelSpec, is_gone: Callable[[RandomTerm, Term], bool]) -> ModelSpec:
    """Take slopes out of the random part; where nothing else varied, the intercept does."""
    random = []
    for term in spec.random:
        kept = tuple(slope for slope in term.terms if not is_gone(term, slope))
        random.append(replace(term, terms=kept, intercept=term.intercept or not kept))
    return spec.with_(random=tuple(random))


def set_correlated(spec: ModelSpec, place: int, is_on: bool) -> ModelSpec:
    """Estimate correlations between the random effects of a term, or set them to zero."""
    return _with_random(spec, place, replace(spec.random[place], correlated=is_on))


def _with_random(spec: ModelSpec, place: int, term: RandomTerm) -> ModelSpec:
    if not term.intercept and not term.terms:
        raise OptionError(
            f"Something has to vary between the levels of “{term.group_name}”.",
            hint="Tick the intercept or a slope, or remove the grouping.",
        )
    return spec.with_(random=(*spec.random[:place], term, *spec.random[place + 1 :]))


def _uncentred(spec: ModelSpec, factor: str, column: str) -> ModelSpec:
    if any(column in term for term in spec.terms):
        return remove_predictor(spec, factor)
    return replace_factor(spec, factor, column)


def _factors(spec: ModelSpec) -> list[str]:
    terms = [*spec.terms, *(slope for term in spec.random for slope in term.terms)]
    return list(dict.fromkeys(factor for term in terms for factor in term))


def _without(terms: tuple[Term, ...], factor: str) -> tuple[Term, ...]:
    return tuple(term for term in terms if factor not in term)


def _replaced(terms: tuple[Term, ...], old: str, new: str) -> tuple[Term, ...]:
    return ordered_terms(tuple(new if factor == old else factor for factor in term) for term in terms)
