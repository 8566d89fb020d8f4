"""`ModelSpec` -> formula text, as short as people write it: ``ses * sector``, not ``ses + sector + ses:sector``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from mlm_widgets.formula.expressions import Expression, to_text
from mlm_widgets.formula.lexer import quote_name
from mlm_widgets.formula.parser import parse_formula, parse_offset
from mlm_widgets.formula.spec import ModelSpec, RandomTerm, Term

__all__ = ["random_text", "term_text", "to_formula", "write_formula"]


def to_formula(spec: ModelSpec) -> str:
    """The formula of `spec`; parsing it gives `spec` back."""
    return write_formula(spec, factor=str, column=quote_name, arithmetic=to_text)


def write_formula(
    spec: ModelSpec,
    *,
    factor: Callable[[str], str],
    column: Callable[[str], str],
    arithmetic: Callable[[Expression], str],
) -> str:
    """`spec` in a dialect: `factor` writes a factor, `column` a grouping column, `arithmetic` an offset."""
    plain = _Writer(str, quote_name, to_text, is_short=True).formula(spec)
    parsed = parse_formula(plain, reml=spec.reml).spec
    is_faithful = (parsed.terms, parsed.random) == (spec.terms, spec.random)
    return _Writer(factor, column, arithmetic, is_short=is_faithful).formula(spec)


def term_text(term: Term) -> str:
    """`a:b`."""
    return ":".join(term)


def random_text(term: RandomTerm) -> str:
    """`(x | g)`."""
    return _Writer(str, quote_name, to_text, is_short=True).random((term,))[0]


@dataclass(frozen=True, slots=True)
class _Writer:
    """A way of writing: short (`a * b`, `g/h`), or a plain sum of all terms, which never changes their order."""

    factor: Callable[[str], str]
    column: Callable[[str], str]
    arithmetic: Callable[[Expression], str]
    is_short: bool

    def formula(self, spec: ModelSpec) -> str:
        offset = [] if spec.offset is None else [f"offset({self.arithmetic(parse_offset(spec.offset))})"]
        parts = [self.sum(spec.terms, spec.intercept), *offset, *self.random(spec.random)]
        return f"{self.factor(spec.outcome)} ~ {' + '.join(parts)}"

    def sum(self, terms: tuple[Term, ...], intercept: bool) -> str:
        pieces = _products(terms) if self.is_short else list(terms)
        texts = [] if intercept else ["0"]
        texts += [self.product(piece) for piece in pieces]
        return " + ".join(texts) or "1"

    def product(self, piece: Term | _Star) -> str:
        if not isinstance(piece, _Star):
            return ":".join(self.factor(text) for text in piece)
        others = [self.factor(text) for text in piece.others]
        if piece.is_chain:
            return " * ".join([self.factor(piece.first), *others])
        return f"{self.factor(piece.first)} * ({' + '.join(others)})"

    def random(self, random: tuple[RandomTerm, ...]) -> list[str]:
        """Bar terms, runs of nested ones with the same basis as `a/b`."""
        texts: list[str] = []
        place = 0
        while place < len(random):
            run = _nested_run(random, place) if self.is_short else 1
            first, last = random[place], random[place + run - 1]
            inner = [self.column(column) for column in last.group[len(first.group) :]]
            group = "/".join([":".join(self.column(column) for column in first.group), *inner])
            bar = "|" if first.correlated else "||"
            texts.append(f"({self.sum(first.terms, first.intercept)} {bar} {group})")
            place += run
        return texts


@dataclass(frozen=True, slots=True)
class _Star:
    """`first * (b + c)`, or as a chain `first * b * c`."""

    first: str
    others: Term
    is_chain: bool


def _nested_run(random: tuple[RandomTerm, ...], place: int) -> int:
    run = 1
    while place + run < len(random):
        outer, inner = random[place + run - 1], random[place + run]
        same = (outer.terms, outer.intercept, outer.correlated) == (inner.terms, inner.intercept, inner.correlated)
        if not same or inner.group[:-1] != outer.group:
            break
        run += 1
    return run


def _products(terms: tuple[Term, ...]) -> list[Term | _Star]:
    """Terms with `*` wherever an interaction stands with all that is below it."""
    present = {frozenset(term) for term in terms}
    maximal = [term for term in terms if not any(set(term) < set(other) for other in terms)]
    starred = [term for term in maximal if len(term) > 1 and _is_full(term, present)]
    covered: set[frozenset[str]] = set()
    pieces: list[Term | _Star] = []
    for term in terms:
        if frozenset(term) in covered:
            continue
        mine: list[Term] = [star for star in starred if term[0] in star and frozenset(star) not in covered]
        if len(term) > 1 or not mine:
            pieces.append(term)
            covered.add(frozenset(term))
            continue
        group = [star for star in mine if len(star) == 2] if len(mine[0]) == 2 else mine[:1]
        pieces.append(_star(term[0], group))
        covered.update(subset for star in group for subset in _subsets(star))
    return pieces


def _star(first: str, stars: Sequence[Term]) -> _Star:
    others = tuple(factor for star in stars for factor in star if factor != first)
    return _Star(first, others, is_chain=len(stars) == 1)


def _is_full(term: Term, present: set[frozenset[str]]) -> bool:
    has_enough = 2 ** len(term) - 1 <= len(present)  # before all subsets of a long term are made
    return has_enough and all(subset in present for subset in _subsets(term))


def _subsets(term: Term) -> list[frozenset[str]]:
    return [frozenset(part) for part in chain.from_iterable(combinations(term, k) for k in range(1, len(term) + 1))]
