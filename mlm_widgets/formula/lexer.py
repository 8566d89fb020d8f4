"""Formula text -> tokens with their places, so that an error can point at the word that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mlm_widgets.errors import FormulaError

__all__ = ["MAX_LENGTH", "Token", "is_plain_name", "quote_name", "tokenize"]

TokenKind = Literal["name", "number", "text", "operator", "end"]

MAX_LENGTH = 20_000  # far above any real formula; a bound on what a stranger can make us parse

PLAIN_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<quoted>`(?:[^`\\]|\\.)*`)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>\|\||\*\*|%in%|[~+\-*/:^|(),=\[\]%])
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
UNESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a formula; `text` is what it stands for (quotes removed), `start` and `end` its place."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, closed by one of kind "end"."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"The formula is too long: {len(text):,} characters, at most {MAX_LENGTH:,} are read.")
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise _unexpected(text, place)
        if match.lastgroup != "space":
            tokens.append(_token(match))
        place = match.end()
    return [*tokens, Token("end", "", len(text), len(text))]


def _token(match: re.Match[str]) -> Token:
    text, start, end = match.group(), match.start(), match.end()
    if match.lastgroup == "quoted":
        return Token("name", _unescape(text[1:-1]), start, end)
    if match.lastgroup == "text":
        return Token("text", _unescape(text[1:-1]), start, end)
    kind: TokenKind = match.lastgroup  # type: ignore[assignment]
    return Token(kind, text, start, end)


def _unexpected(text: str, place: int) -> FormulaError:
    char = text[place]
    if char in "`\"'":
        return FormulaError(
            f"The quote {char} at character {place + 1} is not closed.", text=text, start=place, end=len(text)
        )
    if char in "–—−":
        return FormulaError(
            f"“{char}” is a dash, not a minus sign.", text=text, start=place, end=place + 1, replacement="-"
        )
    if char == ".":
        return FormulaError(
            "“.” for all columns is not understood.", text=text, start=place, end=place + 1, hint="Name the columns."
        )
    return FormulaError(
        f"“{char}” has no meaning in a formula.",
        text=text,
        start=place,
        end=place + 1,
        hint="A column with an odd name goes between backticks: `my column`.",
    )


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text, flags=re.DOTALL)


def is_plain_name(name: str) -> bool:
    """Whether `name` can stand in a formula without backticks."""
    return PLAIN_NAME.fullmatch(name) is not None and name not in ("TRUE", "FALSE", "True", "False")


def quote_name(name: str) -> str:
    """`name` as a formula writes it: as it is, or between backticks."""
    if is_plain_name(name):
        return name
    return "`" + "".join("\\`" if char == "`" else UNESCAPES.get(char, char) for char in name) + "`"


def quote_text(text: str) -> str:
    """`text` as a quoted word of a formula."""
    return '"' + "".join('\\"' if char == '"' else UNESCAPES.get(char, char) for char in text) + '"'
