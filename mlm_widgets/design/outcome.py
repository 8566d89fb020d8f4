"""The outcome of a model: its values on the rows used, as its family reads them.

A binomial outcome is a number of successes. It is written as numbers 0 and 1, as true and false, as a column of two
levels of which `success` names one, as ``cbind(successes, failures)``, or as shares with the number of trials as
weights. A share of n trials is the same as n y successes, so that only successes and trials leave this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.design.variables import Rows, evaluate
from mlm_widgets.errors import DataError, DesignError, closest
from mlm_widgets.families import Family
from mlm_widgets.formula import Call, Expression, ModelSpec, Name, columns_of, parse_factor, quote_name
from mlm_widgets.frames import Frame

__all__ = ["Outcome", "check_outcome_columns", "has_no_trials", "new_outcome", "read_outcome"]

Floats = npt.NDArray[np.float64]
Numbers = Callable[[Expression], Floats]
"""An expression -> its values on the rows used, shape (n,), all finite."""

WHOLE = 1e-6  # relative: shares are often printed with seven digits or more
SHOWN = 12  # levels named in a message
ONLY_TWO = "Models for more than two categories (ordinal, multinomial) are not available"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome as its family reads it.

    Attributes
    ----------
    y : ndarray (n,)
        The values; for the binomial family the number of successes.
    trials : ndarray (n,) or None
        How many trials the successes are out of; None for one each.
    weights : ndarray (n,) or None
        The weights that are left: None where they were the trials.
    levels : tuple of str
        Failure and success, where the outcome was read as two levels; else empty.
    """

    y: Floats
    trials: Floats | None
    weights: Floats | None
    levels: tuple[str, ...] = ()


def check_outcome_columns(spec: ModelSpec, frame: Frame) -> None:
    """Raise DataError where a column is of a kind that the family cannot have as an outcome."""
    outcome = parse_factor(spec.outcome)
    for name in columns_of(outcome):
        kind = frame.column(name).kind
        if kind in ("number", "boolean") or (kind == "factor" and spec.family == "binomial" and outcome == Name(name)):
            continue
        holds = "text or categories" if kind == "factor" else "dates or mixed values"
        hint = "Choose another column, or convert it to numbers."
        if kind == "factor" and len(frame.column(name).levels) == 2:
            hint = "It has two levels: use it with family='binomial', or choose another column."
        raise DataError(
            f"The outcome “{name}” must be a column of numbers, but it holds {holds}.", hint=hint, argument="outcome"
        )


def has_no_trials(spec: ModelSpec, frame: Frame) -> npt.NDArray[np.bool_] | None:
    """Rows of ``cbind(0, 0)``, shape (n_rows,): they say nothing. None where the outcome is no cbind."""
    outcome = parse_factor(spec.outcome)
    if not _is_pair(outcome):
        return None
    values = {quote_name(name): frame.column(name).numbers for name in columns_of(outcome)}
    successes, failures = _both(outcome, lambda part: evaluate(part, values))
    return (successes == 0) & (failures == 0)


def read_outcome(spec: ModelSpec, family: Family, rows: Rows, numbers: Numbers, weights: Floats | None) -> Outcome:
    """The outcome of `spec` on `rows`, which are complete; `weights` (n,) are those of these rows.

    Raises
    ------
    DataError
        If it holds values that the family cannot have, or if no finite estimate fits it.
    """
    outcome = parse_factor(spec.outcome)
    if family.name == "binomial":
        found = _binomial(spec, outcome, rows, numbers, weights)
        _check_both_occur(found, spec.outcome)
        return found
    if _is_pair(outcome):
        raise DataError(
            f"The outcome {spec.outcome} is of successes and failures, which the family {family.name!r} does not have.",
            hint="Fit it with family='binomial', or choose one column of numbers.",
            argument="outcome",
        )
    if spec.success is not None:
        raise _no_success(spec, f"the family {family.name!r} has no successes")
    y = numbers(outcome)
    if family.name != "gaussian":  # any finite number will do, and these are
        family.check_outcome(y, spec.outcome)
    if family.name in ("poisson", "negative_binomial"):
        _check_not_all_zero(y, spec.outcome)
    else:
        _check_varies(y, spec.outcome)
    return Outcome(y, None, weights)


def new_outcome(spec: ModelSpec, levels: tuple[str, ...], rows: Rows, numbers: Numbers) -> Floats:
    """The outcome of a model on new rows, shape (n,): shares of successes for ``cbind``, 0 and 1 for two `levels`."""
    outcome = parse_factor(spec.outcome)
    if _is_pair(outcome):
        successes, failures = _both(outcome, numbers)
        with np.errstate(invalid="ignore"):
            return successes / (successes + failures)
    return _matched(columns_of(outcome)[0], levels, rows) if levels else numbers(outcome)


def _is_pair(outcome: Expression) -> bool:
    return isinstance(outcome, Call) and outcome.function == "cbind"


def _both(outcome: Expression, numbers: Numbers) -> tuple[Floats, Floats]:
    assert isinstance(outcome, Call)
    (_, successes), (_, failures) = outcome.arguments
    n = [np.atleast_1d(numbers(part)) for part in (successes, failures)]
    first, second = np.broadcast_arrays(*n)  # cbind(y, 1) has a number for a column
    return first, second


# -- the binomial family ----------------------------------------------------------------------------------------------


def _binomial(spec: ModelSpec, outcome: Expression, rows: Rows, numbers: Numbers, weights: Floats | None) -> Outcome:
    if _is_pair(outcome):
        if spec.success is not None:
            raise _no_success(spec, "cbind(successes, failures) says itself what a success is")
        return _counted(spec.outcome, outcome, numbers, rows, weights)
    if isinstance(outcome, Name):
        kind = rows.frame.column(outcome.name).kind
        if kind in ("factor", "boolean") or spec.success is not None:
            levels = _two_levels(outcome.name, kind, spec.success, rows)
            return Outcome(_matched(outcome.name, levels, rows), None, weights, levels)
    elif spec.success is not None:
        raise _no_success(spec, "the outcome is computed, and has no levels")
    y = numbers(outcome)
    is_odd = (y != 0) & (y != 1)
    if not is_odd.any():
        return Outcome(y, None, weights)
    if y.min() < 0 or y.max() > 1 or weights is None:
        raise _not_two_values(y, is_odd, spec.outcome, isinstance(outcome, Name))
    return _shares(y, weights, spec, rows)


def _counted(text: str, outcome: Expression, numbers: Numbers, rows: Rows, weights: Floats | None) -> Outcome:
    successes, failures = _both(outcome, numbers)
    for what, count in (("successes", successes), ("failures", failures)):
        is_bad = np.abs(count - np.round(count)) > WHOLE * np.maximum(1, np.abs(count))
        if is_bad.any():
            raise DataError(
                f"The {what} of {text} must be whole numbers, but {_first(is_bad, rows)} they are "
                f"{count[is_bad][0]:.12g} ({_rows(is_bad)}).",
                hint="Give counts. For shares take the column of shares as the outcome, and the trials as weights.",
                argument="outcome",
            )
    if (failures < 0).any() and (successes >= 0).all():
        is_bad = failures < 0
        y, n = successes[is_bad][0], (successes + failures)[is_bad][0]
        raise DataError(
            f"The outcome {text} has more successes than trials in {_rows(is_bad)}: {_first(is_bad, rows)} there are "
            f"{y:,.0f} successes of {n:,.0f} trials, so {n - y:,.0f} failures.",
            hint="Check these rows; the second part of cbind() is the failures: cbind(successes, trials - successes).",
            argument="outcome",
        )
    if (successes < 0).any():
        is_bad = successes < 0
        raise DataError(
            f"The successes of {text} are negative in {_rows(is_bad)}: {successes[is_bad][0]:,.0f} "
            f"{_first(is_bad, rows)}.",
            hint="Check these rows: cbind(successes, failures) holds counts from 0.",
            argument="outcome",
        )
    successes, failures = np.round(successes), np.round(failures)
    return Outcome(successes, successes + failures, weights)


def _shares(y: Floats, weights: Floats, spec: ModelSpec, rows: Rows) -> Outcome:
    """Shares of `weights` trials."""
    trials, successes = np.round(weights), np.round(weights * y)
    of_trials = np.abs(weights - trials) > WHOLE * weights
    is_bad = of_trials | (np.abs(weights * y - successes) > WHOLE * weights)
    if is_bad.any():
        place = int(np.flatnonzero(is_bad)[0])
        raise DataError(
            f"The outcome “{spec.outcome}” holds shares, so the weights are numbers of trials, but "
            f"{_first(is_bad, rows)} {y[place]:.12g} of {weights[place]:.12g} trials is not a whole number of "
            f"successes ({_rows(is_bad)}).",
            hint="Give the counts, cbind(successes, trials - successes), or the shares with all their digits.",
            argument="outcome",
        )
    return Outcome(successes, trials, None)


def _two_levels(name: str, kind: str, success: str | None, rows: Rows) -> tuple[str, str]:
    """Failure and success among the levels that `rows` have."""
    codes, found = rows.codes(name)
    if len(found) > 2:
        counts = np.bincount(codes[codes >= 0])
        listed = ", ".join(
            f"“{level}” ({n:,})" for level, n in zip(found[:SHOWN], counts.tolist()[:SHOWN], strict=True)
        )
        more = "" if len(found) <= SHOWN else ", …"
        raise DataError(
            f"The outcome “{name}” has {len(found):,} levels in {rows.n_rows:,} rows, but the family 'binomial' needs "
            f"two: {listed}{more}.",
            hint=f"{ONLY_TWO}. Leave rows out until two levels remain, or make a column that is true for one of them.",
            argument="outcome",
        )
    if success is not None and success not in found:
        raise _unknown_success(name, success, found)
    if len(found) < 2:
        raise DataError(
            f"The outcome “{name}” is constant: every row used has the value “{found[0]}”.",
            hint="Choose an outcome that varies, or check how the rows were filtered.",
            argument="outcome",
        )
    last = found[-1] if success is None else success
    return next(level for level in found if level != last), last


def _matched(name: str, levels: Sequence[str], rows: Rows) -> Floats:
    """1 where the column has the second of two `levels`, shape (n,)."""
    codes, found = rows.codes(name)
    unknown = [level for level in found if level not in levels]
    if unknown:
        raise DesignError(
            f"Column “{name}” holds the level “{unknown[0]}”, which the model has not seen.",
            hint=f"Known levels: {', '.join(levels)}.",
            argument="newdata",
        )
    return np.array([*(float(level == levels[1]) for level in found), np.nan])[codes]


def _not_two_values(y: Floats, is_odd: npt.NDArray[np.bool_], text: str, is_column: bool) -> DataError:
    values = np.unique(y)
    one, count = f"{y[is_odd][0]:.12g}", _rows(is_odd)
    message = f"The outcome “{text}” holds {one} ({count} neither 0 nor 1), but the family 'binomial' needs two values."
    if len(values) == 2 and is_column:
        low, high = (f"{value:.12g}" for value in values)
        message = f"The outcome “{text}” holds {low} and {high} ({count} neither 0 nor 1): which of them is a success?"
        hint = f"Say it: success={high!r}. Or make a column of 0 and 1."
    elif values[0] >= 0 and values[-1] <= 1:
        hint = "For shares give the number of trials as weights, or write cbind(successes, trials - successes)."
    elif np.all(values >= 0) and np.all(values == np.round(values)):
        hint = f"For counts out of a number of trials write cbind(successes, failures). {ONLY_TWO}."
    else:
        hint = "Make a column of 0 and 1, or choose another family."
    return DataError(message, hint=hint, argument="outcome")


def _unknown_success(name: str, success: str, levels: Sequence[str]) -> DataError:
    near = closest(success, levels)
    return DataError(
        f"`success` is “{success}”, but the outcome “{name}” has the levels "
        f"{', '.join(f'“{level}”' for level in levels[:SHOWN])} in the rows used.",
        hint=f"Did you mean {near[0]!r}?" if near else f"Choose one of them, such as success={levels[-1]!r}.",
        argument="success",
    )


def _no_success(spec: ModelSpec, why: str) -> DataError:
    return DataError(
        f"`success` is “{spec.success}”, but {why}.",
        hint="Leave `success` out; it names one of the two levels of a binomial outcome's column.",
        argument="success",
    )


# -- outcomes without a finite maximum --------------------------------------------------------------------------------


def _check_both_occur(outcome: Outcome, text: str) -> None:
    n = 1.0 if outcome.trials is None else outcome.trials
    for what, other, is_absent in (
        ("success", "failure", np.all(outcome.y == 0)),
        ("failure", "success", np.all(outcome.y == n)),
    ):
        if is_absent:
            raise DataError(
                f"The outcome “{text}” has no {what}: every one of {len(outcome.y):,} rows used is all {other}, so the "
                "likelihood has no finite maximum.",
                hint="Choose an outcome that varies, or check how the rows were filtered.",
                argument="outcome",
            )


def _check_not_all_zero(y: Floats, text: str) -> None:
    if not y.any():
        raise DataError(
            f"The outcome “{text}” is constant: it is 0 in every one of {len(y):,} rows used, so the likelihood has no "
            "finite maximum.",
            hint="Choose an outcome that varies, or check how the rows were filtered.",
            argument="outcome",
        )


def _check_varies(y: Floats, text: str) -> None:
    first = slice(1_000)  # of an outcome that varies these will do
    if len(y) and np.all(y[first] == y[0]) and np.all(y == y[0]):
        raise DataError(
            f"The outcome “{text}” is constant: every row used has the value {y[0]:g}.",
            hint="Choose an outcome that varies, or check how the rows were filtered.",
            argument="outcome",
        )


# -- words ------------------------------------------------------------------------------------------------------------


def _rows(mask: npt.NDArray[np.bool_]) -> str:
    n = int(mask.sum())
    return f"{n:,} row{'s' * (n != 1)}"


def _first(mask: npt.NDArray[np.bool_], rows: Rows) -> str:
    place = int(np.flatnonzero(mask)[0])
    return f"in row {place if rows.rows is None else rows.rows[place]}"
