"""A fitted model in words and numbers: its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from mlm_widgets.design import random_label
from mlm_widgets.summary import Section, Summary, number, p_value

__all__ = ["fixed_section", "random_section", "summary_of"]


def summary_of(
    formula: str, glance: pd.DataFrame, n_groups: Mapping[str, int], sections: list[Section], notes: list[str]
) -> Summary:
    """The model in text, and as a table in a notebook; `glance` is its one row of facts."""
    row = next(_records(glance))
    facts = [
        ("rows", f"{row.nobs:,}"),
        ("groups", ", ".join(f"{count:,} {name}" for name, count in n_groups.items())),
        ("REML criterion" if row.reml else "deviance", number(row.criterion, 1)),
        ("AIC", number(row.aic, 1)),
        ("BIC", number(row.bic, 1)),
        ("R² marginal", number(row.r2_marginal, 2)),
        ("R² conditional", number(row.r2_conditional, 2)),
        ("ICC", number(row.icc, 2)),
    ]
    return Summary(
        f"Linear mixed model by {'REML' if row.reml else 'maximum likelihood'}", formula, facts, sections, notes
    )


def fixed_section(table: pd.DataFrame, df_method: str) -> Section:
    """The fixed coefficients, from the tidy table of them."""
    name = "Satterthwaite df" if df_method == "satterthwaite" else "normal"
    rows = [
        [row.term, number(row.estimate), number(row.std_error), number(row.df, 1), number(row.statistic, 2),
         p_value(row.p_value), f"{number(row.conf_low)} to {number(row.conf_high)}"]
        for row in _records(table)
    ]  # fmt: skip
    return Section(
        f"Fixed effects ({name}, Wald intervals)", ["Term", "Estimate", "SE", "df", "t", "p", "95 % CI"], rows
    )


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


def _records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table as named tuples."""
    yield from table.itertuples(index=False)
