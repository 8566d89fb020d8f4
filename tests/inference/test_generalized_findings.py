"""Findings of generalized models: there when they should be, and not otherwise; checks against R's performance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from mlm_widgets.inference import Finding, overdispersion, zero_inflation
from tests.inference.told import generalized_table, told

ENTRIES = told()["shares"]


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e["overdispersion"]], ids=lambda entry: entry["id"])
def test_overdispersion_is_performances(entry: dict[str, Any]) -> None:
    if entry["family"] == "negative_binomial":
        return  # performance divides by a variance that has the overdispersion already
    m = mlm.fit(entry["formula"], generalized_table(entry["data"]), family=entry["family"], link=entry["link"])
    found = overdispersion(m.fit_result)
    if found is None:
        assert m.fit_result.design.trials is None  # single trials cannot be overdispersed
        return
    theirs = entry["overdispersion"]
    assert found.chi2 == pytest.approx(theirs["chisq_statistic"], rel=1e-4)
    assert found.df == theirs["residual_df"]
    assert found.ratio == pytest.approx(theirs["dispersion_ratio"], rel=1e-4)
    assert found.p_value == pytest.approx(theirs["p_value"], rel=1e-2)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e["zeros"]], ids=lambda entry: entry["id"])
def test_zeros_are_performances(entry: dict[str, Any]) -> None:
    m = mlm.fit(entry["formula"], generalized_table(entry["data"]), family=entry["family"], link=entry["link"])
    found = zero_inflation(m.fit_result)
    assert found is not None
    assert found.observed == entry["zeros"]["observed.zeros"]
    assert found.expected == pytest.approx(entry["zeros"]["predicted.zeros"], abs=0.51)  # R rounds it


def simulated(seed: int = 0, n_groups: int = 60, each: int = 12) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), each)
    n = len(g)
    x, rare = draw.normal(size=n), draw.random(n) < 0.1
    eta = -0.3 + 0.5 * x + draw.normal(size=n_groups)[g] * 0.7
    p = 1 / (1 + np.exp(-eta))
    size = draw.integers(5, 20, n)
    return pd.DataFrame({
        "g": g, "row": np.arange(n), "x": x, "rare": np.where(rare, "yes", "no"), "size": size, "eta": eta,
        "won": draw.binomial(size, p), "use": (draw.random(n) < p).astype(int), "count": draw.poisson(np.exp(eta + 1)),
        "mixed": draw.poisson(np.exp(eta + 1) * draw.gamma(1.0, 1.0, n)),
    })  # fmt: skip


def about(m: mlm.MixedModel, word: str) -> list[Finding]:
    return [finding for finding in m.findings if word in finding.message]


def test_nothing_to_say_of_models_that_hold() -> None:
    data = simulated()
    assert mlm.fit("cbind(won, size - won) ~ x + (1 | g)", data, family="binomial").findings == ()
    assert mlm.fit("count ~ x + (1 | g)", data, family="poisson").findings == ()
    assert mlm.fit("mixed ~ x + (1 | g)", data, family="negative_binomial").findings == ()


def test_overdispersed_counts() -> None:
    m = mlm.fit("mixed ~ x + (1 | g)", simulated(), family="poisson")
    (found,) = about(m, "Overdispersion")
    assert found.action is not None
    assert "family='negative_binomial'" in found.action
    assert about(m, "More zeros")
    by_rows = mlm.fit("mixed ~ x + (1 | g) + (1 | row)", simulated(), family="poisson")
    assert not about(by_rows, "Overdispersion")


def test_overdispersed_trials() -> None:
    data = simulated()
    draw = np.random.default_rng(3)
    data["won"] = draw.binomial(data["size"], 1 / (1 + np.exp(-data["eta"] - draw.normal(size=len(data)))))
    m = mlm.fit("cbind(won, size - won) ~ x + (1 | g)", data, family="binomial")
    (found,) = about(m, "Overdispersion")
    assert found.action is not None
    assert "(1 | row)" in found.action


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_separation_names_the_predictor(link: str) -> None:
    data = simulated()
    data.loc[data["rare"] == "yes", "use"] = 1
    m = mlm.fit("use ~ x + rare + (1 | g)", data, family="binomial", link=link)
    (found,) = about(m, "Separation")
    assert found.component == "rare[T.yes]"
    assert np.isfinite(m.params).all()
    assert "∞" not in str(m.summary())


def test_complete_separation_by_a_number() -> None:
    data = simulated()
    data["use"] = (data["x"] > 0).astype(int)
    (found,) = about(mlm.fit("use ~ x + (1 | g)", data, family="binomial"), "Separation")
    assert found.component == "x"


def test_a_level_of_zeros_only() -> None:
    data = simulated()
    data.loc[data["rare"] == "yes", "count"] = 0
    m = mlm.fit("count ~ x + rare + (1 | g)", data, family="poisson")
    (found,) = about(m, "Separation")
    assert found.component == "rare[T.yes]"
    assert m.pvalues["rare[T.yes]"] > 0.9  # the data say nothing of how far below the others it is
    others = mlm.fit("count ~ x + (1 | g)", data[data["rare"] == "no"], family="poisson")
    np.testing.assert_allclose(m.bse[["Intercept", "x"]], others.bse, rtol=1e-3)
    assert "only zeros" in found.message


def test_groups_that_are_certain() -> None:
    data = simulated()
    data["use"] = data["g"] % 2
    data.loc[0, "use"] = 1
    m = mlm.fit("use ~ x + (1 | g)", data, family="binomial")
    (found,) = about(m, "standard deviation of")
    assert found.severity == "warning"
    assert found.action is not None
    assert "n_agq=9" in found.action
    (uniform,) = about(m, "one outcome only")
    assert uniform.severity == "info"
    assert uniform.message.startswith("59 of 60 levels of g")


def test_negative_binomial_without_overdispersion() -> None:
    draw = np.random.default_rng(8)
    data = simulated()
    data["count"] = draw.binomial(40, 0.1 + 0.05 * (data["g"] % 3 == 0))  # less spread than Poisson counts
    m = mlm.fit("count ~ x + (1 | g)", data, family="negative_binomial")
    (found,) = about(m, "no more than Poisson")
    assert found.component == "shape"
    assert np.isfinite(m.llf)


def test_singular_fits_and_few_groups_speak_of_no_certificate_and_no_reml() -> None:
    data = simulated(n_groups=15)
    data["use"] = np.random.default_rng(2).integers(0, 2, len(data))
    m = mlm.fit("use ~ x + (1 | g)", data, family="binomial")
    assert m.is_singular
    text = " ".join(f"{finding.message} {finding.action}" for finding in m.findings)
    assert "certif" not in text
    assert "REML" not in text
    assert "small-sample" not in text
    assert "beside this boundary" in text


def test_a_linear_model_of_two_values_is_sent_to_the_binomial() -> None:
    (found,) = about(mlm.fit("use ~ x + (1 | g)", simulated()), "two values only")
    assert found.action is not None
    assert 'family="binomial"' in found.action
    assert not about(mlm.fit("use ~ x + (1 | g)", simulated(), family="binomial"), "two values only")
