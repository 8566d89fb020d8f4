"""From the parts of a chart to the whole: title, data, theme, and the Altair object.

The parts are plain Vega-Lite, so that the widget can send them on without Altair, whose import takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mlm_widgets.plots import lettering
from mlm_widgets.plots.display import offline
from mlm_widgets.plots.theme import Spec, Tokens, config

if TYPE_CHECKING:
    import altair as alt

__all__ = ["SCHEMA", "AltairChart", "chart", "inert", "whole"]

AltairChart: TypeAlias = "alt.LayerChart | alt.HConcatChart | alt.VConcatChart"

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])")


def inert(text: str) -> str:
    """The text with a word joiner, which is not seen, after each ``<`` that would open a tag.

    Altair's HTML export and its notebook display write the specification into a script element as it is: a group named
    ``</script>...`` would end that element. Ordinary names, "a < b" among them, are left alone.
    """
    return _MARKUP.sub("<\u2060", text)


def whole(
    body: Spec,
    *,
    title: str,
    subtitle: str,
    data: Mapping[str, Sequence[Mapping[str, Any]]],
    colours: Tokens,
    width: float,
) -> Spec:
    """A complete Vega-Lite specification: `body` under its title, with named data and the theme."""
    room = width - 20
    spec: Spec = {
        "$schema": SCHEMA,
        "title": {
            "text": lettering.shorten(title, room, 14, bold=True),
            "subtitle": lettering.lines(subtitle, room, 12),
            "limit": round(room),
        },
        "description": f"{title}. {subtitle}",
        "config": config(colours),
        **body,
        "datasets": {name: list(rows) for name, rows in data.items()},
    }
    made: Spec = _inert(spec)
    return made


def _inert(part: Any) -> Any:
    if isinstance(part, str):
        return inert(part)
    if isinstance(part, Mapping):
        return {key: _inert(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_inert(value) for value in part]
    return part


def chart(spec: Spec) -> AltairChart:
    """The Altair chart of a specification; in a notebook it is drawn without the network (see :mod:`.display`)."""
    import altair as alt  # here, not above: a second, and the widget never needs it

    kinds: dict[str, Any] = {"layer": alt.LayerChart, "hconcat": alt.HConcatChart, "vconcat": alt.VConcatChart}
    kind = next(kinds[key] for key in kinds if key in spec)
    parts = {key: value for key, value in spec.items() if key != "datasets"}
    # to_dict() validates; to validate here too would double the time.
    made: AltairChart = kind.from_dict(parts, validate=False)
    made.datasets = spec["datasets"]
    object.__setattr__(
        made, "__class__", offline(kind)
    )  # an attribute set on a chart becomes part of its specification
    return made
