"""The dense trailing block: the grouping factors beside the leading one, after that one was absorbed.

B22 = Z_2'V_1^-1 Z_2 and I + Lambda_2'B22 Lambda_2 = L_c L_c'; P = (L_c L_c')^-1, Q = Lambda_2 P Lambda_2'. Matrices are
stored by columns, and of symmetric ones the lower triangle only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.fitter.problem import Problem

__all__ = ["DenseBlock", "absorbed"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

WELL_SCALED = 1e-4  # least share of a factor's information at which its own derivative may be divided by lambda


@dataclass(frozen=True)
class DenseBlock:
    """The block at one theta.

    Attributes
    ----------
    B22 : ndarray (m, m)
        Lower triangle.
    B2W : ndarray (m, p + 1)
        Z_2'V_1^-1 [X y].
    Lc : ndarray (m, m)
    K2 : ndarray (m, p + 1)
        L_c^-1 Lambda_2' B2W.
    """

    problem: Problem
    lams: list[Floats]
    B22: Floats
    B2W: Floats
    Lc: Floats
    K2: Floats

    @property
    def log_determinant(self) -> float:
        """log |L_c L_c'|."""
        return 2.0 * float(np.log(np.diag(self.Lc)).sum())

    @cached_property
    def P(self) -> Floats:
        """(L_c L_c')^-1, lower triangle."""
        inverse, status = linalg.lapack.dpotri(self.Lc, lower=1)
        assert status == 0
        return np.asarray(inverse)

    @cached_property
    def Q(self) -> Floats:
        """Lambda_2 P Lambda_2', lower triangle."""
        scale = self.scale
        if scale is not None:
            return self.P * scale[:, None] * scale
        return self.left(self.left(mirrored(self.P)).T)

    @cached_property
    def U(self) -> Floats:
        """Q B2W, shape (m, p + 1)."""
        return self.left(linalg.solve_triangular(self.Lc, self.K2, lower=True, trans="T", check_finite=False))

    @cached_property
    def G(self) -> Floats:
        """Z_2'V^-1 [X y], shape (m, p + 1)."""
        return self.B2W - linalg.blas.dsymm(1.0, self.B22, np.asfortranarray(self.U), lower=1)

    @cached_property
    def scale(self) -> Floats | None:
        """Lambda_2 as a vector, where it is diagonal with one random effect a level."""
        return diagonal_of(self.problem, self.lams)

    def left(self, rows: Floats) -> Floats:
        """Lambda_2 @ rows."""
        return _block_left(self.problem, self.lams, rows)

    def solved(self, rows: Floats) -> Floats:
        """L_c^-1 Lambda_2' rows."""
        right = _block_left(self.problem, [lam.T for lam in self.lams], rows)
        return linalg.solve_triangular(self.Lc, right, lower=True, check_finite=False)

    def entries(self, first: Ints, second: Ints) -> Floats:
        """Q of pairs of columns."""
        return self.Q[np.maximum(first, second), np.minimum(first, second)]

    def columns(self, f: int) -> slice:
        """The columns of grouping f."""
        return self.problem.columns(f)

    def by_level(self, rows: Floats, f: int) -> Floats:
        """(m, k) rows -> (q, k, J) of grouping f."""
        q = self.problem.templates[f].q
        own = rows[self.columns(f)]
        return own.reshape(-1, q, own.shape[1]).transpose(1, 2, 0)

    def level_blocks(self, matrix: Floats, f: int) -> Floats:
        """The diagonal blocks (q, q, J) of grouping f in a symmetric matrix (lower triangle)."""
        q = self.problem.templates[f].q
        places = self.problem.offsets[f] + np.arange(len(self.problem.groupings[f].levels)) * q
        blocks = np.empty((q, q, len(places)))
        for a in range(q):
            for b in range(a + 1):
                blocks[a, b] = blocks[b, a] = matrix[places + a, places + b]
        return blocks

    def mode_blocks(self, f: int) -> Floats:
        """The diagonal blocks of Q, (q, q, J): conditional covariances of the random effects."""
        lam = self.lams[f]
        return np.einsum("ab,bcj,dc->adj", lam, self.level_blocks(self.P, f), lam)

    def trace_part(self, f: int) -> Floats:
        """sum_j Z_j'V^-1 Z_j of grouping f, shape (q, q)."""
        lam, q = self.lams[f], self.problem.templates[f].q
        if self.is_well_scaled(f):
            # lambda' D lambda is the sum of I - P_jj: no product of m^3 is needed
            diagonal = self.level_blocks(self.P, f)
            inverse = np.linalg.inv(lam)
            return np.asarray(inverse.T @ (np.eye(q) * diagonal.shape[2] - diagonal.sum(axis=2)) @ inverse)
        own, B22 = self.columns(f), mirrored(self.B22)
        rows = B22[own] - (B22[own] @ mirrored(self.Q)) @ B22
        return np.einsum("jajb->ab", rows[:, own].reshape(-1, q, len(rows) // q, q))

    def is_well_scaled(self, f: int) -> bool:
        """Whether lambda of grouping f is far enough from singular to be divided by."""
        least = np.linalg.svd(self.lams[f], compute_uv=False)[-1]
        return bool(least**2 * float(np.max(np.diag(self.B22)[self.columns(f)])) > WELL_SCALED)


def absorbed(problem: Problem, lams: list[Floats], weighted: Floats, B2W: Floats) -> DenseBlock:
    """The block after the leading factor took away `weighted` (lower triangle) from Z_2'Z_2; B2W likewise."""
    B22 = np.negative(weighted, out=weighted)
    rows = problem.A22.tocoo()
    B22[rows.row, rows.col] += rows.data
    scale = diagonal_of(problem, lams)
    transposed = [lam.T for lam in lams]
    if scale is not None:
        is_one = bool(np.all(scale == scale[0]))
        inner = B22 * scale[0] ** 2 if is_one else (B22 * scale[:, None]) * scale
    else:
        inner = np.asfortranarray(_block_left(problem, transposed, _block_left(problem, transposed, mirrored(B22)).T))
    inner[np.diag_indices_from(inner)] += 1.0
    Lc, status = linalg.lapack.dpotrf(inner, lower=1, clean=1, overwrite_a=1)
    if status != 0:
        raise np.linalg.LinAlgError("the dense block is not positive definite")
    right = _block_left(problem, transposed, B2W)
    K2 = linalg.solve_triangular(Lc, right, lower=True, check_finite=False)
    return DenseBlock(problem, lams, B22, B2W, Lc, K2)


def mirrored(lower: Floats) -> Floats:
    """The whole symmetric matrix of a lower triangle."""
    return np.tril(lower) + np.tril(lower, -1).T


def diagonal_of(problem: Problem, lams: list[Floats]) -> Floats | None:
    """Lambda_2 as a vector, or None where a grouping of the block has several random effects a level."""
    rest = [(lam, g) for f, (lam, g) in enumerate(zip(lams, problem.groupings, strict=True)) if f != problem.lead]
    if any(len(lam) > 1 for lam, _ in rest):
        return None
    return np.concatenate([np.full(len(g.levels), lam[0, 0]) for lam, g in rest])


def _block_left(problem: Problem, lams: list[Floats], rows: Floats) -> Floats:
    """blockdiag(lambda_f, one a level) @ rows."""
    result = np.empty_like(rows)
    for f, lam in enumerate(lams):
        offset, q = problem.offsets[f], len(lam)
        if f == problem.lead:
            continue
        own = slice(offset, offset + len(problem.groupings[f].levels) * q)
        if q == 1:
            np.multiply(rows[own], lam[0, 0], out=result[own])
        else:
            lanes = np.einsum("ab,jbk->jak", lam, rows[own].reshape(-1, q, rows.shape[1]))
            result[own] = lanes.reshape(-1, rows.shape[1])
    return result
