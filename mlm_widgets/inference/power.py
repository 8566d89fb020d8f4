"""Power by simulation: outcomes are drawn from a known truth, fitted and tested; how often the test is significant.

Green & MacLeod (2016), SIMR: an R package for power analysis of generalized linear mixed models by simulation, Methods
in Ecology and Evolution 7, 493-498.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from mlm_widgets.errors import DesignError, MlmError
from mlm_widgets.fitter import Fit, FitOptions, prepare
from mlm_widgets.fitter.batch import Refitter
from mlm_widgets.inference.progress import ProgressOption, Work
from mlm_widgets.inference.refitting import refit_glmm
from mlm_widgets.inference.replicates import inside_theta
from mlm_widgets.inference.satterthwaite import satterthwaite_df
from mlm_widgets.inference.simulation import Simulator, Truth

__all__ = ["TESTS", "Power", "power", "wilson"]

Floats = npt.NDArray[np.float64]

TESTS = {
    "t": "t test with Satterthwaite's degrees of freedom",
    "z": "Wald z test",
    "lr": "likelihood-ratio test by maximum likelihood",
}
INTERVAL = "Wilson"

Size = tuple[int | None, int | None]


@dataclass(frozen=True)
class Power:
    """Power at each size of a study.

    Attributes
    ----------
    table : DataFrame
        A row a size: n_groups, group_size (rows a group, their mean where groups differ), power, lower, upper, n_sim,
        n_failed (simulations without a fit, which do not count), n_singular.
    effect : str
        The coefficient that is tested.
    value : float
        What it is in truth.
    group : str
        The grouping factor that the sizes are of.
    test : str
        In words.
    alpha : float
        Of the test, two-sided.
    level : float
        Of lower and upper, the Monte Carlo interval.
    own : tuple of (int, float)
        Numbers of groups and rows a group of the study itself.
    sizes : tuple of (int or None, int or None)
        Numbers of groups and rows a group that were asked for, by row; None for the study's own.
    """

    table: pd.DataFrame
    effect: str
    value: float
    group: str
    test: str
    alpha: float
    level: float
    own: tuple[int, float]
    sizes: tuple[Size, ...]

    @property
    def interval(self) -> str:
        """Which interval `lower` and `upper` are."""
        return f"{INTERVAL} {100 * self.level:g} % Monte Carlo interval"

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        n = ", ".join(f"{own:,}" for own in sorted(set(self.table["n_sim"])))
        return (
            f"Power to find {self.effect} = {self.value:g} at the {100 * self.alpha:g} % level, {self.test}; "
            f"{n} simulations a row, {self.interval}."
        )

    def __repr__(self) -> str:
        return f"{self.sentence}\n{self.table.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.to_html(index=False)}"


def wilson(hits: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's (1927) interval of a share, J. Am. Stat. Assoc. 22, 209-212; (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    z2 = float(special.ndtri(0.5 + level / 2.0)) ** 2
    centre = (hits + z2 / 2.0) / (n + z2)
    half = np.sqrt(z2 * (hits * (n - hits) / n + z2 / 4.0)) / (n + z2)
    return (0.0 if hits == 0 else float(centre - half)), (1.0 if hits == n else float(centre + half))


def power(
    truth_at: Callable[[Size], Truth],
    sizes: Sequence[Size],
    *,
    effect: str,
    place: int,
    own: tuple[int, float],
    n_sim: int,
    alpha: float,
    level: float,
    test: str,
    seed: int | None,
    progress: ProgressOption = None,
    cancel: Event | None = None,
) -> Power:
    """Power at `sizes`, of the truth that `truth_at` gives for each; `place` is the grouping factor's in the design.

    A size has random numbers of its own: its power does not depend on the others.

    Raises
    ------
    DesignError
        If a coefficient cannot be estimated from the design of a size.
    Cancelled
        Its `partial` is the `Power` of the sizes that are done, and of those simulations of the next that are.
    """
    entropy = np.random.SeedSequence(seed).entropy
    rows: list[dict[str, float]] = []
    truth = truth_at(sizes[0])

    def so_far() -> Power:
        value = float(truth.beta[truth.names.index(effect)])
        name = truth.design.spec.groupings[place].name
        return Power(pd.DataFrame(rows), effect, value, name, TESTS[test], alpha, level, own, tuple(sizes[: len(rows)]))

    with Work("Power", n_sim * len(sizes), progress, cancel) as work:
        for size in sizes:
            truth = truth_at(size)
            tally = _Tally()
            rows.append({})
            for part in _p_values(truth, effect, n_sim, [*_words(entropy), *(own or 0 for own in size)], test):
                tally.count(part, alpha)
                rows[-1] = _row(truth, place, tally, level)
                work.advance(len(part.p), so_far)
    return so_far()


def _words(entropy: object) -> list[int]:
    return [int(own) for own in entropy] if isinstance(entropy, Sequence) else [int(entropy)]  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class _Tests:
    """p values (R,), NaN where there is no fit, and which fits are singular."""

    p: Floats
    singular: npt.NDArray[np.bool_]


@dataclass(slots=True)
class _Tally:
    """Simulations so far."""

    n: int = 0
    n_failed: int = 0
    n_singular: int = 0
    hits: int = 0

    def count(self, part: _Tests, alpha: float) -> None:
        self.n += len(part.p)
        self.n_failed += int(np.isnan(part.p).sum())
        self.n_singular += int(part.singular.sum())
        self.hits += int((part.p < alpha).sum())


def _row(truth: Truth, place: int, tally: _Tally, level: float) -> dict[str, float]:
    design = truth.design
    n_groups, n_fitted = len(design.spec.groupings[place].levels), tally.n - tally.n_failed
    size = design.n_obs / n_groups
    lower, upper = wilson(tally.hits, n_fitted, level)
    return {
        "n_groups": n_groups,
        "group_size": int(size) if size == int(size) else size,
        "power": tally.hits / n_fitted if n_fitted else np.nan,
        "lower": lower,
        "upper": upper,
        "n_sim": tally.n,
        "n_failed": tally.n_failed,
        "n_singular": tally.n_singular,
    }


def _p_values(truth: Truth, effect: str, n: int, seed: list[int], test: str) -> Iterator[_Tests]:
    simulator, place = Simulator(truth, seed), truth.names.index(effect)
    width, tested = (_linear_tests if truth.family.is_linear else _generalized_tests)(truth, place, test)
    for start in range(0, n, width):
        yield tested(simulator.drawn(min(width, n - start)))


def _linear_tests(truth: Truth, place: int, test: str) -> tuple[int, Callable[[Floats], _Tests]]:
    """How many outcomes are tested at once, and their tests."""
    if test == "lr":
        full, less = _refitter(replace(truth, reml=False)), _refitter(replace(_without(truth, place), reml=False))

        def by_ratio(Y: Floats) -> _Tests:
            found = full.fit(Y)
            return _Tests(_ratio_p(less.fit(Y).criterion - found.criterion), found.singular)

        return min(full.width, less.width), by_ratio
    refitter = _refitter(truth)

    def by_wald(Y: Floats) -> _Tests:
        found = refitter.fit(Y)
        with np.errstate(invalid="ignore", divide="ignore"):
            statistic = np.abs(found.beta[:, place]) / found.std_error[:, place]
        df = found.df[:, place] if test == "t" else np.where(np.isnan(statistic), np.nan, np.inf)
        return _Tests(2.0 * special.stdtr(df, -statistic), found.singular)

    return refitter.width, by_wald


def _ratio_p(difference: Floats) -> Floats:
    """Of a likelihood ratio with one degree of freedom; a difference below zero is rounding."""
    return np.asarray(special.chdtrc(1.0, np.maximum(difference, 0.0)))


def _without(truth: Truth, place: int) -> Truth:
    """The model without one coefficient, nor columns that are combinations of others."""
    design = truth.design
    left = [k for n, k in enumerate(truth.kept.tolist()) if n != place]
    basis = design.spec.fixed
    basis = replace(basis, names=tuple(basis.names[k] for k in left), assign=tuple(basis.assign[k] for k in left))
    design = replace(design, spec=replace(design.spec, fixed=basis), fixed=tuple(design.fixed[k] for k in left))
    beta = np.delete(truth.beta, place)
    return replace(truth, design=design, names=basis.names, kept=np.arange(len(left)), beta=beta)


def _refitter(truth: Truth) -> Refitter:
    """Fits the design of `truth`."""
    y = Simulator(truth, 0).drawn(1)[:, 0]  # gives the sums a scale, no more
    prepared = prepare(replace(truth.design, y=y), reml=truth.reml)
    problem = prepared.problem
    if not np.array_equal(problem.kept, truth.kept):
        lost = [name for name, k in zip(truth.names, truth.kept, strict=True) if k not in problem.kept]
        raise DesignError(
            f"With {truth.design.n_obs:,} rows in {len(problem.groupings[0].levels):,} groups “{lost[0]}” cannot be "
            "told from the other predictors.",
            hint="Ask for more groups, or for larger ones.",
        )
    of_place = {own.place: own.lam for own in truth.effects}
    theta = []
    for grouping, source in zip(problem.groupings, problem.source, strict=True):
        for block in grouping.blocks:
            col, row = np.triu_indices(len(block.columns))
            theta.append(of_place[source][block.start + row, block.start + col])
    return Refitter(prepared, np.concatenate(theta), lambda fit: satterthwaite_df(fit, np.eye(len(fit.beta))))


def _start(truth: Truth) -> Floats | None:
    """Theta of the truth; with several factors, whose order may have changed, the search finds its own start."""
    if len(truth.effects) > 1:
        return None
    own = truth.effects[0]
    return inside_theta([(truth.design.spec.groupings[own.place], own.lam)])


def _generalized_tests(truth: Truth, place: int, test: str) -> tuple[int, Callable[[Floats], _Tests]]:
    """One outcome at a time."""
    less = _without(truth, place) if test == "lr" else None

    def tested(Y: Floats) -> _Tests:
        fit = _refit(truth, Y[:, 0])
        null = fit if less is None or fit is None else _refit(less, Y[:, 0])
        if fit is None or null is None:
            return _Tests(np.array([np.nan]), np.array([False]))
        if less is None:
            z = fit.beta[place] / np.sqrt(fit.cov_beta[place, place])
            p = np.asarray(2.0 * special.ndtr(-np.abs([z])))
        else:
            p = _ratio_p(np.array([null.criterion - fit.criterion]))
        return _Tests(p, np.array([fit.state == "boundary"]))

    return 1, tested


def _refit(truth: Truth, y: Floats) -> Fit | None:
    try:
        fit = refit_glmm(truth, y, FitOptions(start=_start(truth)))
    except (MlmError, np.linalg.LinAlgError):
        return None
    return fit if fit.state != "failed" and fit.names == truth.names else None
