"""Small generalized mixed models with known truth, and their deviance by dense matrices and by brute force."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.families import family_of
from mlm_widgets.fitter.glmm.arrays import Arrays, RandomRows
from mlm_widgets.fitter.template import Template

Floats = npt.NDArray[np.float64]

MIDDLE = {"identity": 3.0, "inverse": 3.0, "1/mu^2": 3.0, "sqrt": 2.0}  # eta of a mean well inside the family's range


@dataclass(frozen=True)
class Structure:
    """Levels and random effects of each factor."""

    levels: tuple[int, ...]
    widths: tuple[int, ...]

    def __str__(self) -> str:
        return " + ".join(f"{q}|{J}" for J, q in zip(self.levels, self.widths, strict=True))


ONE_FACTOR = Structure((30,), (1,))
SLOPES = Structure((30,), (2,))
CROSSED = Structure((30, 12), (2, 1))
THREE = Structure((30, 12, 7), (2, 1, 2))
STRUCTURES = [ONE_FACTOR, SLOPES, CROSSED, THREE]


def template(q: int) -> Template:
    """A free lower triangle."""
    col, row = np.triu_indices(q)
    moves = np.zeros((len(row), q, q))
    moves[np.arange(len(row)), row, col] = 1.0
    return Template(row, col, moves, np.eye(q), ())


def arrays_of(
    name: str,
    link: str | None = None,
    structure: Structure = SLOPES,
    *,
    n: int = 300,
    seed: int = 0,
    phi: float = 0.3,
    with_weights: bool = False,
    with_offset: bool = False,
) -> Arrays:
    """The arrays of data drawn from the model."""
    rng = np.random.default_rng(seed)
    family = family_of(name, link)
    X = np.vstack([np.ones(n), rng.normal(size=n)])
    factors = []
    for place, (levels, q) in enumerate(zip(structure.levels, structure.widths, strict=True)):
        codes = np.concatenate([np.arange(levels), rng.integers(0, levels, n - levels)])
        codes = np.sort(codes) if place == 0 else rng.permutation(codes)
        factors.append(RandomRows(codes, levels, [None, *(rng.normal(size=n) for _ in range(q - 1))]))
    middle = MIDDLE.get(family.link.name, 0.3)
    scale = 0.15 if middle > 1 else 0.5
    eta = middle + scale * X[1]
    for rows in factors:
        eta = eta + scale * rows.spread(rng.normal(size=(rows.q, rows.n_levels)))
    offset = 0.1 * rng.normal(size=n) if with_offset else None
    eta = eta if offset is None else eta + offset
    eta = np.maximum(eta, 0.4) if middle > 1 else eta
    eta = np.minimum(eta, 0.9) if family.link.name == "cloglog" else eta
    trials = rng.integers(1, 6, n).astype(float) if name == "binomial" else None
    y = family.draw(rng, family.link.inverse(eta), trials, phi)
    y = np.clip(y, 1e-4, 1 - 1e-4) if name == "beta" else y
    weights = rng.integers(1, 4, n).astype(float) if with_weights else None
    return Arrays(family, y, trials, weights, offset, X, tuple(factors), tuple(template(rows.q) for rows in factors))


def parameters_of(arrays: Arrays, seed: int = 3) -> Floats:
    """Parameters near to those of the data."""
    rng = np.random.default_rng(seed)
    middle = MIDDLE.get(arrays.family.link.name, 0.3)
    size = 0.1 if middle > 1 else 0.4
    theta = np.concatenate([size * t.start + 0.05 * rng.normal(size=len(t.row)) for t in arrays.templates])
    beta = np.array([middle, 0.1])
    return np.concatenate([theta, beta, [np.log(0.4)] if arrays.family.has_dispersion else []])


def dense_laplace(arrays: Arrays, parameters: Floats) -> float:
    """-2 log L by Laplace's approximation with one dense Z Lambda and Newton's method on all random effects at once."""
    theta, beta, log_phi = arrays.split(parameters)
    ZL = dense_columns(arrays, arrays.lams(theta))
    u = np.zeros(ZL.shape[1])
    fixed = arrays.fixed(beta)

    def objective(u: Floats) -> float:
        return float(arrays.terms(fixed + ZL @ u, log_phi).value.sum() + u @ u / 2)

    for _ in range(200):
        terms = arrays.terms(fixed + ZL @ u, log_phi)
        gradient = ZL.T @ terms.first + u
        H = np.eye(len(u)) + (ZL.T * np.maximum(terms.second, 1e-3)) @ ZL
        step, length = np.linalg.solve(H, -gradient), 1.0
        while not objective(u + length * step) <= objective(u) + 1e-13 and length > 1e-8:
            length /= 2
        u = u + length * step
        if np.abs(length * step).max() < 1e-13:
            break
    terms = arrays.terms(fixed + ZL @ u, log_phi)
    H = np.eye(len(u)) + (ZL.T * terms.second) @ ZL
    sign, log_determinant = np.linalg.slogdet(H)
    assert sign > 0
    return float(2 * terms.value.sum() + u @ u + log_determinant)


def dense_columns(arrays: Arrays, lams: list[Floats]) -> Floats:
    """Z Lambda (n, all random effects)."""
    parts = []
    for rows, lam in zip(arrays.factors, lams, strict=True):
        Z = np.column_stack([np.ones(len(rows.codes)) if z is None else z for z in rows.Z]) @ lam
        full = np.zeros((len(rows.codes), rows.n_levels, rows.q))
        full[np.arange(len(rows.codes)), rows.codes] = Z
        parts.append(full.reshape(len(rows.codes), -1))
    return np.hstack(parts)


def brute_deviance(arrays: Arrays, parameters: Floats, n_points: int = 4001, reach: float = 12.0) -> float:
    """-2 log L of a model with one scalar random effect: each level's integral by the trapezium rule on a fine grid."""
    theta, beta, log_phi = arrays.split(parameters)
    (rows,), lam = arrays.factors, float(theta[0])
    u, width = np.linspace(-reach, reach, n_points, retstep=True)
    log_density = np.empty((rows.n_levels, n_points))
    fixed = arrays.fixed(beta)
    for k, each in enumerate(u):
        f = arrays.terms(fixed + rows.spread(np.full((1, rows.n_levels), lam * each)), log_phi).value
        f = np.where(np.isfinite(f), f, np.inf)
        log_density[:, k] = -np.bincount(rows.codes, weights=f, minlength=rows.n_levels) - each**2 / 2
    return -2 * float((special.logsumexp(log_density, axis=1) + np.log(width) - np.log(2 * np.pi) / 2).sum())


def five_point_gradient(function: Callable[[Floats], float], x: Floats, step: float = 1e-4) -> Floats:
    """Differences of fourth order."""
    found = np.empty(len(x))
    for k in range(len(x)):
        direction = np.zeros(len(x))
        direction[k] = step
        a, b, c, d = (function(x + s * direction) for s in (2, 1, -1, -2))
        found[k] = (-a + 8 * b - 8 * c + d) / (12 * step)
    return found
