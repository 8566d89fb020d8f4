"""The numbers of a predictions chart: which term is x, lines or panels, and the predicted means over their grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import OptionError
from mlm_widgets.plots.series import MOST_LINES, Values
from mlm_widgets.plots.surface import PlottedModel

__all__ = ["Grid", "Terms", "predicted_grid", "rows_of"]

Terms: TypeAlias = str | Sequence[str] | Mapping[str, Any]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

MOST_PANELS = 12
_MIDDLE = (0.01, 0.99)
"""Lines run over the middle 98 % of x: no prediction where there are no data."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Predicted means: one entry a grid point.

    ``x`` is the value of the x term (its place among the levels for a factor), ``line`` and ``panel`` are places
    among the values of `lines` and `panels` (0 where there is none); ``mean``, ``low``, ``high`` are the prediction
    and its interval.
    """

    x_name: str
    x_label: str
    x_levels: tuple[str, ...]
    lines: Values | None
    panels: Values | None
    x: Floats
    line: Ints
    panel: Ints
    mean: Floats
    low: Floats
    high: Floats

    @property
    def n_lines(self) -> int:
        """Lines in a panel."""
        return len(self.lines.values) if self.lines else 1

    @property
    def n_panels(self) -> int:
        """Panels."""
        return len(self.panels.values) if self.panels else 1

    @property
    def is_factor(self) -> bool:
        """Points over the levels of a factor, not lines over a number."""
        return bool(self.x_levels)

    def keep(self, kept: npt.NDArray[np.bool_]) -> Grid:
        """Only some of the grid points."""
        return replace(
            self,
            x=self.x[kept],
            line=self.line[kept],
            panel=self.panel[kept],
            mean=self.mean[kept],
            low=self.low[kept],
            high=self.high[kept],
        )


def predicted_grid(model: PlottedModel, terms: Terms, level: float, groups: str = "typical") -> Grid:
    """Predictions of a typical group, or averaged over groups, for x, lines (the next term) and panels (the third).

    x is the first number whose values are left open, else the first such factor.
    """
    wanted = _wanted(model, terms)
    x_name = _x_term(model, wanted)
    ordered = {x_name: wanted[x_name], **{name: how for name, how in wanted.items() if name != x_name}}
    is_linear = model.family.is_linear
    frame = model.predictions(ordered, level=level, **({} if is_linear else {"groups": groups}))
    # By place: a column of the data may be called "estimate" too.
    columns = {name: frame.iloc[:, i] for i, name in enumerate(ordered)}
    numbers = frame.iloc[:, len(ordered) :]
    mean, low, high = (numbers[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
    others = [_values(model, name, columns[name], how) for name, how in ordered.items() if name != x_name]
    lines, panels = _roles(others)
    x_levels = () if model.column_kind(x_name) == "number" else _levels(model, x_name, columns[x_name])
    grid = Grid(
        x_name,
        label_of_predictor(model, x_name),
        x_levels,
        lines,
        panels,
        _places(columns[x_name], x_levels).astype(float) if x_levels else columns[x_name].to_numpy(dtype=float),
        _places(columns[lines.name], lines.values) if lines else np.zeros(len(frame), dtype=np.int64),
        _places(columns[panels.name], panels.values) if panels else np.zeros(len(frame), dtype=np.int64),
        mean,
        low,
        high,
    )
    return grid if x_levels or wanted[x_name] is not None else _where_data_are(model, grid)


def label_of_predictor(model: PlottedModel, name: str) -> str:
    """What a predictor is called where people read: "ses (within school)", and "sector" for "C(sector)"."""
    if model.column_kind(name) != "number":
        return model.predictor_label(name)[0]
    info = model.term_info()
    return next((str(label) for term, label in zip(info["term"], info["label"], strict=True) if term == name), name)


def rows_of(model: PlottedModel, term: Values | None) -> Ints:
    """The value that each row of the data belongs to: its level (-1: none of them), or the nearest number."""
    if term is None:
        return np.zeros(len(model.data), dtype=np.int64)
    column = model.data[term.name]
    if not term.is_number:
        place = {str(value): i for i, value in enumerate(term.values)}
        return np.array([place.get(str(value), -1) for value in column], dtype=np.int64)
    values = np.array([float(str(value)) for value in term.values])
    distance = np.abs(column.to_numpy(dtype=float)[:, None] - values)
    nearest: Ints = distance.argmin(axis=1).astype(np.int64)
    return nearest


def _wanted(model: PlottedModel, terms: Terms) -> dict[str, Any]:
    """Predictors of the model and what is asked of their values."""
    wanted = model.focal_terms(terms)
    if not 1 <= len(wanted) <= 3 or len(wanted) != (1 if isinstance(terms, str) else len(terms)):
        raise OptionError(
            f"terms must be one to three different predictors, not {list(terms)!r}.",
            hint="The first number runs along x, the next term makes the lines, the third the panels.",
            argument="terms",
        )
    return wanted


def _x_term(model: PlottedModel, wanted: Mapping[str, Any]) -> str:
    numbers = [name for name in wanted if model.column_kind(name) == "number"]
    open_numbers = [name for name in numbers if wanted[name] is None]
    open_factors = [name for name in wanted if wanted[name] is None]
    return (open_numbers or open_factors or numbers or list(wanted))[0]


def _values(model: PlottedModel, name: str, column: pd.Series[Any], how: Any) -> Values:
    if model.column_kind(name) != "number":
        return Values(name, _levels(model, name, column), "levels", label_of_predictor(model, name))
    label = label_of_predictor(model, name)
    values = tuple(sorted({float(value) for value in column}))
    return Values(name, values, "sd" if how is None else how if isinstance(how, str) else "given", label)


def _levels(model: PlottedModel, name: str, column: pd.Series[Any]) -> tuple[str, ...]:
    present = {str(value) for value in column}
    return tuple(level for level in model.column_levels(name) if level in present)


def _roles(others: Sequence[Values]) -> tuple[Values | None, Values | None]:
    """Lines and panels; more than four lines become panels."""
    lines = others[0] if others else None
    panels = others[1] if len(others) > 1 else None
    if lines and len(lines.values) > MOST_LINES:
        if panels and len(panels.values) > MOST_LINES:
            raise _too_many(lines, MOST_LINES, "lines")
        lines, panels = panels, lines
    if panels and len(panels.values) > MOST_PANELS:
        raise _too_many(panels, MOST_PANELS, "panels")
    return lines, panels


def _too_many(term: Values, most: int, what: str) -> OptionError:
    example = {term.name: [value if not term.is_number else float(str(value)) for value in term.values[:2]]}
    return OptionError(
        f"{term.name!r} takes {len(term.values)} values, and the chart has room for {most} {what}.",
        hint=f"Choose some of them, as in {example!r}.",
        argument="terms",
    )


def _places(column: pd.Series[Any], values: Sequence[object]) -> Ints:
    place = {value: i for i, value in enumerate(values)}
    if all(isinstance(value, float) for value in values):
        return np.array([place[float(value)] for value in column], dtype=np.int64)
    return np.array([place[str(value)] for value in column], dtype=np.int64)


def _where_data_are(model: PlottedModel, grid: Grid) -> Grid:
    """Within each panel, only the middle 98 % of the x of its rows."""
    if grid.panels is None:
        return grid
    rows = rows_of(model, grid.panels)
    x = model.data[grid.x_name].to_numpy(dtype=float)
    kept = np.zeros(len(grid.x), dtype=bool)
    for panel in range(grid.n_panels):
        here = x[rows == panel]
        mine = grid.panel == panel
        if len(here):
            low, high = np.quantile(here, _MIDDLE)
            inside = mine & (grid.x >= low - 1e-9) & (grid.x <= high + 1e-9)
            kept |= inside if len(np.unique(grid.x[inside])) > 1 else mine
        else:
            kept |= mine
    return grid.keep(kept)
