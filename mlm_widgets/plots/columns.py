"""The caterpillar for more than 400 groups: groups along x, panels one above the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlm_widgets.plots import lettering
from mlm_widgets.plots.digits import Axis, axis, labelled_as_ratios
from mlm_widgets.plots.marks import ONCE, at, layer, linear, only_picked, scaled, x_axis, y_axis
from mlm_widgets.plots.modes import PICKED, GroupModes, group_rows
from mlm_widgets.plots.panel import limits, panel_title, tooltip
from mlm_widgets.plots.theme import Spec, Tokens

__all__ = ["BANDS_ABOVE", "EXTREMES", "bands_table", "columns_panels", "columns_table"]

BANDS_ABOVE = 5000
EXTREMES = 20
"""Groups drawn singly above `BANDS_ABOVE`: half of them from each end."""

_AXIS_ROOM = 44
_BINS = 240


def _plot_width(width: float) -> float:
    return width - 24 - _AXIS_ROOM


def columns_panels(
    modes: GroupModes, titles: list[tuple[str, str]], axis_titles: list[str], width: float, colours: Tokens
) -> Spec:
    """All panels, one above the other."""
    last = len(modes.terms) - 1
    panels = [_panel(modes, j, titles[j], axis_titles[j], width, colours, is_last=j == last) for j in range(last + 1)]
    return {"vconcat": panels, "spacing": 20}


def columns_table(modes: GroupModes, width: float) -> list[Spec]:
    """The groups drawn singly: all, or the picked and the most extreme; names of the picked pushed apart."""
    place = [float(i) for i in range(modes.n)]
    px = _plot_width(width) / modes.n
    widest = max((lettering.width(modes.names[i], 11, bold=True) for i in modes.picked), default=0.0)
    pushed = lettering.push_apart(
        [place[i] for i in modes.picked], (widest + 6) / px, widest / 2 / px, modes.n - widest / 2 / px
    )
    for i, where in zip(modes.picked, pushed, strict=True):
        place[i] = where
    return group_rows(modes, place, only=_single(modes))


def _single(modes: GroupModes) -> Sequence[int]:
    if modes.n <= BANDS_ABOVE:
        return range(modes.n)
    half = EXTREMES // 2
    return sorted({*range(half), *range(modes.n - half, modes.n), *modes.picked})


def bands_table(modes: GroupModes) -> list[Spec]:
    """Above `BANDS_ABOVE` groups: in bins of the rank, the median limits, and 10, 50 and 90 % of the modes."""
    if modes.n <= BANDS_ABOVE:
        return []
    rows = []
    for ranks in np.array_split(np.arange(modes.n), _BINS):
        row: Spec = {"r": round(float(ranks.mean()), 1)}
        for j in range(len(modes.terms)):
            mode, half = modes.mode[ranks, j], modes.half[ranks, j]
            low, middle, high = np.quantile(mode, [0.1, 0.5, 0.9])
            numbers = {"lo": np.median(mode - half), "hi": np.median(mode + half), "a": low, "b": middle, "c": high}
            row |= {f"{name}{j}": round(float(number), 4) for name, number in numbers.items()}
        rows.append(row)
    return rows


def _panel(
    modes: GroupModes,
    term: int,
    title: tuple[str, str],
    axis_title: str,
    width: float,
    colours: Tokens,
    *,
    is_last: bool,
) -> Spec:
    height = 150 if len(modes.terms) <= 2 else 120
    reach = axis(-modes.reach(term), modes.reach(term), margin=0.06)
    reach = labelled_as_ratios(reach) if modes.is_ratio else reach
    x = linear("r", scale=scaled(-0.5, modes.n - 0.5), axis=_rank_axis(modes, is_last=is_last))
    y = linear(f"m{term}", scale=scaled(reach.low, reach.high), axis=y_axis(reach, None))
    return {
        "width": round(_plot_width(width)),
        "height": height,
        "title": panel_title(title[0], f"{title[1]}. {axis_title}", _plot_width(width), colours),
        "transform": [*limits(modes, term), {"calculate": "datum.r + 1", "as": "rank"}],
        "encoding": {"x": x},
        "layer": [
            *(_bands(term, y, colours) if modes.n > BANDS_ABOVE else []),
            *(_intervals(modes, term, excludes, y, colours) for excludes in (0, 1)),
            _zero(y, reach, colours),
            *(_points(term, excludes, colours) for excludes in (0, 1)),
            *_picked(term, colours),
            _hit(modes, term, width, colours),
        ],
    }


def _rank_axis(modes: GroupModes, *, is_last: bool) -> Spec:
    """Ranks are counted from 1; their tick labels are the only words on the axis of the last panel."""
    round_ranks = [
        tick for tick in axis(1, modes.n, margin=0.0, count=5).ticks if 0.06 * modes.n < tick < 0.94 * modes.n
    ]
    ranks = [1, *(int(tick) for tick in round_ranks), modes.n]
    reach = Axis(0, modes.n - 1, tuple(float(rank - 1) for rank in ranks), ",d")
    order = lettering.shorten(modes.terms[modes.sort], 200, 12)
    title = f"Groups, ordered by {'intercept' if order == 'Intercept' else order}"
    made = x_axis(reach, title if is_last else None, grid=False)
    # The tick of rank k stands at k - 1.
    made |= {"labelExpr": 'format(datum.value + 1, ",d")', "labelFlush": True, "labels": is_last, "ticks": is_last}
    return made


def _intervals(modes: GroupModes, term: int, excludes: int, y: Spec, colours: Tokens) -> Spec:
    singly = modes.n > BANDS_ABOVE
    mark = {
        "type": "rule",
        "color": colours["accent"] if excludes else colours["muted"],
        "strokeWidth": 1 if singly else max(0.4, min(1.0, 300 / modes.n)),
        "opacity": 1 if singly else 0.6 if excludes else 0.45,
    }
    channels = {"y": {**y, "field": "lo"}, "y2": {"field": "hi"}}
    return layer(mark, channels, where=f"datum.s{term} === {excludes}")


def _bands(term: int, y: Spec, colours: Tokens) -> list[Spec]:
    """Pale: median limits; darker: the middle 80 % of the modes, and their median as a line."""
    area: Spec = {"type": "area", "line": False}
    line = {"type": "line", "strokeWidth": 1.5, "color": colours["ref"]}
    return [
        layer(
            {**area, "color": colours["muted_fill"], "opacity": 1},
            {"y": {**y, "field": f"lo{term}"}, "y2": {"field": f"hi{term}"}},
            data="bands",
        ),
        layer(
            {**area, "color": colours["muted"], "opacity": 0.6},
            {"y": {**y, "field": f"a{term}"}, "y2": {"field": f"c{term}"}},
            data="bands",
        ),
        layer(line, {"y": {**y, "field": f"b{term}"}}, data="bands"),
    ]


def _zero(y: Spec, reach: Axis, colours: Tokens) -> Spec:
    mark = {"type": "rule", "color": colours["ink"], "strokeWidth": 1}
    channels = {"x": at(0), "x2": {"value": "width"}, "y": {"datum": 0, "type": "quantitative", "scale": y["scale"]}}
    return layer(mark, channels, data=ONCE)


def _points(term: int, excludes: int, colours: Tokens) -> Spec:
    mark = {
        "type": "point",
        "filled": True,
        "opacity": 1,
        "size": 4 if excludes else 2.5,
        "color": colours["accent"] if excludes else colours["ref"],
    }
    return layer(mark, {"y": linear(f"m{term}")}, where=f"datum.s{term} === {excludes}")


def _picked(term: int, colours: Tokens) -> list[Spec]:
    chosen = only_picked(PICKED)
    line = {"type": "rule", "color": colours["pick"], "strokeWidth": 2}
    point = {"type": "point", "filled": True, "opacity": 1, "color": colours["pick"], "size": 40}
    text: Spec = {"type": "text", "baseline": "bottom", "dy": -4, "fontWeight": 600, "color": colours["pick_text"]}
    halo = {**text, "color": colours["background"], "stroke": colours["background"], "strokeWidth": 4}
    channels = {"x": linear("q"), "y": linear("hi"), "text": {"field": "n"}}
    return [
        layer(line, {"y": linear("lo"), "y2": {"field": "hi"}}, where=chosen),
        layer(point, {"y": linear(f"m{term}")}, where=chosen),
        layer(halo, channels, where=chosen),
        layer(text, channels, where=chosen),
    ]


def _hit(modes: GroupModes, term: int, width: float, colours: Tokens) -> Spec:
    """Unseen bars, at least 1 px wide: they take the pointer."""
    mark = {
        "type": "rule",
        "strokeWidth": max(1.0, round(_plot_width(width) / modes.n, 2)) if modes.n <= BANDS_ABOVE else 4,
        "strokeOpacity": 0,
        "color": colours["ref"],
        "cursor": "pointer",
    }
    channels = {"y": at(0), "y2": {"value": "height"}, "tooltip": tooltip(modes, term)}
    return {"name": f"hit{term}", **layer(mark, channels)}
