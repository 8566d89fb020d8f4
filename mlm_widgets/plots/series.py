"""Lines of a predictions chart: what each is called, its colour, dash and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlm_widgets.plots.digits import significant
from mlm_widgets.plots.theme import Spec, Tokens

__all__ = ["MOST_LINES", "Values", "ink_of", "label_of", "shapes", "styles"]

MOST_LINES = 4

_CATEGORIES = ("accent", "pick", "category3", "category4")
_ORDERED = ("ordered_low", "accent", "ordered_high")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
_ORDERED_DASHES = ([2, 2], [6, 3], [1, 0])
_SHAPES = ("circle", "triangle-up", "square", "diamond")
_LABELS = {
    "sd": ("Low {name} ({value})", "Middle ({value})", "High {name} ({value})"),
    "quartiles": ("Lower quartile of {name} ({value})", "Median ({value})", "Upper quartile of {name} ({value})"),
}


@dataclass(frozen=True, slots=True)
class Values:
    """The values that one term takes in the chart; ``how`` is "sd", "quartiles", "given" or, for a factor, "levels"."""

    name: str
    values: tuple[object, ...]
    how: str

    @property
    def is_number(self) -> bool:
        """A number, not a factor."""
        return self.how != "levels"

    @property
    def is_ordered(self) -> bool:
        """Low, middle and high."""
        return self.is_number and len(self.values) == 3


def label_of(term: Values, i: int, *, with_name: bool = False) -> str:
    """What a value is called: "Low ses (−0.78)", "ses 2"; a level by itself, or "sector: Public"."""
    value = term.values[i]
    if not term.is_number:
        return f"{term.name}: {value}" if with_name else str(value)
    text = significant(float(str(value)))
    pattern = _LABELS[term.how][i] if term.how in _LABELS and term.is_ordered else "{name} {value}"
    return pattern.replace("{value}", text).replace("{name}", term.name)


def styles(term: Values | None) -> list[tuple[str, list[int]]]:
    """Colour token and dash of each line."""
    if term is None:
        return [(_CATEGORIES[0], _DASHES[0])]
    if term.is_ordered:
        return list(zip(_ORDERED, _ORDERED_DASHES, strict=True))
    n = len(term.values)
    return list(zip(_CATEGORIES[:n], _DASHES[:n], strict=True))


def shapes(n: int) -> list[str]:
    """Shapes of points, in the order of the lines."""
    return list(_SHAPES[:n])


def ink_of(token: str, colours: Tokens) -> str:
    """The colour of a text that names a line: as the line where that can be read, else ink."""
    return colours[{"accent": "accent", "pick": "pick_text"}.get(token, "ink")]


def colour_scale(labels: Sequence[str], tokens: Sequence[str], colours: Tokens) -> Spec:
    """From a line's name to its colour."""
    return {"domain": list(labels), "range": [colours[token] for token in tokens]}
