"""What a course on multilevel models would say of a design, before or after it is fitted, each with its reason.

These concern the data and the question more than the estimates; what is wrong with a fit itself, and the number of
groups, are `findings`. A finding of a design is an "info": nothing is wrong, but something should be known.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design import Design, Grouping
from mlm_widgets.fitter import Fit
from mlm_widgets.formula import Name, columns_of, parse_factor
from mlm_widgets.frames import is_constant_within
from mlm_widgets.inference.effect_sizes import icc
from mlm_widgets.inference.finding import Finding
from mlm_widgets.inference.reuse import ReusedLevels, reused_levels

__all__ = [
    "badly_scaled",
    "group_predictors",
    "guidance",
    "identifiers",
    "low_icc",
    "reused_ids",
    "small_groups",
]

Floats = npt.NDArray[np.float64]

GROUPS_A_PREDICTOR = 10  # a rule of thumb of Raudenbush & Bryk (2002), Hierarchical Linear Models
LOW_ICC = 0.05  # Hox, Moerbeek & Van de Schoot (2018), Multilevel Analysis: small
FEW_ROWS = 5  # Clarke (2008), J. Epidemiol. Community Health 62: below, variances between groups are biased upwards
FAR_SCALES = 1e3  # ratio of standard deviations at which lme4 asks to rescale (lmerControl's check.scaleX)
ROW_NUMBERS = "numbers the rows"
MANY_LEVELS = 50  # a factor of more levels names things
SHOWN = 3
LEAST_NUMBERED = 20  # fewer distinct whole numbers may well be years, grades or doses


def guidance(fit: Fit, null: Fit | None = None) -> tuple[Finding, ...]:
    """All that there is to say of the design of `fit`; of its ICC where `null`, the fit without predictors, is given.

    It looks at numbers of rows, at columns and at names of levels: weights and offsets have no part in it. Columns that
    were dropped as collinear do not count, a singular fit is like any other, and in a generalized model the ICC is on
    the scale of the linear predictor.
    """
    return (
        *reused_ids(fit),
        *identifiers(fit),
        *group_predictors(fit),
        *small_groups(fit),
        *(low_icc(null) if null is not None else ()),
        *badly_scaled(fit),
    )


def _grouped(fit: Fit) -> list[tuple[Grouping, npt.NDArray[np.int64]]]:
    """Groupings with the codes of the rows; not those with a level for each row, which are no groups."""
    own = [(group.grouping, fit.design.codes[group.place]) for group in fit.groups]
    return [(grouping, codes) for grouping, codes in own if len(grouping.levels) < fit.design.n_obs]


def group_predictors(fit: Fit) -> list[Finding]:
    """More coefficients of group-level predictors than a tenth of the groups.

    A column counts for the coarsest grouping that it is constant in.
    """
    X, assign, grouped = fit.design.X, fit.design.spec.fixed.assign, _grouped(fit)
    columns = [X[:, k] for k in fit.kept if assign[k] >= 0]
    found = []
    for grouping, codes in grouped:
        outer = [g for other, g in grouped if other is not grouping and is_constant_within(g, codes)]
        n = sum(
            is_constant_within(column, codes) and not any(is_constant_within(column, g) for g in outer)
            for column in columns
        )
        J = len(grouping.levels)
        if n * GROUPS_A_PREDICTOR > J:
            found.append(
                Finding(
                    "info",
                    grouping.name,
                    f"{_counted(n, 'coefficient')} of predictors that are constant within {grouping.name} "
                    f"{'stands' if n == 1 else 'stand'} on {J} levels: fewer than 10 levels a coefficient fit too "
                    "closely to these levels.",
                    f"Keep at most {J // GROUPS_A_PREDICTOR} of them, or combine some."
                    if J >= GROUPS_A_PREDICTOR
                    else f"Read effects of predictors of {grouping.name} with care.",
                )
            )
    return found


def small_groups(fit: Fit) -> list[Finding]:
    """Few rows a group on average, with the groups of one row; fewer rows than random effects."""
    found = []
    for grouping, codes in _grouped(fit):
        sizes = np.bincount(codes)
        J, q, mean, single = len(sizes), len(grouping.names), float(sizes.mean()), int((sizes == 1).sum())
        if mean < FEW_ROWS:
            alone = f", {single:,} of them of one row" if single else ""
            found.append(
                Finding(
                    "info",
                    grouping.name,
                    f"{grouping.name} has {J:,} levels of {mean:.2g} rows on average{alone}: with so few the variance "
                    "within groups and the variance between them are hard to tell apart, slopes most of all.",
                    "Keep the random part small, and trust effects of predictors more than variances.",
                )
            )
        elif q > 1 and 2 * int((sizes <= q).sum()) > J:
            found.append(
                Finding(
                    "info",
                    grouping.name,
                    f"Most levels of {grouping.name} have no more rows than random effects ({q}): they say little of "
                    "their slopes.",
                    f"Consider fewer slopes in the random part of {grouping.name}.",
                )
            )
    return found


def low_icc(null: Fit) -> list[Finding]:
    """Groups that differ little in the model without predictors."""
    by_group = icc(null).by_group
    return [
        Finding(
            "info",
            name,
            f"The ICC of {name} is {share:.3f} without predictors: its levels differ little. A small ICC still counts "
            "in tests of group-level predictors where groups are large (see `design_effect`).",
            "Keep the grouping if the design has it; expect little from predictors of that level.",
        )
        for name, share in by_group.items()
        if share < LOW_ICC
    ]


def badly_scaled(fit: Fit) -> list[Finding]:
    """Predictors whose standard deviations are a thousand times apart, as lme4 asks; for people, not for the search."""
    spec, values = fit.design.spec.fixed, fit.design.variables
    kept = {spec.names[k] for k in fit.kept}
    numbers = {
        key: float(np.std(values[key], ddof=1))
        for key in spec.variables
        if isinstance(values[key], np.ndarray) and key in kept
    }
    spread = {key: sd for key, sd in numbers.items() if sd > 0}
    if len(spread) < 2:
        return []
    small, large = min(spread, key=lambda key: spread[key]), max(spread, key=lambda key: spread[key])
    if spread[large] < FAR_SCALES * spread[small]:
        return []
    return [
        Finding(
            "info",
            large,
            f"The scales of the predictors are far apart: the standard deviation of “{large}” is {spread[large]:.3g}, "
            f"that of “{small}” {spread[small]:.3g}. The fit is not harmed, but their coefficients are hard to read "
            "beside each other.",
            f"Change the unit of one, or use scale({large}).",
        )
    ]


def identifiers(fit: Fit) -> list[Finding]:
    """Predictors that name rows or groups, as numbers or as text."""
    design = fit.design
    taken = {grouping.columns[0] for grouping, _ in _grouped(fit) if len(grouping.columns) == 1}
    found = []
    for key in design.spec.fixed.variables:
        factor = parse_factor(key)
        column, what = columns_of(factor)[0], None
        if isinstance(design.variables[key], pd.Categorical):
            n = len(design.variables[key].categories)
            what = f"has {n:,} levels, each with a coefficient" if n > MANY_LEVELS and column not in taken else None
        elif isinstance(factor, Name):
            what = _numbering(design.variables[key], design)
        if what is not None:
            found.append(
                Finding(
                    "info",
                    column,
                    f"“{column}” is a predictor, but {what}: it seems to name things, and says nothing of their kind.",
                    "Leave it out of the predictors"
                    + ("." if what == ROW_NUMBERS else f", or use it as a grouping: (1 | {column})."),
                )
            )
    return found


def _numbering(values: Floats, design: Design) -> str | None:
    """What a column numbers, if it does: whole numbers, nearly without a gap, another for each row or group."""
    distinct = np.unique(values)
    if len(distinct) < LEAST_NUMBERED or np.any(distinct != np.round(distinct)):
        return None
    if distinct[-1] - distinct[0] + 1 > 1.1 * len(distinct):
        return None
    if len(distinct) == design.n_obs:
        return ROW_NUMBERS
    for grouping, codes in zip(design.spec.groupings, design.codes, strict=True):
        if len(distinct) == len(grouping.levels) and is_constant_within(values, codes):
            return f"numbers the levels of {grouping.name}"
    return None


def reused_ids(fit: Fit) -> list[Finding]:
    """Levels of one grouping factor under several levels of another, as if the data were nested with ids used again."""
    found = []
    for (first, codes), (second, others) in combinations(sorted(_grouped(fit), key=lambda own: _place(fit, own[0])), 2):
        is_nested = is_constant_within(codes, others) or is_constant_within(others, codes)
        if is_nested or len(first.columns) > 1 or len(second.columns) > 1:
            continue
        ways = [(second, first, reused_levels(others, codes)), (first, second, reused_levels(codes, others))]
        # crossed in full, either way looks the same: the factor that the formula has last is the inner one
        found += [_reused(inner, outer, own) for inner, outer, own in ways if own is not None][:1]
    return found


def _place(fit: Fit, grouping: Grouping) -> int:
    return [own.name for own in fit.design.spec.groupings].index(grouping.name)


def _reused(inner: Grouping, outer: Grouping, own: ReusedLevels) -> Finding:
    names = ", ".join(inner.levels[j] for j in own.levels[:SHOWN]) + (", …" if len(own.levels) > SHOWN else "")
    message = (
        f"{len(own.levels):,} of {len(inner.levels):,} levels of {inner.name} are found under several levels of "
        f"{outer.name} ({names}), the others under one."
        if own.is_exception
        else f"The levels of {inner.name} ({names}) may be names given anew under each level of {outer.name}, but the "
        "model takes each for one and the same everywhere."
    )
    return Finding(
        "info",
        inner.name,
        message,
        f"If the same name stands for different things, write (1 | {outer.name}/{inner.name}); if not, all is well.",
    )


def _counted(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
