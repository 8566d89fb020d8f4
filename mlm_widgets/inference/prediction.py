"""Predictions: fitted values for new rows, and population means over a grid of chosen values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from mlm_widgets.design import DesignSpec, Rows, variables_of
from mlm_widgets.errors import DataError, OptionError, closest
from mlm_widgets.fitter import Fit
from mlm_widgets.formula import Call, Name, columns_of, parse_factor, quote_name
from mlm_widgets.inference.satterthwaite import satterthwaite_df, standard_errors

__all__ = [
    "Focus",
    "Grid",
    "base_variables",
    "grid_means",
    "key_of",
    "linear_means",
    "offset_of",
    "predict_rows",
    "read_terms",
    "resolve_terms",
    "shown_name",
]

Floats = npt.NDArray[np.float64]

GRID_POINTS = 41
MIDDLE = 0.98  # of a focal predictor's values: no prediction where there are hardly data
FEW_VALUES = 5  # a number with so few distinct values is shown at each of them
BRACKETS = re.compile(r"^(?P<name>.+?)\s*\[(?P<values>[^\[\]]*)\]$", re.DOTALL)
PRESETS = ("grid", "sd", "quartiles", "range")


@dataclass(frozen=True, slots=True)
class Focus:
    """A predictor of a grid: the name the user gave, the variable it sets, and its values."""

    name: str
    key: str
    values: tuple[Any, ...]
    is_factor: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """Population means: a row a combination of the focal predictors' values.

    `rows` has a column for each focal predictor; `estimate`, `std_error`, `df` and the limits are of length len(rows).
    """

    rows: pd.DataFrame
    estimate: Floats
    std_error: Floats
    df: Floats
    lower: Floats
    upper: Floats


def linear_means(
    fit: Fit, X: Floats, level: float, df_method: str, offset: Floats | float = 0.0
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """X beta + offset with standard errors, degrees of freedom and limits; X (k, p) over the design's columns."""
    L = X[:, fit.kept]
    estimate = L @ fit.beta + offset
    std_error = standard_errors(fit, L)
    df = satterthwaite_df(fit, L) if df_method == "satterthwaite" else np.full(len(L), np.inf)
    reach = stats.t.ppf(0.5 + level / 2, df) * std_error
    return estimate, std_error, df, estimate - reach, estimate + reach


def predict_rows(fit: Fit, rows: Rows, groupings: Sequence[str], new_levels: str) -> Floats:
    """X beta plus the random effects of `groupings`, shape (n,); a level that was not seen adds nothing.

    Raises
    ------
    OptionError
        If a level was not seen and `new_levels` is "error".
    """
    spec = fit.design.spec
    result = spec.fixed_matrix(rows)[:, fit.kept] @ fit.beta
    for group in fit.groups:
        if group.grouping.name not in groupings:
            continue
        codes = spec.group_codes(group.grouping, rows)
        if new_levels == "error" and (codes < 0).any():
            place = int(np.flatnonzero(codes < 0)[0])
            raise OptionError(
                f"Row {place} of `newdata` is of a level of “{group.grouping.name}” that the model has not seen.",
                hint="Use new_levels='population' to predict the average group there.",
                argument="newdata",
            )
        modes = np.column_stack([group.modes, np.zeros(len(group.modes))])
        result = result + np.einsum("iq,qi->i", spec.random_matrix(group.grouping, rows), modes[:, codes])
    return result


def offset_of(fit: Fit, rows: Rows) -> Floats | float:
    """The offset of `rows`, from the expression that the model names; 0 where there is none."""
    if fit.design.offset is None:
        return 0.0
    values = fit.design.spec.offset_values(rows)
    if values is None:
        raise DataError(
            "The model has an offset that was given as an array, so the offset of new rows is not known.",
            hint="Fit with the offset as a column of the data, offset='name', and give that column in `newdata`.",
            argument="newdata",
        )
    return values


# -- grids ------------------------------------------------------------------------------------------------------------


def read_terms(fit: Fit, terms: Sequence[str] | Mapping[str, Any] | str) -> dict[str, Any]:
    """Predictors by the names given, with what was asked of their values: from names, ``"x [0, 7]"``, or a dict.

    A name is a variable's (see `shown_name`), or that of a column that enters the model in one way only.

    Raises
    ------
    OptionError
        If a name is no predictor of the model, or stands for several.
    """
    if not isinstance(terms, (str, Mapping, list, tuple)):
        raise OptionError(
            f"`terms` must be a list of names or a dict, not {type(terms).__name__}.",
            hint='Write ["ses", "sector"] or {"ses": None, "sector": ["Public"]}.',
            argument="terms",
        )
    given: dict[str, Any] = dict(terms) if isinstance(terms, Mapping) else {}
    if not isinstance(terms, Mapping):
        for text in [terms] if isinstance(terms, str) else terms:
            name, values = _split(fit, text)
            given[name] = values
    if not given:
        raise OptionError("`terms` is empty: name one predictor or more.", argument="terms")
    for name in given:
        key_of(fit, name)
    return given


def resolve_terms(fit: Fit, terms: Sequence[str] | Mapping[str, Any] | str) -> list[Focus]:
    """Focal predictors with their values (see `read_terms`), under the names that were given.

    Raises
    ------
    OptionError
        If a name is no predictor of the model, or the values are not of its kind.
    """
    wanted = read_terms(fit, terms)
    focuses: list[Focus] = []
    for name, values in wanted.items():
        has_axis = any(not focus.is_factor for focus in focuses)
        focuses.append(_focus(fit, name, values, is_first_number=not has_axis))
    return focuses


def grid_means(fit: Fit, focuses: Sequence[Focus], *, level: float, df_method: str, factors: str = "reference") -> Grid:
    """Population means over the grid; other numbers and the offset at their mean, other factors at `factors`."""
    combinations = list(product(*(focus.values for focus in focuses)))
    columns = {focus.key: [row[i] for row in combinations] for i, focus in enumerate(focuses)}
    X = _grid_matrix(fit, columns, len(combinations), {focus.key for focus in focuses}, factors)
    offset = 0.0 if fit.design.offset is None else float(fit.design.offset.mean())
    estimate, std_error, df, lower, upper = linear_means(fit, X, level, df_method, offset)
    rows = pd.DataFrame({focus.name: [row[i] for row in combinations] for i, focus in enumerate(focuses)})
    return Grid(rows, estimate, std_error, df, lower, upper)


def base_variables(spec: DesignSpec) -> list[str]:
    """Keys of the variables of the fixed part that can be set: those computed from others (scale, center) are not."""
    found: list[str] = []
    for key in spec.fixed.variables:
        expression = parse_factor(key)
        if isinstance(expression, Call) and expression.function in ("center", "scale"):
            found.extend(variables_of(expression.arguments[0][1]))
        else:
            found.append(key)
    return list(dict.fromkeys(found))


def shown_name(key: str) -> str:
    """What a person calls the variable `key`: a column without backticks, else its text in the formula."""
    expression = parse_factor(key)
    return expression.name if isinstance(expression, Name) else key


def _split(fit: Fit, text: str) -> tuple[str, Any]:
    """`HOMEWORK [0, 7]` -> name and values; a name that holds brackets itself stays whole."""
    if not isinstance(text, str):
        raise OptionError(f"`terms` must hold names, not {type(text).__name__}.", argument="terms")
    match = BRACKETS.match(text)
    if match is None or _key_of(fit, text) is not None:
        return text, None
    inside = match["values"].strip()
    if inside in PRESETS:
        return match["name"], inside
    items = [item.strip() for item in inside.split(",") if item.strip()]
    return match["name"], [_number_or_text(item) for item in items]


def _number_or_text(item: str) -> float | str:
    try:
        return float(item)
    except ValueError:
        return item


def _key_of(fit: Fit, name: str) -> str | None:
    """The variable that `name` means: itself, else the one that is made of that column."""
    keys = base_variables(fit.design.spec)
    for key in (quote_name(name), name):
        if key in keys:
            return key
    made = [key for key in keys if columns_of(parse_factor(key))[:1] == [name]]
    return made[0] if len(made) == 1 else None


def _focus(fit: Fit, name: str, values: Any, *, is_first_number: bool) -> Focus:
    key = key_of(fit, name)
    levels = fit.design.spec.levels.get(key)
    if levels is not None:
        return Focus(name, key, _chosen_levels(name, values, levels), is_factor=True)
    data = _data_of(fit, key)
    return Focus(name, key, _chosen_numbers(name, values, data, is_first_number), is_factor=False)


def key_of(fit: Fit, name: str) -> str:
    """The variable that `name` means.

    Raises
    ------
    OptionError
        If it means none, or several.
    """
    key = _key_of(fit, str(name))
    if key is None:
        raise _not_a_predictor(fit, str(name))
    return key


def _not_a_predictor(fit: Fit, name: str) -> OptionError:
    keys = base_variables(fit.design.spec)
    made = [key for key in keys if columns_of(parse_factor(key))[:1] == [name]]
    if made:
        return OptionError(
            f"“{name}” enters the model in several ways: {', '.join(made)}.", hint="Name one of them.", argument="terms"
        )
    names = [shown_name(key) for key in keys]
    near = closest(name, names)
    hint = f"Closest: {', '.join(near)}." if near else f"The predictors are: {', '.join(names) or 'none'}."
    return OptionError(f"“{name}” is not a predictor of the model.", hint=hint, argument="terms")


def _data_of(fit: Fit, key: str) -> Floats:
    """Values of a numeric base variable on the rows used."""
    return np.asarray(fit.design.variables[key], dtype=np.float64)


def _chosen_levels(name: str, values: Any, levels: tuple[str, ...]) -> tuple[str, ...]:
    if values is None or (isinstance(values, str) and values in PRESETS):
        return levels
    listed = values if np.iterable(values) and not isinstance(values, str) else [values]
    chosen = [_level_name(value) for value in listed]
    unknown = [value for value in chosen if value not in levels]
    if unknown or not chosen:
        raise OptionError(
            f"“{name}” has no level “{unknown[0] if unknown else ''}”.",
            hint=f"Its levels: {', '.join(levels)}.",
            argument="terms",
        )
    return tuple(chosen)


def _level_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _chosen_numbers(name: str, values: Any, data: Floats, is_first_number: bool) -> tuple[float, ...]:
    distinct = np.unique(data)
    if values is None:
        if len(distinct) <= FEW_VALUES and not is_first_number:
            return tuple(distinct.tolist())
        values = "grid" if is_first_number else "sd"
    if isinstance(values, str):
        return _preset(name, values, data)
    try:
        chosen = [float(value) for value in (values if np.iterable(values) else [values])]
    except (TypeError, ValueError):
        chosen = []
    if not chosen or not np.all(np.isfinite(chosen)):
        raise OptionError(
            f"The values of “{name}” must be numbers, not {values!r}.",
            hint=f"Give a list such as [0, 1], or one of {', '.join(PRESETS)}.",
            argument="terms",
        )
    return tuple(chosen)


def _preset(name: str, preset: str, data: Floats) -> tuple[float, ...]:
    mean, sd = float(data.mean()), float(data.std(ddof=1))
    if preset == "sd":
        return (mean - sd, mean, mean + sd)
    if preset == "quartiles":
        return tuple(np.quantile(data, [0.25, 0.5, 0.75]).tolist())
    if preset == "range":
        return (float(data.min()), float(data.max()))
    if preset == "grid":
        low, high = np.quantile(data, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2])
        return tuple(np.linspace(low, high, GRID_POINTS).tolist())
    raise OptionError(
        f"The values of “{name}” cannot be “{preset}”.",
        hint=f"Give a list of numbers, or one of {', '.join(PRESETS)}.",
        argument="terms",
    )


def _grid_matrix(fit: Fit, columns: Mapping[str, list[Any]], n: int, focal: set[str], factors: str) -> Floats:
    if factors not in ("reference", "proportional"):
        raise OptionError(
            f"`factors` must be 'reference' or 'proportional', not {factors!r}.",
            hint="'reference' holds other factors at their first level, 'proportional' averages over their levels.",
            argument="factors",
        )
    spec = fit.design.spec
    others = [key for key in base_variables(spec) if key in spec.levels and key not in focal]
    if factors == "reference":
        return _matrix_at(fit, columns, {key: spec.levels[key][0] for key in others}, n)
    shares = [_level_shares(fit, key) for key in others]
    X = np.zeros((n, len(spec.fixed.names)))
    for combination in product(*(share.items() for share in shares)):
        held = {key: level for key, (level, _) in zip(others, combination, strict=True)}
        X += float(np.prod([share for _, share in combination])) * _matrix_at(fit, columns, held, n)
    return X


def _level_shares(fit: Fit, key: str) -> dict[str, float]:
    values = fit.design.variables[key]
    counts = np.bincount(values.codes, minlength=len(values.categories))
    return dict(zip(fit.design.spec.levels[key], (counts / counts.sum()).tolist(), strict=True))


def _matrix_at(fit: Fit, columns: Mapping[str, list[Any]], held: Mapping[str, str], n: int) -> Floats:
    """X at the grid's values, other factors at `held`, other numbers at their mean."""
    spec = fit.design.spec
    values: dict[str, Any] = {}
    for key in base_variables(spec):
        levels = spec.levels.get(key)
        if levels is not None:
            chosen = columns.get(key, [held.get(key, "")] * n)
            values[key] = pd.Categorical(chosen, categories=list(levels))
        else:
            values[key] = np.asarray(
                columns[key] if key in columns else np.full(n, _data_of(fit, key).mean()), dtype=float
            )
    for key in spec.fixed.variables:
        if key not in values:
            values[key] = spec.learned[key].transform(values)
    return spec.fixed.apply(values, n)
