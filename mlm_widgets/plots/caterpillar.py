"""Caterpillar: the conditional mode of each group with its interval, a panel a term, the same order in every panel.

To compare: each group with the average (0), not with each other. Blue: the interval excludes 0. Orange: picked
groups. The layout follows the number of groups: up to 40 every group is named; up to 400 one thin row each; above
that groups go along x in hair lines; above 5,000 they are drawn as bands over the rank, with marks for the picked and
the most extreme alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlm_widgets.design import random_label
from mlm_widgets.plots import lettering
from mlm_widgets.plots.chart import AltairChart, chart, whole
from mlm_widgets.plots.columns import BANDS_ABOVE, EXTREMES, bands_table, columns_panels, columns_table
from mlm_widgets.plots.digits import percent
from mlm_widgets.plots.modes import GroupModes, group_modes
from mlm_widgets.plots.options import check_level, check_width
from mlm_widgets.plots.panel import picked_parameter
from mlm_widgets.plots.rows import NAMED_UP_TO, rows_panels, rows_table
from mlm_widgets.plots.scale import check_ratio, ratio_name, sentence
from mlm_widgets.plots.surface import PlottedModel
from mlm_widgets.plots.theme import MAX_WIDTH, Spec, tokens
from mlm_widgets.plots.units import effect_unit, in_brackets, slope_unit

__all__ = ["caterpillar", "caterpillar_spec"]

_ROWS_UP_TO = 400
_FEW_GROUPS = 6


def caterpillar(
    model: PlottedModel,
    *,
    group: str | None = None,
    sort: str | None = None,
    exponentiate: bool = False,
    level: float = 0.95,
    pick: Sequence[object] = (),
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> AltairChart:
    """Conditional modes of the groups with their intervals, sorted.

    Parameters
    ----------
    model : MixedModel
    group : str, optional
        The grouping factor; by default the formula's first.
    sort : str, optional
        The term that sorts the groups in all panels; by default the first.
    exponentiate : bool
        Label the axes with odds ratios, rate ratios or whatever the model's link makes of differences.
    level : float
        Of the intervals.
    pick : sequence of group names
        Shown in orange and named from the start; a click on a group picks it too. The selection is called ``picked``.
    theme : {"light", "dark"}
    title : str, optional
        By default the chart and the model are named.
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
        caterpillar_spec(
            model,
            group=group,
            sort=sort,
            exponentiate=exponentiate,
            level=level,
            pick=pick,
            theme=theme,
            title=title,
            width=width,
        )
    )


def caterpillar_spec(
    model: PlottedModel,
    *,
    group: str | None = None,
    sort: str | None = None,
    exponentiate: bool = False,
    level: float = 0.95,
    pick: Sequence[object] = (),
    theme: str = "light",
    title: str | None = None,
    width: int = MAX_WIDTH,
) -> Spec:
    """The Vega-Lite specification of :func:`caterpillar`."""
    check_level(level)
    check_width(width)
    colours = tokens(theme)
    if exponentiate:
        check_ratio(model)
    modes = group_modes(model, group, sort, level, pick, is_ratio=exponentiate)
    along_rows = modes.n <= _ROWS_UP_TO
    panels, table = (rows_panels, rows_table) if along_rows else (columns_panels, columns_table)
    body = panels(modes, _panel_titles(modes), _axis_titles(model, modes), width, colours)
    data = {"groups": table(modes, width)}
    if modes.n > BANDS_ABOVE:
        data["bands"] = bands_table(modes)
    return whole(
        {"data": {"name": "groups"}, "params": picked_parameter(modes), **body},
        title=title if title is not None else f"Random effects of {modes.group}, {model.formula}",
        subtitle=_subtitle(modes, level),
        data=data,
        colours=colours,
        width=width,
    )


def _named(term: str) -> str:
    return "Intercept" if term == "Intercept" else f"Slope of {random_label(term)}"


def _panel_titles(modes: GroupModes) -> list[tuple[str, str]]:
    """What the panel shows, and how many of its intervals leave zero."""
    several = len(modes.terms) > 1
    sorts, sorted_by = f" (sorts the {_noun(modes)})", " (same order)"
    notes = [(sorts if j == modes.sort else sorted_by) if several else "" for j in range(len(modes.terms))]
    counts = modes.excludes_zero.sum(axis=0)
    return [
        (_named(term) + note, f"{count:,} of {modes.n:,} intervals exclude {_no_difference(modes)}")
        for term, note, count in zip(modes.terms, notes, counts, strict=True)
    ]


def _no_difference(modes: GroupModes) -> str:
    return "1" if modes.is_ratio else "0"


def _noun(modes: GroupModes) -> str:
    return "rows" if modes.n <= _ROWS_UP_TO else "groups"


def _axis_titles(model: PlottedModel, modes: GroupModes) -> list[str]:
    of_group = lettering.shorten(modes.group, 130, 12)
    if modes.is_ratio:
        name = ratio_name(model.family) or ""
        slope = f"Factor of the average {name} (log axis)"
        first = f"{sentence(name)} to the average {of_group} (log axis)"
        return [first if _named(term) == "Intercept" else slope for term in modes.terms]
    return [
        in_brackets(f"Difference from the average {of_group}", effect_unit(model))
        if _named(term) == "Intercept"
        else in_brackets("Difference from the average slope", slope_unit(model, term))
        for term in modes.terms
    ]


def _subtitle(modes: GroupModes, level: float) -> str:
    none = _no_difference(modes)
    marked = (
        f"Filled: interval excludes {none}. Hollow: it does not."
        if modes.n <= NAMED_UP_TO
        else f"Blue: interval excludes {none}."
    )
    picked = " Orange: picked groups." if modes.picked else ""
    few = f" Spread estimated from {modes.n} groups is hardly known." if modes.n < _FEW_GROUPS else ""
    singly = f" Singly: the picked and the {EXTREMES} most extreme; bands: the others." if modes.n > BANDS_ABOVE else ""
    flat = " All differences are estimated as 0." if not modes.mode.any() else ""
    return f"Conditional modes with {percent(level)} intervals, {modes.n:,} groups. {marked}{picked}{few}{singly}{flat}"
