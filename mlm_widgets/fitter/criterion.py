"""The profiled deviance and the REML criterion of a linear mixed model, with gradient and Hessian.

Bates, Maechler, Bolker & Walker (2015), J. Stat. Software 67(1), equations 33 to 43, evaluated on the sums of
:mod:`mlm_widgets.fitter.problem`. The leading grouping factor is block diagonal and is absorbed level by level
(arrays of lanes); the others form the trailing block, dense or sparse. With V = I + Z S Z', S = lambda lambda':

    1. L_j L_j' = I + lambda' A_j lambda                      (lanes)
    2. [T_j K_j] = L_j^-1 lambda' [A_j W_j]
    3. I + Lambda_2' B22 Lambda_2 = L_c L_c'                  (the trailing block, B22 = Z_2' V_1^-1 Z_2)
    4. R R' = N - sum_j K_j'K_j - K_2'K_2,  r = last diagonal of R
    5. d(theta) = log|V| + nn (1 + log(2 pi r^2 / nn)) + [REML] 2 log|R_X|

With [X y] R^-T, whose columns are orthonormal in V^-1, the last of them the residuals y - X beta over r, the derivative
of d with respect to S of one factor is

    D = sum_j [Z_j'V^-1 Z_j - sum_k w_k E_jk E_jk'],  E = Z'V^-1 [X y] R^-T,  w = ([REML], ..., [REML], nn)

and dd/dlambda = 2 D lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.block import DenseBlock, absorbed
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.fitter.sparse import SparseBlock, eliminated
from mlm_widgets.fitter.sparse_crossing import SparseCrossing
from mlm_widgets.fitter.tiles import LeadSums, Tile, eliminate_lanes, joined, sum_lanes
from mlm_widgets.linalg import crossed, forward, log_diagonal, product

__all__ = ["Evaluation", "evaluate", "exact_fit"]

Floats = npt.NDArray[np.float64]

LEAST_RESIDUAL = 1e-13  # share of the outcome's sum of squares: below it the residuals are rounding


def evaluate(problem: Problem, theta: Floats, lams: list[Floats] | None = None) -> Evaluation:
    """The criterion at `theta` (centred coordinates); at S = lams lams' where factors are given in its place."""
    if lams is None:
        lams = [t.matrix(theta[s]) for t, s in zip(problem.templates, problem.slices, strict=True)]
    lam = lams[problem.lead]
    tiles = [eliminate_lanes(lam, AW) for AW in problem.tiles]
    R0 = problem.N - sum(tile.KK for tile in tiles)
    log_det: float = 2.0 * sum(log_diagonal(tile.L) for tile in tiles)
    block: DenseBlock | SparseBlock | None = None
    if problem.crossing is not None:
        block = _absorb_lead(problem, lams, tiles[0].L)
        log_det += block.log_determinant
        R0 = R0 - block.K2.T @ block.K2
    R = _factor(R0, problem)
    p = problem.rank
    r2 = float(R[p, p]) ** 2
    nn = problem.degrees
    value = log_det + nn * (1.0 + np.log(2.0 * np.pi * r2 / nn))
    if problem.reml:
        value += 2.0 * float(np.log(np.diag(R)[:p]).sum())
    return Evaluation(problem, theta, lams, tiles, block, R, r2, float(value))


@dataclass(frozen=True)
class Evaluation:
    """The criterion at one theta; gradient and Hessian are computed when asked for.

    Attributes
    ----------
    value : float
        Deviance or REML criterion in scaled coordinates (`criterion` of the fit adds the scales back).
    r2 : float
        Penalised residual sum of squares; sigma^2 = r2 / nn.
    residual_weight : float, optional
        r2 / sigma^2 where sigma is held; else the degrees of freedom, which are that at the best sigma.
    """

    problem: Problem
    theta: Floats
    lams: list[Floats]
    tiles: list[Tile]
    block: DenseBlock | SparseBlock | None
    R: Floats
    r2: float
    value: float
    residual_weight: float | None = None

    @cached_property
    def _R_inverse(self) -> Floats:
        inverse, status = linalg.lapack.dtrtri(self.R, lower=1)
        assert status == 0
        return np.asarray(inverse)

    @cached_property
    def beta(self) -> Floats:
        """Fixed effects, shape (p,)."""
        return np.asarray(self._R_inverse[-1, :-1] * -self.R[-1, -1])

    @cached_property
    def half_C(self) -> Floats:
        """R_X^-1, shape (p, p): C = half_C' half_C."""
        return self._R_inverse[:-1, :-1]

    @cached_property
    def C(self) -> Floats:
        """(X'V^-1 X)^-1, shape (p, p)."""
        return self.half_C.T @ self.half_C

    @cached_property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(self.r2 / self.problem.degrees))

    @cached_property
    def Y(self) -> Floats:
        """lambda (I + lambda' A_j lambda)^-1 lambda' of the leading factor, (q, q, J)."""
        lam = self.lams[self.problem.lead]
        return joined([_covariance(lam, tile.L) for tile in self.tiles])

    @cached_property
    def N(self) -> Floats:
        """I - A_j Y_j: what V_1^-1 leaves of Z_j', (q, q, J)."""
        N = -product(self.problem.A, self.Y)
        for a in range(len(N)):
            N[a, a] += 1.0
        return N

    @cached_property
    def forms(self) -> Floats:
        """A12_j Q A21_j by level of the leading factor, (q, q, J)."""
        assert self.block is not None
        assert self.problem.crossing is not None
        return self.problem.crossing.forms(self.block.Q)

    @cached_property
    def _lead(self) -> Floats:
        """Z_j'V^-1 [Z_j X y] of the only grouping, (q, q + p + 1, J)."""
        return joined([tile.left() for tile in self.tiles])

    @cached_property
    def _lead_sums(self) -> LeadSums:
        return sum_lanes(self.tiles, self._R_inverse, self._w)

    @cached_property
    def lead_B(self) -> Floats:
        """Z_j'V^-1 Z_j of the leading factor, (q, q, J)."""
        if self.block is None:
            return self._lead[:, : len(self._lead)]
        B = product(self.N, self.problem.A)
        B -= product(product(self.N, self.forms), self.N.transpose(1, 0, 2))
        return B

    @cached_property
    def G(self) -> list[Floats]:
        """Z_f'V^-1 [X y] by grouping: (q, p + 1, J)."""
        problem, block = self.problem, self.block
        if block is None:
            return [self._lead[:, len(self._lead) :]]
        lead = product(self.N, problem.W - _at_lead(problem, block.U))
        return [lead if f == problem.lead else block.by_level(block.G, f) for f in range(len(problem.groupings))]

    @cached_property
    def E(self) -> list[Floats]:
        """Z_f'V^-1 [X y] R^-T by grouping: (q, p + 1, J)."""
        return [np.matmul(self._R_inverse, G) for G in self.G]

    @cached_property
    def EE(self) -> list[Floats]:
        """sum_j E_ja' E_jb by grouping: (q, p + 1, q, p + 1)."""
        if self.block is None:
            return [self._lead_sums.EE]
        found = []
        for E in self.E:
            flat = E.reshape(-1, E.shape[2])
            found.append((flat @ flat.T).reshape(E.shape[:2] * 2))
        return found

    @cached_property
    def _w(self) -> Floats:
        """How the columns of E count, shape (p + 1,)."""
        w = np.full(len(self.R), float(self.problem.reml))
        w[-1] = self.problem.degrees if self.residual_weight is None else self.residual_weight
        return w

    @cached_property
    def g(self) -> list[Floats]:
        """Z_f'V^-1 (y - X beta) by grouping: (q, J)."""
        if self.block is None:
            q, contrast = len(self.problem.AW), self.R[-1, -1] * self._R_inverse[-1]
            return [joined([np.matmul(contrast, tile.left()[:, q:]) for tile in self.tiles])]
        return [self.R[-1, -1] * E[:, -1] for E in self.E]

    @cached_property
    def D(self) -> list[Floats]:
        """dd/dS by grouping: (q, q)."""
        found = zip(self.information, self.EE, strict=True)
        return [information - EE.diagonal(axis1=1, axis2=3) @ self._w for information, EE in found]

    @cached_property
    def information(self) -> list[Floats]:
        """sum_j Z_j'V^-1 Z_j by grouping: (q, q)."""
        block = self.block
        if block is None:
            return [self._lead_sums.B]
        lead = self.lead_B.sum(axis=2)
        return [lead if f == self.problem.lead else block.trace_part(f) for f in range(len(self.lams))]

    @cached_property
    def gradient(self) -> Floats:
        """dd/dtheta, shape (n_theta,)."""
        found = zip(self.problem.templates, self.D, self.lams, strict=True)
        return np.concatenate([t.pull_back(2.0 * D @ lam) for t, D, lam in found])

    @cached_property
    def hessian(self) -> Floats:
        """d2d/dtheta2 (n_theta, n_theta): exact for one grouping factor, by average information for several."""
        return self._exact_hessian() if self.block is None else self._average_information()

    @cached_property
    def dS(self) -> list[Floats]:
        """dS/dtheta by grouping: (k, q, q)."""
        found = []
        for template, lam in zip(self.problem.templates, self.lams, strict=True):
            half = template.moves @ lam.T
            found.append(half + half.transpose(0, 2, 1))
        return found

    @property
    def directions(self) -> list[tuple[int, Floats]]:
        """For each theta its grouping and dS/dtheta."""
        return [(f, dS) for f, own in enumerate(self.dS) for dS in own]

    def _curvature(self) -> Floats:
        """2 tr(D dlambda_k dlambda_l'): the part of the Hessian that comes from S being quadratic in lambda."""
        H = np.zeros((len(self.theta),) * 2)
        for template, own, D in zip(self.problem.templates, self.problem.slices, self.D, strict=True):
            k = len(template.moves)
            H[own, own] = (2.0 * D @ template.moves).reshape(k, -1) @ template.moves.reshape(k, -1).T
        return H

    @property
    def is_exact(self) -> bool:
        """Whether `hessian` is the Hessian."""
        return self.block is None

    def _exact_hessian(self) -> Floats:
        """H_S in the entries (ab) and (cd) of S, contracted with dS, and the curvature of S.

        -sum_j [B_da - 2 P_da] B_bc - sum_kl max(w_k, w_l) O_ab[k, l] O_cd[l, k], with P_j = sum_k w_k E_jk E_jk' and
        O_ab = sum_j E_ja' E_jb. Contracting with dS, which is symmetric, symmetrises in (ab) and in (cd).
        """
        sums, w = self._lead_sums, self._w
        q = len(sums.B)
        traces = sums.traces.reshape(q, q, q, q).transpose(1, 2, 3, 0)
        O_ = self.EE[0].transpose(0, 2, 1, 3)
        fixed = (np.maximum.outer(w, w) * O_).reshape(q * q, -1) @ O_.transpose(0, 1, 3, 2).reshape(q * q, -1).T
        dS = self.dS[0].reshape(-1, q * q)
        H = -dS @ (traces.reshape(q * q, q * q) + fixed) @ dS.T
        return np.asarray(0.5 * (H + H.T) + self._curvature())

    @cached_property
    def information_terms(self) -> tuple[Floats, Floats]:
        """q_kl = e'V_k P_X V_l e and y_k = e'V_k e, e = V^-1 (y - X beta), for several grouping factors."""
        h = [(f, dS @ self.g[f]) for f, dS in self.directions]
        y = np.array([np.vdot(h_k, self.g[f]) for f, h_k in h])
        hE = np.array([np.einsum("aj,akj->k", h_k, self.E[f][:, :-1]) for f, h_k in h])
        return self.quadratic_forms(h) - hE @ hE.T, y

    def _average_information(self) -> Floats:
        w, r2 = self._w[-1], self.r2
        q, y = self.information_terms
        return w * (q / r2 - np.outer(y, y) / r2**2) + self._curvature()

    def quadratic_forms(self, h: list[tuple[int, Floats]]) -> Floats:
        """h_k' Z'V^-1 Z h_l."""
        problem, block = self.problem, self.block
        assert block is not None
        n, J = len(h), problem.A.shape[2]
        h1 = np.zeros((problem.templates[problem.lead].q, n, J))
        h2 = np.zeros((len(block.B2W), n))
        for k, (f, h_k) in enumerate(h):
            if f == problem.lead:
                h1[:, k] = h_k
            else:
                h2[problem.columns(f), k] = h_k.T.ravel()
        w1 = product(problem.A, h1) + _at_lead(problem, h2)
        w2 = np.asarray(problem.A22 @ h2) + _at_rest(problem, h1)
        Yw = product(self.Y, w1)
        K2 = block.solved(w2 - _at_rest(problem, Yw))
        flat = w1.transpose(1, 0, 2).reshape(n, -1)
        return (h1 - Yw).transpose(1, 0, 2).reshape(n, -1) @ flat.T + h2.T @ w2 - K2.T @ K2

    # -- random effects -----------------------------------------------------------------------------------------------

    @cached_property
    def modes(self) -> list[Floats]:
        """Conditional modes by grouping, b = S g (q, J), in centred coordinates."""
        return [lam @ lam.T @ g for lam, g in zip(self.lams, self.g, strict=True)]

    def mode_covariances(self) -> list[Floats]:
        """Conditional covariance of each level's random effects divided by sigma^2, by grouping: (q, q, J)."""
        problem, block = self.problem, self.block
        if block is None:
            return [self.Y]
        found = []
        for f in range(len(self.lams)):
            if f == problem.lead:
                found.append(self.Y + product(product(self.Y, self.forms), self.Y))
            else:
                found.append(block.mode_blocks(f))
        return found


def _absorb_lead(problem: Problem, lams: list[Floats], L: Floats) -> DenseBlock | SparseBlock:
    """The trailing block, the leading factor taken away."""
    assert problem.crossing is not None
    Y = _covariance(lams[problem.lead], L)
    B2W = problem.W2 - _at_rest(problem, product(Y, problem.W))
    if isinstance(problem.crossing, SparseCrossing):
        return eliminated(problem, lams, problem.crossing.absorbed(Y), B2W)
    return absorbed(problem, lams, problem.crossing.weighted(Y), B2W)


def _covariance(lam: Floats, L: Floats) -> Floats:
    """lambda (L_j L_j')^-1 lambda', (q, q, J)."""
    half = forward(L, np.repeat(lam.T[:, :, None], L.shape[2], axis=2))
    return crossed(half, half)


def _at_lead(problem: Problem, rows: Floats) -> Floats:
    """A12 rows (m, k): (q, k, J)."""
    return np.stack([(matrix @ rows).T for matrix, _ in problem.pair_matrices])


def _at_rest(problem: Problem, lanes: Floats) -> Floats:
    """A21 lanes (q, k, J): (m, k)."""
    pairs = zip(problem.pair_matrices, lanes, strict=True)
    return np.asarray(sum(transposed @ own.T for (_, transposed), own in pairs))


def _factor(R0: Floats, problem: Problem) -> Floats:
    R, status = linalg.lapack.dpotrf(R0, lower=1, clean=1)
    if status != 0 or not R[-1, -1] ** 2 > LEAST_RESIDUAL * problem.N[-1, -1]:
        raise exact_fit()
    return np.asarray(R)


def exact_fit() -> FitError:
    """The error for an outcome without residuals."""
    return FitError(
        "The predictors and groups explain the outcome exactly: no residual variance is left to estimate.",
        hint="Look for a predictor that is computed from the outcome, or for too few rows in each group.",
    )
