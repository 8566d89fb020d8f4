"""Messages from the browser. They are untrusted: each is read against a list of actions and their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlm_widgets.errors import OptionError

__all__ = ["Action", "read_action"]

Action = dict[str, Any]

MAX_TEXT = 20_000
MAX_ITEMS = 20

TEXT, TEXT_OR_NONE, FLAG, TEXTS, VALUES = "text", "text or none", "flag", "texts", "values"
REQUIRED: dict[str, dict[str, str]] = {
    "set_outcome": {"column": TEXT},
    "add_predictor": {"column": TEXT},
    "remove_predictor": {"id": TEXT},
    "set_option": {"id": TEXT, "value": TEXT},
    "add_interaction": {"ids": TEXTS},
    "remove_interaction": {"id": TEXT},
    "add_group": {"id": TEXT},
    "remove_group": {"id": TEXT},
    "set_intercept": {"group": TEXT, "on": FLAG},
    "set_slope": {"group": TEXT, "term": TEXT, "on": FLAG},
    "set_correlated": {"group": TEXT, "on": FLAG},
    "set_reml": {"on": FLAG},
    "set_family": {"family": TEXT},
    "set_link": {"link": TEXT},
    "set_success": {"level": TEXT},
    "set_trials": {"column": TEXT},
    "set_exposure": {"column": TEXT_OR_NONE},
    "set_live": {"on": FLAG},
    "set_formula": {"text": TEXT},
    "fit": {},
    "undo": {},
    "redo": {},
    "view_coefficients": {},
    "view_caterpillar": {},
    "view_predictions": {},
}
OPTIONAL: dict[str, dict[str, str]] = {
    "view_coefficients": {"intercept": FLAG, "ratios": FLAG},
    "view_caterpillar": {"group": TEXT, "sort": TEXT, "ratios": FLAG},
    "view_predictions": {
        "along": TEXT, "lines": TEXT_OR_NONE, "panels": TEXT_OR_NONE, "values": VALUES, "bands": FLAG, "raw": FLAG,
        "average": FLAG,
    },
}  # fmt: skip


def read_action(message: Any) -> tuple[int, Action]:
    """The number and the action of a message.

    Raises
    ------
    OptionError
        If the message is not one of ours.
    """
    if not isinstance(message, Mapping) or message.get("kind") != "action":
        raise OptionError("The message is not an action.")
    number, action = message.get("id"), message.get("action")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(action, Mapping):
        raise OptionError("The message is not an action.")
    kind = action.get("type")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise OptionError("There is no such action.")
    required, optional = REQUIRED[kind], OPTIONAL.get(kind, {})
    extra = set(action) - {"type", *required, *optional}
    if extra or any(name not in action for name in required):
        raise OptionError(f"The action {kind} has the wrong fields.")
    fields = {**required, **optional}
    for name, value in action.items():
        if name != "type" and not _is_of(value, fields[name]):
            raise OptionError(f"The field {name} of the action {kind} is not as it should be.")
    return number, dict(action)


def _is_of(value: Any, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(value, str) and len(value) <= MAX_TEXT and _is_unicode(value)
    if kind == TEXT_OR_NONE:
        return value is None or _is_of(value, TEXT)
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == TEXTS:
        return isinstance(value, list) and 0 < len(value) <= MAX_ITEMS and all(_is_of(item, TEXT) for item in value)
    return (
        isinstance(value, Mapping)
        and len(value) <= MAX_ITEMS
        and all(_is_of(key, TEXT) and _is_values(item) for key, item in value.items())
    )


def _is_unicode(text: str) -> bool:
    """Half of a surrogate pair is a str in Python, but cannot be sent back."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_values(item: Any) -> bool:
    return (
        isinstance(item, Mapping)
        and set(item) == {"mode", "text"}
        and item["mode"] in ("sd", "quartiles", "given")
        and _is_of(item["text"], TEXT)
    )
