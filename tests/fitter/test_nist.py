"""Variance components of balanced one-way data agree with their closed form, digits that all values share or not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mlm_widgets import MixedModel, fit
from tests.fitter.balanced import (
    CERTIFIED,
    LEADING,
    Estimates,
    digits,
    estimates,
    frame,
    mean_squares,
    simon_lesage,
    stored,
)

AGREED = 9  # digits against the exact answer for the doubles that the fit was given
# Digits of the variances that the decimal values keep when they are stored: doubles near 1e6 are 1e-10 apart and near
# 1e12 are 1e-4 apart, beside steps of 0.1.
CARRIED = {1: 9, 7: 9, 13: 2}

SHAPES = [(9, 21), (9, 201), (9, 2001), (21, 9), (21, 21), (21, 201)]
shapes = pytest.mark.parametrize(
    ("n_groups", "size"), SHAPES, ids=[f"{shape[0]} groups of {shape[1]}" for shape in SHAPES]
)
leading_digits = pytest.mark.parametrize("leading", LEADING)


def agreement(m: MixedModel, exact: Estimates) -> dict[str, float]:
    between = float(m.varcorr()["variance"].iloc[0])
    return {
        "intercept": digits(float(m.params["Intercept"]), exact.intercept),
        "between": digits(between, exact.between),
        "within": digits(m.sigma**2, exact.within),
    }


@pytest.mark.parametrize("size", CERTIFIED)
@leading_digits
def test_rule_gives_the_certified_mean_squares(size: int, leading: int) -> None:
    assert mean_squares(simon_lesage(9, size, leading)) == CERTIFIED[size]


@shapes
@leading_digits
def test_agrees_with_the_closed_form_on_the_stored_values(n_groups: int, size: int, leading: int) -> None:
    values = simon_lesage(n_groups, size, leading)
    m = fit("y ~ 1 + (1 | g)", frame(values))
    assert m.converged
    found = agreement(m, estimates(stored(values)))
    assert min(found.values()) >= AGREED, found


@shapes
@leading_digits
def test_agrees_with_the_closed_form_on_the_decimal_values(n_groups: int, size: int, leading: int) -> None:
    values = simon_lesage(n_groups, size, leading)
    exact = estimates(values)
    m = fit("y ~ 1 + (1 | g)", frame(values))
    found = agreement(m, exact)
    assert min(found.values()) >= CARRIED[leading], found


@shapes
def test_values_near_1e12_carry_no_more_digits(n_groups: int, size: int) -> None:
    """What is missing there was lost when the values were stored, not in the fit."""
    values = simon_lesage(n_groups, size, 13)
    exact, kept = estimates(values), estimates(stored(values))
    assert digits(float(kept.within), exact.within) < 5
    m = fit("y ~ 1 + (1 | g)", frame(values))
    lost = abs(kept.within - exact.within)
    assert abs(Fraction(m.sigma**2) - exact.within) <= lost * Fraction(101, 100)
