"""`ModelSpec` + data -> model matrices, and the learned record that makes them for new data."""

from mlm_widgets.design.basis import Basis
from mlm_widgets.design.build import Block, Design, DesignSpec, Grouping, build_design, used_columns
from mlm_widgets.design.labels import TermLabel, coefficient_labels, factor_label, random_label, variable_levels
from mlm_widgets.design.overparametrised import overparametrised_columns, plain_factors
from mlm_widgets.design.rownumbers import row_numbers
from mlm_widgets.design.variables import Learned, Rows, Values, variables_of

__all__ = [
    "Basis",
    "Block",
    "Design",
    "DesignSpec",
    "Grouping",
    "Learned",
    "Rows",
    "TermLabel",
    "Values",
    "build_design",
    "coefficient_labels",
    "factor_label",
    "overparametrised_columns",
    "plain_factors",
    "random_label",
    "row_numbers",
    "used_columns",
    "variable_levels",
    "variables_of",
]
