"""ICC and R2 of models with prior weights and offsets against R's performance (tests/reference/shares.json)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import mlm_widgets as mlm
from tests.fitter.test_engine import engine_table
from tests.modelcache import REFERENCE

ENTRIES: list[dict[str, Any]] = json.loads((REFERENCE / "shares.json").read_text())
SHARE = 2e-6  # absolute: bobyqa with rhoend 1e-10 finds theta to about 1e-6


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_shares_are_those_of_performance(entry: dict[str, Any]) -> None:
    data = engine_table(entry["data"])
    m = mlm.fit(entry["formula"], data, reml=entry["REML"], weights=entry["weights"], offset=entry["offset"])
    icc, r2 = m.icc(), m.r2()
    assert icc.adjusted == pytest.approx(entry["icc_adjusted"], abs=SHARE)
    assert icc.unadjusted == pytest.approx(entry["icc_unadjusted"], abs=SHARE)
    assert r2.marginal == pytest.approx(entry["r2_marginal"], abs=SHARE)
    assert r2.conditional == pytest.approx(entry["r2_conditional"], abs=SHARE)
    # performance orders the two parts of a nested grouping as lme4 does: cask:batch is our batch:cask
    theirs = {frozenset(name.split(":")): value for name, value in entry.get("by_group", {}).items()}
    for name, value in icc.by_group.items():
        if theirs:
            assert value == pytest.approx(theirs[frozenset(name.split(":"))], abs=SHARE)


def test_weights_are_no_copies_in_means_over_rows() -> None:
    """The residual variance is that of a row of weight 1, and means over rows are plain: R's performance has it so."""
    data = engine_table("sleepstudy")
    m = mlm.fit("Reaction ~ Days + (Days | Subject)", data, weights="w")
    lam = m.fit_result.groups[0].lam
    z = np.column_stack([np.ones(len(data)), data["Days"]])
    random = m.sigma**2 * np.mean(((z @ lam) ** 2).sum(axis=1))
    assert m.icc().adjusted == pytest.approx(random / (random + m.sigma**2), rel=1e-12)
    fixed = np.var(z @ m.params.to_numpy(), ddof=1)
    assert m.r2().marginal == pytest.approx(fixed / (fixed + random + m.sigma**2), rel=1e-12)
