"""One tool on one frame in a process of its own: fits on command, and says what it took.

`python -m benchmarks.worker TOOL FRAME CASE` answers each line on standard input by one JSON document a line: to "run"
`{seconds, parts}`, to "end" `{criterion, peak_mb, frame_mb, threads, ...}`.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import threadpoolctl

from benchmarks.cases import CASES, Case
from benchmarks.stages import stage_times

__all__ = ["TOOLS"]

Run = Callable[[], dict[str, float]]


class Tool:
    """A tool ready to fit one case: `run` fits once, `last` is its result."""

    package = ""

    def __init__(self, case: Case, frame: pd.DataFrame) -> None:
        self.case = case
        self.frame = frame
        self.last: Any = None

    def run(self) -> dict[str, float]:
        """Seconds of one fit, by part; "total" among them."""
        raise NotImplementedError

    def report(self) -> dict[str, Any]:
        """What the last fit found."""
        return {}


class Ours(Tool):
    """The package at hand: `fit`, and the degrees of freedom that belong to the answer."""

    package = "mlm_widgets"

    def __init__(self, case: Case, frame: pd.DataFrame) -> None:
        super().__init__(case, frame)
        self.fit = importlib.import_module("mlm_widgets").fit

    def run(self) -> dict[str, float]:
        started = time.perf_counter()
        m = self.fit(self.case.formula, self.frame, family=self.case.outcome_family, n_agq=self.case.n_agq)
        fitted = time.perf_counter()
        assert (m.df if self.case.is_linear else m.bse) is not None
        ended = time.perf_counter()
        self.last = m
        return {"total": ended - started, "fit": fitted - started, "search": m.trace.elapsed_ms / 1000}

    def report(self) -> dict[str, Any]:
        m = self.last
        found = {"criterion": m.criterion, "n_evaluations": m.trace.n_evaluations, "state": m.state}
        if not self.case.is_linear:
            return found
        df = [float(value) for value in m.df]
        return found | {"df": df, "stages": stage_times(self.case.formula, self.frame)}


class Glmm(Tool):
    """PyPI's glmm, Satterthwaite's degrees of freedom included (its default)."""

    package = "glmm"

    def __init__(self, case: Case, frame: pd.DataFrame) -> None:
        super().__init__(case, frame)
        self.fit = importlib.import_module("glmm").fit

    def run(self) -> dict[str, float]:
        started = time.perf_counter()
        case = self.case
        self.last = self.fit(self.frame, case.formula, family=case.outcome_family, nagq=case.n_agq)
        return {"total": time.perf_counter() - started}

    def report(self) -> dict[str, Any]:
        m = self.last
        found = {"criterion": -2.0 * m.loglik, "n_evaluations": m.n_eval, "state": str(m.converged)}
        return found | {"df": [float(value) for value in m.coef_df]} if self.case.is_linear else found


class Statsmodels(Tool):
    """statsmodels' MixedLM (it has no degrees of freedom), one grouping factor."""

    package = "statsmodels"

    def __init__(self, case: Case, frame: pd.DataFrame) -> None:
        super().__init__(case, frame)
        self.model = importlib.import_module("statsmodels.regression.mixed_linear_model").MixedLM
        fixed, bar = case.formula.split("+ (")
        slopes, group = bar.rstrip(")").split("|")
        self.fixed, self.slopes, self.group = fixed.strip(), slopes.strip(), group.strip()

    def run(self) -> dict[str, float]:
        started = time.perf_counter()
        model = self.model.from_formula(
            self.fixed, self.frame, groups=self.frame[self.group], re_formula=f"~{self.slopes}"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.last = model.fit(reml=True)
        return {"total": time.perf_counter() - started}

    def report(self) -> dict[str, Any]:
        return {"criterion": -2.0 * float(self.last.llf), "state": str(self.last.converged)}


class Floor(Tool):
    """Normal equations of ordinary least squares on the same columns: what no fit can do without."""

    package = "numpy"

    def run(self) -> dict[str, float]:
        started = time.perf_counter()
        frame = self.frame
        X = np.column_stack([np.ones(len(frame)), *self.case.predictors(frame)])
        y = frame[self.case.outcome].to_numpy(dtype=np.float64)
        self.last = np.linalg.solve(X.T @ X, X.T @ y)
        return {"total": time.perf_counter() - started}


TOOLS: dict[str, type[Tool]] = {"mlm_widgets": Ours, "glmm": Glmm, "statsmodels": Statsmodels, "ols": Floor}


def peak_mb() -> float:
    """Peak resident memory of this process.

    Linux's VmHWM counts from the process's own start; getrusage also counts what the process was before it was this
    program, which after a fork is the parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        if found:
            return int(found[0].split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _threads() -> list[str]:
    return [f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpoolctl.threadpool_info()]


def main(tool_name: str, frame_path: str, case_name: str) -> None:
    """Answer commands until "end"."""
    case = CASES[case_name]
    tool = TOOLS[tool_name](case, pd.read_pickle(frame_path))
    loaded = peak_mb()
    threads, peak = _threads(), 0.0
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        if line.strip() != "run":
            break
        before = resource.getrusage(resource.RUSAGE_SELF).ru_stime
        taken = tool.run()
        taken["system"] = resource.getrusage(resource.RUSAGE_SELF).ru_stime - before
        print(json.dumps(taken), flush=True)  # the former fit lives until it ends, as when a cell is run again
        peak = peak or peak_mb()  # of one fit
    answer = tool.report() | {"peak_mb": peak, "loaded_mb": loaded, "threads": threads}
    print(json.dumps(answer | {"version": version(tool.package)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
