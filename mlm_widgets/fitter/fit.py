"""The result of fitting, in the user's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design, Grouping
from mlm_widgets.families import FAMILIES, Family
from mlm_widgets.fitter.certificate import Certificate

__all__ = ["Fit", "GroupFit", "Trace"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """How the search went.

    Attributes
    ----------
    steps : tuple of (theta, criterion)
        Of each accepted step, in the coordinates of the search.
    n_evaluations : int
    decrement : float
        The Newton decrement at which it ended: about twice the drop of the criterion that was left.
    scaled_gradient : float
        Length of the gradient in units in which the curvature is one.
    least_curvature : float
        Least eigenvalue of the Hessian relative to the largest: negative at a saddle, near zero in a flat valley.
    optimiser : str
    elapsed_ms : float
    """

    steps: tuple[tuple[Floats, float], ...]
    n_evaluations: int
    decrement: float
    scaled_gradient: float
    least_curvature: float
    optimiser: str
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class GroupFit:
    """The random effects of one grouping factor.

    Attributes
    ----------
    grouping : Grouping
    place : int
        Place of the factor in the design.
    lam : ndarray (q, q)
        Relative covariance factor, lower triangular with a non-negative diagonal: Var(b) = sigma^2 lam lam'.
    modes : ndarray (q, J)
        Conditional modes of the random effects.
    mode_covariance : ndarray (q, q, J)
        Their conditional covariance (theta and beta held at their estimates).
    singular : tuple of str
        Columns without variation of their own: their variance is zero, or follows from the columns before.
    """

    grouping: Grouping
    place: int
    lam: Floats
    modes: Floats
    mode_covariance: Floats
    singular: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted mixed model, linear or generalized.

    Attributes
    ----------
    design : Design
    reml : bool
    names : tuple of str
        Fixed coefficients that were estimated; `dropped` those that were collinear.
    beta : ndarray (p,)
    cov_beta : ndarray (p, p)
    sigma : float
        Residual standard deviation (of a row of weight 1); 1 for a generalized model, where Var(b) = lam lam'.
    theta : ndarray (n_theta,)
        lme4's: lower triangles of `lam`, column by column, term by term, factors by decreasing number of levels.
    criterion : float
        REML criterion, or -2 log-likelihood.
    groups : tuple of GroupFit
        By decreasing number of levels.
    cov_beta_slopes : ndarray (n_theta + 1, p, p)
        d cov_beta / d (theta_c, sigma), theta_c being the search's coordinates.
    cov_variance : ndarray (n_theta + 1, n_theta + 1)
        Asymptotic covariance of (theta_c, sigma).
    kept : ndarray (p,)
        Columns of the design's X that belong to `names`.
    state : {"converged", "boundary", "failed"}
    theta_centred : ndarray (n_theta,)
        Theta in the search's coordinates.
    certificate : Certificate
        Whether the optimum is one among all covariance matrices nearby, on the boundary too; None for a generalized
        model, whose boundary is searched instead.
    trace : Trace
    family : Family
        Of the outcome given the random effects, with its link.
    dispersion : float
        phi: the residual variance, or the family's own (`Family.dispersion` says what it is); 1 where there is none.
    n_agq : int
        Nodes of the adaptive quadrature of a generalized model; 1 is Laplace's approximation.
    """

    design: Design
    reml: bool
    names: tuple[str, ...]
    dropped: tuple[str, ...]
    beta: Floats
    cov_beta: Floats
    sigma: float
    theta: Floats
    criterion: float
    groups: tuple[GroupFit, ...]
    cov_beta_slopes: Floats
    cov_variance: Floats
    kept: npt.NDArray[np.intp]
    state: Literal["converged", "boundary", "failed"]
    theta_centred: Floats
    certificate: Certificate | None
    trace: Trace
    family: Family = FAMILIES["gaussian"]
    dispersion: float = 1.0
    n_agq: int = 1
