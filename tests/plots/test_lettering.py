from itertools import pairwise

import pytest

from mlm_widgets.plots import lettering


def test_width_of_known_words() -> None:
    assert lettering.width("cses", 11) == pytest.approx((500 + 500 + 556 + 500) * 11 / 1000)
    assert lettering.width("日本", 10) == 20
    assert lettering.width("e\u0301", 10) == lettering.width("e", 10)


@pytest.mark.parametrize("limit", [20, 57, 120])
def test_a_shortened_text_fits(limit: float) -> None:
    text = lettering.shorten("a name that is rather long for a chart", limit)
    assert lettering.width(text) <= limit
    assert text.endswith("…")


def test_lines_break_at_blanks_and_the_last_is_cut() -> None:
    broken = lettering.lines("one two three four five six seven", 60, 12)
    assert len(broken) == 2
    assert all(lettering.width(line, 12) <= 60 for line in broken)
    assert broken[1].endswith("…")


@pytest.mark.parametrize("wanted", [[5.0, 5.0, 5.0], [90.0, 95.0, 99.0], [50.0, 20.0, 22.0], [0.0, 100.0], []])
def test_pushed_apart_keeps_order_gap_and_ends(wanted: list[float]) -> None:
    placed = lettering.push_apart(wanted, 13, 0, 100)
    in_order = [placed[i] for i in sorted(range(len(wanted)), key=lambda i: wanted[i])]
    assert all(b - a >= 13 - 1e-9 for a, b in pairwise(in_order))
    assert all(-1e-9 <= place <= 100 for place in placed)
