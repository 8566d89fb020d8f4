"""One linear mixed model fitted to many outcomes at once."""

from mlm_widgets.fitter.batch.fit import BatchFit, Refitter, no_fits
from mlm_widgets.fitter.batch.lanes import Lanes

__all__ = ["BatchFit", "Lanes", "Refitter", "no_fits"]
