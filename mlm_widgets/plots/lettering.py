"""How wide a text is, and how to make it fit: shortened, in lines, or pushed apart.

Positions of labels are computed in Python, so widths are needed without a browser: those of Helvetica, whose metrics
Arial and Liberation Sans share (Adobe Font Metrics, Helvetica, in thousandths of the font size).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["lines", "plain", "push_apart", "shorten", "width"]

_ADVANCES = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckvxyzs",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~×−±",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…—",
    1015: "@",
}
_ADVANCE = {letter: advance for advance, letters in _ADVANCES.items() for letter in letters}
_BOLD = 1.07  # Helvetica Bold is 0 to 11 % wider, letter by letter


def width(text: str, size: float = 11, *, bold: bool = False) -> float:
    """The width of a text in px at a font size; letters of other scripts are taken as wide ones."""
    thousandths = sum(_ADVANCE.get(letter) or _other_advance(letter) for letter in text)
    return thousandths * size / 1000 * (_BOLD if bold else 1.0)


def _other_advance(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 1000 if unicodedata.east_asian_width(letter) in "WF" else 667


def shorten(text: str, limit: float, size: float = 11, *, bold: bool = False) -> str:
    """The text, or as much of its beginning as `limit` px hold, and an ellipsis.

    >>> shorten("sector", 100)
    'sector'
    >>> shorten("a predictor with a very long name", 100)
    'a predictor with a…'
    """
    if width(text, size, bold=bold) <= limit:
        return text
    room = limit - width("…", size, bold=bold)
    kept = ""
    for letter in text:
        if width(kept + letter, size, bold=bold) > room:
            break
        kept += letter
    return kept.rstrip() + "…"


def lines(text: str, limit: float, size: float = 12, *, at_most: int = 2, bold: bool = False) -> list[str]:
    """The text broken at blanks into lines of at most `limit` px; what does not fit into `at_most` lines is cut."""
    broken = _broken(text, limit, size, at_most, bold=bold)
    if len(broken) == 2 and width(broken[1], size, bold=bold) < 0.2 * limit:  # no word alone on a line
        shorter = _broken(text, 0.75 * limit, size, at_most, bold=bold)
        broken = shorter if width(shorter[-1], size, bold=bold) <= limit else broken
    return [shorten(line, limit, size, bold=bold) for line in broken]


def _broken(text: str, limit: float, size: float, at_most: int, *, bold: bool) -> list[str]:
    broken = [""]
    for word in text.split(" "):
        longer = f"{broken[-1]} {word}" if broken[-1] else word
        if broken[-1] and len(broken) < at_most and width(longer, size, bold=bold) > limit:
            broken.append(word)
        else:
            broken[-1] = longer
    return broken


def plain(text: str) -> str:
    r"""The text as the title of a tooltip's line, which Vega-Lite pastes between quotes into an expression.

    >>> plain('a "b"')
    'a ″b″'
    """
    return " ".join(text.replace("\\", "⧵").replace('"', "″").split())


def push_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to the wanted ones as `gap` between neighbours and the ends allow (in the order given).

    >>> push_apart([10, 12, 50], gap=13, low=0, high=100)
    [4.5, 17.5, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Neighbours that would overlap form a block, centred on the mean of what its members want; blocks that meet merge.
    blocks: list[list[int]] = []
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and _first(blocks[-1], wanted, gap) < _first(blocks[-2], wanted, gap) + gap * len(
            blocks[-2]
        ):
            last = blocks.pop()
            blocks[-1].extend(last)
    placed = [0.0] * len(wanted)
    floor = low
    for block in blocks:
        start = max(_first(block, wanted, gap), floor)
        for step, i in enumerate(block):
            placed[i] = start + gap * step
        floor = start + gap * len(block)
    return _below(placed, order, gap, high)


def _first(block: list[int], wanted: Sequence[float], gap: float) -> float:
    centre = sum(wanted[i] for i in block) / len(block)
    return centre - gap * (len(block) - 1) / 2


def _below(placed: list[float], order: list[int], gap: float, high: float) -> list[float]:
    """Move positions down from `high` where the blocks ran over it."""
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed
