"""`ModelSpec` + data -> the arrays of the model, and the record of what was learned on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets.design.basis import Basis, evaluate_finite, learn_basis, stacked
from mlm_widgets.design.outcome import check_outcome_columns, has_no_trials, new_outcome, read_outcome
from mlm_widgets.design.rownumbers import check_weights, column_of, offset_text, offset_values, without_weightless
from mlm_widgets.design.variables import LEARNING, Learned, Rows, Values, learn, variables_of
from mlm_widgets.errors import DataError, DesignError
from mlm_widgets.families import Family, family_of
from mlm_widgets.formula import Call, Expression, ModelSpec, RandomTerm, columns_of, parse_factor, parse_offset
from mlm_widgets.frames import Frame, IntegerLevels, Levels, all_finite

__all__ = ["Block", "Design", "DesignSpec", "Grouping", "build_design", "used_columns"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of one grouping factor whose random effects are correlated with each other.

    `basis` makes the columns, `start` is the place of the first among the factor's columns.
    """

    basis: Basis
    start: int

    @property
    def columns(self) -> range:
        """Places of the block's columns."""
        return range(self.start, self.start + len(self.basis.names))


@dataclass(frozen=True, slots=True)
class Grouping:
    """A grouping factor with all the terms that vary between its levels.

    Attributes
    ----------
    columns : tuple of str
        The data's columns whose combination it is.
    levels : sequence of str
    blocks : tuple of Block
    """

    columns: tuple[str, ...]
    levels: Levels
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """Columns joined by colons."""
        return ":".join(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the q columns that vary between the levels."""
        return tuple(name for block in self.blocks for name in block.basis.names)


@dataclass(frozen=True, slots=True)
class DesignSpec:
    """What was learned from the data: levels, means, knots, column names. Applied to new rows it gives their matrices.

    Attributes
    ----------
    model : ModelSpec
    levels : dict of str to tuple of str
        Levels by variable, for those that are factors.
    learned : dict of str to Learned
    fixed : Basis
    groupings : tuple of Grouping
        In order of the formula.
    outcome_levels : tuple of str
        Failure and success, of an outcome that was read as two levels.
    """

    model: ModelSpec
    levels: Mapping[str, tuple[str, ...]]
    learned: Mapping[str, Learned]
    fixed: Basis
    groupings: tuple[Grouping, ...]
    outcome_levels: tuple[str, ...] = ()

    def values(self, rows: Rows, keys: tuple[str, ...]) -> dict[str, Any]:
        """The variables `keys` for `rows`."""
        return _Variables(rows, self).all(keys)

    def fixed_matrix(self, rows: Rows) -> Floats:
        """X for new rows, shape (n, p)."""
        return self.fixed.apply(self.values(rows, self.fixed.variables), rows.n_rows)

    def random_matrix(self, grouping: Grouping, rows: Rows) -> Floats:
        """Z's columns for new rows, shape (n, q)."""
        parts = [block.basis.apply(self.values(rows, block.basis.variables), rows.n_rows) for block in grouping.blocks]
        return np.column_stack(parts)

    def group_codes(self, grouping: Grouping, rows: Rows) -> Codes:
        """Codes into the levels that the model knows, shape (n,); -1 for a level it has not seen."""
        codes, levels = rows.group(grouping.columns)
        place = {level: i for i, level in enumerate(grouping.levels)}
        return np.array([*(place.get(level, -1) for level in levels), -1], dtype=np.int64)[codes]

    def outcome_values(self, rows: Rows) -> Floats:
        """The outcome for new rows, shape (n,): the share of successes, for those of several trials."""
        return new_outcome(self.model, self.outcome_levels, rows, _Variables(rows, self).outcome)

    def offset_values(self, rows: Rows) -> Floats | None:
        """The offset that the model names, for new rows, shape (n,); None where it names none."""
        return _at(rows, offset_values(self.model.offset, rows.frame))


@dataclass(frozen=True)
class Design:
    """The columns of a model, on complete rows.

    Those that are columns of the data are not copied; matrices and places of rows are made when they are asked for.

    Attributes
    ----------
    spec : DesignSpec
    y : ndarray (n,)
        The outcome; the number of successes, for the binomial family.
    fixed : tuple of ndarray (n,)
        Columns of X.
    codes : tuple of ndarray (n,)
        By grouping: the level of each row.
    random : tuple of tuples of ndarray (n,)
        Columns of Z, by grouping.
    variables : dict
        Values of all variables, by key, on the rows used: those of the bases, and those that they are computed from.
    totals : dict of str to float
        Sums of variables, by key, where they were found on the way: columns of numbers of which all rows are used.
    chosen : ndarray (n,) or None
        Places of the rows used in the user's frame; None for all.
    weights : ndarray (n,) or None
        Prior weights: the residual variance of row i is sigma^2 / weights[i]; in a generalized model multiples of the
        log-likelihood.
    offset : ndarray (n,) or None
        A part of the linear predictor that is known.
    n_rows : int
        Number of rows of the user's frame.
    dropped : dict of str to int
        How many rows each column's missing values would cost by themselves.
    n_weightless : int
        How many complete rows were left out because their weight is zero.
    trials : ndarray (n,) or None
        How many trials y counts the successes of; None for one each.
    """

    spec: DesignSpec
    y: Floats
    fixed: tuple[Floats, ...]
    codes: tuple[Codes, ...]
    random: tuple[tuple[Floats, ...], ...]
    variables: Values
    totals: Mapping[str, float]
    chosen: npt.NDArray[np.intp] | None
    n_rows: int
    dropped: Mapping[str, int]
    weights: Floats | None = None
    offset: Floats | None = None
    n_weightless: int = 0
    trials: Floats | None = None

    @property
    def n_obs(self) -> int:
        """Number of rows used."""
        return len(self.y)

    @property
    def counts(self) -> list[npt.NDArray[np.intp] | None]:
        """Number of rows of each level by grouping, where it was found on the way: all rows of identifiers."""
        levels = [grouping.levels for grouping in self.spec.groupings]
        return [own.counts if self.chosen is None and isinstance(own, IntegerLevels) else None for own in levels]

    @cached_property
    def X(self) -> Floats:
        """The matrix of the fixed effects, shape (n, p)."""
        return stacked(self.fixed, self.n_obs)

    @cached_property
    def Z(self) -> tuple[Floats, ...]:
        """The bases of the random effects by grouping, each (n, q)."""
        return tuple(stacked(columns, self.n_obs) for columns in self.random)

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """Places of the rows used in the user's frame, shape (n,)."""
        return np.arange(self.n_rows) if self.chosen is None else self.chosen


def build_design(
    spec: ModelSpec,
    frame: Frame,
    rows: npt.NDArray[np.intp] | None = None,
    *,
    weights: Floats | None = None,
    offset: Floats | None = None,
    family: Family | None = None,
) -> Design:
    """The design of `spec` on the complete rows of `frame`, or on the given `rows` (places, all of them complete).

    `weights` and `offset` (n_rows,) take the place of what `spec` names, and `family` of the one that it names. Rows of
    weight zero, and those without trials, are left out.

    Raises
    ------
    DataError
        If a column that is used is missing, infinite, of the wrong kind, or leaves no rows; if a weight is negative;
        if the outcome is none of the family.
    OptionError
        If there is no such family, or it may not have that link.
    DesignError
        If a grouping factor has one level, or a term is given twice.
    """
    family = family_of(spec.family, spec.link) if family is None else family
    check_outcome_columns(spec, frame)
    beside = {"offset": offset}
    if spec.weights is not None and weights is None:
        weights = column_of(spec.weights, "weights", frame)
    if spec.offset is not None:
        spec = spec.with_(offset=offset_text(spec.offset, frame))
        offset = offset_values(spec.offset, frame) if offset is None else offset
    check_weights(weights, spec.weights or "weights")
    chosen, dropped, n_weightless = Rows(frame, rows), dict[str, int](), 0
    if rows is None:
        given = {spec.weights or "weights": weights, **beside}
        missing = {what: np.isnan(values) for what, values in given.items() if values is not None}
        columns = {name: frame.column(name) for name in used_columns(spec)}
        missing |= {name: column.is_missing for name, column in columns.items() if column.has_missing}
        if (without_trials := has_no_trials(spec, frame)) is not None:
            missing[spec.outcome] = without_trials
        complete, dropped = _complete_rows(frame, missing)
        chosen, n_weightless = without_weightless(complete, weights)
    variables = _Variables(chosen)
    outcome = read_outcome(spec, family, chosen, variables.outcome, _at(chosen, weights))
    keys = _keys(spec)
    fixed, columns_of_X = learn_basis(spec.terms, spec.intercept, variables.all(keys), chosen.n_rows)
    parts = [_learn_grouping(terms, variables, keys, family.name) for terms in _amalgamated(spec.random)]
    groupings = tuple(part[0] for part in parts)
    return Design(
        spec=DesignSpec(spec, variables.levels, variables.learned, fixed, groupings, outcome.levels),
        y=outcome.y,
        fixed=tuple(columns_of_X),
        codes=tuple(part[1] for part in parts),
        random=tuple(part[2] for part in parts),
        variables=variables.made,
        totals=variables.totals,
        chosen=chosen.rows,
        n_rows=frame.n_rows,
        dropped=dropped,
        weights=outcome.weights,
        offset=_at(chosen, offset),
        n_weightless=n_weightless,
        trials=outcome.trials,
    )


def _at(rows: Rows, values: Floats | None) -> Floats | None:
    return values if values is None or rows.rows is None else values[rows.rows]


class _Variables:
    """Variables of given rows, made on demand: learned from these rows, or as a model has learned them."""

    def __init__(self, rows: Rows, known: DesignSpec | None = None) -> None:
        self.rows = rows
        self.is_learning = known is None
        self.levels = {} if known is None else dict(known.levels)
        self.learned = {} if known is None else dict(known.learned)
        self.made: dict[str, Any] = {}
        self.totals: dict[str, float] = {}

    def all(self, keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: self.one(key) for key in keys}

    def outcome(self, expression: Expression) -> Floats:
        """The outcome's values; true and false count as 1 and 0, where a predictor would be a factor."""
        frame, values = self.rows.frame, {}
        for key in variables_of(expression):
            is_boolean = key in frame and frame.column(key).kind == "boolean"
            values[key] = self.rows.numbers(key) if is_boolean else self.one(key)
        return evaluate_finite(expression, values)

    def one(self, key: str) -> Any:
        if key not in self.made:
            self.made[key] = self._make(key)
        return self.made[key]

    def _make(self, key: str) -> Any:
        expression = parse_factor(key)
        if isinstance(expression, Call) and expression.function in LEARNING:
            return self._transformed(key, expression)
        name = columns_of(expression)[0]
        column = self.rows.frame.column(name)
        takes_levels = self.is_learning and (isinstance(expression, Call) or column.kind in ("factor", "boolean"))
        if takes_levels or key in self.levels:
            return self._factor(key, name)
        values = self.rows.numbers(name)
        if not column.is_finite:
            return _finite(values, name)
        if self.rows.rows is None:
            self.totals[key] = column.total
        return values

    def _transformed(self, key: str, call: Call) -> Floats:
        inner = self.all(tuple(variables_of(call.arguments[0][1])))
        if key not in self.learned:
            self.learned[key] = learn(call, self.rows, inner)
        return self.learned[key].apply(self.rows, inner)

    def _factor(self, key: str, name: str) -> pd.Categorical[str]:
        codes, names = self.rows.codes(name)
        levels = tuple(names)
        known = self.levels.setdefault(key, levels)
        if known == levels:
            return pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=object))
        place = {level: i for i, level in enumerate(known)}
        unknown = [level for level in levels if level not in place]
        if unknown:
            raise DesignError(
                f"Column “{name}” holds the level “{unknown[0]}”, which the model has not seen.",
                hint=f"Known levels: {', '.join(known[:12])}.",
                argument="newdata",
            )
        return pd.Categorical.from_codes(
            np.array([place[level] for level in levels])[codes], categories=pd.Index(known, dtype=object)
        )


def used_columns(spec: ModelSpec, *, outcome: bool = True) -> list[str]:
    """The columns that the model reads, each once; without `outcome` those of new rows: no outcome, no weights."""
    terms = [*spec.terms, *(slope for term in spec.random for slope in term.terms)]
    factors = [*([spec.outcome] if outcome else []), *(factor for term in terms for factor in term)]
    found = [column for factor in factors for column in columns_of(parse_factor(factor))]
    found += [column for term in spec.random for column in term.group]
    found += [spec.weights] if outcome and spec.weights is not None else []
    found += [] if spec.offset is None else columns_of(parse_offset(spec.offset))
    return list(dict.fromkeys(found))


def _keys(spec: ModelSpec) -> tuple[str, ...]:
    """Keys of the variables of the fixed part and of every random basis."""
    terms = [*spec.terms, *(slope for term in spec.random for slope in term.terms)]
    return tuple(dict.fromkeys(key for term in terms for text in term for key in variables_of(parse_factor(text))))


def _complete_rows(frame: Frame, missing: Mapping[str, npt.NDArray[np.bool_]]) -> tuple[Rows, dict[str, int]]:
    dropped = {name: int(mask.sum()) for name, mask in missing.items() if mask.any()}
    if not dropped:
        return Rows(frame), {}
    complete = ~np.logical_or.reduce([missing[name] for name in dropped])
    if not complete.any():
        empty = [name for name, count in dropped.items() if count == frame.n_rows]
        what = f"column “{empty[0]}” is missing in every row" if empty else "every row misses a value in some column"
        listed = ", ".join(f"{name} ({count:,})" for name, count in dropped.items())
        raise DataError(
            f"No complete rows are left: {what}.",
            hint=f"Leave such columns out of the model, or fill them. Missing values: {listed}.",
            argument="data",
        )
    return Rows(frame, np.flatnonzero(complete)), dropped


def _finite(values: Floats, name: str) -> Floats:
    if not all_finite(values) and np.isinf(values).any():
        raise DataError(
            f"Column “{name}” holds {int(np.isinf(values).sum()):,} infinite values.",
            hint="Replace them by a number, or by NaN to leave these rows out: df.replace([np.inf, -np.inf], np.nan).",
            argument=name,
        )
    return values


def _amalgamated(random: tuple[RandomTerm, ...]) -> list[list[RandomTerm]]:
    """Bar terms of the same grouping factor together, factors in the order of the formula."""
    by_factor: dict[frozenset[str], list[RandomTerm]] = {}
    for term in random:
        by_factor.setdefault(frozenset(term.group), []).append(term)
    return list(by_factor.values())


def _learn_grouping(
    terms: list[RandomTerm], variables: _Variables, keys: tuple[str, ...], family: str
) -> tuple[Grouping, Codes, tuple[Floats, ...]]:
    columns = terms[0].group
    codes, levels = variables.rows.group(columns)
    _check_levels(":".join(columns), levels, variables.rows, family)
    values, n_rows = variables.all(keys), variables.rows.n_rows
    blocks: list[Block] = []
    made: list[Floats] = []
    start = 0
    for slopes, intercept in _blocks(terms):
        basis, own = learn_basis(slopes, intercept, values, n_rows)
        blocks.append(Block(basis, start))
        made += own
        start += len(basis.names)
    grouping = Grouping(columns, levels, tuple(blocks))
    _check_once(grouping)
    return grouping, codes, tuple(made)


def _blocks(terms: list[RandomTerm]) -> list[tuple[tuple[Any, ...], bool]]:
    """(slopes, intercept) of each block; `||` gives every term one of its own, as lme4's expandDoubleVerts does."""
    blocks: list[tuple[tuple[Any, ...], bool]] = []
    for term in terms:
        if term.correlated:
            blocks.append((term.terms, term.intercept))
        else:
            blocks += [((), True)] * term.intercept + [((slope,), False) for slope in term.terms]
    return blocks


def _check_levels(name: str, levels: Levels, rows: Rows, family: str) -> None:
    """A group a row cannot be told from normal residuals; in other families it is overdispersion."""
    if len(levels) < 2:
        raise DesignError(
            f"The grouping factor “{name}” has one level only (“{levels[0]}”): nothing can vary between groups.",
            hint="Choose a column that names two groups or more.",
            argument="formula",
        )
    if family == "gaussian" and len(levels) >= rows.n_rows:
        raise DesignError(
            f"The grouping factor “{name}” has as many levels as there are rows ({rows.n_rows:,}): "
            "every row would be a group of its own.",
            hint="Choose a column whose groups hold several rows.",
            argument="formula",
        )


def _check_once(grouping: Grouping) -> None:
    names = grouping.names
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise DesignError(
            f"“{twice[0]}” varies twice between the levels of “{grouping.name}”.",
            hint="Give each random effect once, for instance (1 | g) + (0 + x | g) or (x | g).",
            argument="formula",
        )
