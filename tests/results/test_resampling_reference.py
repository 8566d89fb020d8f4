"""The bootstrap and power against lme4's bootMer and lmerTest's t tests, which draw other numbers.

Both sides are means over replicates, 2,000 of R's and 8,000 of ours: tolerances are four standard errors of the
difference.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from mlm_widgets import power
from tests import modelcache

OURS = 8000
FOUR = 4.0


@cache
def reference() -> dict[str, Any]:
    """resampling.json, made by reference/resampling.R."""
    return dict(json.loads((modelcache.REFERENCE / "resampling.json").read_text()))


@pytest.mark.parametrize("random", ["new", "conditional"])
def test_replicates_are_distributed_as_bootmers(random: str) -> None:
    m = modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    theirs, n = reference()[random], reference()["n"]
    found = m.bootstrap(OURS, 1, random=random).replicates[reference()["names"]]
    sd = np.array(theirs["sd"])
    share = np.sqrt(1.0 / n + 1.0 / OURS)
    assert np.all(np.abs(found.mean().to_numpy() - theirs["mean"]) < FOUR * share * sd)
    # the relative standard error of a standard deviation is 0.7 / sqrt(n) where tails are normal; 1 leaves room
    np.testing.assert_allclose(found.std().to_numpy(), sd, rtol=FOUR * share)
    quartiles = found.quantile([0.25, 0.5, 0.75]).to_numpy().T
    error = 1.4 * share * sd[:, None]  # sqrt(p (1 - p)) / density: 1.36 sd at a quartile of a normal distribution
    assert np.all(np.abs(quartiles - np.array(theirs["quartiles"])) < FOUR * error)


@pytest.mark.parametrize("alpha", ["0.05", "0.01"])
def test_power_is_that_of_lmertest(alpha: str) -> None:
    m = modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    theirs = reference()["power"]
    found = power(m, {"Days": float(theirs["effect"])}, n_sim=OURS, alpha=float(alpha), seed=1).table["power"][0]
    p = theirs[alpha]
    assert found == pytest.approx(p, abs=FOUR * np.sqrt(p * (1 - p) * (1 / reference()["n"] + 1 / OURS)))
