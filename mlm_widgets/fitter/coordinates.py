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

No such column is stored: a `Column` says what it is made from, and sums make it a few rows at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import linalg

from mlm_widgets.design import Block, Design, Grouping
from mlm_widgets.errors import DataError, DesignError
from mlm_widgets.fitter.collected import Collected, Made, Weighing
from mlm_widgets.fitter.levels import LevelSums
from mlm_widgets.linalg import Column, cross_products, dots

__all__ = ["Coordinates", "Scaling", "centred_design", "is_free_block", "with_outcome"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

NEARLY_COLLINEAR = 1e-7  # residual share below which the columns themselves are looked at, not their cross products
ILL_CONDITIONED = 1e-3  # residual share below which cross products cost digits: the columns are made orthogonal
COLLINEAR = 1e-7  # R's tolerance of a pivoted QR decomposition
SAME_SLOPE = 1e-10  # share of its size that a random slope's column has of its own when it is rounding only


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
    y : Column
    Z : list of lists of Column
        By grouping, in the design's order.
    H : list of ndarray (q, q)
    N : ndarray (p + 1, p + 1)
        [X y]'[X y].
    sums : tuple of LevelSums
        By grouping; those of the one with the most random effects are made.
    scaling : Scaling
    kept : ndarray (p,)
        Columns of X that are not linear combinations of those before them.
    log_weights : float
        Sum of log (w / mean(w)).
    weight_scale : float
        Mean of the weights: sigma^2 in the user's coordinates is as many times that of the search.
    """

    X: list[Column]
    y: Column
    Z: list[list[Column]]
    H: list[Floats]
    N: Floats
    sums: tuple[LevelSums, ...]
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
    weighing = Weighing(design.weights, design.n_obs)
    spec = design.spec
    has_intercept = -1 in spec.fixed.assign
    raw = Collected(weighing, design)
    of_y = raw.add("", _outcome_values(design), is_shifted=has_intercept)
    of_X = raw.add_all(design.fixed, spec.fixed.names, spec.fixed.assign.index(-1) if has_intercept else None)
    of_Z = [
        raw.add_all(columns, grouping.names, _intercept_of(grouping))
        for columns, grouping in zip(design.random, spec.groupings, strict=True)
    ]
    sums = [
        LevelSums(codes, len(own.levels), counts)
        for codes, own, counts in zip(design.codes, spec.groupings, design.counts, strict=True)
    ]
    lead = int(np.argmax([len(own.levels) * len(own.names) for own in spec.groupings]))
    made = raw.made(sums[lead], of_Z[lead], [*of_Z[lead], *of_X, of_y])
    _check_outcome(made.size[of_y], design)
    kept, share = _kept_columns(made, of_X)
    if len(kept) == 0 and len(of_X) > 0:
        raise DesignError("No predictor varies.", hint="Use an intercept, or predictors that vary.", argument="formula")
    places = [of_X[k] for k in kept]
    y, y_scale = made.columns[of_y], made.size[of_y]
    size = np.array([made.size[place] for place in places])
    centre = np.array([made.columns[place].centre for place in places])
    to_user = np.diag(y_scale / size)
    shift = np.zeros(len(kept))
    if has_intercept:
        place = int(np.flatnonzero(kept == 0)[0])  # the intercept is the first column
        to_user[place] -= y_scale * centre / size
        shift[place] = y.centre
    log_scale = float(np.log(size).sum())
    X = [made.columns[place] for place in places]
    if share < ILL_CONDITIONED:
        X, R = _orthogonal(X, design.n_obs)
        to_user = linalg.solve_triangular(R, to_user.T, trans="T").T
        log_scale += float(np.log(np.abs(np.diag(R))).sum())
        N = cross_products([*X, y], design.n_obs)
    else:
        N = made.products_of([*places, of_y])
    random = [_random_columns(made, own, grouping) for own, grouping in zip(of_Z, spec.groupings, strict=True)]
    return Coordinates(
        X=X,
        y=y,
        Z=[Z for Z, _ in random],
        H=[H for _, H in random],
        N=N,
        sums=tuple(sums),
        scaling=Scaling(to_user, shift, y_scale, log_scale),
        kept=kept,
        log_weights=weighing.log_sum,
        weight_scale=weighing.mean,
    )


def with_outcome(coordinates: Coordinates, design: Design) -> Coordinates:
    """The same columns with the outcome of `design`, which is else the design that they were made from."""
    has_intercept = -1 in design.spec.fixed.assign
    raw = Collected(Weighing(design.weights, design.n_obs), design)
    raw.add("", _outcome_values(design), is_shifted=has_intercept)
    made = raw.made()
    y, y_scale = made.columns[0], made.size[0]
    _check_outcome(y_scale, design)
    old = coordinates.scaling
    shift = np.zeros_like(old.shift)
    if has_intercept:
        shift[int(np.flatnonzero(coordinates.kept == 0)[0])] = y.centre
    scaling = Scaling(old.to_user * (y_scale / old.y_scale), shift, y_scale, old.log_scale_x)
    N = coordinates.N.copy()
    N[-1] = N[:, -1] = dots([*coordinates.X, y], y, design.n_obs)
    return replace(coordinates, y=y, N=N, scaling=scaling)


def _outcome_values(design: Design) -> Floats:
    return design.y if design.offset is None else design.y - design.offset


def _check_outcome(size: float, design: Design) -> None:
    if size == 0:
        what = "The outcome is constant" if design.offset is None else "The outcome less its offset is constant"
        raise DataError(f"{what}.", hint="Choose an outcome that varies.", argument="outcome")


def _kept_columns(made: Made, of_X: list[int]) -> tuple[Ints, float]:
    """Columns that are no linear combination of those before them, and the least share that a column has of its own."""
    share = _least_share(made.products_of(of_X))
    if share > NEARLY_COLLINEAR:
        return np.arange(len(of_X)), share
    kept = _independent([made.columns[place].stored(made.n) for place in of_X])
    return kept, _least_share(made.products_of([of_X[k] for k in kept]))


def _least_share(N: Floats) -> float:
    """The least residual sum of squares of a column after those before it, relative to its own."""
    if not len(N):
        return np.inf
    scale = np.sqrt(np.maximum(np.diag(N), 1e-300))
    L, status = linalg.lapack.dpotrf(N / np.multiply.outer(scale, scale), lower=1)
    return 0.0 if status != 0 else float(np.diag(L).min()) ** 2


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


def _orthogonal(columns: list[Column], n: int) -> tuple[list[Column], Floats]:
    """Q and R of the columns, columns of Q of unit mean square: far from zero, x and f make x:f nearly collinear."""
    Q, R = np.linalg.qr(np.column_stack([column.stored(n) for column in columns]))
    size = np.sqrt(n) * np.where(np.diag(R) < 0, -1.0, 1.0)
    return [Column(own) for own in np.ascontiguousarray((Q * size).T)], R / size[:, None]


def _intercept_of(grouping: Grouping) -> int | None:
    """The first of the grouping's columns that is an intercept."""
    found = [block.start + k for block in grouping.blocks for k, term in enumerate(block.basis.assign) if term < 0]
    return found[0] if found else None


def _random_columns(made: Made, places: list[int], grouping: Grouping) -> tuple[list[Column], Floats]:
    """Z's columns centred (where there is an intercept) and scaled, and H."""
    intercept = _intercept_of(grouping)
    columns = [made.columns[place] for place in places]
    H = np.eye(len(places))
    for k, (name, place) in enumerate(zip(grouping.names, places, strict=True)):
        if made.size[place] == 0:
            raise DesignError(
                f"The slope of “{name}” cannot vary between the levels of “{grouping.name}”: "
                f"“{name}” is the same in every row.",
                hint="Take it out of the random part.",
                argument="formula",
            )
        H[k, k] = made.size[place]
        if intercept is not None and k != intercept:
            H[intercept, k] = columns[k].centre
    for block in grouping.blocks:
        if is_free_block(grouping, block):
            _orthogonalise(block.columns, columns, H, made, places)
    return columns, H


def is_free_block(grouping: Grouping, block: Block) -> bool:
    """Whether the block's covariance is free in any coordinates: it is correlated, and no centring leads out of it."""
    has_intercept = any(-1 in own.basis.assign for own in grouping.blocks)
    return len(block.columns) > 1 and (-1 in block.basis.assign or not has_intercept)


def _orthogonalise(own: range, columns: list[Column], H: Floats, made: Made, places: list[int]) -> None:
    """Replace ill-conditioned columns of a block by orthogonal ones, and H's rows with them."""
    has_intercept = places[own.start] == -1
    if has_intercept and len(own) == 2:
        return  # an intercept and a centred column are orthogonal
    if not _least_share(made.products_of([places[k] for k in own])) < ILL_CONDITIONED:
        return
    Q, R = _orthogonal([columns[k] for k in own], made.n)
    if np.diag(R).min() < SAME_SLOPE:
        return  # collinear for good: the criterion is flat along some direction, in these coordinates as in others
    first = own.start + has_intercept  # the intercept's column stays what it is
    columns[first : own.stop] = Q[has_intercept:]
    H[own.start : own.stop] = R @ H[own.start : own.stop]
