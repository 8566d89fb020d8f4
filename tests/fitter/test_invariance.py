"""What must not matter: order of rows and levels, number of processors, unit and origin, type of the columns.

Results of two fits of the same model are compared relative to their size; the search ends at rounding level, so the
tolerance is that of the issue, with decades to spare for most.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import threadpoolctl

from mlm_widgets import MixedModel, fit
from mlm_widgets.linalg import columns

SAME = 1e-9  # relative
N, N_GROUPS = 6_000, 120

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "slopes": ("y ~ x + (x | g)", {}),
    "slopes, ML": ("y ~ x + (x | g)", {"reml": False}),
    "uncorrelated": ("y ~ x + z + (x || g)", {}),
    "nested": ("y ~ x + (1 | g / h)", {}),
    "nested slopes": ("y ~ x + (x | g) + (1 | g:h)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | c)", {}),
    "crossed slopes": ("y ~ x * f + (x | g) + (1 | c)", {}),
    "weights": ("y ~ x + f + (x | g)", {"weights": "w", "offset": "o"}),
    "crossed weights": ("y ~ x + (x | g) + (1 | c)", {"weights": "w"}),
    "missing": ("y_missing ~ x_missing + (x_missing | g)", {}),
}
every_model = pytest.mark.parametrize("name", MODELS)


@cache
def data() -> pd.DataFrame:
    """Groups of unequal sizes that lie together, subgroups in them, and levels crossed at random."""
    draw = np.random.default_rng(7)
    g = np.sort(draw.integers(N_GROUPS, size=N))
    h, c = draw.integers(4, size=N), draw.integers(15, size=N)
    x, z = draw.normal(3.0, 2.0, size=N), draw.normal(size=N)
    b = draw.normal(size=(N_GROUPS, 2)) @ np.array([[1.0, 0.3], [0.0, 0.5]])
    y = 1.0 + 0.5 * x + b[g, 0] + b[g, 1] * (x - 3.0) + 0.6 * draw.normal(size=(N_GROUPS, 4))[g, h]
    y += 0.7 * draw.normal(size=15)[c] + draw.normal(size=N)
    frame = pd.DataFrame({"y": y, "x": x, "z": z, "g": g, "h": h, "c": c})
    frame["f"] = pd.Categorical(np.array(["low", "mid", "top"])[draw.integers(3, size=N)])
    frame["w"], frame["o"] = draw.uniform(0.5, 2.0, size=N), draw.normal(size=N)
    frame["y_missing"] = np.where(draw.random(N) < 0.05, np.nan, y)
    frame["x_missing"] = np.where(draw.random(N) < 0.05, np.nan, x)
    return frame


@cache
def fitted(name: str) -> MixedModel:
    formula, options = MODELS[name]
    return fit(formula, data(), **options)


def assert_same(m: MixedModel, other: MixedModel, tolerance: float = SAME) -> None:
    assert other.converged
    assert m.criterion == pytest.approx(other.criterion, rel=tolerance)
    assert m.sigma == pytest.approx(other.sigma, rel=tolerance)
    for mine, its in [(m.theta, other.theta), (m.params, other.params), (m.bse, other.bse), (m.df, other.df)]:
        np.testing.assert_allclose(np.asarray(mine), np.asarray(its), rtol=tolerance, atol=tolerance)


@every_model
def test_order_of_the_rows(name: str) -> None:
    formula, options = MODELS[name]
    for order in (np.random.default_rng(1).permutation(N), np.arange(N)[::-1]):
        assert_same(fit(formula, data().iloc[order], **options), fitted(name))


@every_model
def test_order_and_names_of_the_levels(name: str) -> None:
    formula, options = MODELS[name]
    draw = np.random.default_rng(2)
    names = {group: draw.permutation(1_000)[: data()[group].max() + 1] for group in ("g", "h", "c")}
    far = data().assign(**{group: 7 * own[data()[group]] - 1_000 for group, own in names.items()})
    text = data().assign(**{group: [f"no. {k}" for k in own[data()[group]]] for group, own in names.items()})
    for frame in (far, text, text.iloc[draw.permutation(N)]):
        assert_same(fit(formula, frame, **options), fitted(name))


@every_model
@pytest.mark.parametrize("count", [1, 2])
def test_number_of_threads(name: str, count: int) -> None:
    formula, options = MODELS[name]
    with threadpoolctl.threadpool_limits(count):
        assert_same(fit(formula, data(), **options), fitted(name))


@every_model
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_rows_by_chunks(name: str, is_shuffled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    formula, options = MODELS[name]
    monkeypatch.setattr(columns, "MOST_CHUNK", 250)
    monkeypatch.setattr(columns, "LEAST_CHUNK", 250)
    frame = data().sample(frac=1.0, random_state=3) if is_shuffled else data()
    assert_same(fit(formula, frame, **options), fitted(name))


@pytest.mark.parametrize("name", ["slopes", "crossed slopes", "weights"])
def test_lanes_by_tiles(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    formula, options = MODELS[name]
    monkeypatch.setattr("mlm_widgets.fitter.problem.TILE", 1)
    monkeypatch.setattr("mlm_widgets.fitter.problem.LEAST_TILE", 7)
    m = fit(formula, data(), **options)
    assert_same(m, fitted(name))
    np.testing.assert_allclose(m.fittedvalues, fitted(name).fittedvalues, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("shift", "scale"), [(1e6, 1.0), (0.0, 1e-6), (-3e4, 1e3)])
@pytest.mark.parametrize("name", ["slopes", "nested slopes", "crossed slopes", "weights"])
def test_origin_and_unit_of_a_predictor(name: str, shift: float, scale: float) -> None:
    """The shifted column itself is rounded, to 1e-16 of the shift: that much less of it is there to agree on."""
    formula, options = MODELS[name]
    moved = fit(formula, data().assign(x=data()["x"] * scale + shift), **options)
    same = fit(formula, data().assign(x=((data()["x"] * scale + shift) - shift) / scale), **options)
    criterion = same.criterion + (2.0 * np.log(scale) * sum("x" in name for name in same.params.index))
    assert moved.criterion == pytest.approx(criterion, rel=SAME)
    assert moved.sigma == pytest.approx(same.sigma, rel=SAME)
    slopes = [term for term in same.params.index if "x" in term]
    np.testing.assert_allclose(moved.params[slopes] * scale, same.params[slopes], rtol=SAME, atol=SAME)
    np.testing.assert_allclose(moved.bse[slopes] * scale, same.bse[slopes], rtol=SAME)
    np.testing.assert_allclose(moved.df[slopes], same.df[slopes], rtol=1e-7)


CONVERSIONS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "int32": lambda frame: frame.astype({"g": "int32", "h": "int8", "c": "uint16"}),
    "nullable": lambda frame: frame.convert_dtypes(),
    "categories": lambda frame: frame.assign(**{k: pd.Categorical(frame[k]) for k in ("g", "h", "c")}),
    "text": lambda frame: frame.assign(**{k: frame[k].astype(str) for k in ("g", "h", "c")}),
    "objects": lambda frame: frame.astype({"x": object, "g": object}),
    "one block": lambda frame: pd.DataFrame(np.array(frame[list("yxz")]), columns=list("yxz")).join(
        frame.drop(columns=list("yxz"))
    ),
    "a gap in the levels": lambda frame: frame.assign(g=frame["g"] * 3 + 5),
    "far levels": lambda frame: frame.assign(g=frame["g"] * 10**12),
}


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("name", ["slopes", "nested", "crossed slopes", "weights", "missing"])
def test_type_of_the_columns(name: str, conversion: str) -> None:
    formula, options = MODELS[name]
    frame = CONVERSIONS[conversion](data())
    m = fit(formula, frame, **options)
    assert_same(m, fitted(name))
    assert m.nobs == fitted(name).nobs


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "boolean"])
def test_type_of_a_predictor(kind: str) -> None:
    x = data()["x"].round() if kind == "int64" else data()["x"] > 3.0 if "bool" in kind else data()["x"]
    values = pd.Series(x.array, dtype=kind)
    other = data().assign(x=pd.Series(values.array, dtype="float64"))
    m, same = fit("y ~ x + (x | g)", data().assign(x=values), reml=False), fit("y ~ x + (x | g)", other, reml=False)
    assert m.criterion == pytest.approx(same.criterion, rel=SAME)
    np.testing.assert_allclose(np.asarray(m.params), np.asarray(same.params), rtol=SAME)


def test_a_fit_remembers_the_data_as_they_were() -> None:
    """pandas copies on write: neither the frame nor the model sees what the other does."""
    frame = data().copy()
    m = fit("y ~ x + (x | g)", frame)
    frame.loc[:, "x"] = 0.0
    frame.loc[:, "g"] = 1
    np.testing.assert_allclose(m.fittedvalues, fitted("slopes").fittedvalues, rtol=1e-12)


def test_the_fit_makes_no_matrices() -> None:
    design = fit("y ~ x + (x | g)", data()).fit_result.design
    made: dict[str, npt.NDArray[np.float64]] = vars(design)
    assert not {"X", "Z", "rows"} & set(made)
    assert design.codes[0].base is not None or design.codes[0] is data()["g"].to_numpy()
    assert np.shares_memory(design.fixed[1], data()["x"].to_numpy())
    assert np.shares_memory(design.codes[0], data()["g"].to_numpy())
    np.testing.assert_array_equal(design.X[:, 0], 1.0)
    np.testing.assert_array_equal(design.Z[0][:, 1], data()["x"])
    np.testing.assert_array_equal(design.rows, np.arange(N))
