"""Which families a column can be the outcome of, the likeliest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mlm_widgets.families.family import FAMILIES

__all__ = ["OutcomeColumn", "families_for"]

SMALL_COUNT = 100  # whole numbers from 0 that stay below are rarely measurements


class OutcomeColumn(Protocol):
    """What is asked of a column: a `frames.Column` is one."""

    @property
    def kind(self) -> str:
        """What it holds: "number", "factor", "boolean", or what can be no outcome."""

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The values of a column of numbers, shape (n,)."""

    @property
    def levels(self) -> Sequence[str]:
        """The levels of a factor."""


def families_for(column: OutcomeColumn) -> list[str]:
    """Names of the families whose outcome `column` could be, in order of fit; none where it is constant.

    Two values: binomial. Small whole numbers from 0: counts. Shares strictly between 0 and 1: beta. Other numbers:
    gaussian. The other families that could have such values come after.
    """
    if column.kind in ("factor", "boolean"):
        return ["binomial"] if len(column.levels) == 2 else []
    if column.kind != "number":
        return []
    values = np.unique(column.numbers[np.isfinite(column.numbers)])
    if len(values) < 2:
        return []
    possible = [name for name, family in FAMILIES.items() if np.all(family.is_supported(values))]
    first = _first(values)
    return [*first, *(name for name in possible if name not in first)]


def _first(values: npt.NDArray[np.float64]) -> list[str]:
    """The likeliest families of a column of these distinct values, in rising order."""
    least, most = values[0], values[-1]
    if len(values) == 2:
        return ["binomial", "gaussian"]
    if least >= 0 and np.all(values == np.round(values)):
        counts = ["poisson", "negative_binomial"]
        return [*counts, "gaussian"] if most < SMALL_COUNT else ["gaussian", *counts]
    if least > 0 and most < 1:
        return ["beta", "gaussian"]
    if least >= 0 and most <= 1:
        return ["gaussian", "binomial"]  # shares of trials, which the weights tell
    return ["gaussian"]
