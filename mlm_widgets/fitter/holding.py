"""Coordinates in which one parameter of a model can be held: for profiles of the likelihood.

Standard deviations and correlations are nonlinear functions of theta. But in a Cholesky factor L of the covariance
whose first effect is a, L_11 is the standard deviation of a; and with a and b first, the second row is (t sin phi,
t cos phi) with sin phi the correlation and t the standard deviation of b. So with one of them held, L is linear in what
is left:

    full = offset(c) + M(c) x

c the held coordinate (a standard deviation, phi, log sigma, ...) and x the free ones. The derivative of the optimum in
c follows from the gradient there (the envelope theorem).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.template import Part, Template

__all__ = ["Holding", "lower_factor", "turned_part", "turned_template"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Holding:
    """Which coordinate of the `size` full ones is held.

    Attributes
    ----------
    kind : {"place", "angle"}
        One coordinate itself; or phi, of the two coordinates `places` = (t sin phi, t cos phi). Of the free
        coordinates t then stands where the first of the two was.
    places : tuple of int
    size : int
    diagonal : tuple of int
        Full coordinates that are diagonal elements of factors: zero is stationary there, minimum or not.
    lead : int
        Of an angle: the place of the first effect's standard deviation. Its sign and that of t must agree.
    """

    kind: Literal["place", "angle"]
    places: tuple[int, ...]
    size: int
    diagonal: tuple[int, ...] = ()
    lead: int = -1

    def _free(self) -> list[int]:
        return [k for k in range(self.size) if k != self.places[-1]]

    def offset(self, c: float) -> Floats:
        """The full coordinates at x = 0, (size,)."""
        found = np.zeros(self.size)
        if self.kind == "place":
            found[self.places[0]] = c
        return found

    def directions(self, c: float) -> Floats:
        """M(c), (size, size - 1)."""
        free = self._free()
        M = np.zeros((self.size, len(free)))
        M[free, range(len(free))] = 1.0
        if self.kind == "angle":
            M[list(self.places), free.index(self.places[0])] = np.sin(c), np.cos(c)
        return M

    def along(self, c: float, x: Floats) -> Floats:
        """d full / dc at fixed x, (size,)."""
        found = np.zeros(self.size)
        if self.kind == "place":
            found[self.places[0]] = 1.0
        else:
            found[list(self.places)] = x[self._free().index(self.places[0])] * np.array([np.cos(c), -np.sin(c)])
        return found

    def curvature(self, c: float, x: Floats, hessian: Floats) -> float:
        """d2d/dc2 along the profile, from the Hessian in full coordinates; 0 where that is not positive."""
        along, M = self.along(c, x), self.directions(c)
        inner = M.T @ hessian @ along
        reduced = along @ hessian @ along - inner @ np.linalg.pinv(M.T @ hessian @ M, rcond=1e-10) @ inner
        return max(float(reduced), 0.0)

    def split(self, full: Floats) -> tuple[float, Floats]:
        """(c, x) of the full coordinates; an angle of two zeros is not a number."""
        x = full[self._free()]
        if self.kind == "place":
            return float(full[self.places[0]]), x
        first, second = full[list(self.places)]
        size = float(np.hypot(first, second))
        x[self._free().index(self.places[0])] = size
        return float(np.arcsin(np.clip(first / size, -1.0, 1.0))) if size > 0 else float("nan"), x

    def free_diagonal(self) -> list[int]:
        """Places in x of standard deviations: diagonal elements, and t."""
        free = self._free()
        wanted = set(self.diagonal) | ({self.places[0]} if self.kind == "angle" else set())
        return [free.index(k) for k in sorted(wanted) if k in free]

    def signs(self) -> tuple[int, int] | None:
        """Places in x of the two numbers whose product is to be positive; None where there are no such."""
        if self.kind == "place":
            return None
        free = self._free()
        return free.index(self.lead), free.index(self.places[0])


def turned_part(template: Template, part: Part, effects: tuple[int, ...]) -> tuple[Floats, Floats]:
    """T (width, width) and lengths: b' = T b_c begins with `effects` (of the block), divided by their lengths."""
    own = part.columns
    back = np.linalg.inv(template.H[own, own])[list(effects)]
    lengths = np.linalg.norm(back, axis=1)
    rows = back / lengths[:, None]
    _, _, V = np.linalg.svd(rows)
    return np.vstack([rows, V[len(effects) :]]), lengths


def turned_template(template: Template, part: Part, T: Floats) -> Template:
    """`template` with the block `part` factored in the coordinates T b_c: theta are the elements of that factor."""
    directions = part.frame @ np.linalg.inv(T)
    moves = template.moves.copy()
    unit = np.eye(template.q)
    for place, row, col in zip(range(part.places.start, part.places.stop), part.row, part.col, strict=True):
        moves[place] = np.outer(directions[:, row], unit[part.columns.start + col])
    return replace(template, moves=moves)


def lower_factor(half: Floats) -> Floats:
    """The lower triangular factor, with a diagonal that is not negative, of half half'."""
    lower = np.asarray(np.linalg.qr(half.T, mode="r")).T
    return np.asarray(lower * np.where(np.diag(lower) < 0, -1.0, 1.0))
