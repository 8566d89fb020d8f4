"""Sums over rows against plain matrix products, for rows in any order and any number of strands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mlm_widgets.linalg import ONE, Column, GroupSums, cross_products, dots, means, strands
from mlm_widgets.linalg.columns import CHUNK

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


@pytest.mark.parametrize("n", [1, 5, CHUNK + 1, 40_000])
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


@pytest.mark.parametrize("n", [100, 600_000])
def test_means(n: int) -> None:
    draw = np.random.default_rng(n)
    values, weights = draw.normal(1e6, 1.0, size=n), draw.uniform(0.5, 2.0, n)
    weights /= weights.mean()
    assert means([values, values + 1.0], None) == pytest.approx([values.mean(), values.mean() + 1.0], rel=1e-14)
    assert means([values], weights) == pytest.approx([values @ weights / n], rel=1e-14)
    assert means([], None) == []


@pytest.mark.parametrize("n", [1, 5, CHUNK + 1, 40_000])
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


@pytest.mark.parametrize("order", ["shuffled", "rising", "falling", "twice"])
def test_the_number_of_processors_changes_nothing(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 600_000
    columns, codes = columns_of(n, 4), codes_of(order, n)
    found = []
    for count in (1, 2, 3):
        monkeypatch.setattr(strands, "n_processors", lambda count=count: count)
        sums = GroupSums(codes, N_GROUPS).products([(columns[1], columns[2]), (columns[1], ONE)])
        found.append((sums, cross_products(columns, n), dots(columns, columns[1], n)))
    for other in found[1:]:
        for mine, its in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(mine, its)


def test_strands_cover_the_work() -> None:
    assert strands.bounds_of(10, 20) == [(0, 10)]
    assert strands.bounds_of(10, 5) == [(0, 5), (5, 10)]
    assert len(strands.bounds_of(10**9, 1)) == strands.MOST
    assert strands.in_strands(lambda start, stop: stop - start, [(0, 3), (3, 7)]) == [3, 4]
