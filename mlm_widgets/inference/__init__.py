"""Inference: one file a method, functions on a `Fit` that return frozen results."""

from mlm_widgets.inference.effect_sizes import ICC, R2, icc, null_fit, r2, variance_shares
from mlm_widgets.inference.findings import Finding, findings
from mlm_widgets.inference.prediction import Grid, base_variables, grid_means, linear_means, predict_rows, resolve_terms
from mlm_widgets.inference.satterthwaite import satterthwaite_df, standard_errors

__all__ = [
    "ICC",
    "R2",
    "Finding",
    "Grid",
    "base_variables",
    "findings",
    "grid_means",
    "icc",
    "linear_means",
    "null_fit",
    "predict_rows",
    "r2",
    "resolve_terms",
    "satterthwaite_df",
    "standard_errors",
    "variance_shares",
]
