"""A person at the builder without a browser: clicks are messages, replies are collected."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pandas as pd

from mlm_widgets import ModelBuilder, datasets

TRAITS = ("data", "setup", "fit", "views", "chart_coefficients", "chart_caterpillar", "chart_predictions")


@cache
def _table(name: str) -> pd.DataFrame:
    return datasets.load(name)


def table(name: str) -> pd.DataFrame:
    """A data set that comes with the package; a copy."""
    return _table(name).copy()


class Driver:
    """Opens a builder, clicks in it, and looks at what the browser would show."""

    def __init__(self, data: Any, formula: str | None = None, **options: Any) -> None:
        self.replies: list[dict[str, Any]] = []
        self.builder = ModelBuilder(table(data) if isinstance(data, str) else data, formula, **options)
        self.builder.send = self._hear
        self._number = 0

    def _hear(self, content: dict[str, Any], buffers: Any = None) -> None:
        json.dumps(content, allow_nan=False).encode()
        self.replies.append(content)

    def message(self, content: Any) -> list[dict[str, Any]]:
        """Send anything; the replies to it."""
        before = len(self.replies)
        self.builder._on_message(self.builder, content, [])
        return self.replies[before:]

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Do an action; the reply."""
        self._number += 1
        (reply,) = self.message({"kind": "action", "id": self._number, "action": {"type": kind, **fields}})
        assert (reply["kind"], reply["id"]) == ("reply", self._number)
        return reply

    def do(self, kind: str, **fields: Any) -> None:
        """Do an action that must succeed."""
        reply = self.ask(kind, **fields)
        assert reply["ok"], reply["error"]

    def refused(self, kind: str, **fields: Any) -> str:
        """Do an action that must be refused and must change nothing; the message."""
        before = (self.builder.spec, self.builder.formula, self.setup, self.fit)
        reply = self.ask(kind, **fields)
        assert not reply["ok"]
        assert (self.builder.spec, self.builder.formula, self.setup, self.fit) == before
        return str(reply["error"]["message"])

    @property
    def formula(self) -> str:
        return str(self.builder.formula)

    @property
    def setup(self) -> dict[str, Any]:
        return dict(self.builder.setup)

    @property
    def fit(self) -> dict[str, Any]:
        return dict(self.builder.fit)

    def predictor(self, name: str) -> dict[str, Any]:
        return next(row for row in self.setup["predictors"] if row["id"] == name)

    def group(self, name: str) -> dict[str, Any]:
        return next(row for row in self.setup["groups"] if row["id"] == name)

    def cell(self, group: str, term: str) -> dict[str, Any]:
        return next(cell for cell in self.group(group)["cells"] if cell["term"] == term)

    def column(self, name: str) -> dict[str, Any]:
        return next(column for column in self.builder.data["columns"] if column["name"] == name)

    def choices(self) -> dict[str, str]:
        """Groupings that can be added, with their details."""
        return {choice["id"]: choice["detail"] for choice in self.setup["group_choices"]}
