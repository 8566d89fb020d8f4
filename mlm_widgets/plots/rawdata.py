"""Data behind predictions: a sample of rows, or shares of successes where an outcome has two values.

Points at 0 and 1 say little; the share of successes among a tenth of the rows is what a probability is compared with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError
from mlm_widgets.plots.digits import decimals_for
from mlm_widgets.plots.grid import Grid, rows_of
from mlm_widgets.plots.scale import observed
from mlm_widgets.plots.surface import PlottedModel
from mlm_widgets.plots.theme import Spec

__all__ = ["raw_rows", "raw_words", "shows_shares", "x_place"]

Floats = npt.NDArray[np.float64]

_SAMPLED = 100  # raw rows for each line and panel
_SEED = 20240
_BINS = 10
_LEAST_BIN = 5  # rows: a share of fewer is hardly one
_DODGE = 0.16  # between the points of two lines, as a share of the distance between levels
_JITTER = 0.05


def x_place(grid: Grid, line: int) -> float:
    """How far the points of a line stand beside those of the middle one: over a factor they are dodged."""
    return (line - (grid.n_lines - 1) / 2) * _DODGE if grid.is_factor else 0.0


def raw_rows(model: PlottedModel, grid: Grid) -> list[Spec]:
    """Data for each line and panel, in the range of x that the panel shows: sampled rows, or shares of successes."""
    y = observed(model)
    if y is None:
        raise OptionError(f"raw=True needs the outcome as a column, and {model.outcome!r} is computed.", argument="raw")
    draw = np.random.default_rng(_SEED)
    x, jitter = _raw_x(model, grid)
    lines, panels = rows_of(model, grid.lines), rows_of(model, grid.panels)
    has_shares = shows_shares(model)
    digits = decimals_for(float(np.ptp(grid.x)) or 1.0, 4), decimals_for(float(np.ptp(y)) or 1.0, 3) + has_shares
    rows: list[Spec] = []
    for panel in range(grid.n_panels):
        here = grid.x[grid.panel == panel]
        shown = (panels == panel) & (x >= here.min()) & (x <= here.max())
        for line in range(grid.n_lines):
            among = np.flatnonzero(shown & (lines == line))
            beside = x_place(grid, line)
            if has_shares:
                found = _shares(x[among], y[among], is_factor=grid.is_factor)
            else:
                taken = np.sort(draw.permutation(among)[:_SAMPLED])
                moved = x[taken] + draw.uniform(-jitter, jitter, size=len(taken))
                found = [{"x": float(own), "y": float(value)} for own, value in zip(moved, y[taken], strict=True)]
            rows += [
                {
                    "p": panel,
                    "k": line,
                    **row,
                    "x": round(row["x"] + beside, digits[0]),
                    "y": round(row["y"], digits[1]),
                }
                for row in found
            ]
    return rows


def _shares(x: Floats, y: Floats, *, is_factor: bool) -> list[dict[str, float]]:
    """Mean x, share of successes and number of rows: of each level, or of tenths of the rows in the order of x."""
    if is_factor:
        parts = [np.flatnonzero(x == level) for level in np.unique(x)]
    else:
        n_bins = max(1, min(_BINS, len(x) // _LEAST_BIN))
        edges = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1))) if len(x) else x
        place = np.searchsorted(edges[1:-1], x, side="right")  # equal x stand in one bin
        parts = [np.flatnonzero(place == i) for i in np.unique(place)]
    return [{"x": float(x[part].mean()), "y": float(y[part].mean()), "n": len(part)} for part in parts if len(part)]


def _raw_x(model: PlottedModel, grid: Grid) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    column = model.data[grid.x_name]
    if not grid.is_factor:
        return column.to_numpy(dtype=float), 0.0
    place = {level: float(i) for i, level in enumerate(grid.x_levels)}
    return np.array([place.get(str(value), -1.0) for value in column]), _JITTER


def shows_shares(model: PlottedModel) -> bool:
    """Whether data are shown as shares: where the outcome has two values."""
    y = observed(model) if model.family.name == "binomial" else None
    return y is not None and bool(np.all((y == 0) | (y == 1)))


def raw_words(model: PlottedModel, grid: Grid, *, has_others: bool) -> str:
    """What the points are; shares are of rows with all values of the predictors that are not shown."""
    each = ["colour" if grid.is_factor else "line"] * (grid.n_lines > 1) + ["panel"] * (grid.n_panels > 1)
    of_each = f" for each {' and '.join(each)}" if each else ""
    if shows_shares(model):
        whatever = ", whatever the other predictors" if has_others else ""
        return f"shares observed {'by level' if grid.is_factor else 'in tenths of the rows'}{of_each}{whatever}"
    return f"at most {_SAMPLED} sampled rows{of_each}"
