"""`power`: how often a study of such a size would find an effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np

from mlm_widgets import inference
from mlm_widgets.errors import OptionError, closest
from mlm_widgets.inference import Power, PowerDesign, ProgressOption, Truth
from mlm_widgets.results.checks import check_choice, check_count, check_level
from mlm_widgets.results.model import MixedModel

__all__ = ["power"]


def power(
    model: MixedModel | PowerDesign,
    effect: str | Mapping[str, float],
    *,
    n_groups: int | Iterable[int] | None = None,
    group_size: int | Iterable[int] | None = None,
    group: str | None = None,
    n_sim: int = 1000,
    alpha: float = 0.05,
    test: str | None = None,
    level: float = 0.95,
    seed: int | None = None,
    progress: ProgressOption = None,
    cancel: Event | None = None,
) -> Power:
    """Power by simulation, as R's simr: outcomes are drawn, fitted and tested, and significant tests are counted.

    Parameters
    ----------
    model : MixedModel or PowerDesign
        A fitted model, whose estimates are taken as the truth with its weights, offset and family; or a study that is
        not there yet. A model fitted to few data overestimates effects that were chosen because they were significant:
        set the value that you want to find.
    effect : str or dict
        The coefficient that is tested, at its value in the model: ``"ses"``; or at one of yours: ``{"ses": 0.5}``. Of
        several the first is tested, and all are set.
    n_groups : int or list of int, optional
        Numbers of groups. Groups of a model are copies of its own, taken equally often (`simr::extend(along=)`).
    group_size : int or list of int, optional
        Rows a group, likewise copies of those at hand (`simr::extend(within=)`). With several of both, every
        combination has a row.
    group : str, optional
        The grouping factor whose groups and sizes these are; by default the outermost. Needed where factors are crossed
        and a size is asked for.
    n_sim : int
        Simulations a row.
    alpha : float
        Level of the test, which is two-sided.
    test : {"t", "z", "lr"}, optional
        "t": t test with Satterthwaite's degrees of freedom (the default of linear models, and theirs alone). "z": Wald
        z test (the default of generalized models). "lr": likelihood-ratio test by maximum likelihood, two fits a
        simulation; of a predictor of groups it is significant too often where groups are few, as is "z".
    level : float
        Of the Monte Carlo interval (Wilson's).
    seed : int, optional
        The same seed gives the same numbers, for each size whatever the others are.
    progress, cancel
        As for `MixedModel.bootstrap`.

    Returns
    -------
    Power
        `table` has a row a size. Simulations that could not be fitted are counted in n_failed and left out of the
        power; singular fits count.

    Raises
    ------
    OptionError
        If an option is not allowed.
    DesignError
        If the coefficients cannot be estimated at some size.
    Cancelled
        If it was stopped.

    Examples
    --------
    >>> import mlm_widgets as mlm
    >>> m = mlm.fit("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> found = mlm.power(m, {"Days": 5.0}, n_groups=[10, 30], n_sim=200, seed=1)
    >>> found.table["n_groups"].tolist(), bool(found.table["power"].is_monotonic_increasing)
    ([10, 30], True)
    """
    if not isinstance(model, (MixedModel, PowerDesign)):
        raise OptionError(
            f"`model` must be a fitted model or a PowerDesign, not {type(model).__name__}.", argument="model"
        )
    n_list, size_list = _counts("n_groups", n_groups, 2), _counts("group_size", group_size, 1)
    sizes = [(n, size) for size in size_list for n in n_list]
    is_sized = sizes != [(None, None)]
    place = 0
    if isinstance(model, PowerDesign):
        study = model
        check_count("n_groups", study.n_groups)
        check_count("group_size", study.group_size)
        own: tuple[int, float] = (study.n_groups, study.group_size)
        truth = inference.assumed_truth(study)
        values, tested = _values(effect, truth)

        def at(size: tuple[int | None, int | None]) -> Truth:
            return _with(inference.assumed_truth(study, *size), values)
    else:
        fit = model.fit_result
        truth = inference.truth_of(fit)
        place = inference.outermost(fit.design, group) if is_sized or group is not None else fit.groups[0].place
        n_now = len(fit.design.spec.groupings[place].levels)
        own = (n_now, fit.design.n_obs / n_now)
        values, tested = _values(effect, truth)

        def at(size: tuple[int | None, int | None]) -> Truth:
            return _with(inference.extended(truth, place, *size), values)

    is_linear = truth.family.is_linear
    test = ("t" if is_linear else "z") if test is None else test
    check_choice("test", test, ("t", "z", "lr") if is_linear else ("z", "lr"))
    if not isinstance(alpha, (int, float)) or not 0 < alpha < 1:
        raise OptionError(f"`alpha` must lie between 0 and 1, not {alpha!r}.", argument="alpha")
    return inference.power(
        at, sizes, effect=tested, place=place, own=own, n_sim=check_count("n_sim", n_sim), alpha=float(alpha),
        level=check_level(level), test=test, seed=seed, progress=progress, cancel=cancel,
    )  # fmt: skip


def _counts(name: str, given: Any, least: int) -> list[int | None]:
    """The whole numbers asked for; [None] where nothing was."""
    if given is None:
        return [None]
    values = [given] if isinstance(given, (int, np.integer, str, float)) else list(given)
    found = [check_count(name, value) for value in values]
    if not found or min(found) < least:
        raise OptionError(f"`{name}` must be whole numbers from {least}, not {given!r}.", argument=name)
    return list(dict.fromkeys(found))


def _values(effect: Any, truth: Truth) -> tuple[dict[str, float], str]:
    """The values to be set, and the name of the coefficient that is tested."""
    values = {name: float(value) for name, value in effect.items()} if isinstance(effect, Mapping) else {}
    names = list(values) if isinstance(effect, Mapping) else [effect]
    if not names:
        raise OptionError("`effect` names no coefficient.", hint="Write effect={'x': 0.5}.", argument="effect")
    for name in names:
        if name not in truth.names:
            near = closest(str(name), truth.names)
            raise OptionError(
                f"`effect` names {name!r}; the model has {', '.join(map(repr, truth.names))}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
                argument="effect",
            )
    return values, names[0]


def _with(truth: Truth, values: Mapping[str, float]) -> Truth:
    beta = truth.beta.copy()
    for name, value in values.items():
        beta[truth.names.index(name)] = value
    return replace(truth, beta=beta)
