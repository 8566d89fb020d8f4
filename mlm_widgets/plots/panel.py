"""What the panels of the caterpillar have in common, whichever way the groups run."""

from __future__ import annotations

from mlm_widgets.plots import lettering
from mlm_widgets.plots.digits import decimals_for
from mlm_widgets.plots.modes import PICKED, GroupModes
from mlm_widgets.plots.theme import Spec, Tokens

__all__ = ["limits", "panel_title", "picked_parameter", "tooltip"]


def panel_title(text: str, below: str, width: float, colours: Tokens, *, offset: int = 6) -> Spec:
    """A panel's title: what it shows, and a count below."""
    return {
        "text": lettering.shorten(text, width, 12, bold=True),
        **({"subtitle": lettering.shorten(below, width, 11)} if below else {}),
        "frame": "group",
        "limit": round(width),
        "anchor": "start",
        "offset": offset,
        "fontSize": 12,
        "lineHeight": 16,
        "subtitleFontSize": 11,
        "subtitleLineHeight": 14,
        "subtitlePadding": 2,
        "color": colours["ink"],
        "subtitleColor": colours["ink2"],
    }


def limits(modes: GroupModes, term: int) -> list[Spec]:
    """Both ends of the interval, from mode and half width; with their exponentials where those are told."""
    ends = {"lo": f"datum.m{term} - datum.h{term}", "hi": f"datum.m{term} + datum.h{term}"}
    if modes.is_ratio:
        ends |= {f"{name}_ratio": f"exp(datum.{name})" for name in (f"m{term}", *ends)}
    return [{"calculate": expression, "as": name} for name, expression in ends.items()]


def tooltip(modes: GroupModes, term: int) -> list[Spec]:
    """Name and numbers; the titles are fixed, since Vega-Lite puts them into an expression."""
    form = ",.3~r" if modes.is_ratio else f",.{decimals_for(modes.reach(term), 3)}f"
    numbers = {f"m{term}": "Estimate", "lo": "Lower", "hi": "Upper"}
    if modes.is_ratio:
        numbers = {f"{field}_ratio": title for field, title in numbers.items()}
    return [
        {"field": "n", "type": "nominal", "title": "Group"},
        *({"field": field, "type": "quantitative", "title": title, "format": form} for field, title in numbers.items()),
        {"field": "rank", "type": "quantitative", "title": "Rank", "format": ",d"},
    ]


def picked_parameter(modes: GroupModes) -> list[Spec]:
    """The selection of groups: a click adds or removes one; it starts with those picked in Python."""
    return [
        {
            "name": PICKED,
            "select": {"type": "point", "fields": ["n"], "on": "click", "toggle": "true", "clear": "dblclick"},
            "value": [{"n": modes.names[i]} for i in modes.picked],
            "views": [f"hit{j}" for j in range(len(modes.terms))],
        }
    ]
