"""Fitting a generalized linear mixed model: design -> arrays -> search -> result."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.errors import FitError, OptionError
from mlm_widgets.families import Family
from mlm_widgets.fitter.factors import inverse_information, singular_columns, triangular_factor
from mlm_widgets.fitter.fit import Fit, GroupFit, Trace
from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.fitter.glmm.build import GlmmProblem, build_arrays
from mlm_widgets.fitter.glmm.memory import keep_freed_memory
from mlm_widgets.fitter.glmm.search import GlmmSearch, Objective, search
from mlm_widgets.fitter.glmm.start import first_parameters, improved, working_hessian
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.threads import single_thread

__all__ = ["MAX_AGQ", "fit_glmm"]

Floats = npt.NDArray[np.float64]

MAX_AGQ = 50
NEAR_ZERO = 1e-3  # a variance component that may be a maximum on the boundary
AWAY = (0.02, 0.2)  # where it is looked at


def fit_glmm(design: Design, family: Family, *, n_agq: int = 1, options: FitOptions | None = None) -> Fit:
    """Fit by maximum likelihood, by Laplace's approximation or adaptive Gauss-Hermite quadrature.

    Parameters
    ----------
    design : Design
    family : Family
    n_agq : int
        Nodes of the quadrature, 1 (Laplace) to 50; more than 1 for one grouping factor with one random effect.
    options : FitOptions, optional

    Raises
    ------
    FitError
        If rows are too few, or no finite likelihood is found.
    OptionError
        If `n_agq` does not suit the model, or the start has another length than theta.
    """
    started, options = time.perf_counter(), options or FitOptions()
    _check_agq(design, n_agq)
    _check_optimiser(options)
    keep_freed_memory()
    try:
        # far from the optimum terms may be no numbers; every one that is used is looked at
        with single_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            problem = build_arrays(design, family)
            objective = Objective(problem.arrays, n_agq, options.max_evaluations)
            found = _searched(objective, problem, options)
            return _result(design, problem, found, n_agq, options, started)
    except np.linalg.LinAlgError as error:
        raise FitError(
            f"The search met numbers that cannot be computed with ({error}).",
            hint="Simplify the model, give the outcome and the predictors in other units, or choose another link.",
        ) from None


def _check_agq(design: Design, n_agq: int) -> None:
    if isinstance(n_agq, bool) or not isinstance(n_agq, (int, np.integer)) or not 1 <= n_agq <= MAX_AGQ:
        raise OptionError(
            f"`n_agq` must be a whole number from 1 to {MAX_AGQ}, not {n_agq!r}.",
            hint="1 is Laplace's approximation.",
            argument="n_agq",
        )
    groupings = design.spec.groupings
    if n_agq > 1 and (len(groupings) > 1 or len(groupings[0].names) > 1):
        raise OptionError(
            f"`n_agq` = {n_agq} needs one grouping factor with one random effect; this model has "
            + ", ".join(f"{len(g.names)} by {g.name}" for g in groupings)
            + ".",
            hint="Use n_agq=1, Laplace's approximation.",
            argument="n_agq",
        )


def _check_optimiser(options: FitOptions) -> None:
    if options.optimiser != "newton":
        raise OptionError(
            f"`optimiser` is {options.optimiser!r}, but generalized models have one search: BFGS, ended by Newton's "
            "method.",
            hint="Leave it out; `all_fits()` tries other starts.",
            argument="optimiser",
        )


def _searched(objective: Objective, problem: GlmmProblem, options: FitOptions) -> GlmmSearch:
    """The search, taken up again from beside where it stopped on a boundary that is no minimum."""
    start = _first(objective, problem, options)
    found = search(objective, start, working_hessian, options.tolerance)
    for k in _on_diagonal(problem.arrays):
        if abs(found.parameters[k]) > NEAR_ZERO or objective.is_spent:
            continue
        for size in AWAY:
            beside = found.parameters.copy()
            beside[k] = size
            again = _from_beside(objective, beside, found, options)
            if again is not None:
                found = again
                break
    return replace(found, n_evaluations=objective.n_evaluations)


def _from_beside(objective: Objective, beside: Floats, found: GlmmSearch, options: FitOptions) -> GlmmSearch | None:
    """The search from `beside`; None where that is no lower than what was found."""
    try:
        if objective.at(beside, found.point.modes.u).value >= found.point.value - 1e-9 * abs(found.point.value):
            return None
        again = search(objective, beside, working_hessian, options.tolerance)
    except FitError:
        return None
    return again if again.point.value < found.point.value else None


def _first(objective: Objective, problem: GlmmProblem, options: FitOptions) -> Floats:
    first = first_parameters(problem.arrays)
    if options.start is None:
        return improved(objective, first)
    theta = np.asarray(options.start, dtype=np.float64)
    n_theta = problem.arrays.n_theta
    if len(theta) != n_theta:
        raise OptionError(
            f"`start` has {len(theta)} values, but the model has {n_theta} variance parameters.",
            hint="They are the lower triangles of the relative covariance factors, column by column.",
            argument="start",
        )
    by_levels = _by_levels(problem)
    ends = np.cumsum([0, *(len(problem.arrays.templates[f].row) for f in by_levels)])
    own = {f: theta[ends[i] : ends[i + 1]] for i, f in enumerate(by_levels)}
    first[:n_theta] = np.concatenate([template.of_user(own[f]) for f, template in enumerate(problem.arrays.templates)])
    return first


def _on_diagonal(arrays: Arrays) -> list[int]:
    """Places of the diagonal elements in the parameters."""
    row = np.concatenate([template.row for template in arrays.templates])
    col = np.concatenate([template.col for template in arrays.templates])
    return [int(k) for k in np.flatnonzero(row == col)]


def _by_levels(problem: GlmmProblem) -> list[int]:
    """Places of the factors by decreasing number of levels, as lme4 orders them."""
    order = sorted(range(len(problem.source)), key=lambda f: problem.source[f])
    return sorted(order, key=lambda f: -problem.arrays.factors[f].n_levels)


def _result(
    design: Design, problem: GlmmProblem, found: GlmmSearch, n_agq: int, options: FitOptions, started: float
) -> Fit:
    arrays = problem.arrays
    if not np.isfinite(found.point.value):
        raise FitError("No finite likelihood was found.", hint="Simplify the model, or look at the outcome's values.")
    names = design.spec.fixed.names
    _, beta, log_phi = arrays.split(found.parameters)
    k, p = arrays.n_theta, len(beta)
    covariance = 2.0 * inverse_information(found.hessian, k)
    if not (np.diag(covariance)[k : k + p] > 0.0).all():
        raise FitError(
            "The likelihood is flat in the fixed effects where the search ended: the data do not tell them.",
            hint="Look at the outcome's values, simplify the model, or choose another family or link.",
        )
    order = _by_levels(problem)
    groups = {f: _group_fit(problem, found, f, options.singular_tolerance) for f in order}
    fits = tuple(groups[f] for f in order)
    state: Literal["converged", "boundary", "failed"] = "converged" if found.converged else "failed"
    if found.converged and any(group.singular for group in fits):
        state = "boundary"
    values = np.linalg.eigvalsh(found.hessian)
    return Fit(
        design=design,
        reml=False,
        names=tuple(names[a] for a in problem.kept),
        dropped=tuple(name for a, name in enumerate(names) if a not in set(problem.kept.tolist())),
        beta=problem.to_user @ beta,
        cov_beta=problem.to_user @ covariance[k : k + p, k : k + p] @ problem.to_user.T,
        sigma=1.0,
        theta=np.concatenate([groups[f].lam[arrays.templates[f].row, arrays.templates[f].col] for f in order]),
        criterion=float(found.point.value),
        groups=fits,
        cov_beta_slopes=np.zeros((0, p, p)),
        cov_variance=covariance[:k, :k],
        kept=problem.kept,
        state=state,
        theta_centred=found.parameters[:k],
        certificate=None,
        trace=Trace(
            steps=found.trace,
            n_evaluations=found.n_evaluations,
            decrement=found.decrement,
            scaled_gradient=float(np.sqrt(max(found.decrement, 0.0))),
            least_curvature=float(values[0] / max(float(np.abs(values).max()), 1e-300)),
            optimiser="bfgs, newton",
            elapsed_ms=1000 * (time.perf_counter() - started),
        ),
        family=arrays.family,
        dispersion=float(np.exp(log_phi)),
        n_agq=n_agq,
    )


def _group_fit(problem: GlmmProblem, found: GlmmSearch, f: int, tolerance: float) -> GroupFit:
    modes, template, grouping = found.point.modes, problem.arrays.templates[f], problem.groupings[f]
    back = np.linalg.inv(template.H)
    lam = triangular_factor(back @ modes.lams[f], template)
    inner = modes.H.mode_covariance(f)
    covariance = np.einsum("ab,bcj,dc->adj", back, inner, back)
    for a in range(template.q):
        np.maximum(covariance[a, a], 0.0, out=covariance[a, a])
    return GroupFit(
        grouping=grouping,
        place=problem.source[f],
        lam=lam,
        modes=back @ modes.b[f],
        mode_covariance=covariance,
        singular=singular_columns(lam, triangular_factor(modes.lams[f], template), template, grouping.names, tolerance),
    )
