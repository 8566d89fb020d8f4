"""One design, many outcomes: what the criterion needs of them, as lanes over groups and replicates.

With one grouping factor the sums of a model are A_j = Z_j'Z_j and W_j = Z_j'[X y] by level, N = [X y]'[X y] over all.
Only the columns of y differ between replicates. Arrays have the axes (..., J, R), replicates last.

Levels of the same A_j can be turned into each other: for any orthogonal Q over them, the rows of Q W have the same
likelihood, because it depends on the levels by sums of functions of A_j and products of the W_j only. Of n_c such
levels whose X parts span s dimensions, s lanes keep those, and the rest of y, whose X part is zero, needs q lanes
more, the Cholesky factor of its sums of squares. Balanced designs come down to a few lanes, whatever their size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mlm_widgets.fitter.lmm import Prepared
from mlm_widgets.fitter.problem import Problem

__all__ = ["Lanes", "Outcomes", "Rotation", "rotation_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

SAME = 1e-12  # relative difference of two A_j that are one: that of sums in another order
RANK = 1e-13  # relative singular value below which X spans no further dimension
NOTHING = 1e-14  # relative square of what is left of y in a direction below which it is rounding


@dataclass(frozen=True, slots=True)
class Lanes:
    """The sums of R replicates; an axis of length 1 in place of R is shared by all.

    Attributes
    ----------
    A : ndarray (q, q, J)
        Z_j'Z_j by lane.
    Wx : ndarray (q, p, J, 1)
        Z_j'X.
    Wy : ndarray (q, J, R or 1)
        Z_j'y.
    count : ndarray (J, R or 1)
        How many levels a lane stands for in sums of functions of A_j.
    times : ndarray (J, R) or None
        How often products of W_j count; None for once.
    N : ndarray (p + 1, p + 1, R)
    degrees : ndarray (R,)
        N - p for REML, n for ML.
    reml : bool
    """

    A: Floats
    Wx: Floats
    Wy: Floats
    count: Floats
    times: Floats | None
    N: Floats
    degrees: Floats
    reml: bool

    @property
    def n_replicates(self) -> int:
        """R."""
        return self.N.shape[2]

    def taken(self, chosen: Ints) -> Lanes:
        """Some of the replicates."""
        if len(chosen) == self.n_replicates:
            return self
        return replace(
            self,
            Wy=_taken(self.Wy, chosen),
            count=_taken(self.count, chosen),
            times=None if self.times is None else _taken(self.times, chosen),
            N=_taken(self.N, chosen),
            degrees=self.degrees[chosen],
        )


def _taken(values: Floats, chosen: Ints) -> Floats:
    return values if values.shape[-1] == 1 else np.take(values, chosen, axis=-1)


@dataclass(frozen=True, slots=True)
class _Turned:
    """Levels of one A: `basis` (n_c, s) turns the first s lanes out of them; the rest of y comes in q more."""

    levels: Ints
    basis: Floats


@dataclass(frozen=True, slots=True)
class Rotation:
    """How levels become lanes.

    Attributes
    ----------
    kept : ndarray
        Levels that are lanes themselves, the first of all.
    turned : tuple of _Turned
    A : ndarray (q, q, lanes), Wx : ndarray (q, p, lanes), count : ndarray (lanes,)
    """

    kept: Ints
    turned: tuple[_Turned, ...]
    A: Floats
    Wx: Floats
    count: Floats

    def of_outcomes(self, Wy: Floats) -> Floats:
        """Z_j'y by lane, (q, lanes, R), from those by level, (q, J, R)."""
        parts = [Wy[:, self.kept]] if self.turned else [Wy]
        for own in self.turned:
            W = Wy[:, own.levels]
            q, n, R = W.shape
            main = (own.basis.T @ W.transpose(1, 0, 2).reshape(n, -1)).reshape(-1, q, R).transpose(1, 0, 2)
            # what is left, taken off twice so that its squares hold no rounding of what was taken
            rest = W - _turned_back(own.basis, main)
            rest -= _turned_back(own.basis, np.tensordot(rest, own.basis, axes=(1, 0)).transpose(0, 2, 1))
            parts += [main, _root(np.einsum("ajr,bjr->abr", rest, rest))]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _turned_back(basis: Floats, main: Floats) -> Floats:
    """basis (n, s) times lanes (q, s, R): (q, n, R)."""
    return np.matmul(basis, main)


def _root(S: Floats) -> Floats:
    """Factors L of positive semi-definite lanes, S = L L', (q, q, R): columns that are rounding are zeros."""
    L, floor = np.zeros_like(S), NOTHING * np.einsum("aar->ar", S)
    for j in range(len(S)):
        pivot = S[j, j] - (L[j, :j] ** 2).sum(axis=0)
        is_there = pivot > floor[j]
        L[j, j] = np.sqrt(np.where(is_there, pivot, 0.0))
        for i in range(j + 1, len(S)):
            rest = S[i, j] - (L[i, :j] * L[j, :j]).sum(axis=0)
            L[i, j] = np.where(is_there, rest, 0.0) / np.where(is_there, L[j, j], 1.0)
    return L


def rotation_of(problem: Problem) -> Rotation:
    """The fewest lanes that the levels of `problem`'s only grouping come down to."""
    A, Wx = problem.A, problem.W[:, :-1]
    q, J = len(A), A.shape[2]
    size = np.abs(A).max(axis=2, keepdims=True)
    keys = np.round(A / np.where(size > 0, size, 1.0) / SAME).reshape(q * q, J)
    _, place, counts = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    order = np.argsort(place.ravel(), kind="stable")
    turned: list[_Turned] = []
    is_kept = np.ones(J, dtype=bool)
    for end, n in zip(np.cumsum(counts), counts, strict=True):
        levels = order[end - n : end]
        if n <= q:
            continue
        U, s, _ = np.linalg.svd(Wx[:, :, levels].reshape(-1, n).T, full_matrices=False)
        basis = U[:, s > RANK * max(s.max(initial=0.0), 1e-300)]
        if basis.shape[1] + q < n:
            turned.append(_Turned(levels, np.ascontiguousarray(basis)))
            is_kept[levels] = False
    kept = np.flatnonzero(is_kept)
    As, Ws, count = [A[:, :, kept]], [Wx[:, :, kept]], [np.ones(len(kept))]
    for own in turned:
        n, s = own.basis.shape
        As.append(np.repeat(A[:, :, own.levels[:1]], s + q, axis=2))
        Ws += [Wx[:, :, own.levels] @ own.basis, np.zeros((*Wx.shape[:2], q))]
        count.append(np.full(s + q, n / (s + q)))
    joined = [np.concatenate(parts, axis=-1) for parts in (As, Ws, count)]
    return Rotation(kept, tuple(turned), *joined)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What makes lanes of outcomes: the design's columns, and how its levels turn.

    Attributes
    ----------
    prepared : Prepared
    rotation : Rotation
    X : ndarray (p, n)
        In the coordinates of the search.
    Z : sparse array (q J, n)
    root : ndarray (n,) or None
        Square roots of the rows' weights.
    is_shifted : bool
        Whether there is an intercept, so that outcomes are centred.
    """

    prepared: Prepared
    rotation: Rotation
    X: Floats
    Z: sparse.csr_array
    root: Floats | None
    is_shifted: bool

    @classmethod
    def of(cls, prepared: Prepared) -> Outcomes:
        """Of a design with one grouping factor."""
        design, coordinates = prepared.design, prepared.coordinates
        n, J = design.n_obs, len(design.spec.groupings[0].levels)
        pointers = np.arange(n + 1)
        columns = [column.stored(n) for column in coordinates.Z[0]]
        parts = [sparse.csc_array((own, design.codes[0], pointers), shape=(J, n)) for own in columns]
        return cls(
            prepared=prepared,
            rotation=rotation_of(prepared.problem),
            X=np.array([column.stored(n) for column in coordinates.X]).reshape(-1, n),
            Z=sparse.csr_array(sparse.vstack(parts, format="csr")),
            root=coordinates.y.root,
            is_shifted=-1 in design.spec.fixed.assign,
        )

    def lanes(self, Y: Floats) -> tuple[Lanes, Floats, Floats]:
        """The sums of the outcomes Y (n, R), their centres and their scales, (R,).

        Each is centred and scaled as the one that the model was prepared for. A constant outcome has the scale 0.
        """
        design, problem = self.prepared.design, self.prepared.problem
        values = np.array(Y, dtype=np.float64, order="C")
        if design.offset is not None:
            values -= design.offset[:, None]
        n, R = values.shape
        centre = np.zeros(R)
        if self.is_shifted:
            centre = values.mean(axis=0) if design.weights is None else np.average(values, 0, design.weights)
            values -= centre
        if self.root is not None:
            values *= self.root[:, None]
        scale = np.sqrt(np.einsum("nr,nr->r", values, values) / n)
        scale[scale <= 1e-14 * np.abs(centre)] = 0.0
        unit = np.where(scale > 0, scale, 1.0)
        p, q = problem.rank, len(problem.A)
        N = np.empty((p + 1, p + 1, R))
        N[:p, :p] = problem.N[:p, :p, None]
        N[p, :p] = N[:p, p] = (self.X @ values) / unit
        N[p, p] = np.where(scale > 0, float(n), 0.0)
        Wy = self.rotation.of_outcomes((self.Z @ values / unit).reshape(q, -1, R))
        turn = self.rotation
        degrees = np.full(R, float(problem.degrees))
        return Lanes(turn.A, turn.Wx[..., None], Wy, turn.count[:, None], None, N, degrees, problem.reml), centre, scale
