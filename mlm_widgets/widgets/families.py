"""Families as the controls show them: which the outcome can have, their links, and what goes with a family.

A binomial outcome has a success, or trials: ``cbind(y, n - y)`` for a count y, the prior weights for a share. Counts
have an exposure, ``offset(log(n))``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design.variables import evaluate
from mlm_widgets.errors import DataError, OptionError
from mlm_widgets.families import FAMILIES, families_for, family_of
from mlm_widgets.formula import (
    Call,
    Expression,
    ModelSpec,
    Name,
    canonical_offset,
    columns_of,
    parse_factor,
    parse_offset,
    quote_name,
    to_text,
)
from mlm_widgets.formula.expressions import Operation
from mlm_widgets.frames import Frame
from mlm_widgets.widgets.edits import set_outcome
from mlm_widgets.widgets.facts import DataFacts

__all__ = [
    "NO_TRIALS",
    "choose_outcome",
    "family_note",
    "family_payload",
    "family_words",
    "has_trials_missing",
    "set_exposure",
    "set_family",
    "set_link",
    "set_success",
    "set_trials",
    "shown_outcome",
    "with_possible_family",
]

Payload = dict[str, Any]
Floats = npt.NDArray[np.float64]

NO_TRIALS = "Choose the trials: the column that counts how many could have succeeded."
WHOLE = 1e-6  # relative, as of a binomial outcome: shares are printed with few digits
WORDS = {
    "gaussian": ("Gaussian", "numbers, bell-shaped around their mean"),
    "binomial": ("Binomial", "yes/no or successes out of trials"),
    "poisson": ("Poisson", "counts"),
    "negative_binomial": ("Negative binomial", "overdispersed counts"),
    "gamma": ("Gamma", "positive, skewed"),
    "inverse_gaussian": ("Inverse Gaussian", "positive, strongly skewed"),
    "beta": ("Beta", "shares between 0 and 1"),
}
LINK_WORDS = {
    "identity": "the mean itself",
    "log": "effects multiply the mean",
    "logit": "log-odds",
    "probit": "a normal threshold",
    "cloglog": "complementary log-log: log hazard",
    "cauchit": "a Cauchy threshold, for outliers",
    "sqrt": "square root of the mean",
    "inverse": "one over the mean",
    "1/mu^2": "one over the squared mean",
}


def family_words(name: str) -> str:
    """What a family is called where people read."""
    return WORDS[name][0] if name in WORDS else name


# -- the outcome ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parts:
    """An outcome: what is observed (the successes of a pair), and the failures of ``cbind``."""

    observed: Expression
    failures: Expression | None

    @property
    def column(self) -> str | None:
        """The column observed; None where it is computed."""
        return self.observed.name if isinstance(self.observed, Name) else None

    @property
    def trials(self) -> str | None:
        """The column n of ``cbind(y, n - y)``."""
        if isinstance(self.failures, Operation) and self.failures.operator == "-":
            left = self.failures.left
            if isinstance(left, Name) and self.failures.right == self.observed:
                return left.name
        return None


@dataclass(frozen=True, slots=True)
class _Computed:
    """A computed outcome, as far as `families_for` looks."""

    numbers: Floats
    kind: str = "number"
    levels: tuple[str, ...] = ()


def _parts(spec: ModelSpec) -> _Parts:
    outcome = parse_factor(spec.outcome)
    if isinstance(outcome, Call) and outcome.function == "cbind":
        (_, observed), (_, failures) = outcome.arguments
        return _Parts(observed, failures)
    return _Parts(outcome, None)


def shown_outcome(spec: ModelSpec) -> str | None:
    """The outcome's column, or the text of what is computed; the successes of ``cbind``."""
    if not spec.outcome:
        return None
    observed = _parts(spec).observed
    return observed.name if isinstance(observed, Name) else to_text(observed, name=str)


def _possible(spec: ModelSpec, facts: DataFacts) -> list[str]:
    """The families that what is observed could have by itself, the likeliest first; of ``cbind``, binomial first."""
    parts = _parts(spec)
    found = _families_of(parts.observed, facts)
    if parts.failures is not None:
        return ["binomial", *(name for name in found if name != "binomial")]
    return found


def _families_of(observed: Expression, facts: DataFacts) -> list[str]:
    def found() -> list[str]:
        if isinstance(observed, Name):
            return families_for(facts.frame.column(observed.name))
        try:
            return families_for(_Computed(_numbers(observed, facts.frame)))
        except DataError:  # arithmetic with text: the fit says so
            return []

    return facts.kept(("families", to_text(observed)), found)


def _numbers(expression: Expression, frame: Frame) -> Floats:
    values = {quote_name(name): frame.column(name).numbers for name in columns_of(expression)}
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(evaluate(expression, values), dtype=np.float64), frame.n_rows)


def _success_levels(spec: ModelSpec, facts: DataFacts) -> list[str]:
    """The two levels of a binomial outcome's column; none where it is no such column."""
    parts = _parts(spec)
    if parts.column is None or parts.failures is not None or facts.profiles[parts.column].n_distinct != 2:
        return []
    return list(facts.frame.column(parts.column).levels)


def _default_success(spec: ModelSpec, facts: DataFacts) -> str | None:
    """The level that counts as success where none is named; None where one has to be named."""
    parts = _parts(spec)
    assert parts.column is not None
    column = facts.frame.column(parts.column)
    levels = list(column.levels)
    return None if column.kind == "number" and levels != ["0", "1"] else levels[-1]


def _is_counted(spec: ModelSpec, facts: DataFacts) -> bool:
    """Whether the outcome, as a binomial one, is of several trials a row."""
    return spec.family == "binomial" and bool(spec.outcome) and not _success_levels(spec, facts)


def _is_share(observed: Expression, facts: DataFacts) -> bool:
    if not isinstance(observed, Name) or facts.profiles[observed.name].kind != "number":
        return False
    low, high = facts.profiles[observed.name].range or (0.0, 2.0)
    return low >= 0 and high <= 1 and facts.profiles[observed.name].n_distinct > 2


def has_trials_missing(spec: ModelSpec, facts: DataFacts) -> bool:
    """Whether the number of trials is still to be chosen."""
    if not _is_counted(spec, facts):
        return False
    parts = _parts(spec)
    return parts.failures is None and not (_is_share(parts.observed, facts) and spec.weights is not None)


def _trials_columns(observed: Expression, facts: DataFacts) -> list[str]:
    """Columns that could be the trials: whole numbers, never below the successes, and not always the same as them."""

    def found() -> list[str]:
        if not isinstance(observed, Name) or facts.profiles[observed.name].kind != "number":
            return []
        y, is_share = _numbers(observed, facts.frame), _is_share(observed, facts)
        own = columns_of(observed)
        return [name for name in _number_columns(facts) if name not in own and _are_trials(name, y, is_share, facts)]

    return facts.kept(("trials", to_text(observed)), found)


def _are_trials(name: str, y: Floats, is_share: bool, facts: DataFacts) -> bool:
    n = facts.frame.column(name).numbers
    both = np.isfinite(n) & np.isfinite(y)
    n, y = n[both], y[both]
    if not len(n) or np.any(n < 0) or np.any(n != np.round(n)):
        return False
    successes = n * y if is_share else y
    is_whole = np.abs(successes - np.round(successes)) <= WHOLE * np.maximum(n, 1)
    return bool(np.all(is_whole) and np.all(successes >= -WHOLE) and np.all(successes <= n) and np.any(successes < n))


def _number_columns(facts: DataFacts) -> list[str]:
    return [name for name, column in facts.profiles.items() if column.kind == "number" and column.n_distinct > 0]


# -- what the controls show -------------------------------------------------------------------------------------------


def family_payload(spec: ModelSpec, facts: DataFacts) -> Payload:
    """Families, links, success, trials and exposure, as far as they apply."""
    return {
        "family": spec.family,
        "link": spec.link,
        "families": _families(spec, facts),
        "links": [
            {"value": name, "label": name, "detail": LINK_WORDS.get(name, "")} for name in FAMILIES[spec.family].links
        ],
        "success": _success(spec, facts),
        "trials": _trials(spec, facts),
        "exposure": _exposure(spec, facts),
    }


def _families(spec: ModelSpec, facts: DataFacts) -> list[Payload]:
    reasons = {name: _reason(name, spec, facts) for name in FAMILIES}
    order = _possible(spec, facts) if spec.outcome else []
    first = [*(name for name in order if name in reasons), *(name for name in reasons if name not in order)]
    first.sort(key=lambda name: reasons[name] is not None)
    return [
        {"value": name, "label": WORDS[name][0], "detail": WORDS[name][1], "reason": reasons[name]} for name in first
    ]


def _reason(name: str, spec: ModelSpec, facts: DataFacts) -> str | None:
    """Why the outcome cannot have the family; None where it can."""
    if not spec.outcome or name == spec.family:
        return None
    parts = _parts(spec)
    if name in _possible(spec, facts) or (name == "binomial" and _trials_columns(parts.observed, facts)):
        return None
    return f"needs {FAMILIES[name].support}"


def _success(spec: ModelSpec, facts: DataFacts) -> Payload | None:
    if spec.family != "binomial" or not spec.outcome:
        return None
    levels = _success_levels(spec, facts)
    if not levels:
        return None
    value = spec.success if spec.success is not None else _default_success(spec, facts)
    return {"value": value, "choices": [_choice(level) for level in levels]}


def _trials(spec: ModelSpec, facts: DataFacts) -> Payload | None:
    if not _is_counted(spec, facts):
        return None
    parts = _parts(spec)
    choices = [_choice(name) for name in _trials_columns(parts.observed, facts)]
    if parts.failures is None:
        value = spec.weights if _is_share(parts.observed, facts) else None
        return {"value": value, "choices": choices}
    if parts.trials is not None:
        return _with_choice(parts.trials, choices)
    text = f"{to_text(parts.observed, name=str)} + {to_text(parts.failures, name=str)}"
    return _with_choice(text, choices)


def _exposure(spec: ModelSpec, facts: DataFacts) -> Payload | None:
    is_offered = FAMILIES[spec.family].is_count and spec.link == "log"
    if not spec.outcome or not (is_offered or spec.offset is not None):
        return None
    choices = [_choice(name) for name in _exposure_columns(spec, facts)] if is_offered else []
    if spec.offset is None:
        return {"value": None, "choices": choices}
    value = _exposure_column(spec.offset) or f"offset({spec.offset})"
    return _with_choice(value, choices)


def _exposure_columns(spec: ModelSpec, facts: DataFacts) -> list[str]:
    """Columns of positive numbers."""
    own = columns_of(parse_factor(spec.outcome))
    ranges = {name: facts.profiles[name].range for name in _number_columns(facts) if name not in own}
    return [name for name, span in ranges.items() if span is not None and span[0] > 0 and span[1] > span[0]]


def _exposure_column(offset: str) -> str | None:
    """The column n of the offset ``log(n)``."""
    expression = parse_offset(offset)
    if isinstance(expression, Call) and expression.function == "log":
        inside = expression.arguments[0][1]
        return inside.name if isinstance(inside, Name) else None
    return None


def _choice(value: str) -> Payload:
    return {"value": value, "label": value}


def _with_choice(value: str, choices: list[Payload]) -> Payload:
    """A choice among `choices`, also one that is none of them: it was typed."""
    is_known = any(choice["value"] == value for choice in choices)
    return {"value": value, "choices": choices if is_known else [*choices, _choice(value)]}


# -- what a click does ------------------------------------------------------------------------------------------------


def choose_outcome(spec: ModelSpec, column: str, facts: DataFacts) -> ModelSpec:
    """Choose the outcome; the family stays if the outcome can have it."""
    if _is_counted(spec, facts) and _is_share(_parts(spec).observed, facts):
        spec = spec.with_(weights=None)  # they were the trials
    return with_possible_family(set_outcome(spec, column), facts)


def family_note(before: ModelSpec, spec: ModelSpec, facts: DataFacts) -> str | None:
    """Why the family is another than before, where the outcome did not leave the choice."""
    if not spec.outcome or before.family == spec.family:
        return None
    name, possible = shown_outcome(spec), _possible(spec, facts)
    if spec.family == "binomial" and "gaussian" not in possible and (success := _success(spec, facts)):
        of = f"the model is of the probability of “{success['value']}”"
        return f"“{name}” has two levels, so the family is binomial: {of}."
    if spec.family == "binomial" and _parts(spec).failures is not None:
        return f"{spec.outcome} counts successes and failures, so the family is binomial."
    if spec.family == "gaussian" and before.family not in possible:
        return f"“{name}” cannot be {WORDS[before.family][0]}, so the family is gaussian again."
    return None


def set_family(spec: ModelSpec, family: str, facts: DataFacts) -> ModelSpec:
    """Choose the family with its first link; success, trials and exposure go with the family that they belong to."""
    if family not in FAMILIES:
        raise OptionError(f"There is no family “{family}”.", hint=f"Choose one of: {', '.join(FAMILIES)}.")
    reason = _reason(family, spec, facts)
    if reason is not None:
        raise OptionError(f"The outcome cannot be {WORDS[family][0]}: {reason}.")
    return spec if family == spec.family else _with_family(spec, family, facts)


def _with_family(spec: ModelSpec, family: str, facts: DataFacts) -> ModelSpec:
    if spec.outcome and family != "binomial" and spec.family == "binomial":
        parts = _parts(spec)
        if parts.failures is None and _is_share(parts.observed, facts):
            spec = spec.with_(weights=None)
        spec = spec.with_(outcome=_as_factor(parts.observed), success=None)
    if spec.offset is not None and _exposure_column(spec.offset) is not None and not FAMILIES[family].is_count:
        spec = spec.with_(offset=None)
    spec = spec.with_(family=family)
    if family == "binomial" and spec.outcome and spec.success is None:
        levels = _success_levels(spec, facts)
        if levels and _default_success(spec, facts) is None:
            return spec.with_(success=levels[-1])
    return spec


def _as_factor(observed: Expression) -> str:
    """The successes of ``cbind`` as an outcome of their own: there arithmetic stands in ``I()``."""
    text = to_text(observed)
    return f"I({text})" if isinstance(observed, Operation) else text


def with_possible_family(spec: ModelSpec, facts: DataFacts) -> ModelSpec:
    """The spec with a family that its outcome, as written, can have: gaussian or else the likeliest, if its cannot."""
    if not spec.outcome:
        return spec
    allowed = _allowed(spec, facts)
    if allowed and spec.family not in allowed:
        spec = _with_family(spec, "gaussian" if "gaussian" in allowed else allowed[0], facts)
    return _with_success(spec, facts)


def _allowed(spec: ModelSpec, facts: DataFacts) -> list[str]:
    parts = _parts(spec)
    if parts.failures is not None:
        return ["binomial"]
    found = _families_of(parts.observed, facts)
    return [*found, "binomial"] if spec.weights is not None and _is_share(parts.observed, facts) else found


def _with_success(spec: ModelSpec, facts: DataFacts) -> ModelSpec:
    """A success is named where it has to be, and nowhere else."""
    levels = _success_levels(spec, facts) if spec.family == "binomial" else []
    if not levels:
        return spec.with_(success=None)
    if spec.success in levels:
        return spec
    return spec.with_(success=None if _default_success(spec, facts) else levels[-1])


def set_link(spec: ModelSpec, link: str) -> ModelSpec:
    """Choose the link."""
    return spec.with_(link=family_of(spec.family, link).link.name)


def set_success(spec: ModelSpec, level: str, facts: DataFacts) -> ModelSpec:
    """Choose the level of the outcome that counts as success."""
    shown = _success(spec, facts)
    if shown is None:
        raise OptionError("The outcome has no two levels of which one could be a success.")
    if level not in _success_levels(spec, facts):
        listed = ", ".join(_success_levels(spec, facts))
        raise OptionError(f"The outcome has no level “{level}”.", hint=f"Choose one of: {listed}.")
    return spec.with_(success=None if level == _default_success(spec, facts) else level)


def set_trials(spec: ModelSpec, column: str, facts: DataFacts) -> ModelSpec:
    """Choose the column with the number of trials: the outcome becomes ``cbind(y, n - y)``; of a share, the weights."""
    shown = _trials(spec, facts)
    if shown is None:
        raise OptionError("The outcome is not a number of successes.", hint="Choose the family Binomial first.")
    if column == shown["value"]:
        return spec
    observed = _parts(spec).observed
    if column not in _trials_columns(observed, facts):
        raise OptionError(
            f"“{column}” cannot be the trials: they are whole numbers, nowhere below the successes.",
            hint=f"Choose one of: {', '.join(_trials_columns(observed, facts)) or 'no column of these data can be'}.",
        )
    if _is_share(observed, facts):
        return spec.with_(weights=column)
    failures = Operation("-", Name(column), observed)
    return spec.with_(outcome=to_text(Call("cbind", (("", observed), ("", failures)))))


def set_exposure(spec: ModelSpec, column: str | None, facts: DataFacts) -> ModelSpec:
    """Choose the column that says how long or how much was watched: its logarithm is the offset. None: all the same."""
    shown = _exposure(spec, facts)
    if shown is None:
        raise OptionError("Only counts with a log link have an exposure.", hint="Choose the family Poisson first.")
    if column == shown["value"]:
        return spec
    if column is None:
        return spec.with_(offset=None)
    if not FAMILIES[spec.family].is_count or column not in _exposure_columns(spec, facts):
        raise OptionError(f"“{column}” cannot be the exposure: it is a column of positive numbers.")
    return spec.with_(offset=canonical_offset(f"log({quote_name(column)})"))
