"""Predictions: population-level means over one predictor, by the values of a second and a third.

To compare: the lines within a panel (where do they meet?), then the pattern between panels; all panels share both
axes. A number runs along x as lines with bands; a factor as points with intervals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlm_widgets.plots import lettering
from mlm_widgets.plots.chart import AltairChart, chart, whole
from mlm_widgets.plots.digits import Axis, axis, bounds, decimals_for, fitted_axis, percent, significant, written
from mlm_widgets.plots.grid import Grid, Terms, predicted_grid
from mlm_widgets.plots.marks import at, layer, linear, only_picked, scaled, x_axis, y_axis
from mlm_widgets.plots.options import check_groups, check_level, check_width
from mlm_widgets.plots.panel import panel_title
from mlm_widgets.plots.rawdata import raw_rows, raw_words, shows_shares, x_place
from mlm_widgets.plots.scale import has_average, has_offset, predicted_words, range_of_outcome, unit_of_outcome
from mlm_widgets.plots.series import ink_of, label_of, shapes, styles
from mlm_widgets.plots.surface import PlottedModel
from mlm_widgets.plots.theme import MAX_WIDTH, Spec, Tokens, tokens
from mlm_widgets.plots.units import in_brackets

__all__ = ["predictions", "predictions_spec"]

HOVER = "hover"

_SPACING = 16
_LEAST_PANEL = 120
_LEAST_GAP = 16  # between two lines, for their names to stand on them
_LABEL_LIMIT = 150
_FEW_POINTS = 100  # of the data: fewer are drawn larger
_LABELS_APART = 13


@dataclass(frozen=True, slots=True)
class _Label:
    """The name of a line: its text, its place in the units of the axes or in px, and how it stands there."""

    line: int
    text: str
    x: float
    y: float
    side: str  # "end", "above" or "below"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of a panel in px, panels side by side, and both axes."""

    width: float
    height: float
    beside: int
    x: Axis
    y: Axis


def predictions(
    model: PlottedModel,
    terms: Terms,
    *,
    level: float = 0.95,
    bands: bool = True,
    raw: bool = False,
    groups: str = "typical",
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> AltairChart:
    """Population-level predictions.

    Parameters
    ----------
    model : MixedModel
    terms : str, list of str, or dict
        One to three predictors. The first number runs along x, the next term makes the lines, the third the panels; a
        factor runs along x where no number has its values left open. A dict chooses the values:
        ``{"meanses": None, "homework": [0, 7]}``; None is the mean and one standard deviation to either side for a
        number, all levels for a factor; also ``"sd"`` and ``"quartiles"``.
    level : float
        Of the bands.
    bands : bool
        Draw the confidence bands.
    raw : bool
        Draw data too: at most 100 rows for each line and panel, drawn at random with a fixed seed; of an outcome of
        two values, the share of successes in tenths of the rows.
    groups : {"typical", "average"}
        Of a generalized model, the mean in a group whose random effects are zero, or that over all groups; in a linear
        model they are the same.
    theme : {"light", "dark"}
    title : str, optional
        By default what is predicted, and by what.
    width : int
        Of the whole picture in px, 320 to 700.

    Returns
    -------
    altair.HConcatChart or altair.VConcatChart

    Raises
    ------
    OptionError
        An option has a value that is not allowed; the nearest name is offered.
    """
    return chart(
        predictions_spec(
            model, terms, level=level, bands=bands, raw=raw, groups=groups, theme=theme, title=title, width=width
        )
    )


def predictions_spec(
    model: PlottedModel,
    terms: Terms,
    *,
    level: float = 0.95,
    bands: bool = True,
    raw: bool = False,
    groups: str = "typical",
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> Spec:
    """The Vega-Lite specification of :func:`predictions`."""
    check_level(level)
    check_width(width)
    colours = tokens(theme)
    check_groups(groups)
    grid = predicted_grid(model, terms, level, groups)
    names = [label_of(grid.lines, i) for i in range(grid.n_lines)] if grid.lines else [""]
    sampled = raw_rows(model, grid) if raw else []
    layout = _layout(model, grid, names, sampled, width, bands=bands)
    labels = _labels(grid, names, layout)
    points = "shares" if sampled and shows_shares(model) else "few" if len(sampled) <= _FEW_POINTS else "many"
    look = _Look(grid, names, layout, colours, bands, grid.n_lines > 1 and not labels, bool(sampled), points)
    panels = [_panel(look, i, model, [label for label in labels if i == 0]) for i in range(grid.n_panels)]
    rows: list[Spec] = [
        {"hconcat": panels[i : i + layout.beside], "spacing": _SPACING} for i in range(0, len(panels), layout.beside)
    ]
    body: Spec = rows[0] if len(rows) == 1 else {"vconcat": rows, "spacing": _SPACING}
    return whole(
        {"data": {"name": "lines"}, "params": _hover_parameter(grid), **body},
        title=title if title is not None else _title(model, grid),
        subtitle=_subtitle(model, grid, level, bands=bands, raw=bool(sampled), groups=groups),
        data={
            "lines": _line_rows(grid, names),
            "raw": sampled,
            "labels": [_label_row(label) for label in labels],
            "hits": _hit_rows(grid),
        },
        colours=colours,
        width=width,
    )


# --- data -----------------------------------------------------------------------------------------


def _line_rows(grid: Grid, names: Sequence[str]) -> list[Spec]:
    y_digits = decimals_for(_spread(grid), 4)
    x_digits = decimals_for(float(np.ptp(grid.x)) or 1.0, 4)
    return [
        {
            "p": int(grid.panel[i]),
            "s": names[grid.line[i]],
            "k": int(grid.line[i]),
            "x": round(float(grid.x[i]) + x_place(grid, int(grid.line[i])), x_digits),
            "y": round(float(grid.mean[i]), y_digits),
            "lo": round(float(grid.low[i]), y_digits),
            "hi": round(float(grid.high[i]), y_digits),
        }
        for i in np.lexsort((grid.x, grid.line, grid.panel))
    ]


def _spread(grid: Grid) -> float:
    low, high = bounds([*grid.low, *grid.high, *grid.mean])
    return high - low


def _hit_rows(grid: Grid) -> list[Spec]:
    """What the tooltip says at each x of each panel: a text a line."""
    decimals = decimals_for(float(np.median(grid.high - grid.low)) / 2 or 1.0)
    rows: dict[tuple[int, float], Spec] = {}
    for i in np.lexsort((grid.line, grid.x, grid.panel)):
        x = float(grid.x[i])
        row = rows.setdefault(
            (int(grid.panel[i]), x),
            {
                "p": int(grid.panel[i]),
                "x": round(x, 6),
                "t": grid.x_levels[int(x)] if grid.is_factor else significant(x),
            },
        )
        mean, low, high = (written(float(number[i]), decimals) for number in (grid.mean, grid.low, grid.high))
        row[f"v{grid.line[i]}"] = f"{mean} [{low}, {high}]"
    return list(rows.values())


def _label_row(label: _Label) -> Spec:
    return {"t": label.text, "x": round(label.x, 4), "y": round(label.y, 4), "i": label.line}


# --- sizes ----------------------------------------------------------------------------------------


def _layout(
    model: PlottedModel, grid: Grid, names: Sequence[str], sampled: Sequence[Spec], width: float, *, bands: bool
) -> _Layout:
    beside = {1: 1, 2: 2, 3: 3, 4: 2}.get(grid.n_panels, 3)
    height = 300 if beside == 1 else 260 if grid.n_panels <= 3 else 180
    ends = (grid.low, grid.high) if bands or grid.is_factor else (grid.mean, grid.mean)
    y = _y_axis(model, bounds([*ends[0], *ends[1], *(float(row["y"]) for row in sampled)]))
    tick_labels = max(lettering.width(written(tick, 2 if abs(tick) < 10 else 1), 11) for tick in y.ticks)
    at_the_end = _end_room(names) if _labels_at_the_end(grid) else 0.0
    outside = 24 + 28 + tick_labels + at_the_end
    while beside > 1 and (width - outside - _SPACING * (beside - 1)) / beside < _LEAST_PANEL:
        beside -= 1
    room = width - outside - _SPACING * (beside - 1)
    panel = min(room / beside, 160.0 * len(grid.x_levels) + 120 if grid.is_factor else 540.0)
    if grid.is_factor:
        last = len(grid.x_levels) - 1
        x = Axis(-0.5, last + 0.5, tuple(float(i) for i in range(last + 1)), "d")
    else:
        x = fitted_axis(*bounds(grid.x), panel, margin=0.02)
    return _Layout(panel, height, beside, x, y)


def _y_axis(model: PlottedModel, ends: tuple[float, float]) -> Axis:
    """The axis of the outcome; where no outcome is below 0 or above 1 it does not go there."""
    made = axis(*ends)
    least, most = range_of_outcome(model)
    low, high = max(made.low, min(ends[0], least)), min(made.high, max(ends[1], most))
    return replace(made, low=low, high=high)


def _end_room(names: Sequence[str]) -> float:
    return min(_LABEL_LIMIT, max(lettering.width(name, 11, bold=True) for name in names)) + 10


def _labels_at_the_end(grid: Grid) -> bool:
    return grid.n_panels == 1 and grid.n_lines > 1 and not grid.is_factor


# --- names of the lines ---------------------------------------------------------------------------


def _labels(grid: Grid, names: Sequence[str], layout: _Layout) -> list[_Label]:
    """Names on the lines; none where a legend is clearer."""
    if grid.n_lines == 1 or grid.is_factor:
        return []
    if _labels_at_the_end(grid):
        return _end_labels(grid, names, layout)
    return _first_panel_labels(grid, names, layout) if grid.n_lines == 2 else []


def _y_px(layout: _Layout, y: float) -> float:
    return (layout.y.high - y) / (layout.y.high - layout.y.low) * layout.height


def _end_labels(grid: Grid, names: Sequence[str], layout: _Layout) -> list[_Label]:
    """At the right end of the lines, pushed apart."""
    last = [np.flatnonzero(grid.line == i)[np.argmax(grid.x[grid.line == i])] for i in range(grid.n_lines)]
    wanted = [_y_px(layout, float(grid.mean[i])) for i in last]
    placed = lettering.push_apart(wanted, _LABELS_APART, 6, layout.height - 6)
    return [
        _Label(i, lettering.shorten(name, _LABEL_LIMIT, 11, bold=True), layout.width + 6, y, "end")
        for i, (name, y) in enumerate(zip(names, placed, strict=True))
    ]


def _first_panel_labels(grid: Grid, names: Sequence[str], layout: _Layout) -> list[_Label]:
    """Outside both lines of the first panel, on its left third where they are furthest apart; none if near."""
    first = grid.keep(grid.panel == 0)
    one, two = (first.keep(first.line == i) for i in (0, 1))
    third = one.x <= one.x.min() + (one.x.max() - one.x.min()) / 3
    gap = (one.mean - two.mean)[third] / (layout.y.high - layout.y.low) * layout.height
    if np.abs(gap).min() < _LEAST_GAP:
        return []
    i = int(np.abs(gap).argmax())
    upper_is = 0 if gap[i] > 0 else 1
    labels = [
        _label_beside((one, two)[line], line, names[line], i, side, layout)
        for line, side in ((upper_is, "above"), (1 - upper_is, "below"))
    ]
    return labels if all(6 <= label.y <= layout.height - 6 for label in labels) else []


def _label_beside(mine: Grid, line: int, name: str, i: int, side: str, layout: _Layout) -> _Label:
    """The name above or below all of the band that it covers, about the i-th point of the line."""
    text = lettering.shorten(name, layout.width - 8, 11, bold=True)
    half = lettering.width(text, 11, bold=True) / 2
    x = (mine.x - layout.x.low) / (layout.x.high - layout.x.low) * layout.width
    centre = min(max(float(x[i]), half + 4), layout.width - half - 4)
    covered = np.flatnonzero(np.abs(x - centre) <= half)
    covered = covered if len(covered) else np.array([i])
    if side == "above":
        y = min(_y_px(layout, float(high)) for high in mine.high[covered]) - 9
    else:
        y = max(_y_px(layout, float(low)) for low in mine.low[covered]) + 9
    return _Label(line, text, centre, y, side)


# --- marks ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Look:
    """All that the layers of a panel need to know."""

    grid: Grid
    names: list[str]
    layout: _Layout
    colours: Tokens
    bands: bool
    has_legend: bool
    has_raw: bool
    points: str  # of the data: "many", "few", or "shares"

    def by_line(self, values: list[Any]) -> Spec:
        """A channel that tells the lines apart."""
        scale = {"domain": self.names, "range": values}
        return {"field": "s", "type": "nominal", "scale": scale, "legend": self.legend}

    @property
    def legend(self) -> Spec | None:
        """One legend: the layers share their scales, so all must give the same, or Vega-Lite leaves it out."""
        if not self.has_legend:
            return None
        term = self.grid.lines
        title = None if term is None or term.is_number else lettering.shorten(term.label, 200, 12)
        symbol = {} if self.grid.is_factor else {"symbolType": "stroke", "symbolSize": 225, "symbolStrokeWidth": 2}
        return {
            "title": title,
            "titleOrient": "left",
            "titleAnchor": "middle",
            "labelLimit": 300,
            "offset": 12,
            "symbolOpacity": 1,
            **symbol,
        }

    @property
    def colour(self) -> Spec:
        return self.by_line([self.colours[token] for token, _ in styles(self.grid.lines)])

    @property
    def dash(self) -> Spec:
        return self.by_line([dash for _, dash in styles(self.grid.lines)])

    @property
    def shape(self) -> Spec:
        return self.by_line(shapes(self.grid.n_lines))


def _panel(look: _Look, panel: int, model: PlottedModel, labels: Sequence[_Label]) -> Spec:
    grid, layout = look.grid, look.layout
    is_left = panel % layout.beside == 0
    y_title = in_brackets(f"Predicted {lettering.shorten(predicted_words(model), 200, 12)}", unit_of_outcome(model))
    x = linear(
        "x",
        scale=scaled(layout.x.low, layout.x.high),
        axis=_axis_below(look, model, has_title=panel + layout.beside >= grid.n_panels),
    )
    y = linear(
        "y",
        scale=scaled(layout.y.low, layout.y.high),
        axis=y_axis(layout.y, y_title if is_left else None, labels=is_left),
    )
    here = f"datum.p === {panel}"
    made: Spec = {
        "width": round(layout.width),
        "height": round(layout.height),
        "encoding": {"x": x, "y": y},
        "layer": [
            *(_raw(look, here) if look.has_raw else []),
            *(_points(look, here) if grid.is_factor else _lines(look, here)),
            *(_name(label, look) for label in labels),
            *([] if grid.is_factor else [_hover_rule(look, here)]),
            _hit(look, panel, here),
        ],
    }
    if grid.panels:
        made["title"] = panel_title(label_of(grid.panels, panel, with_name=True), "", layout.width, look.colours)
    return made


def _axis_below(look: _Look, model: PlottedModel, *, has_title: bool) -> Spec:
    grid, layout = look.grid, look.layout
    title = lettering.shorten(in_brackets(grid.x_label, model.units(grid.x_name)), layout.width, 12)
    made = x_axis(layout.x, title if has_title else None, grid=False)
    if grid.is_factor:
        step = layout.width / len(grid.x_levels)
        levels = [lettering.lines(level, step - 6, 11) for level in grid.x_levels]
        made |= {
            "labelExpr": f"{json.dumps(levels)}[datum.value]",
            "labelLimit": round(step),
            "labelColor": look.colours["ink"],
        }
    return made


def _lines(look: _Look, here: str) -> list[Spec]:
    opacity = 0.2 if look.grid.n_lines <= 2 else 0.14
    bands = [
        layer(
            {"type": "area", "opacity": opacity, "line": False, "color": look.colours[token]},
            {"y": linear("lo"), "y2": {"field": "hi"}},
            where=f"{here} && datum.k === {i}",
        )
        for i, (token, _) in enumerate(styles(look.grid.lines))
    ]
    told_apart = {"color": look.colour, "strokeDash": look.dash}
    line = layer({"type": "line", "strokeWidth": 2, "clip": True}, told_apart, where=here)
    return [*bands, line] if look.bands else [line]


def _points(look: _Look, here: str) -> list[Spec]:
    interval = {"type": "rule", "strokeWidth": 1.5}
    return [
        layer(interval, {"y": linear("lo"), "y2": {"field": "hi"}, "color": look.colour}, where=here),
        layer(
            {"type": "point", "filled": True, "size": 70, "opacity": 1},
            {"color": look.colour, "shape": look.shape},
            where=here,
        ),
    ]


def _raw(look: _Look, here: str) -> list[Spec]:
    """Each line's rows in a layer of its own: with a scale of shapes the legend would show shapes, not lines."""
    mark = {"type": "point", "filled": True, "size": 9, "opacity": 0.28, "clip": True}
    if look.points != "many":
        mark |= {"size": 34, "opacity": 0.55} if look.points == "shares" else {"size": 16, "opacity": 0.45}
    each = zip(styles(look.grid.lines), shapes(look.grid.n_lines), strict=True)
    return [
        layer(
            {**mark, "color": look.colours[token], "shape": shape},
            {"tooltip": _share_tooltip()} if look.points == "shares" else {},
            data="raw",
            where=f"{here} && datum.k === {i}",
        )
        for i, ((token, _), shape) in enumerate(each)
    ]


def _share_tooltip() -> list[Spec]:
    shown = {"y": ("Share", ".2f"), "n": ("Rows", ",d")}
    return [{"field": f, "type": "quantitative", "title": title, "format": d3} for f, (title, d3) in shown.items()]


def _name(label: _Label, look: _Look) -> Spec:
    mark = {
        "type": "text",
        "align": "left" if label.side == "end" else "center",
        "baseline": "middle",
        "fontWeight": 600,
        "color": ink_of(look.grid.lines, label.line, look.colours),
    }
    halo = {**mark, "color": look.colours["background"], "stroke": look.colours["background"], "strokeWidth": 4}
    channels = {"x": at(label.x), "y": at(label.y), "text": {"field": "t"}}
    drawn = [mark] if label.side == "end" else [halo, mark]
    return {
        "data": {"name": "labels"},
        "transform": [{"filter": f"datum.i === {label.line}"}],
        "layer": [layer(each, channels) for each in drawn],
    }


def _hover_rule(look: _Look, here: str) -> Spec:
    mark = {"type": "rule", "color": look.colours["ref"], "strokeWidth": 1}
    made = layer(mark, {"y": at(0), "y2": {"value": "height"}}, data="hits")
    return {**made, "transform": [{"filter": here}, {"filter": only_picked(HOVER)}]}


def _hit(look: _Look, panel: int, here: str) -> Spec:
    """Unseen bars side by side over the panel: they take the pointer."""
    n_x = len(np.unique(look.grid.x[look.grid.panel == panel]))
    mark = {
        "type": "rule",
        "strokeWidth": round(look.layout.width / n_x + 1, 1),
        "strokeOpacity": 0,
        "color": look.colours["ref"],
    }
    told = {"t": look.grid.x_label} | {f"v{i}": name or "Predicted" for i, name in enumerate(look.names)}
    tooltip = [{"field": field, "type": "nominal", "title": lettering.plain(title)} for field, title in told.items()]
    channels = {"y": at(0), "y2": {"value": "height"}, "tooltip": tooltip}
    return {"name": f"hit{panel}", **layer(mark, channels, data="hits", where=here)}


def _hover_parameter(grid: Grid) -> list[Spec]:
    return [
        {
            "name": HOVER,
            "select": {"type": "point", "fields": ["p", "x"], "on": "pointerover", "clear": "pointerout"},
            "views": [f"hit{i}" for i in range(grid.n_panels)],
        }
    ]


# --- words ----------------------------------------------------------------------------------------


def _title(model: PlottedModel, grid: Grid) -> str:
    names = [grid.x_label, *(term.label for term in (grid.lines, grid.panels) if term)]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Predicted {predicted_words(model)} by {listed}"


def _subtitle(model: PlottedModel, grid: Grid, level: float, *, bands: bool, raw: bool, groups: str) -> str:
    what = f", {percent(level)} {'intervals' if grid.is_factor else 'bands'}" if bands or grid.is_factor else ""
    over = "" if grid.is_factor else f", over the middle 98% of {lettering.shorten(grid.x_label, 150, 12)}"
    others = " Other predictors at their mean or reference level." if _has_others(model, grid) else ""
    offset = " Offset at its mean." if has_offset(model) else ""
    points = f" Points: {raw_words(model, grid, has_others=bool(others))}." if raw else ""
    return f"{_of_groups(model, groups)}{what}{over}.{others}{offset}{_beyond(model, grid)}{points}"


def _of_groups(model: PlottedModel, groups: str) -> str:
    if not has_average(model.family):
        return "Population level"
    if groups == "average":
        return "Averaged over groups"
    name = next(iter(model.n_groups)) if len(model.n_groups) == 1 else "group"
    return f"For a typical {lettering.shorten(name, 130, 12)}"


def _beyond(model: PlottedModel, grid: Grid) -> str:
    """Values that were asked for and lie outside the data: the model is not known to hold there."""
    found = []
    for term in (grid.lines, grid.panels):
        if term is None or term.how != "given" or term.name not in model.data.columns:
            continue
        low, high = bounds(model.data[term.name].to_numpy(dtype=float))
        outside = [float(str(value)) for value in term.values if not low <= float(str(value)) <= high]
        if outside:
            values, name = ", ".join(map(significant, outside)), lettering.shorten(term.label, 150, 12)
            found.append(f" Beyond the data: {name} {values} (data: {significant(low)} to {significant(high)}).")
    return "".join(found)


def _has_others(model: PlottedModel, grid: Grid) -> bool:
    info = model.term_info()
    labels = [str(label) for label, is_one in zip(info["label"], info["is_intercept"], strict=True) if not is_one]
    names = [grid.x_label, *(term.label for term in (grid.lines, grid.panels) if term)]
    return any(not any(name in label for name in names) for label in labels)
