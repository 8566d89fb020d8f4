"""`fit`: from a formula and a data frame to a fitted model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mlm_widgets.design import build_design, row_numbers
from mlm_widgets.errors import FormulaError, OptionError
from mlm_widgets.families import Family, family_of
from mlm_widgets.fitter import FitOptions, fit_glmm, prepare
from mlm_widgets.formula import ModelSpec, check_columns, from_json, parse_formula, to_formula
from mlm_widgets.frames import Frame, read_frame
from mlm_widgets.results.checks import check_df_method, check_flag
from mlm_widgets.results.model import MixedModel

__all__ = ["fit", "fit_spec"]

KEPT_ROWS = 100_000  # of one grouping factor: the sums of so many take little memory, and refits and tests need them


def fit(
    formula: str | ModelSpec | Mapping[str, Any],
    data: Any,
    *,
    family: str | Family = "gaussian",
    link: str | None = None,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    success: str | None = None,
    n_agq: int = 1,
    df_method: str = "satterthwaite",
    options: FitOptions | None = None,
) -> MixedModel:
    """Fit a mixed model, linear or generalized.

    Parameters
    ----------
    formula : str, ModelSpec or dict
        lme4's syntax: ``"mathach ~ ses * sector + (ses | school)"``; or a spec, or the JSON document of one.
    data : data frame
        pandas, polars or pyarrow. Rows with missing values in a column that the model uses are left out.
    family : str or Family
        The distribution of the outcome given the random effects: "gaussian", "binomial", "poisson",
        "negative_binomial", "gamma", "inverse_gaussian" or "beta"; or a `families.Family` of your own.
    link : str, optional
        Default: the family's first, "logit" for "binomial", "log" for counts and positive outcomes.
    reml : bool
        Restricted maximum likelihood (the default: its variances are less biased), or maximum likelihood. A spec brings
        its own. Generalized models are fitted by maximum likelihood.
    weights : str or array, optional
        Prior weights, a column's name or one number a row: the residual variance of a row is sigma^2 / weight, as in
        lme4. They say how precisely a row is known. Whole numbers w give the estimates that w copies of each row would
        give at the same variances (the sums that the model needs are the same), but not the same likelihood: a row of
        weight w is one observation and counts once in n, in the criterion, in sigma and in the degrees of freedom.
        Rows of weight zero are left out. In a generalized model a row of weight w counts w times in the likelihood,
        but where a binomial outcome is a share: then the weights are the numbers of trials.
    offset : str or array, optional
        A part of the linear predictor that is known, likewise: the logarithm of an exposure, say. A text may be an
        expression, ``"log(exposure)"``, as may ``offset(log(exposure))`` in the formula.
    success : str, optional
        Which level of a binomial outcome of two levels is a success; default: the last.
    n_agq : int
        Nodes of the adaptive Gauss-Hermite quadrature of a generalized model with one grouping factor and one random
        effect, up to 50; 1 is Laplace's approximation.
    df_method : {"satterthwaite", "kenward-roger", "normal"}
        Degrees of freedom of t tests, F tests and intervals. "kenward-roger" brings its own standard errors, too: they
        allow for the variances being estimates, which counts with few groups. It is defined for REML; of a fit by
        maximum likelihood it takes them from a second one by REML. "normal" takes degrees of freedom as infinite, as
        they are in a generalized model. `MixedModel.with_df` changes it without fitting again.
    options : FitOptions, optional
        Optimiser, tolerance, start values.

    Returns
    -------
    MixedModel

    Raises
    ------
    MlmError
        `FormulaError`, `DataError`, `DesignError`, `FitError` or `OptionError`, each with a hint.

    Examples
    --------
    >>> import mlm_widgets as mlm
    >>> m = mlm.fit("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> m.params.round(3).to_dict()
    {'Intercept': 251.405, 'Days': 10.467}
    """
    frame = read_frame(data)
    if isinstance(formula, str):
        parsed = parse_formula(formula, reml=check_flag("reml", reml))
        check_columns(parsed, frame.names, frame.name)
        spec = parsed.spec
    else:
        spec = formula if isinstance(formula, ModelSpec) else from_json(formula)
    own = family_of(family, link)
    if isinstance(formula, str):
        spec = spec.with_(family=own.name, link=own.link.name)
    if success is not None:
        spec = spec.with_(success=str(success))
    return fit_spec(
        spec,
        frame,
        weights=weights,
        offset=offset,
        df_method=df_method,
        options=options,
        n_agq=n_agq,
        family=own if isinstance(family, Family) else None,
    )


def fit_spec(
    spec: ModelSpec,
    frame: Frame,
    *,
    weights: Any = None,
    offset: Any = None,
    df_method: str = "satterthwaite",
    options: FitOptions | None = None,
    n_agq: int = 1,
    family: Family | None = None,
) -> MixedModel:
    """Fit the model that `spec` describes to `frame`; `weights` and `offset` take the place of those that it names.

    A `family` of the user's own takes the place of the one that `spec` names.
    """
    spec, arrays = _row_arrays(spec, frame, {"weights": weights, "offset": offset})
    family = family_of(spec.family, spec.link) if family is None else family
    check_df_method(df_method, family)
    if options is not None and not isinstance(options, FitOptions):
        raise OptionError(
            f"`options` must be a FitOptions, not {type(options).__name__}.",
            hint="Write options=FitOptions(max_evaluations=1000).",
            argument="options",
        )
    if not spec.random:
        raise FormulaError(
            "The formula has no random term.",
            text=to_formula(spec),
            hint="Add one, such as (1 | group). For a model without groups use ordinary regression.",
        )
    design = build_design(spec, frame, weights=arrays.get("weights"), offset=arrays.get("offset"), family=family)
    if family.is_linear:
        _check_no_quadrature(n_agq)
        started = time.perf_counter()
        prepared = prepare(design, reml=spec.reml)
        record = prepared.fit(options, started=started)
        is_small = design.n_obs <= KEPT_ROWS and len(record.groups) == 1
        return MixedModel(record, frame, df_method, prepared if is_small else None)
    return MixedModel(fit_glmm(design, family, n_agq=n_agq, options=options), frame, "normal")


def _row_arrays(
    spec: ModelSpec, frame: Frame, given: Mapping[str, Any]
) -> tuple[ModelSpec, dict[str, npt.NDArray[np.float64]]]:
    """Names of columns go into the spec; arrays come beside it, and their names out of it."""
    arrays = {}
    for what, values in given.items():
        if isinstance(values, str):
            spec = spec.with_(**{what: values})
        elif values is not None:
            spec = spec.with_(**{what: None})
            arrays[what] = row_numbers(values, what, frame)
    return spec, arrays


def _check_no_quadrature(n_agq: int) -> None:
    if n_agq != 1:
        raise OptionError(
            f"`n_agq` is {n_agq!r}, but the likelihood of a linear mixed model needs no quadrature.",
            hint="Leave it out.",
            argument="n_agq",
        )
