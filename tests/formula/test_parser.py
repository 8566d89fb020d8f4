"""Formulas and what they mean: tables of text and terms."""

from __future__ import annotations

import pytest

from mlm_widgets.formula import ModelSpec, RandomTerm, parse_factor, parse_formula, to_formula, to_text

# formula -> (has an intercept, terms as `a:b`)
FIXED = {
    "y ~ 1": (True, []),
    "y ~ 0": (False, []),
    "y ~ -1": (False, []),
    "y ~ 0 + 1": (True, []),
    "y ~ x": (True, ["x"]),
    "y~x+z": (True, ["x", "z"]),
    "y ~ x + x": (True, ["x"]),
    "y ~ 0 + x": (False, ["x"]),
    "y ~ x - 1": (False, ["x"]),
    "y ~ x + 0": (False, ["x"]),
    "y ~ -1 + x": (False, ["x"]),
    "y ~ x:z": (True, ["x:z"]),
    "y ~ z:x + x:z": (True, ["z:x"]),
    "y ~ x:z + x + z": (True, ["x", "z", "x:z"]),
    "y ~ x * z": (True, ["x", "z", "x:z"]),
    "y ~ x * x": (True, ["x"]),
    "y ~ x * z * w": (True, ["x", "z", "w", "x:z", "x:w", "z:w", "x:z:w"]),
    "y ~ x * z - z": (True, ["x", "x:z"]),
    "y ~ x * z - x:z": (True, ["x", "z"]),
    "y ~ x * z - z:x": (True, ["x", "z"]),
    "y ~ x * (z + w)": (True, ["x", "z", "w", "x:z", "x:w"]),
    "y ~ (x + z):w": (True, ["x:w", "z:w"]),
    "y ~ (x + z + w)^2": (True, ["x", "z", "w", "x:z", "x:w", "z:w"]),
    "y ~ (x + z)**2": (True, ["x", "z", "x:z"]),
    "y ~ (x + z)^3": (True, ["x", "z", "x:z"]),
    "y ~ x / z": (True, ["x", "x:z"]),
    "y ~ x / (z + w)": (True, ["x", "x:z", "x:w"]),
    "y ~ (x + z) / w": (True, ["x", "z", "x:z:w"]),
    "y ~ z %in% x": (True, ["z:x"]),
    "y ~ x + (z + w)": (True, ["x", "z", "w"]),
    "y ~ ((x))": (True, ["x"]),
    "y ~ x + z - z": (True, ["x"]),
    "y ~ log(x) + I(x^2) + I(x**2)": (True, ["log(x)", "I(x**2)"]),
    "y ~ I( x*2+1 )": (True, ["I((x * 2) + 1)"]),
    "y ~ I(-x)": (True, ["I(-x)"]),
    "y ~ I(x - -1)": (True, ["I(x - (-1))"]),
    "y ~ poly(x,2)": (True, ["poly(x, 2)"]),
    "y ~ poly(x, degree = 2, raw=TRUE)": (True, ["poly(x, degree=2, raw=True)"]),
    "y ~ bs(x, df=5) + cr(z, knots=[1, -2.5])": (True, ["bs(x, df=5)", "cr(z, knots=[1, -2.5])"]),
    "y ~ center(x) + scale( z )": (True, ["center(x)", "scale(z)"]),
    "y ~ within(x,g) * between(x , g)": (True, ["within(x, g)", "between(x, g)", "within(x, g):between(x, g)"]),
    "y ~ within(x, a:b)": (True, ["within(x, a:b)"]),
    "y ~ C(f) + C(f, contr.sum)": (True, ["C(f)", "C(f, contr.sum)"]),
    "y ~ C(f, contr.treatment('a'))": (True, ['C(f, contr.treatment("a"))']),
    "y ~ `a b`": (True, ["`a b`"]),
    "y ~ `x`": (True, ["x"]),
    "y ~ a.b + é + 名前": (True, ["a.b", "é", "名前"]),
    "y ~ `log`": (True, ["log"]),
    "y ~ log": (True, ["log"]),
    "y ~ Intercept": (True, ["Intercept"]),
    "  y\n ~\tx  ": (True, ["x"]),
}

# bar terms -> [(group, has an intercept, slopes, correlated)]
RANDOM = {
    "(1 | g)": [("g", True, [], True)],
    "(x | g)": [("g", True, ["x"], True)],
    "(1 + x | g)": [("g", True, ["x"], True)],
    "(x + 1 | g)": [("g", True, ["x"], True)],
    "(0 + x | g)": [("g", False, ["x"], True)],
    "(x - 1 | g)": [("g", False, ["x"], True)],
    "(-1 + x | g)": [("g", False, ["x"], True)],
    "(x || g)": [("g", True, ["x"], False)],
    "(0 + x || g)": [("g", False, ["x"], False)],
    "(x * z | g)": [("g", True, ["x", "z", "x:z"], True)],
    "(x + z || g)": [("g", True, ["x", "z"], False)],
    "(1 | a:b)": [("a:b", True, [], True)],
    "(1 | a/b)": [("a", True, [], True), ("a:b", True, [], True)],
    "(x || a/b/c)": [("a", True, ["x"], False), ("a:b", True, ["x"], False), ("a:b:c", True, ["x"], False)],
    "(1 | a) + (1 | b)": [("a", True, [], True), ("b", True, [], True)],
    "(1 | g) + (0 + x | g)": [("g", True, [], True), ("g", False, ["x"], True)],
    "((1 | g))": [("g", True, [], True)],
    "((1 | a) + (1 | b))": [("a", True, [], True), ("b", True, [], True)],
    "(within(x, g) | g)": [("g", True, ["within(x, g)"], True)],
    "(1|`odd name`)": [("odd name", True, [], True)],
}


def colons(terms: tuple[tuple[str, ...], ...]) -> list[str]:
    return [":".join(term) for term in terms]


@pytest.mark.parametrize("formula", list(FIXED))
def test_fixed_part(formula: str) -> None:
    found = FIXED[formula]
    spec = parse_formula(formula + " + (1 | g)").spec
    assert (spec.outcome, spec.intercept, colons(spec.terms)) == ("y", *found)
    assert spec.random == (RandomTerm(("g",)),)


@pytest.mark.parametrize("bars", RANDOM)
def test_random_part(bars: str) -> None:
    spec = parse_formula(f"y ~ x + {bars}").spec
    found = [(t.group_name, t.intercept, colons(t.terms), t.correlated) for t in spec.random]
    assert found == RANDOM[bars]
    assert colons(spec.terms) == ["x"]


# what a formula is written as
WRITTEN = {
    "y~x+(1|g)": "y ~ x + (1 | g)",
    "y ~ 1 + (1 | g)": "y ~ 1 + (1 | g)",
    "y ~ 0 + (1 | g)": "y ~ 0 + (1 | g)",
    "y ~ x + z + x:z + (1 + x | g)": "y ~ x * z + (x | g)",
    "y ~ (x + z)^2 - x:z + (1|g)": "y ~ x + z + (1 | g)",
    "y ~ ses * meanses + ses * sector + (ses | school)": "y ~ ses * (meanses + sector) + (ses | school)",
    "y ~ x*z*w + (1|g)": "y ~ x * z * w + (1 | g)",
    "y ~ x + (1 | a) + (1 | a:b)": "y ~ x + (1 | a/b)",
    "y ~ x + (1 | a/b/c)": "y ~ x + (1 | a/b/c)",
    "y ~ x + (x || g)": "y ~ x + (x || g)",
    "y ~ x:z + (0 + x | g)": "y ~ x:z + (0 + x | g)",
    "log(y) ~ I(x^2) + (1 | g)": "log(y) ~ I(x**2) + (1 | g)",
    "y ~ `x` + `a b`*`c'd` + (1 | `e\"f`)": "y ~ x + `a b` * `c'd` + (1 | `e\"f`)",
}


@pytest.mark.parametrize("formula", WRITTEN)
def test_formulas_are_written_short(formula: str) -> None:
    spec = parse_formula(formula).spec
    assert to_formula(spec) == WRITTEN[formula]
    assert parse_formula(to_formula(spec)).spec == spec


@pytest.mark.parametrize("formula", [*WRITTEN, *(f"{f} + (1 | g)" for f in FIXED)])
def test_writing_and_reading_again_changes_nothing(formula: str) -> None:
    spec = parse_formula(formula).spec
    assert parse_formula(to_formula(spec)).spec == spec


def test_intercept_may_be_said_in_parentheses() -> None:
    assert parse_formula("y ~ (0 + x) + (1 | g)").spec.intercept is False
    assert parse_formula("y ~ x - (x) + (1 | g)").spec.terms == ()


def test_reml_is_carried() -> None:
    assert parse_formula("y ~ x", reml=False).spec == ModelSpec("y", (("x",),), reml=False)


def test_mentions_have_places() -> None:
    text = "y ~ `a b` + within(x, g) + (z | h/`k l`)"
    found = [(mention.name, text[mention.start : mention.end]) for mention in parse_formula(text).mentions]
    assert found == [("y", "y"), ("a b", "`a b`"), ("x", "x"), ("g", "g"), ("z", "z"), ("h", "h"), ("k l", "`k l`")]


@pytest.mark.parametrize(
    "text",
    ["x", "`a b`", "log(x)", "I(x**2)", "I(a + (b * c))", "poly(x, 2)", 'C(f, contr.treatment("it\\"s"))',
     "within(x, g)", "I(-(x**2))", "I((-x)**2)", "I(a / (b / c))", "I(x**(-1))", "log(x + 1)"],
)  # fmt: skip
def test_factors_have_one_writing(text: str) -> None:
    assert to_text(parse_factor(text)) == text


ARITHMETIC = {
    "a - b - c": "(a - b) - c",
    "a / b * c": "(a / b) * c",
    "a + b * c": "a + (b * c)",
    "-a**2": "-(a**2)",
    "a^b^c": "a**(b**c)",
    "a % b": "a % b",
    "2 * -a": "2 * (-a)",
}


@pytest.mark.parametrize("text", ARITHMETIC)
def test_arithmetic_binds_as_in_r(text: str) -> None:
    assert to_text(parse_factor(f"I({text})")) == f"I({ARITHMETIC[text]})"
