"""Design -> `Arrays`: columns in the coordinates of the search, rows sorted by the leading grouping factor.

Where eta has the outcome's units (or a power of them) the columns are multiplied by its size, so that the parameters
have none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design, Grouping
from mlm_widgets.errors import FitError
from mlm_widgets.families import Family
from mlm_widgets.fitter.coordinates import centred_design
from mlm_widgets.fitter.glmm.arrays import Arrays, RandomRows
from mlm_widgets.fitter.template import build_template
from mlm_widgets.linalg import Column

__all__ = ["MAX_REST", "GlmmProblem", "build_arrays"]

Floats = npt.NDArray[np.float64]

MAX_REST = 6_000  # random effects of the factors beside the leading one: they form a dense matrix


@dataclass(frozen=True)
class GlmmProblem:
    """The arrays of a model, and how its parameters go back to the user's coordinates.

    Attributes
    ----------
    arrays : Arrays
    groupings : tuple of Grouping
        In the order of `arrays.factors`: the leading one first.
    source : tuple of int
        Place of each in the design.
    to_user : ndarray (p, p)
        beta = to_user @ beta_c.
    kept : ndarray (p,)
        Columns of the design's X that are no linear combinations of those before them.
    """

    arrays: Arrays
    groupings: tuple[Grouping, ...]
    source: tuple[int, ...]
    to_user: Floats
    kept: npt.NDArray[np.intp]


def build_arrays(design: Design, family: Family) -> GlmmProblem:
    """The arrays of `design`.

    Raises
    ------
    FitError
        If the factors beside the largest have too many random effects, or there are fewer rows than fixed effects.
    DesignError
        If no predictor varies, or a random slope's column is constant.
    """
    _check_sizes(design)
    n = design.n_obs
    plain = replace(design, y=np.linspace(-1.0, 1.0, n), weights=None, offset=None)  # for its X and Z alone
    coordinates = centred_design(plain)
    source, size = _by_effects(design), _size_of_eta(design, family)
    groupings = tuple(design.spec.groupings[f] for f in source)
    codes = design.codes[source[0]]
    order = None if np.all(codes[1:] >= codes[:-1]) else np.argsort(codes, kind="stable")

    def sorted_rows(values: Any) -> Any:
        return values if values is None or order is None else values[order]

    factors = [
        RandomRows(
            sorted_rows(design.codes[f]),
            len(design.spec.groupings[f].levels),
            [_sized(sorted_rows(_stored(column, n)), size, n) for column in coordinates.Z[f]],
        )
        for f in source
    ]
    X = np.empty((len(coordinates.kept), n))
    for row, column in zip(X, coordinates.X, strict=True):
        values = _stored(column, n)
        row[:] = size if values is None else size * sorted_rows(values)
    arrays = Arrays(
        family=family,
        y=sorted_rows(design.y),
        trials=sorted_rows(design.trials),
        weights=sorted_rows(design.weights),
        offset=sorted_rows(design.offset),
        X=X,
        factors=tuple(factors),
        templates=tuple(build_template(g, coordinates.H[f] / size) for g, f in zip(groupings, source, strict=True)),
    )
    to_user = coordinates.scaling.to_user * (size / coordinates.scaling.y_scale)
    return GlmmProblem(arrays, groupings, source, to_user, coordinates.kept)


def _size_of_eta(design: Design, family: Family) -> float:
    """What eta is like where the link is a power of the mean, and so has the outcome's units; else 1."""
    if family.link.name not in ("identity", "inverse", "sqrt", "1/mu^2"):
        return 1.0
    size = float(np.abs(family.link.forward(np.array(design.y.mean()))))
    return size if np.isfinite(size) and size > 0.0 else 1.0


def _sized(values: Floats | None, size: float, n: int) -> Floats | None:
    if size == 1.0:
        return values
    return np.full(n, size) if values is None else size * values


def _stored(column: Column, n: int) -> Floats | None:
    """The column as an array; None for ones."""
    return None if column.is_one else column.stored(n)


def _by_effects(design: Design) -> tuple[int, ...]:
    """Places of the groupings: the one with the most random effects, then by decreasing number of levels."""
    groupings = design.spec.groupings
    by_levels = sorted(range(len(groupings)), key=lambda f: -len(groupings[f].levels))
    lead = max(by_levels, key=lambda f: len(groupings[f].levels) * len(groupings[f].names))
    return (lead, *(f for f in by_levels if f != lead))


def _check_sizes(design: Design) -> None:
    n, p = design.n_obs, len(design.spec.fixed.names)
    if n <= p:
        raise FitError(
            f"There are {n:,} rows for {p:,} fixed effects: at least {p + 1:,} rows are needed.",
            hint="Use fewer predictors, or more data.",
        )
    effects = sorted(len(g.levels) * len(g.names) for g in design.spec.groupings)
    if sum(effects[:-1]) > MAX_REST:
        raise FitError(
            f"The grouping factors beside the largest have {sum(effects[:-1]):,} random effects in all; "
            f"at most {MAX_REST:,} are carried in a generalized model.",
            hint="Use fewer levels or fewer random slopes in the smaller grouping factors.",
        )
