"""Generalized linear mixed models: Laplace's approximation and adaptive Gauss-Hermite quadrature."""

from mlm_widgets.fitter.glmm.fit import fit_glmm

__all__ = ["fit_glmm"]
