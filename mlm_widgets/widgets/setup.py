"""The state of the builder's controls as JSON: what `setup` and `data` hold for the browser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from mlm_widgets.design import factor_label
from mlm_widgets.errors import FormulaError
from mlm_widgets.formula import (
    Call,
    Expression,
    ModelSpec,
    Name,
    Term,
    columns_of,
    parse_factor,
    quote_name,
    term_text,
    to_formula,
)
from mlm_widgets.formula.expressions import Text
from mlm_widgets.widgets.edits import group_id, varies, varies_elsewhere
from mlm_widgets.widgets.facts import DataFacts
from mlm_widgets.widgets.families import NO_TRIALS, family_payload, has_trials_missing, shown_outcome

__all__ = [
    "Payload",
    "data_payload",
    "error_payload",
    "formula_of",
    "grouping_id",
    "groupings_of",
    "prompt_of",
    "setup_payload",
    "slopes_of",
]

Payload = dict[str, Any]

MAX_REFERENCES = 40


def data_payload(facts: DataFacts) -> Payload:
    """Name, size and columns of the data."""
    frame = facts.frame
    return {
        "name": "data" if frame.name == "the data" else frame.name,
        "n_rows": frame.n_rows,
        "n_columns": len(frame.names),
        "columns": [
            {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(column).items()}
            for column in facts.profiles.values()
        ],
    }


def formula_of(spec: ModelSpec) -> str:
    """The formula of a spec that may be unfinished."""
    return to_formula(spec) if spec.outcome else ""


def prompt_of(spec: ModelSpec, facts: DataFacts) -> str | None:
    """What is needed before a model can be fitted."""
    if not spec.outcome:
        return "Choose an outcome."
    if has_trials_missing(spec, facts):
        return NO_TRIALS
    if not spec.random:
        return "Choose a grouping column: schools, subjects, clinics."
    return None


def error_payload(error: FormulaError) -> Payload:
    """A formula's error with its place in the text."""
    return {
        "text": error.text,
        "message": error.detail,
        "hint": error.hint,
        "start": error.start,
        "end": error.end,
        "replacement": error.replacement,
    }


def setup_payload(spec: ModelSpec, facts: DataFacts) -> Payload:
    """Everything that the controls show of the model."""
    groups = [term.group for term in spec.random]
    main = [term for term in spec.terms if len(term) == 1]
    return {
        "outcome": shown_outcome(spec),
        **family_payload(spec, facts),
        "is_linear": spec.is_linear,
        "reml": spec.reml,
        "formula": formula_of(spec),
        "prompt": prompt_of(spec, facts),
        "predictors": [_predictor(factor, facts, groups) for (factor,) in main],
        "predictor_choices": _predictor_choices(spec, facts),
        "interactions": [_interaction(term, facts, groups) for term in spec.terms if len(term) > 1],
        "groups": [_group(spec, place, facts) for place in range(len(spec.random))],
        "group_choices": [_group_choice(columns, facts) for columns in groupings_of(spec, facts)],
    }


def _label(factor: str) -> tuple[str, str]:
    return factor_label(parse_factor(factor))


def _predictor(factor: str, facts: DataFacts, groups: list[tuple[str, ...]]) -> Payload:
    expression = parse_factor(factor)
    label, detail = factor_label(expression)
    option = _option(expression, facts, groups)
    return {
        "id": factor,
        "label": label,
        "detail": detail,
        "column": columns_of(expression)[0] if option is not None else None,
        "level": f"L{facts.level_of(factor, groups)}" if groups else None,
        "option": option,
    }


def _option(expression: Expression, facts: DataFacts, groups: list[tuple[str, ...]]) -> Payload | None:
    """The one choice that a chip offers: centring for a number, reference for a factor."""
    value: str | None = "none"
    if isinstance(expression, Name):
        pass
    elif isinstance(expression, Call) and isinstance(expression.arguments[0][1], Name):
        value = _centring_value(expression)
    else:
        return None
    column = columns_of(expression)[0]
    known = facts.profiles[column]
    if known.kind in ("factor", "boolean"):
        return _reference_option(expression, tuple(facts.frame.column(column).levels))
    if value is None:
        return None
    choices = [("none", "not centred"), ("center", "grand mean"), ("scale", "standardised")]
    for group in dict.fromkeys(groups):
        if not facts.is_constant(column, group):
            name = ":".join(group)
            choices += [(f"within:{name}", f"within {name}"), (f"between:{name}", f"{name} mean")]
    if value not in [choice for choice, _ in choices]:
        choices.append((value, "as categories" if value == "C" else value.replace(":", " ", 1)))
    return {"kind": "centring", "value": value, "choices": [{"value": v, "label": text} for v, text in choices]}


def _centring_value(call: Call) -> str | None:
    if call.function in ("within", "between"):
        return f"{call.function}:{':'.join(columns_of(call.arguments[1][1]))}"
    return call.function if call.function in ("center", "scale", "C") else None


def _reference_option(expression: Expression, levels: tuple[str, ...]) -> Payload | None:
    reference = levels[0] if levels else ""
    if isinstance(expression, Call):
        contrasts = [value for _, value in expression.arguments[1:] if isinstance(value, Call)]
        if expression.function != "C" or any(contrast.function != "contr.treatment" for contrast in contrasts):
            return None
        named = [value.text for contrast in contrasts for _, value in contrast.arguments if isinstance(value, Text)]
        reference = named[0] if named else reference
    offered = dict.fromkeys([*levels[:MAX_REFERENCES], reference])
    return {"kind": "reference", "value": reference, "choices": [{"value": level, "label": level} for level in offered]}


def _predictor_choices(spec: ModelSpec, facts: DataFacts) -> list[str]:
    used = {term[0] for term in spec.terms if len(term) == 1}
    taken = set(columns_of(parse_factor(spec.outcome))) if spec.outcome else set()
    for factor in used:
        expression = parse_factor(factor)
        is_half = isinstance(expression, Call) and expression.function == "within"
        if not is_half or factor.replace("within(", "between(", 1) in used:
            taken.update(columns_of(expression)[:1])
    taken.update(term.group[0] for term in spec.random if len(term.group) == 1)
    return [name for name in facts.profiles if name not in taken]


def _interaction(term: Term, facts: DataFacts, groups: list[tuple[str, ...]]) -> Payload:
    levels = sorted({facts.level_of(factor, groups) for factor in term}) if groups else []
    return {"id": term_text(term), "label": _term_label(term), "level": _levels_text(levels)}


def _levels_text(levels: list[int]) -> str:
    return "×".join(f"L{level}" for level in levels)


def _term_label(term: Term) -> str:
    return " × ".join(_label(factor)[0] for factor in term)


def slopes_of(spec: ModelSpec) -> list[Term]:
    """The terms that could vary between groups: main effects, and whatever varies already; the matrix's columns."""
    main = [term for term in spec.terms if len(term) == 1]
    varying = [slope for term in spec.random for slope in term.terms]
    found: dict[frozenset[str], Term] = {}
    for term in [*main, *varying]:
        found.setdefault(frozenset(term), term)
    return list(found.values())


def _group(spec: ModelSpec, place: int, facts: DataFacts) -> Payload:
    term = spec.random[place]
    sizes = facts.group_sizes(term.group)
    name = term.group_name
    return {
        "id": group_id(spec, place),
        "label": name,
        "detail": f"{len(sizes):,} groups",
        "columns": list(term.group),
        "intercept": term.intercept,
        "correlated": term.correlated,
        "can_correlate": bool(term.terms) and (term.intercept or len(term.terms) > 1 or _is_wide(term.terms[0], facts)),
        "cells": [_cell(slope, spec, place, facts) for slope in slopes_of(spec)],
    }


def _is_wide(slope: Term, facts: DataFacts) -> bool:
    """Whether the slope may have several coefficients: a factor has, also one of two levels where no intercept is."""
    columns = [column for factor in slope for column in columns_of(parse_factor(factor))]
    return any(facts.profiles[column].kind in ("factor", "boolean") for column in columns)


def _cell(slope: Term, spec: ModelSpec, place: int, facts: DataFacts) -> Payload:
    term = spec.random[place]
    is_on = varies(term, slope)
    reason = None
    if all(facts.is_factor_constant(factor, term.group) for factor in slope):
        reason = f"constant within {term.group_name}"
    elif varies_elsewhere(spec, place, slope):
        reason = f"varies in another row of {term.group_name}"
    label, detail = _term_label(slope), _label(slope[0])[1] if len(slope) == 1 else ""
    return {
        "term": term_text(slope),
        "label": f"{label} {detail.split(' ')[0]}" if detail.startswith("within") else label,
        "on": is_on,
        "reason": None if is_on else reason,
    }


def groupings_of(spec: ModelSpec, facts: DataFacts) -> list[tuple[str, ...]]:
    """Columns that can be groupings, and combinations of two chosen ones or of a column nested in a chosen one."""
    taken = {frozenset(term.group) for term in spec.random}
    outcome = set(columns_of(parse_factor(spec.outcome))) if spec.outcome else set()
    single = [
        (name,) for name, column in facts.profiles.items() if column.group_problem is None and name not in outcome
    ]
    chosen = [term.group for term in spec.random]
    combined = [(*group, *other) for group in chosen for other in single if other[0] not in group]
    rows = [(name,) for name in facts.row_names if name not in outcome] if _may_vary_by_row(spec) else []
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for columns in [*single, *_worthwhile(combined, facts), *rows]:
        if frozenset(columns) not in taken:
            found.setdefault(frozenset(columns), columns)
    return list(found.values())


def _may_vary_by_row(spec: ModelSpec) -> bool:
    """Whether each row can have an effect of its own: counts and successes that scatter more than their family lets."""
    return spec.family == "poisson" or spec.outcome.startswith("cbind(")


def grouping_id(columns: tuple[str, ...]) -> str:
    """What the browser calls a grouping that can be added."""
    return ":".join(map(quote_name, columns))


def _worthwhile(combined: Iterable[tuple[str, ...]], facts: DataFacts) -> list[tuple[str, ...]]:
    """Combinations that make new groups of several rows."""
    found = []
    for columns in combined:
        if facts.profiles[columns[-1]].n_distinct > facts.frame.n_rows // 2:
            continue
        n_levels = len(facts.group(columns)[1])
        parts = max(len(facts.group(columns[:-1])[1]), facts.profiles[columns[-1]].n_distinct)
        if parts < n_levels <= facts.frame.n_rows // 2:
            found.append(columns)
    return found


def _group_choice(columns: tuple[str, ...], facts: DataFacts) -> Payload:
    if columns[0] in facts.row_names:
        detail = "one group a row: scatter beyond the family's"
    elif len(columns) == 1:
        detail = f"{facts.profiles[columns[0]].n_distinct:,} groups"
    else:
        detail = f"{len(facts.group(columns)[1]):,} groups, {columns[-1]} within {':'.join(columns[:-1])}"
    return {"id": grouping_id(columns), "label": ":".join(columns), "detail": detail}
