"""Simulated outcomes do not depend on the portions in which they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from mlm_widgets import MixedModel
from mlm_widgets.inference.simulation import Simulator, simulate, truth_of
from tests import modelcache

MODELS = {
    "linear": lambda: modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "crossed": lambda: modelcache.fitted("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    "counts": lambda: modelcache.generalized("TICKS ~ YEAR + (1 | BROOD)", "grouseticks", "poisson"),
}


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_portions_are_parts_of_the_whole(name: str, is_new: bool) -> None:
    m: MixedModel = MODELS[name]()
    whole = simulate(m.fit_result, 7, 5, is_new=is_new)
    draws = Simulator(truth_of(m.fit_result), 5, is_new=is_new)
    np.testing.assert_array_equal(whole, np.column_stack([draws.drawn(1), draws.drawn(4), draws.drawn(2)]))
