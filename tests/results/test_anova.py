"""Tests of terms agree with lmerTest, pbkrtest and car, and are the same whatever the coding of the factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mlm_widgets import MixedModel, OptionError, fit
from tests.modelcache import anova_entries, lme4, reference_model, table

DF = 1e-5  # relative: lmerTest differentiates numerically, at an optimum that lmer finds to 1e-7
F = 1e-5
ADJUSTED = 1e-5  # Kenward and Roger's figures: lmer's optimum
WALD = 1e-4  # of the polished glmmTMB fits, whose Hessian is a difference of gradients
LINEAR = anova_entries()["linear"]
COLUMNS = ["sum_sq", "mean_sq", "num_df", "den_df", "statistic", "p_value"]
TYPES = ("I", "II", "III")
# In R's matrix of terms x and g of `x:g`, neither of which stands alone, are 2, which lmerTest 3.1-3 reads as absent:
# it takes the term to be contained in every other. No term contains another there, so types II and III are the same.
NO_TYPE_TWO = ("three_groups",)
Floats = npt.NDArray[np.floating[Any]]


def model(name: str) -> MixedModel:
    entry = LINEAR[name]
    return fit(
        entry["formula"],
        table(entry["data"]),
        reml=entry["REML"],
        weights=entry.get("weights"),
        offset=entry.get("offset"),
    )


def numbers(values: Any) -> Floats:
    """R writes vectors of length one as scalars."""
    listed = values if isinstance(values, list) else [values]
    return np.array([np.nan if value is None else value for value in listed], dtype=np.float64)


def check_table(found: pd.DataFrame, expected: Mapping[str, Any], rtol: float) -> None:
    n = 0 if expected["term"] in ([], {}) else len(numbers(expected["num_df"]))
    assert len(found) == n
    if n == 0:
        return
    assert list(found.columns) == COLUMNS
    for name in ("sum_sq", "mean_sq", "num_df", "den_df", "statistic"):
        np.testing.assert_allclose(found[name], numbers(expected[name]), rtol=rtol, err_msg=name)
    # of p values so small that their logarithm is large the relative error is that of F many times over
    np.testing.assert_allclose(found["p_value"], numbers(expected["p_value"]), rtol=100 * rtol)


@pytest.mark.parametrize("name", LINEAR)
def test_the_models_are_those_of_lmer(name: str) -> None:
    assert model(name).criterion == pytest.approx(LINEAR[name]["criterion"], abs=1e-6)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", LINEAR)
def test_types_by_satterthwaite(name: str, kind: str) -> None:
    if kind == "II" and name in NO_TYPE_TWO:
        pd.testing.assert_series_equal(model(name).anova("II")["statistic"], model(name).anova("III")["statistic"])
        return
    check_table(model(name).anova(kind), LINEAR[name][kind], DF)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", [name for name, entry in LINEAR.items() if "kr_III" in entry])
def test_types_by_kenward_and_roger(name: str, kind: str) -> None:
    if kind == "II" and name in NO_TYPE_TWO:
        return
    check_table(model(name).anova(kind, "kenward-roger"), LINEAR[name][f"kr_{kind}"], ADJUSTED)


SAME_COLUMNS = [name for name in LINEAR if name != "interaction_only"]  # R drops other columns of collinear ones there


@pytest.mark.parametrize("name", [name for name in SAME_COLUMNS if "kenward_roger" in LINEAR[name]])
def test_standard_errors_and_df_of_kenward_and_roger(name: str) -> None:
    expected, m = LINEAR[name], model(name).with_df("kenward-roger")
    ours, theirs = np.argsort(m.params.to_numpy()), np.argsort(numbers(expected["estimate"]))
    np.testing.assert_allclose(m.bse.to_numpy()[ours], numbers(expected["kenward_roger"]["se"])[theirs], rtol=ADJUSTED)
    np.testing.assert_allclose(m.df.to_numpy()[ours], numbers(expected["kenward_roger"]["df"])[theirs], rtol=ADJUSTED)


@pytest.mark.parametrize("name", [name for name in SAME_COLUMNS if "joint" in LINEAR[name]])
def test_joint_tests_of_coefficients(name: str) -> None:
    m, entry = model(name), LINEAR[name]
    L = np.eye(len(m.params))[1:]
    if m.reml:
        found, expected = m.contrast_test(L, "kenward-roger").iloc[0], entry["joint"]
        np.testing.assert_allclose(
            [found[k] for k in expected if k != "scaling"],
            [v for k, v in expected.items() if k != "scaling"],
            rtol=1e-4,
        )
    texts = [f"`{coefficient}` = 0.1" for coefficient in m.params.index[1:]]
    found, expected = m.contrast_test(texts).iloc[0], entry["other_values"]
    np.testing.assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)


@pytest.mark.parametrize("name", [name for name, entry in lme4().items() if "anova_III" in entry])
def test_published_models(name: str) -> None:
    """lme4.json: lmer's own tolerance."""
    entry = lme4()[name]
    m = reference_model(entry)
    for kind in ("II", "III"):
        expected, found = entry[f"anova_{kind}"], m.anova(kind)
        if isinstance(expected["term"], list):
            ours = [":".join(sorted(term.split(":"))) for term in found.index]
            assert ours == [":".join(sorted(term.split(":"))) for term in expected["term"]]
        for ours_name, theirs in (("statistic", "F"), ("num_df", "numdf"), ("sum_sq", "sumsq")):
            np.testing.assert_allclose(found[ours_name], numbers(expected[theirs]), rtol=1e-4)
        np.testing.assert_allclose(found["den_df"], numbers(expected["dendf"]), rtol=1e-3)


@pytest.mark.parametrize("name", [name for name, entry in lme4().items() if "kenward_roger" in entry])
def test_published_figures_of_kenward_and_roger(name: str) -> None:
    entry = lme4()[name]
    m = reference_model(entry).with_df("kenward-roger")
    expected = entry["kenward_roger"]
    for ours, theirs in (("std_error", "se"), ("df", "df"), ("statistic", "t")):
        np.testing.assert_allclose(m.tidy("fixed")[ours], numbers(expected[theirs]), rtol=1e-3)


@pytest.mark.parametrize("name", anova_entries()["generalized"])
def test_generalized_models_have_the_wald_tests_of_car(name: str) -> None:
    entry = anova_entries()["generalized"][name]
    m = fit(entry["formula"], table(entry["data"]), family=entry["family"])
    for kind in ("II", "III"):
        found = m.anova(kind)
        assert list(found.columns) == ["statistic", "df", "p_value"]
        assert found.attrs["statistic"] == "Chisq"
        for column in found.columns:
            np.testing.assert_allclose(found[column], numbers(entry[kind][column]), rtol=WALD, err_msg=column)
    sequential = m.anova("I")
    joint = m.contrast_test([f"`{coefficient}`" for coefficient in m.params.index[1:]])
    assert sequential["statistic"].sum() == pytest.approx(joint["statistic"][0], rel=1e-9)
    assert sequential["df"].sum() == joint["df"][0]
    assert sequential["statistic"].iloc[-1] == pytest.approx(m.anova("II")["statistic"].iloc[-1])


@pytest.mark.parametrize("contrast", ["contr.sum", "contr.helmert", "contr.poly", 'contr.treatment("top")'])
def test_type_three_is_the_same_in_any_coding(contrast: str) -> None:
    data = table("factors")
    m = fit("y ~ f * h + f * x + (1 | site)", data)
    coded = fit(f"y ~ C(f, {contrast}) * C(h, contr.sum) + C(f, {contrast}) * x + (1 | site)", data)
    for method in ("satterthwaite", "kenward-roger"):
        one, other = m.anova(df_method=method), coded.anova(df_method=method)
        np.testing.assert_allclose(other["statistic"], one["statistic"], rtol=1e-6)
        np.testing.assert_allclose(other["den_df"], one["den_df"], rtol=1e-5)


def test_type_three_main_effects_are_differences_of_unweighted_means() -> None:
    """Of the cells of f and h, each of which has rows, and at x = 0."""
    data = table("factors")
    m = fit("y ~ f * h + x + (1 | site)", data)
    cells = {(f, h): _cell(m, f, h) for f in ("low", "middle", "top") for h in "abcd"}
    means = {f: np.mean([cells[f, h] for h in "abcd"], axis=0) for f in ("low", "middle", "top")}
    L = [means["middle"] - means["low"], means["top"] - means["low"]]
    expected, found = m.contrast_test(np.array(L)), m.anova().loc["f"]
    assert found["statistic"] == pytest.approx(expected["statistic"][0], rel=1e-9)
    assert found["num_df"] == 2


def _cell(m: MixedModel, f: str, h: str) -> Floats:
    names = {"Intercept", f"f[T.{f}]", f"h[T.{h}]", f"f[T.{f}]:h[T.{h}]"}
    return np.array([name in names for name in m.params.index], dtype=np.float64)


def test_the_order_of_rows_and_terms_changes_nothing_in_types_two_and_three() -> None:
    data = table("factors")
    m = fit("y ~ f * g + x + (x | site)", data)
    turned = fit("y ~ x + g * f + (x | site)", data.sample(frac=1, random_state=1))
    for kind in ("II", "III"):
        one, other = m.anova(kind), turned.anova(kind).rename(index={"g:f": "f:g"})
        np.testing.assert_allclose(other.loc[one.index, "statistic"], one["statistic"], rtol=1e-6)
        np.testing.assert_allclose(other.loc[one.index, "den_df"], one["den_df"], rtol=1e-5)


def test_units_of_a_number_change_nothing() -> None:
    data = table("factors")
    m = fit("y ~ f * x + z + (x | site)", data)
    scaled = fit("y ~ f * x + z + (x | site)", data.assign(x=1e6 * data["x"], z=1e-6 * data["z"]))
    for kind in TYPES:
        for method in ("satterthwaite", "kenward-roger"):
            one, other = m.anova(kind, method), scaled.anova(kind, method)
            np.testing.assert_allclose(other["statistic"], one["statistic"], rtol=1e-6)
            np.testing.assert_allclose(other["num_df"], one["num_df"])


def test_cells_without_rows_are_told() -> None:
    data = table("factors")
    notes = fit("y ~ f * hole + (1 | site)", data).anova().attrs["notes"]
    assert "f:hole (1)" in notes[0]
    assert fit("y ~ f * hole + (1 | site)", data).anova("II").attrs["notes"] == ()
    assert fit("y ~ f * h + (1 | site)", data).anova().attrs["notes"] == ()


def test_terms_that_cannot_be_estimated_have_no_test() -> None:
    data = table("factors")
    data["same"] = data["x"] * 2.0
    m = fit("y ~ x + f + same + (1 | site)", data)
    plain = fit("y ~ x + f + (1 | site)", data)
    for kind in TYPES:
        for method in ("satterthwaite", "kenward-roger", "normal"):
            found = m.anova(kind, method)
            assert found.loc["same", ["statistic", "p_value"]].isna().all()
            np.testing.assert_allclose(
                found.loc[["x", "f"], "statistic"], plain.anova(kind, method)["statistic"], rtol=1e-6
            )


def test_type_three_of_collinear_terms_is_of_the_columns_that_r_keeps() -> None:
    """poly(x, 2) and I(x**2):g make up a column: the term before keeps its columns, the last level has none of its own.

    lmerTest 3.1-3: anova(lmer(y ~ poly(x, 2) * f + I(x^2):g + (1 | site), factors)), lmer's tolerance. Its own row for
    I(x^2):g is of another hypothesis (see `NO_TYPE_TWO`).
    """
    found = fit("y ~ poly(x, 2) * f + I(x**2):g + (1 | site)", table("factors")).anova()
    np.testing.assert_allclose(found["statistic"].iloc[:3], [16.0941, 9.3920, 2.5579], rtol=1e-4)
    np.testing.assert_allclose(found["den_df"].iloc[:3], [313.03, 312.42, 312.70], rtol=1e-4)
    np.testing.assert_allclose(found["num_df"], [2, 2, 4, 1])


def test_without_degrees_of_freedom_tests_are_chi_square() -> None:
    m = model("nested")
    found, exact = m.anova(df_method="normal"), m.anova()
    assert list(found.columns) == ["statistic", "df", "p_value"]
    np.testing.assert_allclose(found["statistic"], exact["statistic"] * exact["num_df"])
    np.testing.assert_allclose(found["df"], exact["num_df"])
    # after all others but those that contain it, by the estimated variances
    second = m.anova("II", "normal")
    assert second.loc["x", "statistic"] == pytest.approx(found.loc["x", "statistic"])
    assert second.loc["f:g", "statistic"] == pytest.approx(found.loc["f:g", "statistic"])


def test_one_row_is_the_t_test() -> None:
    m = model("nested")
    for method in ("satterthwaite", "kenward-roger", "normal"):
        own = m.with_df(method)
        found = m.contrast_test("x = 0", method)
        assert found["p_value"][0] == pytest.approx(own.pvalues["x"], rel=1e-9)
        assert found.attrs["rows"][0]["df"] == pytest.approx(own.df["x"], rel=1e-9)
        assert found["statistic"][0] == pytest.approx(own.tvalues["x"] ** 2, rel=1e-9)


def test_rows_that_depend_on_each_other_count_once() -> None:
    m = model("nested")
    for method in ("satterthwaite", "kenward-roger", "normal"):
        one = m.contrast_test(["f[T.middle] = 0", "f[T.top] = 0"], method).iloc[0]
        more = m.contrast_test(["f[T.middle] = 0", "f[T.top] = 0", "2 * f[T.middle] - 3 * f[T.top] = 0"], method).iloc[
            0
        ]
        assert more["statistic"] == pytest.approx(one["statistic"], rel=1e-8)
        assert more.iloc[-1] == pytest.approx(one.iloc[-1], rel=1e-2)  # Satterthwaite's df depends on the rows
    with pytest.raises(OptionError, match="contradict"):
        m.contrast_test(["x = 0", "2 * x = 1"])


def test_options_are_checked() -> None:
    m = model("nested")
    with pytest.raises(OptionError, match="'III'"):
        m.anova("3")
    with pytest.raises(OptionError, match="df_method"):
        m.anova(df_method="kr")
