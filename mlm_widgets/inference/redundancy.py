"""Random effects whose covariances cannot be told from the data, because their columns repeat one another.

With the columns of one grouping factor Z = Q R, the outcome's covariance within a level is Q (sum_b R_b S_b R_b') Q'
over the blocks b of correlated effects. The S_b are identified if and only if that map is one to one: it depends on
the blocks, not on the rank of Z alone (x and 2 x + 3 without correlations stand for an intercept's correlation).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["redundant_columns"]

Floats = npt.NDArray[np.float64]

DEPENDENT = 1e-7  # share of its size that a column has of its own: R's tolerance of a pivoted QR decomposition
SUSPECT = 1e-10  # least relative eigenvalue of the cross products at which the columns themselves are looked at


def redundant_columns(Z: Floats, blocks: Sequence[range]) -> list[tuple[int, list[int]]]:
    """Columns of Z (n, q) that are combinations of those before them, and of which, where S is not identified.

    Parameters
    ----------
    Z : ndarray (n, q)
        The columns of one grouping factor.
    blocks : sequence of range
        Columns whose effects are correlated.
    """
    size = np.sqrt(np.maximum(np.einsum("ia,ia->a", Z, Z), 1e-300))
    values = np.linalg.eigvalsh(Z.T @ Z / np.outer(size, size))
    if values[0] > SUSPECT * values[-1]:
        return []
    R = np.asarray(np.linalg.qr(Z / size, mode="r"))
    found = _dependent(R)
    kept = [k for k in range(Z.shape[1]) if k not in {place for place, _ in found}]
    basis = np.linalg.qr(R[:, kept]).Q
    return [] if _is_identified(basis.T @ R, blocks) else found


def _dependent(R: Floats) -> list[tuple[int, list[int]]]:
    kept: list[int] = []
    found: list[tuple[int, list[int]]] = []
    for place in range(R.shape[1]):
        own = R[:, place]
        weights = np.linalg.lstsq(R[:, kept], own)[0] if kept else np.zeros(0)
        if np.linalg.norm(own - R[:, kept] @ weights) > DEPENDENT:
            kept.append(place)
        else:
            found.append((place, [k for k, weight in zip(kept, weights, strict=True) if abs(weight) > DEPENDENT]))
    return found


def _is_identified(R: Floats, blocks: Sequence[range]) -> bool:
    """Whether sum_b R_b S_b R_b' tells all S_b."""
    pairs = [(a, b) for own in blocks for a in own for b in range(own.start, a + 1)]
    columns = [(np.outer(R[:, a], R[:, b]) + np.outer(R[:, b], R[:, a])).ravel() for a, b in pairs]
    return int(np.linalg.matrix_rank(np.array(columns), tol=DEPENDENT)) == len(columns)
