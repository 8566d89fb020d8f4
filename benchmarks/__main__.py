"""`python -m benchmarks`: the race and the growth, written to benchmarks/README.md.

python -m benchmarks                         everything
python -m benchmarks --quick                 cases that take seconds, few repetitions
python -m benchmarks --case hsb --case insteval
python -m benchmarks --tool mlm_widgets --tool glmm      again for these tools, the others' figures are kept
python -m benchmarks --without lmer          without R (also: statsmodels, glmm, growth)
python -m benchmarks --report                write the tables anew from what was measured
python -m benchmarks.accuracy                the criterion against lme4's on random designs, digits on NIST's problems
"""

from __future__ import annotations

import argparse

from benchmarks.cases import CASES
from benchmarks.growth import measure_growth
from benchmarks.race import R_SCRIPTS, TOOL_NAMES, Settings, race
from benchmarks.report import write_readme

__all__ = ["main"]


def main() -> None:
    """Read the options, measure, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="small cases, few repetitions")
    parser.add_argument("--case", action="append", choices=list(CASES), help="this case only (may be repeated)")
    parser.add_argument("--tool", action="append", choices=TOOL_NAMES, help="this tool only (may be repeated)")
    parser.add_argument("--without", action="append", default=[], choices=[*TOOL_NAMES, "R", "growth"])
    parser.add_argument("--limit", type=float, default=150.0, help="seconds after which a fit is given up")
    parser.add_argument("--report", action="store_true", help="only write the tables anew")
    chosen = parser.parse_args()
    if not chosen.report:
        names = chosen.case or [case.name for case in CASES.values() if case.is_quick or not chosen.quick]
        left_out = {tool for each in chosen.without for tool in (R_SCRIPTS if each == "R" else (each,))}
        tools = [tool for tool in chosen.tool or TOOL_NAMES if tool not in left_out]
        settings = Settings(repetitions=7, budget=2.0, limit=60.0) if chosen.quick else Settings(limit=chosen.limit)
        race(names, tools, settings)
        if "growth" not in left_out and not chosen.case and not chosen.tool:
            measure_growth(quick=chosen.quick)
    write_readme()


if __name__ == "__main__":
    main()
