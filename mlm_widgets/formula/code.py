"""The code, in Python and in R, that fits a spec. Names and levels are quoted, so data cannot become code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from mlm_widgets.families import family_of
from mlm_widgets.formula.expressions import Call, Expression, Listed, Name, Number, Operation, Text, columns_of
from mlm_widgets.formula.parser import parse_factor
from mlm_widgets.formula.render import to_formula, write_formula
from mlm_widgets.formula.spec import ModelSpec

__all__ = ["to_python", "to_r"]

SHORT = 88
TRUTH = ("True", "False")  # R's own are TRUE and FALSE
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
LME4 = {("binomial", "logit"): "binomial", ("binomial", "cauchit"): "binomial", ("poisson", "log"): "poisson"}
"""Families and links that lme4 fits: its Laplace approximation takes expected for observed information, which is the
same for these, but for cauchit. glmmTMB, which has the others, has neither that link nor the inverse Gaussian."""
GLMMTMB = {
    "gaussian": "gaussian",
    "binomial": "binomial",
    "poisson": "poisson",
    "gamma": "Gamma",
    "negative_binomial": "nbinom2",
    "beta": "beta_family",
}
R_SETTINGS = {"include_intercept": "intercept", "True": "TRUE", "False": "FALSE"}


def to_python(
    spec: ModelSpec,
    data: str = "data",
    *,
    df_method: str = "satterthwaite",
    n_agq: int = 1,
    arrays: Sequence[str] = (),
) -> str:
    """Python code that fits `spec` to the frame called `data`, with `n_agq` nodes of quadrature.

    `arrays` may hold "weights" and "offset", which were arrays, and "family", where it was the user's own: variables
    of that name stand for them.
    """
    settings = [json.dumps(to_formula(spec), ensure_ascii=False), data]
    settings += ["family=family"] if "family" in arrays else _python_family(spec)
    if spec.is_linear and not spec.reml:
        settings.append("reml=False")
    for what, text in (("success", spec.success), ("weights", spec.weights)):
        if text is not None:
            settings.append(f"{what}={json.dumps(text, ensure_ascii=False)}")
    settings += [f"{what}={what}" for what in _beside(spec, arrays)]
    if n_agq != 1:
        settings.append(f"n_agq={n_agq}")
    if spec.is_linear and df_method != "satterthwaite":
        settings.append(f'df_method="{df_method}"')
    call = _call("model = mlm.fit", settings, indent="    ", closing=",\n)")
    return f"import mlm_widgets as mlm\n\n{call}\nmodel.summary()\n"


def to_r(
    spec: ModelSpec,
    data: str = "data",
    levels: Mapping[str, Sequence[str]] | None = None,
    *,
    arrays: Sequence[str] = (),
    outcome_levels: Sequence[str] = (),
    n_agq: int = 1,
    df_method: str = "satterthwaite",
) -> str:
    """R code that fits `spec` (lme4, with lmerTest for linear models, or glmmTMB), with `n_agq` nodes of quadrature.

    `levels` gives the order of the levels of factors, `outcome_levels` failure and success of an outcome of two levels.

    `arrays` may hold "weights" and "offset": those were arrays, and variables of that name stand for them.
    """
    package, function, settings = _r_quadrature(spec, n_agq) if n_agq > 1 else _r_model(spec)
    lines = [f"library({package}", ""]
    for column, order in (levels or {}).items():
        if set(order) <= set(TRUTH):
            continue  # R reads them as truth values, FALSE before TRUE, and would find none of these levels
        listed = ", ".join(_r_text(level) for level in order)
        place = f"{data}[[{_r_text(column)}]]"
        lines.append(f"{place} <- factor({place}, levels = c({listed}))")
    lines += _r_success(spec, data, outcome_levels)
    formula = write_formula(
        spec, factor=lambda text: _r_factor(parse_factor(text)), column=_r_name, arithmetic=_r_arithmetic
    )
    settings = [formula, f"data = {data}", *settings]
    if spec.weights is not None:
        settings.append(f"weights = {_r_name(spec.weights)}")
    settings += [f"{what} = {what}" for what in _beside(spec, arrays)]
    call = _call(f"model <- {function}", settings, indent="  ", closing="\n)")
    # lmerTest asks pbkrtest, which knows REML fits alone
    is_adjusted = spec.is_linear and spec.reml and df_method == "kenward-roger"
    tests = ', ddf = "Kenward-Roger"' if is_adjusted else ""
    return "\n".join([*lines, call, f"summary(model{tests})", ""])


def _beside(spec: ModelSpec, arrays: Sequence[str]) -> list[str]:
    """Which of weights and offset are arrays beside the data."""
    return [what for what in ("weights", "offset") if what in arrays and getattr(spec, what) is None]


def _python_family(spec: ModelSpec) -> list[str]:
    if spec.is_linear:
        return []
    is_default = spec.link == family_of(spec.family).link.name
    return [f'family="{spec.family}"', *([] if is_default else [f'link="{spec.link}"'])]


def _r_model(spec: ModelSpec) -> tuple[str, str, list[str]]:
    """The line that names the package, without its opening; the function; and its settings."""
    if spec.is_linear:
        return "lmerTest)  # lme4 with Satterthwaite tests", "lmer", [f"REML = {'TRUE' if spec.reml else 'FALSE'}"]
    remark = "maximum likelihood by Laplace's approximation"
    link = f'(link = "{spec.link}")'
    if spec.family != "inverse_gaussian" and (spec.family, spec.link) not in LME4:
        if spec.family == "gaussian":  # stats::gaussian()$initialize
            remark += "; R asks for an outcome above 0 here"
        return f"glmmTMB)  # {remark}", "glmmTMB", [f"family = {GLMMTMB[spec.family]}{link}"]
    if spec.family == "inverse_gaussian":
        remark += "; glmer's dispersion and log-likelihood are others, and its estimates differ a little"
    elif spec.link == "cauchit":
        remark += "; glmer takes expected for observed information, so its estimates differ a little"
    return f"lme4)  # {remark}", "glmer", [f"family = {LME4.get((spec.family, spec.link), 'inverse.gaussian')}{link}"]


def _r_quadrature(spec: ModelSpec, n_agq: int) -> tuple[str, str, list[str]]:
    """lme4's adaptive quadrature, which goes to 25 nodes; where it has not the family, Laplace's approximation."""
    if spec.family not in ("binomial", "poisson"):
        package, function, settings = _r_model(spec)
        return f"{package}; R has no quadrature for this family", function, settings
    family = f'family = {spec.family}(link = "{spec.link}")'
    remark = "adaptive quadrature; its log-likelihood leaves out a constant"
    return f"lme4)  # {remark}", "glmer", [family, f"nAGQ = {min(n_agq, 25)}"]


def _r_success(spec: ModelSpec, data: str, outcome_levels: Sequence[str]) -> list[str]:
    """A line that makes an outcome of two levels 1 where it is a success, else 0: lme4 takes neither text nor truth."""
    success = spec.success if spec.success is not None else next(iter(outcome_levels[-1:]), None)
    if success is None:
        return []
    place = f"{data}[[{_r_text(columns_of(parse_factor(spec.outcome))[0])}]]"
    values = place
    if success in TRUTH:
        values, success = f"toupper({place})", success.upper()
    return [f"{place} <- ifelse({values} == {_r_text(success)}, 1, 0)"]


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
        case Operation():
            return f"({_r_arithmetic(expression)})"
        case Call("cbind", arguments):
            return f"cbind({', '.join(_r_arithmetic(value) for _, value in arguments)})"
        case Call():
            return _r_call(expression)
    raise AssertionError(expression)


def _r_arithmetic(expression: Expression) -> str:
    """An expression as the only thing inside parentheses."""
    match expression:
        case Operation(operator, None, right):
            return f"{operator}{_r_factor(right)}"
        case Operation(operator, left, right) if left is not None and operator != ":":
            return f"{_r_factor(left)} {R_OPERATORS.get(operator, operator)} {_r_factor(right)}"
    return _r_factor(expression)


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
