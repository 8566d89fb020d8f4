"""`ModelSpec` + data -> model matrices, and the learned record that makes them for new data."""

from mlm_widgets.design.basis import Basis
from mlm_widgets.design.build import Block, Design, DesignSpec, Grouping, build_design
from mlm_widgets.design.variables import Learned, Rows, Values

__all__ = ["Basis", "Block", "Design", "DesignSpec", "Grouping", "Learned", "Rows", "Values", "build_design"]
