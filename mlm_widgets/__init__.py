"""Multilevel models in a notebook: a builder to point and click with, and the engine beneath it for scripts.

>>> import mlm_widgets as mlm
>>> m = mlm.fit("mathach ~ ses + (ses | school)", mlm.datasets.load("hsb"))
>>> m.n_groups
{'school': 160}

Widgets and plots are loaded when they are first used, so that the engine also works where no notebook is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlm_widgets import datasets
from mlm_widgets.errors import (
    Cancelled,
    DataError,
    DatasetError,
    DesignError,
    FitError,
    FormulaError,
    MlmError,
    OptionError,
)

if TYPE_CHECKING:
    from mlm_widgets import plots
    from mlm_widgets.fitter import FitOptions
    from mlm_widgets.formula import ModelSpec
    from mlm_widgets.inference import PowerDesign, Predictor
    from mlm_widgets.results import MixedModel, compare, fit, power
    from mlm_widgets.widgets import ModelBuilder

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "DataError",
    "DatasetError",
    "DesignError",
    "FitError",
    "FitOptions",
    "FormulaError",
    "MixedModel",
    "MlmError",
    "ModelBuilder",
    "ModelSpec",
    "OptionError",
    "PowerDesign",
    "Predictor",
    "compare",
    "datasets",
    "fit",
    "plots",
    "power",
]

_LAZY = {
    "FitOptions": "mlm_widgets.fitter",
    "MixedModel": "mlm_widgets.results",
    "ModelBuilder": "mlm_widgets.widgets",
    "ModelSpec": "mlm_widgets.formula",
    "PowerDesign": "mlm_widgets.inference",
    "Predictor": "mlm_widgets.inference",
    "compare": "mlm_widgets.results",
    "fit": "mlm_widgets.results",
    "power": "mlm_widgets.results",
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("mlm_widgets.plots")
    if name in _LAZY:
        value = getattr(import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
