"""Designs of whole groups drawn with replacement: every draw is a group of its own.

Van der Leeden, Meijer & Busing (2008), in Handbook of Multilevel Analysis, section 11.4.2 (cases bootstrap, resampling
the highest level only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import Design
from mlm_widgets.errors import OptionError, closest

__all__ = ["outermost", "resampled", "rows_of_groups"]

Ints = npt.NDArray[np.intp]


def outermost(design: Design, name: str | None) -> int:
    """The place of the grouping factor called `name`; by default of the one in which all others are nested.

    Raises
    ------
    OptionError
        If there is none of that name, or factors are crossed and none is named.
    """
    names = [grouping.name for grouping in design.spec.groupings]
    if name is not None:
        if name in names:
            return names.index(name)
        near = closest(str(name), names)
        raise OptionError(
            f"`group` must be a grouping factor of the model, {', '.join(map(repr, names))}, not {name!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else None,
            argument="group",
        )
    for f in np.argsort([len(grouping.levels) for grouping in design.spec.groupings], kind="stable").tolist():
        if all(_is_nested(design, other, f) for other in range(len(names)) if other != f):
            return int(f)
    raise OptionError(
        f"The grouping factors {', '.join(names)} are crossed: none holds the groups of all others.",
        hint=f"Name the one whose groups are to be drawn, such as group={names[0]!r}; the others keep their levels.",
        argument="group",
    )


def _is_nested(design: Design, inner: int, outer: int) -> bool:
    """Whether every level of one factor lies in one level of another."""
    pairs = design.codes[inner].astype(np.intp) * len(design.spec.groupings[outer].levels) + design.codes[outer]
    return len(np.unique(pairs)) == len(np.unique(design.codes[inner]))


def rows_of_groups(design: Design, place: int) -> list[Ints]:
    """The rows of each level of the factor in `place`, in the design's order."""
    order = np.argsort(design.codes[place], kind="stable")
    ends = np.cumsum(np.bincount(design.codes[place], minlength=len(design.spec.groupings[place].levels)))
    return np.split(order, ends[:-1])


def resampled(design: Design, place: int, draws: Ints, rows_of: Sequence[Ints] | None = None) -> Design:
    """The rows of the groups `draws`, codes into the levels of the factor in `place`, each a group by itself.

    Levels of factors that are nested in it are new with each draw; crossed factors keep theirs. `rows_of` holds the
    rows of each level, where they are not those of the design.
    """
    rows_of = rows_of_groups(design, place) if rows_of is None else rows_of
    rows = np.concatenate([rows_of[g] for g in draws])
    copies = np.repeat(np.arange(len(draws)), [len(rows_of[g]) for g in draws])
    codes, groupings = [], []
    for f, grouping in enumerate(design.spec.groupings):
        own = design.codes[f][rows].astype(np.intp)
        if f == place:
            new, levels = copies, [f"{k + 1}: {grouping.levels[g]}" for k, g in enumerate(draws)]
        else:
            is_inner = _is_nested(design, f, place)
            keys = copies * len(grouping.levels) + own if is_inner else own
            kept, new = np.unique(keys, return_inverse=True)
            levels = [
                f"{key // len(grouping.levels) + 1}: {grouping.levels[key % len(grouping.levels)]}" if is_inner else
                grouping.levels[key] for key in kept
            ]  # fmt: skip
        codes.append(np.asarray(new, dtype=np.int64).ravel())
        groupings.append(replace(grouping, levels=tuple(levels)))

    def at(values: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64] | None:
        return None if values is None else values[rows]

    return replace(
        design,
        spec=replace(design.spec, groupings=tuple(groupings)),
        y=design.y[rows],
        fixed=tuple(column[rows] for column in design.fixed),
        codes=tuple(codes),
        random=tuple(tuple(column[rows] for column in columns) for columns in design.random),
        variables={key: values[rows] for key, values in design.variables.items()},
        totals={},
        chosen=design.rows[rows],
        weights=at(design.weights),
        offset=at(design.offset),
        trials=at(design.trials),
    )
