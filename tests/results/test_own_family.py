"""Families of the user's own: another link, another distribution."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

import mlm_widgets as mlm
from mlm_widgets.families import FAMILIES, Family, Likelihood, Link, Terms

Floats = npt.NDArray[np.float64]
NU = 5.0


def softplus(eta: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, eta))


def inverse_softplus(mu: Floats) -> Floats:
    return mu + np.log(-np.expm1(-mu))


def softplus_slopes(eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    p = special.expit(eta)
    return softplus(eta), p, p * (1 - p), p * (1 - p) * (1 - 2 * p)


SOFTPLUS = Link("softplus", inverse_softplus, softplus, softplus_slopes)


class Student:
    """-log density of y = mu + sqrt(phi) t with NU degrees of freedom, for the identity."""

    def __call__(self, eta: Floats, y: Floats, trials: Floats | None, log_phi: float) -> Terms:
        s = NU * np.exp(log_phi)
        r = y - eta
        q, k = s + r**2, NU + 1
        value = k / 2 * np.log(q / s) + log_phi / 2 + special.gammaln(NU / 2) - special.gammaln(k / 2)
        first, second = -k * r / q, k * (s - r**2) / q**2
        third = k * r * (6 * s - 2 * r**2) / q**3
        moved = (0.5 - k / 2 * r**2 / q, k * r * s / q**2, k * s * (3 * r**2 - s) / q**3)
        return Terms(value + np.log(NU * np.pi) / 2, first, second, third, moved)


def student(link: Link) -> Likelihood:
    return Student()


def spread(mu: Floats, phi: float) -> Floats:
    return np.full_like(mu, phi * NU / (NU - 2))


def draw(rng: np.random.Generator, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return np.asarray(mu + np.sqrt(phi) * rng.standard_t(NU, len(mu)))


T_FAMILY = Family(
    name="student",
    link=FAMILIES["gaussian"].link,
    links=("identity",),
    likelihood_of=student,
    variance=spread,
    start=np.positive,
    draw=draw,
    dispersion="squared scale",
    support="numbers",
    is_supported=np.isfinite,
    is_scale=True,
)


def data(noise: str, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(50), 12)
    x = rng.normal(size=len(g))
    eta = 1.0 + 0.8 * x + 0.6 * rng.normal(size=50)[g]
    if noise == "t":
        return pd.DataFrame({"g": g, "x": x, "y": eta + 0.5 * rng.standard_t(NU, len(g))})
    return pd.DataFrame({"g": g, "x": x, "y": softplus(eta) + 0.3 * rng.normal(size=len(g))})


def test_student_terms_are_derivatives() -> None:
    eta, y, h = np.array([0.3, -1.0, 2.0]), np.array([0.1, 2.0, 2.5]), 1e-5
    here, up, down = (Student()(eta + move, y, None, 0.2) for move in (0.0, h, -h))
    np.testing.assert_allclose(here.first, (up.value - down.value) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(here.second, (up.first - down.first) / (2 * h), rtol=1e-7)
    np.testing.assert_allclose(here.third, (up.second - down.second) / (2 * h), rtol=1e-6)
    more, less = (Student()(eta, y, None, 0.2 + move) for move in (h, -h))
    assert here.dispersion is not None
    for own, what in zip(here.dispersion, ("value", "first", "second"), strict=True):
        np.testing.assert_allclose(own, (getattr(more, what) - getattr(less, what)) / (2 * h), rtol=1e-6)


def test_a_distribution_of_ones_own() -> None:
    m = mlm.fit("y ~ x + (1 | g)", data("t"), family=T_FAMILY)
    assert m.converged
    assert np.all(np.abs(m.params - [1.0, 0.8]) < 4 * m.bse)
    assert m.dispersion == pytest.approx(0.25, rel=0.25)
    assert m.llf > mlm.fit("y ~ x + (1 | g)", data("t"), reml=False).llf  # heavy tails are there
    text = str(m.summary())
    assert text.startswith("Generalized linear mixed model, student (identity)")
    assert "squared scale: " in text
    assert "Residual" not in text
    table = m.predictions({"x": [0.0, 1.0]}, groups="average")
    assert table["estimate"][1] - table["estimate"][0] == pytest.approx(m.params["x"])
    assert m.refit(m.simulate(seed=1)["sim_1"]).converged
    assert 0 < m.icc().adjusted < 1
    assert m.resid("pearson").std() == pytest.approx(np.sqrt(m.dispersion), rel=0.2)
    with pytest.raises(mlm.MlmError, match="no deviance residuals"):
        m.resid("deviance")
    assert m.leverage().between(0, 1).all()
    pd.testing.assert_series_equal(pickle.loads(pickle.dumps(m)).params, m.params)
    assert m.null is not None
    assert m.null.family is T_FAMILY
    assert "family=family" in m.to_python()
    with pytest.raises(mlm.MlmError, match="your own"):
        m.to_r()


def test_a_link_of_ones_own() -> None:
    family = replace(FAMILIES["gaussian"], name="gaussian_softplus", link=SOFTPLUS, links=("softplus",))
    m = mlm.fit("y ~ x + (1 | g)", data("softplus"), family=family)
    assert m.converged
    assert np.all(np.abs(m.params - [1.0, 0.8]) < 4 * m.bse)
    assert "gaussian softplus (softplus)" in str(m.summary())
    assert m.varcorr().set_index("group").loc["Residual", "sd_or_corr"] == pytest.approx(0.3, rel=0.1)
    assert m.ratio_name == ""
    grid = m.predictions({"x": [0.0]})
    assert grid["estimate"][0] == pytest.approx(softplus(np.array(m.params["Intercept"])))
    average = m.predictions({"x": [0.0]}, groups="average")["estimate"][0]
    sd = m.varcorr()["sd_or_corr"][0]
    t = np.random.default_rng(1).standard_normal(400_000)
    assert average == pytest.approx(softplus(m.params["Intercept"] + sd * t).mean(), abs=5e-3)
    np.testing.assert_allclose(m.predict(data("softplus")), m.fittedvalues)
    np.testing.assert_allclose(m.resid("deviance"), m.resid())


def test_the_binomial_with_a_link_of_ones_own_keeps_its_trials() -> None:
    """A family is the binomial by its name: replace() with another link leaves it."""
    family = replace(FAMILIES["binomial"], link=FAMILIES["binomial"].with_link("probit").link)
    rng = np.random.default_rng(2)
    table = data("t").assign(size=10)
    table["won"] = rng.binomial(10, special.ndtr(table["y"] - 1))
    formula = "cbind(won, size - won) ~ x + (1 | g)"
    own = mlm.fit(formula, table, family=family)
    assert own.family.is_built_in  # by all its parts
    assert 'family="binomial"' in own.to_python()
    assert own.llf == pytest.approx(mlm.fit(formula, table, family="binomial", link="probit").llf)
