"""The direct route for numbers and treatment contrasts gives the columns that formulaic gives, name by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets.design import basis
from mlm_widgets.design.variables import variables_of
from mlm_widgets.formula import parse_factor, parse_formula

RNG = np.random.default_rng(0)
N = 60
A = pd.Categorical(RNG.choice(list("pqr"), N))
VALUES = {
    "x": RNG.normal(size=N),
    "z": RNG.normal(size=N),
    "a": A,
    "b": pd.Categorical(RNG.choice(list("uvwt"), N)),
    "c": pd.Categorical(RNG.choice(["k", "l"], N)),
    "C(a)": A,
}
FORMULAS = [
    "y ~ a",
    "y ~ a * b",
    "y ~ x * a * b",
    "y ~ a:x + x + a + b:c + b + c",
    "y ~ 0 + x + x:a",
    "y ~ C(a, contr.treatment('q')) * x",
    "y ~ C(a) + x",
    "y ~ b * a * c",
    "y ~ a * x * c * z",
]


def _parts(formula: str) -> tuple[object, ...]:
    spec = parse_formula(formula).spec
    factors = {text: parse_factor(text) for term in spec.terms for text in term}
    variables = tuple(dict.fromkeys(key for factor in factors.values() for key in variables_of(factor)))
    return spec.terms, spec.intercept, factors, variables, VALUES, N


@pytest.mark.parametrize("formula", FORMULAS)
def test_direct_columns_are_those_of_formulaic(formula: str) -> None:
    direct, columns = basis._direct_basis(*_parts(formula))  # type: ignore[arg-type]
    coded, expected = basis._coded_basis(*_parts(formula))  # type: ignore[arg-type]
    assert direct.names == coded.names
    assert direct.assign == coded.assign
    np.testing.assert_allclose(columns, expected, rtol=1e-15)
    np.testing.assert_array_equal(direct.apply(VALUES, N), np.column_stack(columns))


@pytest.mark.parametrize("formula", ["y ~ 0 + a", "y ~ a:x", "y ~ x + a:b", "y ~ C(a, contr.sum)", "y ~ poly(x, 2)"])
def test_other_models_are_left_to_formulaic(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the direct route was taken")

    monkeypatch.setattr(basis, "_direct_basis", refuse)
    spec = parse_formula(formula).spec
    assert basis.learn_basis(spec.terms, spec.intercept, VALUES, N)[1][0].shape == (N,)
