"""Means over the random effects: known values, brute force, and predictions of groups typical and average."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import mlm_widgets as mlm
from mlm_widgets.errors import OptionError
from mlm_widgets.families import LINKS
from mlm_widgets.inference import Means, averaged, response_means
from tests.inference.told import generalized_table, told

SMOOTH = ("identity", "log", "sqrt", "logit", "probit", "cloglog", "cauchit")


@pytest.mark.parametrize("link", SMOOTH)
@pytest.mark.parametrize("sd", [0.0, 0.3, 2.0, 9.0])
def test_means_by_adaptive_quadrature(link: str, sd: float) -> None:
    if link == "log" and sd > 2:
        return  # its closed form is tested below; quad does not find the mass
    eta = np.array([-2.0, 0.0, 1.3])
    mean, slope = averaged(LINKS[link], eta, np.full(3, sd))
    for place, own in enumerate(eta):
        points = [-own / sd] if sd else None
        exact = integrate.quad(
            lambda t, own=own: float(LINKS[link].inverse(np.array(own + sd * t))) * float(stats.norm.pdf(t)), -12, 12,
            points=points, limit=400, epsabs=1e-13,
        )[0]  # fmt: skip
        assert mean[place] == pytest.approx(exact, rel=1e-9)
    step = 1e-5
    higher, lower = (averaged(LINKS[link], eta + move, np.full(3, sd))[0] for move in (step, -step))
    np.testing.assert_allclose(slope, (higher - lower) / (2 * step), rtol=1e-6, atol=1e-7)


def test_closed_forms() -> None:
    eta, sd = np.array([-1.0, 0.4]), np.array([1.5, 0.2])
    np.testing.assert_allclose(averaged(LINKS["probit"], eta, sd)[0], stats.norm.cdf(eta / np.sqrt(1 + sd**2)))
    np.testing.assert_allclose(averaged(LINKS["log"], eta, sd)[0], np.exp(eta + sd**2 / 2))


def test_links_without_a_mean() -> None:
    with pytest.raises(OptionError, match="groups='typical'"):
        averaged(LINKS["inverse"], np.ones(2), np.ones(2))


@pytest.fixture(scope="module")
def slopes() -> mlm.MixedModel:
    return mlm.fit("use ~ x + z + (x | g) + (1 | h)", generalized_table("generalized"), family="binomial")


def test_average_predictions_are_means_over_simulated_groups(slopes: mlm.MixedModel) -> None:
    grid = slopes.predictions({"x": [-2.0, 0.0, 2.0]}, groups="average")
    link = slopes.predictions({"x": [-2.0, 0.0, 2.0]}, type="link")
    draw = np.random.default_rng(1)
    for place, x in enumerate([-2.0, 0.0, 2.0]):
        effects = np.zeros(400_000)
        for group in slopes.fit_result.groups:
            z = np.array([1.0, x])[: len(group.lam)]
            effects += z @ group.lam @ draw.standard_normal((len(group.lam), len(effects)))
        p = 1 / (1 + np.exp(-(link["estimate"][place] + effects)))
        assert grid["estimate"][place] == pytest.approx(p.mean(), abs=5 * p.std() / np.sqrt(len(p)))
    typical = slopes.predictions({"x": [-2.0, 0.0, 2.0]})
    assert np.all(np.abs(grid["estimate"] - 0.5) < np.abs(typical["estimate"] - 0.5))


def test_frames_say_what_they_are_of(slopes: mlm.MixedModel) -> None:
    typical = slopes.predictions("x")
    assert typical.attrs["groups"] == "typical"
    assert "typical group" in typical.attrs["note"]
    assert "averaged over" in slopes.predictions("x", groups="average").attrs["note"]
    assert "Linear predictors" in slopes.predictions("x", type="link").attrs["note"]
    with pytest.raises(OptionError, match="groups"):
        slopes.predictions("x", groups="mean")
    with pytest.raises(OptionError, match="type"):
        slopes.predict(type="prob")


def test_limits_are_those_of_the_link_transformed(slopes: mlm.MixedModel) -> None:
    link, response = slopes.predictions("x", type="link"), slopes.predictions("x")
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(response[column], 1 / (1 + np.exp(-link[column])))
    p = response["estimate"]
    np.testing.assert_allclose(response["std_error"], p * (1 - p) * link["std_error"])
    reach = stats.norm.ppf(0.975)
    np.testing.assert_allclose(link["conf_high"], link["estimate"] + reach * link["std_error"])


def test_limits_keep_their_order_where_the_link_falls() -> None:
    m = mlm.fit("rate ~ z + (1 | g)", generalized_table("generalized"), family="gamma", link="inverse")
    grid = m.predictions("z")
    assert np.all(grid["conf_low"] < grid["estimate"])
    assert np.all(grid["estimate"] < grid["conf_high"])
    with pytest.raises(OptionError, match="no mean"):
        m.predictions("z", groups="average")


@pytest.mark.parametrize("entry", told()["predictions"], ids=lambda entry: entry["id"])
def test_predictions_are_those_of_glmmtmb(entry: dict[str, Any]) -> None:
    m = mlm.fit(entry["formula"], generalized_table("generalized"), family=entry["family"], link=entry["link"])
    for kind in ("link", "response"):
        grid = m.predictions({"x": entry["x"]}, type=kind)
        rows = m.predict(pd.DataFrame({"x": entry["x"]}), type=kind, random="none", interval="confidence")
        for found in (grid, rows):
            np.testing.assert_allclose(found["estimate"], entry[f"on_{kind}"]["estimate"], rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(found["std_error"], entry[f"on_{kind}"]["std_error"], rtol=1e-3)


def test_offset_is_at_its_mean_and_is_asked_of_new_rows() -> None:
    data = generalized_table("generalized")
    m = mlm.fit("count ~ x + offset(log(v)) + (1 | g)", data, family="poisson")
    grid = m.predictions({"x": [0.0]})
    typical = m.params["Intercept"] + np.log(data["v"]).mean()
    assert grid["estimate"][0] == pytest.approx(np.exp(typical))
    new = pd.DataFrame({"x": [0.0, 0.0], "v": [1.0, 2.0]})
    one, two = np.asarray(m.predict(new, random="none"))
    assert two == pytest.approx(2 * one)
    np.testing.assert_allclose(m.predict(data), m.fittedvalues)
    np.testing.assert_allclose(np.exp(m.predict(type="link")), m.predict())


def test_linear_models_have_one_scale() -> None:
    m = mlm.fit("length ~ x + (x | g)", generalized_table("generalized"))
    for settings in ({"type": "link"}, {"groups": "average"}):
        pd.testing.assert_frame_equal(m.predictions("x"), m.predictions("x", **settings))  # type: ignore[arg-type]


def test_limits_where_the_link_turns_or_has_a_pole() -> None:
    eta = Means(*(np.array([value]) for value in (1.0, 1.0, np.inf, -1.0, 3.0)))
    root, inverse = response_means(LINKS["sqrt"], eta), response_means(LINKS["inverse"], eta)
    assert (root.lower[0], root.upper[0]) == (0.0, 9.0)
    assert (inverse.lower[0], inverse.upper[0]) == (pytest.approx(1 / 3), np.inf)
