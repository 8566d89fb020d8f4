"""Widgets: traits and messages between the browser and the engine; no statistics of their own."""

from mlm_widgets.widgets.builder import ModelBuilder

__all__ = ["ModelBuilder"]
