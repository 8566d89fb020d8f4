"""Checks of the options that the charts share."""

from __future__ import annotations

from collections.abc import Sequence

from mlm_widgets.errors import OptionError, closest
from mlm_widgets.plots.theme import MAX_WIDTH

__all__ = ["check_groups", "check_level", "check_width", "chosen"]

_LEAST_WIDTH = 320


def check_level(level: float) -> None:
    """A level of confidence lies between 0 and 1."""
    if not 0 < level < 1:
        hint = f"For {level:g} percent, use level={level / 100:g}." if 1 < level < 100 else None
        raise OptionError(f"level must lie between 0 and 1, not {level!r}.", hint=hint, argument="level")


def check_width(width: float) -> None:
    """No chart is wider than fits beside a notebook's margins, or too narrow for its labels."""
    if not _LEAST_WIDTH <= width <= MAX_WIDTH:
        raise OptionError(f"width must lie between {_LEAST_WIDTH} and {MAX_WIDTH} px, not {width!r}.", argument="width")


def check_groups(groups: str) -> None:
    """Predictions are of a typical group, or averaged over groups."""
    chosen(groups, ("typical", "average"), "groups")


def chosen(name: str, allowed: Sequence[str], argument: str) -> str:
    """The name, if it is one of those allowed; else an error that lists them and the nearest."""
    if name in allowed:
        return name
    nearest = closest(str(name), allowed)
    listed = ", ".join(repr(each) for each in allowed[:12]) + (
        f" and {len(allowed) - 12} more" if len(allowed) > 12 else ""
    )
    raise OptionError(
        f"{argument} must be one of {listed}, not {name!r}.",
        hint=f"Did you mean {nearest[0]!r}?" if nearest else None,
        argument=argument,
    )
