"""Any spec -> formula -> the same spec; any spec -> JSON -> the same spec. Names are arbitrary text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlm_widgets import FormulaError, MlmError, OptionError
from mlm_widgets.formula import (
    ModelSpec,
    RandomTerm,
    from_json,
    ordered_terms,
    parse_factor,
    parse_formula,
    quote_name,
    to_formula,
    to_json,
    to_python,
    to_r,
)
from mlm_widgets.formula.lexer import quote_text

EXAMPLES = 150  # each draws a whole spec; more find nothing new, and the suite is to be quick

ODD = ["a b", "a`b", 'a"b', "a'b", "a\\b", "a\nb", "<script>", "é", "x.y", "x:y", "x[1]", "log", "C", "within", "\\",
       "Intercept", "1", "0", "1x", "a|b", "a||b", "~", "+", "(", ")", "TRUE", "True", ".", "..", "__class__", "``",
       "mlm_0x", "if", "{x}", "a/b", " ", "\t", "x ", "*", "\u2028", "\u00a0", "🙂"]  # fmt: skip

plain = st.sampled_from(["x", "z", "ses", "sector", "a", "b", "w"])
names = st.one_of(plain, plain, st.sampled_from(ODD), st.text(min_size=1, max_size=6))
columns = names.map(quote_name)


@st.composite
def factors(draw: st.DrawFn) -> str:
    x, g = draw(columns), draw(columns)
    kinds = [x, x, x, x, f"log({x})", f"I({x}**2)", f"poly({x}, 2)", f"bs({x}, df=4)", f"center({x})", f"scale({x})",
             f"within({x}, {g})", f"between({x}, {g}:{x})", f"C({x})", f"C({x}, contr.sum)", f"I({x} - ({g} / 2))",
             f"C({x}, contr.treatment({quote_text(draw(names))}))"]  # fmt: skip
    return draw(st.sampled_from(kinds))


terms = st.lists(factors(), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def sets_of_terms(draw: st.DrawFn, most: int = 5) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[str, ...]] = draw(st.lists(terms, max_size=most))
    is_full: bool = draw(st.booleans())
    if found and is_full:  # with all that is below the first, so that * can be written
        first = found[0]
        found = [(factor,) for factor in first] + [first] + found
    return ordered_terms(found)


@st.composite
def random_terms(draw: st.DrawFn) -> tuple[RandomTerm, ...]:
    found: list[RandomTerm] = []
    for _ in range(draw(st.integers(0, 3))):
        slopes = draw(sets_of_terms(2))
        intercept = draw(st.booleans()) or not slopes
        group = tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))
        correlated = draw(st.booleans())
        sizes = range(draw(st.integers(1, len(group))), len(group) + 1)
        found += [RandomTerm(group[:size], slopes, intercept, correlated) for size in sizes]
    return tuple(found)


specs = st.builds(
    ModelSpec,
    outcome=columns,
    terms=sets_of_terms(),
    intercept=st.booleans(),
    random=random_terms(),
    reml=st.booleans(),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(specs)
@example(ModelSpec("y", (("a",), ("b",), ("b", "a"))))
@example(ModelSpec("y", (("a",), ("b",), ("c",), ("c", "a"), ("b", "c"), ("a", "b", "c"))))
@example(ModelSpec("y", (), False, ()))
def test_spec_to_formula_and_back(spec: ModelSpec) -> None:
    again = parse_formula(to_formula(spec), reml=spec.reml).spec
    assert again == spec
    assert to_formula(again) == to_formula(spec)


@settings(max_examples=EXAMPLES, deadline=None)
@given(specs)
def test_spec_to_json_and_back(spec: ModelSpec) -> None:
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


@settings(max_examples=EXAMPLES, deadline=None)
@given(specs)
def test_code_for_python_is_one_call_with_literals(spec: ModelSpec) -> None:
    """Whatever the names are, the code is an import, a call of fit and a call of summary."""
    import ast

    body = ast.parse(to_python(spec)).body
    assert [type(node).__name__ for node in body] == ["Import", "Assign", "Expr"]
    call = body[1].value  # type: ignore[attr-defined]
    assert call.args[0].value == to_formula(spec)
    assert isinstance(to_r(spec), str)


@given(st.text(min_size=1))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_name_can_be_quoted(name: str) -> None:
    assert parse_formula(f"y ~ {quote_name(name)}").mentions[-1].name == name
    assert parse_factor(quote_name(name)) == parse_factor(quote_name(name))


@given(st.text(max_size=40))
@settings(max_examples=2 * EXAMPLES, deadline=None)
@example("y ~ " + "(" * 5000)
@example("y ~ " + "-" * 5000 + "x")
@example("y ~ I(" + "-" * 5000 + "x)")
def test_any_text_is_a_formula_or_a_formula_error(text: str) -> None:
    try:
        parse_formula(text)
    except FormulaError as error:
        assert error.message  # noqa: PT017
        assert 0 <= error.start <= error.end <= max(len(text), 1)  # noqa: PT017


grammar = st.lists(
    st.sampled_from(["y", "~", "x", "z", "(", ")", "|", "||", "1", "0", "+", "-", "*", ":", "/", "^", "2", "log(", "g",
                     "I(", ",", "C(", "within(", "%in%", "`a b`", "[", "]", "=", '"t"', "poly(", "degree"]),
    max_size=14,
)  # fmt: skip


@given(grammar)
@settings(max_examples=4 * EXAMPLES, deadline=None)
def test_words_of_formulas_in_any_order(words: list[str]) -> None:
    text = "y ~ " + " ".join(words)
    try:
        spec = parse_formula(text).spec
    except FormulaError as error:
        assert 0 <= error.start < error.end <= max(len(text), 1)  # noqa: PT017
        assert text[error.start : error.end]  # noqa: PT017
        return
    assert parse_formula(to_formula(spec)).spec == spec


GOOD = to_json(parse_formula("y ~ x + (x | g)").spec)
BAD: list[Any] = [
    None, "y ~ x", [], {}, {**GOOD, "version": 2}, {**GOOD, "terms": "x"}, {**GOOD, "terms": [["x"], "z"]},
    {**GOOD, "terms": [[3]]}, {**GOOD, "outcome": None}, {**GOOD, "reml": "yes"}, {**GOOD, "random": [{}]},
    {**GOOD, "random": [{**GOOD["random"][0], "group": "g"}]}, {**GOOD, "terms": [["__import__('os')"]]},
    {**GOOD, "terms": [["x + z"]]}, {**GOOD, "outcome": "y ~ x"}, {k: v for k, v in GOOD.items() if k != "terms"},
    {**GOOD, "terms": [[]]}, {**GOOD, "random": [{**GOOD["random"][0], "group": []}]},
    {**GOOD, "random": [{**GOOD["random"][0], "intercept": False, "terms": []}]}, {**GOOD, "outcome": "within(y, g)"},
]  # fmt: skip


@pytest.mark.parametrize("document", BAD)
def test_documents_that_are_no_spec(document: Any) -> None:
    with pytest.raises(MlmError) as caught:
        from_json(document)
    assert isinstance(caught.value, (OptionError, FormulaError))


def test_a_term_of_many_factors_is_written_at_once() -> None:
    """Looking for all subsets of thirty factors would take for ever."""
    term = tuple(f"x{k}" for k in range(30))
    spec = ModelSpec("y", (("x0",), term))
    assert parse_formula(to_formula(spec)).spec == spec
