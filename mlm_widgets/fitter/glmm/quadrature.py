"""Adaptive Gauss-Hermite quadrature for models with one scalar random effect, with its exact gradient.

The integral of level j is taken at nodes u_jk = u_j + sqrt(2) s_j x_k around the mode, s_j = H_j^(-1/2):

    log L_j = log s_j - log(2 pi) / 2 + log(2) / 2 + log sum_k w_k exp(x_k^2 - S_jk),  S = sum f(eta_jk) + u_jk^2 / 2

Pinheiro & Bates (1995), J. Computational and Graphical Statistics 4(1), section 2.4. One node is Laplace's
approximation. The nodes move with the parameters, and the gradient moves them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.fitter.glmm.modes import Modes

__all__ = ["QuadraturePoint"]

Floats = npt.NDArray[np.float64]

MOST_TERMS = 50_000  # nodes times rows gone through at once: they stay in cache


@dataclass(frozen=True, slots=True)
class _Nodes:
    """By node: spherical effects, S, the score Z'f' (all (K, J)), f' (K, n), and df / dlog phi (K, n) or None."""

    u: Floats
    S: Floats
    score: Floats
    first: Floats
    by_phi: Floats | None


@dataclass(frozen=True)
class QuadraturePoint:
    """The deviance at one place, by `n_nodes` nodes a level."""

    modes: Modes
    n_nodes: int

    @cached_property
    def _rule(self) -> tuple[Floats, Floats]:
        """Nodes x_k, and log w_k + x_k^2."""
        x, w = np.polynomial.hermite.hermgauss(self.n_nodes)
        return x, np.log(w) + x**2

    @cached_property
    def _spread(self) -> Floats:
        """s_j = H_j^(-1/2), (J,)."""
        return 1.0 / self.modes.H.L[0, 0]

    @cached_property
    def _nodes(self) -> _Nodes:
        width = max(1, MOST_TERMS // len(self.modes.eta))
        parts = [self._some_nodes(self._rule[0][k : k + width]) for k in range(0, self.n_nodes, width)]
        u, S, score, first = (np.concatenate(part) for part in zip(*(part[:4] for part in parts), strict=True))
        by_phi = [part[4] for part in parts if part[4] is not None]
        return _Nodes(u, S, score, first, np.concatenate(by_phi) if by_phi else None)

    def _some_nodes(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats | None]:
        modes = self.modes
        rows, lam = modes.arrays.factors[0], float(modes.lams[0][0, 0])
        away = np.sqrt(2.0) * self._spread * x[:, None]
        found = modes.arrays.terms(modes.eta + rows.times(rows.at_rows(lam * away), 0), modes.log_phi)
        u = modes.u[0][0] + away
        by_phi = None if found.dispersion is None else found.dispersion[0]
        return u, rows.by_level(found.value) + u**2 / 2, rows.by_level(rows.times(found.first, 0)), found.first, by_phi

    @cached_property
    def _log_terms(self) -> Floats:
        return self._rule[1][:, None] - self._nodes.S

    @property
    def value(self) -> float:
        """-2 log L."""
        log_likelihoods = np.log(self._spread) - 0.5 * np.log(np.pi) + special.logsumexp(self._log_terms, axis=0)
        return -2.0 * float(log_likelihoods.sum())

    @cached_property
    def gradient(self) -> Floats:
        """By (theta, beta[, log phi])."""
        modes, nodes = self.modes, self._nodes
        arrays, terms, s = modes.arrays, modes.terms, self._spread
        rows, lam, u = arrays.factors[0], float(modes.lams[0][0, 0]), modes.u[0][0]
        shares = special.softmax(self._log_terms, axis=0)
        by_row = rows.at_rows(shares)
        z = rows.Z[0]
        mean_first = np.einsum("kn,kn->n", by_row, nodes.first)
        slope = -(lam * nodes.score + nodes.u) * shares
        by_u, by_x = slope.sum(axis=0), self._rule[0] @ slope
        by_lam = -float(np.vdot(shares * nodes.u, nodes.score))
        mean_by_phi = 0.0 if nodes.by_phi is None else -float(np.vdot(by_row, nodes.by_phi))
        # log L_j = ... + log s_j, and s_j moves the nodes as well
        by_log_s = 1.0 + np.sqrt(2.0) * s * by_x
        H = 1.0 / s**2
        third = rows.times(rows.times(terms.third, 0), 0)
        cubed = rows._sums.of(rows.times(third, 0))
        c = -0.5 * by_log_s / H  # by H_j
        by_mode = (by_u + c * lam**3 * cubed) / H  # by the right-hand side of H du = ...
        inner = -mean_first - terms.second * rows.times(rows.at_rows(lam * by_mode), 0)
        inner += rows.at_rows(c * lam**2) * third
        weighed = rows.times(rows.times(terms.second, 0), 0)
        second = rows._sums.of(weighed)
        score_at_mode = modes.score[0][0]
        slope_lam = by_lam - float(by_mode @ (score_at_mode + lam * second * u))
        slope_lam += float(c @ (2.0 * lam * second + lam**2 * cubed * u))
        parts = [arrays.templates[0].pull_back(np.array([[slope_lam]])), arrays.X @ inner]
        if terms.dispersion is not None:
            _, d_first, d_second = terms.dispersion
            moved = rows.gathered(d_first)[0]
            bent = rows._sums.of(d_second if z is None else z**2 * d_second)
            parts.append(np.array([mean_by_phi - float(by_mode @ (lam * moved)) + float((c * lam**2) @ bent)]))
        return -2.0 * np.concatenate(parts)
