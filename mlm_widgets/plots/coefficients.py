"""Coefficients: estimates of the fixed effects with their intervals, for one model or several.

To compare: each estimate with zero, and its precision. One model: a thick bar for 50 %, a thin line for the interval
asked for, and the numbers at the right, so that the chart replaces the table. Several: a row a term, dodged, colour
and shape by model. Terms keep the formula's order within a level. Ratios are compared with 1, on a logarithmic axis, so
that 2 and 1/2 are equally far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mlm_widgets.errors import MlmError, OptionError
from mlm_widgets.plots import lettering
from mlm_widgets.plots.chart import AltairChart, chart, whole
from mlm_widgets.plots.digits import Axis, axis, bounds, decimals_for, percent, ratio_axis, written
from mlm_widgets.plots.marks import ONCE, along, at, layer, linear, scaled, x_axis
from mlm_widgets.plots.options import check_level, check_width
from mlm_widgets.plots.scale import check_ratio, effect_scale, outcome_words, ratio_name, sentence
from mlm_widgets.plots.surface import PlottedModel
from mlm_widgets.plots.theme import MAX_WIDTH, Spec, Tokens, tokens
from mlm_widgets.plots.units import in_brackets

__all__ = ["coefficients", "coefficients_spec"]

Models: TypeAlias = "PlottedModel | Sequence[PlottedModel] | Mapping[str, PlottedModel]"

_LABEL_SIZE = 12
_LABEL_LIMIT = 260
_LABEL_GAP = 14
_MOST_NUMBERED = 25  # above, the columns of numbers are dropped
_MOST_MODELS = 4
_DOT = 8  # px
_MOST_RATIO = 1000  # beyond, an interval says that the data hold no bound
_SHAPES = ["circle", "diamond", "square", "triangle-up"]
_HEADINGS = {"L1": "Level 1", "L2": "Level 2", "L3": "Level 3"}


@dataclass(frozen=True, slots=True)
class _Estimate:
    """One coefficient of one model; `low50`, `high50` bound the inner interval."""

    model: str
    term: str
    label: str
    level: str
    is_intercept: bool
    estimate: float
    std_error: float
    df: float
    p_value: float
    low: float
    high: float
    low50: float
    high50: float


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the terms and the headings stand: row 0 at the top."""

    place: Mapping[str, int]
    labels: Mapping[str, str]
    headings: Mapping[int, str]

    @property
    def count(self) -> int:
        return len(self.place) + len(self.headings)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in px."""

    labels: float
    plot: float
    numbers: float
    estimates_end: float
    step: float
    dodge: float


def coefficients(
    models: Models,
    *,
    intercept: bool = False,
    exponentiate: bool = False,
    level: float = 0.95,
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> AltairChart:
    """Estimates of the fixed effects with their intervals.

    Parameters
    ----------
    models : MixedModel, or a list or dict of them
        The keys of a dict name the models. At most four.
    intercept : bool
        Show the intercept too. Off by default: it would set the scale.
    exponentiate : bool
        Show odds ratios, rate ratios or whatever the models' links make of their effects.
    level : float
        Of the thin lines; the thick bars are always 50 % intervals.
    theme : {"light", "dark"}
    title : str, optional
        By default the chart and the model are named.
    width : int
        Of the whole picture in px, 320 to 700.

    Returns
    -------
    altair.LayerChart

    Raises
    ------
    OptionError
        An option has a value that is not allowed, or a link has no ratios.
    MlmError
        There is no coefficient to show.
    """
    return chart(
        coefficients_spec(
            models,
            intercept=intercept,
            exponentiate=exponentiate,
            level=level,
            theme=theme,
            title=title,
            width=width,
        )
    )


def coefficients_spec(
    models: Models,
    *,
    intercept: bool = False,
    exponentiate: bool = False,
    level: float = 0.95,
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> Spec:
    """The Vega-Lite specification of :func:`coefficients`."""
    check_level(level)
    check_width(width)
    colours = tokens(theme)
    named = _named(models)
    scale = _scale([*named.values()], exponentiate)
    estimates = [row for name, model in named.items() for row in _estimates(name, model, level, intercept, scale)]
    if not estimates:
        raise MlmError(
            "There is no coefficient to show but the intercept.", hint="Use intercept=True.", argument="intercept"
        )
    rows = _rows(estimates, [*named])
    layout = _layout(estimates, rows, len(named), width)
    reach = _reach(estimates, scale)
    layers = [
        *_frame(rows, layout, reach, _axis_title([*named.values()], intercept, scale), scale, colours),
        *(_one_model(layout, colours) if len(named) == 1 else _several_models([*named], layout, colours)),
        _hit(layout, colours, has_df=any(model.family.is_linear for model in named.values())),
    ]
    return whole(
        {
            "width": round(layout.plot),
            "height": round(rows.count * layout.step),
            "layer": layers,
            "encoding": {"y": linear("y", scale=scaled(-0.5, rows.count - 0.5, reverse=True), axis=None)},
        },
        title=title if title is not None else _title([*named.values()], scale),
        subtitle=_subtitle(estimates, [*named], rows, level, intercept) + _cut_off(estimates, scale),
        data={
            "terms": _term_rows(estimates, rows, [*named], layout, level, reach),
            "labels": _label_rows(rows, layout),
        },
        colours=colours,
        width=width,
    )


# --- what is shown --------------------------------------------------------------------------------


def _named(models: Models) -> dict[str, PlottedModel]:
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    elif isinstance(models, Sequence):
        named = {f"Model {i}": model for i, model in enumerate(models, start=1)}
    else:
        named = {"": models}
    if not 1 <= len(named) <= _MOST_MODELS:
        raise OptionError(
            f"coefficients shows 1 to {_MOST_MODELS} models at once, not {len(named)}.",
            hint="Draw one chart for every four models.",
            argument="models",
        )
    return named


@dataclass(frozen=True, slots=True)
class _Scale:
    """What is shown of an effect: itself, compared with 0, or a ratio of that name, compared with 1."""

    ratio: str | None

    @property
    def reference(self) -> float:
        return 0.0 if self.ratio is None else 1.0

    def shown(self, value: float) -> float:
        """Where a value is drawn; ratios beyond all reason at the ends of what can be."""
        return value if self.ratio is None else min(max(value, 1 / _MOST_RATIO), _MOST_RATIO)


def _scale(models: Sequence[PlottedModel], exponentiate: bool) -> _Scale:
    if not exponentiate:
        return _Scale(None)
    names = {ratio_name(model.family) for model in models}
    for model in models:
        check_ratio(model)
    return _Scale(names.pop() if len(names) == 1 else "ratio")


def _reach(estimates: Sequence[_Estimate], scale: _Scale) -> Axis:
    ends = [scale.shown(end) for row in estimates for end in (row.low, row.high, row.estimate) if not math.isnan(end)]
    found = bounds(ends, scale.reference)
    return axis(*found) if scale.ratio is None else ratio_axis(*found)


def _estimates(name: str, model: PlottedModel, level: float, intercept: bool, scale: _Scale) -> list[_Estimate]:
    is_ratio = scale.ratio is not None
    outer = model.tidy("fixed", level=level, exponentiate=is_ratio).set_index("term")
    inner = model.tidy("fixed", level=0.5, exponentiate=is_ratio).set_index("term")
    low50, high50 = (inner[name].to_dict() for name in ("conf_low", "conf_high"))
    info = model.term_info().set_index("term")
    return [
        _Estimate(
            model=name,
            term=str(term),
            label=str(info["label"].get(term, term)),
            level=str(info["level"].get(term, "")),
            is_intercept=bool(info["is_intercept"].get(term, False)),
            estimate=float(row["estimate"]),
            std_error=float(row["std_error"]),
            df=float(row["df"]),
            p_value=float(row["p_value"]),
            low=float(row["conf_low"]),
            high=float(row["conf_high"]),
            low50=float(low50[term]),
            high50=float(high50[term]),
        )
        for term, row in outer.iterrows()
        if intercept or not info["is_intercept"].get(term, False)
    ]


def _heading(row: _Estimate) -> str:
    if row.is_intercept or not row.level:
        return ""
    return _HEADINGS.get(row.level, "Cross-level" if "×" in row.level else row.level)


def _rows(estimates: Sequence[_Estimate], models: Sequence[str]) -> _Rows:
    """Terms under the heading of their level, in the order of the formula; no headings where there is but one."""
    by_model = {name: [row for row in estimates if row.model == name] for name in models}
    largest_first = sorted(by_model.values(), key=len, reverse=True)
    first_seen = {row.term: row for rows in largest_first for row in reversed(rows)}
    order = list(dict.fromkeys(row.term for rows in largest_first for row in rows))
    known = [*dict.fromkeys(_heading(first_seen[term]) for term in order)]
    ranked = sorted(known, key=lambda text: (text == "Cross-level", text))
    with_headings = len([text for text in known if text]) > 1
    place: dict[str, int] = {}
    headings: dict[int, str] = {}
    row = 0
    for heading in ranked:
        if heading and with_headings:
            headings[row] = heading
            row += 1
        for term in (term for term in order if _heading(first_seen[term]) == heading):
            place[term] = row
            row += 1
    return _Rows(place, {term: first_seen[term].label for term in order}, headings)


# --- sizes ----------------------------------------------------------------------------------------


def _layout(estimates: Sequence[_Estimate], rows: _Rows, n_models: int, width: float) -> _Layout:
    widest = max(
        *(lettering.width(label, _LABEL_SIZE) for label in rows.labels.values()),
        *(lettering.width(text, _LABEL_SIZE, bold=True) for text in rows.headings.values()),
        40.0,
    )
    labels = math.ceil(min(widest, _LABEL_LIMIT, 0.4 * width)) + _LABEL_GAP
    numbered = n_models == 1 and len(rows.place) <= _MOST_NUMBERED and width >= 480
    numbers, estimates_end = _number_columns(estimates) if numbered else (0.0, 0.0)
    step = {1: 22, 2: 24, 3: 30, 4: 36}[n_models]
    return _Layout(labels, width - 24 - labels - numbers, numbers, estimates_end, step, 6.5 if n_models > 1 else 0.0)


def _number_columns(estimates: Sequence[_Estimate]) -> tuple[float, float]:
    """Width of both columns of numbers, and where, from the plot's right edge, that of the estimates ends."""
    texts = _number_texts(estimates)
    first = max(lettering.width(estimate, 12, bold=True) for estimate, _ in texts)
    second = max(lettering.width(interval, 11) for _, interval in texts)
    end = 16 + first
    return end + 8 + second, end


def _number_texts(estimates: Sequence[_Estimate]) -> list[tuple[str, str]]:
    """Estimate and interval of each row; one number of decimals for all, unless that would be silly for some."""
    each = [decimals_for((row.high - row.low) / 2) for row in estimates]
    if max(each) - min(each) <= 2:
        each = [max(each)] * len(each)
    return [
        (written(row.estimate, decimals), f"[{written(row.low, decimals)}, {written(row.high, decimals)}]")
        for row, decimals in zip(estimates, each, strict=True)
    ]


# --- data -----------------------------------------------------------------------------------------


def _term_rows(
    estimates: Sequence[_Estimate], rows: _Rows, models: Sequence[str], layout: _Layout, level: float, reach: Axis
) -> list[Spec]:
    def number(row: _Estimate, value: float) -> float | None:
        if not reach.is_log:
            return _number(value, decimals)
        return None if math.isnan(value) else float(f"{min(max(value, reach.low), reach.high):.6g}")

    decimals = max(decimals_for(row.std_error, 3) for row in estimates)
    return [
        {
            "y": round(rows.place[row.term] + _dodge(models.index(row.model), len(models), layout), 3),
            "t": row.label,
            "m": row.model,
            "b": number(row, row.estimate),
            "lo": number(row, row.low),
            "hi": number(row, row.high),
            "lo50": number(row, row.low50),
            "hi50": number(row, row.high50),
            "d": int((_share(reach, row.high50) - _share(reach, row.low50)) * layout.plot > _DOT),
            "b_text": estimate,
            "i_text": interval,
            "se_text": written(row.std_error, decimals_for(row.std_error, 3)),
            "df_text": "∞" if not math.isfinite(row.df) else written(row.df, 1),
            "p_text": _p_text(row.p_value),
            "level": percent(level),
        }
        for row, (estimate, interval) in zip(estimates, _number_texts(estimates), strict=True)
    ]


def _share(reach: Axis, value: float) -> float:
    inside = min(max(value, reach.low), reach.high)
    return 0.0 if math.isnan(inside) else reach.share(inside)


def _dodge(i: int, n_models: int, layout: _Layout) -> float:
    return (i - (n_models - 1) / 2) * layout.dodge / layout.step


def _number(value: float, decimals: int) -> float | None:
    return round(value, decimals) if math.isfinite(value) else None


def _p_text(p_value: float) -> str:
    if math.isnan(p_value):
        return "?"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _label_rows(rows: _Rows, layout: _Layout) -> list[Spec]:
    limit = layout.labels - _LABEL_GAP
    terms = [
        {"y": place, "t": lettering.shorten(rows.labels[term], limit, _LABEL_SIZE), "h": 0}
        for term, place in rows.place.items()
    ]
    headings = [{"y": place, "t": text, "h": 1} for place, text in rows.headings.items()]
    return sorted([*terms, *headings], key=lambda row: float(str(row["y"])))


# --- marks ----------------------------------------------------------------------------------------


def _frame(rows: _Rows, layout: _Layout, reach: Axis, title: str, scale: _Scale, colours: Tokens) -> list[Spec]:
    """The line of no effect with the axis, and the labels at the left."""
    x = {
        "datum": scale.reference,
        "type": "quantitative",
        "scale": along(reach),
        "axis": x_axis(reach, lettering.lines(title, layout.plot, 12)),
    }
    left = at(-layout.labels)
    text: Spec = {
        "type": "text",
        "align": "left",
        "baseline": "middle",
        "fontSize": _LABEL_SIZE,
        "limit": round(layout.labels - 4),
    }
    channels = {"x": left, "text": {"field": "t"}}
    return [
        layer(
            {"type": "rule", "color": colours["ref"], "strokeWidth": 1.3},
            {"x": x, "y": at(0), "y2": {"value": "height"}},
            data=ONCE,
        ),
        layer({**text, "color": colours["ink"]}, channels, data="labels", where="datum.h === 0"),
        layer({**text, "color": colours["ink2"], "fontWeight": 600}, channels, data="labels", where="datum.h === 1"),
    ]


def _one_model(layout: _Layout, colours: Tokens) -> list[Spec]:
    accent = colours["accent"]
    dot: Spec = {"type": "point", "filled": True, "opacity": 1}
    marks = [
        layer({"type": "rule", "strokeWidth": 1.5, "color": accent}, _span("lo", "hi"), data="terms"),
        layer({"type": "rule", "strokeWidth": 7, "color": accent}, _span("lo50", "hi50"), data="terms"),
        layer(
            {**dot, "size": 20, "color": colours["background"]}, {"x": linear("b")}, data="terms", where="datum.d === 1"
        ),
        # Inside a bar narrower than itself the dot would hide bar and zero line.
        layer({**dot, "size": 45, "color": accent}, {"x": linear("b")}, data="terms", where="datum.d === 0"),
    ]
    return [*marks, *(_numbers(layout, colours) if layout.numbers else [])]


def _numbers(layout: _Layout, colours: Tokens) -> list[Spec]:
    text: Spec = {"type": "text", "baseline": "middle"}
    end = layout.plot + layout.estimates_end
    return [
        layer(
            {**text, "align": "right", "fontSize": 12, "fontWeight": 600, "color": colours["ink"]},
            {"x": at(end), "text": {"field": "b_text"}},
            data="terms",
        ),
        layer(
            {**text, "align": "left", "fontSize": 11, "color": colours["ink2"]},
            {"x": at(end + 8), "text": {"field": "i_text"}},
            data="terms",
        ),
    ]


def _several_models(models: Sequence[str], layout: _Layout, colours: Tokens) -> list[Spec]:
    series = [colours[name] for name in ("accent", "pick", "category3", "category4")][: len(models)]
    colour = {
        "field": "m",
        "type": "nominal",
        "scale": {"domain": [*models], "range": series},
        "legend": _legend(models, layout),
    }
    shape = {**colour, "scale": {"domain": [*models], "range": _SHAPES[: len(models)]}}
    return [
        layer({"type": "rule", "strokeWidth": 1.5}, {**_span("lo", "hi"), "color": colour}, data="terms"),
        layer({"type": "rule", "strokeWidth": 4}, {**_span("lo50", "hi50"), "color": colour}, data="terms"),
        layer(
            {"type": "point", "filled": True, "size": 75, "opacity": 1},
            {"x": linear("b"), "color": colour, "shape": shape},
            data="terms",
        ),
    ]


def _legend(models: Sequence[str], layout: _Layout) -> Spec:
    """In one row where the names have room, else one under the other."""
    limit = min(240.0, layout.plot - 30)
    in_a_row = sum(min(limit, lettering.width(name, 12)) + 36 for name in models) <= layout.plot
    return {"title": None, "labelLimit": round(limit), "columns": len(models) if in_a_row else 1}


def _span(low: str, high: str) -> Spec:
    return {"x": linear(low), "x2": {"field": high}}


def _hit(layout: _Layout, colours: Tokens, *, has_df: bool) -> Spec:
    """Unseen bars, one a row, that carry the tooltips: thin marks are hard to hit."""
    mark = {"type": "rule", "strokeWidth": layout.dodge or layout.step, "strokeOpacity": 0, "color": colours["ref"]}
    shown = {
        "t": "Term",
        "m": "Model",
        "b_text": "Estimate",
        "i_text": "Interval",
        "level": "Level",
        "se_text": "Std. error",
        "df_text": "df",
        "p_text": "p",
    }
    if not layout.dodge:
        del shown["m"]
    if not has_df:
        del shown["df_text"]
    tooltip = [{"field": field, "type": "nominal", "title": title} for field, title in shown.items()]
    return layer(
        mark, {"x": at(-layout.labels), "x2": at(layout.plot + layout.numbers), "tooltip": tooltip}, data="terms"
    )


# --- words ----------------------------------------------------------------------------------------


def _title(models: Sequence[PlottedModel], scale: _Scale) -> str:
    what = "Fixed effects" if scale.ratio is None else sentence(f"{scale.ratio}s")
    return f"{what}, {models[0].formula}" if len(models) == 1 else f"{what} of {len(models)} models"


def _axis_title(models: Sequence[PlottedModel], intercept: bool, scale: _Scale) -> str:
    outcomes, scales = {model.outcome for model in models}, {effect_scale(model.family) for model in models}
    is_linear, on = models[0].family.is_linear, scales.pop() if len(scales) == 1 else None
    unit = models[0].units(models[0].outcome) if len(outcomes) == 1 and is_linear and on else None
    if intercept and scale.ratio is None:
        return in_brackets("Estimate", unit if is_linear else on)
    of = lettering.shorten(outcome_words(models[0]), 150, 12) if len(outcomes) == 1 else "the outcome"
    if scale.ratio is not None:
        return f"{sentence(scale.ratio)} of {of} per unit of the predictor (log axis)"
    of = of if is_linear or on is None else f"{on} of {of}"
    return in_brackets(f"Change in {of} per unit of the predictor", unit)


def _cut_off(estimates: Sequence[_Estimate], scale: _Scale) -> str:
    is_cut = any(scale.shown(end) != end for row in estimates for end in (row.low, row.high) if not math.isnan(end))
    return f" Intervals end at a ratio of {_MOST_RATIO:,} or 1/{_MOST_RATIO:,}." if is_cut else ""


def _subtitle(estimates: Sequence[_Estimate], models: Sequence[str], rows: _Rows, level: float, intercept: bool) -> str:
    what = "" if intercept else "Without the intercept. "
    if len(models) == 1:
        return f"{what}Dot: estimate; thick bar: 50% interval; thin line: {percent(level)} interval."
    lacking = len(estimates) < len(rows.place) * len(models)
    gap = "No mark: that model lacks the term. " if lacking else ""
    return f"{what}{gap}Thick bar 50%, thin line {percent(level)}."
