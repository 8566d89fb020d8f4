"""Profile likelihood of a model's parameters: curves of zeta, and the intervals that they give."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mlm_widgets.errors import Cancelled, OptionError
from mlm_widgets.fitter import Fit
from mlm_widgets.inference.profile_curves import Curve, chosen_parameters, profile_curves
from mlm_widgets.inference.progress import ProgressOption
from mlm_widgets.inference.related import ml_fit

__all__ = ["Profile", "profile"]

FLAT = 1e-3  # zeta that must be reached somewhere: below it all values are as likely


@dataclass(frozen=True, slots=True)
class Profile:
    """Profiles of parameters.

    Attributes
    ----------
    curves : tuple of Curve
        One a parameter: points with exact slopes.
    level : float
        The largest level of an interval that the curves reach.
    notes : tuple of str
        What kind of likelihood it is, and which parameters are at a boundary.
    """

    curves: tuple[Curve, ...]
    level: float
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The curves: parameter, value, zeta. Zeta is 0 at the estimate, about ±1.96 at the limits of 95 %."""
        columns = ["parameter", "value", "zeta"]
        parts = [
            pd.DataFrame({"parameter": curve.parameter.name, "value": curve.value, "zeta": curve.zeta})
            for curve in self.curves
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    @property
    def estimate(self) -> pd.Series[float]:
        """Maximum likelihood estimates, by parameter."""
        names = [curve.parameter.name for curve in self.curves]
        return pd.Series([curve.estimate for curve in self.curves], index=names, name="estimate", dtype=float)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Intervals: columns `lower`, `upper`; `attrs["notes"]` says which limits are the ends of a parameter's range.

        Raises
        ------
        OptionError
            If the curves do not reach so far.
        """
        if not isinstance(level, (int, float)) or not 0 < level <= self.level:
            raise OptionError(
                f"`level` must lie between 0 and {self.level:g}, as far as the profile reaches, not {level!r}.",
                hint="For wider intervals make the profile again: profile(level=0.999).",
                argument="level",
            )
        limits = [curve.limits(level) for curve in self.curves]
        names = [curve.parameter.name for curve in self.curves]
        table = pd.DataFrame(limits, index=names, columns=["lower", "upper"], dtype=float)
        notes = [_at_bound(curve, *own) for curve, own in zip(self.curves, limits, strict=True)]
        table.attrs["notes"] = (*self.notes, *(note for note in notes if note))
        return table

    def __repr__(self) -> str:
        table = pd.concat([self.estimate, self.conf_int(min(0.95, self.level))], axis=1)
        return "\n".join(["Profile likelihood", table.to_string(), *self.notes])

    def _repr_html_(self) -> str:
        table = pd.concat([self.estimate, self.conf_int(min(0.95, self.level))], axis=1)
        return table.to_html() + "".join(f"<p>{note}</p>" for note in self.notes)


def profile(
    fit: Fit,
    names: str | Sequence[str] | None = None,
    level: float = 0.99,
    progress: ProgressOption = None,
    cancel: threading.Event | None = None,
) -> Profile:
    """The profiles of the parameters `names` (default: all) of `fit`; see `profile_curves`.

    A REML fit is fitted again by maximum likelihood: REML criteria do not compare where a fixed effect is held.

    Raises
    ------
    OptionError
        If there is no such parameter.
    FitError
        If a search does not converge, or finds a lower deviance than the fit has.
    Cancelled
        With the profile of the parameters that were finished.
    """
    own = ml_fit(fit)
    chosen = chosen_parameters(own, names)
    notes = _notes(fit)
    try:
        curves = profile_curves(own, chosen, level, progress, cancel)
    except Cancelled as stop:
        made = stop.partial if isinstance(stop.partial, tuple) else ()
        raise Cancelled("Profile", stop.done, stop.total, Profile(made, level, notes)) from None
    return Profile(curves, level, notes)


def _notes(fit: Fit) -> tuple[str, ...]:
    if fit.reml:
        return ("Profiles are of the likelihood, of a second fit by maximum likelihood.",)
    if fit.family.is_linear:
        return ()
    how = "Laplace's approximation to the likelihood" if fit.n_agq == 1 else f"quadrature with {fit.n_agq} nodes"
    return (f"Profiles are of {how}.",)


def _at_bound(curve: Curve, lower: float, upper: float) -> str | None:
    """What to say of limits that are ends of the parameter's range."""
    name, (low, high) = curve.parameter.name, curve.parameter.bounds
    ends = [end for end, bound in ((lower, low), (upper, high)) if end == bound]
    if curve.parameter.kind == "fixed" or not ends:
        return None
    if abs(curve.zeta).max() < FLAT:
        return f"{name} is not determined by the data: every value is as likely."
    which = "Both limits" if len(ends) == 2 else "The lower limit" if ends[0] == lower else "The upper limit"
    at = " and ".join(f"{end:g}" for end in ends)
    verb = "are the ends of its range" if len(ends) == 2 else "is the end of its range"
    return f"{which} of {name}, {at}, {verb}: the data do not exclude it."
