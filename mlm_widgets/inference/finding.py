"""One thing to know about a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a fit.

    Attributes
    ----------
    severity : {"info", "warning", "error"}
    component : str
        What it is about: a column, a grouping factor, a random effect.
    message : str
        A plain sentence.
    action : str or None
        What to do next.
    """

    severity: Literal["info", "warning", "error"]
    component: str
    message: str
    action: str | None = None
