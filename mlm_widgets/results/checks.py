"""Checks of what a person gives as an option; each names the argument, the rule and the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlm_widgets.errors import OptionError, closest
from mlm_widgets.families import Family
from mlm_widgets.inference import DF_METHODS

__all__ = ["check_choice", "check_count", "check_df_method", "check_flag", "check_level", "check_ratio"]


def check_flag(name: str, value: Any) -> bool:
    """`value`, which must be true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise OptionError(f"`{name}` must be True or False, not {value!r}.", argument=name)
    return bool(value)


def check_choice(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise where `value` is not one of `allowed`; the nearest of them is offered."""
    if value not in allowed:
        near = closest(str(value), allowed)
        raise OptionError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}, not {value!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else None,
            argument=name,
        )


def check_df_method(value: Any, family: Family) -> None:
    """Raise where `value` is no way to find degrees of freedom, or none for this family."""
    check_choice("df_method", value, DF_METHODS)
    if value == "kenward-roger" and not family.is_linear:
        raise OptionError(
            "Kenward and Roger's degrees of freedom are those of linear mixed models.",
            hint="Tests of a generalized model are z and chi-square tests: leave `df_method` out.",
            argument="df_method",
        )


def check_count(name: str, value: Any) -> int:
    """`value`, which must be a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise OptionError(f"`{name}` must be a whole number from 1, not {value!r}.", argument=name)
    return int(value)


def check_level(value: Any) -> float:
    """`value`, which must lie between 0 and 1."""
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise OptionError(
            f"`level` must lie between 0 and 1, not {value!r}.", hint="Use 0.95 for 95 %.", argument="level"
        )
    return float(value)


def check_ratio(family: Family, exponentiate: Any) -> str:
    """What exponentiated coefficients are called; "" where `exponentiate` is false.

    Raises
    ------
    OptionError
        If the exponential of a coefficient means nothing for this link.
    """
    if not check_flag("exponentiate", exponentiate):
        return ""
    if not family.ratio_name:
        raise OptionError(
            f"With the link {family.link.name!r} the exponential of a coefficient means nothing.",
            hint="Leave `exponentiate` out, and see `predictions` for effects on the outcome's own scale. Ratios come "
            "with the links 'logit' (odds), 'log' (rates, means) and 'cloglog' (hazards).",
            argument="exponentiate",
        )
    return family.ratio_name
