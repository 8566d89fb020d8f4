"""Numbers on charts: how many decimals, where the ticks stand, how far an axis reaches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlm_widgets.plots import lettering

__all__ = [
    "Axis",
    "axis",
    "bounds",
    "decimals_for",
    "fitted_axis",
    "labelled_as_ratios",
    "percent",
    "ratio_axis",
    "significant",
    "ticks_inside",
    "without_zeros",
    "written",
]

_MOST_DECIMALS = 8
_NEAR_ONE = 1.8  # an axis of ratios that spans no more has the ticks of any other
_RATIO_TICKS = (
    (1, (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 9)),
    (1, (1, 1.5, 2, 3, 4, 5, 7.5)),
    (1, (1, 2, 5)),
    (1, (1, 3)),
    (1, (1,)),
    (2, (1,)),
    (4, (1,)),
)
"""Which powers of ten and which ratios within each, dense to sparse."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A number axis: its ends, the values of its ticks, the d3 format of their labels; a logarithmic one of ratios."""

    low: float
    high: float
    ticks: tuple[float, ...]
    format: str
    is_log: bool = False
    label: str | None = None
    """A Vega expression of `datum.value`, where labels are other than the formatted value."""

    def share(self, value: float) -> float:
        """How far along the axis a value is, 0 to 1."""
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def decimals_for(scale: float, significant_digits: int = 2) -> int:
    """Decimals that show a number of size `scale` with so many significant digits.

    >>> decimals_for(0.31), decimals_for(12.3), decimals_for(0.0042)
    (2, 0, 4)
    """
    if not math.isfinite(scale) or scale == 0:
        return 2
    return min(_MOST_DECIMALS, max(0, significant_digits - 1 - math.floor(math.log10(abs(scale)))))


def written(number: float, decimals: int) -> str:
    """A number for reading: a true minus sign, commas between thousands, no minus before a zero.

    >>> written(-1234.5678, 2), written(-0.001, 2)
    ('−1,234.57', '0.00')
    """
    if not math.isfinite(number):
        return "?" if math.isnan(number) else "∞" if number > 0 else "−∞"
    rounded = round(number, decimals) + 0.0
    if 0 < abs(number) < 0.5 * 10.0**-_MOST_DECIMALS or abs(number) >= 1e9:
        return f"{number:.3g}".replace("-", "−")
    return f"{rounded:,.{decimals}f}".replace("-", "−")


def significant(number: float, digits: int = 3) -> str:
    """A number with so many significant digits and no trailing zeros.

    >>> significant(-0.4137), significant(7.0), significant(20480)
    ('−0.414', '7', '20,480')
    """
    return without_zeros(written(number, decimals_for(number, digits) if number else 0))


def without_zeros(text: str) -> str:
    """A written number without the zeros at the end of its decimals."""
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(level: float) -> str:
    """A level of confidence in words: 0.95 is 95%."""
    return f"{100 * level:.6g}%"


def bounds(numbers: Iterable[float], *also: float) -> tuple[float, float]:
    """Least and greatest of the finite numbers and of `also`; (0, 1) when there are none."""
    finite = [number for number in (*numbers, *also) if math.isfinite(number)]
    return (min(finite), max(finite)) if finite else (0.0, 1.0)


def axis(low: float, high: float, *, margin: float = 0.04, count: int = 5) -> Axis:
    """An axis over [low, high], with a margin as a share of its length and about `count` ticks at round values."""
    length = high - low
    if not length > 0:
        length = abs(low) or 1.0
        low, high = low - length / 2, high + length / 2
    low, high = low - margin * length, high + margin * length
    step = _round_step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = tuple(round(i * step, decimals) + 0.0 for i in range(first, last + 1))
    return Axis(low, high, ticks, _format(ticks, decimals))


def ratio_axis(low: float, high: float, *, margin: float = 0.04, count: int = 5) -> Axis:
    """An axis of ratios over [low, high], both above 0: logarithmic, about `count` ticks at round ratios, 1 always one.

    >>> ratio_axis(0.6, 3.1).ticks, ratio_axis(0.04, 90).ticks
    ((0.75, 1.0, 1.5, 2.0, 3.0), (0.1, 1.0, 10.0, 100.0))
    """
    low, high = min(low, 1.0), max(high, 1.0)
    length = math.log(high / low) or 0.1
    low, high = low * math.exp(-margin * length), high * math.exp(margin * length)
    if high / low < _NEAR_ONE:
        return replace(axis(low, high, margin=0.0, count=count), low=low, high=high, is_log=True)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    offered = [
        [float(f"{step}e{power}") for power in powers if power % every == 0 for step in steps]
        for every, steps in _RATIO_TICKS
    ]
    inside = [tuple(tick for tick in ticks if low <= tick <= high) for ticks in offered]
    ticks = min(inside, key=lambda each: abs(len(each) - count))
    return Axis(low, high, ticks, "~g", is_log=True)


def labelled_as_ratios(reach: Axis, count: int = 5) -> Axis:
    """An axis of logarithms of ratios with its ticks at round ratios, which are what its labels say."""
    ticks = ratio_axis(math.exp(reach.low), math.exp(reach.high), margin=0.0, count=count).ticks
    places = tuple(math.log(tick) for tick in ticks if reach.low <= math.log(tick) <= reach.high)
    return replace(reach, ticks=places, label='format(exp(datum.value), "~g")')


def ticks_inside(reach: Axis, pixels: float, size: float = 11) -> Axis:
    """The axis without the ticks whose labels would stick out at its ends, where it is so many px long."""

    def fits(tick: float) -> bool:
        room = min(tick - reach.low, reach.high - tick) / (reach.high - reach.low) * pixels
        return room >= lettering.width(written(tick, _decimals(reach.format)), size) / 2

    return replace(reach, ticks=tuple(tick for tick in reach.ticks if fits(tick)))


def fitted_axis(low: float, high: float, pixels: float, *, margin: float) -> Axis:
    """An axis of so many px with about a tick each 75, but at least three where their labels have room."""
    fewest = max(3, round(pixels / 75))
    made = [ticks_inside(axis(low, high, margin=margin, count=count), pixels) for count in range(fewest, fewest + 4)]
    return next((each for each in made if len(each.ticks) >= 3), made[0])


def _decimals(form: str) -> int:
    return int(form[2:-1]) if form.endswith("f") else 0


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda nice: abs(math.log(nice * power / raw))) * power


def _format(ticks: Sequence[float], decimals: int) -> str:
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if decimals > _MOST_DECIMALS - 2 or largest >= 1e7:
        return "~g" if largest < 1e7 else "~s"
    return f",.{decimals}f"
