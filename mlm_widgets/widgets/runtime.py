"""The runtime that all our widgets share: it holds the drawing code, which so travels and is saved once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget

__all__ = ["STATIC", "OneWay", "Runtime", "shared_runtime"]

STATIC = Path(__file__).parent / "static"


class OneWay(anywidget.AnyWidget):
    """A widget whose state only Python writes: what a browser sends as state is dropped, it speaks by messages."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Ignore state from the browser."""


class Runtime(OneWay):
    """Vega and what draws with it (``js/src/core.ts``)."""

    _esm = STATIC / "core.js"


_shared: list[Runtime] = []


def shared_runtime() -> Runtime:
    """The one runtime of this process; a new one after it was closed."""
    if not _shared or _shared[0].comm is None:
        _shared[:] = [Runtime()]
    return _shared[0]
