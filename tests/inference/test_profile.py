"""Profile likelihood, held against lme4's `confint` (tests/reference/compare.R), refits, and brute force."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import mlm_widgets as mlm
from tests.modelcache import REFERENCE, compared, fitted, lme4, prepared_table, reference_model, table

SHARE = 1e-3  # of the interval's width: lme4's curves are splines through points of searches that stop at 1e-7
FINE = 1e-6  # our own curves against refits: points 0.7 of a unit of zeta apart, with exact slopes


def our_names(names: list[str], model: mlm.MixedModel) -> list[str]:
    """R's names of parameters as we write them."""
    fixed = iter(model.params.index)
    found = []
    for name in names:
        kind, _, rest = name.partition("_")
        if kind == "sd":
            found.append(f"sd__{rest}")
        elif kind == "cor":
            pair, group = rest.split("|")
            second, first = pair.split(".(")
            found.append(f"cor__({first}.{second}|{group}")
        else:
            found.append(name if name == "sigma" else next(fixed))
    swaps = {"(Intercept)": "Intercept", "cask:batch": "batch:cask", "urbanY": "urban[T.Y]"}
    for old, new in swaps.items():
        found = [name.replace(old, new) for name in found]
    return found


def check_limits(model: mlm.MixedModel, own: dict[str, Any], level: float = 0.95, lower: str = "lower") -> None:
    names = our_names(own["names"], model)
    found = model.conf_int(level, method="profile").loc[names]
    assert len(found) == len(model.conf_int(method="profile"))
    low, high = (np.array(own[lower.replace("lower", end)], dtype=float) for end in ("lower", "upper"))
    width = high - low
    wrong = np.abs(found.to_numpy() - np.column_stack([low, high])) / width[:, None]
    assert wrong.max() < SHARE, found.assign(R_lower=low, R_upper=high)


def reference(name: str) -> tuple[mlm.MixedModel, dict[str, Any]]:
    own = compared()[name]
    options = own["options"] or {}
    model = mlm.fit(
        own["formula"],
        prepared_table(own["data"]),
        weights=options.get("weights"),
        family=options.get("family", "gaussian"),
        n_agq=options.get("nAGQ", 1),
    )
    return model, own


PROFILES = [name for name, own in compared().items() if own["kind"] == "profile" and name != "profile_weights"]


@pytest.mark.parametrize("name", PROFILES)
def test_limits_are_those_of_lme4(name: str) -> None:
    model, own = reference(name)
    if not model.is_linear:
        assert model.criterion == pytest.approx(own["deviance"], abs=1e-4) or model.n_agq > 1
    check_limits(model, own)
    check_limits(model, own, 0.9, "lower90")


@pytest.mark.parametrize("name", [name for name, own in lme4().items() if "profile_ci" in own])
def test_published_limits(name: str) -> None:
    entry = lme4()[name]
    check_limits(reference_model(entry), entry["profile_ci"])


def test_limits_with_prior_weights() -> None:
    """lme4 profiles fixed effects of weighted fits from another deviance than the fit's; its variances are right."""
    model, own = reference("profile_weights")
    found = model.conf_int(method="profile")
    for k, name in enumerate(our_names(own["names"], model)):
        low, high = own["lower"][k], own["upper"][k]
        if name in model.params.index:
            by_hand = compared()["held_intercept" if name == "Intercept" else "held_slope"]
            low, high = by_hand["lower"], by_hand["upper"]
        np.testing.assert_allclose(found.loc[name], [low, high], atol=SHARE * (high - low))


def test_a_limit_is_where_the_refitted_deviance_has_risen_by_its_quantile() -> None:
    """A fixed effect is held by an offset."""
    data = prepared_table("crossed")
    own = mlm.fit("y ~ x + z + (x | person) + (1 | item)", data, weights="w", offset="o", reml=False)
    limits = own.conf_int(0.9, method="profile")
    for limit in limits.loc["x"].to_numpy(dtype=float):
        held = mlm.fit(
            "y ~ z + (x | person) + (1 | item)", data.assign(h=data["o"] + limit * data["x"]),
            weights="w", offset="h", reml=False,
        )  # fmt: skip
        assert held.criterion - own.criterion == pytest.approx(stats.chi2.ppf(0.9, 1), rel=1e-4)


def test_sparse_chains_of_factors() -> None:
    """At zero a standard deviation is the model without it, at a limit of x the deviance has risen by its quantile."""
    data = pd.read_csv(REFERENCE / "chain.csv")
    own = mlm.fit("y ~ x + (1 | region / school / klass / pupil)", data, reml=False)
    profile = own.profile(["x", "sd__Intercept|region"], level=0.999)
    x, region = profile.curves
    held = mlm.fit(
        "y ~ 1 + offset(held) + (1 | region / school / klass / pupil)",
        data.assign(held=x.limits(0.95)[0] * data["x"]),
        reml=False,
    )
    assert held.criterion - own.criterion == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-4)
    inner = "(1 | region:school) + (1 | region:school:klass) + (1 | region:school:klass:pupil)"
    without = mlm.fit(f"y ~ x + {inner}", data, reml=False)
    assert region.value[0] == 0.0
    assert region.zeta[0] ** 2 == pytest.approx(without.criterion - own.criterion, abs=1e-5)


def test_curves_against_brute_force() -> None:
    """A dense likelihood over all covariances, by a simplex from several starts, with one parameter held."""
    data = table("sleepstudy")
    data = data[data["Subject"].astype(str).isin(sorted(data["Subject"].astype(str).unique())[:8])]
    own = mlm.fit("Reaction ~ Days + (Days | Subject)", data, reml=False)
    curves = {curve.parameter.name: curve for curve in own.profile().curves}
    design = own.fit_result.design
    X, y, Z, codes = design.X, design.y, design.Z[0], design.codes[0]
    same = codes[:, None] == codes

    def deviance(sd0: float, sd1: float, cor: float, sigma: float) -> float:
        S = np.array([[sd0**2, cor * sd0 * sd1], [cor * sd0 * sd1, sd1**2]])
        V = (Z @ S @ Z.T) * same + sigma**2 * np.eye(len(y))
        W = np.linalg.solve(V, np.column_stack([X, y]))
        residual = y - X @ np.linalg.solve(X.T @ W[:, :-1], X.T @ W[:, -1])
        quadratic = float(residual @ np.linalg.solve(V, residual))
        return float(len(y) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1]) + quadratic

    best = own.criterion
    assert deviance(*_natural(own)) == pytest.approx(best, abs=1e-6)
    names = ["sd__Intercept|Subject", "sd__Days|Subject", "cor__Intercept.Days|Subject", "sigma"]
    for place, name in enumerate(names):
        curve = curves[name]
        for k in (1, len(curve.zeta) - 2):
            rise = _least(deviance, place, float(curve.value[k]), _natural(own)) - best
            assert np.sqrt(max(rise, 0)) == pytest.approx(abs(curve.zeta[k]), abs=2e-3)


def _natural(model: mlm.MixedModel) -> list[float]:
    values = model.profile("random").estimate
    return [float(value) for value in values]


def _least(deviance: Any, place: int, value: float, start: list[float]) -> float:
    """The least deviance with one of (sd, sd, cor, sigma) held."""

    def at(free: Any) -> float:
        full = np.insert(free, place, 0.0)
        full = np.array([np.exp(full[0]), np.exp(full[1]), np.tanh(full[2]), np.exp(full[3])])
        full[place] = value
        return float(deviance(*full))

    coded = np.array([np.log(start[0]), np.log(start[1]), np.arctanh(start[2]), np.log(start[3])])
    found = np.inf
    for shift in (0.0, 0.3):
        options: Any = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000}
        result = optimize.minimize(at, np.delete(coded, place) - shift, method="Nelder-Mead", options=options)
        found = min(found, float(result.fun))
    return found


def test_curves_are_a_frame_and_rise() -> None:
    found = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").profile(["Days", "sigma"])
    assert list(found.table.columns) == ["parameter", "value", "zeta"]
    assert list(found.table["parameter"].unique()) == ["Days", "sigma"]
    for _, own in found.table.groupby("parameter"):
        assert (np.diff(own["value"]) > 0).all()
        assert (np.diff(own["zeta"]) > 0).all()
        assert own["zeta"].iloc[0] < -stats.norm.ppf(0.995) < 0 < stats.norm.ppf(0.995) < own["zeta"].iloc[-1]
    assert "Days" in repr(found)
    assert "<table" in found._repr_html_()


def test_a_reml_fit_is_profiled_by_ml_and_that_is_said() -> None:
    found = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").profile("Days")
    ml = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy", reml=False)
    assert found.estimate["Days"] == pytest.approx(ml.params["Days"])
    np.testing.assert_allclose(found.conf_int(), ml.profile("Days").conf_int(), rtol=FINE)
    assert any("maximum likelihood" in note for note in found.notes)
    assert not ml.profile("Days").notes


def test_limits_at_the_end_of_a_range_are_said() -> None:
    nested = mlm.fit("strength ~ 1 + (1 | batch/cask)", table("pastes")).conf_int(method="profile")
    assert nested["lower"]["sd__Intercept|batch"] == 0.0
    assert any("The lower limit of sd__Intercept|batch, 0," in note for note in nested.attrs["notes"])
    singular = mlm.fit("Yield ~ 1 + (1 | Batch)", table("dyestuff2")).conf_int(method="profile")
    assert singular["lower"]["sd__Intercept|Batch"] == 0.0
    assert 0 < singular["upper"]["sd__Intercept|Batch"] < np.inf
    factor = fitted("Reaction ~ week + (week | Subject)", "sleepstudy").conf_int(method="profile")
    assert factor["upper"]["cor__week[T.middle].week[T.late]|Subject"] == 1.0
    assert factor["lower"]["cor__week[T.middle].week[T.late]|Subject"] > 0.0


def small_table() -> pd.DataFrame:
    """Eight groups with a slope that does not vary: a singular fit."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 6)
    x = rng.normal(size=48)
    return pd.DataFrame({"g": g, "x": x, "y": x + rng.normal(size=48) + 0.5 * rng.normal(size=8)[g]})


def test_a_singular_fit_has_curves_from_the_boundary() -> None:
    model = mlm.fit("y ~ x + (x | g)", small_table())
    assert model.is_singular
    found = model.conf_int(method="profile")
    assert list(found.loc["cor__Intercept.x|g"]) == [-1.0, 1.0]
    assert any("Both limits of cor__Intercept.x|g" in note for note in found.attrs["notes"])
    estimate = model.profile().estimate
    assert ((found["lower"] <= estimate) & (estimate <= found["upper"])).all()


def test_a_correlation_with_what_does_not_vary_is_not_determined() -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 6), "x": rng.normal(size=60)})
    for _ in range(20):
        data["y"] = data["x"] + rng.normal(size=60)
        model = mlm.fit("y ~ x + (x | g)", data, reml=False)
        if (model.varcorr()["variance"].iloc[:2] == 0).all():
            break
    found = model.conf_int(method="profile")
    assert list(found.loc["cor__Intercept.x|g"]) == [-1.0, 1.0]
    assert found["lower"]["sd__Intercept|g"] == 0.0


def test_a_predictor_far_from_zero_changes_nothing_else() -> None:
    data = table("sleepstudy")
    near = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").conf_int(method="profile")
    far = mlm.fit("Reaction ~ D + (D | Subject)", data.assign(D=data["Days"] + 1e4)).conf_int(method="profile")
    for name in ("Days", "sd__Days|Subject", "sigma"):
        np.testing.assert_allclose(far.loc[name.replace("Days", "D")], near.loc[name], rtol=1e-4)


def test_units_of_the_outcome_scale_the_limits() -> None:
    data = table("sleepstudy")
    own = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy").conf_int(method="profile")
    scaled = mlm.fit("R ~ Days + (Days | Subject)", data.assign(R=1e-6 * data["Reaction"])).conf_int(method="profile")
    unit = np.where(own.index.str.startswith("cor"), 1.0, 1e-6)[:, None]
    np.testing.assert_allclose(scaled, own * unit, rtol=1e-5)


def test_an_offset_and_collinear_columns() -> None:
    data = table("sleepstudy")
    own = fitted("Reaction ~ Days + (1 | Subject)", "sleepstudy").conf_int(method="profile")
    moved = data.assign(Reaction=data["Reaction"] + 5 * data["Days"], five=5 * data["Days"], twice=2 * data["Days"])
    with_offset = mlm.fit("Reaction ~ Days + (1 | Subject)", moved, offset="five").conf_int(method="profile")
    np.testing.assert_allclose(with_offset, own, rtol=FINE)
    collinear = mlm.fit("Reaction ~ Days + twice + (1 | Subject)", data.assign(twice=2 * data["Days"]))
    np.testing.assert_allclose(collinear.conf_int(method="profile"), own, rtol=FINE)
    assert list(collinear.conf_int(method="profile").index) == list(own.index)


def test_only_an_intercept_and_no_fixed_effects() -> None:
    one = fitted("Reaction ~ 1 + (1 | Subject)", "sleepstudy").conf_int(method="profile")
    assert one["lower"]["Intercept"] < 298 < one["upper"]["Intercept"]
    none = fitted("Reaction ~ 0 + (1 | Subject)", "sleepstudy").conf_int(method="profile")
    assert list(none.index) == ["sd__Intercept|Subject", "sigma"]


def test_generalized_families_with_a_dispersion() -> None:
    model = mlm.fit("TICKS ~ YEAR + (1 | BROOD)", table("grouseticks"), family="negative_binomial")
    found = model.profile(["dispersion", "YEAR[T.96]"], level=0.95)
    limits = found.conf_int()
    assert limits["lower"]["dispersion"] < model.dispersion < limits["upper"]["dispersion"]
    assert any("Laplace" in note for note in found.notes)
    limit = limits["upper"]["YEAR[T.96]"]
    data = table("grouseticks")
    is_97 = data["YEAR"].astype(str) == "97"
    data = data.assign(is_97=is_97.astype(float), held=limit * (data["YEAR"].astype(str) == "96"))
    held = mlm.fit("TICKS ~ is_97 + offset(held) + (1 | BROOD)", data, family="negative_binomial")
    assert held.criterion - model.criterion == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)


def test_counts_without_overdispersion_have_a_dispersion_from_zero() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(15), 8), "x": rng.normal(size=120)})
    data["y"] = rng.binomial(6, 0.3, size=120)
    found = mlm.fit("y ~ x + (1 | g)", data, family="negative_binomial").conf_int(method="profile")
    assert found["lower"]["dispersion"] == 0.0
    assert 0 < found["upper"]["dispersion"] < 1
    assert any("The lower limit of dispersion, 0," in note for note in found.attrs["notes"])


def test_generalized_standard_deviations_against_refits() -> None:
    """With sd = s the model is one with a fixed scale of its random effects: the criterion at theta = s, beta free."""
    cbpp = table("cbpp")
    model = mlm.fit("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial")
    own = model.profile("random").curves[0]
    assert own.parameter.name == "sd__Intercept|herd"
    assert own.zeta[np.argmin(np.abs(own.value - model.theta[0]))] == 0.0
    low, high = own.limits(0.95)
    assert low < model.theta[0] < high
    lrt = model.ranova()["Chisq"].iloc[1]
    wide = model.profile("random", level=0.99995).curves[0]
    assert wide.value[0] == 0.0
    assert wide.zeta[0] == pytest.approx(-np.sqrt(lrt), abs=1e-5), "held at zero it is the model without random effects"


def test_at_zero_a_standard_deviation_is_the_model_without_it() -> None:
    model = mlm.fit("strength ~ 1 + (1 | batch/cask)", table("pastes"), reml=False)
    curve = model.profile("sd__Intercept|batch").curves[0]
    assert curve.value[0] == 0.0
    assert curve.zeta[0] == pytest.approx(-np.sqrt(model.ranova()["Chisq"]["(1 | batch)"]), abs=1e-5)


def test_ratios() -> None:
    model = mlm.fit("use ~ age + urban + (1 | district)", table("contraception"), family="binomial")
    ratios = model.conf_int(method="profile", exponentiate=True)
    assert list(ratios.index) == list(model.params.index)
    np.testing.assert_allclose(np.log(ratios), model.conf_int(method="profile").loc[ratios.index], rtol=1e-6)


def test_progress_is_reported_and_work_can_be_cancelled() -> None:
    model = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    heard: list[tuple[int, int]] = []
    model.profile(progress=lambda done, total: heard.append((done, total)))
    assert heard == [(k, 6) for k in range(1, 7)]
    cancel = threading.Event()

    def stop(done: int, total: int) -> None:
        if done == 2:
            cancel.set()

    with pytest.raises(mlm.Cancelled) as caught:
        model.conf_int(method="profile", progress=stop, cancel=cancel)
    assert caught.value.done == 2
    partial = caught.value.partial
    assert list(partial.estimate.index) == ["Intercept", "Days"]  # type: ignore[attr-defined]


def test_errors_name_what_can_be_asked() -> None:
    model = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    with pytest.raises(mlm.OptionError, match="sd__Intercept"):
        model.profile("sd__Intercpt|Subject")
    with pytest.raises(mlm.OptionError, match="empty"):
        model.profile([])
    with pytest.raises(mlm.OptionError, match=r"0\.9, as far as"):
        model.profile("Days", level=0.9).conf_int(0.95)
    with pytest.raises(mlm.OptionError, match="method"):
        model.conf_int(method="profiled")


def test_a_fit_that_is_no_optimum_is_told() -> None:
    data = table("sleepstudy")
    stopped = mlm.fit("Reaction ~ Days + (Days | Subject)", data, reml=False, options=mlm.FitOptions(max_evaluations=1))
    assert stopped.state == "failed"
    with pytest.raises(mlm.FitError, match="lower than that of the fit"):
        stopped.profile("sigma")
