"""The trailing block where few of its entries are not zero.

Such are nested factors of any depth, and crossed ones whose levels meet in places only. The fronts of
:mod:`mlm_widgets.fitter.elimination` are absorbed one after another (:mod:`mlm_widgets.fitter.fronts`); backwards, only
those entries of Q are made that the gradient needs (Takahashi, Fagan & Chen 1973; Erisman & Tinney 1975, CACM 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.block import WELL_SCALED
from mlm_widgets.fitter.elimination import Elimination, Stage
from mlm_widgets.fitter.fronts import DenseFront, Front, LaneFronts
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.sparse_crossing import SparseCrossing

__all__ = ["SparseBlock", "eliminated"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SparseBlock:
    """The block at one theta.

    Attributes
    ----------
    fronts : list
        In the order of elimination.
    B2W : ndarray (m, p + 1)
        Z_2'V_1^-1 [X y].
    """

    problem: Problem
    lams: list[Floats]
    fronts: list[Front]
    B2W: Floats

    scale = None  # Lambda_2 is not kept as a vector

    @property
    def _plan(self) -> Elimination:
        assert isinstance(self.problem.crossing, SparseCrossing)
        return self.problem.crossing.plan

    @cached_property
    def log_determinant(self) -> float:
        """log |I + Lambda_2'B22 Lambda_2|."""
        return sum(front.log_determinant for front in self.fronts)

    @cached_property
    def _forward(self) -> tuple[Floats, Floats]:
        return self._reduced(self.B2W)

    @property
    def K2(self) -> Floats:
        """L^-1 Lambda_2'B2W, (m, p + 1), up to the order of its rows."""
        return self._forward[1]

    def solved(self, rows: Floats) -> Floats:
        """L^-1 Lambda_2'rows, up to the order of rows."""
        return self._reduced(rows)[1]

    def _reduced(self, rows: Floats) -> tuple[Floats, Floats]:
        """Rows as each front found them, and L^-1 Lambda_2' of them."""
        W, K = rows.copy(), np.empty_like(rows)
        for front in self.fronts:
            pivots, joined = _split(front.stage)
            own = front.half(_taken(W, pivots, front.stage))
            K[pivots] = _put(own, front.stage)
            if len(joined):
                _subtract(W, joined, front.reduced(own), front.stage)
        return W, K

    @cached_property
    def _backward(self) -> tuple[Floats, Floats]:
        W, K = self._forward
        U, G = np.empty_like(W), np.empty_like(W)
        for front in reversed(self.fronts):
            pivots, joined = _split(front.stage)
            above = _taken(U, joined, front.stage)
            own = front.solved(_taken(K, pivots, front.stage), above)
            U[pivots] = _put(own, front.stage)
            G[pivots] = _put(front.left(_taken(W, pivots, front.stage), above, own), front.stage)
        return U, G

    @property
    def U(self) -> Floats:
        """Q B2W, (m, p + 1)."""
        return self._backward[0]

    @property
    def G(self) -> Floats:
        """Z_2'V^-1 [X y], (m, p + 1)."""
        return self._backward[1]

    @cached_property
    def Q(self) -> Floats:
        """The entries of Q that have a place in the store."""
        store = np.empty(self._plan.n_entries)
        for front in reversed(self.fronts):
            stage, k = front.stage, front.stage.n_pivots
            view = _view(store, stage)
            above = self._joined(store, stage)
            own, beside = front.inverse(above)
            view[:k, :k], view[:k, k:], view[k:, :k], view[k:, k:] = own, beside, beside.transpose(1, 0, 2), above
        return store

    def _joined(self, store: Floats, stage: Stage) -> Floats:
        """The entries of the joined columns, (r, r, B), in the parents' fronts."""
        return store[stage.above[:, None] + stage.beside]

    def entries(self, first: Ints, second: Ints) -> Floats:
        """Q of pairs of columns."""
        return self.Q[self._plan.places(first, second)]

    def columns(self, f: int) -> slice:
        """The columns of grouping f."""
        return self.problem.columns(f)

    def by_level(self, rows: Floats, f: int) -> Floats:
        """(m, k) rows -> (q, k, J) of grouping f."""
        own = rows[self.columns(f)]
        return own.reshape(-1, len(self.lams[f]), own.shape[1]).transpose(1, 2, 0)

    def mode_blocks(self, f: int) -> Floats:
        """The diagonal blocks of Q, (q, q, J): conditional covariances of the random effects."""
        own, q = self.columns(f), len(self.lams[f])
        starts = np.arange(own.start, own.stop, q)
        found = np.empty((q, q, len(starts)))
        for a in range(q):
            for b in range(a + 1):
                found[a, b] = found[b, a] = self.entries(starts + a, starts + b)
        return found

    def trace_part(self, f: int) -> Floats:
        """sum_j Z_j'V^-1 Z_j of grouping f, (q, q)."""
        if self.is_well_scaled(f):
            # lambda'D lambda is the sum of I - P_jj: the products of each front are saved
            inverse, blocks = np.linalg.inv(self.lams[f]), self.mode_blocks(f)
            P = inverse @ blocks.sum(axis=2) @ inverse.T
            return np.asarray(inverse.T @ (np.eye(len(P)) * blocks.shape[2] - P) @ inverse)
        found = np.zeros((len(self.lams[f]),) * 2)
        for front in self.fronts:
            k = front.stage.n_pivots
            if f in dict(front.stage.parts):
                found += front.information(_view(self.Q, front.stage)[k:, k:], f)
        return found

    def is_well_scaled(self, f: int) -> bool:
        """Whether lambda of grouping f is far enough from singular to be divided by."""
        least = np.linalg.svd(self.lams[f], compute_uv=False)[-1]
        return bool(least**2 * self._largest[f] > WELL_SCALED)

    @cached_property
    def _largest(self) -> dict[int, float]:
        """The largest diagonal entry of F_kk, by grouping."""
        found = dict.fromkeys(range(len(self.lams)), 0.0)
        for front in self.fronts:
            diagonal = np.einsum("aa...->a...", front.Fkk)
            for f, part in front.stage.parts:
                found[f] = max(found[f], float(diagonal[part].max()))
        return found


def eliminated(problem: Problem, lams: list[Floats], store: Floats, B2W: Floats) -> SparseBlock:
    """The block of B22, whose entries `store` has and which is written over."""
    assert isinstance(problem.crossing, SparseCrossing)
    fronts: list[Front] = []
    for stage in problem.crossing.plan.stages:
        front = (DenseFront if stage.is_dense else LaneFronts)(stage, lams, _view(store, stage))
        fronts.append(front)
        if len(stage.above):
            k = stage.n_pivots
            rest = _view(store, stage)[k:, k:] - front.passed_on
            places = stage.above[:, None] + stage.beside
            if stage.is_dense:
                store[places] += rest
            else:
                np.add.at(store, places.ravel(), rest.ravel())
        del front.passed_on
    return SparseBlock(problem, lams, fronts, B2W)


def _view(store: Floats, stage: Stage) -> Floats:
    n, B = stage.columns.shape
    return store[stage.offset : stage.offset + stage.size].reshape(n, n, B)


def _split(stage: Stage) -> tuple[Ints, Ints]:
    columns = stage.columns[:, 0] if stage.is_dense else stage.columns
    return columns[: stage.n_pivots], columns[stage.n_pivots :]


def _taken(rows: Floats, columns: Ints, stage: Stage) -> Floats:
    """Rows of a front: (k, c), or lanes (k, c, B)."""
    return rows[columns] if stage.is_dense else np.ascontiguousarray(rows[columns].transpose(0, 2, 1))


def _put(own: Floats, stage: Stage) -> Floats:
    return own if stage.is_dense else own.transpose(0, 2, 1)


def _subtract(rows: Floats, columns: Ints, own: Floats, stage: Stage) -> None:
    if stage.is_dense:
        rows[columns] -= own
        return
    for c in range(rows.shape[1]):
        rows[:, c] -= np.bincount(columns.ravel(), weights=own[:, c].ravel(), minlength=len(rows))
