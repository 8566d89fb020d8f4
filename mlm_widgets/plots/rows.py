"""The caterpillar for up to 400 groups: a row a group, panels side by side."""

from __future__ import annotations

from dataclasses import dataclass

from mlm_widgets.plots import lettering
from mlm_widgets.plots.digits import Axis, fitted_axis, labelled_as_ratios
from mlm_widgets.plots.marks import ONCE, at, layer, linear, only_picked, scaled, x_axis
from mlm_widgets.plots.modes import PICKED, GroupModes, group_rows
from mlm_widgets.plots.panel import limits, panel_title, tooltip
from mlm_widgets.plots.theme import Spec, Tokens

__all__ = ["NAMED_UP_TO", "rows_panels", "rows_table"]

NAMED_UP_TO = 40
_SPACING = 24
_NAME_GAP = 8
_NAMES_APART = 13
_PER_LINE = 3  # panels side by side


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in px: of a panel, of a row, of the names at the left, of the gutter for picked names at the right."""

    width: float
    step: float
    names: float
    gutter: float
    is_named: bool
    headroom: float


def _layout(modes: GroupModes, width: float) -> _Layout:
    is_named = modes.n <= NAMED_UP_TO
    beside = _panels_per_line(len(modes.terms))
    widest = max(lettering.width(name, 11) for name in modes.names)
    names = min(widest, 0.22 * width) + _NAME_GAP if is_named else 0.0
    shown = [modes.names[i] for i in modes.picked] or modes.names
    bold = max(lettering.width(name, 11, bold=True) for name in shown)
    gutter = 0.0 if is_named else min(bold, 90.0) + 30
    room = width - 24 - names - _SPACING * (beside - 1)
    step = 18.0 if is_named else min(8.0, max(2.0, 480 / modes.n))
    return _Layout(min(room / beside, 420.0), step, names, gutter, is_named, 0.0 if is_named else 12.0)


def _panels_per_line(n_terms: int) -> int:
    return 2 if n_terms == 4 else min(n_terms, _PER_LINE)


def rows_panels(
    modes: GroupModes, titles: list[tuple[str, str]], axis_titles: list[str], width: float, colours: Tokens
) -> Spec:
    """All panels, at most three side by side."""
    layout = _layout(modes, width)
    beside = _panels_per_line(len(modes.terms))
    panels = [
        _panel(modes, j, titles[j], axis_titles[j], layout, colours, is_first=j % beside == 0)
        for j in range(len(modes.terms))
    ]
    lines: list[Spec] = [
        {"hconcat": panels[i : i + beside], "spacing": _SPACING} for i in range(0, len(panels), beside)
    ]
    return lines[0] if len(lines) == 1 else {"vconcat": lines, "spacing": _SPACING}


def rows_table(modes: GroupModes, width: float) -> list[Spec]:
    """The rows, with the names of the picked pushed apart."""
    layout = _layout(modes, width)
    apart = _NAMES_APART / layout.step
    place = [float(i) for i in range(modes.n)]
    top = modes.n - 1 + layout.headroom / layout.step
    pushed = lettering.push_apart([place[i] for i in modes.picked], apart, 0.0, top)
    for i, where in zip(modes.picked, pushed, strict=True):
        place[i] = where
    return group_rows(modes, place)


def _panel(
    modes: GroupModes,
    term: int,
    title: tuple[str, str],
    axis_title: str,
    layout: _Layout,
    colours: Tokens,
    *,
    is_first: bool,
) -> Spec:
    height = modes.n * layout.step + layout.headroom
    has_gutter = layout.gutter > 0 and term == modes.sort
    inner = layout.width - (layout.gutter if has_gutter else 0.0)
    reach = fitted_axis(-modes.reach(term), modes.reach(term), inner, margin=0.03)
    reach = labelled_as_ratios(reach, len(reach.ticks)) if modes.is_ratio else reach
    high = reach.low + (reach.high - reach.low) * layout.width / inner
    x_scale, y_scale = scaled(reach.low, high), scaled(-0.5, modes.n - 0.5 + layout.headroom / layout.step)
    return {
        "width": round(layout.width),
        "height": round(height),
        "title": panel_title(*title, layout.width, colours),
        "transform": [*limits(modes, term), {"calculate": "datum.r + 1", "as": "rank"}],
        "encoding": {"y": linear("r", scale=y_scale, axis=None)},
        "layer": [
            *(_guides(layout, colours) if layout.is_named else []),
            _intervals(term, 0, layout, colours),
            _zero(reach, x_scale, axis_title, layout, colours),
            _intervals(term, 1, layout, colours),
            *(_points(term, excludes, layout, colours) for excludes in (0, 1)),
            *_picked(term, layout, colours),
            *(_leader(layout, inner, colours) if has_gutter else []),
            *([_names(layout, colours)] if is_first and layout.is_named else []),
            _hit(modes, term, layout, colours, is_first=is_first),
        ],
    }


def _guides(layout: _Layout, colours: Tokens) -> list[Spec]:
    """A dotted line along each row, to lead the eye from the name to the mark."""
    mark = {"type": "rule", "color": colours["muted_fill"], "strokeWidth": 1, "strokeDash": [1, 4]}
    return [layer(mark, {"x": at(0), "x2": at(layout.width)})]


def _zero(reach: Axis, scale: Spec, title: str, layout: _Layout, colours: Tokens) -> Spec:
    """The line of no difference, with the axis: above the grey intervals and below the blue ones."""
    ticks = x_axis(reach, None, grid=not layout.is_named)
    ticks["title"] = lettering.lines(title, layout.width, 12)
    x = {"datum": 0, "type": "quantitative", "scale": scale, "axis": ticks}
    mark = {"type": "rule", "color": colours["ref"], "strokeWidth": 1}
    return layer(mark, {"x": x, "y": at(0), "y2": {"value": "height"}}, data=ONCE)


def _intervals(term: int, excludes: int, layout: _Layout, colours: Tokens) -> Spec:
    grey = colours["ref"] if layout.is_named else colours["muted"]
    mark = {
        "type": "rule",
        "color": colours["accent"] if excludes else grey,
        "strokeWidth": 1.5 if layout.is_named else min(1.2, 0.4 * layout.step),
    }
    return layer(mark, {"x": linear("lo"), "x2": {"field": "hi"}}, where=f"datum.s{term} === {excludes}")


def _points(term: int, excludes: int, layout: _Layout, colours: Tokens) -> Spec:
    mark: Spec = {"type": "point", "filled": True, "opacity": 1, "size": 40 if layout.is_named else 10}
    if excludes:
        mark["color"] = colours["accent"]
    elif layout.is_named:  # hollow, so that the difference does not rest on colour
        mark |= {"filled": False, "fill": colours["background"], "stroke": colours["ref"], "strokeWidth": 1.5}
    else:
        mark["color"] = colours["muted"]
    return layer(mark, {"x": linear(f"m{term}")}, where=f"datum.s{term} === {excludes}")


def _picked(term: int, layout: _Layout, colours: Tokens) -> list[Spec]:
    chosen = only_picked(PICKED)
    line = {"type": "rule", "color": colours["pick"], "strokeWidth": 2.2 if layout.is_named else 2}
    point = {
        "type": "point",
        "filled": True,
        "opacity": 1,
        "color": colours["pick"],
        "size": 55 if layout.is_named else 30,
    }
    return [
        layer(line, {"x": linear("lo"), "x2": {"field": "hi"}}, where=chosen),
        layer(point, {"x": linear(f"m{term}")}, where=chosen),
    ]


def _leader(layout: _Layout, inner: float, colours: Tokens) -> list[Spec]:
    """From the row to the name in the gutter."""
    chosen = only_picked(PICKED)
    line: Spec = {"type": "rule", "color": colours["pick"], "strokeWidth": 0.9}
    bend, end = inner + 6, inner + 16
    text = {
        "type": "text",
        "align": "left",
        "baseline": "middle",
        "fontWeight": 600,
        "color": colours["pick_text"],
        "limit": round(layout.width - end - 4),
    }
    return [
        layer({**line, "strokeDash": [2, 2]}, {"x": linear("hi"), "x2": at(bend)}, where=chosen),
        layer(line, {"x": at(bend), "x2": at(end), "y2": {"field": "q"}}, where=chosen),
        layer(text, {"x": at(end + 4), "y": linear("q"), "text": {"field": "n"}}, where=chosen),
    ]


def _names(layout: _Layout, colours: Tokens) -> Spec:
    mark = {
        "type": "text",
        "align": "right",
        "baseline": "middle",
        "fontSize": 11,
        "limit": round(layout.names - _NAME_GAP + 2),
    }
    colour = {
        "condition": {**only_picked(PICKED), "value": colours["pick_text"]},
        "value": colours["ink2"],
    }
    return layer(mark, {"x": at(-_NAME_GAP), "text": {"field": "n"}, "color": colour})


def _hit(modes: GroupModes, term: int, layout: _Layout, colours: Tokens, *, is_first: bool) -> Spec:
    """Unseen bars, one a row: they take the pointer, since the marks themselves are too thin to hit."""
    mark = {
        "type": "rule",
        "strokeWidth": layout.step,
        "strokeOpacity": 0,
        "color": colours["ref"],
        "cursor": "pointer",
    }
    start = -layout.names if is_first else 0.0
    channels = {"x": at(start), "x2": at(layout.width), "tooltip": tooltip(modes, term)}
    return {"name": f"hit{term}", **layer(mark, channels)}
