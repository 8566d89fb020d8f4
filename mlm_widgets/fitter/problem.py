"""Design -> the sums that a linear mixed model depends on, in centred and scaled coordinates.

Inside the fit every column of X but the intercept, the outcome, and every column of Z beside an intercept are centred
and scaled to unit mean square. The model is the same (the intercepts absorb the shifts), but a predictor far from
zero no longer costs digits. For a grouping factor with columns (1, z) the random effects change as b_c = H b with

    H = [[1, c'], [0, diag(s)]],    z_c = (z - c) / s.

A block of correlated effects that holds the intercept can take any covariance before and after, so its template is
free in the centred coordinates; elsewhere (``||``) the template is carried along, lambda_c = H lambda(theta) scaled
to start at 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.design import Design, Grouping
from mlm_widgets.errors import DataError, DesignError, FitError
from mlm_widgets.linalg import cross_product, group_sums

__all__ = ["Pairs", "Problem", "Scaling", "Template", "build_problem"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MAX_DENSE = 6_000  # columns of the dense trailing block: 6,000 take 0.3 GB and some seconds an evaluation
NEARLY_COLLINEAR = 1e-7  # residual share below which the columns themselves are looked at, not their cross products
ILL_CONDITIONED = 1e-3  # residual share below which cross products cost digits: the columns are made orthogonal
COLLINEAR = 1e-7  # R's tolerance of a pivoted QR decomposition


@dataclass(frozen=True, slots=True)
class Template:
    """lambda(theta) = sum_k theta_k t_k e_col[k]' for one grouping factor, in centred coordinates.

    Attributes
    ----------
    row, col : ndarray (k,)
        Place of each free element in the lower triangle.
    directions : ndarray (k, q)
        t_k; the unit vector of `row` but for ``||`` with a shifted column.
    H : ndarray (q, q)
        b_c = H b.
    is_free : ndarray (k,)
        True where the element belongs to a block that is free in centred coordinates.
    block : ndarray (k,)
        The block of each element.
    """

    row: npt.NDArray[np.intp]
    col: npt.NDArray[np.intp]
    directions: Floats
    H: Floats
    is_free: npt.NDArray[np.bool_]
    block: npt.NDArray[np.intp]

    @property
    def q(self) -> int:
        """Columns of the grouping factor."""
        return len(self.H)

    @property
    def start(self) -> Floats:
        """Theta at which the search begins: the unit matrix."""
        return (self.row == self.col).astype(np.float64)

    def matrix(self, theta: Floats) -> Floats:
        """lambda(theta), shape (q, q)."""
        lam = np.zeros((self.q, self.q))
        np.add.at(lam.T, self.col, theta[:, None] * self.directions)
        return lam

    def pull_back(self, slope: Floats) -> Floats:
        """d/dtheta from d/dlambda (q, q), shape (k,)."""
        return np.einsum("ka,ak->k", self.directions, slope[:, self.col])


@dataclass(frozen=True, slots=True)
class Scaling:
    """How centred coordinates go back to the user's.

    `to_user` (p, p) and `shift` (p,): beta = to_user @ beta_c + shift; `y_scale` the outcome's scale.
    """

    to_user: Floats
    shift: Floats
    y_scale: float
    log_scale_x: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Z_1'Z_2 by the pairs (level of the leading factor, column of the rest) that occur, sorted by level.

    Attributes
    ----------
    level, column : ndarray (n_pairs,)
    values : ndarray (q_1, n_pairs)
    pointers : ndarray (J_1 + 1,)
        Where each level's pairs begin.
    """

    level: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    values: Floats
    pointers: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Problem:
    """The sums of a model (MATH: A_j = Z_j'Z_j, W_j = Z_j'[X y], N = [X y]'[X y]), and how to read them.

    Attributes
    ----------
    n_obs, rank : int
    reml : bool
    groupings : tuple of Grouping
        By decreasing number of levels, as lme4 orders them.
    source : tuple of int
        Place of each grouping in the design.
    lead : int
        Place of the grouping with the most random effects: it is absorbed, the others form the dense block.
    templates : tuple of Template
    A : ndarray (q, q, J), W : ndarray (q, p + 1, J)
        Of the leading factor.
    N : ndarray (p + 1, p + 1)
    A22 : ndarray (m, m), W2 : ndarray (m, p + 1)
        Of the rest.
    pairs : Pairs or None
    offsets : tuple of int
        Where each grouping's columns begin in the dense block; -1 for the leading one.
    scaling : Scaling
    kept : ndarray (rank,)
        Columns of X that are not linear combinations of those before them.
    """

    n_obs: int
    rank: int
    reml: bool
    groupings: tuple[Grouping, ...]
    source: tuple[int, ...]
    lead: int
    templates: tuple[Template, ...]
    A: Floats
    W: Floats
    N: Floats
    A22: Floats
    W2: Floats
    pairs: Pairs | None
    offsets: tuple[int, ...]
    scaling: Scaling
    kept: npt.NDArray[np.intp]

    @property
    def degrees(self) -> int:
        """N - p for REML, n for ML: what sigma^2 is divided by."""
        return self.n_obs - self.rank if self.reml else self.n_obs

    @property
    def slices(self) -> list[slice]:
        """The part of theta that belongs to each grouping."""
        ends = np.cumsum([len(template.row) for template in self.templates])
        return [slice(int(end) - len(t.row), int(end)) for end, t in zip(ends, self.templates, strict=True)]


def build_problem(design: Design, reml: bool) -> Problem:
    """The sums of `design`.

    Raises
    ------
    FitError
        If there are more effects than rows, or more levels of crossed factors than the dense block carries.
    """
    order = sorted(range(len(design.Z)), key=lambda f: -len(design.spec.groupings[f].levels))
    groupings = tuple(design.spec.groupings[f] for f in order)
    _check_sizes(design)
    Wc, scaling, kept = _centred(design)
    N = cross_product(Wc)
    centred = [_centred_columns(design.Z[f], design.spec.groupings[f]) for f in order]
    templates = tuple(_template(g, H) for g, (_, H) in zip(groupings, centred, strict=True))
    lead = int(np.argmax([len(g.levels) * len(g.names) for g in groupings]))
    codes = [design.codes[f] for f in order]
    A, W = _level_sums(codes[lead], len(groupings[lead].levels), centred[lead][0], Wc)
    rest = [f for f in range(len(order)) if f != lead]
    offsets = _offsets(groupings, rest)
    parts = [(codes[f], centred[f][0], offsets[f]) for f in rest]
    A22, W2, pairs = _rest_sums(parts, codes[lead], centred[lead][0], Wc, len(groupings[lead].levels), groupings, rest)
    return Problem(
        n_obs=design.n_obs, rank=len(kept), reml=reml, groupings=groupings, source=tuple(order), lead=lead,
        templates=templates, A=A, W=W, N=N, A22=A22, W2=W2, pairs=pairs, offsets=tuple(offsets), scaling=scaling,
        kept=kept,
    )  # fmt: skip


def _check_sizes(design: Design) -> None:
    n, p = design.X.shape
    if n <= p:
        raise FitError(
            f"There are {n:,} rows for {p:,} fixed effects: at least {p + 1:,} rows are needed.",
            hint="Use fewer predictors, or more data.",
        )
    for grouping in design.spec.groupings:
        for block in grouping.blocks:
            effects = len(grouping.levels) * len(block.columns)
            if effects >= n:
                raise FitError(
                    f"{n:,} rows cannot carry {effects:,} random effects ({len(block.columns)} for each of "
                    f"{len(grouping.levels):,} levels of “{grouping.name}”): "
                    "they could not be told from the residuals.",
                    hint=f"Let fewer terms vary between the levels of “{grouping.name}”, or choose larger groups.",
                )


def _centred(design: Design) -> tuple[Floats, Scaling, npt.NDArray[np.intp]]:
    """[X y] centred and scaled, without collinear columns; the way back."""
    X, y, names = design.X, design.y, design.spec.fixed.names
    has_intercept = "Intercept" in names
    p = X.shape[1]
    centre = X.mean(axis=0) if has_intercept else np.zeros(p)
    if has_intercept:
        centre[names.index("Intercept")] = 0.0
    y_centre = float(y.mean()) if has_intercept else 0.0
    W = np.empty((len(y), p + 1))
    np.subtract(X, centre, out=W[:, :p])
    np.subtract(y, y_centre, out=W[:, p])
    scale = np.sqrt(np.einsum("ij,ij->j", W, W) / len(y))
    if scale[p] == 0:
        raise DataError("The outcome is constant.", hint="Choose an outcome that varies.", argument="outcome")
    is_empty = scale[:p] <= 1e-14 * np.abs(centre)
    scale[:p][is_empty] = 1.0
    W /= scale
    W[:, :p][:, is_empty] = 0.0
    share = _least_residual(cross_product(W[:, :p])) / len(y)
    kept = np.arange(p) if share > NEARLY_COLLINEAR else _independent(W[:, :p])
    if len(kept) == 0 and p > 0:
        raise DesignError("No predictor varies.", hint="Use an intercept, or predictors that vary.", argument="formula")
    to_user = np.diag(scale[p] / scale[kept])
    shift = np.zeros(len(kept))
    if has_intercept:
        place = int(np.flatnonzero(kept == names.index("Intercept"))[0])
        to_user[place] -= scale[p] * centre[kept] / scale[kept]
        shift[place] = y_centre
    log_scale = float(np.log(scale[kept]).sum())
    W = W if len(kept) == p else W[:, [*kept, p]]
    if share < ILL_CONDITIONED:
        W[:, :-1], R = _orthogonal(W[:, :-1])
        to_user = linalg.solve_triangular(R, to_user.T, trans="T").T
        log_scale += float(np.log(np.abs(np.diag(R))).sum())
    return W, Scaling(to_user, shift, float(scale[p]), log_scale), kept


def _orthogonal(X: Floats) -> tuple[Floats, Floats]:
    """Q and R with X = Q R, columns of Q of unit mean square: far from zero, x and f make x:f nearly collinear."""
    Q, R = np.linalg.qr(X)
    size = np.sqrt(len(X))
    return Q * size, R / size


def _independent(X: Floats) -> npt.NDArray[np.intp]:
    """Columns that are no linear combination of those before them."""
    kept: list[int] = []
    Q = np.empty((len(X), 0))
    for j in range(X.shape[1]):
        column = X[:, j].copy()
        size = np.linalg.norm(column)
        for _ in range(2):  # twice is enough: Kahan and Parlett's rule for Gram-Schmidt
            column -= Q @ (Q.T @ column)
        if size > 0 and np.linalg.norm(column) > COLLINEAR * size:
            kept.append(j)
            Q = np.column_stack([Q, column / np.linalg.norm(column)])
    return np.array(kept, dtype=np.intp)


def _least_residual(N: Floats) -> float:
    try:
        return float(np.min(np.diag(linalg.cholesky(N, lower=True)) ** 2, initial=np.inf))
    except linalg.LinAlgError:
        return 0.0


def _centred_columns(Z: Floats, grouping: Grouping) -> tuple[Floats, Floats]:
    """Z's columns centred (where there is an intercept) and scaled, and H."""
    names = grouping.names
    q = len(names)
    H = np.eye(q)
    if q == 1 and names[0] == "Intercept":
        return Z, H
    centre = np.zeros(q)
    if "Intercept" in names:
        one = names.index("Intercept")
        centre = Z.mean(axis=0)
        centre[one] = 0.0
        H[one] = centre
        H[one, one] = 1.0
    Zc = Z - centre
    scale = np.sqrt(np.einsum("ij,ij->j", Zc, Zc) / len(Z))
    constant = [name for name, s, c in zip(names, scale, centre, strict=True) if s <= 1e-14 * max(abs(c), 1e-300)]
    if constant:
        raise DesignError(
            f"The slope of “{constant[0]}” cannot vary between the levels of “{grouping.name}”: "
            f"“{constant[0]}” is the same in every row.",
            hint="Take it out of the random part.",
            argument="formula",
        )
    for a in range(q):
        if names[a] != "Intercept":
            H[a, a] = scale[a]
    return Zc / scale, H


def _template(grouping: Grouping, H: Floats) -> Template:
    row: list[int] = []
    col: list[int] = []
    block_of: list[int] = []
    free: list[bool] = []
    for number, block in enumerate(grouping.blocks):
        is_free = "Intercept" in block.basis.names and len(block.columns) > 1
        for b in block.columns:
            for a in range(b, block.columns.stop):
                row.append(a)
                col.append(b)
                block_of.append(number)
                free.append(is_free)
    rows = np.array(row)
    directions = np.eye(len(H))[rows]
    carried = ~np.array(free)
    directions[carried] = (H[:, rows] / np.diag(H)[rows]).T[carried]
    return Template(rows, np.array(col), directions, H, np.array(free), np.array(block_of))


def _level_sums(codes: Codes, n_levels: int, Z: Floats, W: Floats) -> tuple[Floats, Floats]:
    """A (q, q, J) and W (q, p + 1, J) of one factor."""
    q, k = Z.shape[1], W.shape[1]
    A = np.empty((q, q, n_levels))
    B = np.empty((q, k, n_levels))
    for a in range(q):
        for b in range(a + 1):
            A[a, b] = A[b, a] = group_sums(codes, n_levels, Z[:, a] * Z[:, b])
        for j in range(k):
            B[a, j] = group_sums(codes, n_levels, Z[:, a] * W[:, j])
    return A, B


def _offsets(groupings: tuple[Grouping, ...], rest: list[int]) -> list[int]:
    offsets = [-1] * len(groupings)
    place = 0
    for f in rest:
        offsets[f] = place
        place += len(groupings[f].levels) * len(groupings[f].names)
    if place > MAX_DENSE:
        raise FitError(
            f"The grouping factors beside the largest have {place:,} random effects in all; "
            f"at most {MAX_DENSE:,} are carried.",
            hint="Use fewer levels or fewer random slopes in the smaller grouping factors.",
        )
    return offsets


def _rest_sums(
    parts: list[tuple[Codes, Floats, int]],
    lead_codes: Codes,
    lead_Z: Floats,
    W: Floats,
    n_lead: int,
    groupings: tuple[Grouping, ...],
    rest: list[int],
) -> tuple[Floats, Floats, Pairs | None]:
    """A22, W2 and the pairs with the leading factor."""
    m = sum(len(groupings[f].levels) * len(groupings[f].names) for f in rest)
    A22, W2 = np.zeros((m, m)), np.zeros((m, W.shape[1]))
    if not parts:
        return A22, W2, None
    columns = [(codes * Z.shape[1] + a + offset, Z[:, a]) for codes, Z, offset in parts for a in range(Z.shape[1])]
    for place, weight in columns:
        for j in range(W.shape[1]):
            W2[:, j] += group_sums(place, m, weight * W[:, j])
        for other, other_weight in columns:
            keys, sums = _sums_by_pair(place, other, m, weight * other_weight)
            A22.ravel()[keys] += sums[0]
    return A22, W2, _pairs(columns, lead_codes, lead_Z, n_lead, m)


def _pairs(columns: list[tuple[Codes, Floats]], lead_codes: Codes, lead_Z: Floats, n_lead: int, m: int) -> Pairs:
    found = [_sums_by_pair(lead_codes, place, m, *(lead_Z * weight[:, None]).T) for place, weight in columns]
    keys = np.concatenate([key for key, _ in found])
    values = np.concatenate([value for _, value in found], axis=1)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    level = keys // m
    pointers = np.concatenate([[0], np.cumsum(np.bincount(level, minlength=n_lead))])
    return Pairs(level, keys % m, np.ascontiguousarray(values[:, order]), pointers)


def _sums_by_pair(first: Codes, second: Codes, width: int, *weights: Floats) -> tuple[Codes, Floats]:
    """Keys first * width + second that occur, sorted, and the sums of each weight by key."""
    keys, place = np.unique(first * width + second, return_inverse=True)
    return keys, np.array([np.bincount(place, weights=weight, minlength=len(keys)) for weight in weights])
