"""Outcomes of every family: how they are read, what is left out, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlm_widgets import DataError, DesignError, OptionError
from mlm_widgets.design import Design, Rows, build_design, used_columns
from mlm_widgets.formula import ModelSpec, RandomTerm, parse_formula
from mlm_widgets.frames import read_frame

N = 12
DATA = pd.DataFrame(
    {
        "x": np.linspace(-1, 1, N),
        "g": ["a", "b", "c"] * 4,
        "row": range(N),
        "use": ["N", "Y", "Y"] * 4,
        "back": pd.Categorical(["N", "Y", "Y"] * 4, categories=["Y", "N"]),
        "truth": [False, True, True] * 4,
        "y": [0, 1, 1] * 4,
        "half": [1, 2, 2] * 4,
        "three": ["low", "middle", "high"] * 4,
        "size": [10, 5, 8] * 4,
        "won": [0, 5, 3] * 4,
        "share": [0.0, 1.0, 0.375] * 4,
        "count": [0, 4, 2] * 4,
        "positive": [0.5, 1.5, 2.5] * 4,
        "fraction": [0.25, 0.5, 0.75] * 4,
        "zero": [0] * N,
        "one": [1] * N,
        "fifty": [0.5] * N,
        "minus": [-1, 0, 2] * 4,
        "same": ["N"] * N,
        "many": [f"level {k}" for k in range(N)],
        "when": pd.date_range("2020-01-01", periods=N),
    }
)


def design(
    outcome: str,
    family: str = "binomial",
    data: Any = DATA,
    bars: str = "(1 | g)",
    weights: Any = None,
    **fields: Any,
) -> Design:
    spec = parse_formula(f"{outcome} ~ x + {bars}").spec.with_(family=family).with_(**fields)
    if isinstance(weights, str):
        return build_design(spec.with_(weights=weights), read_frame(data))
    return build_design(spec, read_frame(data), weights=None if weights is None else np.asarray(weights, dtype=float))


YES = [0.0, 1.0, 1.0]

# outcome, success -> (successes of the first three rows, trials, (failure, success))
BINOMIAL: dict[tuple[str, str | None], tuple[list[float], list[float] | None, tuple[str, ...]]] = {
    ("y", None): (YES, None, ()),
    ("y", "1"): (YES, None, ("0", "1")),
    ("y", "0"): ([1, 0, 0], None, ("1", "0")),
    ("truth", None): (YES, None, ("False", "True")),
    ("truth", "True"): (YES, None, ("False", "True")),
    ("truth", "False"): ([1, 0, 0], None, ("True", "False")),
    ("use", None): (YES, None, ("N", "Y")),
    ("use", "Y"): (YES, None, ("N", "Y")),
    ("use", "N"): ([1, 0, 0], None, ("Y", "N")),
    ("back", None): ([1, 0, 0], None, ("Y", "N")),
    ("back", "Y"): (YES, None, ("N", "Y")),
    ("half", "2"): (YES, None, ("1", "2")),
    ("half", "1"): ([1, 0, 0], None, ("2", "1")),
    ("I(half - 1)", None): (YES, None, ()),
    ("cbind(won, size - won)", None): ([0, 5, 3], [10, 5, 8], ()),
    ("cbind(size - won, won)", None): ([10, 0, 5], [10, 5, 8], ()),
    ("cbind(truth, 1 - truth)", None): (YES, [1, 1, 1], ()),
    ("cbind(won, 7)", None): ([0, 5, 3], [7, 12, 10], ()),
    ("cbind(y, one)", None): (YES, [1, 2, 2], ()),
}


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(("outcome", "success"), BINOMIAL)
def test_outcomes_of_two_values_and_of_trials(outcome: str, success: str | None, library: str) -> None:
    y, trials, levels = BINOMIAL[outcome, success]
    data = DATA if library == "pandas" else pl.DataFrame(
        {name: pl.Series(DATA[name].astype(str), dtype=pl.Enum(["Y", "N"])) if name == "back" else DATA[name].to_list()
         for name in DATA.columns}
    )  # fmt: skip
    made = design(outcome, data=data, success=success)
    assert made.y[:3].tolist() == y
    assert made.y.dtype == np.float64
    assert (None if made.trials is None else made.trials[:3].tolist()) == trials
    assert made.spec.outcome_levels == levels
    assert made.weights is None
    assert made.dropped == {}
    again = made.spec.outcome_values(Rows(read_frame(data), np.arange(3)))
    np.testing.assert_allclose(again, np.array(y) / (1 if trials is None else trials))


def test_shares_with_trials_as_weights_are_successes() -> None:
    made, other = design("share", weights="size"), design("cbind(won, size - won)")
    assert made.y.tolist() == other.y.tolist()
    assert made.trials is not None
    assert other.trials is not None
    assert made.trials.tolist() == other.trials.tolist()
    assert made.weights is None
    assert design("share", weights=DATA["size"]).y.tolist() == other.y.tolist()
    np.testing.assert_allclose(made.spec.outcome_values(Rows(read_frame(DATA))), DATA["share"])


def test_shares_of_seven_digits_are_shares() -> None:
    data = DATA.assign(share=(DATA["won"] / 7).round(7), size=7)
    made = design("share", data=data, weights="size")
    assert made.y[:3].tolist() == [0, 5, 3]


def test_weights_of_zeros_and_ones_stay_weights() -> None:
    made = design("y", weights="size")
    assert made.trials is None
    assert made.weights is not None
    assert made.weights[:3].tolist() == [10, 5, 8]
    counted = design("cbind(won, size - won)", weights="positive")
    assert counted.weights is not None
    assert counted.weights[:3].tolist() == [0.5, 1.5, 2.5]


def test_rows_without_trials_are_left_out_and_counted() -> None:
    data = DATA.assign(size=[0, 5, 8, 8] * 3, won=[0, 4, np.nan, 2] * 3)
    made = design("cbind(won, size - won)", data=data)
    assert made.rows.tolist() == [1, 3, 5, 7, 9, 11]
    assert made.dropped == {"won": 3, "cbind(won, size - won)": 3}


def test_rows_without_trials_among_shares_have_weight_zero() -> None:
    made = design("share", data=DATA.assign(size=[0, 5, 8] * 4), weights="size")
    assert (made.n_obs, made.n_weightless) == (8, 4)
    assert made.y[:2].tolist() == [5, 3]


@pytest.mark.parametrize("missing", ["use", "truth", "y", "won"])
def test_rows_that_miss_the_outcome_are_left_out(missing: str) -> None:
    data = DATA.assign(**{missing: DATA[missing].astype(object).where(DATA["row"] != 4)})
    outcome = "cbind(won, size - won)" if missing == "won" else missing
    made = design(outcome, data=data)
    assert made.n_obs == N - 1
    assert made.dropped == {missing: 1}
    assert np.isfinite(made.y).all()


# family, outcome -> the first values
OTHERS = {
    ("poisson", "count"): [0, 4, 2],
    ("negative_binomial", "count"): [0, 4, 2],
    ("gamma", "positive"): [0.5, 1.5, 2.5],
    ("inverse_gaussian", "positive"): [0.5, 1.5, 2.5],
    ("beta", "fraction"): [0.25, 0.5, 0.75],
    ("gaussian", "minus"): [-1, 0, 2],
    ("gaussian", "truth"): [0, 1, 1],
    ("poisson", "one"): [1, 1, 1],
    ("negative_binomial", "one"): [1, 1, 1],
    ("poisson", "truth"): [0, 1, 1],
    ("poisson", "I(count * 2)"): [0, 8, 4],
}


@pytest.mark.parametrize(("family", "outcome"), OTHERS)
def test_outcomes_of_other_families(family: str, outcome: str) -> None:
    made = design(outcome, family, weights="size")
    assert made.y[:3].tolist() == OTHERS[family, outcome]
    assert made.trials is None
    assert made.weights is not None
    assert made.spec.outcome_values(Rows(read_frame(DATA)))[:3].tolist() == OTHERS[family, outcome]


# family, outcome, settings -> words of the message, of the hint
REFUSED: list[tuple[str, str, dict[str, Any], list[str], str]] = [
    ("binomial", "three", {}, ["“three” has 3 levels in 12 rows", "“high” (4), “low” (4), “middle” (4)"],
     "(ordinal, multinomial) are not available"),
    ("binomial", "many", {}, ["12 levels", "“level 0” (1)"], "Leave rows out"),
    ("binomial", "three", {"success": "low"}, ["“three” has 3 levels"], "not available"),
    ("binomial", "count", {"success": "4"}, ["“count” has 3 levels"], "not available"),
    ("binomial", "half", {}, ["holds 1 and 2 (8 rows neither 0 nor 1)", "which of them is a success"], "success='2'"),
    ("binomial", "I(half + 1)", {}, ["“I(half + 1)” holds 2 (12 rows", "needs two values"], "cbind(successes"),
    ("binomial", "count", {}, ["“count” holds 4 (8 rows neither 0 nor 1)"], "cbind(successes, failures)"),
    ("binomial", "minus", {}, ["“minus” holds -1 (8 rows"], "another family"),
    ("binomial", "fraction", {}, ["“fraction” holds 0.25 (12 rows"], "number of trials as weights"),
    ("binomial", "fraction", {"weights": "size"}, ["in row 0 0.25 of 10 trials is not a whole number", "8 rows"],
     "with all their digits"),
    ("binomial", "fifty", {"weights": "positive"}, ["in row 0 0.5 of 0.5 trials"], "Give the counts"),
    ("binomial", "count", {"weights": "size"}, ["“count” holds 4"], "cbind"),
    ("binomial", "same", {}, ["“same” is constant", "the value “N”"], "varies"),
    ("binomial", "use", {"success": "yes"}, ["`success` is “yes”", "the levels “N”, “Y”"], "success='Y'"),
    ("binomial", "use", {"success": "y"}, ["`success` is “y”"], "Did you mean 'Y'?"),
    ("binomial", "cbind(won, size)", {"success": "Y"}, ["`success` is “Y”", "says itself"], "Leave `success` out"),
    ("binomial", "I(half - 1)", {"success": "1"}, ["`success` is “1”", "computed"], "Leave `success` out"),
    ("poisson", "count", {"success": "1"}, ["'poisson' has no successes"], "Leave `success` out"),
    ("binomial", "cbind(size, won - size)", {}, ["more successes than trials in 8 rows",
     "in row 0 there are 10 successes of 0 trials, so -10 failures"], "the second part of cbind() is the failures"),
    ("binomial", "cbind(minus, size)", {}, ["negative in 4 rows: -1 in row 0"], "counts from 0"),
    ("binomial", "cbind(minus, minus)", {}, ["successes of cbind(minus, minus) are negative"], "counts from 0"),
    ("binomial", "cbind(share, size)", {}, ["successes of cbind(share, size) must be whole numbers",
     "in row 2 they are 0.375 (4 rows)"], "trials as weights"),
    ("binomial", "cbind(won, share)", {}, ["The failures of cbind(won, share) must be whole"], "counts"),
    ("binomial", "zero", {}, ["“zero” has no success", "all failure", "no finite maximum"], "varies"),
    ("binomial", "one", {}, ["“one” has no failure", "all success", "no finite maximum"], "varies"),
    ("binomial", "cbind(size, zero)", {}, ["has no failure", "no finite maximum"], "varies"),
    ("binomial", "cbind(zero, zero)", {}, ["No complete rows"], "cbind(zero, zero) (12)"),
    ("binomial", "cbind(use, y)", {}, ["“use” must be a column of numbers"], ""),
    ("binomial", "when", {}, ["“when” must be a column of numbers, but it holds dates"], ""),
    ("binomial", "log(use)", {}, ["“use” must be a column of numbers"], ""),
    ("gaussian", "use", {}, ["“use” must be a column of numbers"], "family='binomial'"),
    ("gaussian", "three", {}, ["“three” must be a column of numbers"], "convert it to numbers"),
    ("poisson", "use", {}, ["“use” must be a column of numbers"], "family='binomial'"),
    ("gaussian", "cbind(won, size)", {}, ["successes and failures", "'gaussian'"], "family='binomial'"),
    ("poisson", "cbind(won, size)", {}, ["successes and failures", "'poisson'"], "family='binomial'"),
    ("gaussian", "one", {}, ["“one” is constant"], "varies"),
    ("gamma", "one", {}, ["“one” is constant"], "varies"),
    ("beta", "fifty", {}, ["“fifty” is constant"], "varies"),
    ("poisson", "zero", {}, ["it is 0 in every one of 12 rows", "no finite maximum"], "varies"),
    ("negative_binomial", "zero", {}, ["it is 0 in every one of 12 rows"], "varies"),
    ("poisson", "positive", {}, ["“positive” holds 0.5", "whole numbers from 0"], "another family"),
    ("negative_binomial", "minus", {}, ["“minus” holds -1"], "another family"),
    ("gamma", "count", {}, ["“count” holds 0 (4 such values)", "above 0"], "Zeros need"),
    ("inverse_gaussian", "minus", {}, ["“minus” holds -1 (8 such values)"], "another family"),
    ("beta", "share", {}, ["“share” holds 0 (8 such values)"], "cbind(successes, failures)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "outcome", "settings", "words", "hint"), REFUSED, ids=[f"{f} {o} {s}" for f, o, s, _, _ in REFUSED]
)
def test_outcomes_that_are_refused(
    family: str, outcome: str, settings: dict[str, Any], words: list[str], hint: str
) -> None:
    with pytest.raises(DataError) as caught:
        design(outcome, family, **settings)
    for word in words:
        assert word in caught.value.message
    assert hint in (caught.value.hint or "")
    about = {"`success` is": "success", "No complete rows": "data"}
    argument = next((name for start, name in about.items() if caught.value.message.startswith(start)), "outcome")
    assert caught.value.argument == argument


def test_constant_shares_of_trials_are_an_outcome() -> None:
    made = design("cbind(one, one)")
    assert made.trials is not None
    assert set(made.trials.tolist()) == {2.0}


def test_levels_are_those_of_the_rows_used() -> None:
    """A third level that has no complete row is none."""
    data = DATA.assign(x=DATA["x"].where(DATA["three"] != "low"))
    assert design("three", data=data).spec.outcome_levels == ("high", "middle")
    with pytest.raises(DataError, match="has the levels “high”, “middle”"):
        design("three", data=data, success="low")


def test_new_rows_of_an_unknown_level() -> None:
    made = design("use")
    with pytest.raises(DesignError, match="level “no”, which the model has not seen"):
        made.spec.outcome_values(Rows(read_frame(DATA.assign(use="no"))))
    one = made.spec.outcome_values(Rows(read_frame(DATA.assign(use="Y"))))
    assert set(one.tolist()) == {1.0}
    missing = made.spec.outcome_values(Rows(read_frame(DATA.assign(use=pd.Series(["Y", None] * 6, dtype=object)))))
    assert np.isnan(missing).tolist() == [False, True] * 6


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_a_group_a_row_is_allowed_where_there_are_no_residuals(family: str) -> None:
    made = design("y", family, bars="(1 | g) + (1 | row)")
    assert len(made.spec.groupings[1].levels) == N
    with pytest.raises(DesignError, match="as many levels as there are rows"):
        design("y", "gaussian", bars="(1 | g) + (1 | row)")
    with pytest.raises(DesignError, match="one level only"):
        design("y", family, bars="(1 | one)")


def test_families_and_links_are_checked() -> None:
    spec = ModelSpec("y", random=(RandomTerm(("g",)),), family="nothing")
    with pytest.raises(OptionError, match="`family` must be one of"):
        build_design(spec, read_frame(DATA))
    with pytest.raises(OptionError, match="must be one of 'logit'"):
        design("y", "binomial", link="sqrt")


def test_the_columns_of_a_model_are_those_of_its_outcome_and_offset() -> None:
    spec = parse_formula("cbind(won, size - won) ~ x + offset(log(positive) - count) + (1 | g)").spec.with_(
        weights="one"
    )
    assert used_columns(spec) == ["won", "size", "x", "g", "one", "positive", "count"]
    assert used_columns(spec, outcome=False) == ["x", "g", "positive", "count"]
