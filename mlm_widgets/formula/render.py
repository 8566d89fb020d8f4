"""`ModelSpec` -> formula text, as short as people write it: ``ses * sector`` rather than ``ses + sector + ses:sector``."""

from __future__ import annotations

from itertools import chain, combinations

from mlm_widgets.formula.lexer import quote_name
from mlm_widgets.formula.parser import parse_formula
from mlm_widgets.formula.spec import ModelSpec, RandomTerm, Term

__all__ = ["term_text", "to_formula"]


def to_formula(spec: ModelSpec) -> str:
    """The formula of `spec`; parsing it gives `spec` back."""
    short = _formula(spec, is_short=True)
    parsed = parse_formula(short, reml=spec.reml).spec
    if (parsed.terms, parsed.random) == (spec.terms, spec.random):
        return short
    return _formula(spec, is_short=False)


def term_text(term: Term) -> str:
    """`a:b`."""
    return ":".join(term)


def _formula(spec: ModelSpec, *, is_short: bool) -> str:
    fixed = _sum(spec.terms, spec.intercept, is_short=is_short)
    random = _short_random(spec.random) if is_short else [_bar(term, _crossed_text(term.group)) for term in spec.random]
    return f"{spec.outcome} ~ {' + '.join([fixed, *random])}"


def _sum(terms: tuple[Term, ...], intercept: bool, *, is_short: bool) -> str:
    pieces = _products(terms) if is_short else [term_text(term) for term in terms]
    if not intercept:
        pieces = ["0", *pieces]
    return " + ".join(pieces) or "1"


def _bar(term: RandomTerm, group: str) -> str:
    bar = "|" if term.correlated else "||"
    return f"({_sum(term.terms, term.intercept, is_short=True)} {bar} {group})"


def _short_random(random: tuple[RandomTerm, ...]) -> list[str]:
    """Bar terms, runs of nested ones with the same basis as `a/b`."""
    texts: list[str] = []
    place = 0
    while place < len(random):
        run = _nested_run(random, place)
        first, last = random[place], random[place + run - 1]
        texts.append(_bar(first, _nested_text(first.group, last.group) if run > 1 else _crossed_text(first.group)))
        place += run
    return texts


def _nested_run(random: tuple[RandomTerm, ...], place: int) -> int:
    run = 1
    while place + run < len(random):
        outer, inner = random[place + run - 1], random[place + run]
        same = (outer.terms, outer.intercept, outer.correlated) == (inner.terms, inner.intercept, inner.correlated)
        if not same or inner.group[:-1] != outer.group:
            break
        run += 1
    return run


def _crossed_text(group: tuple[str, ...]) -> str:
    return ":".join(quote_name(column) for column in group)


def _nested_text(outer: tuple[str, ...], inner: tuple[str, ...]) -> str:
    return "/".join([_crossed_text(outer), *(quote_name(column) for column in inner[len(outer) :])])


def _products(terms: tuple[Term, ...]) -> list[str]:
    """Terms with `*` wherever an interaction stands with all that is below it."""
    present = {frozenset(term) for term in terms}
    maximal = [term for term in terms if not any(set(term) < set(other) for other in terms)]
    starred = [term for term in maximal if len(term) > 1 and _is_full(term, present)]
    covered: set[frozenset[str]] = set()
    pieces: list[str] = []
    for term in terms:
        if frozenset(term) in covered:
            continue
        mine = [star for star in starred if term[0] in star and frozenset(star) not in covered]
        if len(term) > 1 or not mine:
            pieces.append(term_text(term))
            covered.add(frozenset(term))
            continue
        group = [star for star in mine if len(star) == 2] if len(mine[0]) == 2 else mine[:1]
        pieces.append(_star_text(term[0], group))
        covered.update(subset for star in group for subset in _subsets(star))
    return pieces


def _star_text(factor: str, stars: list[Term]) -> str:
    if len(stars) == 1:
        return " * ".join(stars[0])
    others = [next(other for other in star if other != factor) for star in stars]
    return f"{factor} * ({' + '.join(others)})"


def _is_full(term: Term, present: set[frozenset[str]]) -> bool:
    return all(subset in present for subset in _subsets(term))


def _subsets(term: Term) -> list[frozenset[str]]:
    return [frozenset(part) for part in chain.from_iterable(combinations(term, k) for k in range(1, len(term) + 1))]
