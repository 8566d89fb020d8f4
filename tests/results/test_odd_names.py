"""Columns and levels may be called anything: names never change numbers, and come back as they were."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.formula import parse_formula, quote_name
from tests.fitter.dense import small_data

SAME = 1e-9  # relative: the same numbers in the same order

# fmt: off
NAMES = [
    "two words", 'with "quotes"', "it's", "back`tick", "<script>alert(1)</script>", "größe", "名前", "🙂", "a.b", "a:b",
    "x[1]", "x[T.b]", "mlm_0x", "mlm_1x", "log", "log(x)", "C", "C(f)", "within", "within(x, g)", "Intercept", "1", "",
    "(Intercept)", "0", "1x", "_x", "__class__", "if", "lambda", "True", "None", "NaN", "x + z", "x|g", "~", "\\",
    "term", "back\\slash", "tab\t", "line\nbreak", " x ", ".", "{x}", "{{x}}", "%s", "$x", "@x", "#x", "x,z", "x;z",
    "estimate", "std_error", "Residual", "mlm_0x[T.mlm_1x]", "]", "[", "x]:z[",
]
LEVELS = [
    ("a:b", "b:c", "c"), ("[a]", "a]", "[T.a]"), ("mlm_0x", "mlm_1x", "mlm_0x[T.a]"), ("]:x[T.b", "]", ":"),
    ("<b>", "&amp;", '"'), ("it's", "`a`", "\\"), ("1", "1.0", "01"), ("", " ", "  "), ("nan", "None", "NA"),
    ("x", "x:x", "f"), ("é", "e", "É"), ("a\nb", "a\tb", "a b"), ("True", "False", "true"), ("{x}", "%s", "C(f)"),
]
# fmt: on


def same_numbers(ours: MixedModel, other: MixedModel) -> None:
    assert ours.criterion == pytest.approx(other.criterion, rel=SAME)
    np.testing.assert_allclose(ours.params, other.params, rtol=1e-6)
    np.testing.assert_allclose(ours.df, other.df, rtol=1e-5)
    np.testing.assert_allclose(ours.fittedvalues, other.fittedvalues, rtol=1e-6)


def everything(m: MixedModel, data: pd.DataFrame) -> None:
    """Every table, text and prediction can be made."""
    m.tidy(), m.glance(), m.varcorr(), m.ranef(), m.term_info(), m.findings, m.data, m.to_r(), m.to_python()
    assert str(m.summary())
    assert "<script>" not in m._repr_html_()
    np.testing.assert_allclose(m.predict(data), m.fittedvalues, rtol=1e-9)
    for key in m.predictors:
        assert len(m.predictions([key])) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_of_predictors_outcomes_and_groups(name: str) -> None:
    data = small_data()
    q = quote_name(name)
    predictor = fit(f"y ~ {q} * f + ({q} | g)", data.rename(columns={"x": name}))
    same_numbers(predictor, fit("y ~ x * f + (x | g)", data))
    shown = "`Intercept`" if name == "Intercept" else name  # not to be taken for the intercept
    assert list(predictor.params.index) == [
        "Intercept",
        shown,
        "f[T.middle]",
        "f[T.top]",
        f"{shown}:f[T.middle]",
        f"{shown}:f[T.top]",
    ]
    everything(predictor, data.rename(columns={"x": name}))
    factor = fit(f"y ~ x * {q} + (1 | g)", data.rename(columns={"f": name}))
    same_numbers(factor, fit("y ~ x * f + (1 | g)", data))
    assert list(factor.params.index)[2:4] == [f"{shown}[T.middle]", f"{shown}[T.top]"]
    everything(factor, data.rename(columns={"f": name}))
    group = fit(
        f"{quote_name('y' + name)} ~ within(x, {q}) + (1 | {q}/h)", data.rename(columns={"g": name, "y": "y" + name})
    )
    same_numbers(group, fit("y ~ within(x, g) + (1 | g/h)", data))
    assert list(group.n_groups) == [f"{name}:h", name]
    everything(group, data.rename(columns={"g": name, "y": "y" + name}))


@pytest.mark.parametrize("name", NAMES)
def test_labels_show_the_name_as_it_is(name: str) -> None:
    data = small_data().rename(columns={"f": name})
    m = fit(f"y ~ x * {quote_name(name)} + (1 | g)", data)
    shown = "`Intercept`" if name == "Intercept" else name
    labels = m.term_info().set_index("term")["label"]
    assert labels[f"{shown}[T.top]"] == f"{name} [top]"
    assert labels[f"x:{shown}[T.top]"] == f"x × {name} [top]"


def test_names_that_end_like_others() -> None:
    data = small_data().rename(columns={"f": "kind"}).assign(unkind=lambda d: d["b"])
    m = fit("y ~ unkind * kind + (1 | g)", data)
    labels = m.term_info().set_index("term")["label"]
    assert labels["unkind[T.b1]:kind[T.top]"] == "unkind [b1] × kind [top]"
    m = fit("y ~ kind * unkind + (1 | g)", data)
    labels = m.term_info().set_index("term")["label"]
    assert labels["kind[T.top]:unkind[T.b1]"] == "kind [top] × unkind [b1]"


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_odd_levels(levels: tuple[str, str, str]) -> None:
    data = small_data()
    ordered = pd.Categorical(data["f"], categories=["low", "middle", "top"])
    plain = data.assign(f=ordered)
    odd = data.assign(f=pd.Categorical.from_codes(ordered.codes, categories=pd.Index(levels)))
    for formula in ("y ~ x * f + (f | g)", "y ~ f:x + (0 + f | g)", "y ~ C(f, contr.sum) * x + (1 | g)"):
        ours = fit(formula, odd)
        same_numbers(ours, fit(formula, plain))
        everything(ours, odd)
    ours = fit("y ~ x * f + (1 | g)", odd)
    assert list(ours.params.index) == ["Intercept", "x", *(f"f[T.{level}]" for level in levels[1:]),
                                       *(f"x:f[T.{level}]" for level in levels[1:])]  # fmt: skip
    labels = ours.term_info().set_index("term")["label"]
    assert [labels[f"f[T.{level}]"] for level in levels[1:]] == [f"f [{level}]" for level in levels[1:]]
    assert ours.column_levels("f") == list(levels)
    for level in levels:
        held = ours.predictions({"x": [0.0], "f": [level]})
        assert list(held["f"]) == [level]


def test_level_pairs_whose_joined_texts_are_the_same() -> None:
    """("p:q", "r") and ("p", "q:r") are two groups, though both are p:q:r."""
    data = small_data()
    a = data["a"].map({"a0": "p:q", "a1": "p", "a2": "p\\", "a3": "p\\:q", "a4": ":"})
    b = data["b"].map({"b0": "r", "b1": "q:r", "b2": ":r"})
    odd = data.assign(a=a, b=b)
    for formula in ("y ~ x + (x | a/b)", "y ~ within(x, a:b) + between(x, a:b) + (1 | a:b)"):
        ours, other = fit(formula, odd), fit(formula, data)
        assert ours.n_groups == other.n_groups
        assert ours.criterion == pytest.approx(other.criterion, rel=1e-9)
        np.testing.assert_allclose(ours.predict(odd), ours.fittedvalues, rtol=0, atol=1e-9)
        levels = ours.ranef().query("group == 'a:b' and term == 'Intercept'")["level"]
        assert levels.is_unique


def test_numbers_as_column_names() -> None:
    data = small_data().rename(columns={"x": 3, "g": 7})
    m = fit("y ~ `3` + (1 | `7`)", data)
    assert list(m.params.index) == ["Intercept", "3"]
    assert m.n_groups == {"7": 9}


def test_html_is_escaped() -> None:
    name, level = "<script>alert('x')</script>", "<img src=x onerror=alert(1)>"
    data = small_data().rename(columns={"f": name, "g": level})
    data[name] = data[name].replace({"top": level})
    html = fit(f"y ~ {quote_name(name)} + (1 | {quote_name(level)})", data)._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert escape(level) in html


def test_code_quotes_names() -> None:
    name: Any = "a\"b'c`d\\e\nf"
    data = small_data().rename(columns={"x": name})
    m = fit(f"y ~ {quote_name(name)} + (1 | g)", data)
    space: dict[str, Any] = {}
    text = m.to_python("frame").split("mlm.fit(")[1].rpartition(", frame)")[0]
    import ast

    assert parse_formula(ast.literal_eval(text)).spec == m.spec
    assert '"b' in m.to_r()
    assert space == {}
