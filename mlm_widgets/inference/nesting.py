"""Whether one model is a special case of another, as far as their designs tell.

The smaller's fixed columns are linear combinations of the larger's; and each of its blocks of correlated random effects
lies within one block of the larger, on a grouping factor that forms the same groups (`batch:cask` and a column that
numbers the casks do). Several blocks within one are that block with correlations of zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.fitter import Fit

__all__ = ["has_same_fixed", "what_is_not_nested"]

Floats = npt.NDArray[np.float64]

INSIDE = 1e-7  # relative residual of a column that lies in the span of others: R's tolerance of a pivoted QR


def has_same_fixed(first: Fit, second: Fit) -> bool:
    """Whether the fixed parts are the same columns, in any order: then REML criteria compare."""
    own, other = dict(_fixed_columns(first)), dict(_fixed_columns(second))
    return own.keys() == other.keys() and all(np.allclose(own[name], other[name], rtol=1e-12) for name in own)


def what_is_not_nested(small: Fit, large: Fit) -> str | None:
    """What keeps `small` from being a special case of `large`, for a sentence; None where it is one.

    Both models are of the same rows, outcome and family.
    """
    if small.family.link.name != large.family.link.name:
        return "their links differ"
    if not _same(small.design.weights, large.design.weights, 1.0):
        return "their prior weights differ"
    if not _same(small.design.offset, large.design.offset, 0.0):
        return "their offsets differ"
    if not _spans(large.design.X[:, large.kept], small.design.X[:, small.kept]):
        return "the fixed part of one is no special case of the other's"
    for f, grouping in enumerate(small.design.spec.groupings):
        for block in grouping.blocks:
            Z = small.design.Z[f][:, block.start : block.columns.stop]
            if not _holds_block(large.design, small.design.codes[f], Z):
                return f"the random effects of “{grouping.name}” of one are no special case of the other's"
    return None


def _fixed_columns(fit: Fit) -> list[tuple[str, Floats]]:
    return [(name, fit.design.X[:, k]) for name, k in zip(fit.names, fit.kept, strict=True)]


def _same(first: Floats | None, second: Floats | None, default: float) -> bool:
    if first is None and second is None:
        return True
    one = default if first is None else first
    two = default if second is None else second
    return bool(np.allclose(one, two, rtol=1e-12))


def _spans(columns: Floats, others: Floats) -> bool:
    """Whether `others` (n, k) are linear combinations of `columns` (n, p)."""
    if others.shape[1] > columns.shape[1]:
        return False
    Q, _ = np.linalg.qr(columns)
    left = others
    for _ in range(2):
        left = left - Q @ (Q.T @ left)
    return bool(np.all(np.linalg.norm(left, axis=0) <= INSIDE * np.linalg.norm(others, axis=0)))


def _holds_block(design: Design, codes: npt.NDArray[np.int64], Z: Floats) -> bool:
    """Whether a block of `design` on the same groups spans the columns `Z`."""
    for f, grouping in enumerate(design.spec.groupings):
        if not _is_same_partition(codes, design.codes[f]):
            continue
        if any(_spans(design.Z[f][:, own.start : own.columns.stop], Z) for own in grouping.blocks):
            return True
    return False


def _is_same_partition(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> bool:
    """Whether the groups are the same, under whatever names."""
    n_first, n_second = int(first.max()) + 1, int(second.max()) + 1
    if n_first != n_second:
        return False
    partner = np.full(n_first, -1, dtype=np.int64)
    partner[first] = second
    return bool(np.all(partner[first] == second)) and len(np.unique(partner)) == n_second
