"""Criterion, gradient and search of mixed models: a design goes in, a frozen fit comes out."""

from mlm_widgets.fitter.fit import Fit, GroupFit, Trace
from mlm_widgets.fitter.lmm import fit_lmm
from mlm_widgets.fitter.options import FitOptions

__all__ = ["Fit", "FitOptions", "GroupFit", "Trace", "fit_lmm"]
