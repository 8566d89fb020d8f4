"""A generalized model's face: every method gives a right answer or a clear error."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlm_widgets as mlm
from mlm_widgets import MixedModel
from mlm_widgets.errors import DataError, OptionError
from tests.inference.told import generalized_table
from tests.modelcache import fitted

MODELS: dict[str, tuple[str, str, str | None]] = {
    "logit": ("use ~ x + z + (x | g)", "binomial", None),
    "trials": ("cbind(won, size - won) ~ x + (1 | g) + (1 | h)", "binomial", None),
    "probit": ("use ~ x + (1 | g)", "binomial", "probit"),
    "cloglog": ("seen ~ x + (1 | g)", "binomial", "cloglog"),
    "cauchit": ("use ~ x + (1 | g)", "binomial", "cauchit"),
    "poisson": ("count ~ x + offset(log(v)) + (x || g)", "poisson", None),
    "poisson_identity": ("sum ~ z + (1 | g)", "poisson", "identity"),
    "poisson_sqrt": ("root ~ z + (1 | g)", "poisson", "sqrt"),
    "nb": ("nb ~ x + (1 | g/k)", "negative_binomial", None),
    "gamma": ("time ~ x + (1 | g)", "gamma", None),
    "gamma_inverse": ("rate ~ z + (1 | g)", "gamma", "inverse"),
    "inverse_gaussian": ("time ~ x + (1 | g)", "inverse_gaussian", None),
    "gaussian_log": ("length ~ x + (1 | g)", "gaussian", "log"),
    "beta": ("share ~ x + (1 | g)", "beta", None),
}
RATIOS = {
    "logit": "odds ratio", "trials": "odds ratio", "cloglog": "hazard ratio", "poisson": "rate ratio",
    "nb": "rate ratio", "gamma": "mean ratio", "inverse_gaussian": "mean ratio", "gaussian_log": "mean ratio",
    "beta": "odds ratio",
}  # fmt: skip
_made: dict[str, MixedModel] = {}


def model(name: str) -> MixedModel:
    if name not in _made:
        formula, family, link = MODELS[name]
        _made[name] = mlm.fit(formula, generalized_table("generalized"), family=family, link=link)
    return _made[name]


CALLS: dict[str, Callable[[MixedModel], Any]] = {
    "tidy": lambda m: m.tidy("fixed").drop(columns="group"),
    "conf_int": lambda m: m.conf_int(),
    "varcorr": lambda m: m.varcorr()["variance"],
    "glance": lambda m: m.glance()[
        ["llf", "aic", "bic", "sigma", "dispersion", "r2_marginal", "r2_conditional", "icc"]
    ],
    "ranef": lambda m: m.ranef(),
    "ranef_cov": lambda m: m.ranef_cov("g").values,
    "coef_by_group": lambda m: m.coef_by_group(),
    "fittedvalues": lambda m: m.fittedvalues,
    "predict_new": lambda m: m.predict(generalized_table("generalized").head(20)),
    "interval": lambda m: m.predict(random="none", interval="confidence"),
    "link": lambda m: m.predict(type="link"),
    "predictions": lambda m: m.predictions(m.predictors[:1]),
    "proportional": lambda m: m.predictions(m.predictors[:1], factors="proportional", type="link"),
    "response": lambda m: m.resid(),
    "pearson": lambda m: m.resid("pearson"),
    "working": lambda m: m.resid("working"),
    "leverage": lambda m: m.leverage(),
    "data": lambda m: m.data.select_dtypes("number"),
    "delta": lambda m: np.array([m.icc("delta").adjusted, m.r2("delta").conditional]),
    "simulate": lambda m: m.simulate(2, seed=1, random="conditional"),
}


def numbers(found: Any) -> Any:
    if isinstance(found, pd.DataFrame):
        found = found.select_dtypes("number")
    return np.asarray(found, dtype=np.float64)


@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize("name", list(MODELS))
def test_every_method_gives_numbers(name: str, call: str) -> None:
    found = numbers(CALLS[call](model(name)))
    assert found.size > 0
    assert not np.isnan(found).any()


@pytest.mark.parametrize("name", list(MODELS))
def test_texts_and_states(name: str) -> None:
    m = model(name)
    text = str(m.summary())
    assert text.startswith("Generalized linear mixed model, ")
    assert f"({m.family.link.name}), maximum likelihood (Laplace)" in text
    assert "−2 log-likelihood" in text
    assert " z " in text
    assert " df " not in text
    assert ("Residual" in text) == (m.family.name == "gaussian")
    assert m.statistic_name == "z"
    assert np.isinf(m.df).all()
    assert len(m._repr_html_()) > 500
    assert m.converged
    assert m.all_fits().agrees
    assert len(m.term_info()) == len(m.params)
    assert m.to_python()


@pytest.mark.parametrize("name", list(MODELS))
def test_z_tests(name: str) -> None:
    m = model(name)
    np.testing.assert_allclose(m.pvalues, 2 * stats.norm.sf(np.abs(m.params / m.bse)), rtol=1e-9)
    np.testing.assert_allclose(m.conf_int()["upper"], m.params + stats.norm.ppf(0.975) * m.bse)


@pytest.mark.parametrize("name", list(RATIOS))
def test_ratios(name: str) -> None:
    m = model(name)
    assert m.ratio_name == RATIOS[name]
    plain, ratio = m.tidy(), m.tidy(exponentiate=True)
    fixed = plain["effect"] == "fixed"
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ratio.loc[fixed, column], np.exp(plain.loc[fixed, column].astype(float)))
    np.testing.assert_allclose(
        ratio.loc[fixed, "std_error"].astype(float),
        (np.exp(plain["estimate"]) * plain["std_error"])[fixed].astype(float),
    )
    np.testing.assert_array_equal(ratio.loc[fixed, "p_value"], plain.loc[fixed, "p_value"])
    np.testing.assert_array_equal(ratio.loc[~fixed, "estimate"], plain.loc[~fixed, "estimate"])
    np.testing.assert_allclose(m.conf_int(exponentiate=True), np.exp(m.conf_int()))
    assert ratio.attrs["estimate"] == RATIOS[name]
    assert RATIOS[name].capitalize() in str(m.summary(exponentiate=True))


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(RATIOS)))
def test_links_without_ratios(name: str) -> None:
    m = model(name)
    assert m.ratio_name == ""
    for call in (m.tidy, m.conf_int, m.summary):
        with pytest.raises(OptionError, match="means nothing"):
            call(exponentiate=True)


def test_linear_models_have_no_ratios() -> None:
    with pytest.raises(OptionError, match="identity"):
        fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").tidy(exponentiate=True)
    with pytest.raises(OptionError, match="exponentiate"):
        model("logit").tidy(exponentiate="yes")  # type: ignore[arg-type]


def test_a_ratio_is_that_of_odds() -> None:
    m = model("logit")
    p = m.predictions({"x": [0.0, 1.0]})["estimate"]
    odds = p / (1 - p)
    assert odds[1] / odds[0] == pytest.approx(m.tidy(exponentiate=True).set_index("term")["estimate"]["x"])


def test_dispersions_have_names() -> None:
    assert f"shape: {1 / model('nb').dispersion:.3f}" in str(model("nb").summary())
    assert "shape: " in str(model("gamma").summary())
    assert "precision: " in str(model("beta").summary())
    assert "shape" not in str(model("poisson").summary())
    log = model("gaussian_log").varcorr().set_index("group")
    assert log.loc["Residual", "variance"] == pytest.approx(model("gaussian_log").dispersion)
    assert "sd__Observation" not in set(model("gamma").tidy()["term"])


def test_quadrature_is_named() -> None:
    m = mlm.fit("use ~ x + (1 | g)", generalized_table("generalized"), family="binomial", n_agq=9)
    assert "(9-point quadrature)" in str(m.summary())
    assert m.null is not None
    assert m.null.n_agq == 9
    assert m.refit(m.simulate(seed=1)["sim_1"]).n_agq == 9


def test_deviance_residuals_sum_to_the_deviance_of_a_fit_without_groups() -> None:
    """Of a Poisson model with all variance at zero they are glm's."""
    draw = np.random.default_rng(4)
    x, g = draw.normal(size=300), np.repeat(np.arange(30), 10)
    y = draw.binomial(30, 0.1, 300)  # less spread than Poisson counts have
    m = mlm.fit("y ~ x + (1 | g)", pd.DataFrame({"x": x, "y": y, "g": g}), family="poisson")
    assert m.is_singular
    saturated = float(np.sum(stats.poisson.logpmf(y, np.maximum(y, 1e-300))))
    assert (m.resid("deviance") ** 2).sum() == pytest.approx(2 * (saturated - m.llf), rel=1e-7)


# -- simulations and refits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["logit", "trials", "poisson", "nb", "gamma", "inverse_gaussian", "gaussian_log", "beta"]
)
def test_simulated_outcomes_have_the_families_moments(name: str) -> None:
    """At the conditional modes each row's outcomes have its fitted mean and the family's variance."""
    m = model(name)
    n = 3000
    found = m.simulate(n, seed=2, random="conditional").to_numpy()
    trials = m.fit_result.design.trials
    found = found if trials is None else found / trials[:, None]
    mean = np.asarray(m.fittedvalues, dtype=np.float64)
    variance = m.family.variance(mean, m.dispersion)
    variance = variance if trials is None else variance / trials
    z = (found.mean(axis=1) - mean) / np.sqrt(variance / n)
    assert np.abs(z).max() < 5.0
    assert z.std() == pytest.approx(1.0, abs=0.15)
    assert (found.var(axis=1) / variance).mean() == pytest.approx(1.0, abs=0.05)


def test_new_groups_have_the_average_mean() -> None:
    m = model("trials")
    trials = m.fit_result.design.trials
    assert trials is not None
    found = m.simulate(1000, seed=3).to_numpy().sum(axis=0) / trials.sum()
    x = m.data["x"].to_numpy()
    average = m.predictions({"x": x.tolist()}, groups="average")["estimate"].to_numpy()
    expected = np.average(average, weights=trials)
    assert found.mean() == pytest.approx(expected, abs=5 * found.std() / np.sqrt(len(found)))


@pytest.mark.parametrize("name", ["logit", "trials", "poisson", "nb", "gamma", "gaussian_log", "beta"])
def test_refits_are_fits_of_the_same_outcome(name: str) -> None:
    m = model(name)
    y = m.simulate(seed=5)["sim_1"]
    again = m.refit(y)
    data = generalized_table("generalized")
    formula, family, link = MODELS[name]
    if name == "trials":
        data["won"] = y
    else:
        data["new"] = y
        formula = formula.replace(formula.split(" ")[0], "new", 1)
    fresh = mlm.fit(formula, data, family=family, link=link)
    assert again.llf == pytest.approx(fresh.llf, abs=1e-6)
    np.testing.assert_allclose(again.params, fresh.params, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(m.refit(m.fit_result.design.y).llf, m.llf, atol=1e-6)


def test_outcomes_that_cannot_be_refitted() -> None:
    m = model("trials")
    with pytest.raises(DataError, match="successes"):
        m.refit(m.simulate(seed=1)["sim_1"] / 100)
    with pytest.raises(DataError, match="successes"):
        m.refit(np.full(m.nobs, 10.0))
    with pytest.raises(DataError, match="constant"):
        m.refit(np.zeros(m.nobs))
    with pytest.raises(DataError, match="numbers above 0"):
        model("gamma").refit(np.zeros(m.nobs))
    with pytest.raises(DataError, match="whole numbers"):
        model("poisson").refit(np.full(m.nobs, 0.5))


def test_links_that_leave_the_family() -> None:
    draw = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    mean = 1 / (1.2 + 0.9 * draw.uniform(-1, 1, 30)[g])
    m = mlm.fit("y ~ 1 + (1 | g)", pd.DataFrame({"y": draw.gamma(5, mean / 5), "g": g}), family="gamma", link="inverse")
    with pytest.raises(mlm.MlmError, match="no mean of the family"):
        m.simulate(50, seed=1)
    assert m.simulate(5, seed=1, random="conditional").notna().all(axis=None)


def test_searches_agree_and_have_one_optimiser() -> None:
    found = model("poisson").all_fits()
    assert list(found.table["optimiser"].unique()) == ["newton"]
    assert len(found.table) == 3
    with pytest.raises(OptionError, match="'newton'"):
        model("poisson").all_fits(["bfgs"])


def test_null_models_keep_family_offset_and_trials() -> None:
    for name in ("trials", "poisson", "nb"):
        m, null = model(name), model(name).null
        assert null is not None
        assert null.family == m.family
        assert null.nobs == m.nobs
        assert null.llf <= m.llf + 1e-6
    data = generalized_table("generalized")
    direct = mlm.fit("count ~ 1 + offset(log(v)) + (1 | g)", data, family="poisson")
    null = model("poisson").null
    assert null is not None
    assert null.llf == pytest.approx(direct.llf, abs=1e-6)


def test_models_can_be_pickled_and_copied() -> None:
    for m in (*map(model, MODELS), fitted("Reaction ~ poly(Days, 2) + (Days | Subject)", "sleepstudy")):
        m.summary()
        m.resid()  # what is kept for later goes along
        new = m.data.head(7)
        for other in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m)):
            np.testing.assert_array_equal(other.params, m.params)
            np.testing.assert_array_equal(other.predict(new, random="none"), m.predict(new, random="none"))
            first, second = (each.simulate(seed=1, random="conditional") for each in (m, other))
            np.testing.assert_array_equal(first, second)
