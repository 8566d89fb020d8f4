"""Variables: what factors are computed from.

A *variable* is a column as numbers, a column as a factor, or a column transformed by something learned from the data
(``within``, ``between``, ``center``, ``scale``). Each has a key, its text in the formula; a model's matrices are
functions of variables alone, so new rows, and grids of chosen values, go the same way as the data did.

``within(x, g)`` is x minus its mean in group g, ``between(x, g)`` that mean (centring within clusters: Enders &
Tofighi 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import DesignError
from mlm_widgets.formula import Call, Expression, Name, columns_of, quote_name, to_text
from mlm_widgets.formula.expressions import CENTRING, Listed, Number, Operation, Text
from mlm_widgets.frames import Frame, Levels

__all__ = ["Learned", "Rows", "Values", "evaluate", "learn", "variables_of"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Values = Mapping[str, Any]
"""Variables by key: float arrays (n,), or pandas Categoricals of length n."""

LEARNING = (*CENTRING, "center", "scale")
EXPANDING = ("poly", "bs", "cr")

NUMPY: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "abs": np.abs,
    "I": lambda x: x,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": np.power,
}


class Rows:
    """The chosen rows of a frame: its columns as numbers, as factors and as grouping codes."""

    def __init__(self, frame: Frame, rows: npt.NDArray[np.intp] | None = None) -> None:
        self.frame = frame
        self.rows = rows
        self.n_rows = frame.n_rows if rows is None else len(rows)

    def numbers(self, name: str) -> Floats:
        """Column `name` as float64, shape (n,)."""
        values = self.frame.column(name).numbers
        return values if self.rows is None else values[self.rows]

    def codes(self, name: str) -> tuple[Codes, Levels]:
        """Codes into the levels that these rows have, shape (n,), and those levels."""
        codes, levels = self.frame.column(name).encoded
        if self.rows is None:
            return codes, levels
        codes = codes[self.rows]
        used = np.zeros(len(levels) + 1, dtype=bool)
        used[codes] = True  # a missing value, -1, is the last
        used = used[:-1]
        if used.all():
            return codes, levels
        renumbered = np.append(np.cumsum(used) - 1, -1)
        return renumbered[codes], tuple(level for level, is_used in zip(levels, used, strict=True) if is_used)

    def group(self, columns: tuple[str, ...]) -> tuple[Codes, Levels]:
        r"""Codes and levels of the combinations of `columns` that occur; levels are joined by colons.

        A colon that belongs to a level is written ``\:`` then, so that no two combinations have the same text.
        """
        codes, levels = self.codes(columns[0])
        if len(columns) > 1:
            levels = _without_colons(levels)
        for column in columns[1:]:
            inner, inner_levels = self.codes(column)
            inner_levels = _without_colons(inner_levels)
            both = np.where((codes < 0) | (inner < 0), -1, codes * len(inner_levels) + inner)
            pairs, codes = np.unique(both, return_inverse=True)
            has_missing = int(len(pairs) > 0 and pairs[0] < 0)
            codes = codes.astype(np.int64) - has_missing
            width = len(inner_levels)
            levels = tuple(f"{levels[k // width]}:{inner_levels[k % width]}" for k in pairs[has_missing:])
        return codes, levels


def _without_colons(levels: Levels) -> tuple[str, ...]:
    return tuple(level.replace("\\", "\\\\").replace(":", "\\:") for level in levels)


@dataclass(frozen=True, slots=True)
class Learned:
    """A transformation of one expression with what it learned.

    Attributes
    ----------
    key : str
        Its text: ``within(ses, school)``.
    function : str
        ``within``, ``between``, ``center`` or ``scale``.
    inner : Expression
        What is transformed.
    group : tuple of str
        Columns of the grouping, for ``within`` and ``between``.
    means : dict of str to float
        Mean by level of the group.
    centre, spread : float
        Mean and standard deviation, for ``center`` and ``scale``.
    """

    key: str
    function: str
    inner: Expression
    group: tuple[str, ...] = ()
    means: Mapping[str, float] | None = None
    centre: float = 0.0
    spread: float = 1.0

    def apply(self, rows: Rows, values: Values) -> Floats:
        """The transformed values for `rows`.

        Raises
        ------
        DesignError
            If a row is of a group whose mean was not learned.
        """
        if self.means is None:
            return self.transform(values)
        x = evaluate(self.inner, values)
        codes, levels = rows.group(self.group)
        unknown = [level for level in levels if level not in self.means]
        if unknown:
            raise DesignError(
                f"{self.key} is not known for {':'.join(self.group)} “{unknown[0]}”: "
                "the model saw no row of that group, so its mean is not known.",
                hint="Compute the centred column and the group mean in the data, and use these columns in the formula.",
                argument="newdata",
            )
        means = np.array([*(self.means[level] for level in levels), np.nan])[codes]
        return x - means if self.function == "within" else means

    def transform(self, values: Values) -> Floats:
        """The transformed values where no group is needed: ``center`` and ``scale``."""
        assert self.means is None, self.key
        return np.asarray((evaluate(self.inner, values) - self.centre) / self.spread)


def learn(call: Call, rows: Rows, values: Values) -> Learned:
    """Learn what `call` needs from `rows`: group means, or mean and standard deviation."""
    key = to_text(call)
    inner = call.arguments[0][1]
    x = evaluate(inner, values)
    if call.function not in CENTRING:
        spread = float(np.std(x, ddof=1)) if call.function == "scale" else 1.0
        if spread == 0:
            raise DesignError(f"{key} cannot be computed: the values are all the same.", argument="formula")
        return Learned(key, call.function, inner, centre=float(np.mean(x)), spread=spread)
    group = tuple(columns_of(call.arguments[1][1]))
    codes, levels = rows.group(group)
    sums = np.bincount(codes, weights=x - x.mean(), minlength=len(levels))
    means = sums / np.bincount(codes, minlength=len(levels)) + x.mean()
    return Learned(key, call.function, inner, group, dict(zip(levels, means.tolist(), strict=True)))


def variables_of(expression: Expression) -> list[str]:
    """Keys of the variables of `expression`, each once: columns, ``C(x)`` for a column as a factor, learned calls."""
    match expression:
        case Name(name):
            return [quote_name(name)]
        case Call(function, _) if function in LEARNING:
            return [to_text(expression)]
        case Call("C", arguments):
            return [f"C({to_text(arguments[0][1])})"]
        case Call(_, arguments):
            found = [key for _, argument in arguments for key in variables_of(argument)]
        case Operation(_, left, right):
            found = [key for part in (left, right) if part is not None for key in variables_of(part)]
        case _:
            found = []
    return list(dict.fromkeys(found))


def evaluate(expression: Expression, values: Values) -> Floats:
    """Arithmetic and elementwise functions over variables, shape (n,). No code is run: the tree is walked."""
    match expression:
        case Name(name):
            return _numeric(name, values[quote_name(name)])
        case Number(text):
            return np.float64(text)  # type: ignore[return-value]
        case Operation(operator, None, right):
            return -evaluate(right, values)
        case Operation(operator, left, right) if left is not None:
            with np.errstate(all="ignore"):
                return ARITHMETIC[operator](evaluate(left, values), evaluate(right, values))
        case Call(function, arguments) if function in NUMPY:
            with np.errstate(all="ignore"):
                return NUMPY[function](evaluate(arguments[0][1], values))
        case Call(function, _) if function in LEARNING:
            return values[to_text(expression)]
        case Call(function, _):
            raise DesignError(
                f"{function}() cannot stand inside another function or arithmetic.",
                hint="Let it be a term of its own.",
                argument="formula",
            )
        case Text() | Listed():
            pass
    raise AssertionError(expression)


def _numeric(name: str, values: Any) -> Floats:
    if isinstance(values, pd.Categorical):
        raise DesignError(
            f"Column “{name}” holds text or categories: it cannot be used in arithmetic.",
            hint="Use it as a factor by itself, or convert it to numbers.",
            argument="formula",
        )
    return values
