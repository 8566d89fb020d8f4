"""The code, in Python and in R, that fits a spec. Names and levels are quoted, so data cannot become code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from mlm_widgets.formula.expressions import Call, Expression, Listed, Name, Number, Operation, Text
from mlm_widgets.formula.parser import parse_factor
from mlm_widgets.formula.render import to_formula, write_formula
from mlm_widgets.formula.spec import ModelSpec

__all__ = ["to_python", "to_r"]

SHORT = 88
R_NAME = re.compile(r"(?:[A-Za-z]|\.(?![0-9]))[A-Za-z0-9._]*")
R_WORDS = frozenset(
    [
        "if",
        "else",
        "repeat",
        "while",
        "function",
        "for",
        "next",
        "break",
        "TRUE",
        "FALSE",
        "NULL",
        "Inf",
        "NaN",
        "NA",
        "in",
        "T",
        "F",
    ]
)
R_OPERATORS = {"**": "^", "%": "%%"}
R_FUNCTIONS = {"bs": "splines::bs", "cr": "splines::ns"}
R_SETTINGS = {"include_intercept": "intercept", "True": "TRUE", "False": "FALSE"}


def to_python(
    spec: ModelSpec, data: str = "data", *, df_method: str = "satterthwaite", arrays: Sequence[str] = ()
) -> str:
    """Python code that fits `spec` to the frame called `data`.

    `arrays` may hold "weights" and "offset": those were arrays, and variables of that name stand for them.
    """
    settings = [json.dumps(to_formula(spec), ensure_ascii=False), data]
    if not spec.reml:
        settings.append("reml=False")
    for what, name in (("weights", spec.weights), ("offset", spec.offset)):
        if name is not None:
            settings.append(f"{what}={json.dumps(name, ensure_ascii=False)}")
        elif what in arrays:
            settings.append(f"{what}={what}")
    if df_method != "satterthwaite":
        settings.append(f'df_method="{df_method}"')
    call = _call("model = mlm.fit", settings, indent="    ", closing=",\n)")
    return f"import mlm_widgets as mlm\n\n{call}\nmodel.summary()\n"


def to_r(
    spec: ModelSpec,
    data: str = "data",
    levels: Mapping[str, Sequence[str]] | None = None,
    *,
    arrays: Sequence[str] = (),
) -> str:
    """R code (lme4 with lmerTest) that fits `spec`; `levels` gives the order of the levels of factors.

    `arrays` may hold "weights" and "offset": those were arrays, and variables of that name stand for them.
    """
    lines = ["library(lmerTest)  # lme4 with Satterthwaite tests", ""]
    for column, order in (levels or {}).items():
        listed = ", ".join(_r_text(level) for level in order)
        place = f"{data}[[{_r_text(column)}]]"
        lines.append(f"{place} <- factor({place}, levels = c({listed}))")
    formula = write_formula(spec, factor=lambda text: _r_factor(parse_factor(text)), column=_r_name)
    reml = "TRUE" if spec.reml else "FALSE"
    settings = [formula, f"data = {data}", f"REML = {reml}"]
    for what, name in (("weights", spec.weights), ("offset", spec.offset)):
        if name is not None or what in arrays:
            settings.append(f"{what} = {what if name is None else _r_name(name)}")
    call = _call("model <- lmer", settings, indent="  ", closing="\n)")
    return "\n".join([*lines, call, "summary(model)", ""])


def _call(function: str, arguments: Sequence[str], *, indent: str, closing: str) -> str:
    """A call on one line where it is short, else with a line an argument."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= SHORT:
        return line
    return f"{function}(\n{indent}" + f",\n{indent}".join(arguments) + closing


def _r_name(name: str) -> str:
    if R_NAME.fullmatch(name) and name not in R_WORDS:
        return name
    return "`" + _escaped(name, "`") + "`"


def _r_text(text: str) -> str:
    return '"' + _escaped(text, '"') + '"'


def _escaped(text: str, quote: str) -> str:
    escapes = {"\\": "\\\\", quote: "\\" + quote, "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(escapes.get(char, char) for char in text)


def _r_factor(expression: Expression) -> str:
    match expression:
        case Name(name):
            return _r_name(name)
        case Number(text):
            return R_SETTINGS.get(text, text)
        case Text(text):
            return _r_text(text)
        case Listed(items):
            return f"c({', '.join(map(_r_factor, items))})"
        case Operation(":", left, right) if left is not None:
            return f"{_r_factor(left)}, {_r_factor(right)}"
        case Operation(operator, None, right):
            return f"({operator}{_r_factor(right)})"
        case Operation(operator, left, right) if left is not None:
            return f"({_r_factor(left)} {R_OPERATORS.get(operator, operator)} {_r_factor(right)})"
        case Call():
            return _r_call(expression)
    raise AssertionError(expression)


def _r_call(call: Call) -> str:
    values = [_r_factor(value) for _, value in call.arguments if not (isinstance(value, Call) and call.function == "C")]
    if call.function == "within":
        return f"I({values[0]} - ave({values[0]}, {values[1]}))"
    if call.function == "between":
        return f"ave({values[0]}, {values[1]})"
    if call.function == "center":
        return f"scale({values[0]}, scale = FALSE)"
    if call.function == "C":
        return _r_contrast(values[0], call)
    settings = [
        f"{R_SETTINGS.get(keyword, keyword)} = {value}" if keyword else value
        for (keyword, _), value in zip(call.arguments, values, strict=True)
    ]
    return f"{R_FUNCTIONS.get(call.function, call.function)}({', '.join(settings)})"


def _r_contrast(column: str, call: Call) -> str:
    contrasts = [value for _, value in call.arguments[1:] if isinstance(value, Call)]
    if not contrasts:
        return f"factor({column})"
    reference = [value.text for _, value in contrasts[0].arguments if isinstance(value, Text)]
    if reference:
        return f"relevel(factor({column}), ref = {_r_text(reference[0])})"
    return f"C(factor({column}), {contrasts[0].function})"
