"""Chains and crossed factors as lme4 fits them (tests/reference/chain.R), in the form chosen and by a sparse block."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.fitter import trailing
from mlm_widgets.fitter.sparse_crossing import SparseCrossing

FOLDER = Path(__file__).parent.parent / "reference"
REFERENCES: dict[str, dict[str, Any]] = json.loads((FOLDER / "chain.json").read_text())

CRITERION = 1e-6  # absolute: lme4 was searched tightly, twice
ESTIMATE = 1e-4  # of a standard error
VARIANCE = 1e-4  # of the residual variance
MODES = 1e-4  # of the residual standard deviation
DF = 5e-3  # relative: lmerTest takes differences


@cache
def data() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "chain.csv")


@pytest.fixture(params=["chosen", "sparse"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind: str = request.param
    if kind == "sparse":
        monkeypatch.setattr(trailing, "SMALL", 0)
        monkeypatch.setattr(trailing, "_dense_cost", lambda _: np.inf)
    return kind


@pytest.mark.parametrize("name", REFERENCES)
def test_what_lme4_gives(name: str, form: str) -> None:
    theirs = REFERENCES[name]
    m = fit(theirs["formula"], data(), reml=theirs["REML"])
    if form == "sparse":
        assert isinstance(m._prepared.problem.crossing, SparseCrossing)
    assert m.converged
    assert m.is_singular == theirs["singular"]
    assert m.criterion == pytest.approx(theirs["criterion"], abs=CRITERION)
    se = np.array(theirs["se"])
    np.testing.assert_allclose(m.params, theirs["estimate"], rtol=0, atol=ESTIMATE * se.min())
    np.testing.assert_allclose(m.bse, se, rtol=ESTIMATE)
    ours = _variances(m)
    for group, term, variance in zip(theirs["group"], theirs["term"], theirs["variance"], strict=True):
        key = _key(group), "Intercept" if term in ("(Intercept)", None) else term
        assert ours[key] == pytest.approx(variance, abs=VARIANCE * theirs["sigma"] ** 2)
    if not theirs["singular"]:  # on the boundary lmerTest's Hessian has directions without curvature
        np.testing.assert_allclose(m.df, theirs["df"], rtol=DF)
    _check_modes(m, theirs)


def _key(group: str) -> str:
    """Lme4 turns the names of nested factors round, and their levels: klass:(school:region)."""
    return ":".join(sorted(group.replace("(", "").replace(")", "").split(":")))


def _variances(m: MixedModel) -> dict[tuple[str, str], float]:
    found = {("Residual", "Intercept"): m.sigma**2}
    for group in m.fit_result.groups:
        S = m.sigma**2 * group.lam @ group.lam.T
        found |= {(_key(group.grouping.name), name): S[k, k] for k, name in enumerate(group.grouping.names)}
    return found


def _check_modes(m: MixedModel, theirs: dict[str, Any]) -> None:
    for group in m.fit_result.groups:
        (name,) = (name for name in theirs["modes"] if _key(name) == _key(group.grouping.name))
        other = theirs["modes"][name]
        own = {_key(str(level)): k for k, level in enumerate(group.grouping.levels)}
        places = [own[_key(level)] for level in other["levels"]]
        scale = theirs["sigma"] * MODES
        np.testing.assert_allclose(group.modes[:, places].T, other["values"], rtol=0, atol=10 * scale)
        if other["sd"] is not None and len(group.modes) == 1:
            sd = np.sqrt(group.mode_covariance[0, 0, places])
            np.testing.assert_allclose(sd, np.ravel(other["sd"]), rtol=0, atol=10 * scale)


@pytest.mark.parametrize(
    ("formula", "order"),
    [
        ("y ~ (1 | g) + (1 | h) + (1 | k)", "khg"),
        ("y ~ (1 | k) + (1 | g) + (1 | h)", "kgh"),
        ("y ~ (1 | h) + (1 | g)", "hg"),
        ("y ~ (1 | g) + (1 | k) + (1 | h)", "khg"),
    ],
)
def test_factors_with_equally_many_levels_are_ordered_as_by_lme4(formula: str, order: str) -> None:
    """`names(getME(m, "theta"))` of lme4 1.1-31, with 5 levels of g and h and 7 of k."""
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({name: draw.integers(n, size=300) for name, n in (("g", 5), ("h", 5), ("k", 7))})
    frame["y"] = draw.normal(size=300) + draw.normal(size=5)[frame["g"]] + draw.normal(size=5)[frame["h"]]
    groups = fit(formula, frame).fit_result.groups
    assert "".join(group.grouping.name for group in groups) == order
