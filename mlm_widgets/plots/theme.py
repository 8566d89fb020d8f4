"""The look of all charts: one table of colours (``theme.json``) and the Vega-Lite configuration made of it.

The browser reads the same table: it changes a chart from light to dark by swapping each colour of the light theme
that it finds in a specification by that of the same name in the dark one. So every colour of the light theme is there
once, and a chart may use no other colour.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from mlm_widgets.errors import OptionError, closest

__all__ = ["FONT", "MAX_WIDTH", "Spec", "Tokens", "config", "tokens"]

Spec: TypeAlias = dict[str, Any]
"""A part of a Vega-Lite specification."""

Tokens: TypeAlias = dict[str, str]
"""Name of a colour -> its hex value."""

FONT = "Helvetica Neue, Arial, Liberation Sans, sans-serif"
MAX_WIDTH = 700
"""Nothing is wider, in px: what fits beside a notebook's margins."""


@cache
def _themes() -> dict[str, Tokens]:
    path = Path(__file__).with_name("theme.json")
    themes: dict[str, Tokens] = json.loads(path.read_text(encoding="utf-8"))
    return themes


def tokens(theme: str) -> Tokens:
    """The colours of a theme, ``"light"`` or ``"dark"``."""
    themes = _themes()
    if theme not in themes:
        nearest = closest(str(theme), themes)
        allowed = " or ".join(f'"{name}"' for name in themes)
        hint = f'Use "{nearest[0]}".' if nearest else None
        raise OptionError(f"theme must be {allowed}, not {theme!r}.", hint=hint, argument="theme")
    return dict(themes[theme])


def config(colours: Tokens) -> Spec:
    """The Vega-Lite configuration that every chart shares."""
    return {
        "background": colours["background"],
        "font": FONT,
        "padding": {"left": 8, "top": 8, "right": 12, "bottom": 8},
        "view": {"stroke": None},
        # Vega-Lite writes axis titles, which come from the data, unescaped into the expression that describes a mark.
        "mark": {"aria": False},
        "title": _title(colours),
        "axis": _axis(colours),
        "axisX": {"domain": True, "domainWidth": 1, "ticks": True, "tickSize": 4},
        "axisY": {"domain": False, "ticks": False},
        "legend": _legend(colours),
        "concat": {"spacing": 24},
        "text": {"font": FONT, "fontSize": 11, "color": colours["ink"]},
        "line": {"strokeWidth": 2},
    }


def _title(colours: Tokens) -> Spec:
    return {
        "anchor": "start",
        "frame": "bounds",
        "offset": 12,
        "font": FONT,
        "fontSize": 14,
        "fontWeight": 600,
        "lineHeight": 18,
        "color": colours["ink"],
        "subtitleFont": FONT,
        "subtitleFontSize": 12,
        "subtitleFontWeight": 400,
        "subtitleLineHeight": 16,
        "subtitlePadding": 4,
        "subtitleColor": colours["ink2"],
    }


def _axis(colours: Tokens) -> Spec:
    return {
        "domainColor": colours["axis"],
        "tickColor": colours["axis"],
        "gridColor": colours["grid"],
        "grid": False,
        "labelFont": FONT,
        "labelFontSize": 11,
        "labelColor": colours["ink2"],
        "labelPadding": 4,
        "labelLimit": 240,
        "titleFont": FONT,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "titleColor": colours["ink"],
        "titlePadding": 8,
    }


def _legend(colours: Tokens) -> Spec:
    return {
        "orient": "top",
        "direction": "horizontal",
        "offset": 4,
        "columnPadding": 16,
        "symbolSize": 70,
        "labelFont": FONT,
        "labelFontSize": 12,
        "labelColor": colours["ink"],
        "labelLimit": 240,
        "titleFont": FONT,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "titleColor": colours["ink2"],
    }
