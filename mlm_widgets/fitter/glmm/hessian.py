"""H = I + Lambda' Z' W Z Lambda in blocks.

The leading factor is in lanes, the rest is one dense block. With L_j L_j' = I + lambda_1' A_j lambda_1 by level of the
leading factor and T = L^-1 lambda_1' A_12 at the pairs that occur: B22 = A_22 - T'T, C = I + Lambda_2' B22 Lambda_2 =
L_c L_c', and log|H| = 2 log|L| + 2 log|L_c|.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.linalg import backward, cholesky, forward, log_diagonal, product

__all__ = ["Factored", "RowsOfPairs", "factored"]

Floats = npt.NDArray[np.float64]
Effects = list[Floats]  # by factor, (q, J)

DENSE = 20_000  # entries of the leading factor against the rest that are held as a full table
SLAB = 4_000_000


class RowsOfPairs:
    """Values (q_1, n) at the pairs (level of the leading factor, column of the rest), as q_1 sparse matrices.

    The pairs are sorted by level; `entry` says which entry of the values each row pattern gives (see `_pair_columns`).
    """

    def __init__(self, arrays: Arrays) -> None:
        n_levels, m = arrays.factors[0].n_levels, arrays.n_rest
        levels, columns = [], []
        for rows, own, pairs in zip(arrays.factors[1:], arrays.columns[1:], arrays.lead_pairs, strict=True):
            for c in range(rows.q):
                levels.append(pairs.first)
                columns.append(own.start + pairs.second * rows.q + c)
        level, column = np.concatenate(levels), np.concatenate(columns)
        order = np.lexsort((column, level))
        is_ordered = bool(np.all(order[1:] > order[:-1]))
        self.order: npt.NDArray[np.intp] | slice = slice(None) if is_ordered else order
        self.level, self.column = level[self.order], column[self.order]
        self.pointers = np.concatenate([[0], np.cumsum(np.bincount(level, minlength=n_levels))])
        self.shape = (n_levels, m)
        self.is_dense = n_levels * m <= max(DENSE, 8 * len(level))

    def matrix(self, values: Floats) -> sparse.csr_array | Floats:
        """The matrix (J_1, m) of values at the pairs."""
        if self.is_dense:
            full = np.zeros(self.shape)
            full[self.level, self.column] = values
            return full
        return sparse.csr_array((values, self.column, self.pointers), shape=self.shape)

    def by_level(self, values: Floats) -> Floats:
        """Sums at the pairs, by level (J_1,)."""
        return np.asarray(np.bincount(self.level, weights=values, minlength=self.shape[0]), dtype=np.float64)


@dataclass(frozen=True)
class Factored:
    """H at given weights, factored.

    Attributes
    ----------
    arrays : Arrays
    lams : list of ndarray (q, q)
    A : ndarray (q_1, q_1, J_1)
        Z_1'WZ_1.
    L : ndarray (q_1, q_1, J_1)
    A12, T : ndarray (q_1, n_pairs) or None
    T_rows : list of (J_1, m) matrices
        T, one for each of the q_1 random effects of a level.
    B22 : ndarray (m, m) or None
    Lc : ndarray (m, m) or None
    """

    arrays: Arrays
    pattern: RowsOfPairs | None
    lams: list[Floats]
    A: Floats
    L: Floats
    A12: Floats
    T: Floats
    T_rows: list[sparse.csr_array | Floats]
    B22: Floats
    Lc: Floats

    @property
    def log_determinant(self) -> float:
        """log |H|."""
        own = 2.0 * log_diagonal(self.L)
        return own if self.pattern is None else own + 2.0 * float(np.log(np.diag(self.Lc)).sum())

    def solve(self, right: Effects) -> Effects:
        """H^-1 right."""
        k1 = forward(self.L, right[0][:, None, :])[:, 0]
        if self.pattern is None:
            return [backward(self.L, k1[:, None, :])[:, 0]]
        r2 = _joined(right[1:])
        crossed = sum(T.T @ k for T, k in zip(self.T_rows, k1, strict=True))
        s2 = linalg.cho_solve((self.Lc, True), r2 - self._right(crossed), check_finite=False)
        moved = self.left(s2)
        k1 = k1 - np.array([T @ moved for T in self.T_rows])
        return [backward(self.L, k1[:, None, :])[:, 0], *self._parted(s2)]

    def left(self, values: Floats) -> Floats:
        """Lambda_2 @ values (m, ...)."""
        return _blocks(self.arrays, self.lams, values)

    def _right(self, values: Floats) -> Floats:
        """Lambda_2' @ values."""
        return _blocks(self.arrays, [lam.T for lam in self.lams], values)

    def _parted(self, values: Floats) -> Effects:
        found = []
        for rows, own in zip(self.arrays.factors[1:], self.arrays.columns[1:], strict=True):
            found.append(np.ascontiguousarray(values[own].reshape(rows.n_levels, rows.q).T))
        return found

    @cached_property
    def P(self) -> Floats:
        """C^-1 (m, m)."""
        inverse, status = linalg.lapack.dpotri(self.Lc, lower=1)
        assert status == 0
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)

    @cached_property
    def Q22(self) -> Floats:
        """Lambda_2 C^-1 Lambda_2'."""
        return self.left(self.left(self.P).T)

    @cached_property
    def TQ(self) -> Floats:
        """T Q22 at the pairs, (q_1, n_pairs)."""
        assert self.pattern is not None
        pattern = self.pattern
        if pattern.is_dense:
            return np.array([(T @ self.Q22)[pattern.level, pattern.column] for T in self.T_rows])
        found = np.empty_like(self.T)
        width = max(1, SLAB // pattern.shape[1])
        for start in range(0, pattern.shape[0], width):
            own = slice(pattern.pointers[start], pattern.pointers[min(start + width, pattern.shape[0])])
            level, column = pattern.level[own] - start, pattern.column[own]
            for a, T in enumerate(self.T_rows):
                found[a, own] = (T[start : start + width] @ self.Q22)[level, column]
        return found

    @cached_property
    def inverse_lead(self) -> Floats:
        """The diagonal blocks of H^-1 of the leading factor, (q_1, q_1, J_1)."""
        q = len(self.L)
        eye = np.zeros_like(self.L)
        for a in range(q):
            eye[a, a] = 1.0
        half = forward(self.L, eye)  # L^-1
        inner = product(half.transpose(1, 0, 2), half)
        if self.pattern is None:
            return inner
        outer = product(half.transpose(1, 0, 2), product(self._tqt, half))
        return inner + outer

    @cached_property
    def _tqt(self) -> Floats:
        assert self.pattern is not None
        return self._at_levels(self.TQ, self.T)

    def _at_levels(self, left: Floats, right: Floats) -> Floats:
        assert self.pattern is not None
        q = len(left)
        found = np.empty((q, q, self.pattern.shape[0]))
        for a in range(q):
            for b in range(q):
                found[a, b] = self.pattern.by_level(left[a] * right[b])
        return found

    def mode_covariance(self, f: int) -> Floats:
        """Lambda H^-1 Lambda', the diagonal blocks of factor f: the conditional covariance of b, (q, q, J)."""
        return _sandwiched(self.lams[0].T, self.inverse_lead) if f == 0 else self.rest_blocks(self.Q22, f)

    def leverages(self) -> Floats:
        """z_i' Lambda H^-1 Lambda' z_i by row, (n,)."""
        arrays, lead = self.arrays, self.arrays.factors[0]
        found = lead.forms(self.mode_covariance(0))
        if self.pattern is None:
            return found
        at_pairs = np.empty_like(self.T)
        at_pairs[:, self.pattern.order] = -self._lam_back(self.TQ)
        start = 0
        for f, (rows, own, pairs) in enumerate(
            zip(arrays.factors[1:], arrays.columns[1:], arrays.lead_pairs, strict=True), 1
        ):
            for c in range(rows.q):
                values = at_pairs[:, start : start + len(pairs.first)]
                start += len(pairs.first)
                inner = sum(lead.times(values[a][pairs.place], a) for a in range(lead.q))
                found += rows.times(2.0 * np.asarray(inner), c)
            found += rows.forms(self.rest_blocks(self.Q22, f))
            for g in range(1, f):
                found += self._between(f, g, own)
        return found

    def _between(self, f: int, g: int, own: slice) -> Floats:
        arrays = self.arrays
        rows, others, pairs = arrays.factors[f], arrays.factors[g], arrays.rest_pairs[f, g]
        total = np.zeros(len(rows.codes))
        for c in range(rows.q):
            for d in range(others.q):
                column = arrays.columns[g].start + pairs.second * others.q + d
                at = self.Q22[own.start + pairs.first * rows.q + c, column]
                total += 2.0 * rows.times(others.times(at[pairs.place], d), c)
        return total

    def _lam_back(self, values: Floats) -> Floats:
        """lambda_1 L^-T values at the pairs."""
        assert self.pattern is not None
        L = self.L[:, :, self.pattern.level]
        return self.lams[0] @ backward(L, values[:, None, :])[:, 0]

    def rest_blocks(self, matrix: Floats, f: int) -> Floats:
        """The diagonal blocks (q, q, J) of factor f of the rest in an m x m matrix."""
        rows, own = self.arrays.factors[f], self.arrays.columns[f]
        places = own.start + np.arange(rows.n_levels) * rows.q
        a, b = np.meshgrid(np.arange(rows.q), np.arange(rows.q), indexing="ij")
        return np.asarray(matrix[places + a[:, :, None], places + b[:, :, None]])

    def trace_part(self, f: int) -> Floats:
        """sum_j [Z'WZ Lambda H^-1]_jj of factor f, (q, q)."""
        if f == 0:
            lam = self.lams[0]
            found = product(self.A, _left(lam, self.inverse_lead)).sum(axis=2)
            return np.asarray(found if self.pattern is None else found - self._crossed_trace())
        rows, own = self.arrays.factors[f], self.arrays.columns[f]
        B = self.B22[own].reshape(rows.n_levels, rows.q, -1)
        moved = self.left(self.P)[:, own].T.reshape(rows.n_levels, rows.q, -1)
        return np.asarray(np.einsum("jak,jbk->ab", B, moved))

    def _crossed_trace(self) -> Floats:
        """sum_j (A_12 Q22 T')_jj L^-1."""
        inner = self._at_levels(self.A12, self.TQ)
        # X L^-1 = (L^-T X')'
        return np.asarray(backward(self.L, inner.transpose(1, 0, 2)).sum(axis=2).T)


def factored(arrays: Arrays, pattern: RowsOfPairs | None, lams: list[Floats], weights: Floats) -> Factored:
    """H at the weights W = diag(weights).

    Raises
    ------
    LinAlgError
        If it is not positive definite.
    """
    lead, lam = arrays.factors[0], lams[0]
    A = lead.couples(weights)
    M = _sandwiched(lam, A)
    for a in range(len(lam)):
        M[a, a] += 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        L = cholesky(M)
    if not (np.isfinite(L).all() and all((L[a, a] > 0.0).all() for a in range(len(lam)))):
        raise np.linalg.LinAlgError("H is not positive definite")
    empty = np.empty((0, 0))
    if pattern is None:
        return Factored(arrays, None, lams, A, L, empty, empty, [], empty, empty)
    A12 = _crossed_sums(arrays, pattern, weights)
    T = forward(L[:, :, pattern.level], (lam.T @ A12)[:, None, :])[:, 0]
    B22 = _rest_sums(arrays, weights)
    matrices = [pattern.matrix(values) for values in T]
    for matrix in matrices:
        square = matrix.T @ matrix
        B22 -= square.toarray() if sparse.issparse(square) else square
    inner = _blocks(arrays, [each.T for each in lams], _blocks(arrays, [each.T for each in lams], B22).T)
    inner[np.diag_indices_from(inner)] += 1.0
    Lc, status = linalg.lapack.dpotrf(inner, lower=1, clean=1)
    if status != 0:
        raise np.linalg.LinAlgError("H is not positive definite")
    return Factored(arrays, pattern, lams, A, L, A12, T, matrices, B22, Lc)


def _left(lam: Floats, A: Floats) -> Floats:
    """lam A_j, lane by lane."""
    return (lam @ A.reshape(len(lam), -1)).reshape(A.shape)


def _sandwiched(lam: Floats, A: Floats) -> Floats:
    """lam' A_j lam for symmetric lanes A (q, q, J)."""
    half = _left(lam.T, A)
    return _left(lam.T, np.ascontiguousarray(half.transpose(1, 0, 2)))


def _crossed_sums(arrays: Arrays, pattern: RowsOfPairs, weights: Floats) -> Floats:
    """Z_1'WZ_2 at the pairs, (q_1, n_pairs)."""
    lead = arrays.factors[0]
    parts = []
    for rows, pairs in zip(arrays.factors[1:], arrays.lead_pairs, strict=True):
        for c in range(rows.q):
            own = rows.times(weights, c)
            parts.append(np.array([pairs.sums(lead.times(own, a)) for a in range(lead.q)]))
    return np.concatenate(parts, axis=1)[:, pattern.order]


def _rest_sums(arrays: Arrays, weights: Floats) -> Floats:
    """Z_2'WZ_2 (m, m)."""
    m = arrays.n_rest
    found = np.zeros((m, m))
    for f, (rows, own) in enumerate(zip(arrays.factors, arrays.columns, strict=True)):
        if f == 0:
            continue
        places = own.start + np.arange(rows.n_levels) * rows.q
        a, b = np.meshgrid(np.arange(rows.q), np.arange(rows.q), indexing="ij")
        found[places + a[:, :, None], places + b[:, :, None]] = rows.couples(weights)
        for g in range(1, f):
            others, pairs = arrays.factors[g], arrays.rest_pairs[f, g]
            for c in range(rows.q):
                for d in range(others.q):
                    sums = pairs.sums(rows.times(others.times(weights, d), c))
                    left = own.start + pairs.first * rows.q + c
                    right = arrays.columns[g].start + pairs.second * others.q + d
                    found[left, right] = found[right, left] = sums
    return found


def _blocks(arrays: Arrays, lams: list[Floats], values: Floats) -> Floats:
    """blockdiag(lambda_f, one a level of the rest) @ values (m, ...)."""
    found = np.empty_like(values)
    for rows, own, lam in zip(arrays.factors[1:], arrays.columns[1:], lams[1:], strict=True):
        if rows.q == 1:
            found[own] = values[own] * lam[0, 0]
        else:
            part = values[own].reshape(rows.n_levels, rows.q, -1)
            found[own] = np.einsum("ab,jbk->jak", lam, part).reshape(values[own].shape)
    return found


def _joined(effects: Effects) -> Floats:
    return np.concatenate([each.T.ravel() for each in effects])
