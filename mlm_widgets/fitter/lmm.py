"""Fitting a linear mixed model: design -> problem -> search -> result."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.fitter.certificate import certified
from mlm_widgets.fitter.coordinates import Coordinates, centred_design, with_outcome
from mlm_widgets.fitter.criterion import Evaluation, evaluate, exact_fit
from mlm_widgets.fitter.factors import inverse_information, singular_columns, triangular_factor
from mlm_widgets.fitter.fit import Fit, GroupFit, Trace
from mlm_widgets.fitter.newton import Search, newton_decrement
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.problem import Problem, build_problem, check_sizes, outcome_problem
from mlm_widgets.fitter.search import least_curvature, search_theta
from mlm_widgets.fitter.template import Template
from mlm_widgets.fitter.threads import single_thread

__all__ = ["Prepared", "fit_lmm", "prepare"]

Floats = npt.NDArray[np.float64]

NO_RESIDUAL = 1e-10  # share of the outcome's sum of squares: a search that runs off there follows sigma to zero


@dataclass(frozen=True)
class Prepared:
    """A design made ready: its columns in the coordinates of the search, and the sums of a problem."""

    design: Design
    coordinates: Coordinates
    problem: Problem

    def with_outcome(self, y: Floats) -> Prepared:
        """The same design with the outcome `y` (n,): only the sums with the outcome are made anew."""
        design = replace(self.design, y=y)
        coordinates = with_outcome(self.coordinates, design)
        return Prepared(design, coordinates, outcome_problem(self.problem, coordinates, design))

    def at(self, theta: Floats) -> Evaluation:
        """The criterion at theta, in the coordinates of the search (`Fit.theta_centred`)."""
        with single_thread():
            return evaluate(self.problem, theta)

    def fit(self, options: FitOptions | None = None, *, started: float | None = None) -> Fit:
        """See `fit_lmm`; `started` is when the clock began that the trace tells."""
        started, options = time.perf_counter() if started is None else started, options or FitOptions()
        with single_thread():
            search, hessian = search_theta(self.problem, options)
            if not search.converged and search.point.r2 < NO_RESIDUAL * self.problem.N[-1, -1]:
                raise exact_fit()
            return _result(self.design, self.problem, search, hessian, options, started)


def prepare(design: Design, *, reml: bool = True, has_residual: bool = True) -> Prepared:
    """The sums that all fits of `design` share.

    Without a residual variance to be estimated (`has_residual`), as in the working model of a generalized one, a
    grouping factor may have a level for each row.

    Raises
    ------
    FitError
        If rows are too few for the effects.
    """
    with single_thread():
        if has_residual:
            check_sizes(design)
        coordinates = centred_design(design)
        return Prepared(design, coordinates, build_problem(design, reml, coordinates, has_residual=has_residual))


def fit_lmm(design: Design, *, reml: bool = True, options: FitOptions | None = None) -> Fit:
    """Fit by REML or maximum likelihood.

    Raises
    ------
    FitError
        If rows are too few for the effects, or no residual variance is left.
    OptionError
        If the start has another length than theta.
    """
    started = time.perf_counter()
    return prepare(design, reml=reml).fit(options, started=started)


def _result(
    design: Design,
    problem: Problem,
    search: Search[Evaluation],
    hessian: Floats,
    options: FitOptions,
    started: float,
) -> Fit:
    point, scaling = search.point, problem.scaling
    names = design.spec.fixed.names
    groups = _group_fits(problem, point, options.singular_tolerance)
    slopes, cov_variance = _variance_information(problem, point, hessian)
    degrees = problem.degrees
    criterion = point.value + 2.0 * degrees * np.log(scaling.y_scale) - problem.log_weights
    if problem.reml:
        criterion += 2.0 * scaling.log_scale_x
    to_user = scaling.to_user / scaling.y_scale
    size = scaling.y_scale * point.sigma
    state: Literal["converged", "boundary", "failed"] = "converged" if search.converged else "failed"
    if search.converged and any(group.singular for group in groups):
        state = "boundary"
    return Fit(
        design=design,
        reml=problem.reml,
        names=tuple(names[k] for k in problem.kept),
        dropped=tuple(name for k, name in enumerate(names) if k not in set(problem.kept.tolist())),
        beta=scaling.to_user @ point.beta + scaling.shift,
        cov_beta=size**2 * to_user @ point.C @ to_user.T,
        sigma=size * np.sqrt(problem.weight_scale),
        dispersion=float(size**2 * problem.weight_scale),
        theta=np.concatenate([_theta_of(group, t) for group, t in zip(groups, problem.templates, strict=True)]),
        criterion=float(criterion),
        groups=groups,
        cov_beta_slopes=scaling.y_scale**2 * (to_user @ slopes @ to_user.T),
        cov_variance=cov_variance,
        kept=problem.kept,
        state=state,
        theta_centred=search.x,
        certificate=certified(point),
        trace=Trace(
            steps=search.trace,
            n_evaluations=search.n_evaluations,
            decrement=search.decrement,
            scaled_gradient=float(np.sqrt(max(newton_decrement(point, search.x), 0.0))),
            least_curvature=least_curvature(hessian),
            optimiser=options.optimiser,
            elapsed_ms=1000 * (time.perf_counter() - started),
        ),
    )


def _group_fits(problem: Problem, point: Evaluation, tolerance: float) -> tuple[GroupFit, ...]:
    covariances = point.mode_covariances()
    y_scale = problem.scaling.y_scale
    found = []
    for f, template in enumerate(problem.templates):
        back, names = np.linalg.inv(template.H), problem.groupings[f].names
        centred = triangular_factor(point.lams[f], template)
        lam = triangular_factor(back @ point.lams[f], template)
        half = (back @ covariances[f].reshape(template.q, -1)).reshape(covariances[f].shape)
        covariance = np.matmul((y_scale * point.sigma) ** 2 * back, half)
        for a in range(template.q):
            np.maximum(covariance[a, a], 0.0, out=covariance[a, a])  # zero to rounding where a variance is zero
        found.append(
            GroupFit(
                grouping=problem.groupings[f],
                place=problem.source[f],
                lam=lam / np.sqrt(problem.weight_scale),
                modes=y_scale * (back @ point.modes[f]),
                mode_covariance=covariance,
                singular=singular_columns(lam, centred, template, names, tolerance),
            )
        )
    return tuple(found)


def _theta_of(group: GroupFit, template: Template) -> Floats:
    return np.asarray(group.lam[template.row, template.col])


def _variance_information(problem: Problem, point: Evaluation, H: Floats) -> tuple[Floats, Floats]:
    """D cov(beta)/d(theta, sigma) and the asymptotic covariance of (theta, sigma), in scaled coordinates.

    Kuznetsova, Brockhoff & Christensen (2017), J. Stat. Software 82(13), section 3: A = 2 F^-1, F the Hessian of the
    deviance in (theta, sigma). With sigma profiled out: F_ss = 4 nn / sigma^2, F_ts = (2 / sigma^3) y_k, y_k = -d r^2
    / d theta_k, F_tt = H + F_ts F_st / F_ss.
    """
    sigma, nn = point.sigma, problem.degrees
    n_theta = len(point.theta)
    pairs = list(zip(point.dS, point.EE, strict=True))
    y = np.concatenate([np.tensordot(dS, EE[:, -1, :, -1]) for dS, EE in pairs])
    y *= point.r2
    F = np.zeros((n_theta + 1, n_theta + 1))
    F[n_theta, n_theta] = 4.0 * nn / sigma**2
    F[:n_theta, n_theta] = F[n_theta, :n_theta] = 2.0 * y / sigma**3
    F[:n_theta, :n_theta] = H + np.outer(y, y) * (4.0 / sigma**6) / F[n_theta, n_theta]
    # d C / dS_ab = C M_ab C = half_C' O_ab half_C
    O_ = [np.tensordot(dS, EE[:, :-1, :, :-1], axes=([1, 2], [0, 2])) for dS, EE in pairs]
    slopes = np.concatenate([sigma**2 * own for own in O_] + [2.0 * sigma * np.eye(len(point.C))[None]])
    return point.half_C.T @ slopes @ point.half_C, 2.0 * inverse_information(F)
