"""What must not change, and what must change in a known way, when data are written in another way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.formula import to_json
from tests.fitter.dense import STRUCTURES, small_data
from tests.modelcache import fitted, table

SAME = 1e-7  # relative: another order of the same sums moves theta by sqrt(1e-16 / curvature), estimates by its square
SHIFTED = 1e-5  # relative: x + 1e6 itself keeps x to 1e-10 only, which the search sees as another predictor
CRITERION = 1e-7  # absolute

FORMULAS = [
    STRUCTURES[name] for name in ("intercepts", "slopes", "no correlations", "factor as slope", "nested slopes")
]
FORMULAS += [STRUCTURES[name] for name in ("crossed slopes", "three factors with slopes", "within")]
formulas = pytest.mark.parametrize("formula", FORMULAS)


def assert_same(ours: MixedModel, other: MixedModel, tolerance: float = SAME) -> None:
    assert ours.criterion == pytest.approx(other.criterion, abs=max(CRITERION, tolerance * 1e-2 * abs(other.criterion)))
    assert list(ours.params.index) == list(other.params.index)
    np.testing.assert_allclose(ours.params, other.params, rtol=tolerance, atol=tolerance * float(other.bse.max()))
    np.testing.assert_allclose(ours.bse, other.bse, rtol=tolerance)
    np.testing.assert_allclose(ours.df, other.df, rtol=10 * tolerance)
    np.testing.assert_allclose(
        ours.theta, other.theta, rtol=0, atol=100 * tolerance * max(1, np.abs(other.theta).max())
    )


@formulas
def test_row_order(formula: str) -> None:
    data = small_data()
    shuffled = data.sample(frac=1, random_state=5)
    ours, other = fit(formula, shuffled), fit(formula, data)
    assert_same(ours, other)
    assert list(ours.fittedvalues.index) == list(shuffled.index)
    np.testing.assert_allclose(ours.fittedvalues.sort_index(), other.fittedvalues, rtol=1e-6)
    np.testing.assert_allclose(ours.resid().sort_index(), other.resid(), atol=1e-6)


def to_polars(data: pd.DataFrame) -> pl.DataFrame:
    """Categories in order are an Enum; a Categorical of polars has no order of its own."""
    return pl.from_pandas(data).with_columns(pl.col("f").cast(pl.Enum(list(data["f"].cat.categories))))


@pytest.mark.parametrize("make", [to_polars, pa.Table.from_pandas], ids=["polars", "pyarrow"])
@formulas
def test_kinds_of_data_frames_give_the_same_numbers(formula: str, make: Callable[[pd.DataFrame], object]) -> None:
    data = small_data()
    data["f"] = pd.Categorical(data["f"], categories=["top", "low", "middle"])
    data.loc[[3, 50], "z"] = np.nan
    ours, other = fit(formula, make(data)), fit(formula, data)
    # the same numbers in the same order, but where they lie in memory decides how the machine adds them
    assert_same(ours, other, 1e-10)
    np.testing.assert_allclose(ours.ranef()["estimate"], other.ranef()["estimate"], rtol=0, atol=1e-9)
    assert list(ours.ranef()["level"]) == list(other.ranef()["level"])
    assert list(ours.params.index) == list(other.params.index)


@pytest.mark.parametrize("shift", [1e6, -1e6, 1e3])
@pytest.mark.parametrize(
    "formula", ["y ~ x + z + (1 | g)", "y ~ x + z + (x | g)", "y ~ x * f + (x | g)", "y ~ x + (x | g) + (1 | h)"]
)
def test_shifted_predictor(formula: str, shift: float) -> None:
    """Days + 1e6: the slope, its test and all that is predicted stay; only the intercept moves."""
    data = small_data()
    other = fit(formula, data)
    ours = fit(formula, data.assign(x=data["x"] + shift))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-6)
    assert ours.sigma == pytest.approx(other.sigma, rel=SHIFTED)
    slopes = [name for name in other.params.index if "x" in name]
    np.testing.assert_allclose(ours.params[slopes], other.params[slopes], rtol=SHIFTED)
    np.testing.assert_allclose(ours.bse[slopes], other.bse[slopes], rtol=SHIFTED)
    np.testing.assert_allclose(ours.df[slopes], other.df[slopes], rtol=10 * SHIFTED)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=SHIFTED)
    assert ours.is_singular == other.is_singular
    assert ours.converged


def test_days_a_thousand_centuries_later() -> None:
    """Where lme4 gives up (Days + 100), nothing is lost."""
    data = table("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    ours, other = fit(formula, data.assign(Days=data["Days"] + 36_525_000)), fit(formula, data)
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-6)
    assert ours.params["Days"] == pytest.approx(other.params["Days"], rel=1e-9)
    assert ours.bse["Days"] == pytest.approx(other.bse["Days"], rel=1e-6)
    assert ours.state == other.state == "converged"


def test_shift_under_double_bar_is_another_model() -> None:
    """Without correlations the zero of x matters: the shifted model is not the same, in lme4 neither."""
    data = small_data()
    near, far = (fit("y ~ x + (x || g)", data.assign(x=data["x"] + shift)) for shift in (0, 1e3))
    assert abs(near.criterion - far.criterion) > 0.1
    assert far.converged


@pytest.mark.parametrize("factor", [1e-6, 1e6, -3.0])
@formulas
def test_rescaled_predictor(formula: str, factor: float) -> None:
    """Coefficients of x scale by 1 / factor for each x in their name; the REML criterion by 2 log of that."""
    data = small_data()
    other = fit(formula, data, reml=False)
    ours = fit(formula, data.assign(x=data["x"] * factor), reml=False)
    assert ours.criterion == pytest.approx(other.criterion, abs=CRITERION)
    power = np.array([factor ** (("x" in name) or 0) for name in other.params.index])
    np.testing.assert_allclose(ours.params * power, other.params, rtol=SAME, atol=SAME)
    np.testing.assert_allclose(ours.bse * np.abs(power), other.bse, rtol=SAME)
    np.testing.assert_allclose(ours.df, other.df, rtol=10 * SAME)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=0, atol=1e-5)
    assert ours.is_singular == other.is_singular


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0), (1e-6, 0), (-1, 0), (1, 1e6), (2, -300)])
@formulas
def test_rescaled_and_shifted_outcome(formula: str, factor: float, shift: float) -> None:
    data = small_data()
    other, ours = fit(formula, data), fit(formula, data.assign(y=factor * data["y"] + shift))
    slopes = [name for name in other.params.index if name != "Intercept"]
    tolerance = SAME if shift == 0 else SHIFTED
    np.testing.assert_allclose(ours.params[slopes] / factor, other.params[slopes], rtol=tolerance, atol=tolerance)
    intercept = (ours.params["Intercept"] - shift) / factor
    assert intercept == pytest.approx(other.params["Intercept"], rel=tolerance)
    np.testing.assert_allclose(ours.bse / abs(factor), other.bse, rtol=tolerance)
    np.testing.assert_allclose(ours.theta, other.theta, rtol=0, atol=100 * tolerance)
    np.testing.assert_allclose(ours.df, other.df, rtol=10 * tolerance)
    assert ours.icc().adjusted == pytest.approx(other.icc().adjusted, abs=tolerance * 10)
    rows = ours.nobs - len(ours.params)
    assert ours.criterion - 2 * rows * np.log(abs(factor)) == pytest.approx(other.criterion, abs=1e-6)


@formulas
def test_relabelled_groups(formula: str) -> None:
    """Names of groups do not matter, nor whether they are text, numbers or categories."""
    data = small_data()
    other = fit(formula, data)
    draw = np.random.default_rng(4)
    renamed = data.copy()
    for column in ("g", "h", "a"):
        old = sorted(set(data[column]))
        names = draw.permutation([f"{column}-{7 * k}" for k in range(len(old))])
        renamed[column] = data[column].map(dict(zip(old, names, strict=True)))
    assert_same(fit(formula, renamed), other)
    numbered = data.assign(g=data["g"].str[1:].astype(int) * 11 - 4, h=pd.Categorical(data["h"]))
    assert_same(fit(formula, numbered), other)


def test_relabelled_factor_keeps_the_fit() -> None:
    """Another reference level is another set of coefficients for the same model."""
    data = small_data()
    ours, other = (fit(f'y ~ x * C(f, contr.treatment("{level}")) + (1 | g)', data) for level in ("low", "top"))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-8)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=1e-7)
    assert ours.params.filter(like="top").iloc[0] == pytest.approx(-other.params.filter(like="low").iloc[0], rel=1e-6)


def test_unused_categories_do_not_count() -> None:
    data = small_data()
    other = fit("y ~ f + (1 | g)", data)
    wide = data.assign(
        f=pd.Categorical(data["f"], categories=["low", "middle", "never", "top"]),
        g=pd.Categorical(data["g"], categories=["g99", *sorted(set(data["g"]))]),
    )
    ours = fit("y ~ f + (1 | g)", wide)
    assert_same(ours, other, 1e-12)
    assert ours.n_groups == other.n_groups


def test_missing_rows_are_as_if_they_were_not_there() -> None:
    data = small_data()
    holes = data.copy()
    holes.loc[[0, 4], "y"] = np.nan
    holes.loc[[4, 9], "x"] = np.nan
    holes.loc[20, "g"] = None
    holes["unused"] = np.nan
    ours, other = (
        fit("y ~ x + within(z, g) + (x | g)", holes),
        fit("y ~ x + within(z, g) + (x | g)", data.drop([0, 4, 9, 20])),
    )
    assert ours.nobs == len(data) - 4
    assert_same(ours, other, 1e-12)
    assert list(ours.fittedvalues.index) == [i for i in range(len(data)) if i not in (0, 4, 9, 20)]


def test_a_table_of_twice_the_rows_is_nothing_new_to_the_criterion_of_its_halves() -> None:
    """Two copies of the groups under other names: estimates stay, the ML deviance doubles."""
    data = small_data()
    twice = pd.concat([data, data.assign(g=data["g"] + "'")], ignore_index=True)
    ours, other = fit("y ~ x + (x | g)", twice, reml=False), fit("y ~ x + (x | g)", data, reml=False)
    assert ours.criterion == pytest.approx(2 * other.criterion, rel=1e-10)
    np.testing.assert_allclose(ours.params, other.params, rtol=SAME)
    np.testing.assert_allclose(ours.bse * np.sqrt(2), other.bse, rtol=SAME)


def test_equivalent_formulas_are_one_model() -> None:
    data = small_data()
    first = fit("y ~ x * z + (1 | a / b)", data)
    second = fit("y ~ x + z + x:z + (1 | a) + (1 | a:b)", data)
    third = fit("y ~ 1 + (x + z)^2 + (1 | a:b) + (1 | a)", data)
    assert first.criterion == pytest.approx(second.criterion, abs=1e-9)
    assert first.criterion == pytest.approx(third.criterion, abs=1e-9)
    bars = [
        fit(f"y ~ x + {bar}", data).criterion for bar in ("(x || g)", "(1 | g) + (0 + x | g)", "(0 + x | g) + (1 | g)")
    ]
    np.testing.assert_allclose(bars, bars[0], rtol=0, atol=1e-8)


def test_within_is_the_column_computed_by_hand() -> None:
    data = small_data()
    mean = data.groupby("g")["x"].transform("mean")
    ours = fit("y ~ within(x, g) + between(x, g) + (within(x, g) | g)", data)
    other = fit("y ~ w + b + (w | g)", data.assign(w=data["x"] - mean, b=mean))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-9)
    np.testing.assert_allclose(ours.params, other.params, rtol=SAME)


def test_nothing_changes_the_users_frame() -> None:
    data = small_data()
    before = data.copy(deep=True)
    m = fit("y ~ f * x + (x | g)", data)
    m.predict(data.head(3))
    rows, params, theta = m.data, m.params, m.theta
    rows["x"], params["x"], theta[:] = 0.0, 0.0, 0.0
    pd.testing.assert_frame_equal(data, before)
    assert m.params["x"] != 0
    assert m.theta.any()
    assert (m.data["x"] == before["x"]).all()


def test_the_same_fit_twice_is_the_same() -> None:
    assert (
        fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
        .tidy()
        .equals(fit("Reaction ~ Days + (Days | Subject)", table("sleepstudy")).tidy())
    )


def test_formula_spec_and_document_are_one_model() -> None:
    data = small_data()
    m = fit("y ~ x * f + (x || g)", data, reml=False)
    assert_same(fit(m.spec, data), m, 1e-12)
    assert_same(fit(to_json(m.spec), data), m, 1e-12)
    assert fit(m.formula, data, reml=False).spec == m.spec
    assert not m.reml


@pytest.mark.parametrize("shift", [1e4, 1e6])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x * f + (x * f | g)", "y ~ x + (x + I(x**2) | g)", "y ~ x + I(x**2) + (x + I(x**2) | g)",
        "y ~ x * z + (x * z | g)", "y ~ x + (0 + f + x:f | g)", "y ~ x + z + (x * z | g) + (1 | h)",
    ],
)  # fmt: skip
def test_blocks_with_products_of_a_shifted_predictor(formula: str, shift: float) -> None:
    """(x * f | g) and (x + I(x**2) | g) span the same effects wherever the zero of x is."""
    data = small_data(3, 400)
    other, ours = fit(formula, data), fit(formula, data.assign(x=data["x"] + shift))
    squares = 1e-4 if "**2" in formula and shift > 1e5 else 1e-6  # (x + 1e6)**2 itself is rounded to 1e-4
    assert ours.criterion == pytest.approx(other.criterion, abs=squares)
    assert ours.converged
    assert ours.state == other.state
    assert ours.trace.n_evaluations < 50
    assert ours.fit_result.certificate is not None
    assert ours.fit_result.certificate.holds
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=0, atol=0.02 if squares == 1e-4 else 1e-4)
