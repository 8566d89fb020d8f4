"""Formula text <-> `ModelSpec` <-> JSON. Nothing here touches data, and nothing typed is ever run."""

from mlm_widgets.formula.code import to_python, to_r
from mlm_widgets.formula.document import from_json, to_json
from mlm_widgets.formula.expressions import Call, Expression, Name, columns_of, to_text
from mlm_widgets.formula.lexer import quote_name
from mlm_widgets.formula.parser import (
    Parsed,
    canonical_factor,
    canonical_offset,
    check_columns,
    parse_factor,
    parse_formula,
    parse_offset,
)
from mlm_widgets.formula.render import random_text, term_text, to_formula
from mlm_widgets.formula.spec import ModelSpec, RandomTerm, Term, ordered_terms

__all__ = [
    "Call",
    "Expression",
    "ModelSpec",
    "Name",
    "Parsed",
    "RandomTerm",
    "Term",
    "canonical_factor",
    "canonical_offset",
    "check_columns",
    "columns_of",
    "from_json",
    "ordered_terms",
    "parse_factor",
    "parse_formula",
    "parse_offset",
    "quote_name",
    "random_text",
    "term_text",
    "to_formula",
    "to_json",
    "to_python",
    "to_r",
    "to_text",
]
