"""Results -> tidy data frames. Column names are fixed here, once (broom.mixed's, in snake_case)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from mlm_widgets.fitter import Fit, GroupFit
from mlm_widgets.formula import to_formula
from mlm_widgets.inference import (
    Anova,
    Coefficients,
    Comparison,
    DesignEffect,
    DroppedTerms,
    FTest,
    Grid,
    GroupCoefficients,
    Hypothesis,
    LevelShare,
    RandomTests,
    Remedy,
    Scales,
    Wald,
)

__all__ = [
    "anova_table",
    "coefficient_table",
    "comparison_table",
    "design_effect_table",
    "dropped_table",
    "f_test_table",
    "fixed_table",
    "grid_table",
    "hypothesis_rows",
    "level_table",
    "mode_table",
    "random_test_table",
    "remedy_table",
    "scaled_table",
    "tidy_table",
    "variance_table",
]

TIDY = [
    "effect", "group", "term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high",
]  # fmt: skip


def fixed_table(coefficients: Coefficients, level: float, *, is_ratio: bool = False) -> pd.DataFrame:
    """A row a fixed coefficient: estimate, std_error, df, statistic, p_value, conf_low, conf_high; indexed by name.

    Ratios are exponentials, with standard errors by the delta method, and the tests of the coefficients (as broom).
    """
    low, high = coefficients.limits(level)
    estimate, std_error = coefficients.estimate, coefficients.std_error
    if is_ratio:
        with np.errstate(over="ignore"):  # of a coefficient that separation has driven off
            estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
            std_error = estimate * std_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "df": coefficients.df,
            "statistic": coefficients.statistic,
            "p_value": coefficients.p_value,
            "conf_low": low,
            "conf_high": high,
        },
        index=pd.Index(coefficients.names, name="term"),
    )


def anova_table(found: Anova, sigma: float, *, has_df: bool) -> pd.DataFrame:
    """A row a term, indexed by it; columns as of `f_test_table`."""
    return f_test_table(found.tests, sigma, has_df=has_df).set_axis(pd.Index(found.terms, name="term", dtype=object))


def f_test_table(tests: Sequence[FTest], sigma: float, *, has_df: bool) -> pd.DataFrame:
    """A row a test.

    Columns: sum_sq, mean_sq, num_df, den_df, statistic (F), p_value; without degrees of freedom statistic
    (chi-square), df, p_value.
    """
    num_df = np.array([test.num_df for test in tests], dtype=np.int64)
    p_value = np.array([test.p_value for test in tests])
    unscaled = np.array([test.unscaled for test in tests])
    if not has_df:
        return pd.DataFrame({"statistic": unscaled * num_df, "df": num_df, "p_value": p_value})
    mean_sq = unscaled * sigma**2
    return pd.DataFrame(
        {
            "sum_sq": mean_sq * num_df,
            "mean_sq": mean_sq,
            "num_df": num_df,
            "den_df": np.array([test.den_df for test in tests]),
            "statistic": np.array([test.statistic for test in tests]),
            "p_value": p_value,
        }
    )


def hypothesis_rows(tests: Wald, hypothesis: Hypothesis) -> list[dict[str, Any]]:
    """The t or z test of each row by itself: hypothesis, estimate of the difference, std_error, df, statistic, p."""
    difference = hypothesis.L @ tests.fit.beta - hypothesis.rhs
    std_error, df = tests.std_error(hypothesis.L), tests.df(hypothesis.L)
    t = difference / std_error
    p_value = 2.0 * stats.t.sf(np.abs(t), df)
    names = ("hypothesis", "estimate", "std_error", "df", "statistic", "p_value")
    rows = np.column_stack([difference, std_error, df, t, p_value]).tolist()
    return [dict(zip(names, (label, *row), strict=True)) for label, row in zip(hypothesis.labels, rows, strict=True)]


def variance_table(fit: Fit) -> pd.DataFrame:
    """lme4's VarCorr as a frame: variances (`term2` empty), covariances with their correlations, residual variance.

    The last is there where the outcome is normal.
    """
    rows: list[tuple[str, str | None, str | None, float, float]] = []
    for group in fit.groups:
        rows.extend(_variance_rows(group, fit.sigma))
    if fit.family.is_gaussian:
        rows.append(("Residual", None, None, fit.dispersion, float(np.sqrt(fit.dispersion))))
    return pd.DataFrame(rows, columns=["group", "term1", "term2", "variance", "sd_or_corr"])


def _variance_rows(group: GroupFit, sigma: float) -> Iterator[tuple[str, str | None, str | None, float, float]]:
    covariance = sigma**2 * group.lam @ group.lam.T
    sd = np.sqrt(np.diag(covariance))
    names = group.grouping.names
    for name, variance, own in zip(names, np.diag(covariance), sd, strict=True):
        yield group.grouping.name, name, None, float(variance), float(own)
    for block in group.grouping.blocks:
        for a in block.columns:
            for b in range(block.start, a):
                size = sd[a] * sd[b]
                correlation = float(covariance[a, b] / size) if size > 0 else np.nan
                yield group.grouping.name, names[b], names[a], float(covariance[a, b]), correlation


def mode_table(fit: Fit, level: float) -> pd.DataFrame:
    """Conditional modes in long form: group, level, term, estimate, se, lower, upper."""
    reach = stats.norm.ppf(0.5 + level / 2)
    parts = []
    for group in fit.groups:
        grouping = group.grouping
        q, J = group.modes.shape
        se = np.sqrt(np.maximum(np.einsum("aaj->aj", group.mode_covariance), 0.0))
        parts.append(
            pd.DataFrame(
                {
                    "group": grouping.name,
                    "level": np.tile(np.array(grouping.levels, dtype=object), q),
                    "term": np.repeat(np.array(grouping.names, dtype=object), J),
                    "estimate": group.modes.ravel(),
                    "se": se.ravel(),
                    "lower": (group.modes - reach * se).ravel(),
                    "upper": (group.modes + reach * se).ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def coefficient_table(coefficients: list[GroupCoefficients]) -> pd.DataFrame:
    """Coefficients by group in long form: group, level, term, estimate, se."""
    parts = []
    for own in coefficients:
        levels = own.group.grouping.levels
        parts.append(
            pd.DataFrame(
                {
                    "group": own.group.grouping.name,
                    "level": np.tile(np.array(levels, dtype=object), len(own.terms)),
                    "term": np.repeat(np.array(own.terms, dtype=object), len(levels)),
                    "estimate": own.estimate.ravel(),
                    "se": own.std_error.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def tidy_table(
    fit: Fit, coefficients: Coefficients, effects: str, level: float, *, is_ratio: bool = False
) -> pd.DataFrame:
    """Fixed coefficients (`effect` "fixed") and standard deviations and correlations ("random") in one frame."""
    fixed = fixed_table(coefficients, level, is_ratio=is_ratio).reset_index().assign(effect="fixed", group=None)
    if effects == "fixed":
        return fixed[TIDY]
    variances = variance_table(fit)
    random = pd.DataFrame(
        {
            "effect": "random",
            "group": variances["group"],
            "term": [_random_term(a, b) for a, b in zip(variances["term1"], variances["term2"], strict=True)],
            "estimate": variances["sd_or_corr"],
        }
    ).reindex(columns=TIDY)
    if effects == "random":
        return random
    return pd.DataFrame({name: [*fixed[name], *random[name]] for name in TIDY})


def _random_term(first: str | None, second: str | None) -> str:
    if first is None or pd.isna(first):
        return "sd__Observation"
    return f"sd__{first}" if second is None or pd.isna(second) else f"cor__{first}.{second}"


def grid_table(grid: Grid) -> pd.DataFrame:
    """Population means over a grid: the predictors, then estimate, std_error, df, conf_low, conf_high."""
    means = grid.means
    columns: dict[str, npt.NDArray[np.float64]] = {
        "estimate": means.estimate,
        "std_error": means.std_error,
        "df": means.df,
        "conf_low": means.lower,
        "conf_high": means.upper,
    }
    return grid.rows.assign(**columns)


def comparison_table(found: Comparison) -> pd.DataFrame:
    """A row a model, as R's anova has it, with AICc, weight and evidence_ratio."""
    columns = {
        "npar": found.n_params.astype(int),
        "AIC": found.aic,
        "AICc": found.aicc,
        "BIC": found.bic,
        "logLik": -found.criterion / 2.0,
        "deviance": found.criterion,
        "Chisq": found.statistic,
        "Df": found.df,
        "p": found.p_value,
        "weight": found.weight,
        "evidence_ratio": found.evidence_ratio,
    }
    return pd.DataFrame(columns, index=list(found.names))


def random_test_table(found: RandomTests) -> pd.DataFrame:
    """A row a random term, as lmerTest's ranova has it: npar, logLik, AIC, Chisq, Df, p_chisq, p_mixture."""
    columns = {
        "npar": found.n_params.astype(int),
        "logLik": -found.criterion / 2.0,
        "AIC": found.criterion + 2.0 * found.n_params,
        "Chisq": found.statistic,
        "Df": found.df,
        "p_chisq": found.p_chi_square,
        "p_mixture": found.p_mixture,
    }
    return pd.DataFrame(columns, index=pd.Index(found.names, name="term"))


def dropped_table(found: DroppedTerms) -> pd.DataFrame:
    """A row a fixed term, as R's drop1 has it: npar, logLik, AIC, Chisq, Df, p."""
    columns = {
        "npar": found.n_params.astype(int),
        "logLik": -found.criterion / 2.0,
        "AIC": found.criterion + 2.0 * found.n_params,
        "Chisq": found.statistic,
        "Df": found.df,
        "p": found.p_value,
    }
    return pd.DataFrame(columns, index=pd.Index(found.names, name="term"))


def scaled_table(coefficients: Coefficients, scales: Scales, level: float) -> pd.DataFrame:
    """Coefficients in other units, a row each, indexed by term: estimate, std_error, conf_low, conf_high."""
    own = fixed_table(coefficients, level)[["estimate", "std_error", "conf_low", "conf_high"]].iloc[scales.places]
    return own.mul(scales.factors, axis=0)


def level_table(shares: Sequence[LevelShare]) -> pd.DataFrame:
    """A row a level, the residuals first, indexed by `group`: variance_null, variance, shares explained, group_size."""
    columns = ["group", "variance_null", "variance", "raudenbush_bryk", "snijders_bosker", "group_size"]
    return _records(shares, columns).set_index("group")


def design_effect_table(effects: Sequence[DesignEffect]) -> pd.DataFrame:
    """A row a grouping factor, indexed by `group`: n_groups, sizes, icc, design_effect, effective_n."""
    columns = ["group", "n_groups", "mean_size", "weighted_size", "icc", "design_effect", "effective_n"]
    return _records(effects, columns).set_index("group")


def remedy_table(found: Sequence[Remedy]) -> pd.DataFrame:
    """A row a remedy: the component, the simpler formula, both fits' numbers and the test between them."""
    table = _records(
        found,
        [
            "group", "term", "action", "criterion", "criterion_after", "n_params", "n_params_after", "aic",
            "aic_after", "statistic", "df", "p_chi_square", "p_mixture", "is_singular_after",
        ],
    )  # fmt: skip
    table.insert(3, "formula", [to_formula(remedy.spec) for remedy in found])
    return table


def _records(found: Sequence[Any], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame([[getattr(one, name) for name in columns] for one in found], columns=columns)
