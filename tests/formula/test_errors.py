"""What is no formula is refused with the place, the rule and the next step; nothing typed is ever run."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlm_widgets import FormulaError, MlmError, fit
from mlm_widgets.formula import check_columns, parse_formula
from tests.fitter.dense import small_data

# formula -> (the part that the error points at, a word of the message)
PLACES = {
    "": ("", "empty"),
    "   ": (" ", "empty"),
    "y": ("y", "no “~”"),
    "~ x": ("~", "outcome is missing"),
    "y ~": ("~", "end of the formula"),
    "y ~ x +": ("+", "end of the formula"),
    "y ~ x + + z": ("+", "“+”"),
    "y ~ x z": ("z", "operator"),
    "y ~ x ~ z": ("~", "one “~”"),
    "y ~ (x": ("(", "not closed"),
    "y ~ x)": (")", "closes nothing"),
    "y ~ (1 | g": ("(", "not closed"),
    "y ~ 1 | g": ("|", "needs parentheses"),
    "y ~ (1 | )": (")", "grouping column"),
    "y ~ ( | g)": ("|", "Expected a column"),
    "y ~ (1 | g + h)": ("+", "grouping factor is a column"),
    "y ~ (1 | g * h)": ("*", "grouping factor is a column"),
    "y ~ (1 | g) * x": ("*", "only be added"),
    "y ~ x:(1 | g)": (":", "only be added"),
    "y ~ x - (1 | g)": ("(", "cannot be taken away"),
    "y ~ ((1 | g) | h)": ("((1 | g) |", "inside another"),
    "y ~ (0 | g)": ("(0 |", "nothing varies"),
    "y ~ 2": ("2", "only 0 and 1"),
    "y ~ x + 2.5": ("2.5", "only 0 and 1"),
    "y ~ 1:x": ("1", "intercept cannot"),
    "y ~ x^0": ("^0", "power"),
    "y ~ x^z": ("^z", "power"),
    "y ~ (x + z)^21": ("^21", "power"),
    "y ~ (x + z)^1.5": ("^1.5", "power"),
    "y ~ .": (".", "all columns"),
    "y = x": ("=", "joined by"),
    "y ~ a – b": ("–", "dash"),
    "lmer(y ~ x)": ("lmer", "not allowed"),
    "y ~ x$z": ("$", "no meaning"),
    "y ~ x; z": (";", "no meaning"),
    "y ~ 'x'": ("'x'", "Expected a column"),
    "y ~ `x": ("`x", "not closed"),
    'y ~ "x': ('"x', "not closed"),
    "y ~ foo(x)": ("foo", "not allowed"),
    "y ~ log(x, 2)": ("log(x, 2)", "wrong arguments"),
    "y ~ log()": ("log()", "wrong arguments"),
    "y ~ log(x": ("(", "not closed"),
    "y ~ poly(x, z)": ("poly(x, z)", "whole number"),
    "y ~ poly(x, 0)": ("poly(x, 0)", "whole number"),
    "y ~ poly(x, 2.5)": ("poly(x, 2.5)", "whole number"),
    "y ~ bs(x, foo=3)": ("foo", "no argument “foo”"),
    "y ~ within(x)": ("within(x)", "wrong arguments"),
    "y ~ within(log(x), g)": ("log", "Expected a column"),
    "y ~ C(x, foo)": ("C(x, foo)", "column and a contrast"),
    "y ~ C(f, contr.sum('a'))": ("contr.sum", "no reference level"),
    "poly(y, 2) ~ x": ("poly", "outcome cannot be"),
    "y + z ~ x": ("+", "after the outcome"),
    "1 ~ x": ("1", "Expected a column"),
}


@pytest.mark.parametrize("formula", PLACES)
def test_errors_point_at_what_is_wrong(formula: str) -> None:
    part, word = PLACES[formula]
    with pytest.raises(FormulaError) as caught:
        parse_formula(formula)
    error = caught.value
    assert word in error.message
    assert error.text == formula
    assert formula[error.start : error.end] == part
    assert error.argument == "formula"
    if formula.strip():
        assert str(error).splitlines()[2].strip() == "^" * max(1, error.end - error.start)


def test_a_formula_must_be_text() -> None:
    with pytest.raises(FormulaError, match="must be text, not int"):
        parse_formula(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "wrong", "offered"),
    [("y ~ sess + (1 | school)", "sess", "ses"), ("y ~ ses + (1 | Schol)", "Schol", "school"),
     ("y ~ log(sess)", "sess", "ses"), ("y ~ within(ses, skool)", "skool", "school"),
     ("y ~ `my colum`", "`my colum`", "`my column`"), ("Y ~ ses", "Y", "y")],
)  # fmt: skip
def test_unknown_columns_are_pointed_at_and_the_nearest_offered(formula: str, wrong: str, offered: str) -> None:
    with pytest.raises(FormulaError) as caught:
        check_columns(parse_formula(formula), ["y", "ses", "school", "my column"], "hsb")
    error = caught.value
    assert formula[error.start : error.end] == wrong
    assert error.replacement == offered
    mended = formula[: error.start] + offered + formula[error.end :]
    check_columns(parse_formula(mended), ["y", "ses", "school", "my column"])
    assert "in hsb" in error.message
    assert error.hint is not None
    assert "Closest" in error.hint


def test_without_a_near_name_the_columns_are_listed() -> None:
    with pytest.raises(FormulaError) as caught:
        check_columns(parse_formula("y ~ quite_different"), ["y", "ses"])
    assert caught.value.hint == "The columns are: y, ses."
    assert caught.value.replacement is None


# Formulas that try to run code, to reach objects, or to exhaust the machine. None may be accepted.
ATTACKS = [
    "y ~ __import__('os').system('touch {path}')",
    'y ~ eval(\'open("{path}", "w")\')',
    "y ~ exec('import os')",
    "y ~ open('{path}', 'w')",
    "y ~ I(open('{path}', 'w'))",
    "y ~ I(__import__('os').system('touch {path}'))",
    "y ~ log(__import__('os').system('touch {path}'))",
    "y ~ {{open('{path}', 'w')}}",
    "y ~ {{x + z}}",
    "y ~ I(x.__class__.__mro__[1].__subclasses__())",
    "y ~ x.__class__()",
    "y ~ I((lambda: open('{path}', 'w'))())",
    "y ~ lambda x: x",
    "y ~ [x for x in (1).__class__.__base__.__subclasses__()]",
    "y ~ I([open('{path}', 'w') for x in [1]][0])",
    'y ~ f\'{{open("{path}", "w")}}\'',
    'y ~ I(f"{{x}}")',
    "y ~ @open",
    "y ~ I(x @ z)",
    "y ~ I(x if z else w)",
    "y ~ I(x and z)",
    "y ~ I(x := 3)",
    "y ~ I(x; z)",
    "y ~ I(x == z)",
    "y ~ x[0]",
    "y ~ I(x[0])",
    "y ~ getattr(x, 'values')",
    "y ~ np.log(x)",
    "y ~ pd.read_pickle('{path}')",
    "y ~ Q('x')",
    "y ~ hashed(x)",
    "y ~ C(f, contr.treatment(base=open('{path}', 'w')))",
    "y ~ C(f, contr.treatment(open('{path}', 'w')))",
    "y ~ C(f, contr.custom(x))",
    "y ~ C(f, {{'a': 1}})",
    "y ~ C(f, levels=['a'])",
    "y ~ C(open('{path}', 'w'))",
    "y ~ poly(x, open('{path}', 'w'))",
    "y ~ bs(x, df=__import__('os'))",
    "y ~ bs(x, knots=[open('{path}', 'w')])",
    "y ~ cr(x, df=(lambda: 3)())",
    "y ~ within(x, open('{path}', 'w'))",
    "y ~ x + (1 | open('{path}', 'w'))",
    "y ~ (I(__import__('os').system('touch {path}')) | g)",
    "open('{path}', 'w') ~ x",
    "cbind(__import__('os').system('touch {path}'), 1) ~ x",
    "cbind(x, open('{path}', 'w')) ~ x",
    "y ~ offset(__import__('os').system('touch {path}'))",
    "y ~ x + offset(log(open('{path}', 'w')))",
    "y ~ log(x)(z)",
    "y ~ I(log)(x)",
    "y ~ `I`(x)",
    "y ~ `open`('{path}', 'w')",
    "y ~ x + (1 | g) # comment",
    "y ~ x \\\n import os",
    "y ~ I(" + "(" * 3000 + "x" + ")" * 3000 + ")",
    "y ~ " + "(" * 9000 + "x" + ")" * 9000,
    "y ~ " + "log(" * 3000 + "x" + ")" * 3000,
    "y ~ I(" + "-" * 9000 + "x)",
    "y ~ I(x" + "**x" * 4000 + ")",
    "y ~ I(x" + "+x" * 9000 + ")",
    "y ~ within(x, g" + ":g" * 9000 + ")",
    "y ~ (" + "+".join(f"a{i}" for i in range(300)) + ")^20",
    "y ~ (" + "+".join(f"a{i}" for i in range(1300)) + ")*(" + "+".join(f"b{i}" for i in range(1300)) + ")",
    "y ~ " + "*".join(f"a{i}" for i in range(40)),
    "y ~ " + "x+" * 20000 + "x",
    "y ~ x^99999999999999999999",
    "y ~ poly(x, 99999999999999999999)",
    "y ~ poly(x, 999999999)",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=[f"{i}: {text[:40]}" for i, text in enumerate(ATTACKS)])
def test_formulas_that_try_to_run_code_are_refused(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "owned"
    text = attack.replace("{{", "{").replace("}}", "}").replace("{path}", str(path))

    def forbidden(*arguments: Any, **settings: Any) -> Any:
        raise AssertionError("the formula ran code")

    data = small_data()
    fit("y ~ C(f) + (1 | g)", data)  # so that what is imported on first use is there
    formula = text if "g)" in text else text + " + (1 | g)"
    with monkeypatch.context() as patched:
        for name in ("eval", "exec", "compile"):
            patched.setattr(builtins, name, forbidden)
        patched.setattr(subprocess, "Popen", forbidden)
        patched.setattr("os.system", forbidden)
        with pytest.raises(MlmError) as caught:
            fit(formula, data)
    assert isinstance(caught.value, FormulaError)
    assert caught.value.message
    assert not path.exists()


@pytest.mark.parametrize(
    "level",
    ["');open('{path}','w');('", "'+str(open('{path}','w'))+'", "\\", "'", '"', "`x`", "{x}", "a\nb", "a]", "\\'"],
)
def test_levels_named_as_a_reference_cannot_run_code(level: str, tmp_path: Path) -> None:
    """The reference's text reaches the contrast as a literal, whatever it is."""
    path = tmp_path / "owned"
    level = level.replace("{path}", str(path))
    data = small_data()
    data["f"] = data["f"].replace({"top": level})
    quoted = '"' + level.replace("\\", "\\\\").replace('"', '\\"') + '"'
    m = fit(f"y ~ C(f, contr.treatment({quoted})) + (1 | g)", data)
    assert [name.partition("[")[2] for name in m.params.index[1:]] == ["T.low]", "T.middle]"]
    with pytest.raises(MlmError, match="has no level") as caught:
        fit(f"y ~ C(f, contr.treatment({quoted})) + (1 | g)", small_data())
    assert level in str(caught.value)
    assert "mlm_" not in str(caught.value)
    assert not path.exists()


def test_import_of_the_package_reads_no_formula_code() -> None:
    """The formula's modules hold no eval, exec or compile."""
    folder = Path(sys.modules["mlm_widgets.formula"].__file__ or "").parent
    for path in folder.glob("*.py"):
        text = path.read_text()
        for word in ("eval(", "exec(", " compile(", "__import__"):
            assert word not in text.replace("re.compile(", "")


def test_frames_with_odd_columns_give_no_way_in() -> None:
    """A column called like an attack is a column."""
    data = small_data().rename(columns={"x": "__import__('os')", "g": "eval"})
    m = fit("y ~ `__import__('os')` + (1 | eval)", data)
    assert list(m.params.index) == ["Intercept", "__import__('os')"]
    assert isinstance(m.predict(pd.DataFrame(data.head(2))), pd.Series)
