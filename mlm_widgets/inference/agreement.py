"""Whether several optimisers, from several starts, end at the same optimum (lme4's `allFit`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.errors import FitError
from mlm_widgets.fitter import OPTIMISERS, Fit, FitOptions

__all__ = ["AllFits", "all_fits"]

AGREE = 1e-5  # of a deviance: no test or interval notices
STARTS = {"moments": None, "ones": 1.0, "small": 0.1}


@dataclass(frozen=True)
class AllFits:
    """What several searches found.

    Attributes
    ----------
    table : DataFrame
        A row a search: optimiser, start, criterion, difference (to the lowest), theta, evaluations, time_ms,
        scaled_gradient, converged, agrees. A search that broke down has no criterion.
    agrees : bool
        Whether all ended within 1e-5 of the lowest criterion.
    sentence : str
        The same in words.
    """

    table: pd.DataFrame
    agrees: bool
    sentence: str

    def __repr__(self) -> str:
        return f"{self.sentence}\n{self.table.drop(columns='theta').to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{self.table.drop(columns='theta').to_html(index=False)}"


def all_fits(fit: Fit, search: Callable[[FitOptions], Fit], optimisers: Sequence[str], max_evaluations: int) -> AllFits:
    """Search by each of `optimisers` from the search's own start and from theta = 1 and 0.1 (on lme4's scale).

    `search` fits the model anew. Nelder-Mead, which takes hundreds of evaluations, has the first of these starts.
    """
    unit = np.concatenate([_diagonal(fit, f) for f in range(len(fit.groups))])
    rows = []
    for optimiser in OPTIMISERS:
        for name, size in STARTS.items() if optimiser in optimisers else ():
            if optimiser == "nelder-mead" and size is not None:
                continue
            start = None if size is None else size * unit
            options = FitOptions(optimiser=optimiser, start=start, max_evaluations=max_evaluations)
            rows.append({"optimiser": optimiser, "start": name} | _row(search, options))
    table = pd.DataFrame(rows)
    lowest = table["criterion"].min()
    table.insert(3, "difference", table["criterion"] - lowest)
    table["agrees"] = table["difference"] <= AGREE + 1e-12 * abs(lowest)
    return AllFits(table, bool(table["agrees"].all()), _sentence(table, fit.criterion - lowest))


def _diagonal(fit: Fit, f: int) -> npt.NDArray[np.float64]:
    """Theta of the unit matrix, as lme4 starts."""
    blocks = [len(block.columns) for block in fit.groups[f].grouping.blocks]
    return np.concatenate([np.eye(q).T[np.triu_indices(q)] for q in blocks])


def _row(search: Callable[[FitOptions], Fit], options: FitOptions) -> dict[str, object]:
    try:
        found = search(options)
    except (FitError, np.linalg.LinAlgError):
        return {"criterion": np.nan, "theta": None, "evaluations": 0, "time_ms": np.nan, "scaled_gradient": np.nan,
                "converged": False}  # fmt: skip
    trace = found.trace
    return {
        "criterion": found.criterion,
        "theta": found.theta,
        "evaluations": trace.n_evaluations,
        "time_ms": trace.elapsed_ms,
        "scaled_gradient": trace.scaled_gradient,
        "converged": found.state != "failed",
    }


def _sentence(table: pd.DataFrame, own: float) -> str:
    n, names = len(table), ", ".join(dict.fromkeys(table["optimiser"]))
    fine = int(table["agrees"].sum())
    if fine == n:
        return f"All {n} searches ({names}) agree: their criteria differ by at most {table['difference'].max():.1e}."
    worst = table.loc[~table["agrees"]]
    which = ", ".join(f"{row.optimiser} from {row.start}" for row in worst.itertuples())
    best = "This fit is among the best." if own <= AGREE else f"This fit is {own:.2g} above the lowest."
    return f"{fine} of {n} searches agree on the lowest criterion; not {which}. {best}"
