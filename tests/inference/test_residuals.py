"""Residuals against R's (tests.inference.told.json, made by told.R)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mlm_widgets as mlm
from mlm_widgets.errors import OptionError
from mlm_widgets.families import FAMILIES
from mlm_widgets.inference import linear_predictor, residuals
from tests.inference.told import generalized_table, told
from tests.modelcache import fitted

EXACT = 1e-6  # R's values have 12 digits at R's own linear predictor; some are roots of them


@pytest.mark.parametrize("entry", told()["residuals"], ids=lambda entry: entry["id"])
@pytest.mark.parametrize("kind", ["response", "pearson", "deviance", "working"])
def test_residuals_are_those_of_glmer(entry: dict[str, Any], kind: str) -> None:
    data = generalized_table(entry["data"])
    m = mlm.fit(entry["formula"], data, family=entry["family"], link=entry["link"])
    fit = m.fit_result if entry["theta"] is None else replace(m.fit_result, dispersion=1 / entry["theta"])
    eta, theirs = linear_predictor(fit), np.array(entry["eta"])
    eta[: len(theirs)] = theirs
    found = residuals(fit, kind, eta)[: len(theirs)]
    np.testing.assert_allclose(found, entry["residuals"][kind], rtol=EXACT, atol=1e-9)


def test_inverse_gaussian_deviances_and_variances() -> None:
    entry, family = told()["inverse_gaussian"], FAMILIES["inverse_gaussian"]
    y, mu = np.array(entry["y"]), np.array(entry["mu"])
    assert family.deviance is not None
    np.testing.assert_allclose(family.deviance(y, mu, 0.3), entry["deviance"], rtol=1e-11)
    np.testing.assert_allclose(family.unit_variance(mu, 0.3), entry["variance"], rtol=1e-11)


def test_fitted_values_and_response_residuals_of_trials_are_shares() -> None:
    data = generalized_table("cbpp")
    m = mlm.fit("cbind(incidence, size - incidence) ~ period + (1 | herd)", data, family="binomial")
    share = data["incidence"] / data["size"]
    np.testing.assert_allclose(m.resid() + m.fittedvalues, share)
    np.testing.assert_allclose(m.predict(), m.fittedvalues)


def test_linear_kinds_agree_where_they_mean_the_same() -> None:
    m = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    for kind in ("pearson", "deviance", "working"):
        np.testing.assert_allclose(m.resid(kind), m.resid("response"), rtol=1e-12)
    np.testing.assert_allclose(m.resid("scaled") * m.sigma, m.resid("response"))


def test_residuals_that_a_family_has_not() -> None:
    data = generalized_table("generalized")
    with pytest.raises(OptionError, match="no deviance residuals"):
        mlm.fit("share ~ x + (1 | g)", data, family="beta").resid("deviance")
    with pytest.raises(OptionError, match="linear model"):
        mlm.fit("count ~ x + (1 | g)", data, family="poisson").resid("scaled")
