"""Fitting one linear mixed model to many outcomes.

With one grouping factor the outcomes are columns of one array (MATH: replicates are columns), in portions that stay in
cache. A replicate that does not settle, or settles where a covariance nearby is better, is fitted by itself; so are
all where factors are nested or crossed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import MlmError
from mlm_widgets.fitter.batch.criterion import Pulled
from mlm_widgets.fitter.batch.lanes import Lanes, Outcomes
from mlm_widgets.fitter.batch.search import Found, lower_factors, search
from mlm_widgets.fitter.certificate import LEAST_SLOPE, SPREAD
from mlm_widgets.fitter.fit import Fit
from mlm_widgets.fitter.lmm import Prepared
from mlm_widgets.fitter.options import FitOptions
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.search import SADDLE, ZERO, theta_of_user
from mlm_widgets.fitter.template import Template
from mlm_widgets.fitter.threads import single_thread

__all__ = ["BatchFit", "Refitter", "no_fits"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CACHED = 240_000  # entries of [A_j W_j] over lanes and replicates that stay in cache, by and large
LEAST, MOST = 128, 1_024  # replicates of a portion: fewer make short loops, more bring nothing
MOST_ENTRIES = 4_000_000  # of a portion's outcomes, and of its [A_j W_j]: a few arrays of such a size are in memory
INSIDE = 0.05  # least standard deviation, relative to the residual's, that a search begins from: 0 is stationary


@dataclass(frozen=True, slots=True)
class BatchFit:
    """Fits of R outcomes; arrays are NaN where a fit failed.

    Attributes
    ----------
    beta : ndarray (R, p)
        Of the columns that the prepared design keeps.
    cov_beta : ndarray (R, p, p)
    df : ndarray (R, p)
        Satterthwaite's degrees of freedom of each coefficient.
    sigma : ndarray (R,)
        Residual standard deviation of a row of weight 1.
    theta : ndarray (R, n_theta)
        lme4's, as `Fit.theta`.
    criterion : ndarray (R,)
        REML criterion, or -2 log-likelihood.
    converged, singular : ndarray (R,)
    single : ndarray (R,)
        Which were fitted by themselves.
    """

    beta: Floats
    cov_beta: Floats
    df: Floats
    sigma: Floats
    theta: Floats
    criterion: Floats
    converged: Bools
    singular: Bools
    single: Bools

    @property
    def std_error(self) -> Floats:
        """Standard errors of beta, (R, p)."""
        return np.asarray(np.sqrt(np.einsum("rkk->rk", self.cov_beta)))

    def put(self, place: int, fit: Fit, df: Floats) -> None:
        """A fit by itself in place of one of these, where its search has ended."""
        if fit.state == "failed":
            return
        self.beta[place], self.cov_beta[place], self.df[place] = fit.beta, fit.cov_beta, df
        self.sigma[place], self.theta[place], self.criterion[place] = fit.sigma, fit.theta, fit.criterion
        self.converged[place] = True
        self.singular[place] = any(group.singular for group in fit.groups)

    def clear(self, place: int) -> None:
        """No fit there, until one by itself is put."""
        self.single[place] = True
        for own in (self.beta, self.cov_beta, self.df, self.sigma, self.theta, self.criterion):
            own[place] = np.nan
        self.converged[place] = self.singular[place] = False

    @classmethod
    def joined(cls, parts: list[BatchFit]) -> BatchFit:
        """Portions as one."""
        return cls(*(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)))


def no_fits(n: int, p: int, n_theta: int) -> BatchFit:
    """Places for `n` fits."""
    shapes = ((n, p), (n, p, p), (n, p), (n,), (n, n_theta), (n,))
    return BatchFit(*(np.full(shape, np.nan) for shape in shapes), *(np.zeros(n, dtype=bool) for _ in range(3)))


class Refitter:
    """Fits one prepared design to other outcomes.

    Parameters
    ----------
    prepared : Prepared
    theta : ndarray (n_theta,)
        Where searches begin: lme4's theta, such as a fitted model's.
    satterthwaite : callable
        Fit -> degrees of freedom of the coefficients, (p,), of a fit by itself.
    """

    def __init__(self, prepared: Prepared, theta: Floats, satterthwaite: Callable[[Fit], Floats]) -> None:
        self.prepared = prepared
        self.satterthwaite = satterthwaite
        problem = prepared.problem
        self.theta = theta
        self.start = _inside(problem, theta_of_user(problem, theta))
        self.outcomes = Outcomes.of(prepared) if problem.crossing is None else None

    @property
    def width(self) -> int:
        """How many outcomes a portion should have."""
        n, problem = self.prepared.design.n_obs, self.prepared.problem
        if self.outcomes is None:
            return 1
        lanes = self.outcomes.rotation
        entries = max(problem.AW.shape[0] * problem.AW.shape[1] * lanes.A.shape[2], 1)
        return max(1, min(max(CACHED // entries, LEAST), MOST, MOST_ENTRIES // max(n, entries)))

    def fit(self, Y: Floats, options: FitOptions | None = None) -> BatchFit:
        """Fit the outcomes Y, (n_obs, R)."""
        options = options or FitOptions()
        parts = [self._portion(Y[:, rows], options) for rows in portions(Y.shape[1], self.width)]
        return BatchFit.joined(parts) if parts else no_fits(0, self.prepared.problem.rank, len(self.theta))

    def fit_lanes(self, lanes: Lanes, options: FitOptions | None = None) -> tuple[BatchFit, Bools]:
        """Fit sums whose outcomes are scaled as the prepared one is; and which of them need a search of their own."""
        R, y = lanes.n_replicates, self.prepared.coordinates.y
        with single_thread():
            return self._of_lanes(lanes, np.full(R, y.centre), np.full(R, y.scale), options or FitOptions())

    def _portion(self, Y: Floats, options: FitOptions) -> BatchFit:
        R = Y.shape[1]
        if self.outcomes is None:
            found, is_open = no_fits(R, self.prepared.problem.rank, len(self.theta)), np.ones(R, dtype=bool)
            options = replace(options, start=self._user_start())
        else:
            with single_thread():
                lanes, centre, scale = self.outcomes.lanes(Y)
                found, is_open = self._of_lanes(lanes, centre, scale, options)
                is_open &= scale > 0
        for place in np.flatnonzero(is_open):
            self._single(found, int(place), Y[:, place], options)
        return found

    def _user_start(self) -> Floats:
        """Where a search by itself begins: 0 is stationary, so never there."""
        problem = self.prepared.problem
        parts = []
        for template, own in zip(problem.templates, problem.slices, strict=True):
            lam = np.asarray(np.linalg.solve(template.H, template.matrix(self.start[own])), dtype=np.float64)
            parts.append(_theta_of(lam[:, :, None], template)[:, 0])
        return np.concatenate(parts) / np.sqrt(problem.weight_scale)

    def _single(self, found: BatchFit, place: int, y: Floats, options: FitOptions) -> None:
        found.clear(place)
        try:
            fit = self.prepared.with_outcome(np.ascontiguousarray(y)).fit(options)
        except (MlmError, np.linalg.LinAlgError):
            return  # an outcome that has no fit stays without one
        found.put(place, fit, self.satterthwaite(fit))

    def _of_lanes(self, lanes: Lanes, centre: Floats, scale: Floats, options: FitOptions) -> tuple[BatchFit, Bools]:
        problem = self.prepared.problem
        template = problem.templates[0]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ended = search(lanes, template, self.start, options.tolerance)
            found = _result(self.prepared, lanes, ended, centre, scale, options.singular_tolerance)
        is_open = ~ended.converged | ~_is_minimum(template, ended)
        found.singular[is_open] = False
        return found, is_open


def portions(n: int, width: int) -> Iterator[slice]:
    """0 to n in parts of at most `width`."""
    return (slice(start, min(start + width, n)) for start in range(0, n, max(width, 1)))


def _inside(problem: Problem, theta: Floats) -> Floats:
    """Theta with no direction of less than a small variance."""
    found = theta.copy()
    for template, own in zip(problem.templates, problem.slices, strict=True):
        for part in template.parts:
            factor = part.factor(theta[own])
            S = factor @ factor.T
            if np.linalg.eigvalsh(S)[0] < INSIDE**2:
                lower = np.linalg.cholesky(S + INSIDE**2 * np.eye(len(S)))
                found[own.start + part.places.start : own.start + part.places.stop] = lower[part.row, part.col]
    return found


def _theta_of(lam: Floats, template: Template) -> Floats:
    """lme4's theta (k, R) of factors lam (q, q, R)."""
    lower = np.zeros_like(lam)
    for part in template.parts:
        own = part.columns
        lower[own, own] = lower_factors(lam[own, own])
    return np.asarray(lower[template.row, template.col])


def _result(
    prepared: Prepared, lanes: Lanes, ended: Found, centre: Floats, scale: Floats, singular_tolerance: float
) -> BatchFit:
    problem = prepared.problem
    template, scaling, slopes = problem.templates[0], problem.scaling, ended.slopes
    p = len(slopes.R) - 1
    root = slopes.R[p, p]
    sigma = root / np.sqrt(lanes.degrees)
    half_C = slopes.R_inverse[:p, :p].transpose(2, 0, 1)
    to_user = scaling.to_user / scaling.y_scale
    size = scale * sigma
    beta = -scale[:, None] * ((slopes.R_inverse[p, :p] * root).T @ to_user.T)
    beta[:, _intercept(prepared)] += centre[:, None]
    half = size[:, None, None] * (half_C @ to_user.T)
    criterion = ended.value + 2.0 * lanes.degrees * np.log(scale) - problem.log_weights
    if problem.reml:
        criterion = criterion + 2.0 * scaling.log_scale_x
    lam = np.einsum("ab,bcr->acr", np.linalg.inv(template.H), _with_zeros(ended, template))
    theta = _theta_of(lam, template) / np.sqrt(problem.weight_scale)
    is_singular = np.zeros(len(sigma), dtype=bool)
    for part in template.parts:
        own = _widths(ended.lam[part.columns, part.columns])
        is_singular |= (own < singular_tolerance).any(axis=0)
    found = BatchFit(
        beta=beta,
        cov_beta=half.transpose(0, 2, 1) @ half,
        df=_degrees_of_freedom(lanes, ended.pulled, sigma, root**2, half_C @ to_user.T),
        sigma=size * np.sqrt(problem.weight_scale),
        theta=theta.T,
        criterion=criterion,
        converged=ended.converged.copy(),
        singular=is_singular & ended.converged,
        single=np.zeros(len(sigma), dtype=bool),
    )
    lost = ~ended.converged
    for values in (found.beta, found.cov_beta, found.df, found.sigma, found.theta, found.criterion):
        values[lost] = np.nan
    return found


def _intercept(prepared: Prepared) -> npt.NDArray[np.intp]:
    """The place of the intercept, the first column of X where there is one, among those kept."""
    has_intercept = -1 in prepared.design.spec.fixed.assign
    return np.flatnonzero((prepared.problem.kept == 0) & has_intercept)


def _widths(factor: Floats) -> Floats:
    """Diagonals from zero of the lower triangular factors, (k, R)."""
    return np.abs(np.einsum("kkr->kr", lower_factors(factor)))


def _with_zeros(ended: Found, template: Template) -> Floats:
    """lambda, uncorrelated effects whose standard deviation came near to zero set there, as a single search does."""
    lam = ended.lam.copy()
    for part in template.parts:
        if part.width == 1:
            place = part.columns.start
            is_near = np.abs(ended.theta[part.places.start]) < ZERO
            lam[:, place, is_near] = 0.0
    return lam


def _degrees_of_freedom(lanes: Lanes, own: Pulled, sigma: Floats, r2: Floats, half: Floats) -> Floats:
    """Satterthwaite's, (R, p): `lmm._variance_information` by replicate, and 2 v^2 / g'Ag of each coefficient.

    `half` (R, p, p) is half_C to_user': the standard errors are sigma times the lengths of its columns, and all
    lengths are in the units of the scaled outcome, which cancel.
    """
    p, k = half.shape[1], len(own.gradient)
    y = own.O[:, p, p] * r2
    R = len(sigma)
    F = np.zeros((R, k + 1, k + 1))
    F[:, k, k] = 4.0 * lanes.degrees / sigma**2
    F[:, :k, k] = F[:, k, :k] = (2.0 * y / sigma**3).T
    F[:, :k, :k] = (
        own.hessian.transpose(2, 0, 1) + np.einsum("kr,mr->rkm", y, y) * (4.0 / sigma**6 / F[:, k, k])[:, None, None]
    )
    variance = np.einsum("rab,rab->rb", half, half)
    slopes = np.empty((R, k + 1, p))
    for n in range(k):
        slopes[:, n] = (sigma**2)[:, None] * np.einsum("rab,rab->rb", half, own.O[n, :p, :p].transpose(2, 0, 1) @ half)
    slopes[:, k] = 2.0 * sigma[:, None] * variance
    # A = 2 F^-1 over the directions of positive curvature, as `factors.inverse_information`
    size = 1.0 / np.sqrt(np.maximum(np.abs(np.einsum("rkk->rk", F)), 1e-12))
    scaled = np.nan_to_num(F * size[:, :, None] * size[:, None])
    values, vectors = np.linalg.eigh(scaled)
    is_good = values > 1e-8 * values.max(axis=1, keepdims=True)
    inner = np.einsum("rkv,rk,rkp->rvp", vectors, size, slopes)
    spread = 2.0 * (inner**2 * np.where(is_good, 1.0 / np.where(is_good, values, 1.0), 0.0)[:, :, None]).sum(axis=1)
    return np.asarray(2.0 * (sigma**2)[:, None] ** 2 * variance**2 / spread)


def _is_minimum(template: Template, ended: Found) -> Bools:
    """Where no covariance nearby is better (`certificate`), nor the point a saddle, (R,)."""
    hessian = ended.pulled.hessian.transpose(2, 0, 1)
    values = np.linalg.eigvalsh(np.nan_to_num(hessian))
    found = values[:, 0] >= SADDLE * np.maximum(np.abs(values).max(axis=1), 1e-300)
    D, information = (own.transpose(2, 0, 1) for own in (ended.slopes.D, ended.slopes.information))
    for part in template.parts:
        frame = part.frame
        size = np.sqrt(np.maximum(np.einsum("ak,rab,bk->rk", frame, information, frame), 1e-300))
        slope = (frame.T @ D @ frame) / size[:, :, None] / size[:, None]
        values, vectors = np.linalg.eigh(np.nan_to_num(slope))
        own = ended.theta[part.places.start : part.places.stop]
        factor = np.zeros((part.width, part.width, own.shape[1]))
        factor[part.row, part.col] = own
        scaled = size[:, :, None] * factor.transpose(2, 0, 1)
        along = np.einsum("rab,ra->rb", scaled, vectors[:, :, 0])
        is_edge = (along**2).sum(axis=1) <= SPREAD * (scaled**2).sum(axis=(1, 2))
        found &= ~(is_edge & (values[:, 0] < LEAST_SLOPE))
    return found
