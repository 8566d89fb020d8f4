"""What the result tabs show: the controls of the charts, and the charts themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlm_widgets.design import random_label, variables_of
from mlm_widgets.errors import MlmError, OptionError
from mlm_widgets.formula import parse_factor
from mlm_widgets.inference import shown_name
from mlm_widgets.plots import (
    caterpillar_spec,
    coefficients_spec,
    has_average,
    outcome_words,
    predictions_spec,
    ratio_name,
    sentence,
)
from mlm_widgets.results import MixedModel

__all__ = ["CHARTS", "Views", "changed_views", "chart_payload", "views_for", "views_payload"]

Payload = dict[str, Any]

CHARTS = ("coefficients", "caterpillar", "predictions")
MODES = ("sd", "quartiles", "given")
DEFAULT_VALUES = {"mode": "sd", "text": ""}


@dataclass(frozen=True, slots=True)
class Views:
    """How the charts are to be drawn; ids are names of groupings, terms and variables of the model."""

    intercept: bool = False
    ratios: bool = True
    group: str | None = None
    group_ratios: bool = False
    sort: str | None = None
    along: str | None = None
    lines: str | None = None
    panels: str | None = None
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bands: bool = True
    raw: bool = False
    average: bool = False


def views_for(model: MixedModel, last: Views) -> Views:
    """The views for a new model: the person's choices where they still exist, else what suits the model."""
    groups = list(model.n_groups)
    group = last.group if last.group in groups else groups[0]
    terms = _terms_of(model, group)
    along, lines, panels = _shown_predictors(model, last)
    return replace(
        last,
        group=group,
        sort=last.sort if last.sort in terms else terms[0],
        along=along,
        lines=lines,
        panels=panels,
        values={key: value for key, value in last.values.items() if key in model.predictors},
    )


def _terms_of(model: MixedModel, group: str) -> list[str]:
    fits = {fit.grouping.name: fit.grouping for fit in model.fit_result.groups}
    return list(fits[group].names)


def _shown_predictors(model: MixedModel, last: Views) -> tuple[str | None, str | None, str | None]:
    choices = model.predictors
    if last.along in choices:
        kept = [key if key in choices else None for key in (last.lines, last.panels)]
        if kept[0] is not None or not _partners(model, last.along):
            return last.along, kept[0], kept[1] if kept[0] else None
    numbers = [key for key in choices if model.column_kind(key) == "number"]
    interacting = [key for key in numbers if _partners(model, key)]
    along = next(iter([*interacting, *numbers, *choices]), None)
    if along is None:
        return None, None, None
    partners = _partners(model, along)
    factors_first = sorted(partners, key=lambda key: model.column_kind(key) != "factor")
    lines, panels = [*factors_first, None, None][:2]
    return along, lines, panels


def _partners(model: MixedModel, key: str) -> list[str]:
    """Variables that `key` interacts with."""
    found: list[str] = []
    for term in model.spec.terms:
        parts = [part for factor in term for part in _variables(factor)]
        if len(term) > 1 and key in parts:
            found.extend(part for part in parts if part != key)
    return list(dict.fromkeys(found))


def _variables(factor: str) -> list[str]:
    """Names of the variables of a factor, as `MixedModel.predictors` has them."""
    return [shown_name(key) for key in variables_of(parse_factor(factor))]


def views_payload(model: MixedModel | None, views: Views) -> Payload:
    """The controls of the charts."""
    if model is None:
        groups, terms, choices = [], [], []
    else:
        groups = [{"id": name, "label": name} for name in model.n_groups]
        terms = [{"id": name, "label": random_label(name)} for name in _terms_of(model, views.group or groups[0]["id"])]
        choices = [_choice(model, key) for key in model.predictors]
    shown = {key: dict(views.values.get(key, DEFAULT_VALUES)) for key in (views.lines, views.panels) if key is not None}
    is_number = {choice["id"]: choice["kind"] == "number" for choice in choices}
    return {
        "coefficients": {"intercept": views.intercept, "ratios": views.ratios, "ratio_names": _ratio_names(model)},
        "caterpillar": {
            "groups": groups,
            "group": views.group,
            "terms": terms,
            "sort": views.sort,
            "ratios": views.group_ratios,
            "ratio_names": _ratio_names(model),
        },
        "predictions": {
            "choices": choices,
            "along": views.along,
            "lines": views.lines,
            "panels": views.panels,
            "values": {key: value for key, value in shown.items() if is_number.get(key)},
            "bands": views.bands,
            "raw": views.raw,
            "average": None if model is None or not has_average(model.family) else views.average,
            "level": 0.95,
        },
    }


def _ratio_names(model: MixedModel | None) -> str | None:
    """What the effects are as ratios: "Odds ratios"; None where they are none."""
    name = None if model is None else ratio_name(model.family)
    return None if name is None else sentence(f"{name}s")


def _choice(model: MixedModel, key: str) -> Payload:
    label, detail = model.predictor_label(key)
    return {"id": key, "label": f"{label} {detail}".strip(), "kind": model.column_kind(key)}


def changed_views(model: MixedModel | None, views: Views, changes: Mapping[str, Any]) -> Views:
    """The views after a person's choice; names that the model does not have are refused."""
    predictors: list[str | None] = [*(model.predictors if model else []), None]
    allowed: dict[str, list[str | None]] = {"along": predictors, "lines": predictors, "panels": predictors}
    allowed["group"] = [*(model.n_groups if model else [])]
    allowed["sort"] = []
    group = changes.get("group", views.group)
    if model is not None and group in allowed["group"]:
        allowed["sort"] = [*_terms_of(model, str(group))]
    for name, options in allowed.items():
        if name in changes and changes[name] not in options:
            listed = ", ".join(str(option) for option in options if option is not None)
            raise OptionError(f"The model has no “{changes[name]}”.", hint=f"Choose one of: {listed}.")
    unknown = [key for key in changes.get("values", {}) if key not in predictors]
    if unknown:
        raise OptionError(f"The model has no “{unknown[0]}”.")
    last = views
    views = replace(views, **changes)
    if model is not None and "group" in changes and "sort" not in changes:
        views = replace(views, sort=_terms_of(model, str(views.group))[0])
    return _without_repeats(last, views, changes)


def _without_repeats(last: Views, views: Views, changes: Mapping[str, Any]) -> Views:
    """A predictor stands in one place: chosen for another it swaps; an empty place is filled from behind."""
    places = ("along", "lines", "panels")
    for name in places:
        if name in changes and changes[name] is not None:
            others: dict[str, Any] = {
                other: getattr(last, name)
                for other in places
                if other != name and getattr(views, other) == changes[name]
            }
            views = replace(views, **others)
    shown = [key for key in (views.along, views.lines, views.panels) if key is not None]
    along, lines, panels = [*shown, None, None, None][:3]
    return replace(views, along=along, lines=lines, panels=panels)


def chart_payload(name: str, model: MixedModel, views: Views, version: int) -> Payload:
    """The Vega-Lite specification of a chart, or the reason why there is none."""
    try:
        spec = _spec(name, model, views)
        json.dumps(spec, allow_nan=False)
        return {"spec": spec, "version": version}
    except MlmError as error:
        return {"message": f"{error.message} {error.hint or ''}".strip()}
    except Exception as error:  # noqa: BLE001  (the other charts and the numbers are shown all the same)
        return {"message": f"This chart could not be drawn: {type(error).__name__}: {error}. Please report this."}


def _spec(name: str, model: MixedModel, views: Views) -> Payload:
    if name == "coefficients":
        is_ratio = views.ratios and ratio_name(model.family) is not None
        what = _ratio_names(model) if is_ratio else "Fixed effects"
        title = f"{what}, {outcome_words(model)}" if is_ratio else f"{what} on {outcome_words(model)}"
        return coefficients_spec(model, intercept=views.intercept, exponentiate=is_ratio, title=title)
    if name == "caterpillar":
        title = f"Random effects of {views.group}"
        is_ratio = views.group_ratios and ratio_name(model.family) is not None
        return caterpillar_spec(model, group=views.group, sort=views.sort, exponentiate=is_ratio, title=title)
    if views.along is None:
        raise MlmError("The model has no predictors.", hint="Add one to see predictions.")
    shown: dict[str, Any] = {views.along: None}
    for key in (views.lines, views.panels):
        if key is not None:
            shown[key] = _chosen_values(views, key) if model.column_kind(key) == "number" else None
    groups = "average" if views.average and has_average(model.family) else "typical"
    return predictions_spec(model, shown, bands=views.bands, raw=views.raw, groups=groups)


def _chosen_values(views: Views, key: str) -> Any:
    chosen = views.values.get(key, DEFAULT_VALUES)
    if chosen["mode"] != "given":
        return chosen["mode"]
    try:
        values = [float(text) for text in chosen["text"].replace(";", ",").split(",") if text.strip()]
    except ValueError:
        values = []
    if not values or not all(map(math.isfinite, values)):
        raise MlmError(f"“{chosen['text']}” is no list of numbers.", hint="Write values with commas between: 0, 7.")
    return values
