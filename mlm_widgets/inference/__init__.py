"""Inference: one file a method, functions on a `Fit` that return frozen results."""

from mlm_widgets.inference.agreement import AllFits, all_fits
from mlm_widgets.inference.anova import ANOVA_TYPES, Anova, anova
from mlm_widgets.inference.assumed import PowerDesign, Predictor, assumed_truth
from mlm_widgets.inference.averaging import averaged
from mlm_widgets.inference.bootstrap import INTERVALS, KINDS, Bootstrap, Statistic, bootstrap
from mlm_widgets.inference.coefficients import Coefficients, coefficients
from mlm_widgets.inference.compare import Comparison, compare
from mlm_widgets.inference.contrasts import Hypothesis, read_hypothesis
from mlm_widgets.inference.decomposition import Decomposition, check_two_levels, decomposition
from mlm_widgets.inference.design_effect import DesignEffect, check_design_effect, design_effects
from mlm_widgets.inference.drop1 import DroppedTerms, drop1
from mlm_widgets.inference.effect_sizes import (
    ICC,
    R2,
    VARIANCE_METHODS,
    default_variance_method,
    icc,
    null_fit,
    observation_variance,
    r2,
    uses_null,
    variance_shares,
)
from mlm_widgets.inference.explained import LevelShare, check_levels_explained, explained_by_level, intercepts_fit
from mlm_widgets.inference.extension import extended
from mlm_widgets.inference.finding import Finding
from mlm_widgets.inference.findings import findings
from mlm_widgets.inference.ftest import FTest
from mlm_widgets.inference.generalized_findings import Overdispersion, ZeroInflation, overdispersion, zero_inflation
from mlm_widgets.inference.grid import Grid, grid_means
from mlm_widgets.inference.group_coefficients import GroupCoefficients, group_coefficients
from mlm_widgets.inference.guidance import guidance
from mlm_widgets.inference.leverage import hat_values
from mlm_widgets.inference.power import TESTS, Power, power
from mlm_widgets.inference.prediction import (
    Means,
    linear_means,
    linear_predictor,
    offset_of,
    predict_rows,
    response_means,
)
from mlm_widgets.inference.profile import Profile, profile
from mlm_widgets.inference.progress import Progress, ProgressOption
from mlm_widgets.inference.ranova import RandomTests, ranova
from mlm_widgets.inference.refitting import refit_glmm
from mlm_widgets.inference.remedies import Remedy, remedies
from mlm_widgets.inference.resampling import outermost
from mlm_widgets.inference.residuals import RESIDUALS, residuals
from mlm_widgets.inference.simulation import Truth, simulate, truth_of
from mlm_widgets.inference.standardised import STANDARDISED, Scales, basic_scales, scaled_fit, within_scales
from mlm_widgets.inference.terms import base_variables, key_of, read_terms, resolve_terms, shown_name
from mlm_widgets.inference.wald import DF_METHODS, Wald, wald
from mlm_widgets.inference.working import WorkingModel, working_model, working_weights

__all__ = [
    "ANOVA_TYPES",
    "DF_METHODS",
    "ICC",
    "INTERVALS",
    "KINDS",
    "R2",
    "RESIDUALS",
    "STANDARDISED",
    "TESTS",
    "VARIANCE_METHODS",
    "AllFits",
    "Anova",
    "Bootstrap",
    "Coefficients",
    "Comparison",
    "Decomposition",
    "DesignEffect",
    "DroppedTerms",
    "FTest",
    "Finding",
    "Grid",
    "GroupCoefficients",
    "Hypothesis",
    "LevelShare",
    "Means",
    "Overdispersion",
    "Power",
    "PowerDesign",
    "Predictor",
    "Profile",
    "Progress",
    "ProgressOption",
    "RandomTests",
    "Remedy",
    "Scales",
    "Statistic",
    "Truth",
    "Wald",
    "WorkingModel",
    "ZeroInflation",
    "all_fits",
    "anova",
    "assumed_truth",
    "averaged",
    "base_variables",
    "basic_scales",
    "bootstrap",
    "check_design_effect",
    "check_levels_explained",
    "check_two_levels",
    "coefficients",
    "compare",
    "decomposition",
    "default_variance_method",
    "design_effects",
    "drop1",
    "explained_by_level",
    "extended",
    "findings",
    "grid_means",
    "group_coefficients",
    "guidance",
    "hat_values",
    "icc",
    "intercepts_fit",
    "key_of",
    "linear_means",
    "linear_predictor",
    "null_fit",
    "observation_variance",
    "offset_of",
    "outermost",
    "overdispersion",
    "power",
    "predict_rows",
    "profile",
    "r2",
    "ranova",
    "read_hypothesis",
    "read_terms",
    "refit_glmm",
    "remedies",
    "residuals",
    "resolve_terms",
    "response_means",
    "scaled_fit",
    "shown_name",
    "simulate",
    "truth_of",
    "uses_null",
    "variance_shares",
    "wald",
    "within_scales",
    "working_model",
    "working_weights",
    "zero_inflation",
]
