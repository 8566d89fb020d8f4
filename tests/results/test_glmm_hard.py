"""Hard data for generalized models: a finite answer that says what it is, or a clear error; never NaN, no warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlm_widgets import DataError, DesignError, MixedModel, MlmError, datasets, fit

EXACT = 1e-9  # relative: the same sums in another order
SAME = 1e-7  # relative: another path of the search to the same optimum
ERROR = 1e-4  # relative, of standard errors: the Hessian is taken a step of the search from the optimum


def frame(n: int = 200, n_groups: int = 20, seed: int = 0) -> pd.DataFrame:
    """Outcomes of each family from one linear predictor with slopes by g and intercepts by h."""
    rng = np.random.default_rng(seed)
    g, h = np.repeat(np.arange(n_groups), n // n_groups), rng.integers(0, 8, n)
    x, z = rng.normal(size=n), rng.normal(size=n)
    b, s, c = 0.6 * rng.normal(size=n_groups), 0.4 * rng.normal(size=n_groups), 0.5 * rng.normal(size=8)
    eta = 0.2 + 0.7 * x + b[g] + s[g] * x + c[h]
    share, size = 1 / (1 + np.exp(-eta)), rng.integers(1, 9, n)
    won = rng.binomial(size, share)
    return pd.DataFrame(
        {
            "x": x, "z": z, "g": [f"g{k:02d}" for k in g], "h": [f"h{k}" for k in h], "eta": eta,
            "y": (rng.random(n) < share).astype(int), "size": size, "won": won, "lost": size - won,
            "count": rng.poisson(np.exp(eta)), "time": rng.gamma(3, np.exp(eta) / 3),
            "share": np.clip(rng.beta(5 * share, 5 - 5 * share), 1e-6, 1 - 1e-6), "w": rng.integers(1, 4, n),
        }
    )  # fmt: skip


def checked(formula: str, data: Any, family: str, **options: Any) -> MixedModel:
    """The fit, all of whose numbers are finite; a search that failed says so."""
    m = fit(formula, data, family=family, **options)
    values = [m.llf, m.dispersion, *m.params, *m.bse, *m.theta, *m.fittedvalues, *m.ranef()["estimate"]]
    assert np.isfinite(np.asarray(values, dtype=float)).all()
    assert (np.asarray(m.bse) > 0).all()
    has_error = any(finding.severity == "error" and finding.component == "search" for finding in m.findings)
    assert has_error == (m.state == "failed")
    return m


def checked_or_refused(formula: str, data: Any, family: str, **options: Any) -> MixedModel | None:
    """The fit as `checked`, or None after an error of the package that says what to do."""
    try:
        return checked(formula, data, family, **options)
    except MlmError as error:
        if not error.hint:
            raise
        return None


def same(ours: MixedModel, other: MixedModel, tolerance: float = SAME) -> None:
    """The same model: criterion, estimates, standard errors, variances."""
    assert ours.criterion == pytest.approx(other.criterion, rel=tolerance, abs=tolerance)
    se = np.asarray(other.bse)
    np.testing.assert_allclose(ours.params / se, other.params / se, rtol=0, atol=100 * tolerance)
    np.testing.assert_allclose(ours.bse, se, rtol=max(ERROR, tolerance))
    np.testing.assert_allclose(ours.theta, other.theta, rtol=0, atol=1000 * tolerance * max(1, other.theta.max()))


# -- outcomes that say too little or too much -------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "cauchit"])
def test_complete_separation(link: str) -> None:
    data = frame()
    data["sep"] = (data["x"] > 0).astype(int)
    m = checked("sep ~ x + (1 | g)", data, "binomial", link=link)
    assert m.llf == pytest.approx(0, abs=1e-3)
    assert m.bse["x"] > abs(m.params["x"])  # nothing is known of the slope but its sign


def test_quasi_separation() -> None:
    data = frame()
    data["f"] = np.where(np.arange(200) % 10 < 2, "a", "b")
    data["q"] = np.where(data["f"] == "a", 1, data["y"])
    m = checked("q ~ f + x + (1 | g)", data, "binomial")
    kept = checked("y ~ x + (1 | g)", data[data["f"] == "b"], "binomial")
    assert m.bse["f[T.b]"] > 100
    assert m.llf == pytest.approx(kept.llf, abs=1e-4)
    assert m.params["x"] == pytest.approx(kept.params["x"], rel=1e-3)
    assert m.bse["x"] == pytest.approx(kept.bse["x"], rel=1e-3)


@pytest.mark.parametrize("n_agq", [1, 15])
def test_groups_that_tell_the_outcome_exactly(n_agq: int) -> None:
    data = frame()
    data["y"] = (data["g"] > "g09").astype(int)
    m = checked("y ~ x + (1 | g)", data, "binomial", n_agq=n_agq)
    assert m.theta[0] > 5


@pytest.mark.parametrize(("value", "family"), [(0, "binomial"), (1, "binomial"), (0, "poisson"), (3, "gamma")])
def test_outcomes_that_do_not_vary_are_refused(value: int, family: str) -> None:
    with pytest.raises(DataError) as caught:
        fit("y ~ x + (1 | g)", frame().assign(y=value), family=family)
    assert caught.value.hint


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ x + (1 | g)"])
@pytest.mark.parametrize("family", ["binomial", "poisson", "negative_binomial"])
def test_one_success(formula: str, family: str) -> None:
    checked(formula, frame().assign(y=(np.arange(200) == 7).astype(int)), family)


@pytest.mark.parametrize(("outcome", "family"), [("y", "binomial"), ("count", "poisson")])
def test_groups_without_variation(outcome: str, family: str) -> None:
    data = frame()
    data.loc[data["g"] == "g03", outcome] = 0
    data.loc[data["g"] == "g05", outcome] = 1
    assert checked(f"{outcome} ~ x + (x | g)", data, family).converged


def test_probabilities_at_zero_and_one() -> None:
    data = frame()
    data["far"] = 25 * data["x"]
    odds = np.exp(-np.clip(data["far"] + 3 * np.random.default_rng(4).normal(size=200), -700, 700))
    data["y"] = (np.random.default_rng(5).random(200) < 1 / (1 + odds)).astype(int)
    for random in ("(1 | g)", "(far | g)"):
        m = checked(f"y ~ far + {random}", data, "binomial")
        assert m.fittedvalues.between(0, 1).all()
        assert m.fittedvalues.min() < 1e-6


@pytest.mark.parametrize(
    ("outcome", "family", "words"),
    [
        ("minus", "poisson", "whole numbers"), ("minus", "negative_binomial", "whole numbers"),
        ("half", "poisson", "whole numbers"), ("half", "negative_binomial", "whole numbers"),
        ("count", "gamma", "above 0"), ("minus", "inverse_gaussian", "above 0"), ("y", "beta", "between 0 and 1"),
        ("half", "binomial", "two values"), ("cbind(won, short)", "binomial", "more successes than trials"),
        ("cbind(minus, won)", "binomial", "negative"), ("cbind(half, won)", "binomial", "whole numbers"),
    ],
)  # fmt: skip
def test_outcomes_that_the_family_cannot_have(outcome: str, family: str, words: str) -> None:
    data = frame()
    data["minus"], data["half"], data["short"] = data["count"] - 3, data["count"] + 0.5, data["lost"] - 3
    with pytest.raises(DataError, match=words) as caught:
        fit(f"{outcome} ~ x + (1 | g)", data, family=family)
    assert caught.value.hint


def test_rows_without_trials_say_nothing() -> None:
    data = frame()
    data.loc[[1, 2, 3], ["won", "lost"]] = 0
    m = checked("cbind(won, lost) ~ x + (1 | g)", data, "binomial")
    same(m, checked("cbind(won, lost) ~ x + (1 | g)", data.drop([1, 2, 3]), "binomial"), EXACT)
    assert any("3 of 200 rows" in finding.message for finding in m.findings)


# -- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [1e3, 1e6, 1e8])
@pytest.mark.parametrize("random", ["(1 | g)", "(x | g) + (1 | h)"])
def test_counts_with_huge_means(mean: float, random: str) -> None:
    """The random effects are all but seen: their sampling variance is what is left of the slope's standard error."""
    data = frame()
    data["big"] = np.random.default_rng(3).poisson(mean * np.exp(data["eta"]))
    m = checked(f"big ~ x + {random}", data, "poisson")
    assert m.state == "converged"
    if "h" not in random:
        return
    logs = fit(f"log(big) ~ x + {random}", data, reml=False)  # the logarithm's error, 1 / big, is nothing beside them
    np.testing.assert_allclose(m.params, logs.params, rtol=0.01)
    np.testing.assert_allclose(m.bse, logs.bse, rtol=0.03)


@pytest.mark.parametrize("mean", [1e6, 1e8])
def test_huge_means_of_the_negative_binomial(mean: float) -> None:
    data = frame()
    data["big"] = np.random.default_rng(3).poisson(mean * data["time"])
    m = checked("big ~ x + (1 | g)", data, "negative_binomial")
    other = checked("time ~ x + (1 | g)", data, "gamma", link="log")  # its limit
    np.testing.assert_allclose(m.params - [np.log(mean), 0], other.params, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(m.bse, other.bse, rtol=1e-3)
    assert m.dispersion == pytest.approx(other.dispersion, rel=1e-3)


def test_one_count_of_a_billion() -> None:
    data = frame()
    data.loc[3, "count"] = 10**9
    checked("count ~ x + (1 | g)", data, "poisson")
    checked("count ~ x + (1 | g)", data, "negative_binomial")


@pytest.mark.parametrize("family", ["gamma", "inverse_gaussian", "gaussian"])
@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1e9])
def test_units_of_a_positive_outcome(family: str, scale: float) -> None:
    """With the log link they move the intercept, and of the dispersion what has the outcome's units."""
    data = frame()
    ours = checked("t ~ x + (1 | g)", data.assign(t=scale * data["time"]), family, link="log")
    other = checked("time ~ x + (1 | g)", data, family, link="log")
    assert ours.state == other.state == "converged"
    np.testing.assert_allclose(ours.params - [np.log(scale), 0], other.params, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.bse, other.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.theta, other.theta, rtol=1e-5)
    power = {"gamma": 0, "inverse_gaussian": -1, "gaussian": 2}[family]
    assert ours.dispersion == pytest.approx(other.dispersion * scale**power, rel=1e-5)
    assert ours.llf == pytest.approx(other.llf - 200 * np.log(scale), rel=1e-9)


@pytest.mark.parametrize(("link", "power"), [("inverse", -1), ("identity", 1)])
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_where_the_linear_predictor_has_them(link: str, power: int, scale: float) -> None:
    data = frame()
    ours = checked("t ~ z + (1 | g)", data.assign(t=scale * data["time"]), "gamma", link=link)
    other = checked("time ~ z + (1 | g)", data, "gamma", link=link)
    assert ours.state == other.state == "converged"
    np.testing.assert_allclose(ours.params / scale**power, other.params, rtol=1e-5)
    np.testing.assert_allclose(ours.bse / scale**power, other.bse, rtol=ERROR)
    np.testing.assert_allclose(ours.theta / scale**power, other.theta, rtol=1e-5)
    assert ours.llf == pytest.approx(other.llf - 200 * np.log(scale), rel=1e-9)


FAMILIES = [
    ("y", "binomial"), ("cbind(won, lost)", "binomial"), ("count", "poisson"), ("count", "negative_binomial"),
    ("time", "gamma"), ("time", "inverse_gaussian"), ("share", "beta"),
]  # fmt: skip
families = pytest.mark.parametrize(("outcome", "family"), FAMILIES)


@families
@pytest.mark.parametrize(("scale", "shift"), [(1, 1e6), (1e-6, 0), (1e6, -3e7)])
def test_units_and_origin_of_a_predictor(outcome: str, family: str, scale: float, shift: float) -> None:
    data = frame()
    data["v"] = scale * data["x"] + shift
    ours = checked(f"{outcome} ~ v + (v | g)", data, family)
    other = checked(f"{outcome} ~ x + (x | g)", data, family)
    assert ours.criterion == pytest.approx(other.criterion, rel=SAME)
    assert ours.params["v"] * scale == pytest.approx(other.params["x"], rel=1e-5)
    assert ours.bse["v"] * scale == pytest.approx(other.bse["x"], rel=1e-3)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=1e-4)
    assert ours.state == other.state


# -- variances --------------------------------------------------------------------------------------------------------


def test_counts_without_overdispersion() -> None:
    """The negative binomial becomes the Poisson."""
    data = frame()
    data["even"] = np.round(np.exp(1 + 0.3 * data["x"]))
    m, other = (checked("even ~ x + (1 | g)", data, family) for family in ("negative_binomial", "poisson"))
    assert m.converged
    assert m.dispersion < 1e-5
    assert m.llf == pytest.approx(other.llf, abs=1e-5)
    np.testing.assert_allclose(m.params, other.params, rtol=1e-5)
    np.testing.assert_allclose(m.bse, other.bse, rtol=1e-4)


@pytest.mark.parametrize("random", ["(1 | g)", "(x | g)", "(x | g) + (1 | h)"])
def test_random_effects_without_variance(random: str) -> None:
    data = frame()
    data["even"] = np.round(np.exp(1 + 0.3 * data["x"]))
    m = checked(f"even ~ x + {random}", data, "poisson")
    assert m.state == "boundary"
    np.testing.assert_allclose(m.theta, 0, atol=1e-4)


def test_random_effects_with_a_huge_variance() -> None:
    data, rng = frame(), np.random.default_rng(8)
    b = np.repeat(8 * rng.normal(size=20), 10)
    data["count"] = rng.poisson(np.exp(np.clip(b, -40, 20)))
    data["y"] = (rng.random(200) < 1 / (1 + np.exp(-3 * b))).astype(int)
    m = checked("count ~ x + (1 | g)", data, "poisson")
    assert m.converged
    assert m.theta[0] > 4
    checked("count ~ x + (1 | g)", data, "negative_binomial")
    for random, n_agq in (("(1 | g)", 1), ("(1 | g)", 25), ("(x | g)", 1)):
        assert checked(f"y ~ x + {random}", data, "binomial", n_agq=n_agq).theta[0] > 4


def test_an_effect_for_every_row() -> None:
    """Overdispersion of counts as a random effect of rows; a normal outcome has its residuals for that."""
    m = checked("TICKS ~ YEAR + cHEIGHT + (1 | INDEX)", datasets.load("grouseticks"), "poisson")
    assert m.n_groups == {"INDEX": 403}
    assert m.theta[0] > 1
    data = frame().assign(row=np.arange(200))
    agq = checked("count ~ x + (1 | row)", data, "poisson", n_agq=25)
    assert agq.llf == pytest.approx(checked("count ~ x + (1 | row)", data, "poisson", n_agq=50).llf, abs=1e-6)


# -- links whose means leave the range --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("random", ["(1 | g)", "(x | g)", "(1 | g) + (1 | h)", "(x | g) + (x | h)"])
def test_identity_link_of_counts_near_zero(family: str, random: str) -> None:
    """Random effects push means below zero: a clear error, or a search that says that it failed."""
    m = checked_or_refused(f"count ~ x + {random}", frame(), family, link="identity")
    assert m is None or m.state == "failed"


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("random", ["(1 | g)", "(1 | g) + (1 | h)"])
@pytest.mark.parametrize("mean", [50, 5e5])
def test_identity_link_of_counts_far_from_zero(family: str, random: str, mean: float) -> None:
    data = frame()
    data["far"] = np.random.default_rng(6).poisson(mean * (1 + 0.1 * data["eta"]))
    m = checked(f"far ~ x + {random}", data, family, link="identity")
    assert m.converged
    assert m.params["x"] == pytest.approx(0.07 * mean, rel=0.3)


@pytest.mark.parametrize("link", ["inverse", "identity"])
@pytest.mark.parametrize("random", ["(x | g)", "(1 | g) + (1 | h)", "(x | g) + (x | h)"])
@pytest.mark.parametrize("family", ["gamma", "inverse_gaussian"])
def test_links_that_do_not_keep_means_positive(family: str, link: str, random: str) -> None:
    checked_or_refused(f"time ~ x + {random}", frame(), family, link=link)


@pytest.mark.parametrize("seed", range(6))
@families
def test_tables_too_small_for_their_model(outcome: str, family: str, seed: int) -> None:
    checked_or_refused(f"{outcome} ~ x + (x | g) + (1 | h)", frame(40, 8, seed), family)


# -- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["count", "x", "g", "h", "w", "z"])
def test_missing_values_of_each_column(name: str) -> None:
    data = frame()
    data[name] = data[name].astype(object).where(np.arange(200) % 9 > 0, None)
    data[name] = data[name].astype(float) if name not in "gh" else data[name]
    formula = "count ~ x + offset(z) + (x | g) + (1 | h)"
    ours, other = (
        checked(formula, data, "poisson", weights="w"),
        checked(formula, data.dropna(), "poisson", weights="w"),
    )
    assert ours.nobs == other.nobs == 177
    assert any("23 of 200 rows" in finding.message for finding in ours.findings)
    same(ours, other, EXACT)


def test_levels_that_no_row_has() -> None:
    data = frame()
    data["f"] = pd.Categorical(np.where(data["z"] > 0, "b", "c"), categories=["a", "b", "c", "d"])
    data["k"] = pd.Categorical(data["g"], categories=[*sorted(set(data["g"])), "none"])
    m = checked("y ~ f + (1 | k)", data, "binomial")
    assert m.n_groups == {"k": 20}
    assert list(m.params.index) == ["Intercept", "f[T.c]"]


def test_groups_of_one_row() -> None:
    data = frame()
    data.loc[::3, "g"] = [f"single {k}" for k in range(67)]
    checked("y ~ x + (1 | g)", data, "binomial")
    checked("count ~ x + (x | g)", data, "poisson")


def test_one_group_is_refused() -> None:
    with pytest.raises(DesignError, match="one level only"):
        fit("y ~ x + (1 | g)", frame().assign(g="a"), family="binomial")


def test_columns_that_repeat_others() -> None:
    data = frame()
    data["twice"] = 2 * data["x"] - 1
    m = checked("y ~ x + twice + z + (1 | g)", data, "binomial")
    assert list(m.params.index) == ["Intercept", "x", "z"]
    assert any(finding.component == "twice" for finding in m.findings)
    same(m, checked("y ~ x + z + (1 | g)", data, "binomial"), EXACT)


@families
def test_models_without_an_intercept(outcome: str, family: str) -> None:
    data = frame()
    checked(f"{outcome} ~ 0 + x + (0 + x | g)", data, family)
    checked(f"{outcome} ~ 0 + x + (1 | g)", data, family)
    cells, treated = (checked(f"{outcome} ~ {fixed} + (1 | g)", data, family) for fixed in ("0 + h", "h"))
    assert cells.criterion == pytest.approx(treated.criterion, rel=SAME)
    assert cells.params.iloc[0] == pytest.approx(treated.params.iloc[0], abs=1e-4)


def test_no_fixed_effects_at_all() -> None:
    m = checked("count ~ 0 + (1 | g)", frame(), "poisson")
    assert m.params.empty
    assert m.converged


# -- what must not matter ---------------------------------------------------------------------------------------------


@families
@pytest.mark.parametrize("random", ["(x | g)", "(x | g) + (1 | h)"])
def test_whole_weights_are_repeated_rows(outcome: str, family: str, random: str) -> None:
    data = frame()
    repeated = data.loc[np.repeat(data.index, data["w"])]
    formula = f"{outcome} ~ x + {random}"
    ours, other = checked(formula, data, family, weights="w"), checked(formula, repeated, family)
    if "cbind" not in outcome:  # elsewhere the constants of the likelihood are the same too
        assert ours.criterion == pytest.approx(other.criterion, rel=SAME, abs=SAME)
    same(ours, other)


@families
@pytest.mark.parametrize("random", ["(x | g)", "(x || g) + (1 | h)"])
def test_order_of_rows_and_levels(outcome: str, family: str, random: str) -> None:
    data = frame()
    other = checked(f"{outcome} ~ x + {random}", data, family)
    shuffled = data.sample(frac=1, random_state=3)
    turned = data.assign(g=data["g"].map(lambda text: f"q{99 - int(text[1:])}"), h=data["h"].str.replace("h", "z"))
    for table in (shuffled, turned, pl.from_pandas(data)):
        same(checked(f"{outcome} ~ x + {random}", table, family), other)


def test_ways_to_write_a_binary_outcome() -> None:
    data = frame()
    other = checked("y ~ x + (x | g)", data, "binomial")
    data["truth"], data["text"] = data["y"] == 1, np.where(data["y"] == 1, "won", "lost")
    data["failed"] = 1 - data["y"]
    for outcome in ("truth", "text", "cbind(y, failed)"):
        same(checked(f"{outcome} ~ x + (x | g)", data, "binomial"), other, EXACT)
    mirrored = checked("text ~ x + (x | g)", data, "binomial", success="lost")
    assert mirrored.criterion == pytest.approx(other.criterion, rel=SAME)
    np.testing.assert_allclose(mirrored.params, -other.params, rtol=1e-5)
    np.testing.assert_allclose(mirrored.bse, other.bse, rtol=ERROR)
    np.testing.assert_allclose(mirrored.ranef()["estimate"], -other.ranef()["estimate"], atol=1e-5)


def test_trials_as_weights_are_trials() -> None:
    data = frame()
    data["rate"] = data["won"] / data["size"]
    ours = checked("rate ~ x + (1 | g)", data, "binomial", weights="size")
    same(ours, checked("cbind(won, lost) ~ x + (1 | g)", data, "binomial"), EXACT)


def test_an_offset_is_a_known_part() -> None:
    """A constant moves the intercept, and nothing else, however large."""
    data = frame()
    for outcome, family in (("y", "binomial"), ("count", "poisson")):
        other = checked(f"{outcome} ~ x + (1 | g)", data, family)
        for shift in (-1000.0, 3.0):
            m = checked(f"{outcome} ~ x + (1 | g)", data, family, offset=np.full(200, shift))
            assert m.criterion == pytest.approx(other.criterion, rel=SAME)
            np.testing.assert_allclose(m.params + np.array([shift, 0]), other.params, rtol=1e-5)
            np.testing.assert_allclose(m.bse, other.bse, rtol=ERROR)


def test_every_refusal_is_an_error_of_the_package() -> None:
    for family, link in (("negative_binomial", "identity"), ("beta", "cloglog"), ("gaussian", "log")):
        data = frame().assign(odd=np.where(np.arange(200) % 2, 1e-300, 1 - 1e-16))
        checked_or_refused("odd ~ x + (1 | g)", data, family, link=link)
