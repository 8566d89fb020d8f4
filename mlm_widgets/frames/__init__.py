"""Data frames of any library, read as typed columns; what each column can be used for."""

from mlm_widgets.frames.levels import IntegerLevels, Levels
from mlm_widgets.frames.nesting import is_constant_within, longest_chain
from mlm_widgets.frames.profile import ColumnProfile, profile
from mlm_widgets.frames.read import Column, Frame, Kind, all_finite, read_frame, unknown_column

__all__ = [
    "Column",
    "ColumnProfile",
    "Frame",
    "IntegerLevels",
    "Kind",
    "Levels",
    "all_finite",
    "is_constant_within",
    "longest_chain",
    "profile",
    "read_frame",
    "unknown_column",
]
