"""Long work says how far it is, and stops when it is told to."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from mlm_widgets import MlmError, OptionError
from mlm_widgets.inference.progress import Cancelled, TextBar, Work


def test_every_part_is_reported() -> None:
    heard: list[tuple[int, int]] = []
    with Work("Profile", 5, lambda done, total: heard.append((done, total))) as work:
        work.advance(2)
        work.advance(3)
    assert heard == [(2, 5), (5, 5)]


def test_work_stops_at_the_next_part() -> None:
    cancel = threading.Event()
    with Work("Bootstrap", 1000, False, cancel) as work:
        work.advance(300)
        cancel.set()
        with pytest.raises(Cancelled, match="Bootstrap was cancelled after 400 of 1,000") as caught:
            work.advance(100, partial=lambda: "what there is")
    assert (caught.value.done, caught.value.total, caught.value.partial) == (400, 1000, "what there is")
    assert isinstance(caught.value, MlmError)


def test_the_callback_can_stop_the_work() -> None:
    cancel = threading.Event()
    work = Work("Profile", 3, lambda done, _: cancel.set() if done == 2 else None, cancel)
    work.advance()
    with pytest.raises(Cancelled) as caught:
        work.advance()
    assert caught.value.done == 2
    assert caught.value.partial is None


def test_finished_work_cannot_be_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with Work("Power", 1, False, cancel) as work:
        work.advance()


def test_the_bar_waits_a_second_and_then_draws_ten_times_a_second() -> None:
    now, written = [0.0], io.StringIO()
    bar = TextBar("Power", written, lambda: now[0])
    for seconds, done in [(0.5, 10), (1.5, 50), (1.55, 60), (1.7, 70), (1.71, 100)]:
        now[0] = seconds
        bar(done, 100)
    bar.close()
    lines = written.getvalue().split("\r")
    assert lines[0] == ""
    assert [line.split("] ")[1].strip() for line in lines[1:]] == ["50 of 100", "70 of 100", "100 of 100"]
    assert lines[1].startswith("Power [###############...............]")
    assert written.getvalue().endswith("\n")


def test_short_work_is_silent() -> None:
    written = io.StringIO()
    bar = TextBar("Power", written, lambda: 0.0)
    bar(100, 100)
    bar.close()
    assert written.getvalue() == ""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "is_drawn"), [(io.StringIO, False), (_Terminal, True)])
def test_a_bar_is_for_terminals(stream: type[io.StringIO], is_drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlm_widgets.inference.progress.PATIENCE", 0.0)
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    with Work("Bootstrap", 2) as work:
        work.advance(2)
    assert bool(written.getvalue()) == is_drawn


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(OptionError, match="`progress` must be a function"):
        Work("Bootstrap", 2, "yes")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"`cancel` must be a threading.Event"):
        Work("Bootstrap", 2, False, True)  # type: ignore[arg-type]
