"""The expressions that may stand in a formula, as trees: column names, arithmetic, and a short list of functions.

Formula text never becomes code. It is parsed into these nodes, and only what `FUNCTIONS` names is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlm_widgets.formula.lexer import quote_name, quote_text

__all__ = [
    "CENTRING",
    "CONTRASTS",
    "FUNCTIONS",
    "MATH",
    "NUMERIC",
    "SIGNATURES",
    "Call",
    "Expression",
    "Listed",
    "Name",
    "Number",
    "Operation",
    "Signature",
    "Text",
    "columns_of",
    "to_text",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted word: a level, as in ``contr.treatment("Public")``."""

    text: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of numbers: the knots of a spline."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """Arithmetic; `left` is None for a sign in front. `a:b` (operator ":") names a grouping by two columns."""

    operator: str
    left: Expression | None
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS` or a contrast of `CONTRASTS` with its arguments: pairs of keyword (or "") and value."""

    function: str
    arguments: tuple[tuple[str, Expression], ...]


Expression = Name | Number | Text | Listed | Operation | Call


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes: how many arguments by place, which keywords, and a sentence for whoever gets it wrong."""

    least: int
    most: int
    keywords: tuple[str, ...]
    usage: str


MATH = ("log", "log2", "log10", "log1p", "sqrt", "exp", "abs")
CENTRING = ("within", "between")
CONTRASTS = ("contr.treatment", "contr.sum", "contr.helmert", "contr.poly")
FUNCTIONS: dict[str, Signature] = {
    **{name: Signature(1, 1, (), f"{name}(x)") for name in MATH},
    "I": Signature(1, 1, (), "I(x**2)"),
    "poly": Signature(1, 2, ("degree", "raw"), "poly(x, 2)"),
    "bs": Signature(1, 1, ("df", "degree", "knots", "include_intercept"), "bs(x, df=5)"),
    "cr": Signature(1, 1, ("df", "knots"), "cr(x, df=5)"),
    "center": Signature(1, 1, (), "center(x)"),
    "scale": Signature(1, 1, (), "scale(x)"),
    "C": Signature(1, 2, (), 'C(x, contr.treatment("level"))'),
    "within": Signature(2, 2, (), "within(x, group)"),
    "between": Signature(2, 2, (), "between(x, group)"),
}
SIGNATURES = FUNCTIONS | {
    "cbind": Signature(2, 2, (), "cbind(successes, failures)"),  # a whole outcome
    "offset": Signature(1, 1, (), "offset(log(exposure))"),  # a term of the fixed part
}
NUMERIC = (*MATH, "I")
"""What an outcome and an offset may be made with: functions that learn nothing from the data."""


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts."""
    yield expression
    if isinstance(expression, Operation):
        if expression.left is not None:
            yield from walk(expression.left)
        yield from walk(expression.right)
    elif isinstance(expression, Call):
        for _, argument in expression.arguments:
            yield from walk(argument)


def columns_of(expression: Expression) -> list[str]:
    """The columns that `expression` uses, each once, in order."""
    return list(dict.fromkeys(part.name for part in walk(expression) if isinstance(part, Name)))


def to_text(expression: Expression, name: Callable[[str], str] = quote_name) -> str:
    """`expression` in the one way that we write it; `name` turns a column into text."""
    match expression:
        case Name(column):
            return name(column)
        case Number(text):
            return text
        case Text(text):
            return quote_text(text)
        case Listed(items):
            return "[" + ", ".join(to_text(item, name) for item in items) + "]"
        case Call(function, arguments):
            inside = ", ".join(
                f"{keyword}={to_text(value, name)}" if keyword else to_text(value, name) for keyword, value in arguments
            )
            return function if function in CONTRASTS and not arguments else f"{function}({inside})"
        case Operation(operator, None, right):
            return f"{operator}{_grouped(right, name)}"
        case Operation(":", left, right) if left is not None:
            return f"{to_text(left, name)}:{to_text(right, name)}"
        case Operation(operator, left, right) if left is not None:
            space = "" if operator == "**" else " "
            return f"{_grouped(left, name)}{space}{operator}{space}{_grouped(right, name)}"
    raise AssertionError(expression)


def _grouped(expression: Expression, name: Callable[[str], str]) -> str:
    text = to_text(expression, name)
    return f"({text})" if isinstance(expression, Operation) else text
