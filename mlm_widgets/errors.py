"""The errors and warnings of the package.

Every error that we raise is an :class:`MlmError`, and so a ``ValueError``: it names the argument, the rule that was
broken, the value that broke it, and what to do next (``hint``). The widget shows ``message`` and ``hint``; Python
shows both.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "Cancelled",
    "DataError",
    "DatasetError",
    "DesignError",
    "FitError",
    "FormulaError",
    "MlmError",
    "OptionError",
    "closest",
]


class MlmError(ValueError):
    """Base of all errors of the package.

    Parameters
    ----------
    message : str
        What is wrong: the rule and the value.
    hint : str, optional
        What to do next.
    argument : str, optional
        The argument of the public function that is at fault.
    """

    def __init__(self, message: str, *, hint: str | None = None, argument: str | None = None) -> None:
        self.message = message
        self.hint = hint
        self.argument = argument
        super().__init__(message if hint is None else f"{message}\nHint: {hint}")


class DataError(MlmError):
    """The data frame, or a column of it, cannot be used."""


class DatasetError(MlmError):
    """No data set of that name is shipped."""


class FormulaError(MlmError):
    """The formula's text is not understood.

    ``text`` is the whole formula and ``start``, ``end`` the part that is at fault; ``replacement`` is a text that would
    mend that part, where one is known.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        start: int = 0,
        end: int | None = None,
        replacement: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.text = text
        self.start = start
        self.end = len(text) if end is None else end
        self.replacement = replacement
        self.detail = message
        super().__init__(message + self._pointer(), hint=hint, argument="formula")
        self.message = message

    def _pointer(self) -> str:
        if not self.text or "\n" in self.text:
            return ""
        return f"\n  {self.text}\n  {' ' * self.start}{'^' * max(1, self.end - self.start)}"


class DesignError(MlmError):
    """Formula and data do not go together: no model matrix can be made."""


class FitError(MlmError):
    """The model cannot be fitted to these data."""


class Cancelled(MlmError):  # noqa: N818 - nothing went wrong
    """Long work was asked to stop before its end.

    ``done`` of ``total`` parts were finished; ``partial`` is the result of those, where they make one, else None.
    """

    def __init__(self, what: str, done: int, total: int, partial: object = None) -> None:
        self.done = done
        self.total = total
        self.partial = partial
        hint = None if partial is None else "The error's `partial` holds the result of what was done."
        super().__init__(f"{what} was cancelled after {done:,} of {total:,}.", hint=hint, argument="cancel")


class OptionError(MlmError):
    """An argument has a value that is not allowed."""


def closest(name: str, names: Iterable[str], n: int = 3) -> list[str]:
    """The names most like `name`, best first; letter case does not count."""
    by_folded = {str(candidate).casefold(): str(candidate) for candidate in names}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=n, cutoff=0.6)
    return [by_folded[key] for key in found]
