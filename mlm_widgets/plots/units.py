"""Units of measurement in titles."""

from __future__ import annotations

from mlm_widgets.plots.scale import effect_scale
from mlm_widgets.plots.surface import PlottedModel

__all__ = ["effect_unit", "in_brackets", "slope_unit"]

_SINGULAR = {
    name + "s": name for name in ("day", "hour", "minute", "second", "week", "month", "year", "point", "gram", "metre")
}


def effect_unit(model: PlottedModel) -> str | None:
    """The unit of effects: the outcome's, or what they add up on, "log-odds"."""
    return model.units(model.outcome) if model.family.is_linear else effect_scale(model.family)


def slope_unit(model: PlottedModel, per: str) -> str | None:
    """The unit of a slope on the column `per`: "ms per day"."""
    of_outcome, of_per = effect_unit(model), model.units(per)
    if not of_outcome:
        return None
    if not of_per and not model.family.is_linear:
        return of_outcome
    return f"{of_outcome} per {_SINGULAR.get(of_per, of_per) if of_per else 'unit'}"


def in_brackets(text: str, unit: str | None) -> str:
    """A title with its unit, where the unit is known and the title does not say it already: no "Days (days)"."""
    return f"{text} ({unit})" if unit and unit.casefold() != text.casefold() else text
