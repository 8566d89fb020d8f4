"""Models of the same rows side by side: likelihood-ratio tests of nested neighbours, and information criteria.

    AIC = -2 log L + 2 k,   AICc = AIC + 2 k (k + 1) / (n - k - 1),   BIC = -2 log L + k log n

k the number of parameters, n of rows, as R's ``anova`` of lme4 fits counts them. Akaike weights are exp(-(AIC - least
AIC) / 2), made to add up to one, and the evidence ratio of a model is the best one's weight over its own: Burnham &
Anderson (2002), Model Selection and Multimodel Inference, sections 2.4 and 2.9.

REML criteria compare only where the fixed parts are the same columns: else the fits are made again by maximum
likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import DataError, OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.likelihood_ratio import chi_square_p
from mlm_widgets.inference.nesting import has_same_fixed, what_is_not_nested
from mlm_widgets.inference.related import ml_fit, n_parameters

__all__ = ["Comparison", "check_comparable", "compare"]

Floats = npt.NDArray[np.float64]

LOWER = 1e-4  # of a deviance by which a larger model may be worse: more says that its search did not end well


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models by increasing number of parameters; arrays of shape (k,).

    Attributes
    ----------
    names : tuple of str
    fits : tuple of Fit
        As they were compared.
    n_params : ndarray
    criterion : ndarray
        -2 log L, restricted where `reml`.
    aic, aicc, bic, weight, evidence_ratio : ndarray
    statistic, df, p_value : ndarray
        The test against the model before; NaN where there is none.
    reml : bool
        Whether REML criteria were compared.
    notes : tuple of str
    """

    names: tuple[str, ...]
    fits: tuple[Fit, ...]
    n_params: Floats
    criterion: Floats
    aic: Floats
    aicc: Floats
    bic: Floats
    weight: Floats
    evidence_ratio: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    reml: bool
    notes: tuple[str, ...]


def compare(models: Mapping[str, Fit], refit: bool | str = True) -> Comparison:
    """Compare fits of the same rows and outcome.

    Prior weights and offsets may differ between the models, but such models are not nested and have no test. Columns
    that were left out as collinear count for nothing. Singular fits are compared as they are; the chi-square p of a
    test of variances is too large, which a note says. Generalized models are compared by their approximate likelihoods,
    all by the same one.

    Raises
    ------
    DataError
        If rows or outcomes differ.
    OptionError
        If families or approximations differ, or REML fits with other fixed parts may not be refitted.
    """
    check_comparable(models)
    notes: list[str] = []
    fits = _comparable_criteria(models, refit, notes)
    names = sorted(fits, key=lambda name: n_parameters(fits[name]))
    ordered = tuple(fits[name] for name in names)
    n, k = ordered[0].design.n_obs, np.array([float(n_parameters(fit)) for fit in ordered])
    criterion = np.array([fit.criterion for fit in ordered])
    aic = criterion + 2.0 * k
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        aicc = np.where(n - k - 1 > 0, aic + 2.0 * k * (k + 1.0) / (n - k - 1.0), np.nan)
        ratio = np.exp((aic - aic.min()) / 2.0)
    weight = np.exp(-(aic - aic.min()) / 2.0)
    tests = [(np.nan, np.nan, np.nan)]
    tests += [_test(names[i - 1 : i + 1], ordered[i - 1 : i + 1], notes) for i in range(1, len(names))]
    statistic, df, p_value = np.array(tests).T
    for name, fit in zip(names, ordered, strict=True):
        if fit.state == "failed":
            notes.append(f"The search of {name} did not converge: its figures are not those of an optimum.")
    return Comparison(
        names=tuple(names),
        fits=ordered,
        n_params=k,
        criterion=criterion,
        aic=aic,
        aicc=aicc,
        bic=criterion + np.log(n) * k,
        weight=weight / weight.sum(),
        evidence_ratio=ratio,
        statistic=statistic,
        df=df,
        p_value=p_value,
        reml=ordered[0].reml,
        notes=tuple(notes),
    )


def _test(names: list[str], pair: tuple[Fit, ...], notes: list[str]) -> tuple[float, float, float]:
    """Statistic, degrees of freedom and p value of the second against the first."""
    small, large = pair
    df = n_parameters(large) - n_parameters(small)
    reason = what_is_not_nested(small, large)
    if reason is None and df == 0:
        reason = "they have as many parameters"
    if reason is not None:
        notes.append(f"{names[0]} and {names[1]} have no test, for {reason}: compare their AIC, AICc or BIC.")
        return np.nan, np.nan, np.nan
    statistic = small.criterion - large.criterion
    if statistic < -LOWER:
        notes.append(
            f"{names[1]} holds {names[0]} and yet is less likely by {-statistic:.2g}: one of the searches did not find "
            "its optimum (see all_fits())."
        )
    if _n_effects(large) > _n_effects(small):
        notes.append(
            f"{names[1]} has more random effects than {names[0]}: where variances are zero under the smaller "
            "model, the chi-square p is too large (ranova() has the mixture's)."
        )
    statistic = max(statistic, 0.0)
    return statistic, float(df), chi_square_p(statistic, df)


def _n_effects(fit: Fit) -> int:
    """Random effects a level, over all grouping factors."""
    return sum(len(group.grouping.names) for group in fit.groups)


def _comparable_criteria(models: Mapping[str, Fit], refit: bool | str, notes: list[str]) -> dict[str, Fit]:
    """The fits, by maximum likelihood where REML criteria do not compare."""
    restricted = [name for name, fit in models.items() if fit.reml]
    if not restricted:
        return dict(models)
    first = next(iter(models.values()))
    if len(restricted) < len(models):
        why = "other fits are by maximum likelihood"
    elif not all(has_same_fixed(first, fit) for fit in models.values()):
        why = "the fixed parts differ"
    elif not all(_same_weights(first, fit) for fit in models.values()):
        why = "the prior weights differ"
    elif refit == "always":
        why = "refit='always'"
    else:
        notes.append(
            "REML criteria are compared: the fixed parts are the same. R's anova() refits by maximum likelihood here "
            "too: refit='always'."
        )
        return dict(models)
    if refit is False:
        raise OptionError(
            f"REML criteria do not compare here ({why}): {', '.join(restricted)}.",
            hint="Leave out refit=False, or fit all models with reml=False.",
            argument="refit",
        )
    notes.append(f"Refitted by maximum likelihood ({why}): {', '.join(restricted)}.")
    return {name: ml_fit(fit) for name, fit in models.items()}


def _same_weights(first: Fit, second: Fit) -> bool:
    one, two = first.design.weights, second.design.weights
    return one is two or (one is not None and two is not None and np.array_equal(one, two))


def check_comparable(models: Mapping[str, Fit]) -> None:
    """Raise where two models are not of the same rows, outcome, family and approximation."""
    (first, own), *others = models.items()
    for name, fit in others:
        _check_rows(first, own, name, fit)
        _check_outcome(first, own, name, fit)
        if own.family.name != fit.family.name:
            raise OptionError(
                f"The families differ: {first} is {own.family.name}, {name} {fit.family.name}. Their likelihoods are "
                "of other kinds of outcomes.",
                hint="Compare models of one family.",
                argument="models",
            )
        if own.n_agq != fit.n_agq:
            raise OptionError(
                f"The likelihoods are approximated differently: {first} with n_agq={own.n_agq}, {name} with "
                f"n_agq={fit.n_agq}.",
                hint="Fit all with the same `n_agq`.",
                argument="models",
            )


def _check_rows(first: str, own: Fit, name: str, fit: Fit) -> None:
    one, two = own.design, fit.design
    same_table = one.n_rows == two.n_rows
    if one.n_obs == two.n_obs and not (same_table and not np.array_equal(one.rows, two.rows)):
        return
    if one.n_obs != two.n_obs:
        what = f"{first} was fitted to {one.n_obs:,} rows, {name} to {two.n_obs:,}."
    else:
        what = f"{first} and {name} were fitted to {one.n_obs:,} rows each, but not the same ones."
    missing = [f"{label}: {_missing(fit)}" for label, fit in ((first, own), (name, fit)) if _missing(fit)]
    columns = list(dict.fromkeys([*one.dropped, *two.dropped]))
    if columns:
        hint = f"Fit all on the complete rows: data.dropna(subset={columns!r})."
    elif one.n_weightless or two.n_weightless:
        hint = "Rows of weight zero are left out: fit all on the same rows."
    else:
        hint = "Fit all to the same data frame."
    raise DataError(" ".join([what, *missing]), hint=hint, argument="models")


def _missing(fit: Fit) -> str:
    """Which columns of a fit miss values, in words."""
    parts = [f"“{column}” misses {count:,} value{'s' * (count != 1)}" for column, count in fit.design.dropped.items()]
    if fit.design.n_weightless:
        parts.append(f"{fit.design.n_weightless:,} rows have weight zero")
    return f"{', '.join(parts)}." if parts else ""


def _check_outcome(first: str, own: Fit, name: str, fit: Fit) -> None:
    one, two = own.design, fit.design
    is_same = np.array_equal(one.y, two.y) and (one.trials is None) == (two.trials is None)
    if is_same and one.trials is not None and two.trials is not None:
        is_same = np.array_equal(one.trials, two.trials)
    if is_same:
        return
    texts = one.spec.model.outcome, two.spec.model.outcome
    what = f"{first} has {texts[0]}, {name} has {texts[1]}" if texts[0] != texts[1] else f"{texts[0]} has other values"
    raise DataError(
        f"The outcomes differ: {what}.",
        hint="Likelihoods of different outcomes do not compare: fit all models to the same one, in the same rows.",
        argument="models",
    )
