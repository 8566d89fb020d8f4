"""Power by simulation against a closed form, against refits by hand, and under the null."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlm_widgets import Cancelled, DesignError, MlmError, OptionError, PowerDesign, Predictor, fit, power
from mlm_widgets.inference import assumed_truth, extended, truth_of
from mlm_widgets.inference.power import Power, wilson
from mlm_widgets.inference.simulation import Simulator
from tests import modelcache

ARMS = Predictor("binary", level=2)


def two_arms(effect: float, icc: float = 0.2, **options: object) -> PowerDesign:
    return PowerDesign("y ~ treated + (1 | clinic)", {"treated": effect}, {"treated": ARMS}, icc=icc, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("test", ["t", "z"])
def test_two_arms_of_clusters_as_in_the_closed_form(test: str) -> None:
    """The difference of cluster means has variance 4 (sb^2 + s^2 / m) / J, and its t test J - 2 degrees of freedom."""
    n_sim, m = 4000, 8
    found = power(two_arms(0.5), "treated", n_groups=[20, 40], group_size=m, n_sim=n_sim, seed=7, test=test)
    for J, own in zip([20, 40], found.table["power"], strict=True):
        variance = 4 * (0.25 + 1 / m) / J
        reach = stats.t.ppf(0.975, J - 2) if test == "t" else stats.norm.ppf(0.975)
        distribution = stats.nct(J - 2, 0.5 / np.sqrt(variance))
        exact = distribution.sf(reach) + distribution.cdf(-reach)
        # a few variances of zero, where the standard error is not that of the cluster means, make no odds
        assert own == pytest.approx(exact, abs=3.5 * np.sqrt(exact * (1 - exact) / n_sim))


@pytest.mark.parametrize("level", [1, 2])
def test_a_test_of_nothing_is_significant_as_often_as_it_says(level: int) -> None:
    n_sim = 4000
    study = PowerDesign("y ~ x + (1 | g)", {"Intercept": 3.0}, {"x": Predictor("normal", level=level)}, 15, 6, icc=0.3)
    for alpha, test in ((0.05, "t"), (0.2, "t"), *([(0.05, "lr")] if level == 1 else [])):
        found = power(study, "x", n_sim=n_sim, alpha=alpha, seed=level, test=test).table["power"][0]
        assert found == pytest.approx(alpha, abs=3.5 * np.sqrt(alpha * (1 - alpha) / n_sim))


def test_tests_are_those_of_refits() -> None:
    m = modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    found = power(m, "Days", n_sim=20, seed=3, alpha=1e-5).table
    truth = truth_of(m.fit_result)
    Y = Simulator(truth, [3, 0, 0]).drawn(20)
    p = [m.refit(y).pvalues["Days"] for y in Y.T]
    assert 0 < found["power"][0] < 1
    assert found["power"][0] == np.mean(np.array(p) < 1e-5)
    assert (found["n_groups"][0], found["group_size"][0], found["n_sim"][0]) == (18, 10, 20)


def test_likelihood_ratios_are_those_of_refits_without_the_effect() -> None:
    data = modelcache.table("sleepstudy")
    data["again"] = 2 * data["Days"]  # collinear: it must not take the place of what is tested
    m = fit("Reaction ~ Days + again + (Days | Subject)", data)
    found = power(m, {"Days": 4.0}, n_sim=25, seed=3, test="lr").table["power"][0]
    truth = truth_of(m.fit_result)
    Y = Simulator(replace(truth, beta=np.array([truth.beta[0], 4.0])), [3, 0, 0]).drawn(25)
    full = fit("Reaction ~ Days + (Days | Subject)", data, reml=False)
    less = fit("Reaction ~ 1 + (Days | Subject)", data, reml=False)
    ratios = np.array([less.refit(y).criterion - full.refit(y).criterion for y in Y.T])
    assert 0 < found < 1
    assert found == np.mean(stats.chi2.sf(ratios, 1) < 0.05)


def test_likelihood_ratios_of_generalized_models() -> None:
    m = modelcache.generalized("TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson")
    effect = m.params.index[1]
    found = power(m, {effect: 0.0}, n_sim=6, seed=2, test="lr", alpha=0.5)
    assert found.test == "likelihood-ratio test by maximum likelihood"
    assert found.table["n_failed"][0] == 0
    own = power(m, {effect: 3.0}, n_sim=6, seed=2, test="lr")
    assert own.table["power"][0] == 1.0


def test_generalized_models_by_wald_z() -> None:
    m = modelcache.generalized("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial")
    found = power(m, {"period[T.2]": -0.6}, n_sim=15, seed=3, alpha=0.2)
    truth = truth_of(m.fit_result)
    truth.beta.setflags(write=False)
    beta = truth.beta.copy()
    beta[truth.names.index("period[T.2]")] = -0.6
    Y = Simulator(replace(truth, beta=beta), [3, 0, 0]).drawn(15)
    p = [m.refit(y).pvalues["period[T.2]"] for y in Y.T]
    assert found.table["power"][0] == np.mean(np.array(p) < 0.2)
    assert found.test == "Wald z test"
    assert found.value == -0.6
    more = power(m, "period[T.2]", n_groups=30, n_sim=10, seed=3)
    assert more.table["n_groups"][0] == 30


def test_assumed_counts() -> None:
    study = PowerDesign(
        "calls ~ after + (1 | site)", {"Intercept": 0.7, "after": 0.5}, {"after": "binary"}, 12, 10,
        sds={"Intercept": 0.4}, family="poisson",
    )  # fmt: skip
    found = power(study, "after", n_sim=30, seed=1)
    assert found.table["power"][0] > 0.5
    assert found.table["n_failed"][0] == 0


def test_a_seed_gives_the_same_numbers_and_a_size_its_own() -> None:
    study = two_arms(0.4)
    both = power(study, "treated", n_groups=[10, 20], n_sim=150, seed=5).table
    one = power(study, "treated", n_groups=20, n_sim=150, seed=5).table
    pd.testing.assert_frame_equal(both.iloc[1:].reset_index(drop=True), one)
    assert power(study, "treated", n_groups=20, n_sim=150, seed=6).table["power"][0] != one["power"][0]
    assert list(one.columns) == ["n_groups", "group_size", "power", "lower", "upper", "n_sim", "n_failed", "n_singular"]


def test_every_combination_of_sizes_has_a_row() -> None:
    found = power(two_arms(0.4), "treated", n_groups=[6, 8], group_size=[3, 4], n_sim=10, seed=1)
    assert set(zip(found.table["n_groups"], found.table["group_size"], strict=True)) == {(6, 3), (8, 3), (6, 4), (8, 4)}
    assert "Wilson 95 % Monte Carlo interval" in repr(found)
    assert found.group == "clinic"


def test_groups_of_a_model_are_taken_equally_often() -> None:
    data = modelcache.table("sleepstudy")
    data["old"] = data["Subject"].astype(str).isin(sorted(data["Subject"].astype(str).unique())[:9]).astype(float)
    m = fit("Reaction ~ Days + old + (Days | Subject)", data)
    truth = truth_of(m.fit_result)
    days = truth.names.index("Days")
    for n in (4, 10, 18, 26, 40):
        own = extended(truth, 0, n, None).design
        assert own.n_obs == 10 * n
        assert len(own.spec.groupings[0].levels) == n == len(np.unique(own.codes[0]))
        assert np.bincount(own.codes[0]).tolist() == [10] * n
        assert own.X[:, 2].mean() == 0.5  # as many old as young, however many there are
    half = extended(truth, 0, None, 5).design
    assert half.n_obs == 90
    assert half.X[:10, days].tolist() == [1, 3, 5, 7, 9, 1, 3, 5, 7, 9]  # occasions from the whole range
    double = extended(truth, 0, None, 20).design
    assert np.bincount(double.X[:, days].astype(int)).tolist() == [36] * 10


def test_rows_of_a_smaller_group_have_the_proportions_of_the_larger() -> None:
    draw = np.random.default_rng(4)
    g = np.repeat(np.arange(8), 10)
    y = draw.normal(size=8)[g] + draw.normal(size=80)
    m = fit("y ~ x + (1 | g)", pd.DataFrame({"g": g.astype(str), "x": np.arange(80) % 2, "y": y}))
    own = extended(truth_of(m.fit_result), 0, None, 4).design
    assert own.X[:, 1].reshape(8, 4).mean(axis=1).tolist() == [0.5] * 8


def test_weights_and_offset_go_with_their_rows() -> None:
    draw = np.random.default_rng(2)
    g = np.repeat(np.arange(10), 6)
    data = pd.DataFrame({"g": g.astype(str), "x": draw.normal(size=60), "w": draw.uniform(1, 3, 60)})
    data["o"] = 100 * data["w"]
    data["y"] = data["x"] + data["o"] + draw.normal(size=10)[g] + draw.normal(size=60)
    data["twice"] = 2 * data["x"]
    m = fit("y ~ x + twice + (1 | g)", data, weights="w", offset="o")
    own = extended(truth_of(m.fit_result), 0, 25, 9).design
    assert own.weights is not None
    assert own.offset is not None
    np.testing.assert_allclose(own.offset, 100 * own.weights)
    table = power(m, {"x": 0.12}, n_groups=[10, 40], group_size=9, n_sim=200, seed=1).table
    assert table["power"][1] > table["power"][0] + 0.2
    assert table["n_failed"].sum() == 0


def test_nested_and_crossed_factors() -> None:
    nested = modelcache.fitted("strength ~ 1 + (1 | batch/cask)", "pastes")
    own = extended(
        truth_of(nested.fit_result), [g.name for g in nested.fit_result.design.spec.groupings].index("batch"), 20, None
    )
    assert sorted(len(g.levels) for g in own.design.spec.groupings) == [20, 60]
    found = power(nested, {"Intercept": 1.0}, n_groups=5, n_sim=5, seed=1)
    assert found.table["n_groups"][0] == 5
    crossed = modelcache.fitted("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin")
    with pytest.raises(OptionError, match="are crossed"):
        power(crossed, "Intercept", n_groups=10, n_sim=5)
    found = power(crossed, "Intercept", n_groups=10, group="plate", n_sim=5, seed=1)
    assert (found.table["n_groups"][0], found.group) == (10, "plate")
    assert power(crossed, "Intercept", n_sim=5, seed=1).table["n_sim"][0] == 5


def test_predictors_are_as_described() -> None:
    study = PowerDesign(
        "y ~ x + z + t + c + (1 | g)", {}, {
            "x": Predictor("normal", mean=5, sd=2), "z": Predictor("binary", level=2, share=0.25), "t": "time",
            "c": Predictor(lambda draw, n: draw.choice(["a", "b"], n)),
        }, 8, 5, icc=0.1,
    )  # fmt: skip
    truth = assumed_truth(study)
    X = dict(zip(truth.names, truth.design.X.T, strict=True))
    assert (X["x"].mean(), X["x"].std()) == pytest.approx((5, 2))
    assert X["z"].reshape(8, 5).mean(axis=1).tolist() == [0, 0, 0, 1, 0, 0, 0, 1]
    assert X["t"][:5].tolist() == [0, 1, 2, 3, 4]
    assert set(X["c[T.b]"]) == {0.0, 1.0}
    assert truth.effects[0].lam[0, 0] ** 2 == pytest.approx(0.1 / 0.9)
    np.testing.assert_array_equal(assumed_truth(study).design.X, truth.design.X)


def test_random_slopes_are_as_assumed() -> None:
    study = PowerDesign(
        "y ~ x + (x | g)", {"x": 1}, {"x": "normal"}, sds={"Intercept": 1, "x": 2}, correlation=0.5, sigma=4
    )
    lam = assumed_truth(study).effects[0].lam
    np.testing.assert_allclose(16 * lam @ lam.T, [[1, 1], [1, 4]])


def test_it_can_be_stopped() -> None:
    cancel = Event()

    def progress(done: int, total: int) -> None:
        assert total == 3000
        if done > 1000:
            cancel.set()

    with pytest.raises(Cancelled, match="Power was cancelled") as caught:
        power(two_arms(0.4), "treated", n_groups=[6, 8, 10], n_sim=1000, seed=1, progress=progress, cancel=cancel)
    partial = caught.value.partial
    assert isinstance(partial, Power)
    assert partial.table["n_groups"].tolist() == [6, 8]
    assert partial.table["n_sim"].sum() == caught.value.done < 3000


def test_wilson() -> None:
    assert wilson(8, 10, 0.95) == pytest.approx(
        (0.4901625, 0.9433178), abs=1e-6
    )  # R: prop.test(8, 10, correct = FALSE)
    assert wilson(0, 10, 0.95)[0] == 0
    assert wilson(10, 10, 0.95)[1] == 1
    assert wilson(0, 0, 0.95) == (0, 1)


def test_what_cannot_be_asked() -> None:
    m = modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    count = modelcache.generalized("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", "binomial")
    wrong: list[tuple[object, object, dict[str, object], str]] = [
        (m, "days", {}, "Did you mean 'Days'"), (m, {}, {}, "names no coefficient"),
        (m, "Days", {"n_groups": 1}, "from 2"),
        (m, "Days", {"n_groups": [10, 2.5]}, "whole number"), (m, "Days", {"group_size": 0}, "whole number"),
        (m, "Days", {"n_sim": 0}, "n_sim"), (m, "Days", {"alpha": 5}, "alpha"),
        (m, "Days", {"test": "f"}, "'t', 'z', 'lr'"),
        (m, "Days", {"level": 95}, "level"), (count, "period[T.2]", {"test": "t"}, "'z'"),
        (m, "Days", {"group": "subject", "n_groups": 4}, "Did you mean 'Subject'"),
        ("sleepstudy", "Days", {}, "PowerDesign"),
    ]  # fmt: skip
    for model, effect, options, text in wrong:
        with pytest.raises(OptionError, match=text):
            power(model, effect, **options)  # type: ignore[arg-type]


def test_studies_that_cannot_be() -> None:
    base = {"formula": "y ~ x + (1 | g)", "effects": {"x": 1}, "predictors": {"x": "normal"}, "icc": 0.1}
    wrong: list[tuple[dict[str, object], str]] = [
        ({"predictors": {}}, "does not say how “x”"), ({"effects": {"X": 1}}, "Did you mean 'x'"),
        ({"icc": 1.2}, "`icc`"),
        ({"icc": None}, "'Intercept' is lacking"), ({"sds": {"z": 1}}, "`sds` names 'z'"), ({"sigma": 0}, "above 0"),
        ({"formula": "y ~ x + (1 | g/h)"}, "one grouping factor"),
        ({"formula": "y ~ x + (1 | g) + (1 | h)"}, "one grouping"),
        ({"formula": "y ~ x + (x | g)", "sds": {"x": 1}, "correlation": 1.0}, "`correlation`"),
        ({"family": "poisson"}, "linear model"),
    ]  # fmt: skip
    for change, text in wrong:
        with pytest.raises(MlmError, match=text):
            power(PowerDesign(**{**base, **change}), "x", n_sim=2)  # type: ignore[arg-type]
    for options in (
        {"distribution": "norml"},
        {"level": 3},
        {"share": 1.0},
        {"sd": 0.0},
        {"distribution": "time", "level": 2},
    ):
        with pytest.raises(OptionError):
            Predictor(**options)
    treated = PowerDesign(
        "y ~ treated + z + (1 | g)", {}, {"treated": ARMS, "z": Predictor("binary", level=2)}, 8, 5, icc=0.1
    )
    with pytest.raises(DesignError, match="cannot be told from the other predictors"):
        power(treated, "treated", n_sim=2)
