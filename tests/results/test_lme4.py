"""Fits agree with R's lme4, lmerTest and performance (tests/reference/lme4.json, made by published.R beside it)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.modelcache import fitted, lme4, reference_model

CRITERION = (
    1e-6  # lme4 stops within 1e-9 of its optimum; the json holds 12 digits, 1e-8 of the largest criterion (46,000)
)
ESTIMATE = 1e-4  # relative: lme4's theta is good to 1e-5 where the criterion is flat to 1e-9
DF = 1e-3  # relative: lmerTest differentiates numerically
SHARE = 1e-4  # ICC and R2, absolute
MODE = 1e-4  # conditional modes and their standard deviations, relative to the largest of their term
THETA = 1e-3  # the flattest direction of the criterion: sqrt(1e-8 / curvature)

TABLES = ("sleepstudy", "hsb", "penicillin", "pastes", "dyestuff2", "cake")
ENTRIES = [name for name, entry in lme4().items() if entry.get("data") in TABLES]
LEAVES_OUT_SLOPES = ("sleepstudy_uncorrelated_reml",)  # R's figures, see the test of slopes in terms of their own
Floats = npt.NDArray[np.float64]


def test_every_entry_of_the_six_tables_is_tested() -> None:
    assert len(ENTRIES) == 13
    assert {lme4()[name]["data"] for name in ENTRIES} == set(TABLES)


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> dict[str, Any]:
    return lme4()[request.param]


def our_name(name: str) -> str:
    """R's name of a coefficient as we write it."""
    name = name.replace("(Intercept)", "Intercept")
    for level in "BC":
        name = name.replace(f"recipe{level}", f"recipe[T.{level}]")
    return name


def turned(text: str) -> str:
    return ":".join(reversed(text.split(":")))


def listed(value: Any) -> list[Any]:
    """R's vectors of length one are written as scalars."""
    return value if isinstance(value, list) else [value]


def test_criterion_is_that_of_lme4_or_lower(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    assert m.criterion - entry["criterion"] < CRITERION
    assert m.criterion == pytest.approx(entry["criterion"], abs=CRITERION)
    assert m.converged


def test_likelihood_and_information_criteria(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    assert m.nobs == entry["nobs"]
    assert m.n_params == entry["npar"]
    assert sorted(m.n_groups.values()) == sorted(entry["ngroups"].values())
    ours = [m.llf, m.aic, m.bic]
    np.testing.assert_allclose(ours, [entry["logLik"], entry["AIC"], entry["BIC"]], rtol=0, atol=CRITERION)


def test_fixed_effects(entry: dict[str, Any]) -> None:
    m, fixed = reference_model(entry), entry["fixed"]
    assert list(m.params.index) == [our_name(name) for name in listed(fixed["names"])]
    np.testing.assert_allclose(m.params, listed(fixed["estimate"]), rtol=ESTIMATE)
    np.testing.assert_allclose(m.bse, listed(fixed["se"]), rtol=ESTIMATE)
    np.testing.assert_allclose(m.tvalues, listed(fixed["t"]), rtol=2 * ESTIMATE)


def test_covariance_of_the_fixed_effects(entry: dict[str, Any]) -> None:
    ours, theirs = reference_model(entry).cov_params().to_numpy(), np.array(entry["vcov"])
    sd = np.sqrt(np.diag(theirs))
    np.testing.assert_allclose(ours / np.outer(sd, sd), theirs / np.outer(sd, sd), rtol=0, atol=2 * ESTIMATE)


def test_satterthwaite_degrees_of_freedom_and_p(entry: dict[str, Any]) -> None:
    m, fixed = reference_model(entry), entry["fixed"]
    np.testing.assert_allclose(m.df, listed(fixed["df_satterthwaite"]), rtol=DF)
    # p of a large |t| moves by |t|^2 times the relative change of t
    t = np.array(listed(fixed["t"]))
    for ours, theirs, size in zip(m.pvalues, listed(fixed["p"]), np.abs(t), strict=True):
        assert ours == pytest.approx(theirs, rel=10 * ESTIMATE * (1 + size**2), abs=1e-300)


def test_variance_parameters(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    assert m.sigma == pytest.approx(entry["sigma"], rel=ESTIMATE)
    theirs = np.array(listed(entry["theta"]), dtype=float)
    np.testing.assert_allclose(m.theta, theirs, rtol=THETA, atol=THETA * max(float(np.abs(theirs).max()), 0.1))
    assert m.is_singular is entry["singular"]
    assert m.state == ("boundary" if entry["singular"] else "converged")


def test_standard_deviations_and_correlations(entry: dict[str, Any]) -> None:
    table = reference_model(entry).varcorr()
    theirs: list[float] = []
    covariances: list[float] = []
    for block in entry["varcorr"].values():
        covariance = np.atleast_2d(np.array(block["cov"], dtype=float))
        theirs += listed(block["sd"])
        covariances += [float(covariance[a, b]) for a in range(len(covariance)) for b in range(a)]
    sds = table[table["term2"].isna() & (table["group"] != "Residual")]["sd_or_corr"]
    np.testing.assert_allclose(sds, theirs, rtol=ESTIMATE, atol=1e-3 * ESTIMATE)
    ours = table[table["term2"].notna()]["variance"]
    scale = max(theirs) ** 2 if theirs else 1.0
    np.testing.assert_allclose(ours, covariances, rtol=10 * ESTIMATE, atol=ESTIMATE * scale)


def modes(entry: dict[str, Any]) -> list[tuple[Floats, Floats, Floats, Floats | None]]:
    """Our modes, sds, and lme4's, by grouping factor, each (levels, terms) in lme4's order."""
    table = reference_model(entry).ranef()
    found = []
    for group, theirs in entry["ranef"].items():
        own = group if group in set(table["group"]) else turned(group)
        part = table[table["group"] == own]
        levels = theirs["levels"] if own == group else [turned(level) for level in theirs["levels"]]
        terms = [our_name(term) for term in listed(theirs["terms"])]
        mode = part.pivot(index="level", columns="term", values="estimate").loc[levels, terms].to_numpy()
        sd = part.pivot(index="level", columns="term", values="se").loc[levels, terms].to_numpy()
        their_sd = None if theirs["sd"] is None else np.array(theirs["sd"]).reshape(-1, len(levels)).T
        if theirs["sd"] is not None and len(terms) > 1:
            their_sd = np.array(theirs["sd"])
        found.append((mode, sd, np.array(theirs["mode"]).reshape(mode.shape), their_sd))
    return found


def test_conditional_modes_and_their_sd(entry: dict[str, Any]) -> None:
    for mode, sd, their_mode, their_sd in modes(entry):
        least = 1e-2 * entry["sigma"]  # where lme4 leaves a variance of zero at 1e-8
        scale = np.maximum(np.abs(their_mode).max(axis=0), least)
        np.testing.assert_allclose(mode / scale, their_mode / scale, rtol=0, atol=MODE)
        if their_sd is None:  # R has it for one block only; the brute-force tests cover the rest
            assert entry["id"] == "sleepstudy_uncorrelated_reml"
            continue
        scale = np.maximum(their_sd.max(axis=0), least)
        np.testing.assert_allclose(sd / scale, their_sd / scale, rtol=0, atol=MODE)


def test_fitted_values_and_residuals(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    head = slice(0, len(entry["fitted_head"]))
    np.testing.assert_allclose(m.fittedvalues.to_numpy()[head], entry["fitted_head"], rtol=ESTIMATE)
    np.testing.assert_allclose(m.resid().to_numpy()[head], entry["resid_head"], rtol=0, atol=ESTIMATE * m.sigma)
    quantiles = np.quantile(m.resid("scaled"), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, entry["scaled_resid_quantiles"], rtol=0, atol=ESTIMATE)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in LEAVES_OUT_SLOPES])
def test_shares_of_variance(name: str) -> None:
    entry = lme4()[name]
    m = reference_model(entry)
    if "icc_adjusted" in entry:
        assert m.icc().adjusted == pytest.approx(entry["icc_adjusted"], abs=SHARE)
        assert m.icc().unadjusted == pytest.approx(entry["icc_unadjusted"], abs=SHARE)
    else:  # R gives none for a singular fit
        assert entry["singular"]
        assert m.icc().adjusted == pytest.approx(0, abs=SHARE)
    if entry.get("r2_conditional") is None:
        assert entry["singular"]
    else:
        assert m.r2().conditional == pytest.approx(entry["r2_conditional"], abs=SHARE)
    assert m.r2().marginal == pytest.approx(entry["r2_marginal"], abs=SHARE)


def test_slopes_in_terms_of_their_own_count_in_the_shares() -> None:
    """Johnson (2014) averages z'Sigma z over rows, for the whole grouping factor.

    performance 0.10.2 looks at the first of two terms on one factor only: 0.49 here, 0.72 for (Days | Subject).
    """
    entry = lme4()["sleepstudy_uncorrelated_reml"]
    m = reference_model(entry)
    intercept, slope, residual = m.varcorr()["variance"]
    random = intercept + slope * np.mean(np.arange(10) ** 2)
    fixed = float(np.var(m.predict(random="none"), ddof=1))
    assert entry["icc_adjusted"] == pytest.approx(intercept / (intercept + residual), abs=SHARE)
    assert m.icc().adjusted == pytest.approx(random / (random + residual), rel=1e-12)
    assert m.icc().unadjusted == pytest.approx(random / (random + residual + fixed), rel=1e-12)
    assert m.r2().marginal == pytest.approx(fixed / (random + residual + fixed), rel=1e-12)
    assert m.r2().conditional == pytest.approx((fixed + random) / (random + residual + fixed), rel=1e-12)


def test_intraclass_correlations_by_group_add_up(entry: dict[str, Any]) -> None:
    icc = reference_model(entry).icc()
    assert sum(icc.by_group.values()) == pytest.approx(icc.adjusted)


def test_population_predictions_of_ggeffects() -> None:
    """ggpredict's intervals are normal, estimate ± 1.96 se; it holds the 0/1 column `sector` at 0, not at its mean."""
    entry = lme4()["hsb_mod4_pred"]
    m = fitted(lme4()["hsb_mod4"]["formula"], "hsb", True, "normal")
    grid = m.predictions({"cses": [-1, 0, 1], "meanses": [-0.4, 0, 0.4], "sector": [0]})
    np.testing.assert_allclose(grid["cses"], [float(x) for x in entry["x"]])
    np.testing.assert_allclose(grid["meanses"], [float(x) for x in entry["group"]])
    np.testing.assert_allclose(grid["estimate"], entry["predicted"], rtol=ESTIMATE)
    np.testing.assert_allclose(grid["std_error"], entry["se"], rtol=ESTIMATE)
    np.testing.assert_allclose(grid["conf_low"], entry["lower"], rtol=ESTIMATE)
    np.testing.assert_allclose(grid["conf_high"], entry["upper"], rtol=ESTIMATE)


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("sleepstudy_lrt", ("Reaction ~ Days + (1 | Subject)", "Reaction ~ Days + (Days | Subject)")),
        ("hsb_lrt_5_4", ("hsb_mod5", "hsb_mod4")),
    ],
)
def test_likelihoods_of_nested_models_by_ml(name: str, models: tuple[str, str]) -> None:
    """R's anova refits by ML; its likelihood ratio is the difference of our deviances."""
    entry = lme4()[name]
    data = name.partition("_")[0]
    fits = [fitted(lme4()[text]["formula"] if text in lme4() else text, data, False) for text in models]
    np.testing.assert_allclose([m.llf for m in fits], entry["logLik"], rtol=0, atol=CRITERION * 10)
    np.testing.assert_allclose([m.aic for m in fits], entry["AIC"], rtol=0, atol=CRITERION * 10)
    ratio = fits[0].criterion - fits[1].criterion
    assert ratio == pytest.approx(next(x for x in listed(entry["Chisq"]) if x is not None), abs=CRITERION * 10)
