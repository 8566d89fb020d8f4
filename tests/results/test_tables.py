"""Tables, summaries and code of fitted models: shapes, names and texts."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlm_widgets import MixedModel, fit
from mlm_widgets.summary import number, p_value
from tests.fitter.dense import STRUCTURES, small_data
from tests.modelcache import fitted

TIDY = ["effect", "group", "term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def model() -> MixedModel:
    return fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")


def test_tidy(model: MixedModel) -> None:
    every, fixed, random = model.tidy(), model.tidy("fixed"), model.tidy("random")
    assert list(every.columns) == list(fixed.columns) == list(random.columns) == TIDY
    assert list(every["effect"]) == ["fixed"] * 2 + ["random"] * 4
    assert list(fixed["term"]) == ["Intercept", "Days"]
    assert list(random["term"]) == ["sd__Intercept", "sd__Days", "cor__Intercept.Days", "sd__Observation"]
    assert list(random["group"]) == ["Subject"] * 3 + ["Residual"]
    np.testing.assert_allclose(random["estimate"], model.varcorr()["sd_or_corr"])
    np.testing.assert_allclose(fixed["conf_low"], model.conf_int()["lower"])


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wald_intervals(model: MixedModel, level: float) -> None:
    limits = model.conf_int(level)
    reach = stats.t.ppf(0.5 + level / 2, model.df) * model.bse
    np.testing.assert_allclose(limits["upper"] - model.params, reach)
    np.testing.assert_allclose(model.params - limits["lower"], reach)
    np.testing.assert_allclose(model.pvalues, 2 * stats.t.sf(np.abs(model.tvalues), model.df))


def test_normal_intervals() -> None:
    m = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy", True, "normal")
    assert np.isinf(m.df).all()
    np.testing.assert_allclose(m.conf_int()["upper"], m.params + stats.norm.ppf(0.975) * m.bse)
    assert " z " in str(m.summary())
    assert " df " not in str(m.summary())
    assert 'df_method="normal"' in m.to_python()


def test_glance(model: MixedModel) -> None:
    row = model.glance().iloc[0]
    assert (row["nobs"], row["n_params"], row["reml"], row["state"]) == (180, 6, True, "converged")
    assert row["llf"] == pytest.approx(-row["criterion"] / 2)
    assert row["aic"] == pytest.approx(row["criterion"] + 12)
    assert row["bic"] == pytest.approx(row["criterion"] + 6 * np.log(180))


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_has_every_table(name: str) -> None:
    m = fit(STRUCTURES[name], small_data())
    k, terms = len(m.params), sum(len(group.grouping.names) for group in m.fit_result.groups)
    assert len(m.tidy("fixed")) == len(m.conf_int()) == len(m.term_info()) == k
    assert m.cov_params().shape == (k, k)
    assert m.varcorr()["term2"].isna().sum() == terms + 1
    modes = m.ranef()
    assert list(modes.columns) == ["group", "level", "term", "estimate", "se", "lower", "upper"]
    assert len(modes) == sum(len(g.grouping.levels) * len(g.grouping.names) for g in m.fit_result.groups)
    assert (modes["se"] >= 0).all()
    sizes = m.group_sizes
    assert all(counts.sum() == m.nobs and len(counts) == m.n_groups[name] for name, counts in sizes.items())
    text, html = str(m.summary()), m._repr_html_()
    for term in m.params.index:
        assert term in text
        assert term in html
    assert m.formula in text
    assert repr(m).startswith("MixedModel('y ~")


def test_levels_of_predictors() -> None:
    m = fitted("mathach ~ ses * sector + meanses + within(ses, school) + (1 | school)", "hsb")
    levels = m.term_info().set_index("term")["level"]
    assert levels.to_dict() == {
        "Intercept": "", "ses": "L1", "sector": "L2", "meanses": "L2", "within(ses, school)": "L1",
        "ses:sector": "L1×L2",
    }  # fmt: skip


def test_levels_in_nested_groups() -> None:
    data = small_data()
    draw = np.random.default_rng(0)
    pair = (data["a"] + data["b"]).astype("category").cat.codes.to_numpy()
    data["of_pair"] = draw.normal(size=15)[pair]
    data["of_a"] = draw.normal(size=5)[data["a"].astype("category").cat.codes]
    info = fit("y ~ x + of_pair * of_a + (1 | a / b)", data).term_info()
    assert list(info["level"]) == ["", "L1", "L2", "L3", "L2×L3"]


def test_numbers_in_words() -> None:
    assert [number(x) for x in (0.0, 1.0, -1234.5678, 1e-5, 1e8, np.inf, -np.inf, np.nan)] == [
        "0.000", "1.000", "−1,234.568", "1.000e−05", "1.000e+08", "∞", "−∞", "",
    ]  # fmt: skip
    assert [p_value(x) for x in (0.0, 0.0009, 0.0123, 0.5, 1.0, np.nan)] == [
        "< .001",
        "< .001",
        ".012",
        ".500",
        "1.000",
        "",
    ]


def test_code_for_python_fits_the_same_model(model: MixedModel) -> None:
    assert model.to_python("sleep").splitlines() == [
        "import mlm_widgets as mlm",
        "",
        'model = mlm.fit("Reaction ~ Days + (Days | Subject)", sleep)',
        "model.summary()",
    ]


R_CODE = {
    "y ~ x * f + (x | g)": ["lmer(y ~ x * f + (x | g), data = d, REML = TRUE)", 'levels = c("low", "middle", "top")'],
    "y ~ I(x^2) + (1 | a/b)": ["I((x ^ 2))", "(1 | a/b)"],
    "y ~ within(x, g) + between(x, g) + (1 | g)": ["I(x - ave(x, g))", "ave(x, g)"],
    "y ~ poly(x, 2) + (x || g)": ["poly(x, 2)", "(x || g)"],
    "y ~ 0 + scale(x) + center(z) + (0 + x | g)": ["0 + scale(x)", "scale(z, scale = FALSE)", "(0 + x | g)"],
    'y ~ C(f, contr.treatment("top")) + (1 | g:h)': ['relevel(factor(f), ref = "top")', "(1 | g:h)"],
}


@pytest.mark.parametrize("formula", R_CODE)
def test_code_for_r(formula: str) -> None:
    code = fit(formula, small_data()).to_r("d")
    assert code.startswith("library(lmerTest)")
    for part in R_CODE[formula]:
        assert part in code


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_code_for_r_runs_and_agrees(tmp_path: object) -> None:
    """Where R is there, its answer to our code is our answer."""
    if subprocess.run(["Rscript", "-e", "library(lmerTest)"], capture_output=True, check=False).returncode:
        pytest.skip("lmerTest is not installed")
    data = small_data()
    data.to_csv(f"{tmp_path}/d.csv", index=False)
    lines, criteria = [f'd <- read.csv("{tmp_path}/d.csv", stringsAsFactors = TRUE)'], []
    for formula in (
        *R_CODE,
        "y ~ C(f, contr.sum) * x + (1 | g)",
        "y ~ x + z + (x + z || g)",
        "y ~ within(x, a:b) + (1 | a/b)",
    ):
        m = fit(formula, data)
        criteria.append(m.criterion)
        lines += [m.to_r("d").replace("summary(model)", ""), 'cat(sprintf("%.8f\\n", REMLcrit(model)))']
    script = subprocess.run(["Rscript", "-"], input="\n".join(lines), capture_output=True, text=True, check=True)
    theirs = [float(line) for line in script.stdout.split()]
    np.testing.assert_allclose(criteria, theirs, rtol=0, atol=1e-4)  # lmer stops there by default


def test_data_of_the_model() -> None:
    data = small_data()
    data.loc[3, "x"] = np.nan
    m = fit("log(y + 50) ~ x + within(z, g) + f + (1 | g / h)", data)
    assert len(m.data) == m.nobs == len(data) - 1
    assert {"y", "x", "z", "f", "g", "h", "within(z, g)"} <= set(m.data.columns)
    assert isinstance(m.data["f"].dtype, pd.CategoricalDtype)
    assert m.column_kind("f") == "factor"
    assert m.column_kind("x") == "number"
    assert m.column_levels("f") == ["low", "middle", "top"]
    assert m.outcome == "log(y + 50)"
