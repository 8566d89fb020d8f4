"""Simulated generalized models: estimates find the truth, and intervals hold it as often as they say.

`python -m benchmarks.coverage` does the same with 500 tables a model.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage import BETA, LEVEL, SIMULATIONS, Simulation, coverage

N = 60
SURE = 1 - 1e-5  # of a correct program passing, a coefficient


@pytest.mark.slow
@pytest.mark.parametrize("simulation", SIMULATIONS, ids=lambda simulation: simulation.name)
def test_intervals_hold_the_truth(simulation: Simulation) -> None:
    found = coverage(simulation, N, seed=1)
    assert found.states["failed"] == 0
    low, _ = stats.binom.interval(SURE, N, LEVEL - 0.02)  # 60 groups: normal intervals are a little short
    assert all(count >= low for count in found.counts)
    bias = found.estimates.mean(axis=0) - BETA
    allowed = stats.norm.ppf(1 - (1 - SURE) / 2) * found.estimates.std(axis=0, ddof=1) / np.sqrt(N)
    assert (np.abs(bias) < allowed + 0.01).all()  # Laplace's approximation has a small bias of its own
