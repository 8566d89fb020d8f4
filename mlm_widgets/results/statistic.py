"""What a person's own function of a model gives, as named numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference import Statistic

__all__ = ["statistic_of"]

Floats = npt.NDArray[np.float64]


def statistic_of(function: Callable[[Any], Any], fit: Fit, to_model: Callable[[Fit], Any]) -> Statistic:
    """`function` of models, checked and named by what it gives of `fit`.

    Raises
    ------
    OptionError
        If it is no function, or gives something else than numbers, always equally many.
    """
    if not callable(function):
        raise OptionError(
            f"`statistic` must be a function of a model, not {function!r}.",
            hint="Write statistic=lambda m: m.icc().adjusted.",
            argument="statistic",
        )
    first = function(to_model(fit))
    names = _names(first, getattr(function, "__name__", "statistic"))
    values = _values(first)

    def of(own: Fit) -> Floats:
        found = _values(function(to_model(own)))
        if len(found) != len(values):
            raise OptionError(
                f"`statistic` gave {len(found)} numbers for a replicate, but {len(values)} for the model.",
                hint="It must give equally many for every model.",
                argument="statistic",
            )
        return found

    return Statistic(names, of)


def _values(given: Any) -> Floats:
    if isinstance(given, Mapping):
        given = list(given.values())
    try:
        values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.empty((0, 0))
    if values.ndim != 1 or not len(values):
        raise OptionError(
            f"`statistic` must give a number, or a list, dict or Series of numbers, not {given!r}.",
            argument="statistic",
        )
    return values


def _names(given: Any, name: str) -> tuple[str, ...]:
    if isinstance(given, pd.Series):
        return tuple(map(str, given.index))
    if isinstance(given, Mapping):
        return tuple(map(str, given))
    name = "statistic" if name == "<lambda>" else name
    k = len(_values(given))
    return (name,) if k == 1 else tuple(f"{name}_{i + 1}" for i in range(k))
