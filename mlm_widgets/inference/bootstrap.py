"""The bootstrap: how estimates vary over data like these.

Parametric (lme4's `bootMer`): outcomes are simulated from the fitted model, and the model is fitted to each. By groups
(cases): whole groups are drawn with replacement, which supposes nothing of the outcome's distribution, but groups
alike. Davison & Hinkley (1997), Bootstrap Methods and their Application; van der Leeden, Meijer & Busing (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import MlmError, OptionError
from mlm_widgets.fitter import Fit, FitOptions, Prepared, fit_glmm, prepare
from mlm_widgets.fitter.batch import BatchFit, Lanes, Refitter
from mlm_widgets.fitter.levels import LevelSums
from mlm_widgets.inference.parameter import parameter_values, parameters
from mlm_widgets.inference.progress import ProgressOption, Work
from mlm_widgets.inference.refitting import refit_glmm
from mlm_widgets.inference.replicates import inside_theta, parameter_rows
from mlm_widgets.inference.resampling import outermost, resampled
from mlm_widgets.inference.satterthwaite import satterthwaite_df
from mlm_widgets.inference.simulation import Simulator, truth_of
from mlm_widgets.linalg import cholesky

__all__ = ["INTERVALS", "KINDS", "Bootstrap", "Statistic", "bootstrap"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

COLLINEAR = 1e-9  # share of its sum of squares that a column has of its own when that may be rounding
KINDS = ("parametric", "group")
INTERVALS = ("percentile", "basic")


@dataclass(frozen=True)
class Bootstrap:
    """Estimates of the model in each replicate.

    Attributes
    ----------
    replicates : DataFrame
        A row a replicate, a column a parameter: fixed coefficients, ``sd__...|group``, ``cor__...|group``, ``sigma``
        (or ``dispersion``); or what the user's statistic gave. NaN where a fit failed, and of a correlation with an
        effect that does not vary.
    estimate : Series
        Of the model itself.
    kind : {"parametric", "group"}
    converged, singular : ndarray (n,)
        By replicate.
    """

    replicates: pd.DataFrame
    estimate: pd.Series[float]
    kind: str
    converged: Bools
    singular: Bools

    @property
    def n(self) -> int:
        """Number of replicates."""
        return len(self.replicates)

    @property
    def n_failed(self) -> int:
        """How many could not be fitted; they count nowhere else."""
        return int((~self.converged).sum())

    @property
    def n_singular(self) -> int:
        """In how many a variance was zero or a correlation ±1; they count."""
        return int(self.singular.sum())

    @property
    def std_error(self) -> pd.Series[float]:
        """Standard deviations over the replicates."""
        return self.replicates.std().rename("std_error")

    @property
    def bias(self) -> pd.Series[float]:
        """Means over the replicates less the estimates."""
        return (self.replicates.mean() - self.estimate).rename("bias")

    def conf_int(self, level: float = 0.95, method: str = "percentile") -> pd.DataFrame:
        """Intervals of all parameters: columns `lower`, `upper`.

        Parameters
        ----------
        level : float
        method : {"percentile", "basic"}
            The quantiles of the replicates; or these mirrored at the estimate, 2 estimate - quantile, which corrects
            for bias and can leave the range of a standard deviation. Quantiles are at (n + 1) p, between order
            statistics by interpolation (Davison & Hinkley 1997, section 5.2.1).

        Raises
        ------
        OptionError
            If a level or method is not allowed.
        """
        if method not in INTERVALS:
            raise OptionError(
                f"`method` must be one of {', '.join(map(repr, INTERVALS))}, not {method!r}.", argument="method"
            )
        if not isinstance(level, (int, float)) or not 0 < level < 1:
            raise OptionError(f"`level` must lie between 0 and 1, not {level!r}.", argument="level")
        tail = (1.0 - level) / 2.0
        limits = np.array([_quantiles(own, tail) for own in self.replicates.to_numpy().T]).reshape(-1, 2)
        if method == "basic":
            limits = 2.0 * self.estimate.to_numpy()[:, None] - limits[:, ::-1]
        return pd.DataFrame(limits, index=self.replicates.columns, columns=["lower", "upper"])

    def summary(self, level: float = 0.95, method: str = "percentile") -> pd.DataFrame:
        """Columns: estimate, bias, std_error, conf_low, conf_high."""
        limits = self.conf_int(level, method).set_axis(["conf_low", "conf_high"], axis=1)
        return pd.concat([self.estimate, self.bias, self.std_error, limits], axis=1)

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        what = "parametric bootstrap" if self.kind == "parametric" else "bootstrap of groups"
        said = f"{self.n:,} replicates of a {what}"
        parts = [f"{self.n_singular:,} singular"] if self.n_singular else []
        parts += [f"{self.n_failed:,} could not be fitted and are left out"] if self.n_failed else []
        return f"{said}; {', '.join(parts)}." if parts else f"{said}."

    def __repr__(self) -> str:
        return f"{self.sentence}\n{self.summary().to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.summary().to_html()}"


def _quantiles(values: Floats, tail: float) -> Floats:
    values = values[np.isfinite(values)]
    if not len(values):
        return np.full(2, np.nan)
    return np.asarray(np.quantile(values, [tail, 1.0 - tail], method="weibull"))


@dataclass(frozen=True, slots=True)
class Statistic:
    """What is computed of each refitted model: `of` gives the values of `names`."""

    names: tuple[str, ...]
    of: Callable[[Fit], Floats]


@dataclass(frozen=True, slots=True)
class _Replicates:
    """Values (R, n) of a portion."""

    values: Floats
    converged: Bools
    singular: Bools


def bootstrap(
    fit: Fit,
    n: int,
    *,
    seed: int | None = None,
    kind: str = "parametric",
    is_new: bool = True,
    group: str | None = None,
    statistic: Statistic | None = None,
    prepared: Prepared | None = None,
    progress: ProgressOption = None,
    cancel: Event | None = None,
) -> Bootstrap:
    """`n` replicates; see `MixedModel.bootstrap`. `prepared` is the fit's design made ready, where that is there.

    Raises
    ------
    OptionError
        If factors are crossed and no `group` is named for the bootstrap of groups.
    Cancelled
        Its `partial` is the `Bootstrap` of what was done.
    """
    if kind == "parametric":
        portions = _parametric(fit, n, seed, statistic, prepared, is_new=is_new)
    else:
        portions = _by_groups(fit, n, seed, outermost(fit.design, group), statistic, prepared)
    names = [own.name for own in parameters(fit)] if statistic is None else list(statistic.names)
    estimate = pd.Series(
        parameter_values(fit) if statistic is None else statistic.of(fit), index=names, name="estimate"
    )
    done: list[_Replicates] = []

    def so_far() -> Bootstrap:
        values, converged, singular = (
            np.concatenate([getattr(part, own) for part in done]) for own in ("values", "converged", "singular")
        )
        return Bootstrap(pd.DataFrame(values, columns=names), estimate, kind, converged, singular)

    with Work("Bootstrap", n, progress, cancel) as work:
        for part in portions:
            done.append(part)
            work.advance(len(part.values), so_far)
    return so_far()


def _refitter(fit: Fit, prepared: Prepared | None = None) -> Refitter:
    """Fits the linear model of `fit` to other outcomes, from its theta."""
    prepared = prepare(fit.design, reml=fit.reml) if prepared is None else prepared
    return Refitter(prepared, fit.theta, lambda own: satterthwaite_df(own, np.eye(len(own.beta))))


def _start(fit: Fit) -> Floats:
    return inside_theta([(group.grouping, group.lam) for group in fit.groups])


def _of_batch(fit: Fit, found: BatchFit) -> _Replicates:
    values = parameter_rows(fit, found.beta, found.theta, found.sigma, found.sigma**2)
    return _Replicates(values, found.converged, found.singular)


def _of_fit(fit: Fit, refit: Callable[[], Fit], statistic: Statistic | None) -> _Replicates:
    """One replicate by itself; one that has no fit, or another number of coefficients, has failed."""
    own: Fit | None
    try:
        own = refit()
    except (MlmError, np.linalg.LinAlgError):
        own = None
    if own is None or own.state == "failed" or own.names != fit.names:
        width = len(parameters(fit) if statistic is None else statistic.names)
        return _Replicates(np.full((1, width), np.nan), np.array([False]), np.array([False]))
    values = _in_order(fit, own) if statistic is None else statistic.of(own)
    return _Replicates(values[None], np.array([True]), np.array([own.state == "boundary"]))


def _in_order(fit: Fit, own: Fit) -> Floats:
    """The parameters of another fit in the order of `fit`: factors are ordered by levels, which may have changed."""
    values = {parameter.name: value for parameter, value in zip(parameters(own), parameter_values(own), strict=True)}
    return np.array([values[parameter.name] for parameter in parameters(fit)])


def _parametric(
    fit: Fit, n: int, seed: int | None, statistic: Statistic | None, prepared: Prepared | None, *, is_new: bool
) -> Iterator[_Replicates]:
    simulator = Simulator(truth_of(fit), seed, is_new=is_new)
    options = FitOptions(start=_start(fit))
    if not fit.family.is_linear:
        for _ in range(n):
            y = simulator.drawn(1)[:, 0]
            yield _of_fit(fit, lambda y=y: refit_glmm(fit, y, options), statistic)  # type: ignore[misc]
        return
    prepared = prepare(fit.design, reml=fit.reml) if prepared is None else prepared
    if statistic is not None:
        for _ in range(n):
            own = simulator.drawn(1)[:, 0]
            yield _of_fit(fit, lambda y=own: prepared.with_outcome(y).fit(options), statistic)  # type: ignore[misc]
        return
    refitter = _refitter(fit, prepared)
    for rows in _portions(n, refitter.width):
        yield _of_batch(fit, refitter.fit(simulator.drawn(rows)))


def _portions(n: int, width: int) -> Iterator[int]:
    """Sizes of at most `width` that add up to n."""
    return (min(width, n - start) for start in range(0, n, width))


def _by_groups(
    fit: Fit, n: int, seed: int | None, place: int, statistic: Statistic | None, prepared: Prepared | None
) -> Iterator[_Replicates]:
    draw = np.random.default_rng(seed)
    n_levels = len(fit.design.spec.groupings[place].levels)
    refit = _Resampled(fit, place)
    if statistic is not None or not fit.family.is_linear or len(fit.groups) > 1:
        for _ in range(n):
            draws = draw.integers(0, n_levels, n_levels)
            yield _of_fit(fit, lambda draws=draws: refit(draws), statistic)  # type: ignore[misc]
        return
    refitter = _refitter(fit, prepared)
    sums = _GroupSums(refitter.prepared)
    for width in _portions(n, min(refitter.width, 256)):
        drawn = draw.integers(0, n_levels, (width, n_levels))
        found, is_open = refitter.fit_lanes(sums.lanes(drawn))
        for k in np.flatnonzero(is_open).tolist():
            found.clear(k)
            one = refit.attempted(drawn[k])
            if one is not None:
                found.put(k, one, np.full(len(one.beta), np.nan))
        yield _of_batch(fit, found)


@dataclass(frozen=True, slots=True)
class _Resampled:
    """Fits of the model to groups drawn."""

    fit: Fit
    place: int

    def __call__(self, draws: npt.NDArray[np.int64]) -> Fit:
        design = resampled(self.fit.design, self.place, draws)
        # theta of several factors is ordered by their levels, which the draws may change
        options = FitOptions(start=_start(self.fit) if len(self.fit.groups) == 1 else None)
        if self.fit.family.is_linear:
            return prepare(design, reml=self.fit.reml).fit(options)
        return fit_glmm(design, self.fit.family, n_agq=self.fit.n_agq, options=options)

    def attempted(self, draws: npt.NDArray[np.int64]) -> Fit | None:
        """None where there is no fit, or one of other coefficients."""
        try:
            own = self(draws)
        except (MlmError, np.linalg.LinAlgError):
            return None
        return own if own.names == self.fit.names else None


def _has_rank(N: Floats) -> Bools:
    """Whether no column is nearly a combination of those before it, (R,), from cross products (p, p, R)."""
    own = np.einsum("kkr->kr", N)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.einsum("kkr->kr", cholesky(N)) ** 2 / own
    return np.asarray((share > COLLINEAR).all(axis=0))


class _GroupSums:
    """The sums of a linear model with one grouping factor, group by group: a replicate counts each so many times."""

    def __init__(self, prepared: Prepared) -> None:
        design, coordinates, problem = prepared.design, prepared.coordinates, prepared.problem
        self.problem = problem
        self.J = problem.A.shape[2]
        columns = [*coordinates.X, coordinates.y]
        self.N = LevelSums(design.codes[0], self.J).products(columns, columns)
        self.sizes = np.bincount(design.codes[0], minlength=self.J)

    def lanes(self, drawn: npt.NDArray[np.int64]) -> Lanes:
        """Of the groups drawn, (R, J)."""
        problem = self.problem
        times = np.array([np.bincount(own, minlength=self.J) for own in drawn], dtype=np.float64).T
        n_obs = self.sizes @ times
        degrees = n_obs - problem.rank if problem.reml else n_obs
        N = np.tensordot(self.N, times, axes=(2, 0))
        N[:, :, ~_has_rank(N[:-1, :-1])] = np.nan  # a search of its own tells which column it is
        Wx, Wy = problem.W[:, :-1, :, None], problem.W[:, -1, :, None]
        return Lanes(problem.A, Wx, Wy, times, times, N, degrees, problem.reml)
