"""The cases of the race: a frame, a formula, and the columns of X for the floor.

`python -m benchmarks.cases NAME FOLDER` writes a case's frame: `frame.pickle` for Python, and for R the same doubles
and integers as raw files, so that every tool sees the same bits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import mlm_widgets as mlm

__all__ = ["CASES", "Case", "write_frame"]

Floats = npt.NDArray[np.float64]
HERE = Path(__file__).parent


def _plain(_: pd.DataFrame) -> list[Floats]:
    return []


@dataclass(frozen=True, slots=True)
class Case:
    """One model on one table.

    `family` and `n_rows` say which cases are the same but for their size: a tool that was too slow at one size is not
    tried at the next. `predictors` gives the columns of X beside the intercept. `outcome_family` is the outcome's
    distribution, `peers` the tools that are tried beside this package where not all are.
    """

    name: str
    formula: str
    n_rows: int
    frame: Callable[[], pd.DataFrame]
    family: str = ""
    predictors: Callable[[pd.DataFrame], list[Floats]] = _plain
    is_quick: bool = True
    outcome_family: str = "gaussian"
    n_agq: int = 1
    peers: tuple[str, ...] | None = None

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear mixed model."""
        return self.outcome_family == "gaussian"

    @property
    def outcome(self) -> str:
        """The outcome's column."""
        return self.formula.split("~")[0].strip()

    @property
    def n_factors(self) -> int:
        """Number of grouping factors: a nested pair counts twice."""
        return self.formula.count("|") + self.formula.count("/")


def insteval() -> pd.DataFrame:
    """Evaluations of lectures at ETH Zurich (lme4's InstEval)."""
    factors = ("s", "d", "studage", "lectage", "service", "dept")
    return pd.read_csv(HERE / "data" / "insteval.csv.gz", dtype=dict.fromkeys(factors, "category"))


def hsb() -> pd.DataFrame:
    """High School and Beyond with the pupils' ses centred on their school's."""
    frame = mlm.datasets.load("hsb")
    frame["cses"] = frame["ses"] - frame.groupby("school", observed=True)["ses"].transform("mean")
    return frame


def random_slopes(n: int, *, shuffled: bool, columns: int = 1, group_size: int = 50) -> pd.DataFrame:
    """Groups with intercepts and slopes that vary together; `columns` predictors x1, x2, ... (x where there is one)."""
    draw = np.random.default_rng(n + columns)
    g = np.arange(n) // group_size
    b = draw.normal(size=(g[-1] + 1, 2)) @ np.array([[1.0, 0.3], [0.0, 0.5]])
    names = ["x"] if columns == 1 else [f"x{k}" for k in range(1, columns + 1)]
    data = {name: draw.normal(size=n) for name in names}
    first = data[names[0]]
    y = 1.0 + 0.5 * first + b[g, 0] + b[g, 1] * first + draw.normal(size=n)
    frame = pd.DataFrame({"y": y, **data, "g": g})
    return frame.iloc[draw.permutation(n)].reset_index(drop=True) if shuffled else frame


def binary_slopes(n: int, *, shuffled: bool) -> pd.DataFrame:
    """A binary outcome in groups of 50 with intercepts and slopes that vary together."""
    draw = np.random.default_rng(n)
    g = np.arange(n) // 50
    x, b = draw.normal(size=n), draw.normal(size=(g[-1] + 1, 2)) @ np.array([[0.8, 0.2], [0.0, 0.5]])
    eta = -0.5 + 0.7 * x + b[g, 0] + b[g, 1] * x
    frame = pd.DataFrame({"y": (draw.random(n) < 1 / (1 + np.exp(-eta))).astype(np.int64), "x": x, "g": g})
    return frame.iloc[draw.permutation(n)].reset_index(drop=True) if shuffled else frame


def with_numbers(name: str, **columns: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    """A table of the package with columns that every tool reads alike: not all have text outcomes or I()."""
    return mlm.datasets.load(name).assign(**columns)


def nested(n: int) -> pd.DataFrame:
    """Pupils in schools (20 a district, 50 pupils each) in districts."""
    draw = np.random.default_rng(n)
    school = np.arange(n) // 50
    district = school // 20
    x = draw.normal(size=n)
    y = 1.0 + 0.5 * x + 0.7 * draw.normal(size=district[-1] + 1)[district]
    y += draw.normal(size=school[-1] + 1)[school] + draw.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "district": district, "school": school % 20})


def crossed(n: int, n_first: int, n_second: int) -> pd.DataFrame:
    """Two factors met at random."""
    draw = np.random.default_rng(n)
    a, b = draw.integers(n_first, size=n), draw.integers(n_second, size=n)
    x = draw.normal(size=n)
    y = 1.0 + 0.5 * x + draw.normal(size=n_first)[a] + 0.5 * draw.normal(size=n_second)[b] + draw.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": b})


def _x(frame: pd.DataFrame) -> list[Floats]:
    return [frame["x"].to_numpy()]


def _is_last(column: pd.Series[Any]) -> Floats:
    return (column.cat.codes.to_numpy() == 1).astype(np.float64)


def _hsb_columns(frame: pd.DataFrame) -> list[Floats]:
    cses, meanses, sector = frame["cses"].to_numpy(), frame["meanses"].to_numpy(), _is_last(frame["sector"])
    return [cses, meanses, sector, cses * meanses, cses * sector]


def _slopes_case(n: int, label: str, *, shuffled: bool) -> Case:
    order = "shuffled" if shuffled else "sorted"
    return Case(
        name=f"slopes {label} {order}",
        formula="y ~ x + (x | g)",
        n_rows=n,
        frame=partial(random_slopes, n, shuffled=shuffled),
        family="slopes",
        predictors=_x,
        is_quick=n <= 100_000,
    )


_LISTED = [
    Case(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        180,
        partial(mlm.datasets.load, "sleepstudy"),
        predictors=lambda frame: [frame["Days"].to_numpy(dtype=np.float64)],
    ),
    Case("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", 144, partial(mlm.datasets.load, "penicillin")),
    Case("pastes", "strength ~ 1 + (1 | batch/cask)", 60, partial(mlm.datasets.load, "pastes")),
    Case(
        "hsb",
        "mathach ~ cses * (meanses + sector) + (cses | school)",
        7_185,
        hsb,
        predictors=_hsb_columns,
    ),
    Case(
        "insteval",
        "y ~ service + (1 | s) + (1 | d)",
        73_421,
        insteval,
        predictors=lambda frame: [_is_last(frame["service"])],
    ),
    Case(
        "insteval 3",
        "y ~ service + (1 | s) + (1 | d) + (1 | dept:service)",
        73_421,
        insteval,
        predictors=lambda frame: [_is_last(frame["service"])],
    ),
    *(
        _slopes_case(n, label, shuffled=shuffled)
        for n, label in ((10**5, "1e5"), (10**6, "1e6"), (10**7, "1e7"))
        for shuffled in (False, True)
    ),
    Case(
        "nested 1e6",
        "y ~ x + (1 | district/school)",
        10**6,
        partial(nested, 10**6),
        predictors=_x,
        is_quick=False,
    ),
    Case(
        "crossed 1e6",
        "y ~ x + (1 | a) + (1 | b)",
        10**6,
        partial(crossed, 10**6, 20_000, 1_000),
        predictors=_x,
        is_quick=False,
    ),
]

_GLMER = ("glmm", "glmer", "glmmTMB")
_GENERALIZED = [
    Case(
        "cbpp AGQ 25",
        "cbind(incidence, healthy) ~ period + (1 | herd)",
        56,
        partial(with_numbers, "cbpp", healthy=lambda frame: frame["size"] - frame["incidence"]),
        outcome_family="binomial",
        n_agq=25,
        peers=("glmm", "glmer"),
    ),
    Case(
        "grouseticks",
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        403,
        partial(mlm.datasets.load, "grouseticks"),
        outcome_family="poisson",
        peers=_GLMER,
    ),
    Case(
        "contraception",
        "use ~ age + age2 + urban + livch + (urban | district)",
        1_934,
        partial(
            with_numbers,
            "contraception",
            use=lambda frame: (frame["use"] == "Y").astype(np.int64),
            age2=lambda frame: frame["age"] ** 2,
        ),
        outcome_family="binomial",
        peers=_GLMER,
    ),
    Case(
        "verbagg",
        "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        7_584,
        partial(with_numbers, "verbagg", r2=lambda frame: (frame["r2"] == "Y").astype(np.int64)),
        outcome_family="binomial",
        peers=_GLMER,
    ),
    *(
        Case(
            f"logit {label} {'shuffled' if shuffled else 'sorted'}",
            "y ~ x + (x | g)",
            n,
            partial(binary_slopes, n, shuffled=shuffled),
            is_quick=False,
            outcome_family="binomial",
            peers=_GLMER if n == 10**5 else ("glmm",),
        )
        for n, label in ((10**5, "1e5"), (10**6, "1e6"))
        for shuffled in (False, True)
    ),
]
_LISTED += _GENERALIZED

CASES = {case.name: case for case in _LISTED}


def write_frame(case: Case, folder: Path) -> None:
    """The case's frame as `frame.pickle`, and as raw columns with `columns.json`."""
    frame = case.frame()
    assert len(frame) == case.n_rows
    frame.to_pickle(folder / "frame.pickle")
    columns = [_write_column(frame[name], name, folder / f"column{k}.raw") for k, name in enumerate(frame.columns)]
    document = {"n_rows": len(frame), "formula": case.formula, "columns": columns}
    document |= {"family": case.outcome_family, "n_agq": case.n_agq}
    (folder / "columns.json").write_text(json.dumps(document))


def _write_column(column: pd.Series[Any], name: str, path: Path) -> dict[str, Any]:
    levels: list[str] | None = None
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = [str(level) for level in column.cat.categories]
        values = (column.cat.codes + 1).to_numpy(dtype=np.int32)
    elif column.dtype.kind == "i":
        values = column.to_numpy(dtype=np.int32)
    else:
        values = column.to_numpy(dtype=np.float64)
    path.write_bytes(values.tobytes())
    return {"name": name, "file": path.name, "kind": values.dtype.kind, "levels": levels}


if __name__ == "__main__":
    write_frame(CASES[sys.argv[1]], Path(sys.argv[2]))
