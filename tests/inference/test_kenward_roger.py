"""Kenward and Roger's figures are those of their formulas, written out with n x n matrices, for every structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from mlm_widgets import FitError, FitOptions, MixedModel, OptionError, fit
from mlm_widgets.fitter import Prepared, prepare
from mlm_widgets.inference.kenward_roger import kenward_roger
from tests.fitter.dense import STRUCTURES, dense_of, small_data
from tests.fitter.test_sparse import CROSSED, MORE, as_sparse, data

FORMULAS = STRUCTURES | MORE
SAME = 1e-6  # relative: differences of traces have errors of 1e-8, which the inverse information makes larger
Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Textbook:
    """Kenward & Roger (1997) in the parameters of pbkrtest: entries of the covariance matrices, and sigma^2."""

    covariance: Floats
    adjusted: Floats
    P: list[Floats]
    W: Floats

    def moments(self, L: Floats) -> tuple[float, float]:
        theta = L.T @ np.linalg.solve(L @ self.covariance @ L.T, L) @ self.covariance
        parts = [theta @ P @ self.covariance for P in self.P]
        r = range(len(parts))
        first = sum(self.W[i, j] * np.trace(parts[i]) * np.trace(parts[j]) for i in r for j in r)
        return float(first), float(sum(self.W[i, j] * np.trace(parts[i] @ parts[j]) for i in r for j in r))

    def df_and_scaling(self, L: Floats) -> tuple[float, float]:
        """Section 4 of the paper, lines as in pbkrtest's .KR_adjust."""
        A1, A2 = self.moments(L)
        q = len(L)
        B = (A1 + 6 * A2) / (2 * q)
        g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
        c1 = g / (3 * q + 2 * (1 - g))
        c2 = (q - g) / (3 * q + 2 * (1 - g))
        c3 = (q + 2 - g) / (3 * q + 2 * (1 - g))
        mean = 1 / (1 - A2 / q)
        variance = 2 / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
        rho = variance / (2 * mean**2)
        df = 4 + (q + 2) / (q * rho - 1)
        return df, df / (mean * (df - 2))


def textbook(m: MixedModel) -> Textbook:
    dense = dense_of(m)
    weights = m.fit_result.design.weights
    root = np.ones(len(dense.y)) if weights is None else np.sqrt(weights)
    X, Z = dense.X * root[:, None], [Z * root[:, None] for Z in dense.Z]
    sigma, groups = m.fit_result.sigma, m.fit_result.groups
    G: list[Floats] = [np.eye(len(root))]
    V = sigma**2 * np.eye(len(root))
    for own, group in zip(Z, groups, strict=True):
        q, J = len(group.lam), own.shape[1] // len(group.lam)
        V += sigma**2 * own @ np.kron(np.eye(J), group.lam @ group.lam.T) @ own.T
        for block in group.grouping.blocks:
            for a in block.columns:
                for b in range(block.start, a + 1):
                    E = np.zeros((q, q))
                    E[a, b] = E[b, a] = 1.0
                    G.append(own @ np.kron(np.eye(J), E) @ own.T)
    inverse = np.linalg.inv(V)
    phi = np.linalg.inv(X.T @ inverse @ X)
    P = [-X.T @ inverse @ one @ inverse @ X for one in G]
    k = len(G)
    information = np.empty((k, k))
    inner = np.zeros((k, k, *phi.shape))
    for r in range(k):
        for s in range(k):
            Q = X.T @ inverse @ G[r] @ inverse @ G[s] @ inverse @ X
            inner[r, s] = Q - P[r] @ phi @ P[s]
            trace = np.trace(inverse @ G[r] @ inverse @ G[s])
            information[r, s] = trace - 2 * np.trace(phi @ Q) + np.trace(phi @ P[r] @ phi @ P[s])
    scale = np.sqrt(np.diag(information))
    W = 2 * np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale)
    adjusted = phi + 2 * phi @ np.einsum("rs,rsab->ab", W, inner) @ phi
    return Textbook(phi, adjusted, P, W)


def check(m: MixedModel) -> None:
    reference, tests = textbook(m), m.with_df("kenward-roger")
    unit = np.eye(len(m.params))
    np.testing.assert_allclose(
        tests.cov_params(), reference.adjusted, rtol=SAME, atol=SAME * np.abs(reference.adjusted).max()
    )
    np.testing.assert_allclose(tests.bse, np.sqrt(np.diag(reference.adjusted)), rtol=SAME)
    expected = [reference.df_and_scaling(row[None])[0] for row in unit]
    np.testing.assert_allclose(tests.df, expected, rtol=SAME)
    if len(unit) > 1:
        L = unit[-2:] + 0.3 * unit[:1]
        df, scaling = reference.df_and_scaling(L)
        estimate = L @ m.params.to_numpy()
        F = scaling * estimate @ np.linalg.solve(L @ reference.adjusted @ L.T, estimate) / 2
        found = tests.contrast_test(L)
        assert found["den_df"][0] == pytest.approx(df, rel=SAME)
        assert found["statistic"][0] == pytest.approx(F, rel=SAME)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "no fixed effects"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_structure(name: str, seed: int) -> None:
    check(fit(FORMULAS[name], data(seed) if name in MORE else small_data(seed)))


def test_weights_are_part_of_the_residual_variances() -> None:
    frame = small_data(3).assign(w=np.random.default_rng(5).uniform(0.2, 4, 110))
    for formula in (STRUCTURES["slopes"], STRUCTURES["crossed slopes"], STRUCTURES["nested"]):
        check(fit(formula, frame, weights="w"))


def test_singular_fits_are_treated_as_any_other() -> None:
    frame = small_data(4)
    frame["y"] -= frame.groupby("h")["y"].transform("mean")
    m = fit("y ~ x + f + (x | g) + (x | h)", frame)
    assert m.is_singular
    check(m)


def test_an_offset_has_no_influence() -> None:
    frame = small_data(0)
    shift = frame["x"] + 2.0
    m = fit(STRUCTURES["slopes"], frame, df_method="kenward-roger")
    same = fit(
        STRUCTURES["slopes"], frame.assign(y=frame["y"] + shift), offset=shift.to_numpy(), df_method="kenward-roger"
    )
    np.testing.assert_allclose(same.bse, m.bse, rtol=1e-7)
    np.testing.assert_allclose(same.df, m.df, rtol=1e-6)


def test_collinear_columns_have_no_part() -> None:
    frame = small_data(0)
    m = fit("y ~ x + z + (x | g)", frame, df_method="kenward-roger")
    more = fit(
        "y ~ x + z + again + (x | g)", frame.assign(again=frame["x"] - 2 * frame["z"]), df_method="kenward-roger"
    )
    assert more.fit_result.dropped == ("again",)
    np.testing.assert_allclose(more.bse, m.bse, rtol=1e-8)
    np.testing.assert_allclose(more.df, m.df, rtol=1e-7)


def test_no_fixed_effects() -> None:
    m = fit(STRUCTURES["no fixed effects"], small_data(0), df_method="kenward-roger")
    assert len(m.bse) == len(m.df) == len(m.anova()) == 0


@pytest.mark.parametrize("name", ["crossed slopes", "nested slopes"])
def test_predictors_far_from_zero_and_other_units_change_nothing(name: str) -> None:
    frame = small_data(1)
    m = fit(STRUCTURES[name], frame, df_method="kenward-roger")
    far = frame.assign(x=1e4 + frame["x"] / 50, y=1e5 * frame["y"])
    moved = fit(STRUCTURES[name], far, df_method="kenward-roger")
    assert moved.df["x"] == pytest.approx(m.df["x"], rel=1e-5)
    assert moved.bse["x"] == pytest.approx(50 * 1e5 * m.bse["x"], rel=1e-5)


@pytest.mark.parametrize("name", [*CROSSED, *MORE])
def test_sparse_and_dense_blocks_agree(name: str) -> None:
    m = fit(FORMULAS[name], data(0))
    prepared = prepare(m.fit_result.design)
    one, other = kenward_roger(m.fit_result, prepared), kenward_roger(m.fit_result, as_sparse(prepared))
    unit = np.eye(len(m.params))
    np.testing.assert_allclose(other.df(unit), one.df(unit), rtol=SAME)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=SAME, atol=1e-10)


def test_a_fit_by_maximum_likelihood_takes_those_of_a_fit_by_reml_and_says_so() -> None:
    frame = small_data(0)
    ml = fit(STRUCTURES["slopes"], frame, reml=False, df_method="kenward-roger")
    reml = fit(STRUCTURES["slopes"], frame, df_method="kenward-roger")
    np.testing.assert_allclose(ml.bse, reml.bse, rtol=1e-7)
    np.testing.assert_allclose(ml.df, reml.df, rtol=1e-7)
    assert not ml.params.equals(reml.params)
    assert not ml.reml
    assert "again by REML" in str(ml.summary())
    assert "again by REML" in ml.anova().attrs["notes"][0]
    assert "REML" not in " ".join(reml.anova().attrs["notes"])


@pytest.mark.parametrize("n_groups", [4, 5, 6, 7, 12])
def test_groups_of_one_size_have_the_f_test_of_their_means(n_groups: int) -> None:
    """F is exact then, down to one degree of freedom of the denominator, and so are these figures."""
    draw = np.random.default_rng(n_groups)
    kinds = np.array(["a", "b", "c"])[np.arange(n_groups) % 3]
    means = pd.DataFrame({"kind": kinds, "y": draw.normal(0, 3, n_groups)})
    frame = means.loc[np.repeat(np.arange(n_groups), 8)].assign(g=np.repeat(np.arange(n_groups), 8).astype(str))
    noise = draw.normal(0, 1, (n_groups, 8))
    frame["y"] += (noise - noise.mean(axis=1, keepdims=True)).ravel()
    m = fit("y ~ kind + (1 | g)", frame)
    found = m.anova(df_method="kenward-roger").loc["kind"]
    groups = [own["y"].to_numpy() for _, own in means.groupby("kind")]
    expected = stats.f_oneway(*groups)
    assert not m.is_singular
    assert found["den_df"] == pytest.approx(n_groups - 3, rel=1e-5)
    assert found["statistic"] == pytest.approx(expected.statistic, rel=1e-4)
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-4)


def test_a_refit_that_does_not_converge_is_no_ground_for_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    m = fit(STRUCTURES["slopes"], small_data(0), reml=False)
    own = Prepared.fit
    monkeypatch.setattr(Prepared, "fit", lambda self: replace(own(self), state="failed"))
    with pytest.raises(FitError, match="does not converge"):
        _ = m.with_df("kenward-roger").df


def test_directions_of_no_information_are_left_out() -> None:
    """The variance of a factor that is a predictor, too, cannot be told: pbkrtest takes a pseudoinverse."""
    frame = small_data(0)
    m = fit("y ~ x + a + (1 | g) + (1 | a)", frame, df_method="kenward-roger")
    plain = fit("y ~ x + a + (1 | g)", frame, df_method="kenward-roger")
    assert m.df["x"] == pytest.approx(plain.df["x"], rel=1e-4)
    assert m.bse["x"] == pytest.approx(plain.bse["x"], rel=1e-4)


def test_intervals_of_coefficients_and_means_are_adjusted() -> None:
    m = fit(STRUCTURES["slopes"], small_data(0))
    adjusted = m.with_df("kenward-roger")
    assert adjusted.df_method == "kenward-roger"
    assert adjusted.statistic_name == "t"
    assert adjusted.fit_result is m.fit_result
    assert m.df_method == "satterthwaite"
    assert (adjusted.bse > m.bse).all()
    np.testing.assert_allclose(adjusted.tidy("fixed")["std_error"], adjusted.bse)
    np.testing.assert_allclose(np.sqrt(np.diag(adjusted.cov_params())), adjusted.bse)
    assert "Kenward-Roger" in str(adjusted.summary())
    assert 'df_method="kenward-roger"' in adjusted.to_python()
    assert 'summary(model, ddf = "Kenward-Roger")' in adjusted.to_r()
    assert "summary(model)" in m.to_r()
    one, other = adjusted.predictions({"x": [0.0]}), m.predictions({"x": [0.0]})
    assert one["estimate"][0] == other["estimate"][0]
    assert one["std_error"][0] > other["std_error"][0]
    row = np.array([1.0, 0.0, small_data(0)["z"].mean()])
    found = adjusted.contrast_test(row)
    assert found["den_df"][0] == pytest.approx(one["df"][0])
    assert found["statistic"][0] == pytest.approx((one["estimate"][0] / one["std_error"][0]) ** 2)
    assert found.attrs["rows"][0]["std_error"] == pytest.approx(one["std_error"][0])
    interval, narrower = (each.predict(random="none", interval="confidence") for each in (adjusted, m))
    assert isinstance(interval, pd.DataFrame)
    assert isinstance(narrower, pd.DataFrame)
    assert (interval["std_error"] > narrower["std_error"]).all()


def test_generalized_models_have_none() -> None:
    frame = small_data(0).assign(yes=lambda d: (d["y"] > d["y"].median()).astype(int))
    with pytest.raises(OptionError, match="linear mixed models"):
        fit("yes ~ x + (1 | g)", frame, family="binomial", df_method="kenward-roger")
    m = fit("yes ~ x + (1 | g)", frame, family="binomial")
    for method in ("kenward-roger", "satterthwaite"):
        with pytest.raises(OptionError):
            m.with_df(method)
        with pytest.raises(OptionError):
            m.anova(df_method=method)
    with pytest.raises(OptionError, match="'kenward-roger'"):
        fit("y ~ x + (1 | g)", frame, df_method="kenward")


def test_refits_keep_the_method() -> None:
    frame: pd.DataFrame = small_data(0)
    m = fit(STRUCTURES["slopes"], frame, df_method="kenward-roger")
    again = m.refit(frame["y"].to_numpy(), options=FitOptions())
    assert again.df_method == "kenward-roger"
    np.testing.assert_allclose(again.bse, m.bse, rtol=1e-7)
