"""The likelihoods of the families: against scipy's densities, and their derivatives against differences."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from mlm_widgets.errors import DataError, OptionError
from mlm_widgets.families import FAMILIES, LINKS, Family, family_of

Floats = npt.NDArray[np.float64]

STEP = 1e-5
DIFFERENCES = 1e-6  # relative: what central differences of that step can tell
DENSITY = 1e-12
PHI = 0.3

CASES = [(family.name, link) for family in FAMILIES.values() for link in family.links]


def _place(name: str, link: str, seed: int = 0) -> tuple[Family, Floats, Floats, Floats | None]:
    rng = np.random.default_rng(seed)
    share = link in ("logit", "probit", "cloglog", "cauchit")
    eta = rng.uniform(-2.0, 0.8, 300) if share else rng.uniform(0.4, 2.0, 300)
    family = family_of(name, link)
    trials = rng.integers(1, 9, 300).astype(float) if name == "binomial" else None
    y = family.draw(rng, family.link.inverse(eta), trials, PHI)
    return family, eta, np.clip(y, 1e-6, 1 - 1e-6) if name == "beta" else y, trials


def _log_density(name: str, y: Floats, mu: Floats, trials: Floats | None) -> Any:
    return {
        "gaussian": lambda: stats.norm.logpdf(y, mu, np.sqrt(PHI)),
        "binomial": lambda: stats.binom.logpmf(y, np.asarray(trials), mu),
        "poisson": lambda: stats.poisson.logpmf(y, mu),
        "negative_binomial": lambda: stats.nbinom.logpmf(y, 1 / PHI, 1 / (1 + PHI * mu)),
        "gamma": lambda: stats.gamma.logpdf(y, 1 / PHI, scale=mu * PHI),
        "inverse_gaussian": lambda: stats.invgauss.logpdf(y, mu * PHI, scale=1 / PHI),
        "beta": lambda: stats.beta.logpdf(y, mu / PHI, (1 - mu) / PHI),
    }[name]()


@pytest.mark.parametrize(("name", "link"), CASES)
def test_value_is_the_density(name: str, link: str) -> None:
    family, eta, y, trials = _place(name, link)
    terms = family.likelihood(eta, y, trials, np.log(PHI))
    np.testing.assert_allclose(-terms.value, _log_density(name, y, family.link.inverse(eta), trials), atol=DENSITY)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_derivatives_in_eta(name: str, link: str) -> None:
    family, eta, y, trials = _place(name, link)
    here = family.likelihood(eta, y, trials, np.log(PHI))
    up, down = (family.likelihood(eta + h, y, trials, np.log(PHI)) for h in (STEP, -STEP))
    for value, slope in (("value", "first"), ("first", "second"), ("second", "third")):
        expected = (getattr(up, value) - getattr(down, value)) / (2 * STEP)
        np.testing.assert_allclose(getattr(here, slope), expected, rtol=DIFFERENCES, atol=DIFFERENCES)


@pytest.mark.parametrize(("name", "link"), [case for case in CASES if FAMILIES[case[0]].has_dispersion])
def test_derivatives_in_the_dispersion(name: str, link: str) -> None:
    family, eta, y, trials = _place(name, link)
    here = family.likelihood(eta, y, trials, np.log(PHI))
    up, down = (family.likelihood(eta, y, trials, np.log(PHI) + h) for h in (STEP, -STEP))
    assert here.dispersion is not None
    for own, value in zip(here.dispersion, ("value", "first", "second"), strict=True):
        expected = (getattr(up, value) - getattr(down, value)) / (2 * STEP)
        np.testing.assert_allclose(own, expected, rtol=DIFFERENCES, atol=DIFFERENCES)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_derivatives_of_the_inverse_link(name: str, link: str) -> None:
    family, eta, *_ = _place(name, link)
    parts = family.link.derivatives(eta)
    np.testing.assert_allclose(parts[0], family.link.inverse(eta), rtol=1e-14)
    np.testing.assert_allclose(family.link.forward(parts[0]), eta, rtol=1e-9, atol=1e-9)
    up, down = family.link.derivatives(eta + STEP), family.link.derivatives(eta - STEP)
    for a in range(3):
        expected = (up[a] - down[a]) / (2 * STEP)
        np.testing.assert_allclose(parts[a + 1], expected, rtol=DIFFERENCES, atol=DIFFERENCES)


@pytest.mark.parametrize("link", FAMILIES["binomial"].links)
@pytest.mark.parametrize("eta", [-800.0, -38.0, -9.0, 9.0, 38.0, 800.0])
def test_tails_of_the_binomial_are_finite(link: str, eta: float) -> None:
    family = family_of("binomial", link)
    for y in (0.0, 1.0):
        terms = family.likelihood(np.array([eta]), np.array([y]), None, 0.0)
        for part in (terms.value, terms.first, terms.second, terms.third):
            assert np.isfinite(part).all()
        assert terms.value[0] >= 0


def test_normal_tail() -> None:
    shares = LINKS["probit"].log_shares
    assert shares is not None
    won, _ = shares(np.array([-10.0]))
    np.testing.assert_allclose(won[0], stats.norm.logcdf(-10.0), rtol=1e-13)
    np.testing.assert_allclose(won[1], np.exp(stats.norm.logpdf(-10.0) - stats.norm.logcdf(-10.0)), rtol=1e-12)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_draws_have_the_mean_and_variance(name: str) -> None:
    family = family_of(name)
    rng = np.random.default_rng(1)
    mu = np.full(200_000, 0.4)
    y = family.draw(rng, mu, None, PHI)
    assert abs(y.mean() - 0.4) < 5 * y.std() / np.sqrt(len(y))
    expected = float(family.variance(mu, PHI)[0])
    spread = np.sqrt(np.mean((y - 0.4) ** 4)) / np.sqrt(len(y))
    assert abs(y.var() - expected) < 5 * spread


def test_names_and_links_are_checked() -> None:
    assert family_of("Gamma").name == "gamma"
    assert family_of("nbinom2").name == "negative_binomial"
    with pytest.raises(OptionError, match=r"`family` must be one of .*not 'poison'"):
        family_of("poison")
    with pytest.raises(OptionError, match=r"`link` of 'poisson' must be one of 'log', 'identity', 'sqrt', not 'logit'"):
        family_of("poisson", "logit")


def test_outcomes_that_the_family_cannot_have() -> None:
    with pytest.raises(DataError, match=r"“n” holds -1 \(1 such values\).*whole numbers from 0"):
        family_of("poisson").check_outcome(np.array([0.0, 2.0, -1.0]), "n")
    with pytest.raises(DataError, match=r"holds 0 .*numbers above 0"):
        family_of("gamma").check_outcome(np.array([0.0, 2.0]), "t")
