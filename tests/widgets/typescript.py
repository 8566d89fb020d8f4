"""Checks JSON against the interfaces of js/src/model/payload.ts: each field there, of its type, and none besides."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "js" / "src" / "model" / "payload.ts"
TOKEN = re.compile(r'"[^"]*"|\w+|[{}\[\]|:;?,<>()=]')


@cache
def interfaces() -> dict[str, Any]:
    """Types of the file by name; a type is a tuple that begins with its kind."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", SOURCE.read_text(), flags=re.DOTALL)
    found: dict[str, Any] = {}
    for match in re.finditer(r"export (?:interface (\w+) |type (\w+) = )", text):
        found[match[1] or match[2]] = _Reader(TOKEN.findall(text[match.end() :])).union()
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def take(self, text: str) -> bool:
        if self.tokens[:1] != [text]:
            return False
        self.tokens.pop(0)
        return True

    def need(self, text: str) -> None:
        assert self.take(text), (text, self.tokens[:8])

    def union(self) -> Any:
        options = [self.postfix()]
        while self.take("|"):
            options.append(self.postfix())
        return options[0] if len(options) == 1 else ("union", options)

    def postfix(self) -> Any:
        found = self.atom()
        while self.tokens[:2] == ["[", "]"]:
            del self.tokens[:2]
            found = ("array", found)
        return found

    def atom(self) -> Any:
        token = self.tokens.pop(0)
        if token == "{":
            return self.fields()
        if token == "(":
            inner = self.union()
            self.need(")")
            return inner
        if token == "[":
            items = [self.union()]
            while self.take(","):
                items.append(self.union())
            self.need("]")
            return ("tuple", items)
        if token == "Record":
            for text in ("<", "string", ","):
                self.need(text)
            value = self.union()
            self.need(">")
            return ("record", value)
        return ("literal", token[1:-1]) if token.startswith('"') else ("name", token)

    def fields(self) -> Any:
        found: dict[str, Any] = {}
        optional: set[str] = set()
        while not self.take("}"):
            name = self.tokens.pop(0)
            if self.take("?"):
                optional.add(name)
            self.need(":")
            found[name] = self.union()
            self.take(";")
        return ("object", found, optional)


PRIMITIVES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
    "null": lambda value: value is None,
    "unknown": lambda value: True,
}


def problems(value: Any, kind: Any, place: str = "") -> list[str]:
    """What is wrong with `value`, a JSON value, as one of type `kind`; empty where nothing is."""
    if isinstance(kind, str):
        return problems(value, interfaces()[kind], place or kind)
    match kind:
        case ("name", name) if name in PRIMITIVES:
            return [] if PRIMITIVES[name](value) else [f"{place}: {value!r} is no {name}"]
        case ("name", name):
            return problems(value, interfaces()[name], place)
        case ("literal", text):
            return [] if value == text else [f"{place}: {value!r} is not {text!r}"]
        case ("union", options):
            tried = [problems(value, option, place) for option in options]
            return [] if [] in tried else max(tried, key=lambda found: max(len(text) for text in found))
        case ("array", item):
            items = [item] * len(value) if isinstance(value, list) else [item]
            return _item_problems(value, items, place)
        case ("tuple", items):
            return _item_problems(value, items, place)
        case ("record", item):
            fields = dict.fromkeys(value, item) if isinstance(value, dict) else {}
            return _field_problems(value, fields, set(), place)
        case ("object", fields, optional):
            return _field_problems(value, fields, optional, place)
    raise AssertionError(kind)


def _item_problems(value: Any, items: list[Any], place: str) -> list[str]:
    if not isinstance(value, list) or len(value) != len(items):
        return [f"{place}: {value!r} is no list of {len(items)}"]
    pairs = enumerate(zip(value, items, strict=True))
    return [text for i, (own, item) in pairs for text in problems(own, item, f"{place}[{i}]")]


def _field_problems(value: Any, fields: dict[str, Any], optional: set[str], place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no object"]
    found = [f"{place}.{name}: missing" for name in fields if name not in value and name not in optional]
    found += [f"{place}.{name}: not in the interface" for name in value if name not in fields]
    for name, own in value.items():
        if name in fields:
            found += problems(own, fields[name], f"{place}.{name}")
    return found
