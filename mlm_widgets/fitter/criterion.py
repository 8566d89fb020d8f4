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
from mlm_widgets.fitter.problem import Problem
from mlm_widgets.linalg import backward, cholesky, forward, log_diagonal

__all__ = ["Evaluation", "evaluate", "exact_fit"]

Floats = npt.NDArray[np.float64]

CHUNK = 4_000_000  # entries of a dense slab of the leading factor against the rest
WELL_SCALED = 1e-4  # least share of a factor's information at which its own derivative may be divided by lambda
LEAST_RESIDUAL = 1e-13  # share of the outcome's sum of squares: below it the residuals are rounding


def evaluate(problem: Problem, theta: Floats) -> Evaluation:
    """The criterion at `theta` (centred coordinates)."""
    lams = [t.matrix(theta[s]) for t, s in zip(problem.templates, problem.slices, strict=True)]
    lam = lams[problem.lead]
    q = len(lam)
    M = np.einsum("ba,bcj->acj", lam, _times(problem.A, lam))
    for a in range(q):
        M[a, a] += 1.0
    L = cholesky(M)
    K = forward(L, _left(lam, problem.W))
    R0 = problem.N - _cross(K, K)
    log_det = 2.0 * log_diagonal(L)
    block = None
    if problem.pairs is not None:
        block = _dense_block(problem, lams, L, K)
        log_det += 2.0 * float(np.log(np.diag(block.Lc)).sum())
        R0 = R0 - block.K2.T @ block.K2
    R = _factor(R0, problem)
    p = problem.rank
    r2 = float(R[p, p] ** 2)
    nn = problem.degrees
    value = log_det + nn * (1.0 + np.log(2.0 * np.pi * r2 / nn))
    if problem.reml:
        value += 2.0 * float(np.log(np.diag(R)[:p]).sum())
    return Evaluation(problem, theta, lams, L, K, block, R, r2, float(value))


@dataclass(frozen=True)
class DenseBlock:
    """The trailing block: B22, [B2X B2y], the factor L_c, K2, and the pairs' part K_p = L^-1 lambda' A12."""

    B22: Floats
    B2W: Floats
    Lc: Floats
    K2: Floats
    Kp: Floats


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
    K: Floats
    block: DenseBlock | None
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
    def _lead_T(self) -> Floats:
        lam = self.lams[self.problem.lead]
        return forward(self.L, _left(lam, self.problem.A))

    @cached_property
    def P(self) -> Floats:
        """(L_c L_c')^-1, shape (m, m)."""
        assert self.block is not None
        inverse, status = linalg.lapack.dpotri(self.block.Lc, lower=1)
        assert status == 0
        return np.tril(inverse) + np.tril(inverse, -1).T

    @cached_property
    def Q(self) -> Floats:
        """Lambda_2 P Lambda_2', shape (m, m)."""
        return self._right_rest(self._left_rest(self.P))

    @cached_property
    def U(self) -> Floats:
        """Q B2W, shape (m, p + 1)."""
        assert self.block is not None
        return self.Q @ self.block.B2W

    @cached_property
    def pair_G(self) -> Floats:
        """Z_1'V_1^-1 Z_2 at the pairs, shape (q, n_pairs)."""
        pairs = self.problem.pairs
        assert pairs is not None
        assert self.block is not None
        return pairs.values - np.einsum("cap,cp->ap", self._lead_T[:, :, pairs.level], self.block.Kp)

    @cached_property
    def lead_B(self) -> Floats:
        """Z_j'V^-1 Z_j of the leading factor, shape (q, q, J)."""
        B = self.problem.A - np.einsum("caj,cbj->abj", self._lead_T, self._lead_T)
        if self.block is not None:
            B = B - self._pair_forms(self.pair_G)
        return B

    @cached_property
    def G(self) -> list[Floats]:
        """Z_f'V^-1 [X y] by grouping: (q, p + 1, J)."""
        problem = self.problem
        lead = problem.W - np.einsum("caj,ckj->akj", self._lead_T, self.K)
        if self.block is None:
            return [lead]
        lead = lead - np.stack([self._pair_matrix(row) @ self.U for row in self.pair_G]).transpose(0, 2, 1)
        rest = self.block.B2W - self.block.B22 @ self.U
        return [lead if f == problem.lead else self._by_level(rest, f) for f in range(len(problem.groupings))]

    @cached_property
    def g(self) -> list[Floats]:
        """Z_f'V^-1 (y - X beta) by grouping: (q, J)."""
        contrast = np.append(-self.beta, 1.0)
        return [np.einsum("akj,k->aj", G, contrast) for G in self.G]

    @cached_property
    def D(self) -> list[Floats]:
        """dd/dS by grouping: (q, q)."""
        return [self._trace_part(f) - self._data_part(f) for f in range(len(self.problem.groupings))]

    def _data_part(self, f: int) -> Floats:
        """(nn / r^2) sum g g' + [REML] sum GX C GX'."""
        p = self.problem.rank
        part = (self.problem.degrees / self.r2) * (self.g[f] @ self.g[f].T)
        if self.problem.reml:
            GX = self.G[f][:, :p]
            part = part + self._quadratic(GX)
        return part

    def _quadratic(self, GX: Floats) -> Floats:
        """sum_j GX_j C GX_j', shape (q, q)."""
        q, p, J = GX.shape
        CG = np.einsum("kl,blj->bkj", self.C, GX)
        return GX.reshape(q, p * J) @ CG.reshape(q, p * J).T

    def _trace_part(self, f: int) -> Floats:
        """sum_j Z_j'V^-1 Z_j, shape (q, q)."""
        if f == self.problem.lead:
            return self.lead_B.sum(axis=2)
        assert self.block is not None
        own, lam, q = self._columns(f), self.lams[f], self.problem.templates[f].q
        if np.linalg.svd(lam, compute_uv=False)[-1] ** 2 * float(np.max(np.diag(self.block.B22)[own])) > WELL_SCALED:
            # lambda' D lambda is the sum of I - P_jj: no product of m^3 is needed
            diagonal = self.P[own, own].reshape(-1, q, len(self.problem.groupings[f].levels), q)
            kept = np.eye(q) * diagonal.shape[0] - np.einsum("jajb->ab", diagonal)
            inverse = np.linalg.inv(lam)
            return np.asarray(inverse.T @ kept @ inverse)
        B = self.block.B22[own]
        rows = B - (B @ self.Q) @ self.block.B22
        return np.einsum("jajb->ab", rows[:, own].reshape(-1, q, len(rows) // q, q))

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
            for m, (g, d_m, _) in enumerate(self.directions):
                if f == g:
                    H[k, m] = 2.0 * np.sum((self.D[f] @ d_k) * d_m)
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
            CG = np.einsum("kl,blj->bkj", C, GX)
            E = np.einsum("akj,bkj->abj", GX, CG).reshape(q * q, J)
            mixed = (E @ flat.T).reshape(q, q, q, q).transpose(1, 2, 3, 0)  # sum_j (GX C GX')_da B_bc
            CM = np.einsum("kl,ablm->abkm", C, M)
            trace = trace - 2.0 * mixed + np.einsum("abkl,cdlk->abcd", CM, CM)
        gg = np.einsum("aj,dj->adj", g, g).reshape(q * q, J)
        quad = (gg @ flat.T).reshape(q, q, q, q).transpose(0, 2, 3, 1)  # sum_j g_a B_bc g_d
        m = np.einsum("aj,bkj->abk", g, GX)
        quad = quad - np.einsum("abk,kl,dcl->abcd", m, C, m)
        Y = g @ g.T
        H_S = -trace + nn * (2.0 * quad / r2 - np.einsum("ab,cd->abcd", Y, Y) / r2**2)
        dS = np.array([direction[2] for direction in self.directions])
        # dS is symmetric, so contracting with it symmetrises in (ab) and in (cd)
        H = np.einsum("kab,abcd,mcd->km", dS, H_S, dS, optimize=True)
        H = 0.5 * (H + H.T)
        return H + self._curvature()

    def _average_information(self) -> Floats:
        p, nn, r2 = self.problem.rank, self.problem.degrees, self.r2
        h = [(f, dS @ self.g[f]) for f, _, dS in self.directions]
        y = np.array([np.sum(h_k * self.g[f]) for f, h_k in h])
        q = self._quadratic_forms(h)
        hG = np.array([np.einsum("aj,akj->k", h_k, self.G[f][:, :p]) for f, h_k in h])
        q = q - hG @ self.C @ hG.T
        return nn * (q / r2 - np.outer(y, y) / r2**2) + self._curvature()

    def _quadratic_forms(self, h: list[tuple[int, Floats]]) -> Floats:
        """h_k' Z'V^-1 Z h_l."""
        problem, block, pairs = self.problem, self.block, self.problem.pairs
        assert block is not None
        assert pairs is not None
        n, J = len(h), self.problem.A.shape[2]
        h1 = np.zeros((problem.templates[problem.lead].q, n, J))
        h2 = np.zeros((len(block.B22), n))
        for k, (f, h_k) in enumerate(h):
            if f == problem.lead:
                h1[:, k] = h_k
            else:
                h2[self._columns(f), k] = h_k.T.ravel()
        lam = self.lams[problem.lead]
        w1 = np.einsum("abj,bkj->akj", problem.A, h1)
        w1 = w1 + np.stack([self._pair_matrix(row) @ h2 for row in pairs.values]).transpose(0, 2, 1)
        w2 = problem.A22 @ h2 + sum(self._pair_matrix(row).T @ h1[a].T for a, row in enumerate(pairs.values))
        K1 = forward(self.L, _left(lam, w1))
        B2 = w2 - sum(self._pair_matrix(row).T @ K1[a].T for a, row in enumerate(block.Kp))
        K2 = linalg.solve_triangular(block.Lc, self._left_rest_t(B2), lower=True)
        return np.asarray(np.einsum("akj,alj->kl", h1, w1) + h2.T @ w2 - _cross(K1, K1) - K2.T @ K2)

    # -- the dense block's bookkeeping --------------------------------------------------------------------------------

    def _columns(self, f: int) -> slice:
        offset = self.problem.offsets[f]
        return slice(offset, offset + len(self.problem.groupings[f].levels) * self.problem.templates[f].q)

    def _by_level(self, rows: Floats, f: int) -> Floats:
        """(m, k) rows of the dense block -> (q, k, J) of factor f."""
        q = self.problem.templates[f].q
        own = rows[self._columns(f)]
        return own.reshape(-1, q, own.shape[1]).transpose(1, 2, 0)

    def _left_rest(self, rows: Floats) -> Floats:
        return _block_left(self.problem, self.lams, rows)

    def _left_rest_t(self, rows: Floats) -> Floats:
        return _block_left(self.problem, [lam.T for lam in self.lams], rows)

    def _right_rest(self, rows: Floats) -> Floats:
        return self._left_rest(rows.T).T

    def _pair_matrix(self, values: Floats) -> sparse.csr_array:
        return _pair_matrix(self.problem, values)

    def _pair_forms(self, left: Floats) -> Floats:
        """left_j Q left_j' by level of the leading factor, for rows `left` (q, n_pairs) at the pairs: (q, q, J)."""
        pairs = self.problem.pairs
        assert pairs is not None
        q, J = len(left), self.problem.A.shape[2]
        forms = np.zeros((q, q, J))
        width = max(1, CHUNK // max(1, len(self.Q)))
        for start in range(0, J, width):
            stop = min(J, start + width)
            own = slice(pairs.pointers[start], pairs.pointers[stop])
            level, column = pairs.level[own] - start, pairs.column[own]
            for a in range(q):
                slab = self._pair_matrix(left[a])[start:stop] @ self.Q
                at_pairs = slab[level, column]
                for b in range(q):
                    forms[a, b, start:stop] = np.bincount(
                        level, weights=at_pairs * left[b, own], minlength=stop - start
                    )
        return forms

    # -- random effects -----------------------------------------------------------------------------------------------

    @cached_property
    def modes(self) -> list[Floats]:
        """Conditional modes by grouping, b = S g (q, J), in centred coordinates."""
        return [lam @ lam.T @ g for lam, g in zip(self.lams, self.g, strict=True)]

    def mode_covariances(self) -> list[Floats]:
        """Conditional covariance of each level's random effects divided by sigma^2, by grouping: (q, q, J)."""
        problem = self.problem
        lam = self.lams[problem.lead]
        J = self.L.shape[2]
        half = forward(self.L, np.repeat(lam.T[:, :, None], J, axis=2))
        lead = np.einsum("caj,cbj->abj", half, half)
        if self.block is None or problem.pairs is None:
            return [lead]
        level = problem.pairs.level
        YA12 = np.einsum("ab,bp->ap", lam, backward(self.L[:, :, level], self.block.Kp[:, None, :])[:, 0])
        found = []
        for f, lam_f in enumerate(self.lams):
            if f == problem.lead:
                found.append(lead + self._pair_forms(YA12))
                continue
            k = len(lam_f)
            own = self.P[self._columns(f), self._columns(f)].reshape(-1, k, len(problem.groupings[f].levels), k)
            diagonal = np.einsum("jajb->abj", own)
            found.append(np.einsum("ab,bcj,dc->adj", lam_f, diagonal, lam_f))
        return found


def _dense_block(problem: Problem, lams: list[Floats], L: Floats, K: Floats) -> DenseBlock:
    pairs = problem.pairs
    assert pairs is not None
    lam = lams[problem.lead]
    Kp = forward(L[:, :, pairs.level], (lam.T @ pairs.values)[:, None, :])[:, 0]
    B22, B2W = problem.A22.copy(), problem.W2.copy()
    for a in range(len(lam)):
        part = _pair_matrix(problem, Kp[a])
        B22 -= (part.T @ part).toarray()
        B2W -= part.T @ K[a].T
    inner = _block_left(problem, [lam.T for lam in lams], _block_left(problem, [lam.T for lam in lams], B22).T)
    inner[np.diag_indices_from(inner)] += 1.0
    Lc = linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
    K2 = linalg.solve_triangular(Lc, _block_left(problem, [lam.T for lam in lams], B2W), lower=True, check_finite=False)
    return DenseBlock(B22, B2W, Lc, K2, Kp)


def _pair_matrix(problem: Problem, values: Floats) -> sparse.csr_array:
    """Values at the pairs as a sparse (J, m) matrix."""
    pairs = problem.pairs
    assert pairs is not None
    return sparse.csr_array((values, pairs.column, pairs.pointers), shape=(problem.A.shape[2], len(problem.A22)))


def _block_left(problem: Problem, lams: list[Floats], rows: Floats) -> Floats:
    """blockdiag(lambda_f, one a level) @ rows, over the dense block."""
    result = np.empty_like(rows)
    for f, lam in enumerate(lams):
        offset, q = problem.offsets[f], len(lam)
        if offset < 0:
            continue
        own = slice(offset, offset + len(problem.groupings[f].levels) * q)
        if q == 1:
            np.multiply(rows[own], lam[0, 0], out=result[own])
        else:
            result[own] = np.einsum("ab,jbk->jak", lam, rows[own].reshape(-1, q, rows.shape[1])).reshape(
                -1, rows.shape[1]
            )
    return result


def _times(A: Floats, lam: Floats) -> Floats:
    """A_j lambda by lane."""
    return np.einsum("abj,bc->acj", A, lam)


def _left(lam: Floats, A: Floats) -> Floats:
    """Lambda' A_j by lane."""
    return np.einsum("ba,bkj->akj", lam, A)


def _cross(K: Floats, other: Floats) -> Floats:
    """sum_j K_j' other_j for lanes (q, k, J)."""
    return np.asarray(sum(K[a] @ other[a].T for a in range(len(K))))


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
