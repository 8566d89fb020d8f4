"""Predictors of a grid: which variables a person names, and the values that they are set to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import DesignSpec, variables_of
from mlm_widgets.errors import OptionError, closest
from mlm_widgets.fitter import Fit
from mlm_widgets.formula import Call, Name, columns_of, parse_factor, quote_name

__all__ = ["Focus", "base_keys", "base_variables", "data_of", "key_of", "read_terms", "resolve_terms", "shown_name"]

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


def base_variables(spec: DesignSpec) -> list[str]:
    """Keys of the variables of the fixed part that can be set: those computed from others (scale, center) are not."""
    return base_keys(spec.fixed.variables)


def base_keys(keys: Sequence[str]) -> list[str]:
    """The variables that `keys` are, or are computed from."""
    found: list[str] = []
    for key in keys:
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
    data = data_of(fit, key)
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


def data_of(fit: Fit, key: str) -> Floats:
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
