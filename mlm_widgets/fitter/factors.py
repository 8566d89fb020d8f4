"""What any fit tells of its relative covariance factors, in the user's coordinates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.template import Template

__all__ = ["inverse_information", "singular_columns", "triangular_factor"]

Floats = npt.NDArray[np.float64]


def triangular_factor(lam: Floats, template: Template) -> Floats:
    """The lower triangular factor with a non-negative diagonal of lam lam', block by block."""
    result = np.zeros_like(lam)
    for part in template.parts:
        own = part.columns
        R = np.asarray(np.linalg.qr(lam[own, own].T, mode="r")).T
        result[own, own] = R * np.where(np.diag(R) < 0, -1.0, 1.0)
    return result


def singular_columns(
    lam: Floats, centred: Floats, template: Template, names: tuple[str, ...], tolerance: float
) -> tuple[str, ...]:
    """Columns without variation of their own.

    How many a block has shows in centred coordinates, where a predictor far from zero looks like any other; which they
    are is told by the factor in the user's.
    """
    size, own_size = np.abs(np.diag(lam)) * np.diag(template.H), np.abs(np.diag(centred))
    found: list[int] = []
    for part in template.parts:
        n_singular = int((own_size[part.columns] < tolerance).sum())
        places = np.argsort(size[part.columns], kind="stable")[:n_singular]
        found.extend((part.columns.start + places).tolist())
    return tuple(names[k] for k in sorted(found))


FLAT = 1e-8  # of the largest eigenvalue: no curvature to speak of
LEAST = 1e-15  # what rounding leaves of it


def inverse_information(F: Floats, n_theta: int | None = None) -> Floats:
    """Inverse over the directions of positive curvature (a variance on its boundary may have none).

    Of parameters after the first `n_theta` (default: all are variance parameters) a flat direction is not left out,
    which would make its variance zero: the data say nothing of it, as under separation, and its variance is huge.
    """
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(F)), 1e-12))
    values, vectors = np.linalg.eigh(F * np.outer(scale, scale))
    of_variances = (vectors[:n_theta] ** 2).sum(axis=0) > 0.5
    good = (values > FLAT * values.max()) | ~of_variances
    part = vectors[:, good] / np.sqrt(np.maximum(values[good], LEAST * values.max()))
    return np.asarray((part @ part.T) * np.outer(scale, scale))
