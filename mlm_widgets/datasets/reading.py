"""From the shipped CSV files to data frames."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pandas as pd

from mlm_widgets.datasets.catalogue import CATALOGUE, Column, Dataset
from mlm_widgets.errors import DatasetError, closest

__all__ = ["describe", "load"]


def load(name: str) -> pd.DataFrame:
    """Read a data set that comes with the package; no network is needed.

    Factors are ``pandas.Categorical`` with their levels in R's order, so that the reference level of a model fitted
    here is the one of a published analysis.

    Parameters
    ----------
    name : str
        One of

        - ``"hsb"``: mathematics achievement of 7,185 pupils in 160 schools (High School and Beyond, 1982)
        - ``"sleepstudy"``: reaction times of 18 subjects over ten days without sleep
        - ``"penicillin"``: 24 plates crossed with 6 samples
        - ``"pastes"``: strength of a paste, casks nested in batches
        - ``"dyestuff2"``: 6 batches whose variance is estimated as zero
        - ``"cake"``: breaking angle of cakes, a split-plot experiment
        - ``"cbpp"``: new cases of a cattle disease in 15 herds (binomial)
        - ``"contraception"``: use of contraception by 1,934 women in 60 districts (binary)
        - ``"grouseticks"``: ticks on grouse chicks in 118 broods (counts)
        - ``"verbagg"``: 316 persons crossed with 24 questions (binary)

    Returns
    -------
    pandas.DataFrame
        A fresh copy at each call. ``attrs["name"]`` is `name`, ``attrs["units"]`` maps numeric columns to their units.

    Raises
    ------
    DatasetError
        If no data set has that name; the nearest names are offered.

    Examples
    --------
    >>> sleepstudy = load("sleepstudy")
    >>> sleepstudy.shape
    (180, 3)
    >>> sleepstudy.attrs["units"]
    {'Reaction': 'ms', 'Days': 'days'}
    >>> load("hsb")["sector"].cat.categories.to_list()
    ['Public', 'Catholic']
    """
    dataset = _find(name)
    text_columns = {column.name: str for column in dataset.columns if column.is_factor}
    with (resources.files("mlm_widgets.datasets") / f"{dataset.name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=text_columns, keep_default_na=False)
    for column in dataset.columns:
        if column.is_factor:
            frame[column.name] = _to_categorical(frame[column.name], column)
    frame.attrs = {"name": dataset.name, "units": {c.name: c.unit for c in dataset.columns if c.unit is not None}}
    return frame


def describe() -> pd.DataFrame:
    """Describe the data sets that come with the package, one row each.

    Returns
    -------
    pandas.DataFrame
        Columns ``name``, ``rows``, ``outcome``, ``groups`` (grouping factors with their number of levels), ``title``
        and ``source``.

    Examples
    --------
    >>> table = describe().set_index("name")
    >>> table.loc["penicillin", ["outcome", "groups"]].to_list()
    ['diameter', '24 plate, 6 sample']
    """
    rows = [
        {
            "name": dataset.name,
            "rows": dataset.n_rows,
            "outcome": dataset.outcome,
            "groups": ", ".join(f"{n_levels} {name}" for name, n_levels in dataset.groups),
            "title": dataset.title,
            "source": dataset.source,
        }
        for dataset in CATALOGUE.values()
    ]
    return pd.DataFrame(rows)


def _find(name: str) -> Dataset:
    dataset = CATALOGUE.get(name) if isinstance(name, str) else None
    if dataset is None:
        near = closest(str(name), CATALOGUE)
        hint = f"Closest: {', '.join(near)}." if near else f"The data sets are: {', '.join(CATALOGUE)}."
        raise DatasetError(f"No data set is called {name!r}.", hint=hint, argument="name")
    return dataset


def _to_categorical(values: pd.Series[str], column: Column) -> pd.Series[Any]:
    levels = list(column.levels) or _in_natural_order(values.unique().tolist())
    return values.astype(pd.CategoricalDtype(levels, ordered=column.is_ordered))


def _in_natural_order(labels: list[str]) -> list[str]:
    """Return numbers by value and everything else as it first appears, which is R's order in all the tables here."""
    return sorted(labels, key=int) if all(label.isdigit() for label in labels) else labels
