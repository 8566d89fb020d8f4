"""`python -m benchmarks.inference`: inference against the R packages that do the same, in one run, into INFERENCE.md.

A row times a call of ours and an R expression on the same model, which both have fitted before; the least of the
repetitions counts, as other work on the machine only adds. R runs in one process a row, and times itself.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import mlm_widgets as mlm

__all__ = ["ROWS", "Row", "main"]

HERE = Path(__file__).parent
HEAD = """\
# Inference

`python -m benchmarks.inference`: least time of the repetitions, ours and R's on the same fitted model in one run. The
last column says how far their figures are apart; lmer's own tolerance is part of that, and chance where both simulate.

| what | ours | R | by | times faster | goal | largest relative difference |
| --- | ---: | ---: | --- | ---: | ---: | ---: |
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes
    ----------
    name : str
    goal : float
        How many times faster ours is to be.
    data : callable
        The frame of both.
    prepare : callable
        Frame -> what is timed of ours, whose result are the figures to compare.
    setup, expression : str
        R: what comes before, with the frame as `d`; what is timed, whose result are the figures to compare.
    packages : str
        What R uses.
    r_share : float
        The share of the work that R does, whose time is scaled.
    repetitions : int
        Of ours; R repeats `r_repetitions` times.
    """

    name: str
    goal: float
    data: Callable[[], pd.DataFrame]
    prepare: Callable[[pd.DataFrame], Callable[[], list[float]]]
    setup: str
    expression: str
    packages: str
    repetitions: int = 200
    r_repetitions: int = 5
    r_share: float = 1.0


def hsb() -> pd.DataFrame:
    """The table of 160 schools, with ses within schools."""
    data = mlm.datasets.load("hsb")
    return data.assign(cses=data["ses"] - data["meanses"])


def _kenward_roger(data: pd.DataFrame) -> Callable[[], list[float]]:
    m = mlm.fit("mathach ~ cses * (meanses + sector) + (cses | school)", data)

    def timed() -> list[float]:
        adjusted = m.with_df("kenward-roger")
        return [*adjusted.bse, *adjusted.df]

    return timed


def sleepstudy() -> pd.DataFrame:
    """Reaction times of 18 people on 10 days."""
    return mlm.datasets.load("sleepstudy")


def _profile(data: pd.DataFrame) -> Callable[[], list[float]]:
    m = mlm.fit("Reaction ~ Days + (Days | Subject)", data)
    names = ["sd__Intercept|Subject", "cor__Intercept.Days|Subject", "sd__Days|Subject", "sigma", "Intercept", "Days"]

    def timed() -> list[float]:
        # as far as lme4 goes: its curves end at zeta = sqrt(qchisq(0.99, 6)) = 4.1
        limits = m.profile(level=0.99996, progress=False).conf_int().loc[names]
        return [float(value) for value in limits.to_numpy().ravel()]

    return timed


def _bootstrap(data: pd.DataFrame) -> Callable[[], list[float]]:
    m = mlm.fit("Reaction ~ Days + (Days | Subject)", data)

    def timed() -> list[float]:
        m.__dict__.pop("_prepared", None)
        return list(m.bootstrap(1000, seed=1, progress=False).std_error[["Intercept", "Days"]])

    return timed


SIZES = [10, 20, 30, 40, 50]


def trial() -> pd.DataFrame:
    """A trial of 30 clinics by 20, whose outcome does not count."""
    draw = np.random.default_rng(1)
    clinic = np.repeat(np.arange(30), 20)
    data = pd.DataFrame({"clinic": [f"c{k:02d}" for k in clinic], "treated": clinic % 2, "x": draw.normal(size=600)})
    return data.assign(y=0.3 * data["treated"] + draw.normal(size=30)[clinic] / 3 + draw.normal(size=600))


def _power(data: pd.DataFrame) -> Callable[[], list[float]]:
    m = mlm.fit("y ~ treated + x + (1 | clinic)", data)

    def timed() -> list[float]:
        found = mlm.power(m, {"treated": 0.3}, n_groups=30, n_sim=5000, seed=1, test="z", progress=False)
        return [float(found.table["power"][0])]

    return timed


def _curve(data: pd.DataFrame) -> Callable[[], list[float]]:
    m = mlm.fit("y ~ treated + x + (1 | clinic)", data)

    def timed() -> list[float]:
        found = mlm.power(m, {"treated": 0.3}, n_groups=SIZES, n_sim=1000, seed=1, test="z", progress=False)
        return [float(found.table["power"].mean())]

    return timed


TRIAL = (
    "m <- lme4::lmer(y ~ treated + x + (1 | clinic), d); b <- fixef(m); b[['treated']] <- 0.3; set.seed(1)\n"
    "sds <- c(attr(VarCorr(m)$clinic, 'stddev'), sigma(m))\n"
    "at <- function(n) { g <- rep_len(levels(d$clinic), n)\n"
    "  do.call(rbind, lapply(seq_along(g), function(k) transform(d[d$clinic == g[k], ], clinic = k + 100))) }\n"
    "drawn <- function(s) b[[1]] + b[['treated']] * s$treated + b[['x']] * s$x +\n"
    "  rep(rnorm(nrow(s) / 20, sd = sds[1]), each = 20) + rnorm(nrow(s), sd = sds[2])\n"
    "found <- function(m) abs(coef(summary(m))['treated', 't value']) > 1.959964\n"
    "by_lmer <- function(s) { s$y <- drawn(s); found(lme4::lmer(y ~ treated + x + (1 | clinic), s)) }\n"
)

ROWS = [
    Row(
        "Kenward-Roger standard errors and df, hsb",
        500.0,
        hsb,
        _kenward_roger,
        'd$sector <- factor(d$sector, c("Public", "Catholic"))\n'
        "m <- lme4::lmer(mathach ~ cses * (meanses + sector) + (cses | school), d)",
        "{V <- vcovAdj(m); V0 <- vcov(m); p <- ncol(V0); "
        "c(sqrt(diag(as.matrix(V))), sapply(seq_len(p), function(k) Lb_ddf(diag(p)[k, ], V0, V)))}",
        "pbkrtest",
    ),
    Row(
        "profile of all six parameters, sleepstudy",
        20.0,
        sleepstudy,
        _profile,
        "m <- lme4::lmer(Reaction ~ Days + (Days | Subject), d)",
        "c(t(confint(profile(m))))",
        "lme4",
        repetitions=20,
        r_repetitions=3,
    ),
    Row(
        "bootstrap of 1,000 refits, sleepstudy (standard errors; R makes 200, scaled)",
        50.0,
        sleepstudy,
        _bootstrap,
        "m <- lme4::lmer(Reaction ~ Days + (Days | Subject), d)",
        "apply(suppressMessages(suppressWarnings(bootMer(m, fixef, nsim = 200, seed = 1)))$t, 2, sd)",
        "lme4",
        repetitions=20,
        r_repetitions=2,
        r_share=0.2,
    ),
    Row(
        "power curve, 10 to 50 groups of 20, 5 x 1,000 simulations (mean power; lmer fits 5 x 40, scaled)",
        50.0,
        trial,
        _curve,
        TRIAL,
        "suppressMessages(mean(sapply(1:5 * 10, function(n) { s <- at(n); mean(replicate(40, by_lmer(s))) })))",
        "lme4",
        repetitions=10,
        r_repetitions=1,
        r_share=0.04,
    ),
    Row(
        "power, 30 groups of 20, 5,000 simulations (lme4::refit of 200 outcomes, scaled)",
        50.0,
        trial,
        _power,
        TRIAL + "ys <- replicate(200, drawn(d), simplify = FALSE)",
        "suppressMessages(mean(sapply(ys, function(y) found(refit(m, y)))))",
        "lme4",
        repetitions=10,
        r_repetitions=1,
        r_share=0.04,
    ),
]


def main() -> None:
    """Measure all rows, or those whose name holds a word, and print the table; all rows go into INFERENCE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="rows whose name holds it")
    word = parser.parse_args().word
    lines = [_measured(row) for row in ROWS if word in row.name]
    text = HEAD + "\n".join(lines) + "\n"
    print(text)
    if not word:
        (HERE / "INFERENCE.md").write_text(text)


def _measured(row: Row) -> str:
    data = row.data()
    timed = row.prepare(data)
    figures = timed()
    ours = min(_seconds(timed) for _ in range(row.repetitions))
    theirs, expected = _by_r(row, data)
    theirs /= row.r_share
    worst = max((abs(a / b - 1.0) for a, b in zip(figures, expected, strict=True)), default=None)
    same = "" if worst is None else f"{worst:.0e}"
    cells = [row.name, _time(ours), _time(theirs), row.packages, f"{theirs / ours:,.0f}", f"{row.goal:,.0f}", same]
    return f"| {' | '.join(cells)} |"


def _seconds(timed: Callable[[], list[float]]) -> float:
    started = time.perf_counter()
    timed()
    return time.perf_counter() - started


def _by_r(row: Row, data: pd.DataFrame) -> tuple[float, list[float]]:
    """Least seconds, and the figures."""
    program = shutil.which("Rscript")
    if program is None:
        raise SystemExit("Rscript is needed.")
    with tempfile.TemporaryDirectory() as folder:
        table, script = Path(folder, "data.csv"), Path(folder, "row.R")
        data.to_csv(table, index=False)
        libraries = "; ".join(f"library({name})" for name in ("jsonlite", *row.packages.split(", ")))
        script.write_text(
            f"suppressMessages({{{libraries}}})\n"
            f"d <- read.csv({json.dumps(str(table))}, stringsAsFactors = TRUE)\n{row.setup}\n"
            f"seconds <- numeric(0)\nfor (i in seq_len({row.r_repetitions})) {{\n"
            f"  t <- system.time(found <- {row.expression})\n  seconds <- c(seconds, t[['elapsed']])\n}}\n"
            "cat(toJSON(list(seconds = min(seconds), figures = as.numeric(found)), digits = NA, auto_unbox = TRUE))\n"
        )
        told = subprocess.run([program, str(script)], capture_output=True, text=True, check=True).stdout
    answer = json.loads(told.splitlines()[-1])
    figures = answer["figures"] if isinstance(answer["figures"], list) else [answer["figures"]]
    return float(answer["seconds"]), [float(value) for value in figures]


def _time(seconds: float) -> str:
    return f"{1000 * seconds:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"


if __name__ == "__main__":
    main()
