"""ICC and R2 of generalized models against R's performance (told.R), and the observation-level variances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

import mlm_widgets as mlm
from mlm_widgets.errors import OptionError
from mlm_widgets.families import FAMILIES, LINKS, Family
from mlm_widgets.inference import observation_variance, uses_null, variance_shares
from tests.inference.told import generalized_table, told
from tests.modelcache import lme4

SHARE = 2e-5  # absolute: glmmTMB's search ends at a gradient of about 1e-4
GLMER = 2e-4  # glmer stops short of its optimum; its shares with it


def model(entry: dict[str, Any]) -> mlm.MixedModel:
    return mlm.fit(entry["formula"], generalized_table(entry["data"]), family=entry["family"], link=entry["link"])


@pytest.mark.parametrize("entry", told()["shares"], ids=lambda entry: entry["id"])
def test_shares_are_those_of_performance(entry: dict[str, Any]) -> None:
    """With exp(b0) of the null model for the mean, as this version has it, and 1 / shape for Gamma ("delta")."""
    m = model(entry)
    assert m.llf == pytest.approx(entry["logLik"], abs=1e-4)
    fit, family = m.fit_result, m.family
    method = "delta" if family.name == "gamma" else None
    shares = variance_shares(fit, method)
    mean, phi = float(np.exp(entry["b0"])), m.dispersion
    if uses_null(family):
        rows = [g for g in fit.groups if len(g.grouping.levels) == m.nobs]
        beside = sum(float((g.lam @ g.lam.T)[0, 0]) for g in rows)
        residual = beside + observation_variance(family, mean, phi, shares.method)
    else:
        residual = shares.residual
    random = sum(shares.random.values())
    total = shares.fixed + random + residual
    assert random / (random + residual) == pytest.approx(entry["icc_adjusted"], abs=SHARE)
    assert random / total == pytest.approx(entry["icc_unadjusted"], abs=SHARE)
    assert shares.fixed / total == pytest.approx(entry["r2_marginal"], abs=SHARE)
    assert (shares.fixed + random) / total == pytest.approx(entry["r2_conditional"], abs=SHARE)
    if not uses_null(family) and method is None:
        assert m.icc().adjusted == pytest.approx(entry["icc_adjusted"], abs=SHARE)
        assert m.r2().conditional == pytest.approx(entry["r2_conditional"], abs=SHARE)


@pytest.mark.parametrize("name", ["cbpp_agq1", "cbpp_agq9", "contraception", "contraception_slope", "verbagg"])
def test_published_shares(name: str) -> None:
    entry = lme4()[name]
    m = mlm.fit(entry["formula"], mlm.datasets.load(entry["data"]), family="binomial", n_agq=entry["nAGQ"])
    icc, r2 = m.icc(), m.r2()
    assert icc.method == r2.method == "theoretical"
    assert icc.adjusted == pytest.approx(entry["icc_adjusted"], abs=GLMER)
    assert icc.unadjusted == pytest.approx(entry["icc_unadjusted"], abs=GLMER)
    assert r2.marginal == pytest.approx(entry["r2_marginal"], abs=GLMER)
    assert r2.conditional == pytest.approx(entry["r2_conditional"], abs=GLMER)


def moments_of_log(rv: Any, low: float, high: float) -> float:
    first, second = (integrate.quad(lambda y, k=k: np.log(y) ** k * rv.pdf(y), low, high, limit=200)[0] for k in (1, 2))
    return float(second - first**2)


def test_trigamma_is_the_variance_of_the_logarithm_of_gamma() -> None:
    mean, phi = 3.0, 0.4
    exact = moments_of_log(stats.gamma(1 / phi, scale=mean * phi), 1e-12, 200.0)
    assert observation_variance(FAMILIES["gamma"], mean, phi, "trigamma") == pytest.approx(exact, rel=1e-6)


def test_lognormal_is_the_variance_of_the_logarithm_of_a_lognormal_of_these_moments() -> None:
    """Gamma, Poisson and negative binomial by table 1 of Nakagawa, Johnson & Schielzeth (2017)."""
    mean, phi = 2.5, 0.6
    cases = {"poisson": 1 / mean, "negative_binomial": 1 / mean + phi, "gamma": phi}
    for name, cv2 in cases.items():
        family = FAMILIES[name]
        assert observation_variance(family, mean, phi, "delta") == pytest.approx(cv2)
        assert observation_variance(family, mean, phi, "lognormal") == pytest.approx(np.log1p(cv2))
        assert observation_variance(family, mean, phi, "trigamma") == pytest.approx(special.polygamma(1, 1 / cv2))


def test_delta_of_shares_and_roots() -> None:
    assert observation_variance(FAMILIES["binomial"], 0.2, 1.0, "delta", 5.0) == pytest.approx(1 / (5 * 0.2 * 0.8))
    root = FAMILIES["poisson"].with_link("sqrt")
    assert observation_variance(root, 7.0, 1.0, "delta") == pytest.approx(0.25)
    assert [observation_variance(FAMILIES["binomial"].with_link(link), 0.3, 1.0, "theoretical")
            for link in ("logit", "probit", "cloglog")] == pytest.approx([np.pi**2 / 3, 1.0, np.pi**2 / 6])  # fmt: skip


def test_the_mean_is_that_of_the_null_model_over_its_groups() -> None:
    """exp(b0 + var / 2) (Nakagawa, Johnson & Schielzeth 2017, equation 5.8)."""
    m = mlm.fit("count ~ x + (x | g)", generalized_table("generalized"), family="poisson")
    null = m.null
    assert null is not None
    assert null.formula == "count ~ 1 + (1 | g)"
    mean = np.exp(null.params["Intercept"] + null.varcorr()["variance"].sum() / 2)
    assert variance_shares(m.fit_result, None, null.fit_result).residual == pytest.approx(np.log1p(1 / mean))
    shares = variance_shares(m.fit_result, "delta", null.fit_result)
    assert m.r2("delta").marginal == pytest.approx(
        shares.fixed / (shares.fixed + sum(shares.random.values()) + 1 / mean)
    )
    assert null.null is null


def test_methods_that_a_model_has_not() -> None:
    data = generalized_table("generalized")
    with pytest.raises(OptionError, match="'theoretical', 'delta'"):
        mlm.fit("use ~ x + (1 | g)", data, family="binomial").icc("lognormal")
    with pytest.raises(OptionError, match="one residual variance"):
        mlm.fit("length ~ x + (1 | g)", data).r2("delta")
    cauchit: Family = FAMILIES["binomial"].with_link("cauchit")
    assert cauchit.link is LINKS["cauchit"]
    with pytest.raises(OptionError, match="'delta'"):
        mlm.fit("use ~ x + (1 | g)", data, family=cauchit).icc("theoretical")
