"""Prior weights of a generalized model stand for repeated rows, in what is computed beside the estimates too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlm_widgets as mlm
from mlm_widgets import inference


@pytest.fixture(scope="module")
def weighted() -> tuple[mlm.MixedModel, mlm.MixedModel]:
    """Counts without overdispersion, weighted and repeated."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(30), 12)
    x = rng.normal(size=len(g))
    y = rng.poisson(np.exp(0.2 + 0.3 * x + 0.4 * rng.normal(size=30)[g]))
    data = pd.DataFrame({"y": y, "x": x, "g": g, "w": rng.integers(1, 5, len(g))})
    rows = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    formula = "y ~ x + (1 | g)"
    return mlm.fit(formula, data, family="poisson", weights="w"), mlm.fit(formula, rows, family="poisson")


def test_overdispersion_and_zeros(weighted: tuple[mlm.MixedModel, mlm.MixedModel]) -> None:
    one, other = (inference.overdispersion(m.fit_result) for m in weighted)
    assert one is not None
    assert other is not None
    assert one.df == other.df
    assert one.chi2 == pytest.approx(other.chi2, rel=1e-7)
    assert one.ratio < 2  # weights by themselves are no overdispersion
    zeros, expected = (inference.zero_inflation(m.fit_result) for m in weighted)
    assert zeros is not None
    assert expected is not None
    assert zeros.observed == expected.observed
    assert (zeros.expected, zeros.sd) == pytest.approx((expected.expected, expected.sd), rel=1e-7)


def test_outcomes_are_not_drawn_for_several_rows_at_once(weighted: tuple[mlm.MixedModel, mlm.MixedModel]) -> None:
    m, repeated = weighted
    for draw in (
        lambda: m.simulate(1, seed=1),
        lambda: m.bootstrap(5, seed=1),
        lambda: mlm.power(m, "x", n_sim=5, seed=1),
    ):
        with pytest.raises(mlm.MlmError, match="a row of weight w stands for w rows") as caught:
            draw()
        assert "Repeat the rows" in str(caught.value)
    assert len(repeated.simulate(1, seed=1)) == repeated.nobs
    assert m.bootstrap(3, seed=1, kind="group").n == 3
