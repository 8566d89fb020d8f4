"""How many independent rows the rows of a grouped table are worth.

Kish (1965, Survey Sampling): the mean of m rows a group, of intraclass correlation r, varies as much as
that of 1 / (1 + (m - 1) r) as many independent rows. Groups of unequal sizes n_j count by m = sum n_j^2 / sum n_j, the
size of the group of an average row, which is exact for the mean of all rows: Var = sum_f t_f^2 sum_j n_fj^2 / n^2 +
s^2 / n. That holds for crossed and nested factors f, whose effects add: 1 + sum_f (m_f - 1) r_f.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlm_widgets.errors import OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.effect_sizes import icc

__all__ = ["ALL_GROUPS", "DesignEffect", "check_design_effect", "design_effects"]

ALL_GROUPS = "(all)"


@dataclass(frozen=True, slots=True)
class DesignEffect:
    """The design effect of one grouping factor, or of all ("(all)", of which sizes are NaN).

    Attributes
    ----------
    group : str
    n_groups : int
    mean_size, weighted_size : float
        Rows of an average group, and rows of the group of an average row.
    icc : float
        Intraclass correlation.
    design_effect : float
    effective_n : float
        Number of rows over the design effect.
    """

    group: str
    n_groups: int
    mean_size: float
    weighted_size: float
    icc: float
    design_effect: float
    effective_n: float


def check_design_effect(fit: Fit) -> None:
    """Raise for a generalized model, whose intraclass correlation is that of no outcome that was seen."""
    if not fit.family.is_linear:
        raise OptionError(
            "The design effect is that of a mean of rows, and needs their correlation on the outcome's own scale; the "
            "ICC of a generalized model is on the scale of its linear predictor.",
            hint="Fit the outcome (as 0 and 1, or counts) by a linear model without predictors for an approximate one.",
            argument="family",
        )


def design_effects(null: Fit) -> tuple[DesignEffect, ...]:
    """Design effects of the grouping factors of `null`, a model without predictors; with several, of all together.

    Sizes are numbers of rows: prior weights say how precisely rows are known and do not change them. A variance of zero
    has the design effect 1.
    """
    n, shares = null.design.n_obs, icc(null).by_group
    found = []
    for group in null.groups:
        sizes = np.bincount(null.design.codes[group.place]).astype(np.float64)
        weighted, own = float(sizes @ sizes) / n, float(shares[group.grouping.name])
        effect = 1.0 + (weighted - 1.0) * own
        found.append(DesignEffect(group.grouping.name, len(sizes), n / len(sizes), weighted, own, effect, n / effect))
    if len(found) > 1:
        effect = 1.0 + sum(one.design_effect - 1.0 for one in found)
        joint = sum(one.icc for one in found)
        found.append(DesignEffect(ALL_GROUPS, 0, np.nan, np.nan, joint, effect, n / effect))
    return tuple(found)
