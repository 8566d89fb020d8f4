"""Where the search begins: fixed effects of the model without groups, and the working linear model's Hessian."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.glmm.arrays import Arrays
from mlm_widgets.fitter.glmm.modes import Modes
from mlm_widgets.fitter.glmm.search import GlmmPoint, Objective
from mlm_widgets.fitter.template import Template

__all__ = ["first_parameters", "improved", "working_hessian"]

Floats = npt.NDArray[np.float64]

GLM_STEPS = 25
LEAST_SHARE = 0.01  # of the mean: the logarithm of a smaller outcome is no start
FIRST_SD = 0.5  # of a random effect, on the scale of eta, where information is not the residual's
SMALLER = (1.0, 0.3, 0.1, 0.01)  # shares of the first standard deviations
SAMPLE = 10_000  # rows that tell fixed effects without groups well enough to begin with
LEAST_EVENTS = 50  # rows of another outcome than the usual one, for each fixed effect
EM_STEPS = 4
ROUGH = 1.0  # decrement of the last step to modes that only say where to begin
FAR = 12.0  # log phi without groups is that near to where it began
MUCH = 1.0  # change of the logarithm of a standard deviation that asks for another step


def first_parameters(arrays: Arrays) -> Floats:
    """(theta, beta[, log phi])."""
    beta, log_phi = _without_groups(_sampled(arrays))
    theta = np.concatenate([FIRST_SD * template.start for template in arrays.templates])
    return np.concatenate([theta, beta, [log_phi] if arrays.family.has_dispersion else []])


def _sampled(arrays: Arrays) -> Arrays:
    """Some of many rows, which tell where to begin as well; all of them where the outcome hardly varies."""
    step = len(arrays.y) // SAMPLE
    if step < 2:
        return arrays
    some = arrays.every(step)
    varies = np.count_nonzero(some.y != np.median(some.y))
    return some if varies >= LEAST_EVENTS * (1 + len(arrays.X)) else arrays


def improved(objective: Objective, parameters: Floats) -> Floats:
    """The parameters after a few steps of the EM algorithm, as long as they change the variances much.

    S = mean over levels of b b' + Var(b | y); the mean of the effects goes into the intercept (Liu, Rubin & Wu 1998,
    Biometrika 85, call that parameter expansion). Where groups tell much of their effects one step is nearly all.
    """
    parameters, modes = _feasible(objective, parameters)
    for _ in range(EM_STEPS):
        settled = parameters
        arrays = modes.arrays
        theta, beta, log_phi = arrays.split(parameters)
        new = np.concatenate([_em_theta(modes, f, template) for f, template in enumerate(arrays.templates)])
        beta = beta.copy()
        if len(beta) and np.ptp(arrays.X[0]) == 0.0:
            own = zip(arrays.factors, modes.b, strict=True)
            beta[0] += sum(float(b[0].mean()) for rows, b in own if rows.Z[0] is None)
        parameters = np.concatenate([new, beta, [log_phi] if arrays.family.has_dispersion else []])
        is_diagonal = theta != 0
        if np.all(np.abs(np.log(np.abs(new[is_diagonal] / theta[is_diagonal]) + 1e-3)) < MUCH):
            return parameters
        try:
            modes = objective.at(parameters, enough=ROUGH).modes
        except FitError:
            return settled
    return parameters


def _feasible(objective: Objective, parameters: Floats) -> tuple[Floats, Modes]:
    """The parameters, with smaller random effects where those given leave the range of the family; their modes."""
    k = objective.arrays.n_theta
    for share in SMALLER:
        tried = np.concatenate([share * parameters[:k], parameters[k:]])
        try:
            return tried, objective.at(tried, enough=ROUGH).modes
        except FitError:
            continue
    return parameters, objective.at(parameters, enough=ROUGH).modes


def _em_theta(modes: Modes, f: int, template: Template) -> Floats:
    b = modes.b[f]
    S = (b @ b.T + modes.H.mode_covariance(f).sum(axis=2)) / b.shape[1]
    found = np.zeros(len(template.row))
    if not template.parts:
        parts = [(slice(0, len(found)), slice(0, template.q), True)]
    else:
        parts = [(part.places, part.columns, part.is_free) for part in template.parts]
    for places, own, is_free in parts:
        block = S[own, own] if is_free else np.diag(np.diag(S)[own])
        lam = np.linalg.cholesky(block + 1e-6 * np.eye(len(block)) * (1e-6 + np.trace(block)))
        first = own.start
        found[places] = lam[template.row[places] - first, template.col[places] - first]
    return found


def _without_groups(arrays: Arrays) -> tuple[Floats, float]:
    """beta and log phi of the generalized linear model, by iteratively reweighted least squares."""
    family = arrays.family
    share = arrays.y if arrays.trials is None else arrays.y / arrays.trials
    mu = np.asarray(family.start(share), dtype=np.float64)
    if family.link.name == "log":
        mu = np.maximum(mu, LEAST_SHARE * np.abs(mu).mean())
    with np.errstate(invalid="ignore", divide="ignore"):
        target = family.link.forward(mu)
    target = np.where(np.isfinite(target), target, 0.0)
    if arrays.offset is not None:
        target = target - arrays.offset
    beta = _first_beta(arrays, target)
    log_phi = _moment(arrays, arrays.fixed(beta)) if family.has_dispersion else 0.0
    eta = arrays.fixed(beta)
    terms = arrays.terms(eta, log_phi)
    value = float(terms.value.sum())
    for _ in range(GLM_STEPS):
        if not np.isfinite(value):
            break
        is_convex = bool(terms.second.min() > 0)
        information = terms.second if is_convex else arrays.information(eta, log_phi)
        weights = np.maximum(information, 1e-10 * information.max())
        step = _least_squares(arrays.X, -terms.first / weights, weights)
        former = value
        for length in 0.5 ** np.arange(14):
            eta = arrays.fixed(beta + length * step)
            terms = arrays.terms(eta, log_phi)
            value = float(terms.value.sum())
            if value <= former + 1e-9 * abs(former):
                beta = beta + length * step
                break
        else:
            break
        if family.has_dispersion:
            log_phi = _dispersion(arrays, eta, log_phi)
            terms = arrays.terms(eta, log_phi)
            value = float(terms.value.sum())
        if former - value < 1e-4 * (1.0 + abs(value)):
            break
    return beta, log_phi


def _first_beta(arrays: Arrays, target: Floats) -> Floats:
    """Least squares; drawn towards a constant mean where means would leave the range of the family."""
    one = np.ones_like(target)
    beta = _least_squares(arrays.X, target, one)
    constant = _least_squares(arrays.X, np.full_like(target, target.mean()), one)
    for share in (1.0, 0.5, 0.25, 0.1):
        tried = constant + share * (beta - constant)
        if np.isfinite(arrays.terms(arrays.fixed(tried), 0.0).value.sum()):
            return tried
    return constant


def _moment(arrays: Arrays, eta: Floats) -> float:
    """log phi of the mean of (y - mu)^2 / V(mu): 0 where the variance is not phi's multiple, or that is no number."""
    if arrays.family.name not in ("gaussian", "gamma", "inverse_gaussian"):
        return 0.0
    with np.errstate(all="ignore"):
        mu = arrays.family.link.inverse(eta)
        phi = float(np.mean((arrays.y - mu) ** 2 / arrays.family.variance(mu, 1.0)))
    return float(np.log(phi)) if np.isfinite(phi) and phi > 0.0 else 0.0


def _dispersion(arrays: Arrays, eta: Floats, log_phi: float) -> float:
    """A Newton step or two for log phi at fixed eta."""
    middle = log_phi
    for _ in range(5):
        slope, curvature = _phi_slope(arrays, eta, log_phi)
        step = float(np.clip(-slope / max(curvature, 1e-3 * len(eta)), -2.0, 2.0))
        log_phi = float(np.clip(log_phi + step, middle - FAR, middle + FAR))
        if abs(step) < 1e-3:
            break
    return log_phi


def _phi_slope(arrays: Arrays, eta: Floats, log_phi: float) -> tuple[float, float]:
    h = 1e-3
    slopes = []
    for each in (log_phi - h, log_phi, log_phi + h):
        found = arrays.terms(eta, each).dispersion
        assert found is not None
        slopes.append(float(found[0].sum()))
    return slopes[1], (slopes[2] - slopes[0]) / (2 * h)


def _least_squares(X: Floats, target: Floats, weights: Floats) -> Floats:
    """Weighted, by the normal equations: the columns are centred and independent."""
    WX = X * weights
    return np.asarray(np.linalg.lstsq(WX @ X.T, WX @ target, rcond=1e-12)[0])


def working_hessian(point: GlmmPoint) -> Floats:
    """Twice the expected information of the working linear model, each factor's variances by themselves."""
    modes = point.modes
    arrays, H = modes.arrays, modes.H
    k, p = arrays.n_theta, len(arrays.X)
    found = np.zeros((arrays.n_parameters,) * 2)
    weights = np.maximum(modes.terms.second, 1e-12 * np.abs(modes.terms.second).max())
    start = 0
    for f, (rows, template, lam) in enumerate(zip(arrays.factors, arrays.templates, modes.lams, strict=True)):
        A = H.A if f == 0 else rows.couples(weights)
        own = slice(start, start + len(template.row))
        found[own, own] = _variance_information(A, lam, template.moves)
        start = own.stop
    WX = arrays.X * weights
    found[k : k + p, k : k + p] = 2.0 * (WX @ arrays.X.T - _explained(point, WX))
    if arrays.family.has_dispersion:
        _, _, log_phi = arrays.split(modes.parameters)
        found[-1, -1] = max(2.0 * _phi_slope(arrays, modes.eta, log_phi)[1], 0.01 * len(arrays.y))
    return found


def _variance_information(A: Floats, lam: Floats, moves: Floats) -> Floats:
    """tr (B dS_k B dS_l) summed over levels, B = A (I + S A)^-1, dS_k = t_k lam' + lam t_k'."""
    q = len(lam)
    inner = np.eye(q) + A.transpose(2, 0, 1) @ (lam @ lam.T).T
    B = np.linalg.solve(inner, A.transpose(2, 0, 1))
    dS = moves @ lam.T
    dS = dS + dS.transpose(0, 2, 1)
    BdS = np.einsum("jab,kbc->kjac", B, dS)
    found = np.einsum("kjac,ljca->kl", BdS, BdS)
    return np.asarray(found + 1e-3 * np.eye(len(found)) * max(float(np.diag(found).max()), 1e-3))


def _explained(point: GlmmPoint, WX: Floats) -> Floats:
    """X'WZ Lambda H^-1 Lambda' Z'WX, (p, p)."""
    modes = point.modes
    arrays = modes.arrays
    right = [
        [lam.T @ rows.gathered(column) for lam, rows in zip(modes.lams, arrays.factors, strict=True)] for column in WX
    ]
    solved = [modes.H.solve(each) for each in right]
    p = len(WX)
    found = np.empty((p, p))
    for a in range(p):
        for b in range(a + 1):
            found[a, b] = found[b, a] = sum(float(np.vdot(r, s)) for r, s in zip(right[a], solved[b], strict=True))
    return found
