"""Criterion, gradient and search of mixed models: a design goes in, a frozen fit comes out."""

from mlm_widgets.fitter.certificate import Certificate
from mlm_widgets.fitter.criterion import Evaluation
from mlm_widgets.fitter.fit import Fit, GroupFit, Trace
from mlm_widgets.fitter.glmm import fit_glmm
from mlm_widgets.fitter.lmm import Prepared, fit_lmm, prepare
from mlm_widgets.fitter.moments import VarianceMoments, variance_moments
from mlm_widgets.fitter.options import OPTIMISERS, FitOptions

__all__ = [
    "OPTIMISERS",
    "Certificate",
    "Evaluation",
    "Fit",
    "FitOptions",
    "GroupFit",
    "Prepared",
    "Trace",
    "VarianceMoments",
    "fit_glmm",
    "fit_lmm",
    "prepare",
    "variance_moments",
]
