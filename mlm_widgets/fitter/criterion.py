"""The profiled deviance and the REML criterion of a linear mixed model, with gradient and Hessian.

Bates, Maechler, Bolker & Walker (2015), J. Stat. Software 67(1), equations 33 to 43, evaluated on the sums of
:mod:`mlm_widgets.fitter.problem`. The leading grouping factor is block diagonal and is absorbed level by level
(arrays of lanes); the others form one dense block. With V = I + Z S Z', S = lambda lambda':

    1. L_j L_j' = I + lambda' A_j lambda                      (lanes)
    2. [T_j K_j] = L_j^-1 lambda' [A_j W_j]
    3. I + Lambda_2' B22 Lambda_2 = L_c L_c'                  (the dense block, B22 = Z_2' V_1^-1 Z_2)
    4. R R' = N - sum_j K_j'K_j - K_2'K_2,  r = last diagonal of R
    5. d(theta) = log|V| + nn (1 + log(2 pi r^2 / nn)) + [REML] 2 log|R_X|

The derivative of d with respect to S of one factor is D = sum_j [Z_j'V^-1 Z_j - (nn / r^2) g_j g_j' - [REML] GX_j C
GX_j'] with g = Z'V^-1 (y - X beta), GX = Z'V^-1 X, C = (X'V^-1 X)^-1; and dd/dlambda = 2 D lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from mlm_widgets.errors import FitError
from mlm_widgets.fitter.block import DenseBlock, absorbed
from mlm_widgets.fitter.nested import NestedBlock, Nesting
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.linalg import cholesky, crossed, forward, log_diagonal, product

__all__ = ["Evaluation", "evaluate", "exact_fit"]

Floats = npt.NDArray[np.float64]

LEAST_RESIDUAL = 1e-13  # share of the outcome's sum of squares: below it the residuals are rounding


def evaluate(problem: Problem, theta: Floats) -> Evaluation:
    """The criterion at `theta` (centred coordinates)."""
    lams = [t.matrix(theta[s]) for t, s in zip(problem.templates, problem.slices, strict=True)]
    lam = lams[problem.lead]
    M = np.matmul(lam.T, _left(lam, problem.A))
    for a in range(len(lam)):
        M[a, a] += 1.0
    L = cholesky(M)
    K = forward(L, _left(lam, problem.W))
    R0 = problem.N - _cross(K)
    log_det = 2.0 * log_diagonal(L)
    block: DenseBlock | NestedBlock | None = None
    if problem.crossing is not None:
        block = _absorb_lead(problem, lams, L)
        log_det += block.log_determinant
        R0 = R0 - block.K2.T @ block.K2
    R = _factor(R0, problem)
    p = problem.rank
    r2 = float(R[p, p] ** 2)
    nn = problem.degrees
    value = log_det + nn * (1.0 + np.log(2.0 * np.pi * r2 / nn))
    if problem.reml:
        value += 2.0 * float(np.log(np.diag(R)[:p]).sum())
    return Evaluation(problem, theta, lams, L, block, R, r2, float(value))


@dataclass(frozen=True)
class Evaluation:
    """The criterion at one theta; gradient and Hessian are computed when asked for.

    Attributes
    ----------
    value : float
        Deviance or REML criterion in scaled coordinates (`criterion` of the fit adds the scales back).
    r2 : float
        Penalised residual sum of squares; sigma^2 = r2 / nn.
    """

    problem: Problem
    theta: Floats
    lams: list[Floats]
    L: Floats
    block: DenseBlock | NestedBlock | None
    R: Floats
    r2: float
    value: float

    @cached_property
    def beta(self) -> Floats:
        """Fixed effects, shape (p,)."""
        p = self.problem.rank
        return linalg.solve_triangular(self.R[:p, :p], self.R[p, :p], lower=True, trans="T")

    @cached_property
    def C(self) -> Floats:
        """(X'V^-1 X)^-1, shape (p, p)."""
        p = self.problem.rank
        inverse = linalg.solve_triangular(self.R[:p, :p], np.eye(p), lower=True)
        return inverse.T @ inverse

    @cached_property
    def sigma(self) -> float:
        """Residual standard deviation."""
        return float(np.sqrt(self.r2 / self.problem.degrees))

    @cached_property
    def Y(self) -> Floats:
        """lambda (I + lambda' A_j lambda)^-1 lambda' of the leading factor, (q, q, J)."""
        return _covariance(self.lams[self.problem.lead], self.L)

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
    def lead_B(self) -> Floats:
        """Z_j'V^-1 Z_j of the leading factor, (q, q, J)."""
        B = product(self.N, self.problem.A)
        if self.block is not None:
            B -= product(product(self.N, self.forms), self.N.transpose(1, 0, 2))
        return B

    @cached_property
    def G(self) -> list[Floats]:
        """Z_f'V^-1 [X y] by grouping: (q, p + 1, J)."""
        problem, block = self.problem, self.block
        if block is None:
            return [product(self.N, problem.W)]
        lead = product(self.N, problem.W - _at_lead(problem, block.U))
        return [lead if f == problem.lead else block.by_level(block.G, f) for f in range(len(problem.groupings))]

    @cached_property
    def g(self) -> list[Floats]:
        """Z_f'V^-1 (y - X beta) by grouping: (q, J)."""
        contrast = np.append(-self.beta, 1.0)
        return [np.matmul(contrast, G) for G in self.G]

    @cached_property
    def D(self) -> list[Floats]:
        """dd/dS by grouping: (q, q)."""
        return [self.information(f) - self._data_part(f) for f in range(len(self.problem.groupings))]

    def _data_part(self, f: int) -> Floats:
        """(nn / r^2) sum g g' + [REML] sum GX C GX'."""
        part = (self.problem.degrees / self.r2) * (self.g[f] @ self.g[f].T)
        if self.problem.reml:
            part = part + np.tensordot(self.M[f], self.C, axes=2)
        return part

    def information(self, f: int) -> Floats:
        """sum_j Z_j'V^-1 Z_j of grouping f, shape (q, q)."""
        if f == self.problem.lead:
            return self.lead_B.sum(axis=2)
        assert self.block is not None
        return self.block.trace_part(f)

    @cached_property
    def gradient(self) -> Floats:
        """dd/dtheta, shape (n_theta,)."""
        slopes = [2.0 * D @ lam for D, lam in zip(self.D, self.lams, strict=True)]
        parts = [t.pull_back(slope) for t, slope in zip(self.problem.templates, slopes, strict=True)]
        return np.concatenate(parts)

    @cached_property
    def hessian(self) -> Floats:
        """d2d/dtheta2 (n_theta, n_theta): exact for one grouping factor, by average information for several."""
        return self._exact_hessian() if self.block is None else self._average_information()

    @cached_property
    def directions(self) -> list[tuple[int, Floats, Floats]]:
        """For each theta: its grouping, dlambda/dtheta, and dS/dtheta."""
        found = []
        for f, (template, lam) in enumerate(zip(self.problem.templates, self.lams, strict=True)):
            for t, col in zip(template.directions, template.col, strict=True):
                d_lam = np.zeros_like(lam)
                d_lam[:, col] = t
                found.append((f, d_lam, d_lam @ lam.T + lam @ d_lam.T))
        return found

    def _curvature(self) -> Floats:
        """2 tr(D dlambda_k dlambda_l'): the part of the Hessian that comes from S being quadratic in lambda."""
        n = len(self.theta)
        H = np.zeros((n, n))
        for k, (f, d_k, _) in enumerate(self.directions):
            Dd = 2.0 * self.D[f] @ d_k
            for m, (g, d_m, _) in enumerate(self.directions):
                if f == g:
                    H[k, m] = np.vdot(Dd, d_m)
        return H

    @cached_property
    def M(self) -> list[Floats]:
        """sum_j GX_ja' GX_jb by grouping: (q, q, p, p)."""
        p = self.problem.rank
        found = []
        for G in self.G:
            q, J = G.shape[0], G.shape[2]
            flat = G[:, :p].reshape(q * p, J)
            found.append((flat @ flat.T).reshape(q, p, q, p).transpose(0, 2, 1, 3))
        return found

    def _exact_hessian(self) -> Floats:
        p, nn, r2 = self.problem.rank, self.problem.degrees, self.r2
        B, g, C, M = self.lead_B, self.g[0], self.C, self.M[0]
        q, J = g.shape
        GX = self.G[0][:, :p]
        flat = B.reshape(q * q, J)
        # for directions E_ab and E_cd of S: indices a, b, c, d
        trace = (flat @ flat.T).reshape(q, q, q, q).transpose(1, 2, 3, 0)  # sum_j B_da B_bc -> [a, b, c, d]
        if self.problem.reml:
            CG = np.matmul(C, GX)
            E = np.empty((q, q, J))
            for a in range(q):
                for b in range(q):
                    np.einsum("kj,kj->j", GX[a], CG[b], out=E[a, b])
            mixed = (E.reshape(q * q, J) @ flat.T).reshape(q, q, q, q).transpose(1, 2, 3, 0)  # (GX C GX')_da B_bc
            CM = np.matmul(C, M)
            both = CM.reshape(q * q, p * p) @ CM.transpose(0, 1, 3, 2).reshape(q * q, p * p).T
            trace = trace - 2.0 * mixed + both.reshape(q, q, q, q)
        gg = (g[:, None] * g).reshape(q * q, J)
        quad = (gg @ flat.T).reshape(q, q, q, q).transpose(0, 2, 3, 1)  # sum_j g_a B_bc g_d
        m = np.matmul(g, GX.transpose(0, 2, 1)).transpose(1, 0, 2)  # sum_j g_ja GX_j[b, :]
        mC = (m @ C).reshape(q * q, p)
        quad = quad - (mC @ m.reshape(q * q, p).T).reshape(q, q, q, q).transpose(0, 1, 3, 2)  # m_ab' C m_dc
        Y = g @ g.T
        H_S = -trace + nn * (2.0 * quad / r2 - np.multiply.outer(Y, Y) / r2**2)
        dS = np.array([direction[2] for direction in self.directions]).reshape(-1, q * q)
        # dS is symmetric, so contracting with it symmetrises in (ab) and in (cd)
        H = dS @ H_S.reshape(q * q, q * q) @ dS.T
        return 0.5 * (H + H.T) + self._curvature()

    @cached_property
    def information_terms(self) -> tuple[Floats, Floats]:
        """q_kl = e'V_k P_X V_l e and y_k = e'V_k e, e = V^-1 (y - X beta), for several grouping factors."""
        p = self.problem.rank
        h = [(f, dS @ self.g[f]) for f, _, dS in self.directions]
        y = np.array([np.vdot(h_k, self.g[f]) for f, h_k in h])
        hG = np.array([np.einsum("aj,akj->k", h_k, self.G[f][:, :p]) for f, h_k in h])
        return self.quadratic_forms(h) - hG @ self.C @ hG.T, y

    def _average_information(self) -> Floats:
        nn, r2 = self.problem.degrees, self.r2
        q, y = self.information_terms
        return nn * (q / r2 - np.outer(y, y) / r2**2) + self._curvature()

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
                h2[block.columns(f), k] = h_k.T.ravel()
        w1 = product(problem.A, h1) + _at_lead(problem, h2)
        rest = problem.crossing.rest if isinstance(problem.crossing, Nesting) else problem.A22
        w2 = np.asarray(rest @ h2) + _at_rest(problem, h1)
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
        for f, lam in enumerate(self.lams):
            if f == problem.lead:
                found.append(self.Y + product(product(self.Y, self.forms), self.Y))
            else:
                found.append(np.einsum("ab,bcj,dc->adj", lam, block.level_blocks(block.P, f), lam))
        return found


def _absorb_lead(problem: Problem, lams: list[Floats], L: Floats) -> DenseBlock | NestedBlock:
    """The dense block, the leading factor taken away."""
    assert problem.crossing is not None
    Y = _covariance(lams[problem.lead], L)
    B2W = problem.W2 - _at_rest(problem, product(Y, problem.W))
    weighted = problem.crossing.weighted(Y)
    if isinstance(problem.crossing, Nesting):
        return NestedBlock(lams[1 - problem.lead], problem.crossing.A22 - weighted, B2W)
    return absorbed(problem, lams, weighted, B2W)


def _covariance(lam: Floats, L: Floats) -> Floats:
    """lambda (L_j L_j')^-1 lambda', (q, q, J)."""
    half = forward(L, np.repeat(lam.T[:, :, None], L.shape[2], axis=2))
    return crossed(half, half)


def _at_lead(problem: Problem, rows: Floats) -> Floats:
    """A12 rows (m, k): (q, k, J)."""
    return np.stack([(matrix @ rows).T for matrix in _pair_matrices(problem)])


def _at_rest(problem: Problem, lanes: Floats) -> Floats:
    """A21 lanes (q, k, J): (m, k)."""
    return np.asarray(sum(matrix.T @ own.T for matrix, own in zip(_pair_matrices(problem), lanes, strict=True)))


def _pair_matrices(problem: Problem) -> list[sparse.csr_array]:
    """Z_1'Z_2, a sparse (J, m) matrix for each column of the leading factor's basis."""
    pairs = problem.pairs
    assert pairs is not None
    shape = (problem.A.shape[2], len(problem.W2))
    return [sparse.csr_array((values, pairs.column, pairs.pointers), shape=shape) for values in pairs.values]


def _left(lam: Floats, A: Floats) -> Floats:
    """lambda' A_j by lane."""
    return (lam.T @ A.reshape(len(lam), -1)).reshape(A.shape)


def _cross(K: Floats) -> Floats:
    """sum_j K_j' K_j for lanes (q, k, J)."""
    flat = K.transpose(1, 0, 2).reshape(K.shape[1], -1)
    return flat @ flat.T


def _factor(R0: Floats, problem: Problem) -> Floats:
    try:
        R = linalg.cholesky(R0, lower=True, check_finite=False)
    except linalg.LinAlgError:
        R = None
    if R is None or not R[-1, -1] ** 2 > LEAST_RESIDUAL * problem.N[-1, -1]:
        raise exact_fit()
    return R


def exact_fit() -> FitError:
    """The error for an outcome without residuals."""
    return FitError(
        "The predictors and groups explain the outcome exactly: no residual variance is left to estimate.",
        hint="Look for a predictor that is computed from the outcome, or for too few rows in each group.",
    )
