"""Fitted models: `fit`, and `MixedModel`, their face."""

from mlm_widgets.results.comparing import ModelComparison, compare
from mlm_widgets.results.fitting import fit, fit_spec
from mlm_widgets.results.model import MixedModel, RanefCov
from mlm_widgets.results.study import power

__all__ = ["MixedModel", "ModelComparison", "RanefCov", "compare", "fit", "fit_spec", "power"]
