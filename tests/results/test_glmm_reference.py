"""Generalized models agree with glmmTMB (tests/reference/glmm.json) and lme4's glmer (lme4.json)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlm_widgets import MixedModel, datasets
from tests.modelcache import generalized, glmmtmb, lme4

ABOVE = 1e-8  # log-likelihood: none may be below the other's by more
LIKELIHOOD = 1e-7  # both stop at a gradient near zero; the json holds 12 digits
ESTIMATE = 1e-5  # in standard errors, of models polished by Newton's method
SE = 5e-4  # relative: the Hessians are differences of exact gradients, ours a last Newton step from the optimum
SD = 1e-4  # of random effects, relative to the largest; 0 is 1e-5 where they are logarithms
GLMER = 1e-3  # relative: glmer's own tolerance for estimates and standard errors

FAMILIES = {"nbinom2": "negative_binomial", "Gamma": "gamma", "beta_family": "beta"}
DISPERSION: dict[str, Callable[[float], float]] = {  # theirs -> ours
    "nbinom2": lambda sigma: 1 / sigma,
    "Gamma": lambda sigma: sigma**2,
    "beta_family": lambda sigma: 1 / sigma,
    "gaussian": lambda sigma: sigma**2,
}
GLMER_ENTRIES = [name for name, entry in lme4().items() if "nAGQ" in entry]
# glmer stops short of its optimum here: what its log-likelihood lacks
GLMER_LACKS = {"contraception": 5e-5, "grouseticks": 2e-5, "verbagg": 3e-4}
# standard errors from glmer's differences of its deviance: up to 0.4 % from those of glmmTMB, which ours are
GLMER_SE = 5e-3
ROUGH_SE = (*GLMER_LACKS, "contraception_slope")


def listed(value: Any) -> list[Any]:
    """R's vectors of length one are written as scalars."""
    return value if isinstance(value, list) else [value]


def model(entry: dict[str, Any]) -> MixedModel:
    return generalized(
        entry["formula"],
        entry["data"],
        FAMILIES.get(entry["family"], entry["family"]),
        entry["link"],
        entry.get("nAGQ", 1),
        entry.get("weights"),
    )


@pytest.fixture(params=list(glmmtmb()))
def entry(request: pytest.FixtureRequest) -> dict[str, Any]:
    return glmmtmb()[request.param]


def test_log_likelihood_is_that_of_glmmtmb(entry: dict[str, Any]) -> None:
    m = model(entry)
    assert m.converged
    assert m.llf > entry["logLik"] - ABOVE
    assert m.llf == pytest.approx(entry["logLik"], abs=LIKELIHOOD)
    assert (m.nobs, m.n_params) == (entry["nobs"], entry["npar"])


def test_fixed_effects_of_glmmtmb(entry: dict[str, Any]) -> None:
    m, se = model(entry), np.array(listed(entry["se"]))
    np.testing.assert_allclose((m.params - listed(entry["estimate"])) / se, 0, atol=ESTIMATE)
    np.testing.assert_allclose(m.bse, se, rtol=SE)
    np.testing.assert_allclose(m.fittedvalues.to_numpy()[:8], entry["fitted_head"], rtol=1e-4)


def test_random_effects_of_glmmtmb(entry: dict[str, Any]) -> None:
    table = model(entry).varcorr()
    table = table[table["group"] != "Residual"]
    ours = np.sort(table[table["term2"].isna()]["sd_or_corr"])
    theirs = np.sort([sd for block in entry["sd"].values() for sd in listed(block["sd"])])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=SD * theirs.max())
    if "||" not in entry["formula"]:
        correlations = [cor for block in entry["sd"].values() for cor in listed(block["cor"]) if cor is not None]
        np.testing.assert_allclose(
            np.sort(table[table["term2"].notna()]["sd_or_corr"]), np.sort(correlations), atol=10 * SD
        )


def test_dispersion_of_glmmtmb(entry: dict[str, Any]) -> None:
    m = model(entry)
    theirs = DISPERSION[entry["family"]](entry["sigma"]) if entry["family"] in DISPERSION else 1.0
    assert m.dispersion == pytest.approx(theirs, rel=SD)


def test_every_family_and_link_of_glmmtmb_is_tested() -> None:
    from mlm_widgets.families import FAMILIES as OURS

    tested = {(FAMILIES.get(e["family"], e["family"]), e["link"]) for e in glmmtmb().values()}
    possible = {(family.name, link) for family in OURS.values() for link in family.links}
    not_there = {("gaussian", "identity"), ("binomial", "cauchit")}  # the linear model; not in glmmTMB 1.1.5
    assert possible - tested - not_there == {("inverse_gaussian", link) for link in OURS["inverse_gaussian"].links}


def saturated(entry: dict[str, Any]) -> float:
    """-2 log-likelihood of the saturated model: lme4's criterion by quadrature leaves it out."""
    if entry["nAGQ"] == 1:
        return 0.0
    assert entry["data"] == "cbpp"
    data = datasets.load("cbpp")
    y, n = data["incidence"], data["size"]
    return float(-2 * np.sum(stats.binom.logpmf(y, n, y / n)))


@pytest.fixture(params=GLMER_ENTRIES)
def glmer(request: pytest.FixtureRequest) -> dict[str, Any]:
    return lme4()[request.param]


def test_every_entry_of_glmer_is_tested() -> None:
    assert len(GLMER_ENTRIES) == 7


def test_log_likelihood_is_that_of_glmer_or_higher(glmer: dict[str, Any]) -> None:
    m = model(glmer)
    assert m.converged
    assert m.n_params == glmer["npar"]
    higher = m.llf - (glmer["logLik"] - saturated(glmer) / 2)
    assert higher > -ABOVE
    lacks = GLMER_LACKS.get(glmer["id"])
    assert higher < (1e-6 if lacks is None else 2 * lacks)
    if lacks is not None:
        assert higher > lacks
        assert m.llf == pytest.approx(glmmtmb()[glmer["id"]]["logLik"], abs=LIKELIHOOD)


def test_estimates_are_those_of_glmer(glmer: dict[str, Any]) -> None:
    m, fixed = model(glmer), glmer["fixed"]
    is_short = glmer["id"] in GLMER_LACKS
    se = np.array(fixed["se"])
    np.testing.assert_allclose(m.params / se, np.array(fixed["estimate"]) / se, atol=(10 if is_short else 1) * GLMER)
    np.testing.assert_allclose(m.bse, se, rtol=GLMER_SE if glmer["id"] in ROUGH_SE else GLMER)
    if glmer["id"] in ROUGH_SE:
        np.testing.assert_allclose(m.bse, glmmtmb()[glmer["id"]]["se"], rtol=SE)
    table = m.varcorr()
    ours = table[table["term2"].isna() & (table["group"] != "Residual")]["sd_or_corr"]
    theirs = [sd for block in glmer["varcorr"].values() for sd in listed(block["sd"])]
    np.testing.assert_allclose(ours, theirs, rtol=GLMER)
    if "theta" in glmer and not is_short:
        np.testing.assert_allclose(m.theta, listed(glmer["theta"]), rtol=GLMER)


def test_conditional_modes_and_fitted_values_are_those_of_glmer(glmer: dict[str, Any]) -> None:
    m = model(glmer)
    if "ranef" not in glmer:
        return
    np.testing.assert_allclose(m.fittedvalues.to_numpy()[:10], glmer["fitted_head"], rtol=GLMER)
    table = m.ranef()
    for group, theirs in glmer["ranef"].items():
        part = table[table["group"] == group]
        levels, terms = theirs["levels"], [t.replace("(Intercept)", "Intercept") for t in listed(theirs["terms"])]
        terms = [t.replace("urbanY", "urban[T.Y]") for t in terms]
        mode = part.pivot(index="level", columns="term", values="estimate").loc[levels, terms].to_numpy()
        expected = np.array(theirs["mode"]).reshape(mode.shape)
        np.testing.assert_allclose(mode, expected, atol=2 * GLMER * np.abs(expected).max())
        if theirs["sd"] is not None and len(terms) == 1:
            sd = part.pivot(index="level", columns="term", values="se").loc[levels, terms].to_numpy()
            np.testing.assert_allclose(sd, np.array(theirs["sd"]).reshape(sd.shape), rtol=2 * GLMER)
