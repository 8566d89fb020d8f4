"""Laplace's approximation to the deviance, with its exact gradient.

    d = 2 sum f(eta) + |u|^2 + log |H|,   H = I + Lambda' Z' W Z Lambda,   W = f''

at the modes u (:mod:`mlm_widgets.fitter.glmm.modes`). With v_i = z_i' Lambda H^-1 Lambda' z_i, t = f''' v,
a = H^-1 Lambda' Z' t and gv = 2 f' + t - W Z Lambda a, any family and link:

    dd/dbeta = X' gv
    dd/dlambda = sum_j [ (Z' gv)_j u_j' - (Z' f')_j a_j' + 2 [Z' W Z Lambda H^-1]_jj ]
    dd/dlog phi = sum_i [ 2 df_i + v_i df''_i - (Z Lambda a)_i df'_i ],   d by log phi

Skaug & Fournier (2006), Computational Statistics & Data Analysis 51, section 2, by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlm_widgets.fitter.glmm.modes import Modes

__all__ = ["LaplacePoint", "moved_effects"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LaplacePoint:
    """The deviance at one place."""

    modes: Modes

    @property
    def value(self) -> float:
        """-2 log L."""
        return self.modes.penalised + self.modes.H.log_determinant

    @cached_property
    def gradient(self) -> Floats:
        """By (theta, beta[, log phi])."""
        modes = self.modes
        arrays, H, terms = modes.arrays, modes.H, modes.terms
        v = H.leverages()
        t = terms.third * v
        a = H.solve([lam.T @ rows.gathered(t) for lam, rows in zip(modes.lams, arrays.factors, strict=True)])
        moved = _spread(modes, [lam @ each for lam, each in zip(modes.lams, a, strict=True)])
        gv = 2.0 * terms.first + t - terms.second * moved
        parts = []
        for f, (rows, template) in enumerate(zip(arrays.factors, arrays.templates, strict=True)):
            slope = rows.gathered(gv) @ modes.u[f].T - modes.score[f] @ a[f].T + 2.0 * H.trace_part(f)
            parts.append(template.pull_back(slope))
        parts.append(arrays.X @ gv)
        if terms.dispersion is not None:
            by_phi = terms.dispersion
            parts.append(np.array([2.0 * by_phi[0].sum() + v @ by_phi[2] - moved @ by_phi[1]]))
        return np.concatenate(parts)


def _spread(modes: Modes, b: list[Floats]) -> Floats:
    total: Floats | None = None
    for rows, each in zip(modes.arrays.factors, b, strict=True):
        part = rows.spread(each)
        total = part if total is None else total + part
    assert total is not None
    return total


def moved_effects(modes: Modes, direction: Floats) -> list[Floats]:
    """du, the first-order change of the modes along a direction of the parameters."""
    arrays, terms = modes.arrays, modes.terms
    theta, beta, log_phi = arrays.split(direction)
    dlams = arrays.lams(theta)
    moved = beta @ arrays.X + _spread(modes, [dlam @ u for dlam, u in zip(dlams, modes.u, strict=True)])
    inner = terms.second * moved
    if terms.dispersion is not None:
        inner = inner + log_phi * terms.dispersion[1]
    right = [
        -(lam.T @ rows.gathered(inner) + dlam.T @ score)
        for lam, dlam, rows, score in zip(modes.lams, dlams, arrays.factors, modes.score, strict=True)
    ]
    return modes.H.solve(right)
