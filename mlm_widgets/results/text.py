"""A fitted model in words and numbers: its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mlm_widgets.design import random_label
from mlm_widgets.families import Family
from mlm_widgets.summary import Section, Summary, number, p_value

__all__ = ["DF_NAMES", "comparison_summary", "fixed_section", "prediction_note", "random_section", "summary_of"]

DF_NAMES = {"satterthwaite": "Satterthwaite df", "kenward-roger": "Kenward-Roger SE and df", "normal": "normal"}


def summary_of(
    formula: str,
    family: Family,
    glance: pd.DataFrame,
    n_groups: Mapping[str, int],
    sections: list[Section],
    notes: list[str],
) -> Summary:
    """The model in text, and as a table in a notebook; `glance` is its one row of facts."""
    row = next(_records(glance))
    facts = [
        ("rows", f"{row.nobs:,}"),
        ("groups", ", ".join(f"{count:,} {name}" for name, count in n_groups.items())),
        (_criterion(family, row.reml), number(row.criterion, 1)),
        ("AIC", number(row.aic, 1)),
        ("BIC", number(row.bic, 1)),
        ("R² marginal", number(row.r2_marginal, 2)),
        ("R² conditional", number(row.r2_conditional, 2)),
        ("ICC", number(row.icc, 2)),
    ]
    if family.has_dispersion and not family.is_gaussian:
        name, value = family.named_dispersion(row.dispersion)
        facts.append((name, number(value)))
    return Summary(_title(family, row.reml, row.n_agq), formula, facts, sections, notes)


def _criterion(family: Family, reml: bool) -> str:
    if reml:
        return "REML criterion"
    return "deviance" if family.is_linear else "−2 log-likelihood"


def _title(family: Family, reml: bool, n_agq: int) -> str:
    if family.is_linear:
        return f"Linear mixed model by {'REML' if reml else 'maximum likelihood'}"
    how = "Laplace" if n_agq == 1 else f"{n_agq}-point quadrature"
    name = family.name.replace("_", " ")
    return f"Generalized linear mixed model, {name} ({family.link.name}), maximum likelihood ({how})"


def prediction_note(family: Family, scale: str, groups: str) -> str:
    """What predictions over a grid are of, in a sentence."""
    if family.is_linear:
        return "Means of the population."
    if scale == "link":
        return f"Linear predictors ({family.link.name}) of a group whose random effects are zero."
    what = "Probabilities" if family.name == "binomial" else "Means of the outcome"
    if groups == "typical":
        return f"{what} in a typical group: random effects are zero. They are not averages over the groups."
    return f"{what} averaged over the distribution of the random effects, as in a population of many groups."


def fixed_section(table: pd.DataFrame, df_method: str) -> Section:
    """The fixed coefficients, or their ratios, from the tidy table of them."""
    what = table.attrs.get("estimate", "coefficient")
    head = "Estimate" if what == "coefficient" else what.capitalize()
    tests, values = (["z"], ["statistic"]) if df_method == "normal" else (["df", "t"], ["df", "statistic"])
    digits = {"df": 1, "statistic": 2}
    rows = [
        [row.term, number(row.estimate), number(row.std_error),
         *(number(getattr(row, name), digits[name]) for name in values),
         p_value(row.p_value), f"{number(row.conf_low)} to {number(row.conf_high)}"]
        for row in _records(table)
    ]  # fmt: skip
    title = f"Fixed effects ({DF_NAMES[df_method]}, Wald intervals)"
    return Section(title, ["Term", head, "SE", *tests, "p", "95 % CI"], rows)


def random_section(table: pd.DataFrame) -> Section:
    """Variances and correlations, from the table of them."""
    correlations: dict[tuple[str, str], list[str]] = {}
    for row in _records(table[table["term2"].notna()]):
        correlations.setdefault((row.group, row.term2), []).append(number(row.sd_or_corr, 2))
    rows = []
    for row in _records(table[table["term2"].isna()]):
        term = "" if row.group == "Residual" else random_label(row.term1)
        corr = " ".join(correlations.get((row.group, row.term1), []))
        rows.append([row.group, term, number(row.variance), number(row.sd_or_corr), corr])
    return Section("Random effects", ["Group", "Term", "Variance", "SD", "Corr"], rows, n_text=2)


def comparison_summary(
    table: pd.DataFrame, formulas: Mapping[str, str], outcome: str, n_obs: int, notes: list[str], *, reml: bool
) -> Summary:
    """Models side by side in text, and as a table in a notebook; `table` is that of the comparison."""
    best, weight = str(table["AIC"].idxmin()), float(table["weight"].max())
    facts = [
        ("rows", f"{n_obs:,}"),
        ("best by AIC", f"{best} (weight {number(weight, 2)})"),
        ("best by BIC", str(table["BIC"].idxmin())),
    ]
    rows = [
        [str(name), str(row.npar), number(row.AIC, 1), number(row.AICc, 1), number(row.BIC, 1),
         number(row.logLik, 1), number(row.deviance, 1), number(row.Chisq, 2), number(row.Df, 0), p_value(row.p),
         number(row.evidence_ratio, 1)]
        for name, row in zip(table.index, _records(table), strict=True)
    ]  # fmt: skip
    criterion = "REML criterion" if reml else "deviance"
    head = ["Model", "npar", "AIC", "AICc", "BIC", "log L", criterion, "Chisq", "Df", "p", "Evidence ratio"]
    sections = [
        Section("Models", ["Model", "Formula"], [[name, text] for name, text in formulas.items()], n_text=2),
        Section("Each against the one before", head, rows),
    ]
    how = "REML" if reml else "maximum likelihood"
    return Summary(f"Comparison of {len(table)} models by {how}", outcome, facts, sections, notes)


def _records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table as named tuples."""
    yield from table.itertuples(index=False)
