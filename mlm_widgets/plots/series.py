"""Lines of a predictions chart: what each is called, its colour, dash and shape."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mlm_widgets.plots import lettering
from mlm_widgets.plots.digits import decimals_for, significant, without_zeros, written
from mlm_widgets.plots.theme import Tokens

__all__ = ["MOST_LINES", "Values", "ink_of", "label_of", "shapes", "styles"]

MOST_LINES = 4

_NAME_LIMIT = 90  # px, so that the value after a long name is not cut off

_CATEGORIES = ("accent", "pick", "category3", "category4")
_ORDERED = ("ordered_low", "accent", "ordered_high")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
_ORDERED_DASHES = ([2, 2], [6, 3], [1, 0])
_SHAPES = ("circle", "triangle-up", "square", "diamond")
_LABELS = {
    "sd": ("Low {name} ({value})", "Middle ({value})", "High {name} ({value})"),
    "quartiles": ("Lower quartile ({value})", "Median ({value})", "Upper quartile ({value})"),
}


@dataclass(frozen=True, slots=True)
class Values:
    """The values that one term takes in the chart.

    ``how`` is "sd", "quartiles", "range", "given" or, for a factor, "levels"; ``label`` is the term's name for people.
    """

    name: str
    values: tuple[object, ...]
    how: str
    label: str

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
    value, name = term.values[i], lettering.shorten(term.label, _NAME_LIMIT, 11, bold=True)
    if not term.is_number:
        return f"{name}: {value}" if with_name else str(value)
    text = significant(float(str(value)))
    if term.how in _LABELS:  # computed values: as many digits as tell them apart
        gap = min((float(str(b)) - float(str(a)) for a, b in pairwise(term.values)), default=1.0)
        text = without_zeros(written(float(str(value)), decimals_for(gap)))
    pattern = _LABELS[term.how][i] if term.how in _LABELS and term.is_ordered else "{name} {value}"
    label = pattern.replace("{value}", text).replace("{name}", name)
    return f"{name}: {label[0].lower()}{label[1:]}" if with_name and "{name}" not in pattern and i == 0 else label


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


def ink_of(term: Values | None, i: int, colours: Tokens) -> str:
    """The colour of a text that names a line: as the line where that can be read, else ink."""
    if term is not None and term.is_ordered:
        return colours["ink"]
    return colours[{"accent": "accent", "pick": "pick_text"}.get(styles(term)[i][0], "ink")]
