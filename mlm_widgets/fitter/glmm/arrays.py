"""The rows of a generalized linear mixed model, laid out for the search.

Columns are centred and scaled as for the linear model (:mod:`mlm_widgets.fitter.coordinates`), without weights. Rows
are sorted by the leading grouping factor, the one with the most random effects, so that its sums run over neighbours;
the other factors are the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mlm_widgets.families import Family, Terms
from mlm_widgets.fitter.template import Template
from mlm_widgets.linalg import GroupSums

__all__ = ["Arrays", "PairPattern", "RandomRows", "pair_pattern"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

CHUNK = 8_192  # rows whose terms stay in cache: large arrays are cleared by the system each time they are asked for


class RandomRows:
    """The rows of one grouping factor: eta gets sum_a z_a b_a[code].

    Parameters
    ----------
    codes : ndarray (n,)
    n_levels : int
    Z : list of ndarray (n,) or None
        The q columns; None is a column of ones.
    """

    def __init__(self, codes: npt.NDArray[np.int64], n_levels: int, Z: list[Floats | None]) -> None:
        self.codes = codes
        self.n_levels = n_levels
        self.Z = Z
        self._sums = GroupSums(codes, n_levels)
        is_sorted = len(codes) > 0 and bool(np.all(codes[1:] >= codes[:-1]))
        self._counts = np.bincount(codes, minlength=n_levels) if is_sorted else None
        self._starts = None if self._counts is None else np.cumsum(self._counts) - self._counts

    @property
    def q(self) -> int:
        """Random effects a level."""
        return len(self.Z)

    def at_rows(self, values: Floats) -> Floats:
        """A value a level (..., J) -> one a row (..., n)."""
        return values[..., self.codes] if self._counts is None else np.repeat(values, self._counts, axis=-1)

    def by_level(self, values: Floats) -> Floats:
        """Sums of values a row (k, n) by level, (k, J); rows are sorted, and no level is without."""
        assert self._starts is not None
        return np.asarray(np.add.reduceat(values, self._starts, axis=-1))

    def spread(self, b: Floats) -> Floats:
        """Z b by row (n,), for b (q, J)."""
        total: Floats | None = None
        for a in range(self.q):
            part = self.times(self.at_rows(b[a]), a)
            total = part if total is None else total + part
        assert total is not None
        return total

    def times(self, values: Floats, a: int) -> Floats:
        """values * z_a by row."""
        column = self.Z[a]
        return values if column is None else values * column

    def gathered(self, values: Floats) -> Floats:
        """Z' values by level, (q, J)."""
        return np.array([self._sums.of(self.times(values, a)) for a in range(self.q)])

    def couples(self, weights: Floats) -> Floats:
        """Z' diag(weights) Z by level, (q, q, J)."""
        found = np.empty((self.q, self.q, self.n_levels))
        for a in range(self.q):
            own = self.times(weights, a)
            for b in range(a, self.q):
                found[a, b] = found[b, a] = self._sums.of(self.times(own, b))
        return found

    def forms(self, Q: Floats) -> Floats:
        """z_i' Q_j z_i by row (n,), for symmetric lanes Q (q, q, J)."""
        total = np.zeros(len(self.codes))
        for a in range(self.q):
            inner = self.times(self.at_rows(Q[a, a]), a)
            for b in range(a + 1, self.q):
                inner = inner + self.times(self.at_rows(2.0 * Q[a, b]), b)
            total += self.times(inner, a)
        return total


@dataclass(frozen=True, slots=True)
class PairPattern:
    """The pairs (level of one factor, level of another) that occur.

    Attributes
    ----------
    first, second : ndarray (n_pairs,)
        The levels, sorted by the first and then by the second.
    place : ndarray (n,)
        The pair of each row.
    """

    first: Ints
    second: Ints
    place: Ints

    def sums(self, values: Floats) -> Floats:
        """Sums of `values` (n,) by pair."""
        return np.asarray(np.bincount(self.place, weights=values, minlength=len(self.first)), dtype=np.float64)


def pair_pattern(first: RandomRows, second: RandomRows) -> PairPattern:
    """The pairs of two factors."""
    keys = first.codes * np.int64(second.n_levels) + second.codes
    found, place = np.unique(keys, return_inverse=True)
    return PairPattern(found // second.n_levels, found % second.n_levels, place)


@dataclass(frozen=True)
class Arrays:
    """What the likelihood of a model needs.

    Attributes
    ----------
    family : Family
    y : ndarray (n,)
        The outcome; successes, for the binomial.
    trials, weights, offset : ndarray (n,) or None
    X : ndarray (p, n)
    factors : tuple of RandomRows
        The leading one first.
    templates : tuple of Template
        In the same order.
    """

    family: Family
    y: Floats
    trials: Floats | None
    weights: Floats | None
    offset: Floats | None
    X: Floats
    factors: tuple[RandomRows, ...]
    templates: tuple[Template, ...]

    @property
    def n_theta(self) -> int:
        """Variance parameters."""
        return sum(len(template.row) for template in self.templates)

    @property
    def n_parameters(self) -> int:
        """Variance parameters, fixed effects, and log phi where there is one."""
        return self.n_theta + len(self.X) + self.family.has_dispersion

    def lams(self, theta: Floats) -> list[Floats]:
        """lambda of each factor."""
        found, start = [], 0
        for template in self.templates:
            found.append(template.matrix(theta[start : start + len(template.row)]))
            start += len(template.row)
        return found

    def split(self, parameters: Floats) -> tuple[Floats, Floats, float]:
        """(theta, beta, log phi) of the parameters."""
        k, p = self.n_theta, len(self.X)
        return parameters[:k], parameters[k : k + p], float(parameters[k + p]) if self.family.has_dispersion else 0.0

    def terms(self, eta: Floats, log_phi: float) -> Terms:
        """The likelihood's terms at eta (..., n), times the weights; a few rows at a time, which stay in cache."""
        n = eta.shape[-1]
        step = max(1, CHUNK * n // eta.size)
        if n <= step and self.weights is None:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                return self.family.likelihood(eta, self.y, self.trials, log_phi)
        made = np.empty((7 if self.family.has_dispersion else 4, *eta.shape))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, n, step):
                rows = slice(start, start + step)
                trials = None if self.trials is None else self.trials[rows]
                found = self.family.likelihood(eta[..., rows], self.y[rows], trials, log_phi)
                parts = (found.value, found.first, found.second, found.third, *(found.dispersion or ()))
                for part, out in zip(parts, made, strict=True):
                    out[..., rows] = part if self.weights is None else part * self.weights[rows]
        dispersion = (made[4], made[5], made[6]) if self.family.has_dispersion else None
        return Terms(made[0], made[1], made[2], made[3], dispersion)

    def every(self, step: int) -> Arrays:
        """The rows 0, step, 2 step, ...: for what needs no random effects."""

        def rows(values: Floats | None) -> Floats | None:
            return None if values is None else np.ascontiguousarray(values[..., ::step])

        y, X = rows(self.y), rows(self.X)
        assert y is not None
        assert X is not None
        trials, weights, offset = rows(self.trials), rows(self.weights), rows(self.offset)
        return replace(self, y=y, X=X, trials=trials, weights=weights, offset=offset, factors=())

    def information(self, eta: Floats, log_phi: float) -> Floats:
        """mu'^2 / variance, times the weights: what stands for a curvature that is not positive."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mu, slope, *_ = self.family.link.derivatives(eta)
            found = slope**2 / self.family.variance(mu, float(np.exp(log_phi)))
        for each in (self.trials, self.weights):
            found = found if each is None else found * each
        return np.nan_to_num(found, nan=0.0, posinf=1e10)

    def fixed(self, beta: Floats) -> Floats:
        """X beta + offset, by row."""
        eta = beta @ self.X
        return eta if self.offset is None else eta + self.offset

    @cached_property
    def rounding(self) -> float:
        """What rounding leaves of the sum of f: terms such as mu - y eta are differences of large numbers."""
        size = np.abs(self.y) * (1.0 + np.log1p(np.abs(self.y))) if self.family.is_count else np.ones_like(self.y)
        size = size if self.trials is None else self.trials
        size = size if self.weights is None else size * self.weights
        return 1e-15 * float(np.sqrt(size @ size))

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where the random effects of each factor of the rest stand; the leading one's slice is empty."""
        found, start = [slice(0, 0)], 0
        for rows in self.factors[1:]:
            found.append(slice(start, start + rows.q * rows.n_levels))
            start += rows.q * rows.n_levels
        return tuple(found)

    @property
    def n_rest(self) -> int:
        """Random effects of the rest."""
        return self.columns[-1].stop

    @cached_property
    def lead_pairs(self) -> tuple[PairPattern, ...]:
        """Pairs of the leading factor with each of the rest."""
        return tuple(pair_pattern(self.factors[0], rows) for rows in self.factors[1:])

    @cached_property
    def rest_pairs(self) -> dict[tuple[int, int], PairPattern]:
        """Pairs of factors of the rest, by their places (f, g) with f > g."""
        return {(f, g): pair_pattern(self.factors[f], self.factors[g]) for f, g in self._couples()}

    def _couples(self) -> Iterator[tuple[int, int]]:
        return ((f, g) for f in range(2, len(self.factors)) for g in range(1, f))
