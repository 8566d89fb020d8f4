"""Population means over a grid of chosen values of the predictors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.prediction import Means, linear_means, response_means
from mlm_widgets.inference.terms import Focus, base_keys, base_variables, data_of
from mlm_widgets.inference.wald import Wald

__all__ = ["Grid", "grid_means"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Population means: `rows` has a column for each focal predictor, a row a combination of their values."""

    rows: pd.DataFrame
    means: Means


def grid_means(
    tests: Wald,
    focuses: Sequence[Focus],
    *,
    level: float,
    factors: str = "reference",
    on_response: bool = True,
    is_averaged: bool = False,
) -> Grid:
    """Population means over the grid; other numbers and the offset at their mean, other factors at `factors`.

    They are of the outcome (`on_response`), for random effects of zero or averaged over them (`is_averaged`), or are
    linear predictors.
    """
    fit = tests.fit
    combinations = list(product(*(focus.values for focus in focuses)))
    columns = {focus.key: [row[i] for row in combinations] for i, focus in enumerate(focuses)}
    n = len(combinations)
    X, variance = np.zeros((n, len(fit.design.spec.fixed.names))), np.zeros(n)
    for share, held in _held(fit, {focus.key for focus in focuses}, factors):
        values = _values_at(fit, columns, held, n)
        X += share * fit.design.spec.fixed.apply(values, n)
        if is_averaged:
            variance += share * _random_variance(fit, values, n)
    offset = 0.0 if fit.design.offset is None else float(fit.design.offset.mean())
    means = linear_means(tests, X, level, offset)
    if on_response:
        means = response_means(fit.family.link, means, np.sqrt(variance))
    rows = pd.DataFrame({focus.name: [row[i] for row in combinations] for i, focus in enumerate(focuses)})
    return Grid(rows, means)


def _held(fit: Fit, focal: set[str], factors: str) -> Iterator[tuple[float, dict[str, str]]]:
    """What the other factors are held at, with the share of each such combination."""
    if factors not in ("reference", "proportional"):
        raise OptionError(
            f"`factors` must be 'reference' or 'proportional', not {factors!r}.",
            hint="'reference' holds other factors at their first level, 'proportional' averages over their levels.",
            argument="factors",
        )
    spec = fit.design.spec
    others = [key for key in base_variables(spec) if key in spec.levels and key not in focal]
    if factors == "reference":
        yield 1.0, {key: spec.levels[key][0] for key in others}
        return
    shares = [_level_shares(fit, key) for key in others]
    for combination in product(*(share.items() for share in shares)):
        held = {key: level for key, (level, _) in zip(others, combination, strict=True)}
        yield float(np.prod([share for _, share in combination])), held


def _level_shares(fit: Fit, key: str) -> dict[str, float]:
    values = fit.design.variables[key]
    counts = np.bincount(values.codes, minlength=len(values.categories))
    return dict(zip(fit.design.spec.levels[key], (counts / counts.sum()).tolist(), strict=True))


def _values_at(fit: Fit, columns: Mapping[str, list[Any]], held: Mapping[str, str], n: int) -> dict[str, Any]:
    """All variables: the grid's, other factors at `held` or their first level, other numbers at their mean."""
    spec = fit.design.spec
    random = [key for group in fit.groups for block in group.grouping.blocks for key in block.basis.variables]
    keys = list(dict.fromkeys([*spec.fixed.variables, *random]))
    values: dict[str, Any] = {}
    for key in base_keys(keys):
        levels = spec.levels.get(key)
        if levels is not None:
            chosen = columns.get(key, [held.get(key, levels[0])] * n)
            values[key] = pd.Categorical(chosen, categories=list(levels))
        else:
            values[key] = np.asarray(
                columns[key] if key in columns else np.full(n, data_of(fit, key).mean()), dtype=float
            )
    for key in keys:
        if key not in values:
            values[key] = spec.learned[key].transform(values)
    return values


def _random_variance(fit: Fit, values: Mapping[str, Any], n: int) -> Floats:
    """z' Sigma z, the variance of the random part at these values, summed over the grouping factors, shape (n,)."""
    found = np.zeros(n)
    for group in fit.groups:
        Z = np.column_stack([block.basis.apply(values, n) for block in group.grouping.blocks])
        found += fit.sigma**2 * ((Z @ group.lam) ** 2).sum(axis=1)
    return found
