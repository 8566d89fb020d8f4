"""A chart alone in a cell, drawn by the shared runtime."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from mlm_widgets.widgets.runtime import STATIC, OneWay, shared_runtime

__all__ = ["ChartView", "render"]


class ChartView(OneWay):
    """Shows one Vega-Lite specification, in the host's light or dark, without the network.

    Parameters
    ----------
    spec : dict
        Vega-Lite 6, with its data.
    """

    _esm = STATIC / "chart.js"

    _runtime = anywidget.WidgetTrait().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    label = traitlets.Unicode("Chart").tag(sync=True)

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(_runtime=shared_runtime(), spec=spec, label=_label_of(spec))


def render(spec: dict[str, Any], **_metadata: Any) -> dict[str, Any]:
    """Altair's renderer "mlm_widgets": the MIME bundle that shows `spec` in a notebook."""
    bundle = ChartView(spec)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {**(data or {}), "text/plain": _label_of(spec)}


def _label_of(spec: dict[str, Any]) -> str:
    title = spec.get("title", "")
    text = title.get("text", "") if isinstance(title, dict) else title
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "Chart")
