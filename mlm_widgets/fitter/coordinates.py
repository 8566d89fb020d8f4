"""The coordinates of the search: columns centred, scaled and weighted.

Inside the fit every column of X but the intercept, the outcome, and every column of Z beside an intercept are centred
and scaled to unit mean square. The model is the same (the intercepts absorb the shifts), but a predictor far from
zero no longer costs digits. For a grouping factor with columns (1, z) the random effects change as b_c = H b with

    H = [[1, c'], [0, diag(s)]],    z_c = (z - c) / s.

Columns of one correlated block that are nearly collinear even so (x and x**2, or x:f, of an x far from zero) are made
orthogonal, z_c = z R^-1 and b_c = R b with R upper triangular: a block that may have any covariance in the one basis
may have any in the other.

Prior weights w (residual variance sigma^2 / w) enter as rows times sqrt(w / mean(w)), so means are weighted means, and
weights in other units change nothing. An offset is taken from the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.design import Block, Design, Grouping
from mlm_widgets.errors import DataError, DesignError
from mlm_widgets.linalg import dot_products

__all__ = ["ONE", "Column", "Coordinates", "Scaling", "centred_design", "is_free_block", "with_outcome"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

NEARLY_COLLINEAR = 1e-7  # residual share below which the columns themselves are looked at, not their cross products
ILL_CONDITIONED = 1e-3  # residual share below which cross products cost digits: the columns are made orthogonal
COLLINEAR = 1e-7  # R's tolerance of a pivoted QR decomposition
SAME_SLOPE = 1e-10  # share of its size that a random slope's column has of its own when it is rounding only


class _One:
    """The column of ones of an unweighted model, which need not be stored."""

    __slots__ = ()


ONE = _One()
Column = Floats | _One


@dataclass(frozen=True, slots=True)
class Scaling:
    """How centred coordinates go back to the user's.

    Attributes
    ----------
    to_user : ndarray (p, p), shift : ndarray (p,)
        beta = to_user @ beta_c + shift.
    y_scale : float
        The outcome's scale.
    log_scale_x : float
        log |det| of the change of X's columns: the REML criterion needs it.
    """

    to_user: Floats
    shift: Floats
    y_scale: float
    log_scale_x: float


@dataclass(frozen=True, slots=True)
class Coordinates:
    """The columns of a design in the coordinates of the search.

    Attributes
    ----------
    X : list of Column
        The columns kept; shared with Z where they are the same.
    y : ndarray (n,)
    Z : list of lists of Column
        By grouping, in the design's order.
    H : list of ndarray (q, q)
    N : ndarray (p + 1, p + 1)
        [X y]'[X y].
    scaling : Scaling
    kept : ndarray (p,)
        Columns of X that are not linear combinations of those before them.
    log_weights : float
        Sum of log (w / mean(w)).
    weight_scale : float
        Mean of the weights: sigma^2 in the user's coordinates is as many times that of the search.
    """

    X: list[Column]
    y: Floats
    Z: list[list[Column]]
    H: list[Floats]
    N: Floats
    scaling: Scaling
    kept: Ints
    log_weights: float
    weight_scale: float


def centred_design(design: Design) -> Coordinates:
    """The columns of `design`, centred, scaled and weighted; collinear columns of X are left out.

    Raises
    ------
    DataError, DesignError
        If the outcome is constant, no predictor varies, or a random slope's column is constant.
    """
    weighing = _Weighing(design.weights, design.n_obs)
    names = design.spec.fixed.names
    has_intercept = -1 in design.spec.fixed.assign
    y, y_centre, y_scale = _centred_outcome(design, weighing, has_intercept)
    X, centre, scale = _centred_columns(design.X, has_intercept, weighing)
    is_empty = np.array([s == 0 for s in scale], dtype=bool)
    N = dot_products([weighing.stored(column) for column in X])
    known = _Products(X, N, weighing)
    kept, share = _kept_columns(N, X, weighing)
    if len(kept) == 0 and len(names) > 0:
        raise DesignError("No predictor varies.", hint="Use an intercept, or predictors that vary.", argument="formula")
    size = np.where(is_empty, 1.0, scale)[kept]
    to_user = np.diag(y_scale / size)
    shift = np.zeros(len(kept))
    if has_intercept:
        place = int(np.flatnonzero(kept == 0)[0])  # the intercept is the first column
        to_user[place] -= y_scale * centre[kept] / size
        shift[place] = y_centre
    log_scale = float(np.log(size).sum())
    columns = [X[k] for k in kept]
    if share < ILL_CONDITIONED:
        Q, R = _orthogonal(np.column_stack([weighing.stored(column) for column in columns]))
        columns = list(np.ascontiguousarray(Q.T))
        to_user = linalg.solve_triangular(R, to_user.T, trans="T").T
        log_scale += float(np.log(np.abs(np.diag(R))).sum())
        N = dot_products([weighing.stored(column) for column in columns])
    else:
        N = N[np.ix_(kept, kept)]
    shared = {name: (design.X[:, k], X[k]) for k, name in enumerate(names)} if has_intercept else {}
    random = [
        _random_columns(Z, grouping, weighing, shared, known)
        for Z, grouping in zip(design.Z, design.spec.groupings, strict=True)
    ]
    return Coordinates(
        X=columns,
        y=y,
        Z=[Z for Z, _ in random],
        H=[H for _, H in random],
        N=_with_outcome(N, columns, y, weighing),
        scaling=Scaling(to_user, shift, y_scale, log_scale),
        kept=kept,
        log_weights=weighing.log_sum,
        weight_scale=weighing.mean,
    )


def with_outcome(coordinates: Coordinates, design: Design) -> Coordinates:
    """The same columns with the outcome of `design`, which is else the design that they were made from."""
    weighing = _Weighing(design.weights, design.n_obs)
    has_intercept = -1 in design.spec.fixed.assign
    y, y_centre, y_scale = _centred_outcome(design, weighing, has_intercept)
    old = coordinates.scaling
    shift = np.zeros_like(old.shift)
    if has_intercept:
        shift[int(np.flatnonzero(coordinates.kept == 0)[0])] = y_centre
    scaling = Scaling(old.to_user * (y_scale / old.y_scale), shift, y_scale, old.log_scale_x)
    p = len(coordinates.X)
    N = _with_outcome(coordinates.N[:p, :p], coordinates.X, y, weighing)
    return replace(coordinates, y=y, N=N, scaling=scaling)


def _centred_outcome(design: Design, weighing: _Weighing, has_intercept: bool) -> tuple[Floats, float, float]:
    values = design.y if design.offset is None else design.y - design.offset
    y, centre, scale = weighing.centred(values, is_shifted=has_intercept)
    if scale == 0:
        what = "The outcome is constant" if design.offset is None else "The outcome less its offset is constant"
        raise DataError(f"{what}.", hint="Choose an outcome that varies.", argument="outcome")
    return y, centre, scale


class _Weighing:
    """Weighted means, and rows times sqrt(w)."""

    def __init__(self, weights: Floats | None, n: int) -> None:
        self.n = n
        self.mean = 1.0 if weights is None else float(weights.mean())
        self.weights = None if weights is None else weights / self.mean
        self.root = None if self.weights is None else np.sqrt(self.weights)
        self.log_sum = 0.0 if self.weights is None else float(np.log(self.weights).sum())

    def centred(self, values: Floats, *, is_shifted: bool) -> tuple[Floats, float, float]:
        """A column of unit mean square (over the rows), what was taken from it, and what it was divided by."""
        mean = 0.0
        if is_shifted:
            mean = float(values.mean() if self.weights is None else (values @ self.weights) / self.n)
        column = values - mean
        if self.root is not None:
            column *= self.root
        with np.errstate(over="ignore"):
            scale = float(np.sqrt(column @ column / self.n))
        if not np.isfinite(scale):
            raise DataError(
                f"A column holds values as large as {np.abs(values).max():.1e}, too large to be squared.",
                hint="Change its unit, or look for a code of missing values.",
                argument="data",
            )
        if scale <= 1e-14 * abs(mean):
            column[:] = 0.0
            return column, mean, 0.0
        if scale > 0:
            column /= scale
        return column, mean, scale

    def one(self) -> Column:
        """The intercept's column."""
        return ONE if self.root is None else self.root

    def stored(self, column: Column) -> Floats:
        """The column as an array."""
        return np.ones(self.n) if isinstance(column, _One) else column


def _centred_columns(X: Floats, has_intercept: bool, weighing: _Weighing) -> tuple[list[Column], Floats, Floats]:
    p = X.shape[1]
    columns: list[Column] = []
    centre, scale = np.zeros(p), np.ones(p)
    for k in range(p):
        if has_intercept and k == 0:
            columns.append(weighing.one())
            continue
        column, centre[k], scale[k] = weighing.centred(X[:, k], is_shifted=has_intercept)
        columns.append(column)
    return columns, centre, scale


def _kept_columns(N: Floats, X: list[Column], weighing: _Weighing) -> tuple[Ints, float]:
    """Columns that are no linear combination of those before them, and the least share that a column has of its own."""
    share = _least_share(N)
    if share > NEARLY_COLLINEAR:
        return np.arange(len(X)), share
    kept = _independent([weighing.stored(column) for column in X])
    return kept, _least_share(N[np.ix_(kept, kept)])


def _least_share(N: Floats) -> float:
    """The least residual sum of squares of a column after those before it, relative to its own."""
    scale = np.sqrt(np.maximum(np.diag(N), 1e-300))
    try:
        return float(np.min(np.diag(linalg.cholesky(N / np.outer(scale, scale), lower=True)) ** 2, initial=np.inf))
    except linalg.LinAlgError:
        return 0.0


def _independent(columns: list[Floats]) -> Ints:
    kept: list[int] = []
    Q = np.empty((len(columns[0]) if columns else 0, 0))
    for j, own in enumerate(columns):
        column = own.copy()
        size = np.linalg.norm(column)
        for _ in range(2):  # twice is enough: Kahan and Parlett's rule for Gram-Schmidt
            column -= Q @ (Q.T @ column)
        if size > 0 and np.linalg.norm(column) > COLLINEAR * size:
            kept.append(j)
            Q = np.column_stack([Q, column / np.linalg.norm(column)])
    return np.array(kept, dtype=np.intp)


def _orthogonal(X: Floats) -> tuple[Floats, Floats]:
    """Q and R with X = Q R, columns of Q of unit mean square: far from zero, x and f make x:f nearly collinear."""
    Q, R = np.linalg.qr(X)
    size = np.sqrt(len(X)) * np.where(np.diag(R) < 0, -1.0, 1.0)
    return Q * size, R / size[:, None]


def _with_outcome(N: Floats, columns: list[Column], y: Floats, weighing: _Weighing) -> Floats:
    p = len(columns)
    full = np.empty((p + 1, p + 1))
    full[:p, :p] = N
    full[p, :p] = full[:p, p] = [y.sum() if isinstance(column, _One) else column @ y for column in columns]
    full[p, p] = y @ y
    return full


def _random_columns(
    Z: Floats, grouping: Grouping, weighing: _Weighing, shared: dict[str, tuple[Floats, Column]], known: _Products
) -> tuple[list[Column], Floats]:
    """Z's columns centred (where there is an intercept) and scaled, and H."""
    names = grouping.names
    intercepts = [k for block in grouping.blocks for k in block.columns if block.basis.assign[k - block.start] < 0]
    H = np.eye(len(names))
    columns: list[Column] = []
    for k, name in enumerate(names):
        if intercepts and k == intercepts[0]:
            columns.append(weighing.one())
            continue
        column, centre, scale = weighing.centred(Z[:, k], is_shifted=bool(intercepts))
        if scale == 0:
            raise DesignError(
                f"The slope of “{name}” cannot vary between the levels of “{grouping.name}”: "
                f"“{name}” is the same in every row.",
                hint="Take it out of the random part.",
                argument="formula",
            )
        same = shared.get(name) if intercepts else None
        if same is not None and np.array_equal(same[0], Z[:, k]):
            columns.append(same[1])  # one array for both: their sums are made once
        else:
            columns.append(column)
        H[k, k] = scale
        if intercepts:
            H[intercepts[0], k] = centre
    for block in grouping.blocks:
        if is_free_block(grouping, block):
            _orthogonalise(block.columns, columns, H, weighing, known)
    return columns, H


def is_free_block(grouping: Grouping, block: Block) -> bool:
    """Whether the block's covariance is free in any coordinates: it is correlated, and no centring leads out of it."""
    has_intercept = any(-1 in own.basis.assign for own in grouping.blocks)
    return len(block.columns) > 1 and (-1 in block.basis.assign or not has_intercept)


def _orthogonalise(own: range, columns: list[Column], H: Floats, weighing: _Weighing, known: _Products) -> None:
    """Replace ill-conditioned columns of a block by orthogonal ones, and H's rows with them."""
    has_intercept = columns[own.start] is weighing.one()
    if has_intercept and len(own) == 2:
        return  # an intercept and a centred column are orthogonal
    if not _least_share(known.of([columns[k] for k in own])) < ILL_CONDITIONED:
        return
    Q, R = _orthogonal(np.column_stack([weighing.stored(columns[k]) for k in own]))
    if np.diag(R).min() < SAME_SLOPE:
        return  # collinear for good: the criterion is flat along some direction, in these coordinates as in others
    first = own.start + has_intercept  # the intercept's column stays what it is
    columns[first : own.stop] = list(np.ascontiguousarray(Q.T))[has_intercept:]
    H[own.start : own.stop] = R @ H[own.start : own.stop]


class _Products:
    """Cross products of columns; those of X's are there already."""

    def __init__(self, X: list[Column], N: Floats, weighing: _Weighing) -> None:
        self.places = {id(column): k for k, column in enumerate(X)}
        self.N = N
        self.weighing = weighing

    def of(self, columns: list[Column]) -> Floats:
        """Shape (k, k)."""
        places = [self.places.get(id(column), -1) for column in columns]
        if min(places) >= 0:
            return self.N[np.ix_(places, places)]
        return dot_products([self.weighing.stored(column) for column in columns])
