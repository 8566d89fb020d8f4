"""Layers of a Vega-Lite specification, written once: channels of fixed field names, rules, points, texts, ticks."""

from __future__ import annotations

from collections.abc import Sequence

from mlm_widgets.plots.digits import Axis
from mlm_widgets.plots.theme import Spec

__all__ = ["ONCE", "along", "at", "layer", "linear", "only_picked", "scaled", "x_axis", "y_axis"]

ONCE: Spec = {"values": [{}]}
"""Data of one row: a mark that does not depend on data would else be drawn once a row."""


def layer(mark: Spec, channels: Spec, *, data: str | Spec | None = None, where: str | Spec | None = None) -> Spec:
    """One layer: a mark, its channels, its table (by name) and which rows of it."""
    made: Spec = {"mark": mark, "encoding": channels}
    if data is not None:
        made["data"] = {"name": data} if isinstance(data, str) else data
    if where is not None:
        made["transform"] = [{"filter": where}]
    return made


def linear(field: str, **more: object) -> Spec:
    """A channel that shows a number."""
    return {"field": field, "type": "quantitative", **more}


def at(pixel: float) -> Spec:
    """A channel at a constant place, in px from the left or top edge of the panel."""
    return {"value": round(pixel, 1)}


def scaled(low: float, high: float, *, reverse: bool = False) -> Spec:
    """A scale that ends where it is told to."""
    return {"domain": [low, high], "nice": False, "zero": False, **({"reverse": True} if reverse else {})}


def along(reach: Axis) -> Spec:
    """The scale of an axis."""
    made = scaled(reach.low, reach.high)
    if reach.is_log:
        del made["zero"]  # Vega-Lite warns of it
        made["type"] = "log"
    return made


def x_axis(
    reach: Axis, title: str | list[str] | None, *, grid: bool = True, ticks: Sequence[float] | None = None
) -> Spec:
    """The axis below: ticks where Python put them."""
    return _axis(reach, title, grid=grid, ticks=ticks)


def y_axis(reach: Axis, title: str | None, *, labels: bool = True) -> Spec:
    """The axis at the left: grid and labels, no line."""
    return {**_axis(reach, title, grid=True, ticks=None), "labels": labels}


def _axis(reach: Axis, title: str | list[str] | None, *, grid: bool, ticks: Sequence[float] | None) -> Spec:
    values = list(reach.ticks if ticks is None else ticks)
    labels = {} if reach.label is None else {"labelExpr": reach.label}
    return {"title": title, "values": values, "tickCount": len(values), "format": reach.format, "grid": grid, **labels}


def only_picked(name: str) -> Spec:
    """A filter that keeps the rows of a selection, and none while it is empty."""
    return {"param": name, "empty": False}
