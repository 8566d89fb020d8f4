"""Columns of the random part that repeat one another are told, and only where the covariances cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from mlm_widgets import fit
from mlm_widgets.inference.redundancy import redundant_columns
from tests.fitter.dense import dense_of, small_data

TOLD = {
    "y ~ x + (x + d | g)": ("g: slope of d", "the slope of x"),
    "y ~ x + (x + e | g)": ("g: slope of e", "the intercept and the slope of x"),
    "y ~ x + (0 + x | g) + (0 + d | g)": ("g: slope of d", "the slope of x"),
    "y ~ x + (x | g) + (0 + e | g)": ("g: slope of e", "the intercept and the slope of x"),
    "y ~ x + z + (x + z + s | g)": ("g: slope of s", "the slope of x and the slope of z"),
}
IDENTIFIED = ["y ~ x + (x | g)", "y ~ x + z + (x + z | g)", "y ~ x + (x + e || g)", "y ~ x + (x | g) + (0 + d | h)"]


def data(seed: int = 0):  # type: ignore[no-untyped-def]
    frame = small_data(seed)
    return frame.assign(d=2 * frame["x"], e=2 * frame["x"] + 3, s=frame["x"] - frame["z"])


@pytest.mark.parametrize("formula", TOLD)
def test_a_repeated_column_is_told_and_the_fit_is_that_without_it(formula: str) -> None:
    m = fit(formula, data())
    component, others = TOLD[formula]
    (own,) = (finding for finding in m.findings if "linear combination" in finding.message)
    assert own.component == component
    assert f"is a linear combination of {others} in the random part of g" in own.message
    assert m.criterion == pytest.approx(dense_of(m).criterion, rel=1e-8)
    plain = "y ~ x + z + (x + z | g)" if "z" in formula else "y ~ x + (x | g)"
    if "(0 + x | g)" in formula:
        plain = "y ~ x + (0 + x | g)"
    assert m.criterion == pytest.approx(fit(plain, data()).criterion, abs=1e-6)


@pytest.mark.parametrize("formula", IDENTIFIED)
def test_columns_that_tell_something_are_not(formula: str) -> None:
    assert not any("linear combination" in finding.message for finding in fit(formula, data()).findings)


def test_uncorrelated_effects_may_repeat_a_shifted_column_but_not_a_multiple() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=50)
    Z = np.column_stack([np.ones(50), x, 2 * x + 3])
    alone = [range(k, k + 1) for k in range(3)]
    assert redundant_columns(Z, alone) == []
    assert redundant_columns(Z, [range(3)]) == [(2, [0, 1])]
    assert redundant_columns(np.column_stack([np.ones(50), x, 2 * x]), alone) == [(2, [1])]
