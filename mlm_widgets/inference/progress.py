"""Long work: how far it is, and how it is stopped.

Whoever computes in many parts counts them:

    with Work("Profile", total, progress, cancel) as work:
        for part in parts:
            ...
            work.advance()

Whoever asked for it hears of every part by ``progress(done, total)``, and stops it between two parts by setting the
event ``cancel``, from another thread or from the callback: the work then raises :class:`Cancelled`, an `MlmError` that
says how many parts were done and, where these make a result, holds it as `partial`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from mlm_widgets.errors import Cancelled, OptionError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Cancelled", "Progress", "ProgressOption", "TextBar", "Work"]

Progress = Callable[[int, int], None]
"""Called with the number of parts that are done, and of all."""

ProgressOption = Progress | bool | None
"""A callback; False for silence; None for a text bar where there is a terminal, True for one anywhere."""

PATIENCE = 1.0  # seconds that work may take before it says anything
PERIOD = 0.1  # seconds between two drawings: a terminal shows no more
WIDTH = 30  # characters


class Stream(Protocol):
    """What a bar is written to."""

    def write(self, text: str, /) -> object:
        """Take `text`."""

    def flush(self) -> object:
        """Show it."""


class TextBar:
    """A bar of text on one line, which appears when the work has taken a second.

    Parameters
    ----------
    what : str
        The name of the work.
    stream : Stream, optional
        Default: the standard error stream.
    clock : callable
        Seconds.
    """

    def __init__(self, what: str, stream: Stream | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._stream: Stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._next = clock() + PATIENCE
        self._is_drawn = False

    def __call__(self, done: int, total: int) -> None:
        """Draw, where it is time to."""
        now = self._clock()
        if now < self._next and not (self._is_drawn and done >= total):
            return
        self._next = now + PERIOD
        filled = WIDTH * done // max(total, 1)
        self._stream.write(f"\r{self._what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {total:,}")
        self._stream.flush()
        self._is_drawn = True

    def close(self) -> None:
        """End the line, where one was drawn."""
        if self._is_drawn:
            self._stream.write("\n")
            self._stream.flush()


class Work:
    """Work of `total` parts.

    Parameters
    ----------
    what : str
        Its name, as a sentence begins: "Bootstrap".
    total : int
    progress : callable, bool, optional
        ``progress(done, total)``. None (the default) draws a text bar once a second has passed, if the standard error
        stream is a terminal: a notebook, or a log, stays clean. True draws it anywhere, False nowhere.
    cancel : threading.Event, optional
        When it is set, the next `advance` raises.

    Raises
    ------
    OptionError
        If `progress` or `cancel` is something else.
    """

    def __init__(
        self, what: str, total: int, progress: ProgressOption = None, cancel: threading.Event | None = None
    ) -> None:
        if cancel is not None and not hasattr(cancel, "is_set"):
            raise OptionError(
                f"`cancel` must be a threading.Event, not {cancel!r}.", hint="Set it to stop.", argument="cancel"
            )
        self.what = what
        self.total = total
        self.done = 0
        self._cancel = cancel
        self._bar: TextBar | None = None
        if progress is True or (progress is None and _has_terminal()):
            self._bar = TextBar(what)
        elif not (progress is None or progress is False or callable(progress)):
            raise OptionError(
                f"`progress` must be a function of (done, total), True, False or None, not {progress!r}.",
                argument="progress",
            )
        self._report: Progress | None = progress if callable(progress) else self._bar

    def advance(self, parts: int = 1, partial: Callable[[], object] | None = None) -> None:
        """Count `parts` as done, report them, and stop if that was asked for before the end.

        Raises
        ------
        Cancelled
            With `partial()` as its result.
        """
        self.done += parts
        if self._report is not None:
            self._report(self.done, self.total)
        if self._cancel is not None and self._cancel.is_set() and self.done < self.total:
            raise Cancelled(self.what, self.done, self.total, None if partial is None else partial())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _has_terminal() -> bool:
    """Whether the standard error stream is there (pythonw has none) and a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
