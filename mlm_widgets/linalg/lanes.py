"""Small dense algebra, many times at once.

An array of shape (q, q, J) holds J small matrices, one a *lane*: the last axis runs over groups and is contiguous, so
that each arithmetic step is one long vector operation. For the small q of random effects this is several times faster
than batched LAPACK calls. Lanes may have several axes, (q, q, J, R), and one operand those of length one where the
other has more, as numpy broadcasts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["backward", "cholesky", "crossed", "forward", "log_diagonal", "product"]

Floats = npt.NDArray[np.float64]


def cholesky(M: Floats) -> Floats:
    """Lower factors L of the lanes of a symmetric positive definite M (q, q, J): M = L L'."""
    q = M.shape[0]
    L = np.zeros_like(M)
    for j in range(q):
        pivot = M[j, j].copy()
        for k in range(j):
            pivot -= L[j, k] ** 2
        np.sqrt(pivot, out=L[j, j])
        for i in range(j + 1, q):
            rest = M[i, j].copy()
            for k in range(j):
                rest -= L[i, k] * L[j, k]
            np.divide(rest, L[j, j], out=L[i, j])
    return L


def forward(L: Floats, B: Floats) -> Floats:
    """Solve L X = B lane by lane: L (q, q, J) lower, B (q, k, J)."""
    X = np.empty(B.shape[:2] + np.broadcast_shapes(L.shape[2:], B.shape[2:]))
    for i in range(L.shape[0]):
        X[i] = B[i]
        for k in range(i):
            X[i] -= L[i, k] * X[k]
        X[i] /= L[i, i]
    return X


def backward(L: Floats, B: Floats) -> Floats:
    """Solve L' X = B lane by lane: L (q, q, J) lower, B (q, k, J)."""
    X = np.empty_like(B)
    for i in reversed(range(L.shape[0])):
        rest = B[i].copy()
        for k in range(i + 1, L.shape[0]):
            rest -= L[k, i] * X[k]
        np.divide(rest, L[i, i], out=X[i])
    return X


def log_diagonal(L: Floats) -> float:
    """Sum of the logarithms of all diagonals, over all lanes."""
    return float(sum(np.log(L[i, i]).sum() for i in range(L.shape[0])))


def product(A: Floats, B: Floats) -> Floats:
    """A B lane by lane: A (q, r, J), B (r, k, J)."""
    C = np.empty((A.shape[0], B.shape[1], *np.broadcast_shapes(A.shape[2:], B.shape[2:])))
    for i in range(A.shape[0]):
        np.multiply(A[i, 0], B[0], out=C[i])
        for k in range(1, A.shape[1]):
            C[i] += A[i, k] * B[k]
    return C


def crossed(A: Floats, B: Floats) -> Floats:
    """A' B lane by lane: A (r, q, J), B (r, k, J)."""
    return product(A.swapaxes(0, 1), B)
