"""Inference: one file a method, functions on a `Fit` that return frozen results."""

from mlm_widgets.inference.agreement import AllFits, all_fits
from mlm_widgets.inference.coefficients import Coefficients, coefficients
from mlm_widgets.inference.effect_sizes import ICC, R2, icc, null_fit, r2, variance_shares
from mlm_widgets.inference.findings import Finding, findings
from mlm_widgets.inference.group_coefficients import GroupCoefficients, group_coefficients
from mlm_widgets.inference.leverage import hat_values
from mlm_widgets.inference.prediction import (
    Grid,
    base_variables,
    grid_means,
    key_of,
    linear_means,
    offset_of,
    predict_rows,
    read_terms,
    resolve_terms,
    shown_name,
)
from mlm_widgets.inference.satterthwaite import satterthwaite_df, standard_errors
from mlm_widgets.inference.simulation import simulate

__all__ = [
    "ICC",
    "R2",
    "AllFits",
    "Coefficients",
    "Finding",
    "Grid",
    "GroupCoefficients",
    "all_fits",
    "base_variables",
    "coefficients",
    "findings",
    "grid_means",
    "group_coefficients",
    "hat_values",
    "icc",
    "key_of",
    "linear_means",
    "null_fit",
    "offset_of",
    "predict_rows",
    "r2",
    "read_terms",
    "resolve_terms",
    "satterthwaite_df",
    "shown_name",
    "simulate",
    "standard_errors",
    "variance_shares",
]
