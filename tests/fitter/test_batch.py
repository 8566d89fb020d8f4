"""Many outcomes of one design at once end where each ends by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from mlm_widgets import MixedModel, fit
from mlm_widgets.errors import MlmError
from mlm_widgets.fitter import prepare
from mlm_widgets.fitter.batch import BatchFit, Refitter
from mlm_widgets.inference.satterthwaite import satterthwaite_df
from mlm_widgets.inference.simulation import simulate
from tests import modelcache

# Both searches end with a Newton decrement below 1e-10 and one step more: what is left of the criterion is rounding,
# of the parameters the square root of that.
SAME_CRITERION, SAME = 1e-9, 1e-7

Floats = npt.NDArray[np.float64]


def refitter(m: MixedModel) -> Refitter:
    record = m.fit_result
    return Refitter(
        prepare(record.design, reml=record.reml), record.theta, lambda f: satterthwaite_df(f, np.eye(len(f.beta)))
    )


def check(m: MixedModel, Y: Floats) -> BatchFit:
    own = refitter(m)
    found = own.fit(Y)
    for k in range(Y.shape[1]):
        single = own.prepared.with_outcome(Y[:, k].copy()).fit()
        assert found.criterion[k] == pytest.approx(single.criterion, rel=SAME_CRITERION)
        size = np.sqrt(np.diag(single.cov_beta))
        np.testing.assert_allclose(found.beta[k] / size, single.beta / size, rtol=SAME, atol=SAME)
        unit = np.outer(size, size)
        np.testing.assert_allclose(found.cov_beta[k] / unit, single.cov_beta / unit, rtol=SAME, atol=SAME)
        assert found.sigma[k] == pytest.approx(single.sigma, rel=SAME)
        np.testing.assert_allclose(found.theta[k], single.theta, rtol=SAME, atol=SAME)
        assert found.singular[k] == any(group.singular for group in single.groups)
        if not found.singular[k]:
            np.testing.assert_allclose(found.df[k], satterthwaite_df(single, np.eye(len(single.beta))), rtol=1e-5)
    assert found.converged.all()
    return found


MODELS = {
    "balanced, slopes": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", True),
    "by maximum likelihood": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", False),
    "uncorrelated": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", True),
    "slope alone": ("Reaction ~ Days + (0 + Days | Subject)", "sleepstudy", True),
    "three effects": ("Reaction ~ Days + (Days + I(Days^2) | Subject)", "sleepstudy", True),
    "no fixed effects": ("Reaction ~ 0 + (1 | Subject)", "sleepstudy", False),
    "variance zero": ("Yield ~ 1 + (1 | Batch)", "dyestuff2", True),
    "unequal groups": ("mathach ~ ses * sector + (1 | school)", "hsb", True),
    "unequal groups, slopes": ("mathach ~ cses * sector + (cses | school)", "hsb", True),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_outcome_as_by_itself(name: str) -> None:
    m = modelcache.fitted(*MODELS[name])
    found = check(m, simulate(m.fit_result, 25, 1, is_new=True))
    assert not found.single.any()
    if name == "variance zero":
        assert 5 < found.singular.sum() < 20


def made(seed: int, sd: float, n_groups: int = 12, **columns: Floats) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), draw.integers(3, 9, n_groups))
    x, z = draw.normal(3, 2, len(g)), draw.normal(size=len(g))
    b = draw.normal(0, sd, (3, n_groups))
    y = 5 + x + b[0][g] + b[1][g] * x + b[2][g] * z + draw.normal(size=len(g))
    return pd.DataFrame(
        {"g": g.astype(str), "x": x, "z": z, "y": y, "w": draw.uniform(0.2, 3, len(g)), "o": draw.normal(size=len(g))}
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sd", [0.05, 0.4])
def test_on_and_near_the_boundary(sd: float, seed: int) -> None:
    m = fit("y ~ x + (x + z | g)", made(seed, sd))
    found = check(m, simulate(m.fit_result, 12, seed, is_new=True))
    assert found.single.mean() < 0.2


def test_weights_offset_and_collinear_columns() -> None:
    data = made(5, 0.5)
    data["twice"] = 2 * data["x"] + 1
    m = fit("y ~ x + twice + z + (z | g)", data, weights="w", offset="o")
    assert m.fit_result.dropped == ("twice",)
    check(m, simulate(m.fit_result, 20, 2, is_new=True))


def test_outcomes_of_another_size_and_place() -> None:
    m = modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    Y = simulate(m.fit_result, 6, 1, is_new=True)
    check(m, Y * 10.0 ** np.arange(-3, 3) + np.array([0, 1e4, -1e5, 0, 1e3, 1e6]))


def test_an_outcome_without_a_fit_leaves_the_others() -> None:
    m = modelcache.fitted("Reaction ~ Days + (1 | Subject)", "sleepstudy")
    Y = simulate(m.fit_result, 4, 1, is_new=True)
    Y[:, 1] = 7.0
    Y[:, 2] = 3.0 * m.data["Days"] - 2.0
    found = refitter(m).fit(Y)
    assert found.converged.tolist() == [True, False, False, True]
    assert np.isnan(found.beta[1:3]).all()
    assert np.isfinite(found.beta[[0, 3]]).all()
    with pytest.raises(MlmError):
        m.refit(Y[:, 1])


def test_crossed_factors_one_by_one() -> None:
    m = modelcache.fitted("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin")
    found = check(m, simulate(m.fit_result, 4, 1, is_new=True))
    assert found.single.all()


def test_the_portions_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    m = modelcache.fitted("mathach ~ cses * sector + (cses | school)", "hsb")
    Y = simulate(m.fit_result, 40, 3, is_new=True)
    whole = refitter(m).fit(Y)
    monkeypatch.setattr("mlm_widgets.fitter.batch.fit.MOST", 7)
    parts = refitter(m)
    assert parts.width == 7
    np.testing.assert_allclose(parts.fit(Y).beta, whole.beta, rtol=1e-9)


def test_portions_of_large_designs_are_small() -> None:
    draw = np.random.default_rng(1)
    g = np.repeat(np.arange(40_000), 3)
    x = draw.normal(size=len(g))
    m = fit(
        "y ~ x + (x | g)",
        pd.DataFrame({"g": g, "x": x, "y": x + draw.normal(size=40_000)[g] + draw.normal(size=len(g))}),
    )
    assert refitter(m).width < 20


def test_balanced_levels_are_few_lanes() -> None:
    own = refitter(modelcache.fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy"))
    assert own.outcomes is not None
    assert own.outcomes.rotation.count.sum() == pytest.approx(18)
    assert own.outcomes.rotation.A.shape[2] == 3
