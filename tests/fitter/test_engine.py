"""Weights, offsets, hat values, coefficients by group: as lme4 has them (tests/reference/engine.json, by engine.R)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mlm_widgets import MixedModel, fit
from tests.modelcache import REFERENCE, table

CRITERION = 1e-6  # lme4 restarted by two optimisers; the json holds 12 digits
ESTIMATE = 1e-4  # relative: lme4's theta is good to 1e-5 where the criterion is flat to 1e-9
DF = 1e-3  # relative: lmerTest differentiates numerically

Floats = npt.NDArray[np.floating[Any]]
ENTRIES: dict[str, dict[str, Any]] = json.loads((REFERENCE / "engine.json").read_text())


def engine_table(name: str) -> pd.DataFrame:
    """The table with the weights and offsets of engine.R."""
    data = table(name)
    i = np.arange(1, len(data) + 1)
    return data.assign(w=0.5 + (i % 5) / 2, o=np.round(np.sin(i), 6))


@cache
def model(name: str) -> MixedModel:
    entry = ENTRIES[name]
    settings = {what: entry[what] for what in ("weights", "offset") if entry.get(what)}
    return fit(entry["formula"], engine_table(entry["data"]), reml=entry["REML"], **settings)


@pytest.fixture(params=list(ENTRIES))
def entry(request: pytest.FixtureRequest) -> dict[str, Any]:
    return ENTRIES[request.param]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_criterion(entry: dict[str, Any]) -> None:
    m = model(entry["id"])
    assert m.criterion == pytest.approx(entry["criterion"], abs=CRITERION)
    assert [m.aic, m.bic] == pytest.approx([entry["AIC"], entry["BIC"]], abs=CRITERION)
    assert m.is_singular is entry["singular"]


def test_estimates(entry: dict[str, Any]) -> None:
    m = model(entry["id"])
    assert m.sigma == pytest.approx(entry["sigma"], rel=ESTIMATE)
    theta = np.array(listed(entry["theta"]))
    np.testing.assert_allclose(m.theta, theta, rtol=0, atol=10 * ESTIMATE * np.abs(theta).max())
    se = np.array(listed(entry["se"]))
    np.testing.assert_allclose(m.params / se, np.array(listed(entry["estimate"])) / se, rtol=ESTIMATE, atol=ESTIMATE)
    np.testing.assert_allclose(m.bse, se, rtol=ESTIMATE)
    np.testing.assert_allclose(m.df, listed(entry["df"]), rtol=DF)


def test_rows(entry: dict[str, Any]) -> None:
    m = model(entry["id"])
    at = ESTIMATE * m.sigma
    np.testing.assert_allclose(m.fittedvalues, entry["fitted"], rtol=0, atol=at)
    np.testing.assert_allclose(m.resid(), entry["response"], rtol=0, atol=at)
    np.testing.assert_allclose(m.resid("pearson"), entry["pearson"], rtol=0, atol=at)
    np.testing.assert_allclose(
        m.resid("scaled"), np.array(entry["pearson"]) / entry["sigma"], rtol=0, atol=2 * ESTIMATE
    )
    np.testing.assert_allclose(m.predict(), m.fittedvalues, rtol=1e-12)


def test_hat_values(entry: dict[str, Any]) -> None:
    np.testing.assert_allclose(model(entry["id"]).leverage(), entry["hat"], rtol=0, atol=ESTIMATE)


def ours_of(name: str) -> str:
    name = name.replace("(Intercept)", "Intercept")
    return f"kind[T.{name[4:]}]" if name.startswith("kind") else name


def test_coefficients_by_group(entry: dict[str, Any]) -> None:
    m = model(entry["id"])
    table = m.coef_by_group()
    assert set(table["group"]) == set(m.n_groups)
    for group, theirs in entry["coef"].items():
        own = group if group in m.n_groups else ":".join(reversed(group.split(":")))
        levels = [level if own == group else ":".join(reversed(level.split(":"))) for level in listed(theirs["levels"])]
        part = table[table["group"] == own].pivot(index="level", columns="term", values="estimate")
        terms = [ours_of(term) for term in listed(theirs["terms"])]
        values = np.array(theirs["values"]).reshape(len(levels), len(terms))
        np.testing.assert_allclose(
            part.loc[levels, terms].to_numpy() / m.sigma, values / m.sigma, rtol=0, atol=ESTIMATE
        )


def test_conditional_covariances(entry: dict[str, Any]) -> None:
    m = model(entry["id"])
    for group, theirs in entry["condvar"].items():
        if not theirs:  # lme4 has none for a factor with two terms
            continue
        own = group if group in m.n_groups else ":".join(reversed(group.split(":")))
        levels = [level if own == group else ":".join(reversed(level.split(":"))) for level in listed(theirs["levels"])]
        found = m.ranef_cov(own)
        place = [found.levels.index(level) for level in levels]
        values = np.array(theirs["values"]).reshape(found.values.shape)
        np.testing.assert_allclose(found.values[place], values, rtol=0, atol=ESTIMATE * np.abs(values).max())
