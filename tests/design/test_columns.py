"""Formulas and the columns of X that they make: names by table, values by R's rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlm_widgets.design import Design, build_design
from mlm_widgets.errors import DesignError
from mlm_widgets.formula import parse_formula
from mlm_widgets.frames import read_frame

DATA = pd.DataFrame(
    {
        "y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0, 6.0, 9.0],
        "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "z": [2.0, 1.0, 0.0, 5.0, 3.0, 3.0, 1.0, 4.0],
        "f": pd.Categorical(["a", "b", "c", "a", "b", "c", "a", "b"], categories=["c", "a", "b"]),
        "k": ["u", "u", "v", "v", "v", "u", "u", "v"],
        "t": [True, False, True, True, False, False, True, False],
        "n": [1, 2, 3, 1, 2, 3, 1, 2],
        "g": ["p", "p", "q", "q", "r", "r", "s", "s"],
    }
)

# fixed part -> names of the columns (f has the reference c, k u, t False)
COLUMNS = {
    "1": ["Intercept"],
    "0 + x": ["x"],
    "x": ["Intercept", "x"],
    "x + z + x:z": ["Intercept", "x", "z", "x:z"],
    "f": ["Intercept", "f[T.a]", "f[T.b]"],
    "0 + f": ["f[c]", "f[a]", "f[b]"],
    "0 + f + k": ["f[c]", "f[a]", "f[b]", "k[T.v]"],
    "0 + x + f": ["x", "f[c]", "f[a]", "f[b]"],
    "t": ["Intercept", "t[T.True]"],
    "n": ["Intercept", "n"],
    "C(n)": ["Intercept", "C(n)[T.2]", "C(n)[T.3]"],
    "x * k": ["Intercept", "x", "k[T.v]", "x:k[T.v]"],
    "k * x": ["Intercept", "k[T.v]", "x", "k[T.v]:x"],
    "f * k": ["Intercept", "f[T.a]", "f[T.b]", "k[T.v]", "f[T.a]:k[T.v]", "f[T.b]:k[T.v]"],
    "x:k": ["Intercept", "x:k[u]", "x:k[v]"],
    "x + x:k": ["Intercept", "x", "x:k[T.v]"],
    "k + x:k": ["Intercept", "k[T.v]", "x:k[u]", "x:k[v]"],
    "f + f:k": ["Intercept", "f[T.a]", "f[T.b]", "f[c]:k[T.v]", "f[a]:k[T.v]", "f[b]:k[T.v]"],
    "poly(x, 2)": ["Intercept", "poly(x, 2)[1]", "poly(x, 2)[2]"],
    "C(f, contr.sum)": ["Intercept", "C(f, contr.sum)[S.c]", "C(f, contr.sum)[S.a]"],
    'C(f, contr.treatment("b"))': ["Intercept", 'C(f, contr.treatment("b"))[T.c]', 'C(f, contr.treatment("b"))[T.a]'],
    "scale(x) + center(z)": ["Intercept", "scale(x)", "center(z)"],
    "within(x, g) + between(x, g)": ["Intercept", "within(x, g)", "between(x, g)"],
    "I(x**2) + log(x)": ["Intercept", "I(x**2)", "log(x)"],
}


def design(fixed: str, bars: str = "(1 | g)", data: pd.DataFrame = DATA, outcome: str = "y") -> Design:
    return build_design(parse_formula(f"{outcome} ~ {fixed} + {bars}").spec, read_frame(data))


@pytest.mark.parametrize("fixed", COLUMNS)
def test_names_of_columns(fixed: str) -> None:
    made = design(fixed)
    assert list(made.spec.fixed.names) == COLUMNS[fixed]
    assert made.X.shape == (8, len(COLUMNS[fixed]))
    assert np.linalg.matrix_rank(made.X) == len(COLUMNS[fixed])
    assert len(made.spec.fixed.assign) == len(COLUMNS[fixed])


def test_values_of_columns() -> None:
    x, z = DATA["x"].to_numpy(), DATA["z"].to_numpy()
    a, b, v = DATA["f"].eq("a").to_numpy(), DATA["f"].eq("b").to_numpy(), DATA["k"].eq("v").to_numpy()
    np.testing.assert_array_equal(design("f * k").X, np.column_stack([np.ones(8), a, b, v, a & v, b & v]))
    np.testing.assert_array_equal(design("x:z + I(x - 1)").X, np.column_stack([np.ones(8), x - 1, x * z]))
    np.testing.assert_array_equal(design("x:k").X, np.column_stack([np.ones(8), x * ~v, x * v]))
    np.testing.assert_allclose(design("scale(x)").X[:, 1], (x - 4.5) / np.std(x, ddof=1))
    np.testing.assert_allclose(design("center(z)").X[:, 1], z - z.mean())
    functions = design("log(x) + sqrt(z) + exp(z) + abs(x) + log2(x) + log10(x) + log1p(z)").X[:, 1:]
    computed = [np.log(x), np.sqrt(z), np.exp(z), x, np.log2(x), np.log10(x), np.log1p(z)]
    np.testing.assert_allclose(functions, np.column_stack(computed))
    arithmetic = design("I(-x**2) + I(x % 3) + I(x / 2 - z * (x + 1))").X[:, 1:]
    np.testing.assert_allclose(arithmetic, np.column_stack([-(x**2), x % 3, x / 2 - z * (x + 1)]))


def test_centring_within_groups() -> None:
    means = np.repeat([1.5, 3.5, 5.5, 7.5], 2)
    made = design("within(x, g) + between(x, g)")
    np.testing.assert_allclose(made.X[:, 1:], np.column_stack([DATA["x"] - means, means]))
    pairs = DATA.groupby(["g", "k"])["x"].transform("mean")
    np.testing.assert_allclose(design("between(x, g:k)").X[:, 1], pairs)


def test_contrasts() -> None:
    order = DATA["f"].cat.codes.to_numpy()
    assert design("C(f, contr.sum)").X[:, 1:].tolist() == [[[1, 0], [0, 1], [-1, -1]][k] for k in order]
    helmert = design("C(f, contr.helmert)").X[:, 1:]
    assert helmert.tolist() == [[[-1, -1], [1, -1], [0, 2]][k] for k in order]
    poly = design("C(f, contr.poly)").X[:, 1:]
    np.testing.assert_allclose(poly[order == 0][0], [-np.sqrt(0.5), np.sqrt(1 / 6)])


def test_polynomials_are_orthogonal() -> None:
    X = design("poly(x, 3)").X
    np.testing.assert_allclose(X[:, 1:].T @ X[:, 1:], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(X[:, 1:].sum(axis=0), 0, atol=1e-12)
    raw = design("poly(x, 2, raw=TRUE)").X
    np.testing.assert_allclose(raw[:, 1:], np.column_stack([DATA["x"], DATA["x"] ** 2]))


# random part -> columns of Z, and the blocks of correlated ones
BASES = {
    "(1 | g)": (["Intercept"], [1]),
    "(x | g)": (["Intercept", "x"], [2]),
    "(0 + x | g)": (["x"], [1]),
    "(x || g)": (["Intercept", "x"], [1, 1]),
    "(x + z || g)": (["Intercept", "x", "z"], [1, 1, 1]),
    "(1 | g) + (0 + x + z | g)": (["Intercept", "x", "z"], [1, 2]),
    "(k | g)": (["Intercept", "k[T.v]"], [2]),
    "(0 + k | g)": (["k[u]", "k[v]"], [2]),
    "(x * k | g)": (["Intercept", "x", "k[T.v]", "x:k[T.v]"], [4]),
}


@pytest.mark.parametrize("bars", BASES)
def test_columns_that_vary_between_groups(bars: str) -> None:
    found = BASES[bars]
    (grouping,) = design("x", bars).spec.groupings
    assert list(grouping.names) == found[0]
    assert [len(block.columns) for block in grouping.blocks] == found[1]


def test_double_bar_gives_a_factor_a_block_of_all_its_levels() -> None:
    """As lme4: (k || g) is (1 | g) + (0 + k | g), and the levels of k are correlated with each other."""
    (grouping,) = design("x", "(k || g)").spec.groupings
    assert list(grouping.names) == ["Intercept", "k[u]", "k[v]"]
    assert [len(block.columns) for block in grouping.blocks] == [1, 2]


def test_levels_of_groupings() -> None:
    made = design("x", "(1 | g / k)")
    outer, inner = made.spec.groupings
    assert outer.levels == ("p", "q", "r", "s")
    assert inner.columns == ("g", "k")
    assert inner.levels == ("p:u", "q:v", "r:u", "r:v", "s:u", "s:v")
    assert [inner.levels[code] for code in made.codes[1]] == [
        f"{g}:{k}" for g, k in zip(DATA["g"], DATA["k"], strict=True)
    ]


def test_rows_that_miss_a_value() -> None:
    data = DATA.assign(x=DATA["x"].where(DATA.index != 2), k=DATA["k"].where(DATA.index != 5))
    made = design("x + k", data=data)
    assert made.rows.tolist() == [0, 1, 3, 4, 6, 7]
    assert made.n_rows == 8
    assert made.dropped == {"x": 1, "k": 1}
    assert design("z", data=data).n_obs == 8


def test_outcomes_are_computed() -> None:
    np.testing.assert_allclose(design("x", outcome="log(y)").y, np.log(DATA["y"]))
    np.testing.assert_allclose(design("x", outcome="I(y / x)").y, DATA["y"] / DATA["x"])


def test_a_spec_learned_once_is_applied_to_other_rows() -> None:
    """Levels, means and polynomials are those that were learned."""
    from mlm_widgets.design import Rows

    made = design("poly(x, 2) * f + scale(z) + within(x, g)")
    few = Rows(read_frame(DATA.iloc[[6, 1]]))
    np.testing.assert_allclose(made.spec.fixed_matrix(few), made.X[[6, 1]])
    new = Rows(read_frame(DATA.iloc[[6]].assign(f="d")))
    with pytest.raises(DesignError, match="“d”"):
        made.spec.fixed_matrix(new)
