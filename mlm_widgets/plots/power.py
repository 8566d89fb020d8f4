"""Power: how often a study of each size finds an effect.

To compare: each size with the target, and the sizes of groups with each other. Points are joined by straight thin
lines, since each is a simulation of its own; bars and bands are what the number of simulations leaves open. Dashed: the
target. Dotted: the study's own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlm_widgets.errors import OptionError
from mlm_widgets.inference import Power
from mlm_widgets.plots import lettering
from mlm_widgets.plots.chart import AltairChart, chart, whole
from mlm_widgets.plots.digits import Axis, fitted_axis, percent, significant
from mlm_widgets.plots.marks import ONCE, along, at, layer, linear, x_axis, y_axis
from mlm_widgets.plots.options import check_width
from mlm_widgets.plots.series import MOST_LINES
from mlm_widgets.plots.theme import MAX_WIDTH, Spec, Tokens, tokens

__all__ = ["power", "power_spec"]

_HEIGHT = 300
_MOST_PANEL = 540
_LABEL_LIMIT = 150
_OUTSIDE = 24 + 28 + 30  # px: padding, axis title, tick labels
_Y = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), ".0%")
_LINES = {1: ["accent"], 2: ["ordered_low", "ordered_high"], 3: ["ordered_low", "accent", "ordered_high"],
          4: ["ordered_low", "accent", "ordered_high", "category4"]}  # fmt: skip
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])


def power(
    result: Power,
    *,
    target: float = 0.8,
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> AltairChart:
    """Power against the number of groups, a line a size of groups; against their size, where the number is one.

    Parameters
    ----------
    result : Power
        What `mlm_widgets.power` gives.
    target : float
        The power that is wanted: a dashed line.
    theme : {"light", "dark"}
    title : str, optional
        By default the effect and its size are named.
    width : int
        Of the whole picture in px, 320 to 700.

    Returns
    -------
    altair.LayerChart

    Raises
    ------
    OptionError
        If an option has a value that is not allowed, or there are more than four lines.
    """
    return chart(power_spec(result, target=target, theme=theme, title=title, width=width))


def power_spec(
    result: Power,
    *,
    target: float = 0.8,
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> Spec:
    """The Vega-Lite specification of :func:`power`."""
    if not isinstance(target, (int, float)) or not 0 < target < 1:
        raise OptionError(f"target must lie between 0 and 1, not {target!r}.", argument="target")
    check_width(width)
    colours, curves = tokens(theme), _curves(result)
    x = [row["x"] for row in curves.rows]
    ends = max((lettering.width(name, 11, bold=True) for name in curves.names), default=0.0)
    end_room = min(_LABEL_LIMIT, ends) + 10 if len(curves.names) > 1 else 14.0
    panel = min(width - _OUTSIDE - end_room, _MOST_PANEL)
    low = min(x) if len(set(x)) > 1 else 0.0
    reach = fitted_axis(low, max(x), panel, margin=0.04)
    return whole(
        {
            "data": {"name": "points"},
            "width": round(panel, 1),
            "height": _HEIGHT,
            "layer": _layers(curves, result, reach, target, panel, colours),
        },
        title=title if title is not None else f"Power to find {result.effect} = {significant(result.value)}",
        subtitle=_subtitle(result, curves),
        data={"points": curves.rows, "labels": _labels(curves, panel)},
        colours=colours,
        width=width,
    )


@dataclass(frozen=True, slots=True)
class _Curves:
    """The points, and the lines that join them: `names` of the lines where there are several."""

    rows: list[Spec]
    names: list[str]
    is_by_groups: bool


def _curves(result: Power) -> _Curves:
    table = result.table
    is_by_groups = len({n for n, _ in result.sizes}) > 1 or len({size for _, size in result.sizes}) == 1
    lines = sorted({size or 0 for _, size in result.sizes}) if is_by_groups else [0]
    if len(lines) > MOST_LINES:
        raise OptionError(
            f"There are {len(lines)} sizes of groups, and the chart has room for {MOST_LINES} lines.",
            hint="Ask `power` for fewer of them, or for one number of groups: sizes are then along x.",
            argument="result",
        )
    rows: list[Spec] = []
    records: list[Any] = list(table.itertuples(index=False))
    for (_, asked), row in zip(result.sizes, records, strict=True):
        share = row.n_failed / row.n_sim if row.n_sim else 0.0
        rows.append(
            {
                "x": round(float(row.n_groups if is_by_groups else row.group_size), 3),
                "y": round(float(row.power), 4),
                "lo": round(float(row.lower), 4),
                "hi": round(float(row.upper), 4),
                "k": lines.index(asked or 0) if is_by_groups else 0,
                "n": f"{row.n_groups:,}",
                "m": significant(float(row.group_size)),
                "t": f"{row.power:.1%} [{row.lower:.1%}, {row.upper:.1%}]",
                "f": f"{row.n_sim:,}, {share:.1%} without a fit",
            }
        )
    rows = [row for row in rows if row["y"] == row["y"]]  # a size without a fit has no point
    if not rows:
        raise OptionError("There is no power to draw: no simulation could be fitted.", argument="result")
    names = [f"{significant(float(size))} rows a group" for size in lines] if len(lines) > 1 else []
    return _Curves(sorted(rows, key=lambda row: (row["k"], row["x"])), names, is_by_groups)


def _labels(curves: _Curves, panel: float) -> list[Spec]:
    """Names at the right ends of the lines, pushed apart."""
    if not curves.names:
        return []
    last = {row["k"]: row["y"] for row in curves.rows}
    placed = lettering.push_apart([_HEIGHT * (1 - y) for y in last.values()], 15, 6, _HEIGHT - 6)
    texts = [lettering.shorten(curves.names[k], _LABEL_LIMIT, 11, bold=True) for k in last]
    return [{"t": text, "x": round(panel + 6, 1), "y": round(y, 1)} for text, y in zip(texts, placed, strict=True)]


def _layers(curves: _Curves, result: Power, reach: Axis, target: float, panel: float, colours: Tokens) -> list[Spec]:
    n = max(len(curves.names), 1)
    keys = list(range(n))
    by_line = {"field": "k", "type": "nominal", "legend": None}
    colour = {**by_line, "scale": {"domain": keys, "range": [colours[name] for name in _LINES[n]]}}
    dash = {**by_line, "scale": {"domain": keys, "range": list(_DASHES[:n])}}
    title = f"Number of groups ({result.group})" if curves.is_by_groups else "Rows a group"
    title = lettering.shorten(title, panel, 12)
    x = linear("x", scale=along(reach), axis=x_axis(reach, title, grid=False))
    y = linear("y", scale=along(_Y), axis=y_axis(_Y, f"Power at the {percent(result.alpha)} level"))
    on = {"x": x, "color": colour}
    tips = [
        {"field": field, "type": "nominal", "title": name}
        for field, name in {"n": "Groups", "m": "Rows a group", "t": "Power", "f": "Simulations"}.items()
    ]
    made = [
        layer({"type": "area", "opacity": 0.2}, {**on, "y": {**y, "field": "lo"}, "y2": {"field": "hi"}}),
        *_references(curves, result, reach, target, panel, colours),
        layer({"type": "line", "strokeWidth": 1.5}, {**on, "y": y, "strokeDash": dash}),
        layer({"type": "rule", "strokeWidth": 1.5}, {**on, "y": {**y, "field": "lo"}, "y2": {"field": "hi"}}),
        layer({"type": "point", "filled": True, "size": 40, "opacity": 1}, {**on, "y": y, "tooltip": tips}),
    ]
    if curves.names:
        text = {"type": "text", "align": "left", "baseline": "middle", "fontWeight": 600, "color": colours["ink"]}
        place = {"x": linear("x", scale=None, axis=None), "y": linear("y", scale=None, axis=None)}
        made.append(layer(text, {**place, "text": {"field": "t"}}, data="labels"))
    return made


def _references(
    curves: _Curves, result: Power, reach: Axis, target: float, panel: float, colours: Tokens
) -> list[Spec]:
    """The target, dashed, and the study's own size, dotted."""
    height = _HEIGHT * (1 - target)
    text = {"type": "text", "fontSize": 11, "color": colours["ink2"]}
    made = [
        layer({"type": "rule", "strokeDash": [6, 4], "color": colours["ref"]}, {"y": at(height)}, data=ONCE),
        layer(
            {**text, "align": "left", "baseline": "bottom", "dx": 4, "dy": -4, "text": f"target {percent(target)}"},
            {"x": at(0), "y": at(height)},
            data=ONCE,
        ),
    ]
    own = float(result.own[0 if curves.is_by_groups else 1])
    xs = {row["x"] for row in curves.rows}
    if len(xs) == 1 or not reach.low <= own <= reach.high:
        return made
    place = (own - reach.low) / (reach.high - reach.low) * panel
    label, right = f"this study: {significant(own)}", place > panel - 100
    return [
        *made,
        layer({"type": "rule", "strokeDash": [1, 4], "color": colours["ref"]}, {"x": at(place)}, data=ONCE),
        layer(
            {**text, "align": "right" if right else "left", "baseline": "bottom", "dx": -5 if right else 5, "dy": -4,
             "text": label},
            {"x": at(place), "y": at(_HEIGHT)},
            data=ONCE,
        ),
    ]  # fmt: skip


def _subtitle(result: Power, curves: _Curves) -> str:
    n = sorted({int(n) for n in result.table["n_sim"]})
    number = f"{n[0]:,}" if len(n) == 1 else f"{n[0]:,} to {n[-1]:,}"
    fixed = ""
    if not curves.names:
        sizes = sorted({float(own) for own in result.table["group_size" if curves.is_by_groups else "n_groups"]})
        of = "rows a group" if curves.is_by_groups else f"groups ({result.group})"
        span = significant(sizes[0]) if len(sizes) == 1 else f"{significant(sizes[0])} to {significant(sizes[-1])}"
        fixed = f" {span} {of}."
    interval = f"{percent(result.level)} Monte Carlo interval, {number} simulations a point"
    return f"By {result.test}.{fixed} Bars: {interval}."
