"""Families: a conditional distribution of the outcome, the links it may have, and what it asks of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from mlm_widgets.errors import DataError, OptionError, closest
from mlm_widgets.families import likelihood as like
from mlm_widgets.families.likelihood import Likelihood
from mlm_widgets.families.links import LINKS, Link

__all__ = ["FAMILIES", "Family", "family_of"]

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Family:
    """The conditional distribution of the outcome, with a link.

    Attributes
    ----------
    name : str
    link : Link
    links : tuple of str
        The links that it may have, its default first.
    likelihood_of : callable
        Link -> `Likelihood`.
    variance : callable
        (mu, phi) -> variance of an outcome with mean mu (of one trial, for the binomial).
    start : callable
        y (a share, for the binomial) -> a mean near y inside the family's range.
    draw : callable
        (rng, mu, trials, phi) -> outcomes.
    dispersion : str
        What phi is called, "" where there is none: "residual variance", "1 / shape", ...
    support : str
        The outcomes it can have, in words.
    is_supported : callable
        y -> whether each value is one of them.
    deviance : callable or None
        (y, mu, phi) -> unit deviances, from which deviance residuals are made (a share y, for the binomial).
    is_scale : bool
        Whether phi only scales the variance: variance(mu, phi) = phi variance(mu, 1).

    Notes
    -----
    A family of one's own goes where a name goes, ``fit(formula, data, family=own)``. The built-in ones are made of
    parts that fit together: ``dataclasses.replace(FAMILIES["gaussian"], name="gaussian_sqrt", link=LINKS["sqrt"],
    links=("sqrt",))`` is one; a new distribution needs its `likelihood_of` (:mod:`mlm_widgets.families.likelihood`).
    A model is pickled with its family, so functions of a family that is to be saved are those of a module: no lambdas.
    """

    name: str
    link: Link
    links: tuple[str, ...]
    likelihood_of: Callable[[Link], Likelihood]
    variance: Callable[[Floats, float], Floats]
    start: Callable[[Floats], Floats]
    draw: Callable[[Rng, Floats, Floats | None, float], Floats]
    dispersion: str
    support: str
    is_supported: Callable[[Floats], npt.NDArray[np.bool_]]
    deviance: Callable[[Floats, Floats, float], Floats] | None = None
    is_scale: bool = False

    @cached_property
    def likelihood(self) -> Likelihood:
        """Minus the logarithm of the density, with derivatives."""
        return self.likelihood_of(self.link)

    @property
    def has_dispersion(self) -> bool:
        """Whether phi is estimated."""
        return bool(self.dispersion)

    @property
    def is_count(self) -> bool:
        """Whether outcomes are whole numbers without a bound."""
        return self.name in ("poisson", "negative_binomial")

    @property
    def is_built_in(self) -> bool:
        """Whether it is one of `FAMILIES` with one of its links, which a name stands for."""
        known = FAMILIES.get(self.name)
        return known is not None and self.link.name in known.links and known.with_link(self.link.name) == self

    @property
    def is_gaussian(self) -> bool:
        """Whether phi is a residual variance, in squared units of the outcome."""
        return self.dispersion == "residual variance"

    @property
    def ratio_name(self) -> str:
        """What the exponential of a coefficient is, such as "odds ratio"; "" where it means nothing."""
        if self.link.name == "log":
            return "rate ratio" if self.is_count else "mean ratio"
        return {"logit": "odds ratio", "cloglog": "hazard ratio"}.get(self.link.name, "")

    def named_dispersion(self, phi: float) -> tuple[str, float]:
        """How phi is reported: as the "shape" or "precision" that it is the inverse of, else by its own name."""
        name = self.dispersion.removeprefix("1 / ")
        return name, phi if name == self.dispersion else 1.0 / phi

    def unit_variance(self, mu: Floats, phi: float) -> Floats:
        """The variance function: the variance without phi, where phi only scales it."""
        return self.variance(mu, 1.0 if self.is_scale else phi)

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: the likelihood is made anew from them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def is_linear(self) -> bool:
        """Whether it is the linear mixed model."""
        return (self.name, self.link.name) == ("gaussian", "identity")

    def with_link(self, link: str | None) -> Family:
        """The same family with another link; None for its default.

        Raises
        ------
        OptionError
            If it may not have that link.
        """
        chosen = self.links[0] if link is None else link
        if chosen not in self.links:
            near = closest(str(chosen), self.links)
            raise OptionError(
                f"`link` of {self.name!r} must be one of {', '.join(map(repr, self.links))}, not {chosen!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
                argument="link",
            )
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Family(**(fields | {"link": LINKS[chosen]}))

    def check_outcome(self, y: Floats, name: str) -> None:
        """Raise DataError where the outcome holds values that the family cannot have."""
        bad = ~self.is_supported(y)
        if bad.any():
            value = y[bad][0]
            raise DataError(
                f"The outcome “{name}” holds {value:g} ({int(bad.sum()):,} such values), but the family "
                f"{self.name!r} needs {self.support}.",
                hint=f"Choose another family, or check the data. {_ADVICE.get(self.name, '')}".strip(),
                argument="outcome",
            )


_ADVICE = {
    "binomial": "For successes out of several trials write cbind(successes, failures).",
    "gamma": "Zeros need a model of their own, or family='gaussian'.",
    "beta": "Shares of exactly 0 or 1 come from counts: use cbind(successes, failures) with family='binomial'.",
}


def _whole(y: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((y >= 0) & (np.abs(y - np.round(y)) < 1e-9))


def _positive(y: Floats) -> npt.NDArray[np.bool_]:
    return y > 0


def _draw_binomial(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    n = 1 if trials is None else trials.astype(np.int64)
    return rng.binomial(n, np.clip(mu, 0.0, 1.0)).astype(np.float64)


def _draw_poisson(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return rng.poisson(mu).astype(np.float64)


def _draw_gaussian(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return np.asarray(rng.normal(mu, np.sqrt(phi)))


def _draw_gamma(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return np.asarray(rng.gamma(1 / phi, mu * phi))


def _draw_inverse_gaussian(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return np.asarray(rng.wald(mu, 1 / phi))


def _draw_negative_binomial(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return rng.poisson(rng.gamma(1 / phi, mu * phi)).astype(np.float64)


def _draw_beta(rng: Rng, mu: Floats, trials: Floats | None, phi: float) -> Floats:
    return np.asarray(rng.beta(mu / phi, (1 - mu) / phi))


def _constant(mu: Floats, phi: float) -> Floats:
    return np.full_like(mu, phi)


def _binomial_variance(mu: Floats, phi: float) -> Floats:
    return mu * (1 - mu)


def _mean(mu: Floats, phi: float) -> Floats:
    return mu


def _negative_binomial_variance(mu: Floats, phi: float) -> Floats:
    return mu + phi * mu**2


def _square(mu: Floats, phi: float) -> Floats:
    return phi * mu**2


def _cube(mu: Floats, phi: float) -> Floats:
    return phi * mu**3


def _beta_variance(mu: Floats, phi: float) -> Floats:
    return mu * (1 - mu) * phi / (1 + phi)


def _squared_difference(y: Floats, mu: Floats, phi: float) -> Floats:
    return (y - mu) ** 2


def _binomial_deviance(y: Floats, mu: Floats, phi: float) -> Floats:
    return np.asarray(2 * (special.xlogy(y, y / mu) + special.xlogy(1 - y, (1 - y) / (1 - mu))))


def _poisson_deviance(y: Floats, mu: Floats, phi: float) -> Floats:
    return np.asarray(2 * (special.xlogy(y, y / mu) - (y - mu)))


def _negative_binomial_deviance(y: Floats, mu: Floats, phi: float) -> Floats:
    size = 1 / phi
    return np.asarray(2 * (special.xlogy(y, y / mu) - (y + size) * np.log((y + size) / (mu + size))))


def _gamma_deviance(y: Floats, mu: Floats, phi: float) -> Floats:
    return np.asarray(2 * ((y - mu) / mu - np.log(y / mu)))


def _inverse_gaussian_deviance(y: Floats, mu: Floats, phi: float) -> Floats:
    return (y - mu) ** 2 / (y * mu**2)


def _zero_or_one(y: Floats) -> npt.NDArray[np.bool_]:
    return (y == 0) | (y == 1)


def _share(y: Floats) -> npt.NDArray[np.bool_]:
    return (y > 0) & (y < 1)


def _off_the_ends(y: Floats) -> Floats:
    return 0.05 + 0.9 * y


def _as_it_is(y: Floats) -> Floats:
    return y


def _above_zero(y: Floats) -> Floats:
    return np.maximum(y, 0.1)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="gaussian",
            link=LINKS["identity"],
            links=("identity", "log"),
            likelihood_of=like.gaussian,
            variance=_constant,
            start=_as_it_is,
            draw=_draw_gaussian,
            dispersion="residual variance",
            support="numbers",
            is_supported=np.isfinite,
            deviance=_squared_difference,
            is_scale=True,
        ),
        Family(
            name="binomial",
            link=LINKS["logit"],
            links=("logit", "probit", "cloglog", "cauchit"),
            likelihood_of=like.binomial,
            variance=_binomial_variance,
            start=_off_the_ends,
            draw=_draw_binomial,
            dispersion="",
            support="0 or 1, two values, or successes out of trials",
            is_supported=_zero_or_one,
            deviance=_binomial_deviance,
        ),
        Family(
            name="poisson",
            link=LINKS["log"],
            links=("log", "identity", "sqrt"),
            likelihood_of=like.poisson,
            variance=_mean,
            draw=_draw_poisson,
            dispersion="",
            start=_above_zero,
            support="whole numbers from 0",
            is_supported=_whole,
            deviance=_poisson_deviance,
        ),
        Family(
            name="negative_binomial",
            link=LINKS["log"],
            links=("log", "identity", "sqrt"),
            likelihood_of=like.negative_binomial,
            variance=_negative_binomial_variance,
            draw=_draw_negative_binomial,
            dispersion="1 / shape",
            start=_above_zero,
            support="whole numbers from 0",
            is_supported=_whole,
            deviance=_negative_binomial_deviance,
        ),
        Family(
            name="gamma",
            link=LINKS["log"],
            links=("log", "inverse", "identity"),
            likelihood_of=like.gamma,
            variance=_square,
            draw=_draw_gamma,
            dispersion="1 / shape",
            start=_as_it_is,
            support="numbers above 0",
            is_supported=_positive,
            deviance=_gamma_deviance,
            is_scale=True,
        ),
        Family(
            name="inverse_gaussian",
            link=LINKS["log"],
            links=("log", "1/mu^2", "inverse", "identity"),
            likelihood_of=like.inverse_gaussian,
            variance=_cube,
            draw=_draw_inverse_gaussian,
            dispersion="1 / shape",
            start=_as_it_is,
            support="numbers above 0",
            is_supported=_positive,
            deviance=_inverse_gaussian_deviance,
            is_scale=True,
        ),
        Family(
            name="beta",
            link=LINKS["logit"],
            links=("logit", "probit", "cloglog"),
            likelihood_of=like.beta,
            variance=_beta_variance,
            start=_as_it_is,
            draw=_draw_beta,
            dispersion="1 / precision",
            support="shares strictly between 0 and 1",
            is_supported=_share,
        ),
    )
}

SYNONYMS = {
    "normal": "gaussian",
    "bernoulli": "binomial",
    "logistic": "binomial",
    "nbinom": "negative_binomial",
    "nbinom2": "negative_binomial",
    "negative binomial": "negative_binomial",
    "negativebinomial": "negative_binomial",
    "inverse.gaussian": "inverse_gaussian",
    "inverse gaussian": "inverse_gaussian",
    "beta_family": "beta",
}


def family_of(family: str | Family, link: str | None = None) -> Family:
    """The family called `family`, with `link` (None for its default); a `Family` of the user's own is taken as it is.

    Raises
    ------
    OptionError
        If there is no such family, or it may not have that link.
    """
    if isinstance(family, Family):
        return family if link is None else family.with_link(link)
    name = str(family).strip().lower()
    name = SYNONYMS.get(name, name)
    if name not in FAMILIES:
        near = closest(name, list(FAMILIES))
        raise OptionError(
            f"`family` must be one of {', '.join(map(repr, FAMILIES))}, not {family!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else None,
            argument="family",
        )
    return FAMILIES[name].with_link(link)
