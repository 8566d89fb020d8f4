"""Random designs: structures of random effects, balanced or not, with variances inside or on their boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["RandomDesign", "random_design", "random_designs"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

N_DESIGNS = 300

# random part and the factors that it needs
STRUCTURES = {
    "intercept": "(1 | g)",
    "slope": "(x | g)",
    "slopes": "(x + z | g)",
    "slope ||": "(x || g)",
    "slopes ||": "(x + z || g)",
    "no intercept": "(0 + x | g)",
    "nested": "(1 | g/h)",
    "nested, slope": "(x | g) + (1 | g:h)",
    "crossed": "(1 | g) + (1 | c)",
    "crossed, slope": "(x | g) + (1 | c)",
    "crossed, slopes": "(x | g) + (x | c)",
    "crossed, slope ||": "(x || g) + (1 | c)",
    "factor": "(0 + f | g)",
    "three factors": "(1 | g/h) + (1 | c)",
    "two blocks": "(x | g) + (0 + z | g)",
}
FIXED = ["x", "x + z", "x * w", "x + z + f", "x * f + w", "1"]


@dataclass(frozen=True, slots=True)
class RandomDesign:
    """A formula and a frame.

    Attributes
    ----------
    seed : int
    structure : str
        Key of the structure of the random effects.
    formula : str
    reml : bool
    on_boundary : bool
        Whether the outcome was made so that some variance is likely to be estimated as zero.
    balanced : bool
    frame : DataFrame
    """

    seed: int
    structure: str
    formula: str
    reml: bool
    on_boundary: bool
    balanced: bool
    frame: pd.DataFrame


def random_designs(count: int = N_DESIGNS) -> list[RandomDesign]:
    """Designs of seeds 0, 1, ...: a third on the boundary, a third unbalanced, structures in turn."""
    return [random_design(seed) for seed in range(count)]


def random_design(seed: int) -> RandomDesign:
    """The design of one seed."""
    draw = np.random.default_rng(1000 + seed)
    structure = list(STRUCTURES)[seed % len(STRUCTURES)]
    # the turns of 15 structures and of thirds are shifted against each other by the number of the round
    turn = seed + seed // len(STRUCTURES)
    on_boundary, balanced = turn % 3 == 0, (turn // 3) % 3 != 0
    g, h = _groups(draw, balanced)
    n = len(g)
    frame = pd.DataFrame({"x": _column(draw, n), "z": _column(draw, n)})
    frame["w"] = draw.normal(size=g.max() + 1)[g]
    frame["f"] = pd.Categorical(np.array(["a", "b", "c"])[draw.permutation(np.arange(n) % 3)])
    c = draw.integers(int(draw.integers(4, 15)), size=n)
    for name, codes in (("g", g), ("h", h), ("c", c)):
        frame[name] = pd.Categorical([f"{name}{code:03d}" for code in codes])
    fixed = FIXED[int(draw.integers(len(FIXED)))]
    frame.insert(0, "y", _outcome(draw, frame, (g, h, c), on_boundary))
    formula = f"y ~ {fixed} + {STRUCTURES[structure]}"
    return RandomDesign(seed, structure, formula, seed % 4 != 3, on_boundary, balanced, frame)


def _groups(draw: np.random.Generator, balanced: bool) -> tuple[Ints, Ints]:
    """Codes of groups g, and of 2 to 4 subgroups h in each (numbered anew in every group)."""
    n_groups, n_parts = int(draw.integers(6, 41)), int(draw.integers(2, 5))
    size = n_parts * int(draw.integers(3, 9))
    g = np.repeat(np.arange(n_groups), size)
    h = np.tile(np.repeat(np.arange(n_parts), size // n_parts), n_groups)
    if not balanced:
        kept = np.flatnonzero(draw.random(len(g)) < draw.beta(0.8, 0.5, size=n_groups)[g])
        first = np.searchsorted(g, np.arange(n_groups))  # every group keeps a row
        kept = np.union1d(kept, np.concatenate([first, first[: n_groups // 2] + 1]))
        g, h = g[kept], h[kept]
    return g, h


def _column(draw: np.random.Generator, n: int) -> Floats:
    """A predictor of any scale, not centred."""
    return np.asarray(10.0 ** draw.uniform(-1, 1) * (draw.normal(size=n) + draw.uniform(-2, 2)))


def _outcome(
    draw: np.random.Generator, frame: pd.DataFrame, codes: tuple[Ints, Ints, Ints], on_boundary: bool
) -> Floats:
    g, h, c = codes
    n = len(g)
    x, z = (((frame[name] - frame[name].mean()) / frame[name].std()).to_numpy() for name in ("x", "z"))
    y = 0.5 * x - 0.3 * z + draw.normal(size=n)
    if on_boundary:
        # groups differ less than chance would have them: what the residuals give to each group is taken away
        Z = np.column_stack([np.ones(n), x, z])
        for code in range(g.max() + 1):
            own = g == code
            y[own] -= 0.9 * Z[own] @ np.linalg.lstsq(Z[own], y[own], rcond=None)[0]
        b = draw.normal(size=g.max() + 1)[:, None] * draw.normal(size=3)  # all effects in one direction
        if draw.random() < 0.5:
            y += np.sum(Z * b[g], axis=1)
    else:
        L = np.tril(draw.normal(size=(3, 3))) * 0.5 + np.diag(draw.uniform(0.3, 1.5, size=3))
        b = draw.normal(size=(g.max() + 1, 3)) @ L.T
        y += b[g, 0] + b[g, 1] * x + b[g, 2] * z
        y += 0.7 * draw.normal(size=(g.max() + 1, h.max() + 1))[g, h] + 0.7 * draw.normal(size=c.max() + 1)[c]
    return np.asarray(10.0 ** draw.uniform(-1, 2) * (y + draw.uniform(-3, 3)))
