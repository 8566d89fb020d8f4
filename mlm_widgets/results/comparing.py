"""`compare`: models side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlm_widgets import inference, tables
from mlm_widgets.errors import OptionError
from mlm_widgets.results.model import MixedModel
from mlm_widgets.results.text import comparison_summary
from mlm_widgets.summary import Summary

__all__ = ["ModelComparison", "compare"]

REFIT = (True, False, "always")


@dataclass(frozen=True)
class ModelComparison:
    """Models side by side: `table` has a row a model; `str()` and a notebook show them.

    Attributes
    ----------
    table : DataFrame
        By increasing number of parameters, indexed by name: npar, AIC, AICc, BIC, logLik, deviance; Chisq, Df and p of
        the likelihood-ratio test against the row before (missing where the two are not nested); weight (Akaike's) and
        evidence_ratio (the weight of the best by AIC over the model's own).
    models : dict of str to MixedModel
        As they were compared, in the order of the table: those that were refitted by maximum likelihood are new.
    reml : bool
        Whether REML criteria were compared.
    notes : tuple of str
        What was refitted, which pairs have no test and why, and what to know of the tests.
    """

    table: pd.DataFrame
    models: dict[str, MixedModel]
    reml: bool
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return str(self._summary())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._summary()._repr_html_()

    def _summary(self) -> Summary:
        first = next(iter(self.models.values()))
        formulas = {name: model.formula for name, model in self.models.items()}
        return comparison_summary(self.table, formulas, first.outcome, first.nobs, list(self.notes), reml=self.reml)


def compare(*models: MixedModel | Mapping[str, MixedModel], refit: bool | str = True) -> ModelComparison:
    """Compare models of the same rows and outcome: likelihood-ratio tests, AIC, AICc, BIC.

    Parameters
    ----------
    *models : MixedModel
        Two or more, in any order; they are called m0, m1, ... as given. Or one dict of names to models.
    refit : {True, False, "always"}
        True: REML fits are made again by maximum likelihood where their fixed parts differ, which a note says; with the
        same fixed parts REML criteria are compared. "always": also then, as R's ``anova`` does. False: raise instead.

    Returns
    -------
    ModelComparison

    Raises
    ------
    DataError
        If rows or outcomes differ; it says how, and what to do.
    OptionError
        If families or approximations of the likelihood differ.

    Notes
    -----
    Each model is tested against the one before it where it holds that model: its fixed part spans the other's, and its
    random terms hold the other's on the same groups. Where it does not (or prior weights, offsets or links differ), the
    test is left out, and a note says so. Coefficients left out as collinear count for nothing. Singular fits are
    compared as they are: of a test of variances the chi-square p is too large (see `MixedModel.ranova`). Generalized
    models are compared by their approximate likelihoods, with the same `n_agq`.

    Examples
    --------
    >>> import mlm_widgets as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> m0 = mlm.fit("Reaction ~ 1 + (Days | Subject)", data)
    >>> m1 = mlm.fit("Reaction ~ Days + (Days | Subject)", data)
    >>> mlm.compare(m0, m1).table[["npar", "deviance", "Chisq", "Df"]].round(2)
       npar  deviance  Chisq   Df
    m0    5   1775.48    NaN  NaN
    m1    6   1751.94  23.54  1.0
    """
    named = _named(models)
    if not any(refit is allowed or (isinstance(refit, str) and refit == allowed) for allowed in REFIT):
        raise OptionError(f"`refit` must be one of True, False, 'always', not {refit!r}.", argument="refit")
    found = inference.compare({name: model.fit_result for name, model in named.items()}, refit)
    compared = {
        name: named[name] if named[name].fit_result is fit else named[name]._of(fit)
        for name, fit in zip(found.names, found.fits, strict=True)
    }
    return ModelComparison(tables.comparison_table(found), compared, found.reml, found.notes)


def _named(models: tuple[Any, ...]) -> dict[str, MixedModel]:
    if len(models) == 1 and isinstance(models[0], Mapping):
        named = {str(name): model for name, model in models[0].items()}
    else:
        named = {f"m{k}": model for k, model in enumerate(models)}
    for name, model in named.items():
        if not isinstance(model, MixedModel):
            raise OptionError(
                f"{name} is no fitted model but a {type(model).__name__}.",
                hint="Write compare(m0, m1), or compare({'null': m0, 'full': m1}).",
                argument="models",
            )
    if len(named) < 2:
        raise OptionError(
            f"`compare` needs two models or more, not {len(named)}.", hint="Write compare(m0, m1).", argument="models"
        )
    return named
