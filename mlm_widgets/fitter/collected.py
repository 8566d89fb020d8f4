"""The distinct columns of a model, centred and scaled, with their cross products.

A column that X and Z share, or that several groupings have, is one. No shifted, scaled or weighted column is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.errors import DataError
from mlm_widgets.fitter.levels import LevelSums
from mlm_widgets.linalg import ONE, Column, chunks, cross_products

__all__ = ["Collected", "Made", "Weighing"]

Floats = npt.NDArray[np.float64]

CONSTANT = 1e-14  # share of its mean below which a column's deviations are rounding
NO_SIZE = 1e-150  # its square is no number


class Weighing:
    """Weights relative to their mean, and their roots."""

    def __init__(self, weights: Floats | None, n: int) -> None:
        self.n = n
        self.weights = weights
        self.mean = 1.0 if weights is None else float(weights.mean())
        self.root: Floats | None = None
        self.log_sum = 0.0
        if weights is not None:
            self.root = weights / self.mean
            self.log_sum = sum(float(np.log(self.root[rows]).sum()) for rows in chunks(n, 2))
            np.sqrt(self.root, out=self.root)


class Collected:
    """The distinct columns of a model, as they are in the data."""

    def __init__(self, weighing: Weighing, design: Design) -> None:
        self.weighing = weighing
        self.totals = [(design.variables[key], total) for key, total in design.totals.items()]
        self.names: list[tuple[str, bool]] = []
        self.values: list[Floats] = []

    def add_all(self, columns: Sequence[Floats], names: Sequence[str], intercept: int | None) -> list[int]:
        """Places of the columns; -1 for the intercept. The others are shifted where there is one."""
        return [
            -1 if k == intercept else self.add(name, column, is_shifted=intercept is not None)
            for k, (name, column) in enumerate(zip(names, columns, strict=True))
        ]

    def add(self, name: str, values: Floats, *, is_shifted: bool) -> int:
        """The place of a column; one that X and Z share is one."""
        key = (name, is_shifted)
        for place, known in enumerate(self.names):
            if known == key and (self.values[place] is values or np.array_equal(self.values[place], values)):
                return place
        self.names.append(key)
        self.values.append(values)
        return len(self.values) - 1

    def made(self, sums: LevelSums | None = None, left: Sequence[int] = (), right: Sequence[int] = ()) -> Made:
        """The columns centred and scaled, the intercept the last of them, and their cross products.

        The sums by level of the products of `left` and `right` are made on the way: they add up to cross products.

        Raises
        ------
        DataError
            If a column holds numbers that cannot be squared.
        """
        weighing = self.weighing
        centres = self._centres()
        columns = [Column(v, c, 1.0, weighing.root) for v, c in zip(self.values, centres, strict=True)]
        columns.append(ONE if weighing.root is None else Column(root=weighing.root))
        known: dict[tuple[int, int], float] = {}
        if sums is not None:
            totals = sums.totals([columns[place] for place in left], [columns[place] for place in right])
            k = len(columns)  # -1, the intercept's place, is the last
            for a, own in zip(left, totals.tolist(), strict=True):
                for b, total in zip(right, own, strict=True):
                    known[max(a % k, b % k), min(a % k, b % k)] = total
        products = cross_products(columns, weighing.n, known)
        size = np.sqrt(np.diag(products) / weighing.n)
        if not np.isfinite(size).all():
            values = self.values[int(np.flatnonzero(~np.isfinite(size))[0])]
            raise DataError(
                f"A column holds values as large as {np.abs(values).max():.1e}, too large to be squared.",
                hint="Change its unit, or look for a code of missing values.",
                argument="data",
            )
        size[-1] = 1.0
        size[:-1][size[:-1] <= np.maximum(CONSTANT * np.abs(centres), NO_SIZE)] = 0.0
        scale = np.where(size > 0, size, np.inf)
        columns[:-1] = [own.with_scale(s) for own, s in zip(columns[:-1], scale[:-1].tolist(), strict=True)]
        return Made(columns, products / scale[:, None] / scale, size.tolist(), weighing.n)

    def _centres(self) -> list[float]:
        """Means of the columns that are shifted, those of the data's columns from their sums; else 0."""
        return [
            self._mean(values) if is_shifted else 0.0
            for values, (_, is_shifted) in zip(self.values, self.names, strict=True)
        ]

    def _mean(self, values: Floats) -> float:
        weights, n = self.weighing.weights, self.weighing.n
        if weights is None:
            known = [total for own, total in self.totals if own is values]
            return (known[0] if known else float(values.sum())) / n
        return float(values @ weights) / (n * self.weighing.mean)


@dataclass(frozen=True, slots=True)
class Made:
    """Columns of unit mean square (of zeros where `size` is 0), and their cross products."""

    columns: list[Column]
    products: Floats
    size: list[float]
    n: int

    def products_of(self, places: Sequence[int]) -> Floats:
        """Cross products of some of the columns."""
        return self.products[np.ix_(places, places)]
