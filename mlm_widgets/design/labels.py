"""Names of coefficients for people, ``ses × sector [Public]`` for ``ses:sector[T.Public]``, and their level."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design.basis import column_text
from mlm_widgets.design.build import Design, DesignSpec
from mlm_widgets.design.variables import variables_of
from mlm_widgets.formula import Call, Expression, parse_factor, to_text
from mlm_widgets.frames import is_constant_within, longest_chain

__all__ = ["TermLabel", "coefficient_labels", "factor_label", "random_label", "variable_levels"]

DETAIL = re.compile(r"^(?P<factor>.*?)(?:\[(?:[A-Z]\.)?(?P<level>.*)\])?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TermLabel:
    """How a coefficient is shown.

    Attributes
    ----------
    term : str
        The coefficient's name.
    label : str
        ``ses × sector [Public]``.
    name, detail : str
        The label in two: ``ses × sector`` and ``Public``.
    level : str
        ``L1``, ``L2``, ``L1×L2``; empty for the intercept.
    is_intercept : bool
    variables : tuple of str
        Keys of the variables it is made of.
    """

    term: str
    label: str
    name: str
    detail: str
    level: str
    is_intercept: bool
    variables: tuple[str, ...] = ()


def factor_label(factor: Expression) -> tuple[str, str]:
    """A factor's name and a short remark: ``within(ses, school)`` is ("ses", "within school")."""
    if not isinstance(factor, Call):
        return to_text(factor, name=str), ""
    inner = to_text(factor.arguments[0][1], name=str)
    if factor.function in ("within", "between"):
        group = to_text(factor.arguments[1][1], name=str)
        return inner, f"within {group}" if factor.function == "within" else f"{group} mean"
    if factor.function == "center":
        return inner, "centred"
    if factor.function == "scale":
        return inner, "standardised"
    if factor.function == "C":
        return inner, ""
    return to_text(factor, name=str), ""


def random_label(name: str) -> str:
    """The label of a column of a random basis."""
    if name == "Intercept":
        return "Intercept"
    return " × ".join(_piece_label(piece) for piece in _pieces(name))


def coefficient_labels(design: Design) -> tuple[TermLabel, ...]:
    """A label for each column of X."""
    spec = design.spec
    levels = variable_levels(design)
    return tuple(_label(spec, levels, k) for k in range(len(spec.fixed.names)))


def _label(spec: DesignSpec, levels: dict[str, int], k: int) -> TermLabel:
    name, place = spec.fixed.names[k], spec.fixed.assign[k]
    if place < 0:
        return TermLabel(name, "Intercept", "Intercept", "", "", True)
    factors = [parse_factor(text) for text in spec.fixed.terms[place]]
    codings = _codings([to_text(factor, name=column_text) for factor in factors], name)
    pieces = [_with_detail(factor, coding) for factor, coding in zip(factors, codings, strict=True)]
    variables = tuple(dict.fromkeys(key for factor in factors for key in variables_of(factor)))
    own = [max((levels.get(key, 1) for key in variables_of(factor)), default=1) for factor in factors]
    level = "×".join(f"L{n}" for n in sorted(set(own))) if len(set(own)) > 1 else f"L{own[0]}"
    labels = [factor_label(factor) for factor in factors]
    short = " × ".join(label for label, _ in labels)
    details = [coding for coding in codings if coding] or [labels[0][1]] * (len(factors) == 1)
    return TermLabel(name, " × ".join(pieces), short, ", ".join(details), level, False, variables)


def _codings(texts: list[str], name: str) -> list[str]:
    """What formulaic wrote in brackets behind each factor in the column `name`: a level, a number, or nothing."""
    pattern = ":".join(re.escape(text) + r"(?:\[(.*?)\])?" for text in texts)
    match = re.fullmatch(pattern, name, re.DOTALL)
    found = match.groups(default="") if match else [""] * len(texts)
    return [re.sub(r"^[A-Z]\.", "", coding) for coding in found]


def _with_detail(factor: Expression, coding: str) -> str:
    label, detail = factor_label(factor)
    if coding:
        return f"{label} [{coding}]"
    return f"{label} ({detail})" if detail else label


def _pieces(name: str) -> list[str]:
    """A basis column's name at its colons, but not at those inside brackets or parentheses."""
    pieces, depth, start = [], 0, 0
    for place, char in enumerate(name):
        depth += (char in "[(") - (char in "])")
        if char == ":" and depth == 0:
            pieces.append(name[start:place])
            start = place + 1
    return [*pieces, name[start:]]


def _piece_label(piece: str) -> str:
    match = DETAIL.match(piece)
    assert match is not None
    try:
        label, detail = factor_label(parse_factor(match["factor"]))
    except ValueError:
        label, detail = match["factor"], ""
    if match["level"] is not None:
        return f"{label} [{match['level']}]"
    return f"{label} ({detail})" if detail else label


def variable_levels(design: Design) -> dict[str, int]:
    """The level of each variable: 1, and one more for each of a chain of nested groupings that it is constant in.

    A variable that varies within every group is of level 1 (pupils), one that is constant within schools of level 2.
    """
    constant: dict[str, list[int]] = {}
    for key in design.spec.fixed.variables:
        values = _codes_of_values(design, key)
        constant[key] = [f for f, codes in enumerate(design.codes) if is_constant_within(values, codes)]
    nested = {
        (f, g)
        for f in range(len(design.codes))
        for g in range(len(design.codes))
        if f != g and is_constant_within(design.codes[g], design.codes[f])
    }
    return {key: 1 + longest_chain(found, nested) for key, found in constant.items()}


def _codes_of_values(design: Design, key: str) -> npt.NDArray[Any]:
    values = design.variables[key]
    return np.asarray(values.codes if hasattr(values, "codes") else values)
