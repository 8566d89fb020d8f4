"""Data frames of any library, read as typed columns; what each column can be used for."""

from mlm_widgets.frames.read import Column, Frame, Kind, read_frame, unknown_column

__all__ = ["Column", "Frame", "Kind", "read_frame", "unknown_column"]
