"""A basis: terms -> the columns of a matrix, learned once and applied to any rows.

Terms whose factors are all plain numbers are multiplied here. Factors with levels, their contrasts, the rule that
keeps a matrix of full rank, polynomials and splines are formulaic's; it sees columns under made-up names only, and
never a text that was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula
from formulaic.parser.types import Factor as _Factor
from formulaic.parser.types import Term as _Term

from mlm_widgets.design.variables import EXPANDING, Values, evaluate, variables_of
from mlm_widgets.errors import DesignError, closest
from mlm_widgets.formula import Call, Expression, Name, Term, columns_of, parse_factor, term_text, to_text
from mlm_widgets.frames import all_finite

__all__ = ["Basis", "column_text", "evaluate_finite", "is_plain", "learn_basis", "stacked"]

Floats = npt.NDArray[np.float64]
INTERCEPT = "Intercept"
MAX_COLUMNS = 5_000  # of one term: more levels than any fixed factor has
MAX_ENTRIES = 1_000_000_000  # of a model matrix: 8 GB


@dataclass(frozen=True, slots=True)
class Basis:
    """Columns made from terms.

    Attributes
    ----------
    names : tuple of str
        Column names as formulaic writes them: ``Intercept``, ``sector[T.Public]``, ``ses:sector[T.Public]``.
    assign : tuple of int
        For each column the index of its term; -1 is the intercept.
    terms : tuple of Term
    variables : tuple of str
        Keys of the variables that the columns are computed from.
    build : callable
        Variables and n -> the columns, each (n,). A column of plain numbers is the variable itself, and the
        intercept's takes no memory.
    """

    names: tuple[str, ...]
    assign: tuple[int, ...]
    terms: tuple[Term, ...]
    variables: tuple[str, ...]
    build: Callable[[Values, int], list[Floats]]

    def apply(self, values: Values, n_rows: int) -> Floats:
        """The matrix for new values of the variables, (n, len(names))."""
        return stacked(self.build(values, n_rows), n_rows)


def stacked(columns: Sequence[Floats], n_rows: int) -> Floats:
    """Columns as a matrix, column after column in memory."""
    matrix = np.empty((n_rows, len(columns)), order="F")
    for k, column in enumerate(columns):
        matrix[:, k] = column
    return matrix


def column_text(name: str) -> str:
    """A column in the name of a coefficient: as it is, but never like the intercept."""
    return f"`{name}`" if name == INTERCEPT else name


def learn_basis(terms: tuple[Term, ...], intercept: bool, values: Values, n_rows: int) -> tuple[Basis, list[Floats]]:
    """Learn the columns of `terms` from `values`; the basis and its columns, each (n,)."""
    factors = {text: parse_factor(text) for term in terms for text in term}
    variables = tuple(dict.fromkeys(key for factor in factors.values() for key in variables_of(factor)))
    _check_width(terms, factors, values, n_rows)
    coded = {text for text, factor in factors.items() if not is_plain(factor, values)}
    if all(_is_treatment(factors[text]) for text in coded) and _is_hierarchical(terms, intercept, coded):
        return _direct_basis(terms, intercept, factors, variables, values, n_rows)
    return _coded_basis(terms, intercept, factors, variables, values, n_rows)


def _check_width(terms: tuple[Term, ...], factors: Mapping[str, Expression], values: Values, n_rows: int) -> None:
    """Refuse terms of so many levels that their columns would fill the memory."""
    sizes = {text: _n_levels(factor, values) for text, factor in factors.items()}
    widths = {term: prod(sizes[text] for text in term) for term in terms}
    widest = max(widths, key=lambda term: widths[term], default=())
    if widths.get(widest, 0) > MAX_COLUMNS or sum(widths.values()) * n_rows > MAX_ENTRIES:
        raise DesignError(
            f"The term {term_text(widest)} would make up to {widths[widest]:,} columns of {n_rows:,} rows: "
            "more than the memory should hold.",
            hint="Use a factor of so many levels as a grouping: (1 | factor).",
            argument="formula",
        )


def _n_levels(factor: Expression, values: Values) -> int:
    keys = variables_of(factor)
    levels = [len(values[key].categories) for key in keys if isinstance(values[key], pd.Categorical)]
    return max(levels, default=1)


def is_plain(factor: Expression, values: Values) -> bool:
    """Whether the factor is one column of numbers."""
    if isinstance(factor, Name):
        return not isinstance(values[to_text(factor)], pd.Categorical)
    return isinstance(factor, Call) and factor.function not in (*EXPANDING, "C")


def _is_treatment(factor: Expression) -> bool:
    """Whether the levels of a factor are compared with a reference level."""
    if isinstance(factor, Name):
        return True
    assert isinstance(factor, Call)
    contrasts = [value for _, value in factor.arguments[1:] if isinstance(value, Call)]
    return factor.function == "C" and all(contrast.function == "contr.treatment" for contrast in contrasts)


def _is_hierarchical(terms: tuple[Term, ...], intercept: bool, coded: set[str]) -> bool:
    """Whether a term without any one factor with levels is a term of the model: then one level of each is left out."""
    present = {frozenset(term) for term in terms} | ({frozenset[str]()} if intercept else set())
    return all(frozenset(term) - {text} in present for term in terms for text in term if text in coded)


def _direct_basis(
    terms: tuple[Term, ...],
    intercept: bool,
    factors: Mapping[str, Expression],
    variables: tuple[str, ...],
    values: Values,
    n_rows: int,
) -> tuple[Basis, list[Floats]]:
    """Products of columns of numbers and of levels compared with a reference: by far the most models."""
    codings = {text: _coding(factor, values) for text, factor in factors.items()}
    products = [list(product(*(range(len(codings[text].names)) for text in reversed(term)))) for term in terms]
    names, assign = [INTERCEPT] * intercept, [-1] * intercept
    for place, (term, chosen) in enumerate(zip(terms, products, strict=True)):
        for places in chosen:
            names.append(":".join(codings[text].names[k] for text, k in zip(term, reversed(places), strict=True)))
            assign.append(place)
    build = _Products(intercept, codings, terms, products)
    return Basis(tuple(names), tuple(assign), terms, variables, build), build(values, n_rows)


@dataclass(frozen=True, slots=True)
class _Products:
    """Makes the columns: for each term the products of these places of its factors' columns, the last factor first."""

    intercept: bool
    codings: Mapping[str, _Coding]
    terms: tuple[Term, ...]
    places: Sequence[Sequence[tuple[int, ...]]]

    def __call__(self, values: Values, n_rows: int) -> list[Floats]:
        columns = {text: coding.columns(values) for text, coding in self.codings.items()}
        found = [np.broadcast_to(1.0, n_rows)] * self.intercept
        for term, chosen in zip(self.terms, self.places, strict=True):
            for places in chosen:
                parts = [columns[text][k] for text, k in zip(term, reversed(places), strict=True)]
                column = reduce(np.multiply, parts)
                found.append(column if np.ndim(column) else np.broadcast_to(column, n_rows))
        return found


@dataclass(frozen=True, slots=True)
class _Coding:
    """The columns of one factor: its numbers, or one column for each of the codes `others`, all but the reference's."""

    names: tuple[str, ...]
    factor: Expression
    others: tuple[int, ...] | None = None

    def columns(self, values: Values) -> list[Floats]:
        if self.others is None:
            return [evaluate_finite(self.factor, values)]
        codes = np.asarray(values[variables_of(self.factor)[0]].codes)
        return [(codes == k).astype(np.float64) for k in self.others]


def _coding(factor: Expression, values: Values) -> _Coding:
    text = to_text(factor, name=column_text)
    if is_plain(factor, values):
        return _Coding((text,), factor)
    key = variables_of(factor)[0]
    levels = [str(level) for level in values[key].categories]
    reference = _reference(factor, values)
    others = tuple(k for k in range(len(levels)) if k != reference)
    return _Coding(tuple(f"{text}[T.{levels[k]}]" for k in others), factor, others)


def _reference(factor: Expression, values: Values) -> int:
    """The place of the reference level: the first, or the one that ``contr.treatment("level")`` names."""
    if not isinstance(factor, Call):
        return 0
    named = [argument for _, argument in factor.arguments[1:] if isinstance(argument, Call) and argument.arguments]
    if not named:
        return 0
    _contrast_code(named[0], factor, values)  # an unknown level is told here
    levels = [str(level) for level in values[variables_of(factor)[0]].categories]
    return levels.index(getattr(named[0].arguments[0][1], "text", ""))


def evaluate_finite(factor: Expression, values: Values) -> Floats:
    """The factor's values, all finite (variables are).

    Raises
    ------
    DesignError
        If a value is not: the logarithm of 0, say.
    """
    result = evaluate(factor, values)
    if not isinstance(factor, Name) and not all_finite(result):
        raise DesignError(
            f"{to_text(factor)} is not a finite number in {int((~np.isfinite(result)).sum()):,} rows.",
            hint="Check for zeros and negative values under log() and sqrt(), and for division by zero.",
            argument="formula",
        )
    return result


def _coded_basis(
    terms: tuple[Term, ...],
    intercept: bool,
    factors: Mapping[str, Expression],
    variables: tuple[str, ...],
    values: Values,
    n_rows: int,
) -> tuple[Basis, list[Floats]]:
    aliases = _Aliases(factors, values)
    formula = SimpleFormula(
        ([_Term([_Factor("1", eval_method="literal")])] if intercept else [])
        + [_Term([aliases.factor(text) for text in term]) for term in terms],
        _ordering="none",
    )
    first = _model_matrix(formula, aliases, values, n_rows)
    learned = first.model_spec
    build = _Learned(learned, aliases)
    indices = list(learned.term_indices.values())[int(intercept) :]
    assign = np.full(len(learned.column_names), -1)
    for place, columns in enumerate(indices):
        assign[columns] = place
    names = tuple(aliases.restored(name) for name in learned.column_names)
    return Basis(names, tuple(int(place) for place in assign), terms, variables, build), _columns(first)


@dataclass(frozen=True, slots=True)
class _Learned:
    """Makes the columns by formulaic's record of what it has learned."""

    learned: Any
    aliases: _Aliases

    def __call__(self, values: Values, n_rows: int) -> list[Floats]:
        return _columns(_model_matrix(self.learned, self.aliases, values, n_rows))


def _columns(matrix: Any) -> list[Floats]:
    return list(np.ascontiguousarray(np.asarray(matrix, dtype=np.float64).T))


def _model_matrix(formula: Any, aliases: _Aliases, values: Values, n_rows: int) -> Any:
    frame = aliases.frame(values, n_rows)
    try:
        return formula.get_model_matrix(frame, output="numpy", na_action="ignore")
    except (FormulaicError, ValueError, KeyError, TypeError, IndexError, np.linalg.LinAlgError) as error:
        raise DesignError(
            f"The model's columns cannot be made: {aliases.restored(str(error))}",
            hint="Check the arguments of poly(), bs() and cr(); new rows must lie within the range of the old ones.",
            argument="formula",
        ) from error


class _Aliases:
    """Made-up column names for formulaic: for each factor of plain numbers, column of levels, spline's x."""

    def __init__(self, factors: Mapping[str, Expression], values: Values) -> None:
        self.factors = factors
        self.is_plain = {text: is_plain(factor, values) for text, factor in factors.items()}
        self.stem = self._free_stem(values)
        self.names: dict[str, str] = {}
        self.codes = {text: self._code(text, factor, values) for text, factor in factors.items()}

    def _free_stem(self, values: Values) -> str:
        """A stem that no level and no factor's text contains, so that it can be told apart in formulaic's names."""
        stem = "mlm_"
        levels = [
            str(level) for value in values.values() if isinstance(value, pd.Categorical) for level in value.categories
        ]
        while any(stem in text for text in (*levels, *self.factors)):
            stem += "_"
        return stem

    def _alias(self, key: str) -> str:
        return self.names.setdefault(key, f"{self.stem}{len(self.names)}x")

    def _code(self, text: str, factor: Expression, values: Values) -> str:
        """What formulaic is to evaluate."""
        if self.is_plain[text] or isinstance(factor, Name):
            return self._alias(text)
        assert isinstance(factor, Call)
        if factor.function == "C":
            column = self._alias(f"C({to_text(factor.arguments[0][1])})")
            contrast = [_contrast_code(argument, factor, values) for _, argument in factor.arguments[1:]]
            return f"C({', '.join([column, *contrast])})"
        evaluate_finite(factor.arguments[0][1], values)  # text has no polynomial
        inner = self._alias(to_text(factor.arguments[0][1]))
        settings = [(key, to_text(value)) for key, value in factor.arguments[1:]]
        return (
            f"{factor.function}({', '.join([inner, *(f'{key}={value}' if key else value for key, value in settings)])})"
        )

    def factor(self, text: str) -> _Factor:
        code = self.codes[text]
        return _Factor(code, eval_method="lookup" if code in self.names.values() else "python")

    def frame(self, values: Values, n_rows: int) -> pd.DataFrame:
        """The variables under their aliases."""
        columns = {alias: self._values(key, values) for key, alias in self.names.items()}
        return pd.DataFrame(columns, index=pd.RangeIndex(n_rows))

    def _values(self, key: str, values: Values) -> Any:
        if key in values and isinstance(values[key], pd.Categorical):
            return values[key]
        return evaluate_finite(parse_factor(key), values)

    def restored(self, name: str) -> str:
        """A column name, or a message, of formulaic's with the user's names in it."""
        for text, code in sorted(self.codes.items(), key=lambda item: -len(item[1])):
            name = name.replace(code, to_text(self.factors[text], name=column_text))
        for key, alias in self.names.items():
            name = name.replace(alias, to_text(parse_factor(key), name=column_text))
        return name


def _contrast_code(argument: Expression, factor: Call, values: Values) -> str:
    assert isinstance(argument, Call)
    if not argument.arguments:
        return argument.function
    level = getattr(argument.arguments[0][1], "text", "")
    column = columns_of(factor)[0]
    levels = [str(known) for known in values[variables_of(factor)[0]].categories]
    if level not in levels:
        near = closest(level, levels)
        raise DesignError(
            f"Column “{column}” has no level “{level}” that could be the reference.",
            hint=f"Closest: {', '.join(near)}." if near else f"Its levels: {', '.join(levels[:12])}.",
            argument="formula",
        )
    return f"{argument.function}({level!r})"
