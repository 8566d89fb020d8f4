"""The bootstrap against refits by hand, and against a known truth."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import Cancelled, MixedModel, OptionError, fit
from mlm_widgets.inference.parameter import parameter_values
from tests import modelcache

SAME = 1e-6  # of parameters in units of their own: two searches that both end at rounding level

HERDS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
MODELS: dict[str, Callable[[], MixedModel]] = {
    "slopes": lambda: modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "crossed": lambda: modelcache.fitted("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    "nested": lambda: modelcache.fitted("strength ~ 1 + (1 | batch/cask)", "pastes"),
    "binomial": lambda: modelcache.generalized(HERDS, "cbpp", "binomial"),
}  # fmt: skip


@pytest.mark.parametrize("random", ["new", "conditional"])
@pytest.mark.parametrize("name", MODELS)
def test_replicates_are_refits_of_simulated_outcomes(name: str, random: str) -> None:
    m = MODELS[name]()
    n = 12 if m.is_linear else 4
    found = m.bootstrap(n, seed=3, random=random)
    assert found.converged.all()
    for (_, y), (_, own) in zip(m.simulate(n, 3, random=random).items(), found.replicates.iterrows(), strict=True):
        again = parameter_values(m.refit(y.to_numpy()).fit_result)
        scale = SAME if m.is_linear else 1e-4  # generalized models end their search earlier
        np.testing.assert_allclose(own, again, rtol=scale, atol=scale * np.abs(again[~np.isnan(again)]).max())


def drawn_by_hand(m: MixedModel, data: pd.DataFrame, group: str, draws: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Rows of the groups drawn, each under a name of its own."""
    levels = next(g.grouping.levels for g in m.fit_result.groups if g.grouping.name == group)
    parts = [data[data[group].astype(str) == str(levels[g])].assign(**{group: f"d{k}"}) for k, g in enumerate(draws)]
    return pd.concat(parts, ignore_index=True)


def weighted() -> tuple[str, pd.DataFrame, dict[str, Any]]:
    draw = np.random.default_rng(8)
    g = np.repeat(np.arange(15), draw.integers(3, 9, 15))
    x = draw.normal(4, 1, len(g))
    data = pd.DataFrame(
        {"g": [f"g{k}" for k in g], "x": x, "w": draw.uniform(0.5, 2, len(g)), "o": draw.normal(size=len(g))}
    )
    data["y"] = 2 + x + draw.normal(0, 1, 15)[g] + data["o"] + draw.normal(size=len(g)) / np.sqrt(data["w"])
    data["twice"] = 2 * x
    return "y ~ x + twice + (1 | g)", data, {"weights": "w", "offset": "o"}  # fmt: skip


CASES: dict[str, Callable[[], tuple[str, pd.DataFrame, dict[str, Any], str]]] = {
    "slopes": lambda: ("Reaction ~ Days + (Days | Subject)", modelcache.table("sleepstudy"), {}, "Subject"),
    "by ML": lambda: ("Reaction ~ Days + (1 | Subject)", modelcache.table("sleepstudy"), {"reml": False}, "Subject"),
    "nested": lambda: ("strength ~ 1 + (1 | batch/cask)", modelcache.table("pastes"), {}, "batch"),
    "weights, offset, collinear": lambda: (*weighted(), "g"),
    "binomial": lambda: (HERDS, modelcache.table("cbpp"), {"family": "binomial"}, "herd"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_groups_drawn_are_groups_of_their_own(name: str) -> None:
    formula, data, options, group = CASES[name]()
    m = fit(formula, data, **options)
    found = m.bootstrap(4, seed=5, kind="group")
    J = m.n_groups[group]
    draws = np.random.default_rng(5).integers(0, J, (4, J))
    assert found.n_failed == 0
    for own, replicate in zip(draws, found.replicates.to_numpy(), strict=True):
        again = parameter_values(fit(formula, drawn_by_hand(m, data, group, own), **options).fit_result)
        scale = SAME if m.is_linear else 1e-4
        np.testing.assert_allclose(replicate, again, rtol=scale, atol=scale * np.abs(again[~np.isnan(again)]).max())


def test_factors_that_change_their_order_keep_their_names() -> None:
    """Few levels of b occur in some draws of a, so that lme4's order of the factors, by levels, turns round."""
    draw = np.random.default_rng(3)
    a, b = np.repeat(np.arange(6), 8), draw.integers(0, 7, 48)
    data = pd.DataFrame({"a": [f"a{k}" for k in a], "b": [f"b{k}" for k in b]})
    data.loc[a > 1, "b"] = [f"b{k % 3}" for k in b[a > 1]]
    data["y"] = 3 * draw.normal(size=6)[a] + draw.normal(size=7)[b] + draw.normal(size=48)
    m = fit("y ~ 1 + (1 | a) + (1 | b)", data)
    assert list(m.n_groups) == ["b", "a"]
    found = m.bootstrap(8, 1, "group", group="a").replicates
    orders = set()
    for own, (_, replicate) in zip(np.random.default_rng(1).integers(0, 6, (8, 6)), found.iterrows(), strict=True):
        again = fit("y ~ 1 + (1 | a) + (1 | b)", drawn_by_hand(m, data, "a", own))
        orders.add(tuple(again.n_groups))
        sds = again.varcorr().set_index("group")["sd_or_corr"]
        for name in ("a", "b"):
            assert replicate[f"sd__Intercept|{name}"] == pytest.approx(sds[name], rel=1e-5, abs=1e-5)
    assert len(orders) == 2


def test_portions_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    m = MODELS["slopes"]()
    for kind in ("parametric", "group"):
        whole = m.bootstrap(50, 2, kind).replicates
        monkeypatch.setattr("mlm_widgets.fitter.batch.fit.MOST", 7)
        np.testing.assert_allclose(m.bootstrap(50, 2, kind).replicates, whole, rtol=SAME, atol=SAME)
        pd.testing.assert_frame_equal(m.bootstrap(20, 2, kind).replicates, m.bootstrap(20, 2, kind).replicates)
        monkeypatch.undo()
    assert not m.bootstrap(5, 2).replicates.equals(m.bootstrap(5, 3).replicates)


def test_intervals_bias_and_errors_are_those_of_the_replicates() -> None:
    m = MODELS["slopes"]()
    found = m.bootstrap(999, 1)
    names = ["Intercept", "Days", "sd__Intercept|Subject", "sd__Days|Subject", "cor__Intercept.Days|Subject", "sigma"]
    assert list(found.replicates.columns) == names
    days = np.sort(found.replicates["Days"].to_numpy())
    percentile, basic = found.conf_int(), found.conf_int(method="basic")
    assert list(percentile.loc["Days"]) == pytest.approx([days[24], days[974]])  # the 25th and the 975th
    assert list(basic.loc["Days"]) == pytest.approx([2 * m.params["Days"] - days[974], 2 * m.params["Days"] - days[24]])
    assert found.std_error["Days"] == pytest.approx(days.std(ddof=1))
    assert found.bias["Days"] == pytest.approx(days.mean() - m.params["Days"])
    assert found.std_error["Days"] == pytest.approx(m.bse["Days"], rel=0.1)
    assert found.n_singular == found.singular.sum() > 0
    assert found.conf_int(0.5)["lower"]["sigma"] > percentile["lower"]["sigma"]
    pd.testing.assert_frame_equal(m.conf_int(method="bootstrap", n=999, seed=1), percentile)
    assert "999 replicates of a parametric bootstrap" in repr(found)


def test_ratios_have_exponentiated_limits() -> None:
    m = MODELS["binomial"]()
    limits = m.conf_int(method="bootstrap", n=20, seed=1, exponentiate=True)
    plain = m.bootstrap(20, 1).conf_int()
    assert list(limits.index) == list(m.params.index)
    np.testing.assert_allclose(limits, np.exp(plain.loc[limits.index]))


def test_a_statistic_of_ones_own() -> None:
    m = MODELS["slopes"]()
    found = m.bootstrap(15, 4, statistic=lambda own: {"days": own.params["Days"], "aic": own.aic})
    np.testing.assert_allclose(found.replicates["days"], m.bootstrap(15, 4).replicates["Days"], rtol=SAME)
    assert found.estimate["aic"] == pytest.approx(m.aic)
    series = m.bootstrap(3, 4, "group", statistic=lambda own: own.params)
    np.testing.assert_allclose(
        series.replicates, m.bootstrap(3, 4, "group").replicates[["Intercept", "Days"]], rtol=SAME
    )
    assert m.bootstrap(2, 4, statistic=lambda own: own.sigma).replicates.columns.tolist() == ["statistic"]
    with pytest.raises(OptionError, match="must give a number"):
        m.bootstrap(2, 4, statistic=lambda own: own.formula)
    with pytest.raises(OptionError, match="must be a function"):
        m.bootstrap(2, 4, statistic="Days")  # type: ignore[arg-type]


def test_what_could_not_be_fitted_is_counted_and_left_out() -> None:
    draw = np.random.default_rng(1)
    g = np.repeat(np.arange(4), 5)
    data = pd.DataFrame({"g": [f"g{k}" for k in g], "treated": (g > 1) * 1.0})
    data["y"] = draw.normal(size=4)[g] + data["treated"] + draw.normal(size=len(g))
    m = fit("y ~ treated + (1 | g)", data)
    found = m.bootstrap(200, 1, "group")
    drawn = np.random.default_rng(1).integers(0, 4, (200, 4))
    one_arm = (drawn > 1).all(axis=1) | (drawn <= 1).all(axis=1)
    assert found.n_failed == one_arm.sum() > 10
    assert np.array_equal(~found.converged, one_arm)
    assert found.replicates[one_arm].isna().to_numpy().all()
    assert np.isfinite(found.std_error).all()
    assert "could not be fitted" in found.sentence


@pytest.mark.parametrize("name", ["slopes", "binomial"])
def test_it_can_be_stopped_and_what_is_done_is_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlm_widgets.fitter.batch.fit.MOST", 10)
    m, cancel, heard = MODELS[name](), Event(), list[int]()

    def progress(done: int, total: int) -> None:
        assert total == 40
        heard.append(done)
        if done >= 10:
            cancel.set()

    with pytest.raises(Cancelled, match="after 10 of 40") as caught:
        m.bootstrap(40, 1, progress=progress, cancel=cancel)
    assert heard[-1] == 10
    partial = caught.value.partial
    assert partial is not None
    pd.testing.assert_frame_equal(partial.replicates, m.bootstrap(10, 1).replicates)  # type: ignore[attr-defined]


def test_options_that_are_not_allowed() -> None:
    m = MODELS["slopes"]()
    with pytest.raises(OptionError, match=r"factors plate, sample are crossed|factors sample, plate are crossed"):
        MODELS["crossed"]().bootstrap(2, 1, "group")
    assert MODELS["crossed"]().bootstrap(2, 1, "group", group="plate").n_failed == 0
    with pytest.raises(OptionError, match="`group` must be a grouping factor"):
        m.bootstrap(2, 1, "group", group="subject")
    for options in ({"n": 0}, {"kind": "cases"}, {"random": "old"}, {"progress": 3}):
        with pytest.raises(OptionError):
            m.bootstrap(**options)
    for limits in ({"level": 95}, {"method": "bca"}):
        with pytest.raises(OptionError):
            m.bootstrap(2, 1).conf_int(**limits)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parametric", "group"])
def test_intervals_cover_a_known_truth(kind: str) -> None:
    """300 data sets of 40 groups by 6; the standard error of a coverage of 0.95 is 0.013, and percentiles of 40 groups
    are a little short."""
    draw = np.random.default_rng(11)
    g = np.repeat(np.arange(40), 6)
    x = draw.normal(size=len(g))
    data = pd.DataFrame({"g": g.astype(str), "x": x, "y": 0.0})
    truth = {"Intercept": 1.0, "x": 0.5, "sd__Intercept|g": 0.7, "sigma": 1.0}
    hits = dict.fromkeys(truth, 0)
    n = 300
    for k in range(n):
        data["y"] = 1.0 + 0.5 * x + 0.7 * draw.normal(size=40)[g] + draw.normal(size=len(g))
        limits = fit("y ~ x + (1 | g)", data).bootstrap(199, k, kind).conf_int()
        for name, value in truth.items():
            hits[name] += bool(limits["lower"][name] <= value <= limits["upper"][name])
    for name, count in hits.items():
        assert 0.89 <= count / n <= 0.985, (name, count / n)
