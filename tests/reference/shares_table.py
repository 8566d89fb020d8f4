"""Draws data/shares.csv: 40 groups of unequal sizes, predictors of both levels, outcomes of three families.

Run in this directory: python shares_table.py    (numpy's default generator, seed 2019)
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def drawn() -> pd.DataFrame:
    """The table."""
    draw = np.random.default_rng(2019)
    J = 40
    sizes = draw.integers(4, 14, J)
    k = np.repeat(np.arange(J), sizes)
    N = len(k)
    u = draw.multivariate_normal([0, 0], [[1.0, 0.3], [0.3, 0.5]], J)
    b = draw.normal(size=J)
    x = (b[k] + 1.2 * draw.normal(size=N)).round(3)
    z = draw.normal(size=N).round(3)
    xb, zb = (pd.Series(column).groupby(k).transform("mean").to_numpy() for column in (x, z))
    xw, zw = x - xb, z - zb
    kind = np.array(["a", "b", "c"])[draw.integers(0, 3, N)]
    eta = 0.5 + (0.8 + u[k, 1]) * xw + 0.6 * xb + 0.3 * zw + 0.4 * (kind == "b") + 0.25 * xw * xb + 0.6 * u[k, 0]
    y = (eta * 2 + 10 + 2 * draw.normal(size=N)).round(4)
    w = draw.choice([0.5, 1, 2], N)
    hit = (draw.random(N) < 1 / (1 + np.exp(-(eta - 0.5)))).astype(int)
    table = {"g": k + 1, "x": x, "z": z, "xw": xw, "xb": xb, "zw": zw, "kind": kind, "w": w, "y": y, "hit": hit}
    table["count"] = draw.poisson(np.exp(0.4 * eta))
    return pd.DataFrame(table)


if __name__ == "__main__":
    drawn().to_csv("data/shares.csv", index=False, float_format="%.17g")
