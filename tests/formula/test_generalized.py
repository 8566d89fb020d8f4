"""Generalized models: cbind(), offset(), family, link and success in text, documents and code."""

from __future__ import annotations

import ast
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlm_widgets import FormulaError, OptionError
from mlm_widgets.families import FAMILIES
from mlm_widgets.formula import (
    ModelSpec,
    RandomTerm,
    canonical_factor,
    canonical_offset,
    check_columns,
    from_json,
    parse_factor,
    parse_formula,
    parse_offset,
    quote_name,
    to_formula,
    to_json,
    to_python,
    to_r,
    to_text,
)
from tests.formula.test_round_trip import EXAMPLES, columns, names, random_terms, sets_of_terms

G = (RandomTerm(("g",)),)
X = (("x",),)

# formula -> (its spec, how it is written)
SPECS = {
    "cbind(incidence, size - incidence) ~ period + (1 | herd)": (
        ModelSpec("cbind(incidence, size - incidence)", (("period",),), random=(RandomTerm(("herd",)),)),
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ),
    "cbind( a,b )~x+(1|g)": (ModelSpec("cbind(a, b)", X, random=G), "cbind(a, b) ~ x + (1 | g)"),
    "cbind(`a b`, 10-`a b`) ~ x + (1|g)": (
        ModelSpec("cbind(`a b`, 10 - `a b`)", X, random=G), "cbind(`a b`, 10 - `a b`) ~ x + (1 | g)"),
    "cbind(I(a*2), abs(b)) ~ x + (1 | g)": (
        ModelSpec("cbind(I(a * 2), abs(b))", X, random=G), "cbind(I(a * 2), abs(b)) ~ x + (1 | g)"),
    "cbind((n*p), n*(1-p)) ~ x + (1|g)": (
        ModelSpec("cbind(n * p, n * (1 - p))", X, random=G), "cbind(n * p, n * (1 - p)) ~ x + (1 | g)"),
    "y ~ x + offset(z) + (1|g)": (ModelSpec("y", X, random=G, offset="z"), "y ~ x + offset(z) + (1 | g)"),
    "y ~ offset(log(z)) + x + (1|g)": (
        ModelSpec("y", X, random=G, offset="log(z)"), "y ~ x + offset(log(z)) + (1 | g)"),
    "y ~ (1|g) + offset(a-b) + x": (ModelSpec("y", X, random=G, offset="a - b"), "y ~ x + offset(a - b) + (1 | g)"),
    "y ~ offset(`a b`^2) + (1|g)": (
        ModelSpec("y", random=G, offset="`a b`**2"), "y ~ 1 + offset(`a b`**2) + (1 | g)"),
    "y ~ 0 + offset(z) + (1|g)": (
        ModelSpec("y", intercept=False, random=G, offset="z"), "y ~ 0 + offset(z) + (1 | g)"),
    "y ~ (x + offset(I(z))) + (1|g)": (ModelSpec("y", X, random=G, offset="I(z)"), "y ~ x + offset(I(z)) + (1 | g)"),
    "y ~ offset + (offset | g)": (
        ModelSpec("y", (("offset",),), random=(RandomTerm(("g",), (("offset",),)),)), "y ~ offset + (offset | g)"),
    "cbind ~ x + (1 | g)": (ModelSpec("cbind", X, random=G), "cbind ~ x + (1 | g)"),
    "y ~ cbind + (1 | g)": (ModelSpec("y", (("cbind",),), random=G), "y ~ cbind + (1 | g)"),
    "cbind(a, b) ~ offset(log(a + b)) + (1 | g)": (
        ModelSpec("cbind(a, b)", random=G, offset="log(a + b)"), "cbind(a, b) ~ 1 + offset(log(a + b)) + (1 | g)"),
}  # fmt: skip


@pytest.mark.parametrize("formula", SPECS)
def test_formulas_and_their_specs(formula: str) -> None:
    spec, written = SPECS[formula]
    assert parse_formula(formula).spec == spec
    assert to_formula(spec) == written
    assert parse_formula(written).spec == spec
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


# formula -> (the part that the error points at, a word of the message, a word of the hint)
REFUSED = {
    "cbind(a) ~ x": ("cbind(a)", "wrong arguments", "cbind(successes, failures)"),
    "cbind() ~ x": ("cbind()", "wrong arguments", "cbind(successes, failures)"),
    "cbind(a, b, c) ~ x": ("cbind(a, b, c)", "wrong arguments", "cbind(successes, failures)"),
    "cbind(a, b ~ x": ("~", "between the arguments of cbind()", ""),
    "cbind(a, n = b) ~ x": ("n", "no argument “n”", "cbind(successes, failures)"),
    "cbind(1, 2) ~ x": ("cbind", "names no column", "cbind(successes, failures)"),
    "cbind(poly(a, 2), b) ~ x": ("cbind", "cannot hold poly", "cbind(successes, failures)"),
    "cbind(a, scale(b)) ~ x": ("cbind", "cannot hold scale", ""),
    "cbind(a, log(center(b))) ~ x": ("cbind", "cannot hold center", ""),
    "cbind(cbind(a, b), c) ~ x": ("cbind", "only be the whole outcome", "joined by +"),
    "log(cbind(a, b)) ~ x": ("cbind", "only be the whole outcome", ""),
    "cbind(a, b) + c ~ x": ("+", "after the outcome", ""),
    "cbind(a, 'b') ~ x": ("'b'", "Expected a column", ""),
    "`cbind`(a, b) ~ x": ("(", "after the outcome", ""),
    "y ~ cbind(a, b)": ("cbind", "only be the whole outcome", "joined by +"),
    "y ~ x + x:cbind(a, b)": ("cbind", "only be the whole outcome", ""),
    "y ~ log(cbind(a, b))": ("cbind", "only be the whole outcome", ""),
    "y ~ (cbind(a, b) | g)": ("cbind", "only be the whole outcome", ""),
    "y ~ offset(a) + offset(log(b))": ("offset", "one offset() at most", "offset(a + log(b))"),
    "y ~ offset(a) + (x + offset(b))": ("(", "one offset() at most", "offset(a + b)"),
    "y ~ x - offset(a)": ("offset", "cannot be taken away", "Leave it out"),
    "y ~ x * offset(a)": ("*", "only be added", ""),
    "y ~ offset(a):x": (":", "only be added", ""),
    "y ~ offset(a) / x": ("/", "only be added", ""),
    "y ~ offset(a) %in% x": ("%in%", "only be added", ""),
    "y ~ offset(a)^2": ("^", "only be added", ""),
    "y ~ (x + offset(a) | g)": ("(x + offset(a) |", "random term", "fixed part"),
    "y ~ (1 | offset(a))": ("offset", "grouping column", ""),
    "y ~ log(offset(a))": ("offset", "only be a term", "offset(log(exposure))"),
    "offset(a) ~ x": ("offset", "only be a term", ""),
    "y ~ offset()": ("offset()", "wrong arguments", "offset(log(exposure))"),
    "y ~ offset(a, b)": ("offset(a, b)", "wrong arguments", "offset(log(exposure))"),
    "y ~ offset(1)": ("offset", "names no column", "columns of numbers"),
    "y ~ offset(poly(a, 2))": ("offset", "cannot hold poly", "Allowed: columns of numbers"),
    "y ~ offset(within(a, g))": ("offset", "cannot hold within", ""),
    "y ~ offset(C(a))": ("offset", "cannot hold C", ""),
    "y ~ offset(a | g)": ("|", "between the arguments", ""),
    "y ~ offset(a": ("(", "not closed", ""),
    "y ~ offset(x ~ z)": ("~", "between the arguments", ""),
}


@pytest.mark.parametrize("formula", REFUSED)
def test_errors_of_the_new_words(formula: str) -> None:
    part, word, hint = REFUSED[formula]
    with pytest.raises(FormulaError) as caught:
        parse_formula(formula)
    error = caught.value
    assert word in error.message
    assert hint in (error.hint or "")
    assert formula[error.start : error.end] == part


ATTACKS = [
    "cbind(__import__('os'), 1) ~ x",
    "cbind(a, __import__('os').system('true')) ~ x",
    "cbind(open('f', 'w'), b) ~ x",
    "cbind(a, (lambda: 1)()) ~ x",
    "cbind(a, b)(c) ~ x",
    "cbind(*a, b) ~ x",
    "cbind(a.__class__(), b) ~ x",
    "cbind(a, b[0]) ~ x",
    "cbind(a, b) ~ x; import os",
    "cbind(" + "(" * 3000 + "a" + ")" * 3000 + ", b) ~ x",
    "cbind(a" + "+a" * 6000 + ", b) ~ x",
    "cbind(a, " + "-" * 9000 + "b) ~ x",
    "cbind(" * 3000 + "a ~ x",
    "y ~ offset(__import__('os').system('true'))",
    "y ~ offset(open('f', 'w'))",
    "y ~ offset(eval('1'))",
    "y ~ offset(x.__class__())",
    "y ~ offset(x[0])",
    "y ~ offset(x := 1)",
    "y ~ offset([x for x in y])",
    "y ~ offset(lambda: 1)",
    "y ~ offset(" + "(" * 3000 + "a" + ")" * 3000 + ")",
    "y ~ offset(a" + "+a" * 6000 + ")",
    "y ~ " + "offset(" * 3000 + "a",
    "y ~ `offset`(a)",
    "y ~ offset(a)(b)",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=[f"{i}: {text[:30]}" for i, text in enumerate(ATTACKS)])
def test_formulas_that_try_to_run_code_are_refused(attack: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(attack)


@pytest.mark.parametrize("text", ["cbind(a, b)", "cbind(a, n - a)", "cbind(`a b`, log(c))"])
def test_an_outcome_is_a_factor_to_read_and_none_to_predict_with(text: str) -> None:
    assert to_text(parse_factor(text)) == text
    with pytest.raises(FormulaError, match="only be the whole outcome"):
        canonical_factor(text)


OFFSETS = {"z": "z", " log( z ) ": "log(z)", "a-b": "a - b", "a b": "`a b`", "1": "`1`", "poly(x, 2)": "`poly(x, 2)`"}


@pytest.mark.parametrize("text", OFFSETS)
def test_offsets_have_one_writing(text: str) -> None:
    """What is no expression is a column's name."""
    assert canonical_offset(text) == OFFSETS[text]
    assert canonical_offset(OFFSETS[text]) == OFFSETS[text]
    assert to_text(parse_offset(OFFSETS[text])) == OFFSETS[text]


def test_columns_of_the_new_words_are_checked() -> None:
    known = ["incidence", "size", "herd", "exposure"]
    text = "cbind(incidence, sise - incidence) ~ offset(log(exposur)) + (1 | herd)"
    with pytest.raises(FormulaError) as caught:
        check_columns(parse_formula(text), known)
    assert caught.value.replacement == "size"
    with pytest.raises(FormulaError) as caught:
        check_columns(parse_formula(text.replace("sise", "size")), known)
    assert caught.value.replacement == "exposure"


# -- any spec ---------------------------------------------------------------------------------------------------------


@st.composite
def arithmetic(draw: st.DrawFn) -> str:
    a, b = draw(columns), draw(columns)
    return draw(st.sampled_from([a, f"log({a})", f"{a} - {b}", f"I({a} / 2)", f"-{a}", f"{a}**2", f"({a} + 1) * {b}",
                                 f"log({a} + {b})"]))  # fmt: skip


@st.composite
def outcomes(draw: st.DrawFn) -> str:
    is_pair: bool = draw(st.booleans())
    return f"cbind({draw(arithmetic())}, {draw(arithmetic())})" if is_pair else draw(columns)


specs = st.builds(
    lambda family, **fields: ModelSpec(family=family[0], link=family[1], **fields),
    family=st.sampled_from([(name, link) for name, family in FAMILIES.items() for link in family.links]),
    outcome=outcomes(),
    terms=sets_of_terms(3),
    intercept=st.booleans(),
    random=random_terms(),
    reml=st.booleans(),
    offset=st.none() | arithmetic(),
    weights=st.none() | names,
    success=st.none() | names,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(specs)
def test_any_spec_and_its_formula_document_and_code(spec: ModelSpec) -> None:
    again = parse_formula(to_formula(spec)).spec
    own = {"reml": spec.reml, "family": spec.family, "link": spec.link, "weights": spec.weights}
    assert again.with_(**own, success=spec.success) == spec
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec
    body = ast.parse(to_python(spec)).body
    assert [type(node).__name__ for node in body] == ["Import", "Assign", "Expr"]
    call = body[1].value  # type: ignore[attr-defined]
    given = {keyword.arg: keyword.value.value for keyword in call.keywords}
    assert call.args[0].value == to_formula(spec)
    assert (given.get("success"), given.get("weights")) == (spec.success, spec.weights)
    family = given.get("family", "gaussian")
    assert (family, given.get("link", FAMILIES[family].link.name)) == (spec.family, spec.link)
    assert given.get("reml", True) == (spec.reml or not spec.is_linear)
    assert "REML" not in to_r(spec.with_(family="poisson", weights=None))


words = st.lists(
    st.sampled_from(["y", "x", "(", ")", "|", "1", "+", "-", "*", ":", "/", "^", "2", "log(", "g", ",", "cbind(",
                     "offset(", "offset", "~", "cbind(a, b)", "offset(z)", "(1 | g)"]),
    max_size=12,
)  # fmt: skip


@given(st.sampled_from(["y ~ ", "cbind(a, b) ~ ", "cbind(", ""]), words)
@settings(max_examples=4 * EXAMPLES, deadline=None)
def test_words_in_any_order(start: str, words: list[str]) -> None:
    text = start + " ".join(words)
    try:
        spec = parse_formula(text).spec
    except FormulaError as error:
        assert 0 <= error.start <= error.end <= max(len(text), 1)  # noqa: PT017
        return
    assert parse_formula(to_formula(spec)).spec == spec


# -- documents --------------------------------------------------------------------------------------------------------

GOOD = to_json(parse_formula("y ~ x + (x | g)").spec)


def test_documents_hold_what_there_is() -> None:
    assert not {"success", "offset", "weights"} & set(GOOD)
    document = {
        **GOOD,
        "family": "binomial",
        "link": "probit",
        "success": "Y",
        "offset": "the offset",
        "weights": "a w",
    }
    spec = from_json(document)
    expected = ("binomial", "probit", "Y", "`the offset`", "a w")
    assert (spec.family, spec.link, spec.success, spec.offset, spec.weights) == expected
    assert from_json(to_json(spec)) == spec
    assert from_json({**GOOD, "family": "nbinom2", "link": "log"}).family == "negative_binomial"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({**GOOD, "sucess": "Y"}, "key “sucess”"),
    "a success of another kind": ({**GOOD, "success": 1}, "text was expected"),
    "an offset of another kind": ({**GOOD, "offset": 1}, "text was expected"),
    "an unknown family": ({**GOOD, "family": "poison"}, "`family` must be one of"),
    "a link of another family": ({**GOOD, "family": "binomial"}, "must be one of 'logit'"),
}


@pytest.mark.parametrize("name", BAD)
def test_documents_that_are_refused(name: str) -> None:
    document, message = BAD[name]
    with pytest.raises(OptionError) as caught:
        from_json(document)
    assert message in str(caught.value)


@pytest.mark.parametrize("terms", [[["cbind(a, b)"]], [["offset(z)"]]])
def test_documents_with_the_new_words_among_the_terms(terms: list[list[str]]) -> None:
    with pytest.raises(FormulaError):
        from_json({**GOOD, "terms": terms})


def test_a_family_brings_its_link() -> None:
    spec = ModelSpec("y")
    assert spec.is_linear
    assert {name: spec.with_(family=name).link for name in FAMILIES} == {
        name: family.links[0] for name, family in FAMILIES.items()
    }
    assert spec.with_(family="binomial", link="cloglog").link == "cloglog"
    assert not spec.with_(family="gaussian", link="log").is_linear
    with pytest.raises(OptionError):
        spec.with_(family="poison")


# -- code -------------------------------------------------------------------------------------------------------------

# family, link -> the call's family in R, and what makes the model
IN_R = {
    ("binomial", "logit"): ("lme4", 'glmer(y ~ x + (1 | g), data = data, family = binomial(link = "logit"))'),
    ("binomial", "cauchit"): ("lme4", 'glmer(y ~ x + (1 | g), data = data, family = binomial(link = "cauchit"))'),
    ("poisson", "log"): ("lme4", 'glmer(y ~ x + (1 | g), data = data, family = poisson(link = "log"))'),
    ("poisson", "sqrt"): ("glmmTMB", 'family = poisson(link = "sqrt")'),
    ("binomial", "probit"): ("glmmTMB", 'family = binomial(link = "probit")'),
    ("inverse_gaussian", "1/mu^2"): ("lme4", 'family = inverse.gaussian(link = "1/mu^2")'),
    ("gamma", "log"): ("glmmTMB", 'glmmTMB(y ~ x + (1 | g), data = data, family = Gamma(link = "log"))'),
    ("gaussian", "log"): ("glmmTMB", 'family = gaussian(link = "log")'),
    ("negative_binomial", "log"): ("glmmTMB", 'family = nbinom2(link = "log")'),
    ("beta", "probit"): ("glmmTMB", 'family = beta_family(link = "probit")'),
}


@pytest.mark.parametrize(("family", "link"), IN_R)
def test_code_of_families(family: str, link: str) -> None:
    package, call = IN_R[family, link]
    spec = ModelSpec("y", X, random=G, reml=False, family=family, link=link)
    code = to_r(spec)
    assert code.startswith(f"library({package})  # ")
    assert call in code.replace("\n)", ")").replace("(\n  ", "(").replace(",\n  ", ", ")
    assert "REML" not in code
    assert "lmerTest" not in code
    assert "reml" not in to_python(spec)


@pytest.mark.parametrize(
    ("family", "link", "remark"),
    [("inverse_gaussian", "log", "glmer's dispersion"), ("binomial", "cauchit", "expected for observed information"),
     ("gaussian", "log", "above 0")],
)  # fmt: skip
def test_code_says_where_r_differs(family: str, link: str, remark: str) -> None:
    spec = ModelSpec("y", X, random=G, family=family, link=link)
    assert remark in to_r(spec).splitlines()[0]
    assert remark not in to_r(spec.with_(family="poisson"))


def test_every_family_and_link_has_code() -> None:
    pairs = [(name, link) for name, family in FAMILIES.items() for link in family.links]
    found = {to_r(ModelSpec("y", X, random=G, family=name, link=link)) for name, link in pairs}
    assert len(found) == len(pairs)


def test_code_of_linear_models_is_as_it_was() -> None:
    spec = ModelSpec("y", X, random=G, reml=False)
    assert 'mlm.fit("y ~ x + (1 | g)", data, reml=False)' in to_python(spec)
    assert "lmer(y ~ x + (1 | g), data = data, REML = FALSE)" in to_r(spec)


def test_code_of_families_in_python() -> None:
    spec = parse_formula("y ~ x + offset(log(z)) + (1 | g)").spec.with_(family="poisson", weights="w")
    assert 'fit("y ~ x + offset(log(z)) + (1 | g)", data, family="poisson", weights="w")' in to_python(spec)
    assert 'family="poisson",\n    link="sqrt"' in to_python(spec.with_(link="sqrt"))
    assert 'success="a \\"b\\""' in to_python(spec.with_(family="binomial", success='a "b"'))


@pytest.mark.parametrize("arrays", [[], ["weights"], ["offset"], ["weights", "offset"]])
def test_code_of_weights_and_offsets(arrays: list[str]) -> None:
    """Arrays stand beside the data, columns and expressions are named; never both."""
    spec = parse_formula("y ~ x + (1 | g)").spec
    named = spec.with_(weights="a w", offset="`a b` / 2")
    for own, python, r in (
        (spec, {f"{what}={what}" for what in arrays}, {f"{what} = {what}" for what in arrays}),
        (named, {'weights="a w"'}, {"weights = `a w`"}),
    ):
        settings = [
            line.strip() for line in to_python(own, arrays=arrays).replace(", ", ",\n").replace(")", ",").split(",")
        ]
        assert {line for line in settings if line.startswith(("weights", "offset="))} == python
        code = to_r(own, arrays=arrays).replace("\n)", "").replace(")\nsummary", "\nsummary").replace(", ", ",\n")
        found = {line.strip().rstrip(",") for line in code.splitlines()}
        assert {line for line in found if line.startswith(("weights", "offset ="))} == r
    assert "y ~ x + offset(`a b` / 2) + (1 | g)" in to_r(named)


def test_code_of_cbind_and_success_in_r() -> None:
    spec = parse_formula("cbind(a, n - a) ~ x + offset(z^2 %% 3) + (1 | g)".replace("%%", "%")).spec
    assert "cbind(a, n - a) ~ x + offset((z ^ 2) %% 3) + (1 | g)" in to_r(spec.with_(family="binomial"))
    spec = parse_formula("`my use` ~ x + (1 | g)").spec.with_(family="binomial", success="Y")
    assert 'data[["my use"]] <- ifelse(data[["my use"]] == "Y", 1, 0)\n' in to_r(spec)
    read = to_r(spec.with_(success=None), outcome_levels=("N", "Y"))
    assert read == to_r(spec)
    assert "ifelse" not in to_r(spec.with_(success=None))
    truth = to_r(spec.with_(success="False"))
    assert 'ifelse(toupper(data[["my use"]]) == "FALSE", 1, 0)' in truth


def test_code_leaves_truth_values_to_r() -> None:
    """A factor with the levels "False" and "True" of R's own FALSE and TRUE would be missing everywhere."""
    spec = parse_formula("y ~ t + f + (1 | g)").spec
    code = to_r(spec, levels={"t": ["False", "True"], "f": ["b", "a"]})
    assert '[["t"]]' not in code
    assert 'data[["f"]] <- factor(data[["f"]], levels = c("b", "a"))' in code


def test_odd_names_stay_names_in_code() -> None:
    for name, other in itertools.product(['a"b', "a`b", "x) + (y"], repeat=2):
        a, b = quote_name(name), quote_name(other)
        spec = parse_formula(f"cbind({a}, {b}) ~ offset(log({a})) + (1 | g)").spec
        ast.parse(to_python(spec.with_(family="binomial", weights=name)))
        assert parse_formula(to_formula(spec)).spec == spec


def test_quadrature_in_code() -> None:
    spec = parse_formula("cbind(a, b) ~ x + (1 | g)").spec.with_(family="binomial")
    assert 'family="binomial", n_agq=9' in to_python(spec, n_agq=9)
    code = to_r(spec, n_agq=50)
    assert "glmer(" in code
    assert "nAGQ = 25" in code
    assert "nAGQ" not in to_r(spec)
    assert "no quadrature" in to_r(spec.with_(outcome="y", family="gamma"), n_agq=5)
