"""Conditional modes of one grouping factor, in the order in which the caterpillar shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.errors import MlmError
from mlm_widgets.plots.chart import inert
from mlm_widgets.plots.digits import decimals_for
from mlm_widgets.plots.options import chosen
from mlm_widgets.plots.scale import observed
from mlm_widgets.plots.surface import PlottedModel
from mlm_widgets.plots.theme import Spec

__all__ = ["PICKED", "GroupModes", "group_modes", "group_rows"]

PICKED = "picked"
"""The selection of groups, by name (field ``n``), that all charts share."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupModes:
    """Modes and half widths of their intervals.

    ``names`` has the n groups, lowest mode of the sorting term first; ``mode`` and ``half`` are (n, n_terms);
    ``sort`` is the sorting term's place among the ``terms``; ``picked`` are places among the names. ``is_ratio``: axes
    and tooltips show the exponentials; places are those of the modes.
    """

    group: str
    names: tuple[str, ...]
    terms: tuple[str, ...]
    mode: Floats
    half: Floats
    sort: int
    picked: tuple[int, ...]
    is_ratio: bool = False

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.names)

    @property
    def excludes_zero(self) -> npt.NDArray[np.bool_]:
        """Whether the interval leaves zero, (n, n_terms)."""
        left: npt.NDArray[np.bool_] = np.abs(self.mode) > self.half
        return left

    def reach(self, term: int) -> float:
        """How far the intervals of a term go from zero."""
        ends = np.abs(self.mode[:, term]) + self.half[:, term]
        return float(np.max(ends, initial=0.0, where=np.isfinite(ends))) or 1.0


def group_modes(
    model: PlottedModel,
    group: str | None,
    sort: str | None,
    level: float,
    pick: Sequence[object],
    *,
    is_ratio: bool = False,
) -> GroupModes:
    """The modes of a grouping factor (default: the first), sorted by a term (default: its first)."""
    groups = list(model.n_groups)
    if not groups:
        raise MlmError("The model has no random effects to show.", argument="model")
    group = groups[0] if group is None else chosen(group, groups, "group")
    frame = model.ranef(level=level)
    frame = frame[frame["group"].astype(str) == group]
    terms = [str(term) for term in dict.fromkeys(frame["term"])]
    by = 0 if sort is None else terms.index(chosen(sort, terms, "sort"))
    names = [str(name) for name in dict.fromkeys(frame["level"])]
    place = {name: i for i, name in enumerate(names)}
    rows = frame["level"].astype(str).map(place).to_numpy()
    columns = frame["term"].astype(str).map({term: j for j, term in enumerate(terms)}).to_numpy()
    mode, half = np.zeros((2, len(names), len(terms)))
    mode[rows, columns] = frame["estimate"].to_numpy(dtype=float)
    half[rows, columns] = (frame["upper"].to_numpy(dtype=float) - frame["lower"].to_numpy(dtype=float)) / 2
    _flatten_noise(mode, half, model)
    order = np.argsort(mode[:, by], kind="stable")
    ordered = tuple(names[i] for i in order)
    return GroupModes(group, ordered, tuple(terms), mode[order], half[order], by, _picked(ordered, pick), is_ratio)


def _flatten_noise(mode: Floats, half: Floats, model: PlottedModel) -> None:
    """Set to zero the terms whose variance is zero but for rounding: else the axis would span 1e-23."""
    outcome = observed(model) if model.family.is_linear else None  # effects on a link's scale are about 1
    scale = float(np.std(outcome)) if outcome is not None else 1.0
    noise = (np.abs(mode) + half).max(axis=0, initial=0.0) < 1e-12 * scale
    mode[:, noise] = half[:, noise] = 0.0


def _picked(names: tuple[str, ...], pick: Sequence[object]) -> tuple[int, ...]:
    wanted = [pick] if isinstance(pick, str) else pick
    shown = {inert(name): i for i, name in enumerate(names)}
    places = [shown.get(inert(str(name))) for name in wanted]
    for name, place in zip(wanted, places, strict=True):
        if place is None:
            chosen(str(name), names, "pick")
    return tuple(dict.fromkeys(place for place in places if place is not None))


def group_rows(modes: GroupModes, label_place: Sequence[float], only: Sequence[int] | None = None) -> list[Spec]:
    """The table sent to the browser: a row a group with its rank from 0, and mode, half width and mark of each term.

    ``q`` is where the name of a picked group stands, in the units of the rank.
    """
    excludes = modes.excludes_zero
    decimals = [decimals_for(modes.reach(j), 4) for j in range(len(modes.terms))]
    return [
        {
            "n": modes.names[i],
            "r": i,
            "q": round(label_place[i], 2),
            **{
                key: value
                for j, places in enumerate(decimals)
                for key, value in (
                    (f"m{j}", round(float(modes.mode[i, j]), places)),
                    (f"h{j}", round(float(modes.half[i, j]), places)),
                    (f"s{j}", int(excludes[i, j])),
                )
            },
        }
        for i in (range(modes.n) if only is None else only)
    ]
