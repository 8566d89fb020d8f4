"""Balanced one-way data by the rule of Simon & Lesage, and what REML must find on them.

Simon & Lesage (1989), "Assessing the accuracy of ANOVA calculations in statistical software", Computational Statistics
& Data Analysis 8, 325-332; NIST's analysis-of-variance problems SmLs01 to SmLs09 are made by it. The first value of the
first group is c + 0.4, of the others by turns c + 0.3 and c + 0.5; the further values of a group lie 0.1 below and
above its first, by turns. c has 1, 7 or 13 digits that all values share.

With I groups of J the REML estimates are sigma^2 = MSW and, where it is positive, sigma_b^2 = (MSB - MSW) / J (Searle,
Casella & McCulloch 1992, section 3.8): rational numbers, so they are computed without rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

__all__ = ["CERTIFIED", "LEADING", "Estimates", "digits", "estimates", "simon_lesage", "stored"]

LEADING = {1: Fraction(1), 7: Fraction(10**6), 13: Fraction(10**12)}  # digits that all values share: what is added

# NIST, SmLs01 to SmLs03 (the certified values of the others are the same): 9 groups of J; MSB, MSW
CERTIFIED = {
    21: (Fraction(21, 100), Fraction(1, 100)),
    201: (Fraction(201, 100), Fraction(1, 100)),
    2001: (Fraction(2001, 100), Fraction(1, 100)),
}


@dataclass(frozen=True, slots=True)
class Estimates:
    """REML estimates of a balanced one-way table: intercept, variance between groups and within."""

    intercept: Fraction
    between: Fraction
    within: Fraction


def simon_lesage(n_groups: int, size: int, leading: int) -> list[list[Fraction]]:
    """The values, a list a group."""
    c = LEADING[leading]
    centres = [c + Fraction(4, 10), *(c + Fraction(3 + 2 * (i % 2), 10) for i in range(n_groups - 1))]
    step = Fraction(1, 10)
    return [[m, *(m + (step if k % 2 else -step) for k in range(size - 1))] for m in centres]


def stored(values: list[list[Fraction]]) -> list[list[Fraction]]:
    """The values as double precision holds them."""
    return [[Fraction(float(value)) for value in group] for group in values]


def frame(values: list[list[Fraction]]) -> pd.DataFrame:
    """Columns y and g."""
    rows = [(float(value), f"g{i:02d}") for i, group in enumerate(values) for value in group]
    return pd.DataFrame(rows, columns=["y", "g"])


def mean_squares(values: list[list[Fraction]]) -> tuple[Fraction, Fraction]:
    """Mean squares between and within groups."""
    n_groups, size = len(values), len(values[0])
    means = [sum(group, Fraction(0)) / size for group in values]
    grand = sum(means, Fraction(0)) / n_groups
    between = size * sum((m - grand) ** 2 for m in means) / Fraction(n_groups - 1)
    within = sum((v - m) ** 2 for group, m in zip(values, means, strict=True) for v in group) / Fraction(
        n_groups * (size - 1)
    )
    return between, within


def estimates(values: list[list[Fraction]]) -> Estimates:
    """The closed form, exactly."""
    between, within = mean_squares(values)
    everything = [value for group in values for value in group]
    assert between > within
    return Estimates(sum(everything, Fraction(0)) / len(everything), (between - within) / len(values[0]), within)


def digits(estimate: float, exact: Fraction) -> float:
    """NIST's log relative error: how many digits agree, at most 15."""
    error = abs(Fraction(estimate) - exact) / abs(exact)
    return 15.0 if error == 0 else min(15.0, -math.log10(error))
