"""Likelihood-ratio tests held against R's anova, drop1 and lmerTest's ranova (tests/reference/compare.R)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import mlm_widgets as mlm
from mlm_widgets.inference.likelihood_ratio import mixture_p
from tests.modelcache import compared, fitted, lme4, prepared_table, table

LRT = 1e-5  # statistics, criteria and AIC; relative where above 1
P_VALUE = 1e-4  # relative: a p value far out multiplies the error of its statistic
GENERALIZED = 2e-4  # glmer's PIRLS stops at its tolerance

KINDS = {kind: [name for name, own in compared().items() if own["kind"] == kind] for kind in ("lrt", "ranova", "drop1")}


def model(formula: str, own: dict[str, Any]) -> mlm.MixedModel:
    """The model of a reference entry."""
    options = own["options"] or {}
    family = options.get("family", "gaussian")
    return mlm.fit(
        formula,
        prepared_table(own["data"]),
        reml=own.get("REML", options.get("REML", True)),
        weights=options.get("weights"),
        offset=options.get("offset"),
        family=family,
    )


def numbers(values: list[Any]) -> Any:
    """With NaN for what R leaves out."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def near(found: Any, wanted: Any, rtol: float = 1e-7, atol: float = 0.0, err_msg: str = "") -> None:
    """Tables and columns of any type of number."""
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(wanted, dtype=float), rtol=rtol, atol=atol, err_msg=err_msg
    )


def tolerance(own: dict[str, Any]) -> float:
    return GENERALIZED if (own["options"] or {}).get("family") else LRT


@pytest.mark.parametrize("name", KINDS["lrt"])
def test_comparisons_are_those_of_anova(name: str) -> None:
    own = compared()[name]
    found = mlm.compare(*(model(formula, own) for formula in own["formulas"]), refit="always").table
    rtol = atol = tolerance(own)
    for column in ("npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df"):
        near(found[column], numbers(own[column]), rtol, atol, column)
    near(found["p"], numbers(own["p"]), rtol=20 * tolerance(own))


@pytest.mark.parametrize(
    ("name", "formulas", "data"),
    [
        ("sleepstudy_lrt", ["Reaction ~ Days + (1 | Subject)", "Reaction ~ Days + (Days | Subject)"], "sleepstudy"),
        ("hsb_lrt_5_4", [lme4()["hsb_mod5"]["formula"], lme4()["hsb_mod4"]["formula"]], "hsb"),
    ],
)
def test_published_comparisons(name: str, formulas: list[str], data: str) -> None:
    found = mlm.compare(*(fitted(formula, data, reml=False) for formula in formulas)).table
    for column in ("npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df", "p"):
        near(found[column], numbers(lme4()[name][column]), rtol=LRT, atol=LRT, err_msg=column)


def test_information_criteria_by_hand() -> None:
    found = mlm.compare(*(fitted(f"Reaction ~ {x} + (1 | Subject)", "sleepstudy") for x in ("1", "Days"))).table
    k, n = found["npar"], 180
    near(found["AICc"], found["deviance"] + 2 * k * n / (n - k - 1))
    odds = np.exp(-found["AIC"] / 2 + found["AIC"].min() / 2)
    near(found["weight"], odds / odds.sum())
    near(found["evidence_ratio"], found["weight"].max() / found["weight"])


SLOPE, PLAIN = "Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (1 | Subject)"


def test_models_are_put_in_order_under_their_names() -> None:
    large, small = fitted(SLOPE, "sleepstudy"), fitted(PLAIN, "sleepstudy")
    assert list(mlm.compare(large, small).table.index) == ["m1", "m0"]
    found = mlm.compare({"slopes": large, "plain": small})
    assert list(found.table.index) == list(found.models) == ["plain", "slopes"]
    assert found.models["slopes"] is large


def test_reml_fits_of_other_fixed_parts_are_refitted_and_that_is_said() -> None:
    small, large = fitted("Reaction ~ 1 + (Days | Subject)", "sleepstudy"), fitted(SLOPE, "sleepstudy")
    found = mlm.compare(small, large)
    assert not found.reml
    assert any("maximum likelihood" in note and "fixed parts differ" in note for note in found.notes)
    assert not found.models["m0"].reml
    assert large.reml, "the model itself stays as it is"
    assert found.table["deviance"].iloc[1] == pytest.approx(fitted(SLOPE, "sleepstudy", reml=False).criterion, abs=1e-7)
    with pytest.raises(mlm.OptionError, match="the fixed parts differ"):
        mlm.compare(small, large, refit=False)


def test_reml_fits_of_the_same_fixed_part_are_compared_as_they_are() -> None:
    found = mlm.compare(fitted(PLAIN, "sleepstudy"), fitted(SLOPE, "sleepstudy"), refit=False)
    assert found.reml
    assert found.table["Chisq"].iloc[1] == pytest.approx(compared()["ranova_slope"]["LRT"][1], abs=1e-6)
    assert any("refit='always'" in note for note in found.notes)


def test_the_same_fixed_space_in_other_columns_is_another_fixed_part_for_reml() -> None:
    """A column in other units changes the REML criterion."""
    halved = fitted("Reaction ~ I(Days / 2) + (Days | Subject)", "sleepstudy")
    assert not mlm.compare(fitted(PLAIN, "sleepstudy"), halved).reml


def test_fits_by_reml_and_by_ml_are_all_made_ml() -> None:
    found = mlm.compare(fitted(PLAIN, "sleepstudy"), fitted(SLOPE, "sleepstudy", reml=False))
    assert not found.reml
    assert any("m0" in note and "m1" not in note for note in found.notes if note.startswith("Refitted"))


@pytest.mark.parametrize(
    ("small", "large", "reason"),
    [
        ("y ~ x + (1 | person)", "y ~ z + kind + (1 | person)", "fixed part"),
        ("y ~ x + (x | person)", "y ~ x + kind + z + (x || person)", "random effects"),
        ("y ~ x + (1 | person)", "y ~ x + (z | item)", "random effects"),
        ("y ~ x + (1 | person)", "y ~ z + (1 | person)", "fixed part"),
        ("y ~ x + (0 + x | person)", "y ~ x + kind + (1 | person)", "random effects"),
    ],
)
def test_models_that_are_not_nested_have_no_test(small: str, large: str, reason: str) -> None:
    found = mlm.compare(fitted(small, "crossed"), fitted(large, "crossed"))
    assert found.table[["Chisq", "Df", "p"]].isna().to_numpy().all()
    assert any(reason in note and "no test" in note for note in found.notes)
    assert found.table["AIC"].notna().all()


@pytest.mark.parametrize(
    ("small", "large", "df"),
    [
        ("y ~ x + (1 | person)", "y ~ x * z + (1 | person)", 2),
        ("y ~ I(x + z) + (1 | person)", "y ~ x + z + (1 | person)", 1),
        ("y ~ x + (1 | person)", "y ~ x + (0 + kind | person)", 5),
        ("y ~ x + (x || person)", "y ~ x + (x | person) + (1 | item)", 2),
        ("y ~ x + z + (0 + x | person)", "y ~ x + z + (x | person)", 2),
    ],
)
def test_special_cases_are_seen(small: str, large: str, df: int) -> None:
    found = mlm.compare(fitted(small, "crossed"), fitted(large, "crossed")).table
    assert found["Df"].iloc[1] == df
    assert found["Chisq"].iloc[1] >= 0


def test_groups_are_the_same_under_other_names() -> None:
    pastes = table("pastes")
    by_column = mlm.fit("strength ~ 1 + (1 | sample)", pastes)
    nested = mlm.fit("strength ~ 1 + (1 | batch/cask)", pastes)
    assert mlm.compare(by_column, nested).table["Df"].iloc[1] == 1
    assert np.isnan(mlm.compare(mlm.fit("strength ~ 1 + (1 | cask)", pastes), nested).table["Df"].iloc[1])


def test_only_tests_of_variances_are_called_conservative() -> None:
    plain, double, full = (f"Reaction ~ Days + ({bar} Subject)" for bar in ("1 |", "Days ||", "Days |"))
    found = mlm.compare(fitted(plain, "sleepstudy"), fitted(double, "sleepstudy"), fitted(full, "sleepstudy"))
    notes = [note for note in found.notes if "too large" in note]
    assert len(notes) == 1
    assert notes[0].startswith("m1 ")


def test_other_rows_are_refused_with_what_to_do() -> None:
    data = table("sleepstudy")
    data.loc[[3, 7], "Days"] = np.nan
    with pytest.raises(mlm.DataError, match="180 rows, m1 to 178") as caught:
        mlm.compare(mlm.fit("Reaction ~ 1 + (1 | Subject)", data), mlm.fit(PLAIN, data))
    assert "“Days” misses 2 values" in str(caught.value)
    assert "dropna(subset=['Days'])" in str(caught.value)


def test_other_rows_in_the_same_number_are_refused() -> None:
    data = table("sleepstudy").assign(a=1.0, b=1.0)
    data.loc[3, "a"], data.loc[7, "b"] = np.nan, np.nan
    rng = np.random.default_rng(1)
    data["a"] *= rng.normal(size=180)
    data["b"] *= rng.normal(size=180)
    with pytest.raises(mlm.DataError, match="not the same ones"):
        mlm.compare(mlm.fit("Reaction ~ a + (1 | Subject)", data), mlm.fit("Reaction ~ b + (1 | Subject)", data))


def test_other_outcomes_families_and_approximations_are_refused() -> None:
    own = fitted(PLAIN, "sleepstudy")
    with pytest.raises(mlm.DataError, match=r"m0 has Reaction, m1 has log\(Reaction\)"):
        mlm.compare(own, fitted("log(Reaction) ~ Days + (1 | Subject)", "sleepstudy"))
    with pytest.raises(mlm.DataError, match="other values"):
        mlm.compare(own, own.refit(own.simulate(1, seed=1).iloc[:, 0]))
    with pytest.raises(mlm.OptionError, match="m0 is gaussian, m1 gamma"):
        mlm.compare(own, mlm.fit(PLAIN, table("sleepstudy"), family="gamma", link="log"))
    cbpp = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    pair = [mlm.fit(cbpp, table("cbpp"), family="binomial", n_agq=n) for n in (1, 5)]
    with pytest.raises(mlm.OptionError, match="n_agq=1, m1 with n_agq=5"):
        mlm.compare(*pair)


@pytest.mark.parametrize("bad", [(), (1,), ({"a": 1},)])
def test_what_is_no_pair_of_models_is_refused(bad: tuple[Any, ...]) -> None:
    with pytest.raises(mlm.OptionError):
        mlm.compare(*bad)
    with pytest.raises(mlm.OptionError, match="refit"):
        mlm.compare(fitted(PLAIN, "sleepstudy"), fitted(SLOPE, "sleepstudy"), refit="never")


def test_other_weights_and_offsets_have_criteria_but_no_test() -> None:
    data = prepared_table("crossed")
    plain = mlm.fit("y ~ x + (1 | person)", data)
    for changed in ({"weights": "w"}, {"offset": "o"}):
        found = mlm.compare(plain, mlm.fit("y ~ x + kind + (1 | person)", data, **changed))  # type: ignore[arg-type]
        assert any(next(iter(changed)) in note and "differ" in note for note in found.notes)
        assert found.table["Chisq"].isna().all()


def test_collinear_columns_count_for_nothing() -> None:
    data = table("sleepstudy").assign(twice=lambda own: 2 * own["Days"])
    small, doubled = (mlm.fit(f"Reaction ~ {x} + (1 | Subject)", data) for x in ("1", "Days + twice"))
    near(mlm.compare(small, doubled).table, mlm.compare(small, mlm.fit(PLAIN, data)).table, rtol=1e-8)
    assert doubled.drop1()["Chisq"].isna().all()


def test_a_comparison_shows_itself() -> None:
    data = table("sleepstudy").rename(columns={"Reaction": "<b>y</b>"})
    found = mlm.compare(*(mlm.fit(f"`<b>y</b>` ~ {x} + (1 | Subject)", data) for x in ("1", "Days")))
    assert "Comparison of 2 models by maximum likelihood" in str(found)
    assert str(found) == repr(found)
    assert "Refitted" in str(found)
    assert "<b>y</b>" not in found._repr_html_()
    assert "&lt;b&gt;y&lt;/b&gt;" in found._repr_html_()


# -- random terms ---------------------------------------------------------------------------------------------------


def our_row(name: str) -> str:
    """R's row of ranova as we name it."""
    return name.replace("cask:batch", "batch:cask").replace("Days in (0 + Days | Subject)", "(0 + Days | Subject)")


def check_ranova(found: pd.DataFrame, own: dict[str, Any], names: list[str]) -> None:
    found = found.loc[names]
    for column, key in (("npar", "npar"), ("logLik", "logLik"), ("Chisq", "LRT"), ("Df", "df")):
        near(found[column], numbers(own[key]), rtol=LRT, atol=LRT, err_msg=column)
    near(found["p_chisq"], numbers(own["p"]), rtol=P_VALUE)


@pytest.mark.parametrize("name", KINDS["ranova"])
def test_random_terms_are_tested_as_by_lmertest(name: str) -> None:
    own = compared()[name]
    found = model(own["formula"], own).ranova()
    assert len(found) == len(own["rows"])
    check_ranova(found, own, [our_row(row) for row in own["rows"]])


@pytest.mark.parametrize("name", [name for name, own in lme4().items() if "ranova" in own])
def test_published_tests_of_random_terms(name: str) -> None:
    entry = lme4()[name]
    own = entry["ranova"]
    found = fitted(entry["formula"], entry["data"], entry["REML"]).ranova()
    check_ranova(found, own, list(own["term"]))


def test_the_mixture_is_half_and_half() -> None:
    assert mixture_p(0.0, 1) == 1.0
    assert mixture_p(2.7, 1) == pytest.approx(stats.chi2.sf(2.7, 1) / 2)
    assert mixture_p(5.0, 2) == pytest.approx((stats.chi2.sf(5.0, 1) + stats.chi2.sf(5.0, 2)) / 2)
    assert np.isnan(mixture_p(np.nan, 1))
    found = fitted(SLOPE, "sleepstudy").ranova().iloc[1]
    assert found["p_mixture"] == pytest.approx(mixture_p(found["Chisq"], 2))


def test_the_mixture_p_is_right_where_there_is_no_variance() -> None:
    """Under no variance of groups half of the statistics are zero, and the mixture's p is uniform below one half."""
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"g": np.repeat(np.arange(40), 10), "y": 0.0})
    base = mlm.fit("y ~ 1 + (1 | g)", data.assign(y=rng.normal(size=400)))
    p = [base.refit(rng.normal(size=400)).ranova()["p_mixture"].iloc[1] for _ in range(200)]
    below = np.mean(np.array(p) <= 0.2)
    assert abs(below - 0.2) < 3 * np.sqrt(0.2 * 0.8 / 200)


def test_several_effects_at_once_have_a_bound_and_a_note() -> None:
    found = fitted("Reaction ~ week + (week | Subject)", "sleepstudy").ranova()
    assert any("several random effects" in note for note in found.attrs["notes"])
    assert not fitted(SLOPE, "sleepstudy").ranova().attrs["notes"]


def test_slopes_without_an_intercept() -> None:
    number = fitted("y ~ x + (0 + x | person) + (1 | item)", "crossed").ranova()
    assert list(number.index) == ["<none>", "(0 + x | person)", "(1 | item)"]
    assert list(number["npar"]) == [5, 4, 4]
    factor = fitted("y ~ x + (0 + kind | person)", "crossed").ranova()
    assert list(factor.index) == ["<none>", "kind in (0 + kind | person)"]
    smaller = fitted("y ~ x + (1 | person)", "crossed")
    assert factor["logLik"].iloc[1] == pytest.approx(smaller.llf, abs=1e-7)


def test_slopes_that_others_contain_stay() -> None:
    found = fitted("y ~ x * z + (x * z | person)", "crossed").ranova()
    assert list(found.index) == ["<none>", "x:z in (x * z | person)"]


def test_generalized_random_terms() -> None:
    """Without random effects the likelihood is the ordinary regression's."""
    cbpp = table("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    X = pd.get_dummies(cbpp["period"].astype(str), drop_first=True, dtype=float).to_numpy()
    X = np.column_stack([np.ones(len(X)), X])
    k, n = cbpp["incidence"].to_numpy(float), cbpp["size"].to_numpy(float)

    def deviance(beta: Any) -> float:
        p = special.expit(X @ beta)
        return -2 * float(np.sum(stats.binom.logpmf(k, n, p)))

    least = optimize.minimize(deviance, np.zeros(4), method="BFGS").fun
    for n_agq in (1, 9):
        own = mlm.fit(formula, cbpp, family="binomial", n_agq=n_agq)
        found = own.ranova()
        assert found["Chisq"].iloc[1] == pytest.approx(least - own.criterion, abs=1e-6)
        assert list(found["npar"]) == [5, 4]
    slopes = compared()["lrt_slope_binomial"]
    found = model(slopes["formulas"][1], slopes).ranova()
    assert found["Chisq"].iloc[1] == pytest.approx(slopes["Chisq"][1], abs=1e-3)


def test_a_refitted_outcome_is_the_one_that_is_tested() -> None:
    own = fitted(SLOPE, "sleepstudy")
    y = own.simulate(1, seed=3).iloc[:, 0].to_numpy()
    again = mlm.fit(SLOPE, table("sleepstudy").assign(Reaction=y))
    near(own.refit(y).ranova(), again.ranova(), rtol=1e-6)
    near(own.refit(y).drop1(), again.drop1(), rtol=1e-6)


# -- fixed terms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS["drop1"])
def test_dropped_terms_are_those_of_drop1(name: str) -> None:
    own = compared()[name]
    found = model(own["formula"], own).drop1()
    rtol, atol = tolerance(own), 10 * tolerance(own)
    assert [row.replace(" ", "") for row in found.index] == [row.replace("^", "**") for row in own["rows"]]
    near(found["AIC"], numbers(own["AIC"]), rtol, atol)
    near(found["Chisq"], numbers(own["LRT"]), rtol, atol)
    near(found["Df"], numbers(own["npar"]))
    near(found["p"], numbers(own["p"]), rtol=100 * tolerance(own))


def test_dropped_terms_keep_weights_and_offset() -> None:
    data = prepared_table("crossed")
    own = mlm.fit("y ~ x + kind + (x | person)", data, weights="w", offset="o")
    without = mlm.fit("y ~ x + (x | person)", data, weights="w", offset="o", reml=False)
    found = own.drop1()
    assert found.loc["kind", "logLik"] == pytest.approx(without.llf, abs=1e-7)
    assert any("maximum likelihood" in note for note in found.attrs["notes"])
    arrays = mlm.fit("y ~ x + kind + (x | person)", data, weights=data["w"], offset=data["o"])
    near(arrays.drop1(), found, rtol=1e-9)


def test_a_model_without_fixed_terms_has_none_to_drop() -> None:
    assert list(fitted("Reaction ~ 1 + (1 | Subject)", "sleepstudy").drop1().index) == ["<none>"]
