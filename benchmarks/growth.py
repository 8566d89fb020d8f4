"""How time grows with rows, groups and columns: one evaluation of the criterion, and the whole fit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import threadpoolctl
import vl_convert

import mlm_widgets as mlm
from benchmarks.cases import random_slopes
from mlm_widgets.fitter.lmm import prepare

__all__ = ["GROWTH", "measure_growth"]

HERE = Path(__file__).parent
GROWTH = HERE / "growth.json"
N_GROUPS = 1_000


def measure_growth(*, quick: bool) -> None:
    """Measure, keep the figures in growth.json and draw growth.svg."""
    found = [_point("rows", n, n, n // N_GROUPS, 1) for n in _powers(10**4, 10**6 if quick else 10**7)]
    found += [_point("groups", J, 10**6, 10**6 // J, 1) for J in _powers(10**2, 10**5)]
    found += [_point("columns", p, 10**5, 100, p) for p in (1, 2, 4, 8, 16, 32)]
    GROWTH.write_text(json.dumps(found, indent=1) + "\n")
    _draw(pd.DataFrame(found))


def _powers(first: int, last: int) -> list[int]:
    """1, 3, 10, ... steps from first to last."""
    found = [first * 10**k for k in range(20) if first * 10**k <= last]
    return sorted({*found, *(3 * each for each in found if 3 * each <= last)})


def _point(panel: str, size: int, n: int, group_size: int, columns: int) -> dict[str, Any]:
    frame = random_slopes(n, shuffled=False, columns=columns, group_size=group_size)
    names = [name for name in frame.columns if name.startswith("x")]
    formula = f"y ~ {' + '.join(names)} + ({names[0]} | g)"
    m = mlm.fit(formula, frame)
    prepared = prepare(m.fit_result.design)
    theta = np.array([1.0, 0.1, 0.5])

    def evaluated() -> None:
        point = prepared.at(theta)
        assert point.gradient is not None
        assert point.hessian is not None

    with threadpoolctl.threadpool_limits(1, user_api="blas"):  # as inside a fit
        evaluation_ms = 1000 * _least(evaluated)
    found = {
        "panel": panel,
        "size": size,
        "evaluation_ms": evaluation_ms,
        "total_ms": 1000 * _least(lambda: mlm.fit(formula, frame).df),
        "n_evaluations": m.trace.n_evaluations,
    }
    print(f"growth {panel} {size:,}: {found['evaluation_ms']:.2f} ms, {found['total_ms']:.1f} ms", flush=True)
    return found


def _least(action: Callable[[], object]) -> float:
    """The least seconds of several repetitions: what else the machine does only adds."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < 50):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def _draw(table: pd.DataFrame) -> None:
    long = table.melt(["panel", "size"], ["evaluation_ms", "total_ms"], var_name="what", value_name="ms")
    long["what"] = long["what"].map({"evaluation_ms": "one evaluation", "total_ms": "whole fit"})
    titles = {
        "rows": f"rows ({N_GROUPS:,} groups)",
        "groups": "groups (1e6 rows)",
        "columns": "predictors (1e5 rows, 1,000 groups)",
    }
    panels = []
    for panel, title in titles.items():
        base = alt.Chart(long[long["panel"] == panel]).encode(
            x=alt.X("size:Q", title=title).scale(type="log").axis(format="~s", tickCount=5, grid=False),
            y=alt.Y("ms:Q", title="milliseconds").scale(type="log", domain=[0.1, 3000]).axis(format="~g", tickCount=5),
            color=alt.Color("what:N", title=None).scale(range=["#b5582a", "#2a5b8c"]),
        )
        panels.append((base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=40)).properties(width=220))
    chart = alt.hconcat(*panels).configure_view(stroke=None).configure_legend(orient="top")
    (HERE / "growth.svg").write_text(vl_convert.vegalite_to_svg(chart.to_json()))
