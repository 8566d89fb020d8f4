"""A model's design with another number of groups, or groups of another size.

Groups are copies of those at hand, with rows, predictors, weights and offset; so are rows within a group. How many
times each is taken differs by one at most, and what is taken once more, or is left in a smaller design, is spread
evenly in the order of the predictors: of the rows of a group, of the groups' means. So a smaller design has treated and
untreated groups in the proportions of the whole, and early and late occasions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.errors import OptionError
from mlm_widgets.inference.resampling import resampled, rows_of_groups
from mlm_widgets.inference.simulation import Effects, Truth

__all__ = ["extended"]

Ints = npt.NDArray[np.intp]


def extended(truth: Truth, place: int, n_groups: int | None, group_size: int | None) -> Truth:
    """`truth` with `n_groups` groups of the factor in `place`, of `group_size` rows each; None leaves it as it is.

    Raises
    ------
    OptionError
        If `n_groups` is less than 2.
    """
    design = truth.design
    n_now = len(design.spec.groupings[place].levels)
    if n_groups is None and group_size is None:
        return truth
    if n_groups is not None and n_groups < 2:
        raise OptionError(f"`n_groups` must be at least 2, not {n_groups}.", argument="n_groups")
    rows_of = rows_of_groups(design, place)
    if group_size is not None:
        rows_of = [np.sort(_ordered(design, rows)[_spread(len(rows), group_size)]) for rows in rows_of]
    draws = np.arange(n_now) if n_groups is None else _by_predictors(design, place)[_spread(n_now, n_groups)]
    # levels stay in the order of the data, so that one more group changes the others' numbers little
    design = resampled(design, place, np.sort(draws), rows_of)
    return replace(truth, design=design, effects=tuple(Effects(own.place, own.lam) for own in truth.effects))


def _spread(n: int, wanted: int) -> Ints:
    """`wanted` places among n, each as often as the others but for one, those spread evenly."""
    rest = wanted % n
    once_more = ((np.arange(rest) + 0.5) * n / max(rest, 1)).astype(np.intp)
    return np.concatenate([np.tile(np.arange(n), wanted // n), once_more])


def _ordered(design: Design, rows: Ints) -> Ints:
    """Rows in the order of their predictors, the first predictor first."""
    return np.asarray(rows[np.lexsort([column[rows] for column in reversed(design.fixed)])])


def _by_predictors(design: Design, place: int) -> Ints:
    """Groups in the order of their predictors' means, the first predictor first."""
    codes, n = design.codes[place], len(design.spec.groupings[place].levels)
    counts = np.bincount(codes, minlength=n)
    means = [np.bincount(codes, weights=column, minlength=n) / counts for column in design.fixed]
    return np.lexsort([np.round(own, 9) for own in reversed(means)])
