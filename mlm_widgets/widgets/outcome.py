"""A fitted model as JSON: what `fit` holds for the browser."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from mlm_widgets.design import coefficient_labels, factor_label, random_label
from mlm_widgets.errors import MlmError
from mlm_widgets.formula import parse_factor
from mlm_widgets.plots import effect_scale, ratio_name, sentence
from mlm_widgets.results import MixedModel
from mlm_widgets.widgets.families import family_words

__all__ = ["EMPTY_FIT", "failed_payload", "ready_payload", "running_payload"]

Payload = dict[str, Any]

EMPTY_FIT: Payload = {
    "state": "empty",
    "formula": "",
    "stale": False,
    "kind": "ok",
    "word": "",
    "facts": [],
    "message": None,
    "hint": None,
    "findings": [],
    "summary": None,
    "code": None,
    "elapsed_ms": 0,
}
WORDS = {
    "converged": ("ok", "Converged"),
    "boundary": ("boundary", "At the boundary"),
    "failed": ("error", "Not converged"),
}


def running_payload(last: Payload, *, is_stale: bool) -> Payload:
    """The last results, while the next model is being fitted."""
    return {**last, "state": "running", "stale": is_stale, "message": None, "hint": None}


def failed_payload(last: Payload, error: MlmError) -> Payload:
    """The last results, stale, with what went wrong."""
    return {
        **last,
        "state": "failed",
        "stale": last["summary"] is not None,
        "kind": "error",
        "word": "Not fitted",
        "message": error.message,
        "hint": error.hint,
    }


def ready_payload(model: MixedModel, data_name: str, elapsed_ms: float) -> Payload:
    """Everything that is shown of a fitted model."""
    kind, word = WORDS[model.state]
    return {
        "state": "ready",
        "formula": model.formula,
        "stale": False,
        "kind": kind,
        "word": word,
        "facts": _facts(model, elapsed_ms),
        "message": None,
        "hint": None,
        "findings": [asdict(finding) for finding in model.findings],
        "summary": _summary(model),
        "code": {"python": model.to_python(data_name), "r": model.to_r(data_name)},
        "elapsed_ms": round(elapsed_ms, 1),
    }


def _facts(model: MixedModel, elapsed_ms: float) -> list[list[Payload]]:
    n = model.trace.n_evaluations
    facts = [] if model.is_linear else [_method(model)]
    facts.append([_run(f"{n} evaluation{'s' * (n != 1)} · {_duration(elapsed_ms)}")])
    for name, sizes in model.group_sizes.items():
        low, high = int(sizes.min()), int(sizes.max())
        span = f"{low:,}" if low == high else f"{low:,}–{high:,}"
        counts = [_run(f"{len(sizes):,}", strong=True), _run(" groups of "), _run(span, strong=True), _run(" rows")]
        facts.append([_run(f"{name}: "), *counts])
    if model.null is not None:
        icc = model.null.icc()
        for name, value in icc.by_group.items():
            label = "ICC " if len(icc.by_group) == 1 else f"ICC {name} "
            facts.append([_run(label), _run(_two_digits(value), strong=True)])
    for name, column in (("weights", model.spec.weights), ("offset", model.spec.offset)):
        if column is not None:
            facts.append([_run(f"{name} "), _run(column, strong=True)])
    dropped = model.fit_result.design.n_rows - model.nobs
    facts.append([_run(f"{dropped:,} rows dropped" if dropped else "no rows dropped")])
    return facts


def _method(model: MixedModel) -> list[Payload]:
    """Family, link and approximation of a generalized model."""
    nodes = f"adaptive quadrature, {model.n_agq} nodes" if model.n_agq > 1 else "Laplace"
    return [_run(family_words(model.family.name), strong=True), _run(f", {model.family.link.name} link · {nodes}")]


def _run(text: str, *, strong: bool = False) -> Payload:
    return {"text": text, "strong": True} if strong else {"text": text}


def _two_digits(value: float) -> str:
    return f"{value:.2f}"


def _duration(elapsed_ms: float) -> str:
    return f"{elapsed_ms:.0f} ms" if elapsed_ms < 1000 else f"{elapsed_ms / 1000:.1f} s"


def _summary(model: MixedModel) -> Payload:
    has_df = model.df_method != "normal"
    return {
        "note": _note(model, has_df=has_df),
        "has_df": has_df,
        "statistic_name": "t" if has_df else "z",
        "ratio": _ratio(model),
        "fixed": _fixed(model),
        "random": _random(model),
        "fit": _fit_statistics(model),
        "explained": _explained(model),
    }


def _note(model: MixedModel, *, has_df: bool) -> str:
    if not model.is_linear:
        return f"{sentence(effect_scale(model.family))}, z tests, Wald intervals"
    if not has_df:
        return "Normal approximation, Wald intervals"
    return f"{'Satterthwaite' if model.df_method == 'satterthwaite' else 'Kenward-Roger SE and'} df, Wald intervals"


def _ratio(model: MixedModel) -> Payload | None:
    """What the exponentials of the coefficients are called; None where they mean nothing."""
    name = ratio_name(model.family)
    if name is None:
        return None
    return {
        "name": sentence(name),
        "plural": sentence(f"{name}s"),
        "baseline": f"baseline {name.removesuffix(' ratio')}",
        "note": f"{sentence(f'{name}s')}, z tests, Wald intervals",
    }


NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")


def _fixed(model: MixedModel) -> list[Payload]:
    labels = {label.term: label for label in coefficient_labels(model.fit_result.design)}
    ratios = _ratios(model)
    rows = []
    for row in model.tidy("fixed").to_dict("records"):
        own = labels[row["term"]]
        rows.append(
            {
                "term": row["term"],
                "label": own.name,
                "detail": own.detail,
                "level": own.level,
                "is_intercept": own.is_intercept,
                **{key: _json(row[key]) for key in NUMBERS},
                "ratio": ratios.get(row["term"]),
            }
        )
    return rows


def _ratios(model: MixedModel) -> dict[str, Payload]:
    """The estimates as ratios with their limits, by term; none where they are no ratios."""
    if ratio_name(model.family) is None:
        return {}
    table = model.tidy("fixed", exponentiate=True).to_dict("records")
    return {row["term"]: {key: _json(row[key]) for key in ("estimate", "conf_low", "conf_high")} for row in table}


def _json(value: float) -> float | None:
    """A number that JSON can hold."""
    return None if value is None or not math.isfinite(value) else float(value)


def _random(model: MixedModel) -> list[Payload]:
    rows: list[Payload] = []
    by_term: dict[tuple[str, str], Payload] = {}
    for row in model.varcorr().to_dict("records"):
        group, first, second = row["group"], row["term1"], row["term2"]
        if group == "Residual" and not model.is_linear:
            continue  # its dispersion is no random effect: it stands under Fit
        if isinstance(second, str):
            by_term[group, second]["corr"].append(_json(row["sd_or_corr"]))
            continue
        label, detail = _random_label(first) if isinstance(first, str) else ("", "")
        sizes = {"variance": _json(row["variance"]), "sd": _json(row["sd_or_corr"])}
        rows.append({"group": group, "term": label, "detail": detail, **sizes, "corr": []})
        by_term[group, str(first)] = rows[-1]
    return rows


def _random_label(name: str) -> tuple[str, str]:
    if name == "Intercept":
        return name, ""
    try:
        return factor_label(parse_factor(name))
    except MlmError:
        return random_label(name), ""


def _fit_statistics(model: MixedModel) -> list[Payload]:
    name = "REML criterion" if model.reml else "Deviance" if model.is_linear else "−2 log-likelihood"
    rows = [
        (name, model.criterion, 1),
        ("Log-likelihood", model.llf, 1),
        ("AIC", model.aic, 1),
        ("BIC", model.bic, 1),
        ("Parameters", model.n_params, 0),
        ("Rows", model.nobs, 0),
    ]
    if not model.is_linear and model.family.has_dispersion:
        name, value = model.family.named_dispersion(model.dispersion)
        rows.append((sentence(name), value, 3 if abs(value) < 100 else 1))
    return [{"label": label, "value": value, "digits": digits} for label, value, digits in rows]


def _explained(model: MixedModel) -> list[Payload]:
    r2, icc = model.r2(), model.icc()
    rows = [("R² marginal", r2.marginal, "r2"), ("R² conditional", r2.conditional, "r2")]
    if model.null is not None:
        rows.append(("ICC, no predictors", model.null.icc().adjusted, "icc"))
    rows.append(("ICC, this model", icc.adjusted, "icc"))
    return [{"label": label, "value": _json(value), "kind": kind} for label, value, kind in rows]
