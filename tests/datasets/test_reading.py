import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import datasets
from mlm_widgets.datasets.catalogue import CATALOGUE
from mlm_widgets.errors import DatasetError

# What R's packages have, written by levels.R.
IN_R = json.loads((Path(__file__).parent / "levels.json").read_text(encoding="utf-8"))
NAMES = [
    "hsb",
    "sleepstudy",
    "penicillin",
    "pastes",
    "dyestuff2",
    "cake",
    "cbpp",
    "contraception",
    "grouseticks",
    "verbagg",
]
# R printed ten digits of each sum.
SUM_TOLERANCE = 1e-9


def test_catalogue_holds_the_promised_tables() -> None:
    assert list(CATALOGUE) == NAMES
    assert sorted(IN_R) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_columns_levels_and_values_are_those_of_r(name: str) -> None:
    frame = datasets.load(name)
    assert set(frame.columns) == set(IN_R[name])
    for column, in_r in IN_R[name].items():
        values = frame[column]
        if "levels" in in_r:
            assert isinstance(values.dtype, pd.CategoricalDtype)
            assert values.cat.categories.to_list() == in_r["levels"]
            assert values.cat.ordered == in_r["ordered"]
            codes = values.cat.codes.to_numpy().astype(np.int64) + 1
            assert int(codes @ np.arange(1, len(frame) + 1)) == in_r["codes_sum"]
        else:
            assert pd.api.types.is_numeric_dtype(values)
            assert float(values.sum()) == pytest.approx(in_r["sum"], rel=SUM_TOLERANCE, abs=1e-9)
            assert float(values.iloc[0]) == pytest.approx(in_r["first"])


@pytest.mark.parametrize("name", NAMES)
def test_catalogue_agrees_with_the_file(name: str) -> None:
    dataset, frame = CATALOGUE[name], datasets.load(name)
    assert [column.name for column in dataset.columns] == frame.columns.to_list()
    assert len(frame) == dataset.n_rows
    assert not frame.isna().any().any()
    assert dataset.outcome in frame.columns
    for group, n_levels in dataset.groups:
        assert frame.groupby(group.split(":"), observed=True).ngroups == n_levels


@pytest.mark.parametrize("name", NAMES)
def test_frame_carries_its_name_and_units(name: str) -> None:
    attrs = datasets.load(name).attrs
    assert attrs["name"] == name
    assert attrs["units"] == {c.name: c.unit for c in CATALOGUE[name].columns if c.unit}


def test_each_call_gives_a_fresh_copy() -> None:
    first = datasets.load("sleepstudy")
    first.loc[0, "Reaction"] = -1.0
    first.attrs["units"]["Reaction"] = "years"
    second = datasets.load("sleepstudy")
    assert second.loc[0, "Reaction"] == 249.56
    assert second.attrs["units"]["Reaction"] == "ms"


def test_describe_has_a_row_a_table() -> None:
    table = datasets.describe()
    assert table.columns.to_list() == ["name", "rows", "outcome", "groups", "title", "source"]
    assert table["name"].to_list() == NAMES
    assert table.set_index("name").loc["verbagg", "groups"] == "316 id, 24 item"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sleepstudi", "Closest: sleepstudy."),
        ("HSB", "Closest: hsb."),
        ("iris", "The data sets are: hsb, "),
        ("../errors", "The data sets are: hsb, "),
        (3, "The data sets are: hsb, "),
        (["hsb"], "Closest: hsb."),
    ],
)
def test_unknown_name_offers_the_nearest(name: object, hint: str) -> None:
    with pytest.raises(DatasetError) as caught:
        datasets.load(name)  # type: ignore[arg-type]
    assert caught.value.argument == "name"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("name", NAMES)
def test_provenance_names_source_and_every_column(name: str) -> None:
    text = Path(datasets.__file__).with_name("PROVENANCE.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
    dataset = CATALOGUE[name]
    assert f"Source: {dataset.source}." in section
    for column in dataset.columns:
        row = next(line for line in section.splitlines() if line.startswith(f"| {column.name} |"))
        assert column.meaning in row
        assert (column.unit or ("factor" if column.is_factor else "none")) in row
