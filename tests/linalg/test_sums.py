"""Sums over rows against plain matrix products, for rows in any order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mlm_widgets.linalg import ONE, Column, GroupSums, cross_products, dots
from mlm_widgets.linalg.columns import MOST_CHUNK

CLOSE = 1e-11  # relative to the sum of squares: rounding of so many terms
N_GROUPS = 8


def columns_of(n: int, k: int) -> list[Column]:
    """Ones, a shifted column, a shifted and weighted one, weights alone, and more plain ones."""
    draw = np.random.default_rng(n)
    x, root = draw.normal(5.0, 2.0, size=n), np.sqrt(draw.uniform(0.5, 2.0, size=n))
    kinds = [ONE, Column(x, 5.0, 2.0), Column(x, 4.0, 3.0, root), Column(root=root)]
    return kinds + [Column(draw.normal(size=n)) for _ in range(k - len(kinds))]


def codes_of(order: str, n: int) -> npt.NDArray[np.int64]:
    codes = np.random.default_rng(1).integers(0, 6, n)
    if order == "shuffled":
        return codes
    runs = np.sort(codes)
    return (
        runs
        if order == "rising"
        else np.concatenate([runs[::-1], runs, runs + 1])[:n]
        if order == "twice"
        else 6 - runs
    )


def stored(columns: list[Column], n: int) -> npt.NDArray[np.float64]:
    return np.stack([column.stored(n) for column in columns], axis=1)


def test_a_column_is_shifted_scaled_and_weighted() -> None:
    _, _, weighted, root, *_ = columns_of(100, 4)
    assert weighted.values is not None
    assert root.root is not None
    np.testing.assert_allclose(weighted.stored(100), (weighted.values - 4.0) / 3.0 * root.root)
    np.testing.assert_array_equal(ONE.stored(3), np.ones(3))
    np.testing.assert_array_equal(Column(np.array([1.0, 1.0]), 1.0, np.inf).stored(2), [0.0, 0.0])


@pytest.mark.parametrize("n", [1, 5, MOST_CHUNK + 1, 150_000])
@pytest.mark.parametrize("k", [4, 12])
def test_cross_products(n: int, k: int) -> None:
    columns = columns_of(n, k)
    W = stored(columns, n)
    np.testing.assert_allclose(cross_products(columns, n), W.T @ W, rtol=CLOSE, atol=CLOSE * n)
    np.testing.assert_allclose(dots(columns, columns[2], n), W.T @ W[:, 2], rtol=CLOSE, atol=CLOSE * n)


def test_known_products_are_taken_as_they_are() -> None:
    columns = columns_of(100, 4)
    expected = cross_products(columns, 100)
    known = {(2, 1): expected[2, 1] * columns[2].scale * columns[1].scale, (0, 0): 7.0}
    found = cross_products(columns, 100, known)
    expected[0, 0] = 7.0
    np.testing.assert_allclose(found, expected, rtol=CLOSE)


@pytest.mark.parametrize("n", [1, 5, MOST_CHUNK + 1, 150_000])
@pytest.mark.parametrize("order", ["shuffled", "rising", "falling", "twice"])
def test_sums_by_group(n: int, order: str) -> None:
    columns, codes = columns_of(n, 5), codes_of(order, n)
    W, groups = stored(columns, n), np.eye(N_GROUPS)[codes]
    pairs = [(a, b) for a in range(5) for b in range(a + 1)]
    found = GroupSums(codes, N_GROUPS).products([(columns[a], columns[b]) for a, b in pairs])
    scale = [column.scale for column in columns]
    expected = [groups.T @ (W[:, a] * W[:, b]) * scale[a] * scale[b] for a, b in pairs]
    np.testing.assert_allclose(found, expected, rtol=CLOSE, atol=CLOSE * n)
    np.testing.assert_allclose(GroupSums(codes, N_GROUPS).of(W[:, 1]), groups.T @ W[:, 1], rtol=CLOSE, atol=CLOSE * n)
    np.testing.assert_array_equal(GroupSums(codes, N_GROUPS).counts(), groups.sum(axis=0))


def test_short_codes_are_codes() -> None:
    codes = np.array([2, 0, 2, 1], dtype=np.int32)
    np.testing.assert_array_equal(GroupSums(codes, 3).products([(Column(np.arange(4.0)), ONE)]), [[1.0, 3.0, 2.0]])
