"""The parameters of many fits of one model, and where a search of a replicate begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Grouping
from mlm_widgets.fitter import Fit

__all__ = ["inside_theta", "parameter_rows"]

Floats = npt.NDArray[np.float64]

INSIDE = 0.05  # least relative standard deviation that a search begins from: a variance of zero is stationary


def parameter_rows(fit: Fit, beta: Floats, theta: Floats, sigma: Floats, dispersion: Floats) -> Floats:
    """`parameter_values` of R fits of the model of `fit`, (R, n): from beta (R, p), theta (R, k), sigma and phi (R,).

    A correlation with an effect that does not vary is NaN.
    """
    columns = [beta]
    end = 0
    for group in fit.groups:
        k = sum(len(block.columns) * (len(block.columns) + 1) // 2 for block in group.grouping.blocks)
        lam = _factors(group.grouping, theta[:, end : (end := end + k)])
        covariance = np.matmul(lam, lam.transpose(0, 2, 1))
        sd = np.sqrt(np.einsum("raa->ra", covariance))
        columns.append(sd * sigma[:, None])
        with np.errstate(invalid="ignore", divide="ignore"):
            found = [covariance[:, a, b] / (sd[:, a] * sd[:, b]) for a, b in _pairs(group.grouping)]
        columns += [np.clip(own, -1.0, 1.0)[:, None] for own in found]
    if fit.family.is_linear:
        columns.append(np.sqrt(dispersion)[:, None])
    elif fit.family.has_dispersion:
        columns.append(dispersion[:, None])
    return np.concatenate(columns, axis=1)


def _pairs(grouping: Grouping) -> Iterator[tuple[int, int]]:
    """Correlated effects (a, b), b before a, in the order of `parameters`."""
    for block in grouping.blocks:
        for a in block.columns:
            for b in range(block.start, a):
                yield a, b


def _factors(grouping: Grouping, theta: Floats) -> Floats:
    """Relative covariance factors (R, q, q) from a grouping's part of theta (R, k)."""
    q = len(grouping.names)
    lam = np.zeros((len(theta), q, q))
    end = 0
    for block in grouping.blocks:
        col, row = np.triu_indices(len(block.columns))
        lam[:, block.start + row, block.start + col] = theta[:, end : (end := end + len(row))]
    return lam


def inside_theta(groups: Sequence[tuple[Grouping, Floats]]) -> Floats:
    """Theta of relative covariance factors, with no direction without variance: where a search begins."""
    found = []
    for grouping, lam in groups:
        for block in grouping.blocks:
            own = slice(block.start, block.start + len(block.columns))
            S = lam[own, own] @ lam[own, own].T
            if np.linalg.eigvalsh(S)[0] < INSIDE**2 * max(float(np.diag(S).max()), INSIDE):
                S = S + INSIDE**2 * np.eye(len(S)) * max(1.0, float(np.diag(S).max()))
            col, row = np.triu_indices(len(S))
            found.append(np.linalg.cholesky(S)[row, col])
    return np.concatenate(found)
