"""Scales of a generalized model in words and numbers: what its effects are called, and what was observed.

Effects add up on the link's scale (log-odds); their exponentials are ratios where the link is a logarithm of something
(odds, a rate, a mean); predictions and data are on the outcome's own (a probability, a count).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import OptionError
from mlm_widgets.families import Family
from mlm_widgets.formula import Call, Expression, Name, parse_factor, to_text
from mlm_widgets.formula.expressions import Operation
from mlm_widgets.plots.surface import PlottedModel

__all__ = [
    "check_ratio",
    "effect_scale",
    "has_average",
    "has_offset",
    "observed",
    "outcome_words",
    "predicted_words",
    "range_of_outcome",
    "ratio_name",
    "sentence",
    "unit_of_outcome",
]

Floats = npt.NDArray[np.float64]

NO_AVERAGE = ("identity", "inverse", "1/mu^2")
"""Links without a mean over the groups of its own: the same as a typical group's, or none."""


def sentence(words: str) -> str:
    """The words with a capital at the start."""
    return words[:1].upper() + words[1:]


def ratio_name(family: Family) -> str | None:
    """What the exponential of an effect is called: "odds ratio"; None where it means nothing."""
    return family.ratio_name or None


def check_ratio(model: PlottedModel) -> None:
    """Raise where the exponentials of the effects mean nothing."""
    if ratio_name(model.family) is None:
        raise OptionError(
            f"exponentiate=True needs a link that gives ratios, and {model.family.link.name!r} gives none.",
            hint="Leave it out, or fit with a log or logit link.",
            argument="exponentiate",
        )


def effect_scale(family: Family) -> str:
    """What the effects add up on: "log-odds", "log rate"; for the linear model the outcome itself."""
    link = family.link.name
    if link == "log":
        return "log rate" if family.is_count else "log mean"
    named = {
        "logit": "log-odds",
        "probit": "probit scale",
        "cloglog": "log hazard",
        "cauchit": "cauchit scale",
        "sqrt": "square root of the mean",
        "inverse": "one over the mean",
        "1/mu^2": "one over the squared mean",
        "identity": "probability" if family.name == "binomial" else "mean",
    }
    return named.get(link, f"{link} scale")


def has_average(family: Family) -> bool:
    """Whether the mean over all groups is another than a typical group's."""
    return not family.is_linear and family.link.name not in NO_AVERAGE


def outcome_words(model: PlottedModel) -> str:
    """The outcome as people say it: "use = Y" of two levels, "incidence of size" for successes of trials."""
    outcome = parse_factor(model.outcome) if not model.family.is_linear else None
    if isinstance(outcome, Call) and outcome.function == "cbind":
        (_, successes), (_, failures) = outcome.arguments
        return _pair_words(successes, failures)
    levels = () if outcome is None else model.fit_result.design.spec.outcome_levels
    return f"{_plain(model.outcome, outcome)} = {levels[1]}" if levels else _plain(model.outcome, outcome)


def _plain(text: str, outcome: Expression | None) -> str:
    return outcome.name if isinstance(outcome, Name) else text


def _pair_words(successes: Expression, failures: Expression) -> str:
    text = to_text(successes, name=str)
    if isinstance(failures, Operation) and failures.operator == "-" and failures.right == successes and failures.left:
        return f"{text} of {to_text(failures.left, name=str)}"
    return f"{text} against {to_text(failures, name=str)}"


def predicted_words(model: PlottedModel) -> str:
    """What is predicted: the "probability of use = Y", or the outcome."""
    words = outcome_words(model)
    return f"probability of {words}" if model.family.name == "binomial" else words


def unit_of_outcome(model: PlottedModel) -> str | None:
    """The unit of predictions; a probability has none."""
    return None if model.family.name == "binomial" else model.units(model.outcome)


def has_offset(model: PlottedModel) -> bool:
    """Whether a generalized model has an offset; a linear one's mean is the same at any, but for a constant."""
    return not model.family.is_linear and model.fit_result.design.offset is not None


def range_of_outcome(model: PlottedModel) -> tuple[float, float]:
    """The least and the greatest mean that the family can have."""
    if model.family.is_gaussian:
        return -math.inf, math.inf
    return 0.0, 1.0 if model.family.name in ("binomial", "beta") else math.inf


def observed(model: PlottedModel) -> Floats | None:
    """The outcome of the rows used as its family reads it, shape (n,): shares of successes for the binomial one.

    None for a linear model of an outcome that is no column.
    """
    if model.family.is_linear:
        return model.data[model.outcome].to_numpy(dtype=float) if model.outcome in model.data.columns else None
    design = model.fit_result.design
    return design.y if design.trials is None else design.y / design.trials
