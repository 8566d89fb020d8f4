"""Classes in schools, and deeper chains: there may be any number of levels of any of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mlm_widgets import fit
from mlm_widgets.fitter import prepare
from mlm_widgets.fitter.curvature import exact_hessian
from tests.fitter.dense import small_data
from tests.fitter.test_sparse import as_dense, as_sparse


def schools(n_schools: int, classes: int, pupils: int, slope: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    n_classes = n_schools * classes
    own = np.repeat(np.arange(n_classes), pupils)
    school = own // classes
    x = draw.normal(size=len(own)) + 3
    y = 1 + 0.5 * x + draw.normal(0, 0.8, n_schools)[school] + draw.normal(0, 0.6, n_classes)[own]
    y += slope * x * draw.normal(size=n_schools)[school] + draw.normal(size=len(own))
    return pd.DataFrame({"y": y, "x": x, "school": school, "klass": own % classes})


def test_many_schools() -> None:
    """More than the dense block carries; the balanced design has its variances in closed form (Searle et al. 1992)."""
    n_schools, classes, pupils = 7_000, 3, 3
    data = schools(n_schools, classes, pupils)
    m = fit("y ~ 1 + (1 | school/klass)", data)
    assert m.converged
    by_class = data.groupby(["school", "klass"])["y"].mean()
    by_school = by_class.groupby("school").mean()
    within = data["y"] - by_class.loc[list(zip(data["school"], data["klass"], strict=True))].to_numpy()
    ms_residual = float((within**2).sum()) / (len(data) - n_schools * classes)
    between = by_class - by_school.loc[by_class.index.get_level_values("school")].to_numpy()
    ms_class = pupils * float((between**2).sum()) / (n_schools * (classes - 1))
    ms_school = pupils * classes * float(by_school.var(ddof=1))
    variances = dict(zip(m.varcorr()["group"], m.varcorr()["variance"], strict=True))
    assert variances["Residual"] == pytest.approx(ms_residual, rel=1e-6)
    assert variances["school:klass"] == pytest.approx((ms_class - ms_residual) / pupils, rel=1e-6)
    assert variances["school"] == pytest.approx((ms_school - ms_class) / (pupils * classes), rel=1e-6)
    assert m.df.iloc[0] == pytest.approx(n_schools - 1, rel=1e-4)
    assert m.leverage().between(0, 1).all()


def test_slopes_in_many_schools() -> None:
    m = fit("y ~ x + (x | school) + (1 | school:klass)", schools(7_000, 2, 4, slope=0.5))
    assert m.converged
    assert m.trace.scaled_gradient < 1e-6
    sd = m.varcorr().query("group == 'school' and term1 == 'x' and term2.isna()")["sd_or_corr"]
    assert float(sd.iloc[0]) == pytest.approx(0.5, abs=0.03)


def test_a_chain_of_four() -> None:
    """Balanced, so that the variances are in closed form: mean squares between the units of each level."""
    sizes = {"region": 12, "school": 40, "klass": 8, "pupil": 3, "row": 2}
    draw = np.random.default_rng(5)
    codes = np.indices(tuple(sizes.values())).reshape(len(sizes), -1)
    data = pd.DataFrame({name: code for name, code in zip(sizes, codes, strict=True) if name != "row"})
    y, n_units = draw.normal(size=len(data)), 1
    for depth, (name, sd) in enumerate({"region": 1.0, "school": 0.8, "klass": 0.7, "pupil": 0.6}.items()):
        n_units *= sizes[name]
        unit = np.ravel_multi_index(tuple(codes[: depth + 1]), tuple(sizes.values())[: depth + 1])
        y += draw.normal(0, sd, n_units)[unit]
    data["y"] = y
    m = fit("y ~ 1 + (1 | region / school / klass / pupil)", data)
    assert m.converged
    means, rows, mean_squares = y, 1, []
    for size in reversed(sizes.values()):
        own = means.reshape(-1, size)
        centre = own.mean(axis=1)
        mean_squares.append(rows * float(((own - centre[:, None]) ** 2).sum()) / (len(centre) * (size - 1)))
        means, rows = centre, rows * size
    expected, rows = [mean_squares[0]], 1
    for size, (inner, outer) in zip(reversed(sizes.values()), pairwise(mean_squares), strict=False):
        rows *= size
        expected.append((outer - inner) / rows)
    variances = dict(zip(m.varcorr()["group"], m.varcorr()["variance"], strict=True))
    names = ["Residual", "region:school:klass:pupil", "region:school:klass", "region:school", "region"]
    np.testing.assert_allclose([variances[name] for name in names], expected, rtol=1e-6)
    assert m.df.iloc[0] == pytest.approx(sizes["region"] - 1, rel=1e-4)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("theta", [[0.7, 1.3], [0.0, 0.5], [2.0, 0.0]])
def test_exact_hessian_of_intercepts_by_differences_of_the_gradient(theta: list[float], reml: bool) -> None:
    prepared = as_sparse(prepare(fit("y ~ x + (1 | a/b)", small_data(), reml=reml).fit_result.design, reml=reml))
    ahead, behind = ([prepared.at(np.array(theta) + step).gradient for step in s * np.eye(2)] for s in (1e-5, -1e-5))
    differences = (np.array(ahead) - np.array(behind)) / 2e-5
    for form in (prepared, as_dense(prepared)):
        exact = exact_hessian(form.at(np.array(theta)))
        np.testing.assert_allclose(exact, differences, rtol=0, atol=1e-6 * np.abs(differences).max())
