"""Fitted models shared by the tests, each fitted once a session and only when a test asks for it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlm_widgets import MixedModel, datasets, fit

REFERENCE = Path(__file__).parent / "reference"


@cache
def lme4() -> dict[str, dict[str, Any]]:
    """Entries of lme4.json (made by reference/published.R) by id."""
    return dict(json.loads((REFERENCE / "lme4.json").read_text()))


@cache
def more() -> dict[str, dict[str, Any]]:
    """Entries of more.json (made by reference/more.R) by id."""
    return dict(json.loads((REFERENCE / "more.json").read_text()))


@cache
def glmmtmb() -> dict[str, dict[str, Any]]:
    """Entries of glmm.json (made by reference/glmm.R) by id."""
    return dict(json.loads((REFERENCE / "glmm.json").read_text()))


@cache
def anova_entries() -> dict[str, dict[str, dict[str, Any]]]:
    """Entries of anova.json (made by reference/anova.R) by id, under "linear" and "generalized"."""
    return dict(json.loads((REFERENCE / "anova.json").read_text()))


@cache
def compared() -> dict[str, dict[str, Any]]:
    """Entries of compare.json (made by reference/compare.R) by id."""
    return dict(json.loads((REFERENCE / "compare.json").read_text()))


@cache
def _table(name: str) -> pd.DataFrame:
    if name == "crossed":
        return pd.read_csv(REFERENCE / "crossed.csv")
    if name in ("generalized", "factors", "shares"):
        return pd.read_csv(REFERENCE / "data" / f"{name}.csv")
    data = datasets.load(name)
    if name == "hsb":  # as published.R has it
        data["cses"] = data["ses"] - data["meanses"]
        data["sector"] = (data["sector"] == "Catholic").astype(int)
    if name == "sleepstudy":  # as more.R has it
        week = ["early" if day < 4 else "middle" if day < 7 else "late" for day in data["Days"]]
        data["week"] = pd.Categorical(week, categories=["early", "middle", "late"])
    return data


def table(name: str) -> pd.DataFrame:
    """The table that the references of that name were made from; a copy."""
    return _table(name).copy()


def prepared_table(name: str) -> pd.DataFrame:
    """The table with the weights `w` and the offset `o` of engine.R and compare.R."""
    data = table(name)
    row = np.arange(1, len(data) + 1)
    return data.assign(w=0.5 + (row % 5) / 2, o=np.round(np.sin(row), 6))


@cache
def fitted(formula: str, data: str, reml: bool = True, df_method: str = "satterthwaite") -> MixedModel:
    """A model of one of the tables."""
    return fit(formula, _table(data), reml=reml, df_method=df_method)


@cache
def generalized(
    formula: str, data: str, family: str, link: str | None = None, n_agq: int = 1, weights: str | None = None
) -> MixedModel:
    """A generalized model of one of the tables."""
    return fit(formula, _table(data), family=family, link=link, n_agq=n_agq, weights=weights)


def reference_model(entry: dict[str, Any]) -> MixedModel:
    """Our fit of a reference entry's model."""
    return fitted(entry["formula"], entry["data"], entry["REML"])
