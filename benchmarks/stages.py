"""Where the time of a fit goes: the steps of `mlm.fit`, one by one."""

from __future__ import annotations

import time
from itertools import pairwise

import pandas as pd
import threadpoolctl

__all__ = ["STAGES", "stage_times"]

STAGES = {
    "frame": "columns found and typed, formula parsed",
    "design": "missing rows, levels and codes, X and Z",
    "sums": "centring, cross products, sums by level",
    "search": "start, criterion, gradient, Hessian",
    "result": "estimates, modes, information",
    "df": "table of fixed effects with Satterthwaite's degrees of freedom",
}
ENOUGH = 0.5  # seconds of repetitions


def stage_times(formula: str, data: pd.DataFrame) -> dict[str, float]:
    """The least seconds of each stage."""
    # imported here, so that workers of other tools do not carry the package in their memory
    from mlm_widgets.design import build_design
    from mlm_widgets.fitter import FitOptions
    from mlm_widgets.fitter.lmm import prepare
    from mlm_widgets.fitter.search import search_theta
    from mlm_widgets.formula import parse_formula
    from mlm_widgets.frames import read_frame
    from mlm_widgets.results import MixedModel

    found: dict[str, list[float]] = {stage: [] for stage in STAGES}
    begun = time.perf_counter()
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        while len(found["df"]) < 3 or time.perf_counter() - begun < ENOUGH:
            clock = [time.perf_counter()]
            frame, spec = read_frame(data), parse_formula(formula).spec
            clock.append(time.perf_counter())
            design = build_design(spec, frame)
            clock.append(time.perf_counter())
            prepared = prepare(design)
            clock.append(time.perf_counter())
            search_theta(prepared.problem, FitOptions())
            clock.append(time.perf_counter())
            fit = prepared.fit()
            clock.append(time.perf_counter())
            assert MixedModel(fit, frame).df is not None
            clock.append(time.perf_counter())
            for stage, (start, stop) in zip(STAGES, pairwise(clock), strict=True):
                found[stage].append(stop - start)
    times = {stage: min(each) for stage, each in found.items()}
    return times | {"result": max(0.0, times["result"] - times["search"])}  # the fit searches once more
