"""A model for charts without a fitter: least squares for the fixed effects, shrunken group residuals for the random
ones.

It has the surface that charts ask for, for sizes and shapes that would be slow or awkward to fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from formulaic import model_matrix
from scipy import stats

from mlm_widgets.families import FAMILIES, Family
from mlm_widgets.plots.options import chosen

RANDOM_COLUMNS = ["group", "level", "term", "estimate", "se", "lower", "upper"]


@dataclass(frozen=True)
class StandIn:
    data: pd.DataFrame
    outcome: str
    fixed: str  # the right-hand side, in formulaic's syntax
    groups: Mapping[str, Sequence[str]]  # grouping factor -> its terms
    levels: Mapping[str, str] = field(default_factory=dict)  # column -> "L1", "L2"
    unit_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> Family:
        return FAMILIES["gaussian"]

    @property
    def fit_result(self) -> Any:
        raise NotImplementedError

    @property
    def formula(self) -> str:
        bars = [f"({' + '.join(['1', *terms[1:]])} | {group})" for group, terms in self.groups.items()]
        return f"{self.outcome} ~ {self.fixed} + {' + '.join(bars)}"

    @property
    def predictors(self) -> list[str]:
        return [name for name in self.data.columns if name != self.outcome and name not in self.groups]

    @property
    def n_groups(self) -> dict[str, int]:
        return {group: self.data[group].nunique() for group in self.groups}

    @cached_property
    def _matrix(self) -> Any:
        return model_matrix(self.fixed, self.data)

    @cached_property
    def _least_squares(self) -> tuple[Any, Any, Any]:
        X = self._matrix.to_numpy(dtype=float)
        y = self.data[self.outcome].to_numpy(dtype=float)
        inverse = np.linalg.pinv(X.T @ X)
        beta = inverse @ X.T @ y
        resid = y - X @ beta
        return beta, inverse * (resid @ resid) / (len(y) - X.shape[1]), resid

    def tidy(self, effects: str = "all", *, level: float = 0.95, exponentiate: bool = False) -> pd.DataFrame:
        beta, covariance, resid = self._least_squares
        error = np.sqrt(np.diag(covariance))
        df = float(len(resid) - len(beta))
        half = stats.t.ppf((1 + level) / 2, df) * error
        return pd.DataFrame(
            {
                "effect": "fixed",
                "group": "",
                "term": list(self._matrix.columns),
                "estimate": beta,
                "std_error": error,
                "statistic": beta / error,
                "df": df,
                "p_value": 2 * stats.t.sf(np.abs(beta / error), df),
                "conf_low": beta - half,
                "conf_high": beta + half,
            }
        )

    def term_info(self) -> pd.DataFrame:
        rows = []
        for term in self._matrix.columns:
            parts = [part.replace("[T.", " [") for part in term.split(":")]
            found = sorted({self.levels.get(part.split(" [")[0].strip("`"), "") for part in parts})
            is_intercept = term == "Intercept"
            label = " × ".join(part.replace("`", "") for part in parts)
            rows.append((term, label, "" if is_intercept else "×".join(found), is_intercept))
        return pd.DataFrame(rows, columns=["term", "label", "level", "is_intercept"])

    def ranef(self, *, level: float = 0.95) -> pd.DataFrame:
        return pd.concat([self._modes(group, terms, level) for group, terms in self.groups.items()])

    def _modes(self, group: str, terms: Sequence[str], level: float) -> pd.DataFrame:
        resid = self._least_squares[2]
        rows = []
        for name, index in self.data.groupby(group, observed=True, sort=True).indices.items():
            for term in terms:
                raw = 1.0 if term == "Intercept" else self.data[term].to_numpy(dtype=float)[index]
                x = raw - (0.0 if term == "Intercept" else np.mean(raw))
                weight = float(np.sum(np.broadcast_to(x, len(index)) ** 2))
                prior = 0.2 if term == "Intercept" else 0.05
                variance = np.var(resid) / (weight + 1 / prior)
                estimate = float(np.sum(x * resid[index])) / (weight + 1 / prior)
                half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
                rows.append((group, str(name), term, estimate, np.sqrt(variance), estimate - half, estimate + half))
        return pd.DataFrame(rows, columns=RANDOM_COLUMNS)

    def focal_terms(self, terms: Any) -> dict[str, Any]:
        wanted = dict(terms) if isinstance(terms, dict) else dict.fromkeys([terms] if isinstance(terms, str) else terms)
        for name in wanted:
            chosen(name, self.predictors, "terms")
        return wanted

    def predictor_label(self, name: str) -> tuple[str, str]:
        return name, ""

    def column_kind(self, name: str) -> str:
        return "number" if pd.api.types.is_numeric_dtype(self.data[name]) else "factor"

    def column_levels(self, name: str) -> list[str]:
        column = self.data[name]
        return [str(each) for each in (column.cat.categories if hasattr(column, "cat") else sorted(column.unique()))]

    def units(self, name: str) -> str | None:
        return self.unit_of.get(name)

    def predictions(self, terms: Any, *, level: float = 0.95, groups: str = "typical") -> pd.DataFrame:
        wanted = terms if isinstance(terms, Mapping) else dict.fromkeys(terms)
        focal = next((name for name in wanted if self.column_kind(name) == "number"), None)
        values = {name: self._values(name, how, name == focal) for name, how in wanted.items()}
        grid = pd.MultiIndex.from_product(list(values.values())).to_frame(index=False)
        grid.columns = list(values)
        rows = grid.copy()
        for name in self.data.columns.difference(grid.columns):
            column = self.data[name]
            rows[name] = column.mean() if self.column_kind(name) == "number" else self.column_levels(name)[0]
        X = np.asarray(self._matrix.model_spec.get_model_matrix(rows), dtype=float)
        beta, covariance, _ = self._least_squares
        error = np.sqrt(np.einsum("ij,jk,ik->i", X, covariance, X))
        half = stats.norm.ppf((1 + level) / 2) * error
        estimate = X @ beta
        numbers = pd.DataFrame(
            {"estimate": estimate, "std_error": error, "conf_low": estimate - half, "conf_high": estimate + half}
        )
        return pd.concat([grid, numbers], axis=1)

    def _values(self, name: str, how: Any, is_focal: bool) -> list[Any]:
        if self.column_kind(name) == "factor":
            return list(how or self.column_levels(name))
        column = self.data[name]
        if how == "range" or (how is None and is_focal):
            return list(np.linspace(column.quantile(0.01), column.quantile(0.99), 50))
        if how == "quartiles":
            return list(column.quantile([0.25, 0.5, 0.75]))
        if how in (None, "sd"):
            return [column.mean() + k * column.std() for k in (-1, 0, 1)]
        return list(how)
