"""lambda(theta) of one grouping factor: where its free elements are, in centred coordinates.

A block of correlated effects that holds the intercept can take any covariance before and after centring, so its
template is free in the centred coordinates; elsewhere (``||``) the template is carried along,
lambda_c = H lambda(theta) scaled to start at 1 (see :mod:`mlm_widgets.fitter.coordinates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Grouping
from mlm_widgets.fitter.coordinates import is_free_block

__all__ = ["Part", "Template", "build_template"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Part:
    """A block of correlated effects of a template.

    Attributes
    ----------
    columns : slice
        Of the factor's q columns.
    places : slice
        Of the factor's theta.
    row, col : ndarray (k,)
        Place of each element in the lower triangle of the block.
    is_free : bool
        Whether the block's covariance is free in centred coordinates.
    frame : ndarray (q, width)
        The search's coordinates as a function of the block's: b_c = frame @ b_c[columns] where all other blocks are 0.
    """

    columns: slice
    places: slice
    row: Ints
    col: Ints
    is_free: bool
    frame: Floats

    @property
    def width(self) -> int:
        """Number of the block's columns."""
        return self.frame.shape[1]

    def factor(self, theta: Floats) -> Floats:
        """The block's own lower triangle, from the factor's theta."""
        found = np.zeros((self.width, self.width))
        found[self.row, self.col] = theta[self.places]
        return found


@dataclass(frozen=True, slots=True)
class Template:
    """lambda(theta) = sum_k theta_k t_k e_col[k]' for one grouping factor, in centred coordinates.

    Attributes
    ----------
    row, col : ndarray (k,)
        Place of each free element in the lower triangle.
    moves : ndarray (k, q, q)
        dlambda/dtheta_k = t_k e_col[k]'; t_k is the unit vector of `row` but for ``||`` with a shifted column.
    H : ndarray (q, q)
        b_c = H b.
    parts : tuple of Part
        Block by block.
    """

    row: Ints
    col: Ints
    moves: Floats
    H: Floats
    parts: tuple[Part, ...]

    @property
    def q(self) -> int:
        """Columns of the grouping factor."""
        return len(self.H)

    @property
    def start(self) -> Floats:
        """Theta of the unit matrix."""
        return np.asarray(self.row == self.col, dtype=np.float64)

    def matrix(self, theta: Floats) -> Floats:
        """lambda(theta), shape (q, q)."""
        lam = theta @ self.moves.reshape(len(theta), -1)
        return np.asarray(lam.reshape(self.H.shape), dtype=np.float64)

    def of_user(self, theta: Floats) -> Floats:
        """Theta of these coordinates from theta of the user's."""
        found = np.empty_like(theta)
        for part in self.parts:
            half = self.H[part.columns, part.columns] @ part.factor(theta)
            found[part.places] = np.asarray(np.linalg.qr(half.T, mode="r")).T[part.row, part.col]
        return found

    def ordered(self, orders: tuple[tuple[int, ...], ...]) -> Template:
        """The template whose blocks are lower triangular in another order of their effects, (order) by part."""
        directions = np.zeros_like(self.H)
        directions[self.row] = self.moves.sum(axis=2)
        parts = zip(self.parts, orders, strict=True)
        row = np.concatenate([part.columns.start + np.array(order)[part.row] for part, order in parts])
        moves = directions[row][:, :, None] * np.eye(self.q)[self.col][:, None]
        return Template(row, self.col, moves, self.H, self.parts)

    def pull_back(self, slope: Floats) -> Floats:
        """d/dtheta from d/dlambda (q, q), shape (k,)."""
        return np.asarray(self.moves.reshape(len(self.row), -1) @ slope.ravel())


@cache
def _triangle(width: int) -> tuple[Ints, Ints]:
    """Rows and columns of a lower triangle, column after column."""
    col, row = np.triu_indices(width)
    return row, col


def build_template(grouping: Grouping, H: Floats) -> Template:
    """The template of `grouping`, whose coordinates are b_c = H b."""
    parts: list[Part] = []
    end = 0
    for block in grouping.blocks:
        own = slice(block.columns.start, block.columns.stop)
        row, col = _triangle(len(block.columns))
        places = slice(end, end := end + len(row))
        frame = H[:, own] @ np.linalg.inv(H[own, own])
        parts.append(Part(own, places, row, col, is_free_block(grouping, block), frame))
    rows = np.concatenate([part.columns.start + part.row for part in parts])
    cols = np.concatenate([part.columns.start + part.col for part in parts])
    unit = np.eye(len(H))
    directions = unit[rows]
    carried = np.concatenate([np.full(len(part.row), not part.is_free) for part in parts])
    if carried.any():
        directions[carried] = (H[:, rows] / np.diag(H)[rows]).T[carried]
    return Template(rows, cols, directions[:, :, None] * unit[cols][:, None], H, tuple(parts))
