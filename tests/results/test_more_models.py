"""Models beyond lme4.json agree with lme4 (tests/reference/more.json, made by more.R beside it)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.modelcache import more, reference_model

CRITERION = 1e-6  # lme4 restarted by two optimisers; the json holds 12 digits
ESTIMATE = 1e-4  # relative: lme4's theta is good to 1e-5 where the criterion is flat to 1e-9
DF = 1e-3  # relative: lmerTest differentiates numerically

ENTRIES = list(more())


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> dict[str, Any]:
    return more()[request.param]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_criterion(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    assert m.criterion < entry["criterion"] + CRITERION
    assert m.criterion == pytest.approx(entry["criterion"], abs=CRITERION)
    assert m.is_singular is entry["singular"]


def test_fixed_effects(entry: dict[str, Any]) -> None:
    """Coefficients in R's order, whatever their names are."""
    m = reference_model(entry)
    scale = np.array(listed(entry["se"]))
    np.testing.assert_allclose(
        m.params / scale, np.array(listed(entry["estimate"])) / scale, rtol=ESTIMATE, atol=ESTIMATE
    )
    np.testing.assert_allclose(m.bse, scale, rtol=ESTIMATE)
    np.testing.assert_allclose(m.sigma, entry["sigma"], rtol=ESTIMATE)
    np.testing.assert_allclose(m.fittedvalues.to_numpy()[:8], entry["fitted_head"], rtol=0, atol=ESTIMATE * m.sigma)


def test_degrees_of_freedom(entry: dict[str, Any]) -> None:
    m = reference_model(entry)
    np.testing.assert_allclose(m.df, listed(entry["df"]), rtol=DF)


def test_standard_deviations(entry: dict[str, Any]) -> None:
    table = reference_model(entry).varcorr()
    ours = table[table["term2"].isna() & (table["group"] != "Residual")]["sd_or_corr"]
    theirs = [sd for block in entry["sd"].values() for sd in listed(block["sd"])]
    np.testing.assert_allclose(sorted(ours), sorted(theirs), rtol=ESTIMATE, atol=1e-6)
    correlations = table[table["term2"].notna()]["sd_or_corr"]
    matrices = [np.array(listed(block["cor"])) for block in entry["sd"].values()]
    squares = [matrix.reshape(int(np.sqrt(matrix.size)), -1) for matrix in matrices]
    expected = [float(R[a, b]) for R in squares for a in range(len(R)) for b in range(a)]
    np.testing.assert_allclose(sorted(correlations), sorted(expected), rtol=0, atol=5 * ESTIMATE)


def r_name(name: str) -> str:
    """Our name of a treatment-coded or plain coefficient as R writes it."""
    return re.sub(r"\[(?:T\.)?(\w+)\]", r"\1", name.replace("Intercept", "(Intercept)")).replace("**2", "^2")


@pytest.mark.parametrize("name", [name for name in ENTRIES if not re.search("contr|poly", more()[name]["formula"])])
def test_names_are_those_of_r_but_for_the_writing(name: str) -> None:
    """Of contrasts and polynomials R numbers the columns: see tests/design."""
    entry = more()[name]
    assert [r_name(own) for own in reference_model(entry).params.index] == listed(entry["names"])
