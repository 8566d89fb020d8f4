"""The race: every tool on the same frame, in turns, each in a process of its own.

Tools take turns of a few fits, so that what else the machine does meets all of them. The first fit of each is not
counted (it is kept as `first`). What was measured is kept in `results.json`, so that a case or a tool can be run again
alone.
"""

from __future__ import annotations

import json
import os
import platform
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, Case

__all__ = ["RESULTS", "TOOL_NAMES", "Settings", "machine", "race"]

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PYTHON_TOOLS = ("mlm_widgets", "glmm", "statsmodels", "ols")
R_SCRIPTS = {"lmer": "lmer.R", "glmer": "glmer.R", "glmmTMB": "glmer.R"}
TOOL_NAMES = (*PYTHON_TOOLS, *R_SCRIPTS)
LINEAR_TOOLS, GENERALIZED_TOOLS = ("statsmodels", "ols", "lmer"), ("glmer", "glmmTMB")
TURN, ROW = 2.0, 6  # seconds of a turn, most fits in it
NO_PEER = "no peer"
PAUSE = 0.08  # seconds between turns: the threads of a BLAS spin for some 30 ms after their last product


@dataclass(frozen=True, slots=True)
class Settings:
    """How long to measure.

    Attributes
    ----------
    repetitions : int
        Most fits of one tool on one case.
    budget : float
        Seconds after which a tool fits no more; it fits three times at least unless one took longer than this.
    limit : float
        Seconds after which one fit is given up, and that tool is left out of larger cases of the family.
    memory_gb : float
        Address space of a peer.
    """

    repetitions: int = 31
    budget: float = 8.0
    limit: float = 150.0
    memory_gb: float = 14.0


@dataclass(slots=True)
class _Runner:
    """A worker process, and what it has measured."""

    tool: str
    process: subprocess.Popen[str]
    first: float = 0.0
    times: list[dict[str, float]] = field(default_factory=list)
    failure: str | None = None

    def ask(self, command: str, limit: float) -> dict[str, Any] | None:
        """The answer to a command; None after a failure."""
        assert self.process.stdin is not None
        if command:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self.answer(limit)

    def answer(self, limit: float) -> dict[str, Any] | None:
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], limit)
        line = stdout.readline() if ready else ""
        if line:
            return dict(json.loads(line))
        self.failure = "stopped" if ready else f"over {limit:.0f} s"
        self.process.kill()
        self.process.wait()
        return None

    @property
    def spent(self) -> float:
        return sum(each["total"] for each in self.times)

    def is_done(self, settings: Settings) -> bool:
        if self.failure is not None:
            return True
        least = 3 if self.first < settings.budget else 1
        if self.first > 2 * settings.budget:
            return True  # its first fit is its answer
        return len(self.times) >= settings.repetitions or (len(self.times) >= least and self.spent > settings.budget)


def race(names: Sequence[str], tools: Sequence[str], settings: Settings) -> None:
    """Measure `tools` on the cases `names`, and keep what was measured."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"entries": {}}
    run = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M")
    for name in names:
        case = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "benchmarks.cases", name, folder], check=True)
            found = _race_case(case, tools, Path(folder), settings, kept["entries"])
        for tool, entry in found.items():
            kept["entries"].setdefault(name, {})[tool] = entry | {"run": run}
            _say(name, tool, entry)
        kept["machine"] = machine()
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


def _say(name: str, tool: str, entry: dict[str, Any]) -> None:
    took = f"{1000 * sorted(entry['total'])[len(entry['total']) // 2]:12.2f} ms" if entry.get("total") else ""
    print(f"{name:22s} {tool:12s} {took} {entry.get('note') or ''}", flush=True)


def _race_case(
    case: Case, tools: Sequence[str], folder: Path, settings: Settings, kept: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    runners: list[_Runner] = []
    for tool in tools:
        reason = _left_out(tool, case, settings, kept)
        if reason is not None:
            found[tool] = {"note": reason}
        elif tool in PYTHON_TOOLS:
            runners.append(_started(tool, case, folder))
    load = [os.getloadavg()[0]]
    _take_turns(runners, settings)
    load.append(os.getloadavg()[0])
    for runner in runners:
        found[runner.tool] = _entry(runner, settings) | {"load": round(max(load), 1)}
    for tool in R_SCRIPTS:
        if tool in tools and tool not in found:
            found[tool] = _by_r(tool, folder, settings) | {"load": round(os.getloadavg()[0], 1)}
    return {tool: entry for tool, entry in found.items() if entry.get("note") != NO_PEER}


def _take_turns(runners: list[_Runner], settings: Settings) -> None:
    for runner in runners:
        runner.answer(settings.limit)  # ready
    for runner in runners:
        if runner.failure is None and (answer := runner.ask("run", settings.limit)) is not None:
            runner.first = answer["total"]
            if runner.first > 2 * settings.budget:
                runner.times.append(answer)
    while active := [runner for runner in runners if not runner.is_done(settings)]:
        for runner in active:
            time.sleep(PAUSE)
            _take_turn(runner, settings)


def _take_turn(runner: _Runner, settings: Settings) -> None:
    """Some fits in a row; the first, which finds caches and memory as another tool left them, is not counted."""
    last = runner.times[-1]["total"] if runner.times else runner.first
    count = min(ROW, int(TURN / last)) if last > 0 else ROW
    for k in range(max(1, count)):
        answer = runner.ask("run", settings.limit)
        if answer is None:
            return
        if k > 0 or count <= 1:
            runner.times.append(answer)


def _started(tool: str, case: Case, folder: Path) -> _Runner:
    command = [sys.executable, "-m", "benchmarks.worker", tool, str(folder / "frame.pickle"), case.name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return _Runner(tool, process)


def _entry(runner: _Runner, settings: Settings) -> dict[str, Any]:
    if runner.failure is not None:
        return {"note": runner.failure}
    report = runner.ask("end", settings.limit) or {}
    runner.process.wait()
    parts = {part: [each[part] for each in runner.times] for part in runner.times[0]}
    return parts | {"first": runner.first} | report


def _by_r(tool: str, folder: Path, settings: Settings) -> dict[str, Any]:
    program = shutil.which("Rscript")
    if program is None:
        return {"note": "no Rscript"}
    script = [program, str(HERE / R_SCRIPTS[tool]), str(folder), str(settings.repetitions), str(settings.budget), tool]
    limited = ["bash", "-c", f'ulimit -v {int(settings.memory_gb * 2**20)}; exec "$@"', "bash", *script]
    try:
        done = subprocess.run(limited, check=False, capture_output=True, text=True, timeout=2 * settings.limit)
    except subprocess.TimeoutExpired:
        return {"note": f"over {2 * settings.limit:.0f} s"}
    if done.returncode != 0:
        out_of_memory = "cannot allocate" in done.stderr or "memory" in done.stderr
        return {"note": f"out of {settings.memory_gb:.0f} GB" if out_of_memory else done.stderr.strip()[-200:]}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    single = ("criterion", "first", "peak_mb", "loaded_mb", "version", "blas")
    found: dict[str, Any] = {key: value[0] if key in single else value for key, value in answer.items()}
    return found | {"criterion": float(found["criterion"])}


def _left_out(tool: str, case: Case, settings: Settings, kept: dict[str, Any]) -> str | None:
    if tool in (GENERALIZED_TOOLS if case.is_linear else LINEAR_TOOLS):
        return NO_PEER
    if case.peers is not None and tool not in ("mlm_widgets", *case.peers):
        return NO_PEER
    if tool == "statsmodels" and case.n_factors > 1:
        return "one factor only"
    smaller = [other for other in CASES.values() if case.family and other.family == case.family]
    known = [(other.n_rows, kept[other.name][tool]) for other in smaller if tool in kept.get(other.name, {})]
    known = [(n, entry) for n, entry in known if n < case.n_rows]
    if any(not entry.get("total") for _, entry in known):
        return "not run"
    slowest = max(((max(entry["total"]), n) for n, entry in known), default=(0.0, 1))
    is_over = slowest[0] * case.n_rows / slowest[1] > settings.limit
    return f"not run: {slowest[0]:.0f} s at {slowest[1]:,} rows" if is_over else None


def machine() -> dict[str, Any]:
    """Facts of the machine that times depend on."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%d"),
    }


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()
