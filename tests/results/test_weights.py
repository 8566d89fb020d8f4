"""Prior weights and offsets: against n x n matrices, invariants, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlm_widgets as mlm
from mlm_widgets import DataError, MixedModel, fit
from mlm_widgets.fitter import prepare
from mlm_widgets.formula import from_json, to_json
from tests.fitter.dense import STRUCTURES, small_data

CRITERION = 1e-8  # relative: both are sums of about a hundred logarithms in double precision
EXACT = 1e-6  # relative to the largest entry: solutions of the same normal equations
SAME = 1e-7  # relative: another scale of the same sums moves theta by the root of rounding

NAMES = ["intercepts", "slopes", "no correlations", "factor as slope", "nested slopes", "crossed slopes", "within"]
structures = pytest.mark.parametrize("name", [*NAMES, "three factors with slopes", "no fixed intercept"])


def weighted_data(seed: int = 0) -> pd.DataFrame:
    data = small_data(seed)
    draw = np.random.default_rng(seed + 100)
    return data.assign(w=draw.uniform(0.2, 4, len(data)), o=draw.normal(0, 2, len(data)))


def dense_criterion(m: MixedModel) -> tuple[float, Any, float]:
    """Criterion, beta and sigma by the definition: y - o ~ N(X beta, sigma^2 (W^-1 + Z S Z'))."""
    record = m.fit_result
    design, n = record.design, record.design.n_obs
    V = np.eye(n) if design.weights is None else np.diag(1 / design.weights)
    for group in record.groups:
        half, codes = design.Z[group.place] @ group.lam, design.codes[group.place]
        V += (half @ half.T) * (codes[:, None] == codes)
    X, y = design.X[:, record.kept], design.y - (0 if design.offset is None else design.offset)
    XtVX = X.T @ np.linalg.solve(V, X)
    beta = np.linalg.solve(XtVX, X.T @ np.linalg.solve(V, y))
    r2 = (y - X @ beta) @ np.linalg.solve(V, y - X @ beta)
    nn = n - X.shape[1] * record.reml
    log_det = np.linalg.slogdet(V)[1] + np.linalg.slogdet(XtVX)[1] * record.reml
    return float(log_det + nn * (1 + np.log(2 * np.pi * r2 / nn))), beta, float(np.sqrt(r2 / nn))


@structures
@pytest.mark.parametrize("reml", [True, False])
def test_criterion_is_that_of_the_definition(name: str, reml: bool) -> None:
    m = fit(STRUCTURES[name], weighted_data(), weights="w", offset="o", reml=reml)
    criterion, beta, sigma = dense_criterion(m)
    assert m.converged
    assert m.criterion == pytest.approx(criterion, rel=CRITERION)
    assert m.sigma == pytest.approx(sigma, rel=EXACT)
    np.testing.assert_allclose(m.params, beta, rtol=0, atol=EXACT * np.abs(beta).max())


@structures
def test_equal_weights_are_no_weights(name: str) -> None:
    data = weighted_data()
    ours, other = fit(STRUCTURES[name], data, weights=np.full(len(data), 4.0)), fit(STRUCTURES[name], data)
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-8)
    assert ours.sigma == pytest.approx(2 * other.sigma, rel=SAME)
    np.testing.assert_allclose(ours.bse, other.bse, rtol=SAME)
    np.testing.assert_allclose(ours.df, other.df, rtol=10 * SAME)
    np.testing.assert_allclose(2 * ours.theta, other.theta, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@structures
def test_weights_in_other_units(name: str, scale: float) -> None:
    """Sigma is that of a row of weight 1; everything else stays."""
    data = weighted_data()
    other = fit(STRUCTURES[name], data, weights="w", offset="o")
    ours = fit(STRUCTURES[name], data.assign(w=data["w"] * scale), weights="w", offset="o")
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-7)
    assert ours.sigma == pytest.approx(other.sigma * np.sqrt(scale), rel=SAME)
    np.testing.assert_allclose(ours.params, other.params, rtol=10 * SAME, atol=SAME)
    np.testing.assert_allclose(ours.bse, other.bse, rtol=10 * SAME)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=0, atol=1e-5)
    assert ours.is_singular == other.is_singular
    assert [f.message for f in ours.findings] == [f.message for f in other.findings]


@structures
def test_whole_weights_and_repeated_rows_have_the_same_sums(name: str) -> None:
    """A_j, W_j and N relative to the mean weight; so the same beta and modes at the same theta. n differs."""
    data = small_data()
    counts = np.random.default_rng(5).integers(1, 4, len(data))
    if name == "within":
        pytest.skip("means of groups are plain ones, so repeated rows have other columns")
    weighted = prepare(fit(STRUCTURES[name], data, weights=counts).fit_result.design)
    rows = np.repeat(np.arange(len(data)), counts)
    repeated = prepare(fit(STRUCTURES[name], data.iloc[rows]).fit_result.design)
    ours, other = weighted.problem, repeated.problem
    mean = counts.mean()
    for mine, theirs in ((ours.A, other.A), (ours.W, other.W), (ours.N, other.N), (ours.W2, other.W2)):
        np.testing.assert_allclose(mean * mine, theirs, rtol=0, atol=1e-9 * max(1.0, np.abs(theirs).max(initial=0)))
    assert ours.n_obs == len(data)
    assert other.n_obs == counts.sum()
    theta = 0.5 * np.random.default_rng(1).normal(size=sum(len(t.row) for t in ours.templates))
    first, second = weighted.at(theta * np.sqrt(mean)), repeated.at(theta)
    np.testing.assert_allclose(first.beta, second.beta, rtol=1e-8, atol=1e-10)
    for mine, theirs in zip(first.modes, second.modes, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-8)


def test_an_offset_is_taken_from_the_outcome() -> None:
    data = weighted_data()
    ours = fit("y ~ x + (x | g)", data, offset="o")
    other = fit("y ~ x + (x | g)", data.assign(y=data["y"] - data["o"]))
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-10)
    np.testing.assert_allclose(ours.params, other.params, rtol=1e-12)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues + data["o"], rtol=1e-10)
    np.testing.assert_allclose(ours.resid(), other.resid(), atol=1e-10)
    assert ours.r2() == other.r2()


def test_columns_arrays_series_and_specs_are_one() -> None:
    data = weighted_data()
    other = fit("y ~ x + (x | g)", data, weights="w", offset="o")
    spec = other.spec
    assert (spec.weights, spec.offset) == ("w", "o")
    assert from_json(to_json(spec)) == spec
    for weights, offset in (
        (data["w"], data["o"]),
        (data["w"].to_numpy(), list(data["o"])),
        (pl.Series(data["w"]), "o"),
    ):
        assert fit("y ~ x + (x | g)", data, weights=weights, offset=offset).criterion == other.criterion
    assert fit(spec, data).criterion == other.criterion
    assert fit(to_json(spec), pl.from_pandas(data)).criterion == pytest.approx(other.criterion, abs=1e-9)
    assert fit(spec, data, weights=np.ones(len(data)), offset=np.zeros(len(data))).criterion != other.criterion
    shuffled = data.sample(frac=1, random_state=3)
    assert fit(spec, shuffled).criterion == pytest.approx(other.criterion, abs=1e-8)


def test_a_document_without_weights_is_as_it_was() -> None:
    document = to_json(fit("y ~ x + (1 | g)", small_data()).spec)
    assert "weights" not in document
    assert "offset" not in document
    with pytest.raises(mlm.OptionError):
        from_json({**document, "weights": 3})


def test_rows_that_miss_a_weight_or_an_offset_are_left_out() -> None:
    data = weighted_data()
    holes = data.copy()
    holes.loc[[3, 7], "w"] = np.nan
    holes.loc[[7, 11], "o"] = np.nan
    other = fit("y ~ x + (x | g)", data.drop([3, 7, 11]), weights="w", offset="o")
    ours = fit("y ~ x + (x | g)", holes, weights="w", offset="o")
    beside = fit("y ~ x + (x | g)", holes, weights=holes["w"], offset=holes["o"])
    assert ours.criterion == beside.criterion == pytest.approx(other.criterion, abs=1e-10)
    assert ours.nobs == len(data) - 3
    message = next(f.message for f in ours.findings if f.component == "missing values")
    assert "w (2)" in message
    assert "o (2)" in message
    assert "3 of 110" in message


def test_rows_of_weight_zero_are_left_out_and_said() -> None:
    data = weighted_data()
    data.loc[data["g"] == "g3", "w"] = 0
    data.loc[5, "y"] = np.nan
    ours = fit("y ~ x + (x | g)", data, weights="w")
    other = fit("y ~ x + (x | g)", data[data["w"] > 0], weights="w")
    assert ours.criterion == pytest.approx(other.criterion, abs=1e-10)
    assert ours.n_groups == other.n_groups == {"g": 8}
    n = int((data["w"] == 0).sum())
    assert any(f"{n} of 110 rows were left out because their weight is zero" in f.message for f in ours.findings)
    assert "1 of 110 rows" in next(f.message for f in ours.findings if f.component == "missing values")
    assert ours.null is not None
    assert ours.null.nobs == ours.nobs


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("v", "no column “v”"), ("f", "must be numbers"), (["a"] * 110, "must be numbers"),
        (np.ones(10), "10 values for 110 rows"), (2.0, "0 dimensions"), (np.ones((110, 2)), "2 dimensions"),
        (-np.ones(110), "must not be negative"), (np.full(110, np.inf), "infinite"), (np.zeros(110), "weight zero"),
        (np.ones(110) > 0, "true and false"), (pd.Series(np.ones(110), index=range(1, 111)), "labels"),
        (np.full(110, np.nan), "No complete rows"),
    ],
)  # fmt: skip
def test_weights_that_are_refused(weights: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        fit("y ~ x + (1 | g)", weighted_data(), weights=weights)
    assert caught.value.hint


@pytest.mark.parametrize("offset", ["f", "v", np.ones(3), np.full(110, -np.inf)])
def test_offsets_that_are_refused(offset: object) -> None:
    with pytest.raises(DataError) as caught:
        fit("y ~ x + (1 | g)", weighted_data(), offset=offset)
    assert caught.value.argument == "offset"


def test_an_outcome_that_is_its_offset() -> None:
    data = weighted_data()
    with pytest.raises(DataError, match="less its offset is constant"):
        fit("y ~ x + (1 | g)", data, offset=data["y"] - 3)


def test_predictions_with_an_offset() -> None:
    data = weighted_data()
    m, plain = fit("y ~ x + (x | g)", data, offset="o"), fit("y ~ x + (x | g)", data.assign(y=data["y"] - data["o"]))
    new = data.head(6).copy()
    np.testing.assert_allclose(m.predict(new), plain.predict(new) + new["o"], rtol=1e-10)
    ours, other = (model.predict(new, random="none", interval="confidence") for model in (m, plain))
    np.testing.assert_allclose(ours["conf_low"], other["conf_low"] + new["o"], rtol=1e-10)
    np.testing.assert_allclose(ours["std_error"], other["std_error"], rtol=1e-10)
    new.loc[0, "o"] = np.nan
    assert np.isnan(np.asarray(m.predict(new))).tolist() == [True] + [False] * 5
    with pytest.raises(DataError, match="no column “o”") as caught:
        m.predict(new.drop(columns="o"))
    assert "offset" in str(caught.value.hint)
    array = fit("y ~ x + (x | g)", data, offset=data["o"])
    np.testing.assert_allclose(array.predict(), m.predict(), rtol=1e-12)
    with pytest.raises(DataError, match="given as an array"):
        array.predict(new)
    means, others = m.predictions(["x"]), plain.predictions(["x"])
    np.testing.assert_allclose(means["estimate"], others["estimate"] + data["o"].mean(), rtol=1e-10)


def test_code_names_weights_and_offset() -> None:
    data = weighted_data().rename(columns={"o": "the offset"})
    m = fit("y ~ x + (1 | g)", data, weights="w", offset="the offset")
    assert m.formula == "y ~ x + offset(`the offset`) + (1 | g)"
    assert '+ offset(`the offset`) + (1 | g)", data, weights="w")' in m.to_python()
    assert "weights = w" in m.to_r()
    assert "y ~ x + offset(`the offset`) + (1 | g)" in m.to_r()
    assert "offset = " not in m.to_r()
    beside = fit("y ~ x + (1 | g)", data, weights=data["w"])
    assert "weights=weights" in beside.to_python()
    assert "weights = weights" in beside.to_r()
    assert "weights" not in fit("y ~ x + (1 | g)", data).to_r()
    assert list(m.data.columns) == ["y", "x", "g", "w", "the offset"]
