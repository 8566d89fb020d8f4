"""told.json and the tables that it was made from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from mlm_widgets import datasets

__all__ = ["generalized_table", "told"]

HERE = Path(__file__).parents[1] / "reference"


@cache
def told() -> dict[str, Any]:
    """What told.R has written."""
    return dict(json.loads((HERE / "told.json").read_text()))


def generalized_table(name: str) -> pd.DataFrame:
    """A table of told.R, with its factors as text."""
    if name != "generalized":
        return datasets.load(name)
    data = pd.read_csv(HERE / "data" / "generalized.csv")
    return data.astype({"g": str, "h": str, "k": str})
