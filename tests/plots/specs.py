"""What the tests read out of a Vega-Lite specification."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import vl_convert

Spec = dict[str, Any]


def strings(part: Any, *, with_data: bool = False) -> Iterator[str]:
    """Every string in it, those of the data only if asked for."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            if key not in {"datasets", "data"} or with_data:
                yield from strings(value, with_data=with_data)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from strings(value, with_data=with_data)


def layers(part: Any) -> Iterator[Spec]:
    """Every layer with a mark."""
    if isinstance(part, dict):
        if "mark" in part and "encoding" in part:
            yield part
        for key in ("layer", "hconcat", "vconcat"):
            for child in part.get(key, []):
                yield from layers(child)


def panels(part: Spec) -> list[Spec]:
    """The panels of a chart of several."""
    return [panel for row in part.get("vconcat", [part]) for panel in row.get("hconcat", [row]) if "layer" in panel]


def svg(spec: Spec) -> str:
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4")
    return drawn


def drawn_width(spec: Spec) -> float:
    """In px, as drawn."""
    found = re.search(r'<svg[^>]* width="([\d.]+)"', svg(spec))
    assert found
    return float(found[1])
