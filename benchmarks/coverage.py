"""`python -m benchmarks.coverage`: how many 95 % Wald intervals of simulated generalized models hold the truth.

Each model is drawn and fitted 500 times from fixed seeds. With coverage 0.95 the count is binomial: its standard error,
sqrt(500 * 0.95 * 0.05) = 4.9, is what the simulation leaves open.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

import mlm_widgets as mlm

__all__ = ["SIMULATIONS", "Coverage", "Simulation", "coverage", "main"]

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

HERE = Path(__file__).parent
BETA = np.array([-0.4, 0.6, 0.5])  # intercept, x within groups, z between them
LEVEL = 0.95
HOW = """\
# Coverage

    python -m benchmarks.coverage

Of {n} simulated tables, how many of the 95 % Wald intervals (estimate ± 1.96 standard errors from the joint Hessian) of
each fixed effect hold the value that the data were drawn with. The expected count is {expected:.0f}; counts within
{low} and {high} are what chance alone gives 95 times of 100 (exact binomial). `bias` is the mean of the estimates less
the truth, with its Monte-Carlo standard error; `se / sd` the mean standard error over the standard deviation of the
estimates. Intercepts and `z` vary between groups alone: with {n_groups} groups normal intervals of such effects are
known to be a little too short. Binary outcomes of {group_size} rows a group also leave Laplace's approximation a small
bias; `n_agq` says where quadrature took its place.
"""


@dataclass(frozen=True, slots=True)
class Simulation:
    """A model to draw from and to fit: `outcome` gives y from (rng, eta, exposure)."""

    name: str
    formula: str
    family: str
    outcome: Callable[[Rng, Floats, Floats], Floats]
    has_slopes: bool
    link: str | None = None
    n_agq: int = 1
    n_groups: int = 60
    group_size: int = 20

    def draw(self, rng: Rng) -> pd.DataFrame:
        """One table."""
        g = np.repeat(np.arange(self.n_groups), self.group_size)
        x, z = rng.normal(size=len(g)), rng.normal(size=self.n_groups)[g]
        b = rng.normal(size=(self.n_groups, 2)) @ np.array([[0.7, 0.2], [0.0, 0.4 * self.has_slopes]])
        exposure = rng.uniform(0.5, 4.0, len(g))
        eta = BETA[0] + BETA[1] * x + BETA[2] * z + b[g, 0] + self.has_slopes * b[g, 1] * x
        return pd.DataFrame({"y": self.outcome(rng, eta, exposure), "x": x, "z": z, "g": g, "exposure": exposure})


def _binary(rng: Rng, eta: Floats, exposure: Floats) -> Floats:
    return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(np.float64)


def _count(rng: Rng, eta: Floats, exposure: Floats) -> Floats:
    return rng.poisson(exposure * np.exp(eta)).astype(np.float64)


def _positive(rng: Rng, eta: Floats, exposure: Floats) -> Floats:
    return np.asarray(rng.gamma(2.0, np.exp(eta) / 2.0))


SIMULATIONS = [
    Simulation("logit, slopes", "y ~ x + z + (x | g)", "binomial", _binary, has_slopes=True),
    Simulation("logit, intercepts", "y ~ x + z + (1 | g)", "binomial", _binary, has_slopes=False, n_agq=9),
    Simulation("poisson, exposure", "y ~ x + z + offset(log(exposure)) + (x | g)", "poisson", _count, has_slopes=True),
    Simulation("gamma, log", "y ~ x + z + (x | g)", "gamma", _positive, has_slopes=True, link="log"),
]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a simulation found; arrays are (n_converged, 3)."""

    estimates: Floats
    errors: Floats
    states: Counter[str]

    @property
    def counts(self) -> list[int]:
        """Intervals that hold the truth, by coefficient."""
        half = stats.norm.ppf((1 + LEVEL) / 2) * self.errors
        return [int(each) for each in (np.abs(self.estimates - BETA) <= half).sum(axis=0)]


def coverage(simulation: Simulation, n: int, seed: int = 2024) -> Coverage:
    """Draw and fit `n` tables."""
    estimates, errors, states = [], [], Counter[str]()
    for k in range(n):
        table = simulation.draw(np.random.default_rng([seed, k]))
        m = mlm.fit(simulation.formula, table, family=simulation.family, link=simulation.link, n_agq=simulation.n_agq)
        states[m.state] += 1
        estimates.append(np.asarray(m.params))
        errors.append(np.asarray(m.bse))
    return Coverage(np.array(estimates), np.array(errors), states)


def main() -> None:
    """Run all simulations and write COVERAGE.md."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coverage", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--tables", type=int, default=500)
    n = parser.parse_args().tables
    low, high = (int(each) for each in stats.binom.interval(0.95, n, LEVEL))
    first = SIMULATIONS[0]
    lines = [
        HOW.format(n=n, expected=n * LEVEL, low=low, high=high, n_groups=first.n_groups, group_size=first.group_size),
        "| model | n_agq | coefficient | intervals that hold it | bias | se / sd |",
        "|---|---:|---|---:|---:|---:|",
    ]
    notes = []
    for simulation in SIMULATIONS:
        begun = time.perf_counter()
        found = coverage(simulation, n)
        took = time.perf_counter() - begun
        sd = found.estimates.std(axis=0, ddof=1)
        for name, count, mean, spread, error, truth in zip(
            ("Intercept", "x", "z"), found.counts, found.estimates.mean(axis=0), sd, found.errors.mean(axis=0), BETA,
            strict=True,
        ):  # fmt: skip
            bias = f"{mean - truth:+.4f} ± {spread / np.sqrt(n):.4f}"
            lines.append(
                f"| {simulation.name} | {simulation.n_agq} | {name} | {count} of {n} | {bias} | {error / spread:.3f} |"
            )
        states = ", ".join(f"{state} {count}" for state, count in sorted(found.states.items()))
        notes.append(f"- {simulation.name}: `{simulation.formula}`, {states}; {1000 * took / n:.0f} ms a table")
        print(lines[-3:], notes[-1], flush=True)
    (HERE / "COVERAGE.md").write_text("\n".join(lines) + "\n\n" + "\n".join(notes) + "\n")


if __name__ == "__main__":
    main()
