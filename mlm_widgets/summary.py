"""A fitted model as text and as HTML: what R's `summary` prints, in words that need no manual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

__all__ = ["Section", "Summary", "number", "p_value"]


def number(value: float, digits: int = 3) -> str:
    """A number to `digits` decimals, with a true minus; very large and very small ones in powers of ten."""
    if value is None or np.isnan(value):
        return ""
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits}e}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−")


def p_value(value: float) -> str:
    """`< .001`, or three decimals without the leading zero."""
    if np.isnan(value):
        return ""
    return "< .001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a summary: title, head and rows of text; the first `n_text` columns are words, the others numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_text: int = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """A model's summary; `str()` gives text, a notebook shows the table."""

    title: str
    formula: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    notes: Sequence[str]

    def __str__(self) -> str:
        facts = [f"{name}: {value}" for name, value in self.facts]
        parts = [self.title, self.formula, "", *_wrapped(facts)]
        for section in self.sections:
            parts += ["", section.title, *_text_table(section)]
        if self.notes:
            parts += ["", *(f"• {note}" for note in self.notes)]
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        facts = "".join(f"<span><b>{escape(value)}</b> {escape(name)}</span>" for name, value in self.facts)
        tables = "".join(_html_table(section) for section in self.sections)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        head = f"<h4>{escape(self.title)}</h4><code>{escape(self.formula)}</code><p>{facts}</p>"
        body = f"{head}{tables}{f'<ul>{notes}</ul>' if notes else ''}"
        return f'<div class="mlm-summary"><style>{_STYLE}</style>{body}</div>'


_STYLE = (
    ".mlm-summary{font-variant-numeric:tabular-nums;max-width:760px}.mlm-summary h4{margin:0 0 4px}"
    ".mlm-summary p span{display:inline-block;margin-right:16px}"
    ".mlm-summary table{border-collapse:collapse;margin:8px 0 16px}"
    ".mlm-summary caption{text-align:left;font-weight:600;padding:4px 0;caption-side:top}"
    ".mlm-summary th,.mlm-summary td{padding:4px 10px;text-align:right;border-bottom:1px solid #8885;background:none}"
    ".mlm-summary table tr .word.word{text-align:left;padding-left:0}"  # a notebook's own rule is strong too
)


def _wrapped(facts: list[str], width: int = 88) -> list[str]:
    lines = [""]
    for fact in facts:
        if lines[-1] and len(lines[-1]) + len(fact) + 3 > width:
            lines.append("")
        lines[-1] += ("   " if lines[-1] else "") + fact
    return lines


def _text_table(section: Section) -> list[str]:
    columns = list(zip(section.head, *section.rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < section.n_text else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return ("  " + "  ".join(padded)).rstrip()

    rule = "  " + "─" * (sum(widths) + 2 * (len(widths) - 1))
    return [line(section.head), rule, *(line(row) for row in section.rows)]


def _html_table(section: Section) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        words = [' class="word"' if place < section.n_text else "" for place in range(len(row))]
        return "".join(f"<{tag}{word}>{escape(cell)}</{tag}>" for cell, word in zip(row, words, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in section.rows)
    head = f"<caption>{escape(section.title)}</caption><thead><tr>{cells(section.head, 'th')}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"
