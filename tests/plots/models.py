"""Models for the tests of the charts, each built once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from mlm_widgets import datasets
from tests.plots.standin import StandIn

HSB_LEVELS = {"cses": "L1", "ses": "L1", "meanses": "L2", "sector": "L2"}


@cache
def hsb(fixed: str = "cses * meanses + cses * sector", terms: tuple[str, ...] = ("Intercept", "cses")) -> StandIn:
    data = datasets.load("hsb")
    data["cses"] = data["ses"] - data["meanses"]
    return StandIn(data, "mathach", fixed, {"school": terms}, HSB_LEVELS, {"mathach": "points"})


@cache
def sleepstudy() -> StandIn:
    data = datasets.load("sleepstudy")
    return StandIn(
        data, "Reaction", "Days", {"Subject": ("Intercept", "Days")}, {"Days": "L1"}, {"Reaction": "ms", "Days": "days"}
    )


@cache
def cake() -> StandIn:
    data = datasets.load("cake")
    return StandIn(data, "angle", "recipe * temp", {"replicate": ("Intercept",)}, {}, {"angle": "degrees"})


@cache
def simulated(n_groups: int, n_terms: int = 2, each: int = 8, seed: int = 1) -> StandIn:
    draw = np.random.default_rng(seed)
    n = n_groups * each
    index = np.repeat(np.arange(n_groups), each)
    data = pd.DataFrame({f"x{i}": draw.normal(size=n) for i in range(1, 4)})
    data["kind"] = draw.choice(["a", "b", "c"], size=n)
    data["place"] = draw.choice(["north", "south"], size=n)
    data["g"] = [f"g{i:04d}" for i in index]
    data["y"] = 2 + data["x1"] + draw.normal(0, 2, n_groups)[index] + draw.normal(0, 1.5, n)
    data["y"] += data["x1"] * draw.normal(0, 0.5, n_groups)[index]
    terms = ("Intercept", "x1", "x2", "x3")[:n_terms]
    return StandIn(data, "y", "x1 * x2 * kind + place * kind", {"g": terms})


ODD = {
    "y": 'the "outcome", <b>bold</b>',
    "x": "x.1 [in\\side] 'it' ✓",
    "f": "</script><script>alert(1)</script>",
    "g": 'group "of" things\\',
}


@cache
def odd() -> StandIn:
    """Names that would break an expression, a field path or a page, if they were taken for anything but data."""
    draw = np.random.default_rng(3)
    n = 240
    data = pd.DataFrame({ODD["y"]: draw.normal(size=n), ODD["x"]: draw.normal(size=n)})
    names = ["a.b", "c[0]", 'quote"s', "<img src=x onerror=alert(1)>", "back\\slash", "日本語", "datum.x", "</script>"]
    data[ODD["g"]] = np.array(names)[np.arange(n) % len(names)]
    data[ODD["f"]] = np.where(draw.random(n) > 0.5, "<i>yes</i>", 'no"\\')
    terms = ("Intercept", ODD["x"])
    return StandIn(data, ODD["y"], f"`{ODD['x']}` * `{ODD['f']}`", {ODD["g"]: terms})
