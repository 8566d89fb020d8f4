"""`python -m benchmarks.accuracy`: the criterion against lme4's on random designs, digits on NIST's kind of problems.

lme4 is restarted by bobyqa with a tight tolerance; its criterion less ours says who found the lower optimum. The
gradient is scaled by curvature (|L^-1 g|, H = LL', lme4's measure), so that it reads as a distance in standard errors.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import mlm_widgets as mlm
from benchmarks.designs import RandomDesign, random_designs
from mlm_widgets.fitter.criterion import Evaluation
from mlm_widgets.fitter.curvature import exact_hessian
from mlm_widgets.fitter.lmm import prepare
from tests.fitter.balanced import LEADING, Estimates, digits, estimates, frame, simon_lesage, stored

__all__ = ["main"]

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).parent
HOW = """\
Fixed seeds (`designs.py`). lme4 is restarted by bobyqa with rhoend = 1e-9 from where it stopped; the lower of its two
criteria counts. The gradient is scaled by curvature, as lme4's convergence check does (its tolerance: 0.002).
"""
DIGITS = """\
Data by the rule of Simon & Lesage (1989), as in NIST's problems SmLs01 to SmLs09. Digits that agree (log relative
error, at most 15) with the closed-form REML variances, between groups / within, computed in rational numbers: from the
decimal values, and from the doubles that store them. Doubles near 1e12 are 1e-4 apart beside steps of 0.1, so with 13
leading digits the data themselves carry few digits of the decimal answer: “carried” is what the exact answer for the
stored values keeps of it.
"""
ABOVE = 1e-7  # how far above lme4's criterion ours may be
GRADIENT = 1e-6  # the largest scaled gradient
SHAPES = [(9, 21), (9, 201), (9, 2001), (21, 9), (21, 21), (21, 201)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One random design: `above` is our criterion less lme4's, `by_lme4` less lme4's at our theta."""

    design: RandomDesign
    n_obs: int
    above: float | None
    above_default: float | None
    by_lme4: float | None
    gradient: float
    singular: bool
    singular_r: bool
    n_evaluations: int
    state: str


def main() -> None:
    """Compare and write ACCURACY.md."""
    designs = random_designs()
    models = [mlm.fit(design.formula, design.frame, reml=design.reml) for design in designs]
    references = _lme4([(d.frame, d.formula, d.reml, _lme4_theta(m)) for d, m in zip(designs, models, strict=True)])
    compared = [_compared(d, m, r) for d, m, r in zip(designs, models, references, strict=True)]
    problems = [(n_groups, size, leading) for n_groups, size in SHAPES for leading in LEADING]
    rows = _digit_rows(problems)
    (HERE / "ACCURACY.md").write_text(_report(compared, rows))


def _lme4(tables: list[tuple[pd.DataFrame, str, bool, Floats]]) -> list[dict[str, Any]]:
    """What lme4 finds, one call of Rscript for all."""
    program = shutil.which("Rscript")
    if program is None:
        raise SystemExit("Rscript with lme4 and jsonlite is needed.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = []
        for k, (table, formula, reml, theta) in enumerate(tables):
            table.to_csv(folder / f"{k}.csv", index=False, float_format="%.17g")
            models.append({"file": f"{k}.csv", "formula": formula, "reml": reml, "theta": theta.tolist()})
        (folder / "models.json").write_text(json.dumps(models))
        script = [program, str(HERE / "accuracy.R"), name]
        done = subprocess.run(script, check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout))


def _compared(design: RandomDesign, m: mlm.MixedModel, reference: dict[str, Any]) -> Comparison:
    fit = m.fit_result
    point = prepare(fit.design, reml=design.reml).at(fit.theta_centred)
    found = "criterion" in reference
    theirs = float(reference["criterion"]) if found else 0.0
    return Comparison(
        design=design,
        n_obs=m.nobs,
        above=m.criterion - theirs if found else None,
        above_default=m.criterion - float(reference["default"]) if found else None,
        by_lme4=m.criterion - float(reference["at_given"]) if found and reference["at_given"] != "NA" else None,
        gradient=_scaled_gradient(point),
        singular=m.is_singular,
        singular_r=bool(reference.get("singular", False)),
        n_evaluations=m.trace.n_evaluations,
        state=m.state,
    )


def _lme4_theta(m: mlm.MixedModel) -> Floats:
    """Theta as lme4 orders it: where it must reorder its terms by number of levels, it reverses ties."""
    blocks: list[tuple[int, Floats]] = []
    for group in sorted(m.fit_result.groups, key=lambda group: group.place):
        for block in group.grouping.blocks:
            own = group.lam[block.columns.start : block.columns.stop, block.columns.start : block.columns.stop]
            col, row = np.triu_indices(len(own))
            blocks.append((len(group.grouping.levels), own[row, col]))
    sizes = [size for size, _ in blocks]
    if any(second > first for first, second in pairwise(sizes)):
        blocks = [blocks[k] for k in np.argsort(sizes, kind="stable")[::-1]]
    return np.concatenate([theta for _, theta in blocks])


def _scaled_gradient(point: Evaluation) -> float:
    """|L^-1 g|, the directions without curvature by their plain gradient."""
    H, g = exact_hessian(point), point.gradient
    values, vectors = np.linalg.eigh(H)
    along = np.abs(vectors.T @ g)
    return float(np.max(np.minimum(along, along / np.sqrt(np.maximum(values, 1e-12)))))


def _digit_rows(problems: list[tuple[int, int, int]]) -> list[list[str]]:
    tables = [simon_lesage(*problem) for problem in problems]
    models = [mlm.fit("y ~ 1 + (1 | g)", frame(table)) for table in tables]
    pairs = zip(tables, models, strict=True)
    references = _lme4([(frame(table), "y ~ 1 + (1 | g)", True, m.theta) for table, m in pairs])
    rows = []
    for (n_groups, size, leading), table, m, reference in zip(problems, tables, models, references, strict=True):
        exact, kept = estimates(table), estimates(stored(table))
        ours = float(m.varcorr()["variance"].iloc[0]), m.sigma**2
        theirs = tuple(float(v) for v in reference["variances"]) if "variances" in reference else None
        rows.append(
            [
                str(n_groups),
                str(size),
                str(leading),
                _agreed((float(kept.between), float(kept.within)), exact),
                _agreed(ours, exact),
                "fails" if theirs is None else _agreed((theirs[0], theirs[1]), exact),
                _agreed(ours, kept),
                "fails" if theirs is None else _agreed((theirs[0], theirs[1]), kept),
            ]
        )
    return rows


def _agreed(found: tuple[float, float], exact: Estimates) -> str:
    """Digits of the variance between and within groups."""
    pairs: list[tuple[float, Fraction]] = [(found[0], exact.between), (found[1], exact.within)]
    return " / ".join(f"{max(0.0, digits(value, right)):.1f}" for value, right in pairs)


def _report(compared: list[Comparison], digit_rows: list[list[str]]) -> str:
    known = [each for each in compared if each.above is not None]
    above = np.array([each.above for each in known])
    default = np.array([each.above_default for each in known])
    same = np.array([each.by_lme4 for each in known if each.by_lme4 is not None])
    gradient = np.array([each.gradient for each in compared])
    facts = [
        ["designs", str(len(compared))],
        ["on the boundary by lme4's isSingular", str(sum(each.singular_r for each in known))],
        ["on the boundary by this package", str(sum(each.singular for each in compared))],
        ["unbalanced", str(sum(not each.design.balanced for each in compared))],
        [
            "with two factors or more",
            str(
                sum(
                    "/" in each.design.formula or "g:h" in each.design.formula or "c)" in each.design.formula
                    for each in compared
                )
            ),
        ],
        ["by maximum likelihood", str(sum(not each.design.reml for each in compared))],
        ["fitted by lme4", str(len(known))],
        ["criterion above lme4's by more than 1e-7", str(int((above > ABOVE).sum()))],
        ["largest of criterion less lme4's", f"{above.max():+.1e}"],
        ["below lme4's (restarted) by more than 1e-7", str(int((above < -ABOVE).sum()))],
        ["most below", f"{above.min():+.1e}"],
        ["below lme4's default fit by more than 1e-7", str(int((default < -ABOVE).sum()))],
        [f"largest difference to lme4's criterion at our theta ({len(same)} designs)", f"{np.abs(same).max():.1e}"],
        ["largest scaled gradient", f"{gradient.max():.1e}"],
        ["scaled gradient above 1e-6", str(int((gradient > GRADIENT).sum()))],
        ["not converged", str(sum(each.state == "failed" for each in compared))],
        [
            "evaluations, median and most",
            f"{np.median([e.n_evaluations for e in compared]):.0f}, {max(e.n_evaluations for e in compared)}",
        ],
    ]
    worst = (
        sorted(known, key=lambda each: -(each.above or 0.0))[:10] + sorted(known, key=lambda each: -each.gradient)[:5]
    )
    slowest = sorted(known, key=lambda each: -each.n_evaluations)[:5]
    lowest = sorted(known, key=lambda each: each.above or 0.0)[:5]
    return "\n".join(
        [
            "# Accuracy\n",
            "    python -m benchmarks.accuracy\n",
            "## 300 random designs\n",
            HOW,
            _table(["", ""], facts),
            "Worst by criterion, by gradient, and by number of evaluations:\n",
            _table(HEADER, [_row(each) for each in [*worst, *slowest]]),
            "Where lme4 stopped highest above the optimum:\n",
            _table(HEADER, [_row(each) for each in lowest]),
            "By structure:\n",
            _table(["random part", "designs", "on the boundary", "largest above lme4"], _structures(known)),
            "## Balanced one-way data with leading digits in common\n",
            DIGITS,
            _table(
                [
                    "groups",
                    "size",
                    "digits shared",
                    "carried",
                    "mlm_widgets",
                    "lme4",
                    "mlm_widgets, stored",
                    "lme4, stored",
                ],
                digit_rows,
            ),
        ]
    )


HEADER = [
    "seed",
    "model",
    "rows",
    "criterion less lme4's",
    "less its default's",
    "scaled gradient",
    "evaluations",
    "boundary",
]


def _row(each: Comparison) -> list[str]:
    return [
        str(each.design.seed),
        f"`{each.design.formula}`" + ("" if each.design.reml else ", ML"),
        str(each.n_obs),
        f"{each.above:+.1e}",
        f"{each.above_default:+.1e}",
        f"{each.gradient:.1e}",
        str(each.n_evaluations),
        "yes" if each.singular else "",
    ]


def _structures(known: list[Comparison]) -> list[list[str]]:
    counts = Counter(each.design.structure for each in known)
    rows = []
    for structure, count in counts.items():
        own = [each for each in known if each.design.structure == structure]
        above = max(each.above or 0.0 for each in own)
        rows.append([structure, str(count), str(sum(each.singular for each in own)), f"{above:+.1e}"])
    return rows


def _table(header: list[str], rows: list[list[str]]) -> str:
    ruler = ["---"] * len(header)
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in [header, ruler, *rows]]
    return "\n".join("| " + " | ".join(row) + " |" for row in escaped) + "\n"


if __name__ == "__main__":
    main()
