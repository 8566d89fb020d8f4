"""The linear mixed model as in a textbook, with n x n matrices and nothing saved: what fits are compared with.

y ~ N(X beta, sigma^2 V),  V = I + Z S Z',  S = blockdiag(lambda_f lambda_f', one a level). The profiled deviance is
log|V| + n (1 + log(2 pi r^2 / n)), r^2 = (y - X beta)'V^-1 (y - X beta); REML has n - p for n and adds log|X'V^-1 X|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets import MixedModel

Floats = npt.NDArray[np.floating[Any]]

STRUCTURES = {
    "intercepts": "y ~ x + (1 | g)",
    "slopes": "y ~ x + z + (x | g)",
    "two slopes": "y ~ x * z + (x + z | g)",
    "no correlations": "y ~ x + z + (x + z || g)",
    "slope only": "y ~ x + (0 + x | g)",
    "two slopes without intercept": "y ~ x + z + (0 + x + z | g)",
    "split terms": "y ~ x + z + (1 | g) + (0 + x + z | g)",
    "slope before intercept": "y ~ x + (0 + x | g) + (1 | g)",
    "correlated and alone": "y ~ x + z + (x | g) + (0 + z | g)",
    "factor as slope": "y ~ f + (f | g)",
    "factor without intercept": "y ~ f + (0 + f | g)",
    "interaction as slope": "y ~ x * f + (x:f || g)",
    "nested": "y ~ x + (1 | a / b)",
    "nested slopes": "y ~ x + (x | a / b)",
    "crossed": "y ~ x + (1 | g) + (1 | h)",
    "crossed slopes": "y ~ x + z + (x | g) + (z | h)",
    "crossed without correlations": "y ~ x + z + (x + z || g) + (x || h)",
    "crossed slopes only": "y ~ x + (0 + x | g) + (0 + z | h)",
    "three factors": "y ~ x + (1 | g) + (1 | h) + (1 | a)",
    "three factors with slopes": "y ~ x + z + (x | g) + (1 | h) + (0 + z | a)",
    "nested and crossed": "y ~ x + (1 | a / b) + (x | h)",
    "no fixed intercept": "y ~ 0 + x + z + (1 | g)",
    "no fixed effects": "y ~ 0 + (1 | g)",
    "within": "y ~ within(x, g) + between(x, g) + (within(x, g) | g)",
    "centred": "y ~ center(x) + scale(z) + (center(x) | g)",
    "within crossed": "y ~ within(x, g) + (within(x, g) | g) + (1 | h)",
}


def small_data(seed: int = 0, n: int = 110) -> pd.DataFrame:
    """An unbalanced table with every kind of grouping, and effects of all of them; columns far from centred."""
    draw = np.random.default_rng(seed)
    g, h = draw.integers(0, 9, n), draw.integers(0, 7, n)
    a, b = draw.integers(0, 5, n), draw.integers(0, 3, n)
    x, z = draw.normal(3, 1.5, n), draw.normal(-2, 0.7, n)
    f = draw.choice(["low", "middle", "top"], n)
    y = 4 + 0.8 * x - 1.1 * z + 0.6 * (f == "top") + draw.normal(0, 0.8, n)
    y += draw.normal(0, 1.2, 9)[g] + draw.normal(0, 0.9, 7)[h] + draw.normal(0, 1.0, 5)[a]
    y += draw.normal(0, 0.7, 15)[3 * a + b] + x * draw.normal(0, 0.5, 9)[g] + x * draw.normal(0, 0.4, 7)[h]
    y += z * draw.normal(0, 0.6, 9)[g] + z * draw.normal(0, 0.8, 7)[h] + z * draw.normal(0, 0.7, 5)[a]
    y += x * draw.normal(0, 0.4, 15)[3 * a + b] + x * draw.normal(0, 0.4, 5)[a]
    for level in ("low", "top"):
        y += (f == level) * draw.normal(0, 0.9, 9)[g]
    names = {"g": g, "h": h, "a": a, "b": b}
    return pd.DataFrame({"y": y, "x": x, "z": z, "f": f} | {k: [f"{k}{code}" for code in v] for k, v in names.items()})


@dataclass(frozen=True)
class Dense:
    """The model of a fit at given relative covariance factors, one of shape (q, q) for each grouping factor."""

    y: Floats
    X: Floats
    Z: Sequence[Floats]
    """By grouping factor: (n, J q), the columns of one level together."""
    lams: Sequence[Floats]
    reml: bool

    @cached_property
    def S(self) -> list[Floats]:
        return [np.kron(np.eye(Z.shape[1] // len(lam)), lam @ lam.T) for Z, lam in zip(self.Z, self.lams, strict=True)]

    @cached_property
    def V(self) -> Floats:
        total = np.eye(len(self.y))
        for Z, S in zip(self.Z, self.S, strict=True):
            total += Z @ S @ Z.T
        return total

    @cached_property
    def XtVX(self) -> Floats:
        return np.asarray(self.X.T @ np.linalg.solve(self.V, self.X))

    @cached_property
    def beta(self) -> Floats:
        return np.linalg.solve(self.XtVX, self.X.T @ np.linalg.solve(self.V, self.y))

    @cached_property
    def weighted(self) -> Floats:
        """V^-1 (y - X beta)."""
        return np.linalg.solve(self.V, self.y - self.X @ self.beta)

    @property
    def r2(self) -> float:
        return float((self.y - self.X @ self.beta) @ self.weighted)

    @property
    def degrees(self) -> int:
        return len(self.y) - self.X.shape[1] * self.reml

    @property
    def log_det(self) -> float:
        """log|V|, and log|X'V^-1 X| for REML."""
        own = float(np.linalg.slogdet(self.V)[1])
        return own + float(np.linalg.slogdet(self.XtVX)[1]) * self.reml

    @property
    def criterion(self) -> float:
        nn = self.degrees
        return self.log_det + nn * (1 + np.log(2 * np.pi * self.r2 / nn))

    def deviance(self, sigma: float) -> float:
        """With sigma as a parameter of its own."""
        return self.log_det + self.degrees * np.log(2 * np.pi * sigma**2) + self.r2 / sigma**2

    @property
    def sigma(self) -> float:
        return float(np.sqrt(self.r2 / self.degrees))

    def modes(self, f: int) -> Floats:
        """E(b | y) of factor f: S Z'V^-1 (y - X beta), (J, q)."""
        return np.asarray(self.S[f] @ self.Z[f].T @ self.weighted).reshape(-1, len(self.lams[f]))

    def mode_covariance(self, f: int) -> Floats:
        """Var(b | y, beta) = sigma^2 (S - S Z'V^-1 Z S), (J q, J q)."""
        SZ = self.S[f] @ self.Z[f].T
        return np.asarray(self.sigma**2 * (self.S[f] - SZ @ np.linalg.solve(self.V, SZ.T)))


def dense_of(m: MixedModel, lams: Sequence[Floats] | None = None) -> Dense:
    """The textbook's model of a fit, at its own estimates or at others."""
    record = m.fit_result
    design = record.design
    Z = []
    for group in record.groups:
        own, codes = design.Z[group.place], design.codes[group.place]
        q = own.shape[1]
        big = np.zeros((design.n_obs, len(group.grouping.levels) * q))
        for k in range(q):
            big[np.arange(design.n_obs), codes * q + k] = own[:, k]
        Z.append(big)
    X = design.X[:, record.kept]
    return Dense(design.y, X, Z, [group.lam for group in record.groups] if lams is None else lams, record.reml)


def lams_of(m: MixedModel, theta: Floats) -> list[Floats]:
    """lme4's theta -> the factors lambda: lower triangles column by column, block by block."""
    lams: list[Floats] = []
    place = 0
    for group in m.fit_result.groups:
        lam = np.zeros_like(group.lam)
        for block in group.grouping.blocks:
            for b in block.columns:
                for a in range(b, block.columns.stop):
                    lam[a, b] = theta[place]
                    place += 1
        lams.append(lam)
    assert place == len(theta)
    return lams


def derivatives(function: object, x: Floats, step: float = 1e-3) -> tuple[Floats, Floats]:
    """Gradient (k, ...) and Hessian (k, k, ...) by central differences, extrapolated once (errors of step^4)."""
    assert callable(function)

    def at(step: float) -> tuple[Floats, Floats]:
        k = len(x)
        e = step * np.eye(k)
        here = np.asarray(function(x))
        ahead = np.array([function(x + e[i]) for i in range(k)])
        behind = np.array([function(x - e[i]) for i in range(k)])
        hessian = np.empty((k, k, *here.shape))
        for i in range(k):
            hessian[i, i] = (ahead[i] - 2 * here + behind[i]) / step**2
            for j in range(i):
                mixed = function(x + e[i] + e[j]) - function(x + e[i] - e[j]) - function(x - e[i] + e[j])
                hessian[i, j] = hessian[j, i] = (mixed + function(x - e[i] - e[j])) / (4 * step**2)
        return (ahead - behind) / (2 * step), hessian

    (gradient, hessian), (coarse_gradient, coarse_hessian) = at(step), at(2 * step)
    return (4 * gradient - coarse_gradient) / 3, (4 * hessian - coarse_hessian) / 3
