"""Hypotheses on the fixed coefficients, as people write them: ``"ses = 0"``, ``"a - b = 0"``, ``"a = b = 0, c = 1"``.

The texts are read by a grammar of their own: coefficients by name, numbers, + - * / and brackets, = and commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import OptionError, closest
from mlm_widgets.fitter import Fit

__all__ = ["Hypothesis", "read_hypothesis"]

Floats = npt.NDArray[np.float64]

MAX_LENGTH = 20_000  # of a text: far above any real hypothesis
MAX_DEPTH = 50  # of brackets
NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
WORD = re.compile(r"\w")
CONSISTENT = 1e-8  # relative size of a contradiction between rows that depend on each other


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """L beta = rhs.

    Attributes
    ----------
    labels : tuple of str
        Of the rows: "a - b = 0".
    L : ndarray (k, p)
    rhs : ndarray (k,)
    """

    labels: tuple[str, ...]
    L: Floats
    rhs: Floats


def read_hypothesis(fit: Fit, given: Any) -> Hypothesis:
    """The hypothesis that a text, a dict of weights by coefficient, a list of these, or a matrix over them stands for.

    Raises
    ------
    OptionError
        If it is not understood, names what is no coefficient, says nothing, or contradicts itself.
    """
    rows: list[tuple[Floats, float]] = []
    if isinstance(given, (str, Mapping)):
        rows = _rows_of(fit, given)
    elif isinstance(given, Sequence) and any(isinstance(part, (str, Mapping)) for part in given):
        rows = [row for part in given for row in _rows_of(fit, part)]
    else:
        rows = [(row, 0.0) for row in _matrix(fit, given)]
    L, rhs = np.array([row for row, _ in rows]), np.array([value for _, value in rows])
    if not rows or not np.abs(L).sum(axis=1).all():
        raise OptionError(
            "`L` holds a row without any coefficient.", hint='Write for instance "a - b = 0".', argument="L"
        )
    _check_consistent(L, rhs)
    labels = tuple(_label(fit.names, row, value) for row, value in rows)
    return Hypothesis(labels, L, rhs)


def _rows_of(fit: Fit, given: Any) -> list[tuple[Floats, float]]:
    if isinstance(given, str):
        return _Reader(fit, given).rows()
    if isinstance(given, Mapping):
        row = np.zeros(len(fit.names))
        for name, weight in given.items():
            row[_place(fit, str(name))] += _number(weight)
        return [(row, 0.0)]
    raise OptionError(
        f"`L` mixes texts or dicts with {type(given).__name__}.", hint="Give a list of texts.", argument="L"
    )


def _number(weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, (int, float, np.integer, np.floating)):
        raise OptionError(f"A weight in `L` must be a number, not {weight!r}.", argument="L")
    if not np.isfinite(weight):
        raise OptionError(f"A weight in `L` must be finite, not {weight!r}.", argument="L")
    return float(weight)


def _place(fit: Fit, name: str) -> int:
    name = "Intercept" if name == "(Intercept)" else name
    if name in fit.names:
        return fit.names.index(name)
    if name in fit.dropped:
        raise OptionError(
            f"The coefficient “{name}” was left out of the model: it is a linear combination of those before it.",
            hint="Nothing can be tested of it.",
            argument="L",
        )
    near = closest(name, fit.names)
    raise OptionError(
        f"The model has no coefficient “{name}”.",
        hint=f"Closest: {', '.join(near)}." if near else f"It has: {', '.join(fit.names[:12])}.",
        argument="L",
    )


def _matrix(fit: Fit, given: Any) -> Floats:
    p = len(fit.names)
    try:
        L = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        L = np.empty(0)
    L = L[None] if L.ndim == 1 else L
    if L.ndim != 2 or L.shape[1] != p or not np.isfinite(L).all():
        raise OptionError(
            f"`L` must be a text, a dict, a list of these, or a matrix of finite numbers with {p} columns, one for "
            "each coefficient.",
            hint=f"The coefficients are {', '.join(fit.names[:12])}.",
            argument="L",
        )
    named = given.columns if isinstance(given, pd.DataFrame) else given.index if isinstance(given, pd.Series) else ()
    columns = [name for name in named if isinstance(name, str)]
    if len(columns) == p:
        ordered = np.zeros_like(L)
        for k, name in enumerate(columns):
            ordered[:, _place(fit, name)] += L[:, k]
        return ordered
    return L


def _check_consistent(L: Floats, rhs: Floats) -> None:
    scaled = L / np.linalg.norm(L, axis=1, keepdims=True)
    target = rhs / np.linalg.norm(L, axis=1)
    left = scaled @ np.linalg.lstsq(scaled, target, rcond=None)[0] - target
    if np.abs(left).max() > CONSISTENT * max(np.abs(target).max(), 1e-300):
        raise OptionError("The rows of `L` contradict each other: no coefficients satisfy them all.", argument="L")


def _label(names: Sequence[str], row: Floats, value: float) -> str:
    parts = []
    for name, weight in zip(names, row.tolist(), strict=True):
        if weight != 0.0:
            size = "" if abs(weight) == 1.0 else f"{abs(weight):.6g} * "
            parts.append(f"{'-' if weight < 0 else '+'} {size}{name}")
    text = " ".join(parts)
    text = text[2:] if text.startswith("+ ") else "-" + text[2:]
    return f"{text} = {value:.6g}"


Linear = tuple[Floats, float]
"""Weights of the coefficients, and a number."""


class _Reader:
    """Reads one text by recursive descent; every value is linear in the coefficients."""

    def __init__(self, fit: Fit, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise OptionError(f"`L` is too long: at most {MAX_LENGTH:,} characters are read.", argument="L")
        self.fit, self.text, self.place, self.depth = fit, text, 0, 0
        self.names = sorted([*fit.names, *fit.dropped, "(Intercept)"], key=len, reverse=True)

    def rows(self) -> list[Linear]:
        """The rows of all equations: weights and the right side."""
        found: list[Linear] = []
        while True:
            found += self._equation()
            if not self._took(","):
                break
        if self._rest():
            raise self._error("is not understood here")
        return found

    def _equation(self) -> list[Linear]:
        sides = [self._sum()]
        while self._took("="):
            sides.append(self._sum())
        if len(sides) == 1:
            sides.append((np.zeros(len(self.fit.names)), 0.0))
        last = sides[-1]
        return [(row - last[0], last[1] - number) for row, number in sides[:-1]]

    def _sum(self) -> Linear:
        row, number = self._product()
        while sign := self._took("+", "-"):
            other, value = self._product()
            row, number = (row + other, number + value) if sign == "+" else (row - other, number - value)
        return row, number

    def _product(self) -> Linear:
        row, number = self._factor()
        while operator := self._took("*", "/"):
            start = self.place
            other, value = self._factor()
            if operator == "/" and (other.any() or value == 0.0):
                raise self._error("is no number to divide by", start)
            if other.any() and row.any():
                raise self._error("makes a product of coefficients: hypotheses are linear in them", start)
            if operator == "/":
                row, number = row / value, number / value
            else:
                row, number = row * value + other * number, number * value
        return row, number

    def _factor(self) -> Linear:
        if sign := self._took("+", "-"):
            row, number = self._nested(self._factor)
            return (row, number) if sign == "+" else (-row, -number)
        self._rest()
        name = self._name()
        if name is not None:
            row = np.zeros(len(self.fit.names))
            row[_place(self.fit, name)] = 1.0
            return row, 0.0
        if self._took("("):
            found = self._nested(self._sum)
            if not self._took(")"):
                raise self._error("stands where a bracket should close")
            return found
        match = NUMBER.match(self.text, self.place)
        if match is None:
            raise self._error("is no coefficient and no number")
        self.place = match.end()
        return np.zeros(len(self.fit.names)), float(match.group())

    def _nested(self, read: Any) -> Linear:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error("is nested too deeply")
        found: Linear = read()
        self.depth -= 1
        return found

    def _name(self) -> str | None:
        """The longest coefficient that stands here, bare or between backticks; a name does not end within a word."""
        quote = "`" if self.text.startswith("`", self.place) else ""
        for name in self.names:
            for shown in {quote + name + quote, name}:
                end = self.place + len(shown)
                is_whole = not (WORD.match(shown[-1:]) and WORD.match(self.text, end))
                if self.text.startswith(shown, self.place) and is_whole:
                    self.place = end
                    return name
        return None

    def _rest(self) -> str:
        """What is left, after spaces."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.text[self.place :]

    def _took(self, *signs: str) -> str:
        """The sign that stands here, and is passed; "" if none of them does."""
        rest = self._rest()
        for sign in signs:
            if rest.startswith(sign):
                self.place += len(sign)
                if sign == "=" and rest.startswith("=="):
                    self.place += 1
                return sign
        return ""

    def _error(self, what: str, start: int | None = None) -> OptionError:
        self.place = self.place if start is None else start
        rest = self._rest()
        word = re.split(r"[\s=,]", rest, maxsplit=1)[0] or rest[:1]
        near = closest(word, self.fit.names)
        return OptionError(
            f"In {self.text!r} “{word}” {what}." if word else f"{self.text!r} ends too early.",
            hint=f"Closest coefficients: {', '.join(near)}." if near else f"It has: {', '.join(self.fit.names[:12])}.",
            argument="L",
        )
