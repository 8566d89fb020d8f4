import math

import pytest

from mlm_widgets.plots import digits


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-2.1, 6.0, (-2, 0, 2, 4, 6)),
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (-40, 60, (-40, -20, 0, 20, 40, 60)),
        (3, 3, (2, 3, 4)),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: tuple[float, ...]) -> None:
    made = digits.axis(low, high)
    assert made.ticks == pytest.approx(ticks) or set(ticks) <= set(made.ticks)
    assert made.low <= min(made.ticks)
    assert max(made.ticks) <= made.high


@pytest.mark.parametrize(("low", "high"), [(1e-9, 3e-9), (-5e11, 8e11), (1e5, 1e5 + 1)])
def test_extreme_ranges_have_ticks(low: float, high: float) -> None:
    assert 2 <= len(digits.axis(low, high).ticks) <= 12


def test_ticks_whose_labels_stick_out_are_left_out() -> None:
    made = digits.axis(-10, 10, margin=0.0)
    assert {-10, 10} <= set(made.ticks)
    assert not {-10, 10} & set(digits.ticks_inside(made, 300).ticks)


def test_numbers_that_are_not_finite_are_written() -> None:
    assert digits.written(math.nan, 2) == "?"
    assert digits.written(-math.inf, 2) == "−∞"
    assert digits.bounds([math.nan, math.inf]) == (0.0, 1.0)
