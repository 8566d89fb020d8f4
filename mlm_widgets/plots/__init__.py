"""Charts of a model: plain functions that return Altair charts.

``coefficients``, ``caterpillar``, ``predictions`` and ``power`` draw; each has a twin ``..._spec`` that returns the
same as a Vega-Lite specification without importing Altair. What they share: ``theme`` (colours and configuration),
``surface`` (what is asked of a model), ``scale`` (log-odds, ratios, probabilities), ``lettering`` (widths of texts),
``digits`` (numbers and axes), ``marks`` (layers), ``chart`` (the whole).
"""

from mlm_widgets.plots.caterpillar import caterpillar, caterpillar_spec
from mlm_widgets.plots.chart import inert
from mlm_widgets.plots.coefficients import coefficients, coefficients_spec
from mlm_widgets.plots.power import power, power_spec
from mlm_widgets.plots.predictions import predictions, predictions_spec
from mlm_widgets.plots.scale import effect_scale, has_average, outcome_words, ratio_name, sentence

__all__ = [
    "caterpillar",
    "caterpillar_spec",
    "coefficients",
    "coefficients_spec",
    "effect_scale",
    "has_average",
    "inert",
    "outcome_words",
    "power",
    "power_spec",
    "predictions",
    "predictions_spec",
    "ratio_name",
    "sentence",
]
