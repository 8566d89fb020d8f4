"""Other models of the same rows: what a fit is compared with."""

from __future__ import annotations

from dataclasses import replace

from mlm_widgets.design import build_design
from mlm_widgets.fitter import Fit, fit_glmm, fit_lmm, prepare
from mlm_widgets.fitter.glmm.held import glmm_optimum, without_random
from mlm_widgets.formula import ModelSpec
from mlm_widgets.frames import Frame

__all__ = ["criterion_without_random", "ml_fit", "n_parameters", "related_fit"]


def related_fit(fit: Fit, frame: Frame, spec: ModelSpec, *, reml: bool) -> Fit:
    """The fit of `spec` to the rows, outcome, weights and offset of `fit`; its terms may be other ones.

    Raises
    ------
    MlmError
        If it cannot be fitted.
    """
    own = fit.design
    plain = build_design(spec.with_(weights=None, offset=None), frame, rows=own.rows, family=fit.family)
    design = replace(
        plain,
        spec=replace(plain.spec, model=spec),
        y=own.y,
        weights=own.weights,
        offset=own.offset,
        trials=own.trials,
    )
    if fit.family.is_linear:
        return fit_lmm(design, reml=reml)
    return fit_glmm(design, fit.family, n_agq=fit.n_agq)


def ml_fit(fit: Fit) -> Fit:
    """`fit` by maximum likelihood."""
    return prepare(fit.design, reml=False).fit() if fit.reml else fit


def criterion_without_random(fit: Fit) -> float:
    """The criterion of the model of `fit` without random effects: of the ordinary regression, by REML as by ML."""
    if not fit.family.is_linear:
        return without_random(glmm_optimum(fit))
    prepared = prepare(fit.design, reml=fit.reml)
    theta = 0.0 * fit.theta_centred
    return fit.criterion + prepared.at(theta).value - prepared.at(fit.theta_centred).value


def n_parameters(fit: Fit) -> int:
    """Fixed coefficients, variance parameters, and the dispersion where there is one."""
    return len(fit.beta) + len(fit.theta) + fit.family.has_dispersion
