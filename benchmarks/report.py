"""Tables of what was measured, as benchmarks/README.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cases import CASES
from benchmarks.growth import GROWTH
from benchmarks.race import RESULTS
from benchmarks.stages import STAGES

__all__ = ["write_readme"]

Entry = dict[str, Any]
Entries = dict[str, dict[str, Entry]]

HERE = Path(__file__).parent

HEAD = """\
# Benchmarks

    make benchmark                       # or: python -m benchmarks (see --help: --quick, --case, --tool, --without)
    python -m benchmarks.accuracy        # ACCURACY.md: the criterion against lme4's, digits on NIST's problems
    python -m benchmarks.coverage        # COVERAGE.md: intervals of simulated generalized models

Every tool gets the same frame, in one run, in a process of its own; they take turns of a few fits in a row, the first
of which is not counted. The former result lives until the next is there, as when a cell is run again. Times run from
data frame and formula to fitted result with Satterthwaite's degrees of freedom (statsmodels has none); “its fit” is
without degrees of freedom. Cells give the median and, in brackets, the least of the repetitions: other work on the
machine only adds.

The floor is ordinary least squares by its normal equations on the same columns, in numpy: what no fit can do without.
Each tool uses as many threads as it does by default; this package keeps its linear algebra to one.
"""


@dataclass(frozen=True, slots=True)
class _Goal:
    """A ratio to reach: `at_most` of (this package / tool) on a case."""

    case: str
    tool: str
    part: str
    at_most: float
    words: str


def _goals() -> list[_Goal]:
    large = [case for case in CASES.values() if case.n_rows >= 20_000 and case.is_linear]
    goals = [_Goal(case.name, "glmm", "total", 1.0, "faster than glmm") for case in large]
    goals.append(_Goal("hsb", "glmm", "total", 2.0, "within twice of glmm"))
    factors = {"sleepstudy": 5, "hsb": 25, "insteval": 20, "slopes 1e6 sorted": 300, "slopes 1e6 shuffled": 300}
    for name, k in factors.items():
        goals.append(_Goal(name, "lmer", "total", 1 / k, f"{k} times faster than lmer with lmerTest"))
        goals.append(_Goal(name, "lmer", "fit", 1 / k, f"{k} times faster than lmer alone"))
    single = [case for case in CASES.values() if case.n_rows >= 7_000 and case.n_factors == 1 and case.is_linear]
    goals += [_Goal(case.name, "statsmodels", "total", 1 / 25, "25 times faster than statsmodels") for case in single]
    goals += [
        _Goal(f"slopes 1e7 {order}", "ols", "total", 4.0, "at most 4 times the floor")
        for order in ("sorted", "shuffled")
    ]
    binary = ["verbagg", *(f"logit {n} {order}" for n in ("1e5", "1e6") for order in ("sorted", "shuffled"))]
    goals += [_Goal(name, "glmm", "total", 1.0, "faster than glmm") for name in binary]
    goals += [
        _Goal(name, "glmer", "total", 1 / k, f"{k} times faster than glmer" if k > 1 else "faster than glmer")
        for name, k in {"verbagg": 50, "logit 1e5 sorted": 200, "logit 1e5 shuffled": 200, "cbpp AGQ 25": 1}.items()
    ]
    return goals


def write_readme() -> None:
    """Write README.md from results.json and growth.json."""
    kept = json.loads(RESULTS.read_text())
    measured: Entries = {name: kept["entries"][name] for name in CASES if name in kept["entries"]}
    entries = {name: found for name, found in measured.items() if CASES[name].is_linear}
    others = {name: found for name, found in measured.items() if not CASES[name].is_linear}
    parts = [HEAD, _times(entries), _ratios(entries), _goal_table(measured), _criteria(entries)]
    parts += [_generalized(others)] if others else []
    parts += [_memory(entries), _stages(entries)]
    if GROWTH.exists():
        parts.append(_growth(json.loads(GROWTH.read_text())))
    parts.append(_facts(kept["machine"], measured))
    (HERE / "README.md").write_text("\n".join(parts))


def _table(header: list[str], rows: list[list[str]]) -> str:
    ruler = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ruler, *rows]) + "\n"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{_short(1000 * seconds)} ms"
    return f"{_short(seconds)} s"


def _short(value: float) -> str:
    """Three digits, no exponents."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _time(entry: Entry | None, part: str = "total") -> str:
    if entry is None:
        return ""
    if not entry.get(part):
        return str(entry.get("note", ""))
    return f"{_duration(median(entry[part]))} ({_duration(min(entry[part]))})"


def _times(entries: Entries) -> str:
    rows = [
        [
            name,
            f"{CASES[name].n_rows:,}",
            f"**{_time(found.get('mlm_widgets'))}**",
            _time(found.get("mlm_widgets"), "fit"),
            _time(found.get("glmm")),
            _time(found.get("lmer")),
            _time(found.get("lmer"), "fit"),
            _time(found.get("statsmodels")),
            _time(found.get("ols")),
        ]
        for name, found in entries.items()
    ]
    header = ["case", "rows", "mlm_widgets", "its fit", "glmm", "lmer + lmerTest", "lmer alone", "statsmodels", "floor"]
    models = "\n".join(f"- {name}: `{CASES[name].formula}`" for name in entries)
    return f"## Time\n\n{_table(header, rows)}\n{models}\n"


def _ratio(found: dict[str, Entry], tool: str, part: str, pick: Callable[[list[float]], float]) -> float | None:
    ours, other = found.get("mlm_widgets", {}), found.get(tool, {})
    if not ours.get("total") or not other.get(part):
        return None
    return pick(ours["total"]) / pick(other[part])


def _ratios(entries: Entries) -> str:
    def cell(found: dict[str, Entry], tool: str, part: str) -> str:
        by_median, by_least = (_ratio(found, tool, part, pick) for pick in (median, min))
        if by_median is None or by_least is None:
            return ""
        return f"{by_median:#.2g} ({by_least:#.2g})" if by_median < 10 else f"{by_median:,.0f} ({by_least:,.0f})"

    columns = [("glmm", "total"), ("lmer", "total"), ("lmer", "fit"), ("statsmodels", "total"), ("ols", "total")]
    rows = [[name, *(cell(found, *column) for column in columns)] for name, found in entries.items()]
    header = ["case", "glmm", "lmer + lmerTest", "lmer alone", "statsmodels", "floor"]
    note = "Time of this package over the other's, degrees of freedom included; below 1 it is faster."
    return f"## Ratios\n\n{note} By medians, in brackets by the least.\n\n{_table(header, rows)}"


def _goal_table(entries: Entries) -> str:
    rows = []
    for goal in _goals():
        found = entries.get(goal.case, {})
        by_median, by_least = (_ratio(found, goal.tool, goal.part, pick) for pick in (median, min))
        if by_median is None or by_least is None:
            continue
        state = "reached" if by_median <= goal.at_most else "**missed**"
        if state != "reached" and by_least <= goal.at_most:
            state += " (reached by the least times)"
        rows.append([goal.case, goal.words, f"{by_median:#.3g}", f"{by_least:#.3g}", f"{goal.at_most:#.2g}", state])
    return f"## Goals\n\n{_table(['case', 'goal', 'ratio', 'by the least', 'at most', ''], rows)}"


def _criteria(entries: Entries) -> str:
    def cell(found: dict[str, Entry], tool: str) -> str:
        ours, other = found.get("mlm_widgets", {}).get("criterion"), found.get(tool, {}).get("criterion")
        return "" if ours is None or other is None else f"{ours - other:+.1e}"

    rows = [
        [
            name,
            f"{found['mlm_widgets']['criterion']:.6f}",
            *(cell(found, tool) for tool in ("lmer", "glmm", "statsmodels")),
            str(found["mlm_widgets"]["n_evaluations"]),
            str(found.get("glmm", {}).get("n_evaluations", "")),
        ]
        for name, found in entries.items()
        if "criterion" in found.get("mlm_widgets", {})
    ]
    header = ["case", "REML criterion", "minus lmer's", "minus glmm's", "minus statsmodels'", "evaluations", "glmm's"]
    note = (
        "Below zero this package's optimum is lower. lmer runs with its defaults; ACCURACY.md has it restarted tightly."
    )
    return f"## Criterion\n\n{note}\n\n{_table(header, rows)}"


def _generalized(entries: Entries) -> str:
    tools = ("glmm", "glmer", "glmmTMB")

    def ratio(found: dict[str, Entry], tool: str) -> str:
        by_median, by_least = (_ratio(found, tool, "total", pick) for pick in (median, min))
        return "" if by_median is None or by_least is None else f"{by_median:#.2g} ({by_least:#.2g})"

    def less(found: dict[str, Entry], tool: str) -> str:
        ours, other = found.get("mlm_widgets", {}).get("criterion"), found.get(tool, {}).get("criterion")
        return "" if ours is None or other is None else f"{ours - other:+.1e}"

    def mb(found: dict[str, Entry], tool: str) -> str:
        entry = found.get(tool, {})
        return f"{entry['peak_mb']:,.0f}" if "peak_mb" in entry else ""

    times = [
        [
            name,
            f"{CASES[name].n_rows:,}",
            f"**{_time(found.get('mlm_widgets'))}**",
            *(_time(found.get(t)) for t in tools),
        ]
        for name, found in entries.items()
    ]
    models = "\n".join(
        f"- {name}: `{CASES[name].formula}`, {CASES[name].outcome_family}"
        + (f", {CASES[name].n_agq} nodes" if CASES[name].n_agq > 1 else "")
        for name in entries
    )
    rows = [
        [
            name,
            *(ratio(found, tool) for tool in tools),
            f"{found['mlm_widgets']['criterion']:.6f}",
            *(less(found, tool) for tool in tools),
            str(found["mlm_widgets"]["n_evaluations"]),
            mb(found, "mlm_widgets"),
            mb(found, "glmm"),
        ]
        for name, found in entries.items()
        if "criterion" in found.get("mlm_widgets", {})
    ]
    header = ["case", *(f"time over {t}'s" for t in tools), "-2 log L", *(f"minus {t}'s" for t in tools)]
    header += ["evaluations", "MB", "glmm's MB"]
    note = (
        "From data frame and formula to standard errors of the fixed effects: from the joint Hessian here and in "
        "glmmTMB, from differences of the deviance in glmer. Laplace's approximation, or quadrature where nodes are "
        "given; what lme4 leaves out of the likelihood there is put back."
    )
    first = _table(["case", "rows", "mlm_widgets", *tools], times)
    return f"## Generalized models\n\n{note}\n\n{first}\n{models}\n\n{_table(header, rows)}"


def _memory(entries: Entries) -> str:
    def cell(found: dict[str, Entry], tool: str) -> str:
        entry = found.get(tool, {})
        return f"{entry['peak_mb']:,.0f} (+{entry['peak_mb'] - entry['loaded_mb']:,.0f})" if "peak_mb" in entry else ""

    def columns(name: str) -> str:
        case = CASES[name]
        used = 8 * case.n_rows * (case.n_factors + 2 if case.predictors.__name__ != "_plain" else case.n_factors + 1)
        return f"{used / 2**20:,.1f}"

    tools = ("mlm_widgets", "glmm", "lmer", "statsmodels", "ols")
    rows = [[name, columns(name), *(cell(found, tool) for tool in tools)] for name, found in entries.items()]
    note = (
        "Peak resident MB of the process after its first fit, and how much of it came on top of the program with the "
        "frame loaded. The second column is the size of the columns used, as doubles."
    )
    return f"## Memory\n\n{note}\n\n{_table(['case', 'columns', *tools], rows)}"


def _stages(entries: Entries) -> str:
    rows = [
        [
            name,
            *(_duration(found["mlm_widgets"]["stages"][stage]) for stage in STAGES),
            *(_duration(median(found.get(tool, {}).get("system", [0.0]))) for tool in ("mlm_widgets", "glmm")),
        ]
        for name, found in entries.items()
        if "stages" in found.get("mlm_widgets", {})
    ]
    words = "\n".join(f"- {stage}: {text}" for stage, text in STAGES.items())
    words += (
        "\n- system: what of a fit in the race is the operating system's, which clears the memory that is asked for"
    )
    return f"## Where the time goes\n\n{words}\n\n{_table(['case', *STAGES, 'system', 'glmm: system'], rows)}"


def _growth(points: list[Entry]) -> str:
    rows = [
        [
            point["panel"],
            f"{point['size']:,}",
            f"{point['evaluation_ms']:.2f}",
            f"{point['total_ms']:.1f}",
            str(point["n_evaluations"]),
        ]
        for point in points
    ]
    header = ["over", "size", "one evaluation, ms", "whole fit, ms", "evaluations"]
    note = (
        "`y ~ x + (x | g)`. Rows: 1,000 groups. Groups: 1e6 rows. Columns: 1e5 rows in 1,000 groups, more predictors. "
        "One evaluation is criterion, gradient and Hessian; it does not depend on the number of rows."
    )
    return f"## Growth\n\n{note}\n\n![Time over rows, groups and columns](growth.svg)\n\n{_table(header, rows)}"


def _facts(machine: Entry, entries: Entries) -> str:
    versions: dict[str, str] = {}
    loads, runs, threads = [], set(), set()
    for found in entries.values():
        for tool, entry in found.items():
            runs.add(entry["run"])
            if "version" in entry:
                versions["numpy" if tool == "ols" else tool] = entry["version"]
            if "load" in entry:
                loads.append(entry["load"])
            threads.update(entry.get("threads", []))
    blas = next((e["lmer"]["blas"] for e in entries.values() if "blas" in e.get("lmer", {})), "")
    lines = [
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gb']} GB, {machine['system']}.",
        f"Threads of the linear algebra by default: {', '.join(sorted(threads))}; R's BLAS: {blas or 'none'}.",
        f"Load of the machine while measuring: {min(loads):.1f} to {max(loads):.1f}." if loads else "",
        "Versions: "
        + ", ".join(f"{tool} {text}" for tool, text in sorted(versions.items()))
        + f", Python {machine['python']}.",
        f"Measured: {', '.join(sorted(runs))} (UTC)."
        + ("" if len(runs) == 1 else " Tools or cases that were measured again carry the later time in results.json."),
    ]
    return "## Machine and versions\n\n" + "\n".join(f"- {line}" for line in lines if line) + "\n"
