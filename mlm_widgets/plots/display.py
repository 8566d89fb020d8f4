"""How a chart shows itself in a notebook: without the network.

Altair's own renderer fetches Vega from a CDN. The package registers a renderer of its own with Altair, "mlm_widgets"
(an entry point, see pyproject.toml), that draws with the Vega it carries. Our charts use it unless a person has enabled
another; ``altair.renderers.enable("mlm_widgets")`` uses it for every chart.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

__all__ = ["RENDERER", "offline"]

RENDERER = "mlm_widgets"


@cache
def offline(kind: type) -> type:
    """A subclass of an Altair chart class that shows itself through our renderer."""
    import altair as alt  # here, not above: a second, and the widget never needs it

    def show(self: Any, *args: Any, **kwargs: Any) -> Any:
        bundle = kind._repr_mimebundle_  # type: ignore[attr-defined]
        is_ours = alt.renderers.active == "default" and RENDERER in alt.renderers.names() and "ipykernel" in sys.modules
        if not is_ours:
            return bundle(self, *args, **kwargs)
        with alt.renderers.enable(RENDERER):
            return bundle(self, *args, **kwargs)

    return type(kind.__name__, (kind,), {"_repr_mimebundle_": show, "__doc__": kind.__doc__})
