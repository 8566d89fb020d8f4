"""Lanes of small matrices agree with LAPACK, one matrix at a time; sums agree with pandas."""

from __future__ import annotations

import numpy as np
import pytest

from mlm_widgets.linalg import backward, cholesky, forward, log_diagonal

EXACT = 1e-12  # relative: a few operations on matrices of condition below 100


@pytest.mark.parametrize("J", [0, 1, 7])
@pytest.mark.parametrize("q", [1, 2, 3, 5])
def test_factor_and_solutions(q: int, J: int) -> None:
    draw = np.random.default_rng(q)
    half = draw.normal(size=(q, q, J))
    M = np.einsum("abj,cbj->acj", half, half) + np.eye(q)[:, :, None]
    B = draw.normal(size=(q, 4, J))
    L = cholesky(M)
    X, Y = forward(L, B), backward(L, B)
    for j in range(J):
        expected = np.linalg.cholesky(M[:, :, j])
        np.testing.assert_allclose(L[:, :, j], expected, rtol=EXACT, atol=EXACT)
        np.testing.assert_allclose(X[:, :, j], np.linalg.solve(expected, B[:, :, j]), rtol=1e-10, atol=EXACT)
        np.testing.assert_allclose(Y[:, :, j], np.linalg.solve(expected.T, B[:, :, j]), rtol=1e-10, atol=EXACT)
    logs = [np.linalg.slogdet(M[:, :, j])[1] / 2 for j in range(J)]
    assert log_diagonal(L) == pytest.approx(sum(logs), abs=1e-10)
