"""What the charts ask of a model: the part of :class:`mlm_widgets.results.MixedModel` that they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import pandas as pd

from mlm_widgets.families import Family
from mlm_widgets.fitter import Fit

__all__ = ["PlottedModel"]


class PlottedModel(Protocol):
    """A fitted model, as far as charts see it."""

    @property
    def formula(self) -> str:
        """The formula."""

    @property
    def outcome(self) -> str:
        """The outcome's name."""

    @property
    def family(self) -> Family:
        """The distribution of the outcome given the random effects, with its link."""

    @property
    def fit_result(self) -> Fit:
        """The record of the fit; asked of generalized models alone."""

    @property
    def n_groups(self) -> Mapping[str, int]:
        """Number of groups of each grouping factor."""

    @property
    def predictors(self) -> Sequence[str]:
        """Variables of the fixed part that can be set, as columns of `data`."""

    @property
    def data(self) -> pd.DataFrame:
        """The rows that were used."""

    def tidy(self, effects: Literal["fixed"], *, level: float, exponentiate: bool = False) -> pd.DataFrame:
        """Estimates with intervals; exponentiated, they are ratios."""

    def ranef(self, *, level: float) -> pd.DataFrame:
        """Conditional modes, a row a group and term."""

    def term_info(self) -> pd.DataFrame:
        """Label and level of each fixed coefficient."""

    def predictions(self, terms: Any, *, level: float, groups: str = "typical") -> pd.DataFrame:
        """Population-level means over a grid, of a typical group or averaged over groups."""

    def focal_terms(self, terms: Any) -> dict[str, Any]:
        """Predictors by name, with what is asked of their values (None: what suits)."""

    def predictor_label(self, name: str) -> tuple[str, str]:
        """What a predictor is called where people read, and a remark."""

    def column_kind(self, name: str) -> str:
        """``"number"`` or ``"factor"``."""

    def column_levels(self, name: str) -> Sequence[str]:
        """Levels of a factor."""

    def units(self, name: str) -> str | None:
        """The unit of a column."""
