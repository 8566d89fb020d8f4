"""Guidance: each finding is there when its fault is, and not on data without it, the shipped tables among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from mlm_widgets.inference import Finding
from mlm_widgets.inference.guidance import badly_scaled, group_predictors, identifiers, low_icc, small_groups
from mlm_widgets.inference.reuse import reused_levels
from tests.inference.test_findings import many_groups

SHIPPED: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("mathach ~ ses * sector + meanses + (ses | school)", "hsb", {}, []),
    ("mathach ~ ses + meanses + size + (1 | school)", "hsb", {}, ["size: scales"]),
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {}, []),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", {}, []),
    ("strength ~ 1 + (1 | batch/cask)", "pastes", {}, ["batch:cask: rows"]),
    ("strength ~ 1 + (1 | batch) + (1 | sample)", "pastes", {}, ["sample: rows"]),
    ("strength ~ 1 + (1 | batch) + (1 | cask)", "pastes", {}, ["cask: anew", "cask: ICC"]),
    ("Yield ~ 1 + (1 | Batch)", "dyestuff2", {}, ["Batch: ICC"]),
    ("angle ~ recipe * temp + (1 | recipe:replicate)", "cake", {}, []),
    ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", {"family": "binomial"}, ["herd: rows"]),
    ("use ~ age + urban + livch + (1 | district)", "contraception", {"family": "binomial"}, []),
    (
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "grouseticks",
        {"family": "poisson"},
        ["BROOD: rows"],
    ),
    ("r2 ~ Anger + Gender + btype + (1 | id) + (1 | item)", "verbagg", {"family": "binomial"}, []),
    (
        "r2 ~ Anger + btype + situ + mode + (1 | id) + (1 | item)",
        "verbagg",
        {"family": "binomial"},
        ["item: coefficients"],
    ),
]
WORDS = {
    "scales": "scales",
    "rows": "rows on average",
    "anew": "given anew",
    "ICC": "The ICC",
    "coefficients": "coefficients of predictors",
}


@pytest.mark.parametrize(
    ("formula", "data", "how", "expected"), SHIPPED, ids=[f"{k}-{row[1]}" for k, row in enumerate(SHIPPED)]
)
def test_shipped_tables_have_these_faults_and_no_other(
    formula: str, data: str, how: dict[str, Any], expected: list[str]
) -> None:
    found = mlm.fit(formula, mlm.datasets.load(data), **how).guidance
    assert sorted(finding.component for finding in found) == sorted(text.split(": ")[0] for text in expected)
    for text in expected:
        name, word = text.split(": ")
        assert any(finding.component == name and WORDS[word] in finding.message for finding in found)
    assert all(finding.severity == "info" and finding.action for finding in found)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


# -- predictors of groups ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_groups", "n_found"), [(19, 1), (20, 0)])
def test_a_predictor_of_groups_needs_ten(n_groups: int, n_found: int) -> None:
    data = many_groups(n_groups).assign(v=lambda d: d["g"] % 7)
    assert len(group_predictors(mlm.fit("y ~ x + w + v + (1 | g)", data).fit_result)) == n_found
    assert group_predictors(mlm.fit("y ~ x + w + w:x + (1 | g)", data).fit_result) == []


def test_predictors_of_schools_do_not_count_for_classes() -> None:
    data = many_groups(60).assign(s=lambda d: d["g"] // 3, v=lambda d: (d["g"] // 3) ** 2, u=lambda d: d["g"] // 3 % 2)
    found = only(group_predictors(mlm.fit("y ~ v + u + w + s + (1 | s/g)", data).fit_result))
    assert found.component == "s"
    assert "3 coefficients" in found.message
    assert "20 levels" in found.message
    assert "at most 2" in str(found.action)
    data = many_groups(20).assign(s=lambda d: d["g"] // 2, v=lambda d: (d["g"] // 2) ** 2)
    found = only(group_predictors(mlm.fit("y ~ v + s + w + (1 | s/g)", data).fit_result))
    assert (found.component, found.message[:14]) == ("s", "2 coefficients")


def test_collinear_predictors_do_not_count() -> None:
    data = many_groups(15).assign(v=lambda d: 2 * d["w"])
    assert group_predictors(mlm.fit("y ~ x + w + v + (1 | g)", data).fit_result) == []


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_small_groups() -> None:
    data = many_groups(60, 4)
    assert "4 rows on average" in only(small_groups(mlm.fit("y ~ x + (1 | g)", data).fit_result)).message
    assert small_groups(mlm.fit("y ~ x + (x | g)", many_groups(60, 5)).fit_result) == []


def test_groups_of_one_row_are_counted() -> None:
    data = many_groups(60, 4)
    data = data[(data["g"] > 12) | ~data["g"].duplicated()]
    assert "13 of them of one row" in only(small_groups(mlm.fit("y ~ x + (1 | g)", data).fit_result)).message


def test_fewer_rows_than_random_effects() -> None:
    data = pd.concat([many_groups(60, 2), many_groups(20, 60).assign(g=lambda d: d["g"] + 100)])
    fit = mlm.fit("y ~ x + (x | g)", data).fit_result
    assert "no more rows than random effects (2)" in only(small_groups(fit)).message
    assert small_groups(mlm.fit("y ~ x + (1 | g)", data).fit_result) == []


# -- ICC --------------------------------------------------------------------------------------------------------------


def test_groups_that_differ_little() -> None:
    data = many_groups()
    noise = data.assign(y=np.random.default_rng(4).normal(size=len(data)) + 0.05 * (data["g"] % 2))
    m = mlm.fit("y ~ x + (1 | g)", noise)
    assert m.null is not None
    assert only(low_icc(m.null.fit_result)).component == "g"
    other = mlm.fit("y ~ 1 + (1 | g)", data)
    assert low_icc(other.fit_result) == []


def test_groups_whose_differences_the_predictors_explain_have_an_icc() -> None:
    """What counts is the ICC without predictors."""
    data = many_groups(each=20)
    data["y"] = 2 * data["w"] + np.random.default_rng(4).normal(size=len(data))
    m = mlm.fit("y ~ w + (1 | g)", data)
    assert m.icc().adjusted < 0.05
    assert not any("ICC" in finding.message for finding in m.guidance)


# -- columns ----------------------------------------------------------------------------------------------------------


def test_scales_far_apart() -> None:
    data = many_groups().assign(far=lambda d: d["w"] * 1e4, near=lambda d: d["w"] * 100)
    assert only(badly_scaled(mlm.fit("y ~ x + far + (1 | g)", data).fit_result)).component == "far"
    assert badly_scaled(mlm.fit("y ~ x + near + (1 | g)", data).fit_result) == []
    assert badly_scaled(mlm.fit("y ~ x + scale(far) + (1 | g)", data).fit_result) == []


def test_numbers_that_name_rows_or_groups() -> None:
    data = many_groups().assign(row=lambda d: np.arange(len(d)) + 100, school=lambda d: 1000 + d["g"])
    found = only(identifiers(mlm.fit("y ~ x + row + (1 | g)", data).fit_result))
    assert found.component == "row"
    assert "numbers the rows" in found.message
    assert "grouping" not in str(found.action)
    found = only(identifiers(mlm.fit("y ~ x + school + (1 | g)", data).fit_result))
    assert "numbers the levels of g" in found.message
    assert identifiers(mlm.fit("y ~ x + w + (1 | g)", data).fit_result) == []


def test_text_that_names_things() -> None:
    data = many_groups().assign(
        town=lambda d: "t" + (d["g"] // 1).astype(str), kind=lambda d: "k" + (d["g"] % 5).astype(str)
    )
    data["other"] = np.tile(np.arange(8), 60)
    found = only(identifiers(mlm.fit("y ~ x + town + (1 | other)", data).fit_result))
    assert "60 levels" in found.message
    assert identifiers(mlm.fit("y ~ x + kind + (1 | g)", data).fit_result) == []


def test_years_and_sizes_are_no_identifiers() -> None:
    data = many_groups(60, 15).assign(
        year=lambda d: 2000 + np.tile(np.arange(15), 60), size=lambda d: 100 + d["g"] ** 2
    )
    assert identifiers(mlm.fit("y ~ year + size + (year | g)", data).fit_result) == []
    assert identifiers(mlm.fit("y ~ year + (1 | year) + (1 | g)", data).fit_result) == []


# -- ids used again ---------------------------------------------------------------------------------------------------


def classes(n_schools: int = 12, seed: int = 3) -> pd.DataFrame:
    """Schools of 2 to 6 classes of 8 pupils; `class` begins at 1 in each school, `own` is another name for each."""
    draw = np.random.default_rng(seed)
    n = draw.integers(2, 7, n_schools)
    school = np.repeat(np.arange(n_schools), n)
    number = np.concatenate([np.arange(k) for k in n]) + 1
    y = draw.normal(size=n_schools)[school] + draw.normal(size=len(school))
    data = pd.DataFrame({"school": school, "class": number, "own": np.arange(len(school)), "mean": y})
    data = data.loc[data.index.repeat(8)].reset_index(drop=True)
    return data.assign(y=data["mean"] + draw.normal(size=len(data)))


def test_classes_numbered_anew_in_each_school() -> None:
    m = mlm.fit("y ~ 1 + (1 | school) + (1 | class)", classes())
    found = [finding for finding in m.guidance if "anew" in finding.message]
    assert only(found).component == "class"
    assert "(1 | school/class)" in str(only(found).action)


@pytest.mark.parametrize("formula", ["(1 | school/class)", "(1 | school) + (1 | own)", "(1 | own)"])
def test_classes_with_names_of_their_own(formula: str) -> None:
    m = mlm.fit(f"y ~ 1 + {formula}", classes())
    assert not any("name" in finding.message for finding in m.guidance)


def test_a_class_under_two_schools() -> None:
    data = classes()
    data.loc[data.index[-1], "own"] = 0
    found = [f for f in mlm.fit("y ~ 1 + (1 | school) + (1 | own)", data).guidance if "several levels" in f.message]
    assert "1 of " in only(found).message
    assert "(0)" in only(found).message


def test_crossed_factors_are_no_ids_used_again() -> None:
    """Every subject answers some of the items, once each."""
    draw = np.random.default_rng(0)
    subject, item = (side.ravel() for side in np.mgrid[:30, :20])
    is_there = draw.random(600) < 0.7
    assert reused_levels(item[is_there], subject[is_there]) is None
    assert reused_levels(subject[is_there], item[is_there]) is None
    twice = np.repeat(np.flatnonzero(is_there), 3)
    assert reused_levels(item[twice], subject[twice]) is None


def test_missing_identifiers_do_not_count() -> None:
    parents, codes = np.repeat([0, 0, 1, 1, 1, 2, 2], 2), np.repeat([0, 1, 0, 1, 2, 0, 1], 2)
    whole = reused_levels(codes, parents)
    assert whole is not None
    assert whole.levels == (0, 1)
    with_missing = reused_levels(np.append(codes, [-1, 2]), np.append(parents, [0, -1]))
    assert with_missing == whole
    assert reused_levels(np.full(3, -1), np.zeros(3, dtype=int)) is None


# -- kinds of fits ----------------------------------------------------------------------------------------------------


def test_weights_and_offsets_have_no_part() -> None:
    data = many_groups(15, 4).assign(weight=lambda d: 1.0 + d["g"] % 2)
    plain = [f.message for f in mlm.fit("y ~ x + w + I(w ** 2) + (1 | g)", data).guidance if "ICC" not in f.message]
    m = mlm.fit("y ~ x + w + I(w ** 2) + (1 | g)", data, weights="weight", offset="x")
    assert len(plain) == 2
    assert [f.message for f in m.guidance if "ICC" not in f.message] == plain
