"""`MixedModel`, the face of a fitted model, and `fit`, which makes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets import inference, tables
from mlm_widgets.design import (
    Rows,
    build_design,
    coefficient_labels,
    factor_label,
    random_label,
    row_numbers,
    used_columns,
)
from mlm_widgets.errors import DataError, FormulaError, OptionError, closest
from mlm_widgets.families import Family, family_of
from mlm_widgets.fitter import OPTIMISERS, Evaluation, Fit, FitOptions, Prepared, Trace, fit_glmm, fit_lmm, prepare
from mlm_widgets.formula import (
    ModelSpec,
    check_columns,
    from_json,
    parse_factor,
    parse_formula,
    quote_name,
    to_formula,
    to_python,
    to_r,
)
from mlm_widgets.frames import Frame, read_frame
from mlm_widgets.inference import ICC, R2, AllFits, Coefficients, Finding
from mlm_widgets.summary import Section, Summary, number, p_value

__all__ = ["MixedModel", "RanefCov", "fit", "fit_spec"]

DF_METHODS = ("satterthwaite", "normal")
RESIDUALS = ("response", "pearson", "scaled")


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
    df_method : {"satterthwaite", "normal"}
        Degrees of freedom of t tests and intervals; "normal" takes them as infinite, as they are in a generalized
        model.
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
        parsed = parse_formula(formula, reml=_flag("reml", reml))
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
    _choice("df_method", df_method, DF_METHODS)
    family = family_of(spec.family, spec.link) if family is None else family
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
        return MixedModel(fit_lmm(design, reml=spec.reml, options=options), frame, df_method)
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


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise OptionError(f"`{name}` must be True or False, not {value!r}.", argument=name)
    return bool(value)


def _check_no_quadrature(n_agq: int) -> None:
    if n_agq != 1:
        raise OptionError(
            f"`n_agq` is {n_agq!r}, but the likelihood of a linear mixed model needs no quadrature.",
            hint="Leave it out.",
            argument="n_agq",
        )


def _choice(name: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        near = closest(str(value), allowed)
        raise OptionError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}, not {value!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else None,
            argument=name,
        )


def _level(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise OptionError(
            f"`level` must lie between 0 and 1, not {value!r}.", hint="Use 0.95 for 95 %.", argument="level"
        )
    return float(value)


@dataclass(frozen=True, slots=True)
class RanefCov:
    """Conditional covariances of random effects: `values` (J, q, q) by `levels` (J) and `terms` (q) of `group`."""

    group: str
    levels: tuple[str, ...]
    terms: tuple[str, ...]
    values: npt.NDArray[np.float64]


class MixedModel:
    """A fitted mixed model, linear or generalized. It never changes: every method gives a new object.

    Made by :func:`fit`. `fit_result` is the frozen record beneath.
    """

    def __init__(self, fit_result: Fit, frame: Frame, df_method: str = "satterthwaite") -> None:
        self._fit = fit_result
        self._frame = frame
        self._df_method = df_method

    # -- the model --------------------------------------------------------------------------------------------------

    @property
    def fit_result(self) -> Fit:
        """The record of the fit: arrays, trace, design."""
        return self._fit

    @property
    def spec(self) -> ModelSpec:
        """The description of the model."""
        return self._fit.design.spec.model

    @property
    def formula(self) -> str:
        """The formula, in lme4's syntax."""
        return to_formula(self.spec)

    @property
    def outcome(self) -> str:
        """The outcome, as the formula has it."""
        return self.spec.outcome

    @property
    def reml(self) -> bool:
        """Whether the fit is by REML."""
        return self._fit.reml

    @property
    def family(self) -> Family:
        """The distribution of the outcome given the random effects, with its link."""
        return self._fit.family

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear mixed model; else a generalized one."""
        return self._fit.family.is_linear

    @property
    def n_agq(self) -> int:
        """Nodes of the quadrature of a generalized model; 1 is Laplace's approximation."""
        return self._fit.n_agq

    @property
    def df_method(self) -> str:
        """How degrees of freedom are found."""
        return self._df_method

    # -- fixed effects ----------------------------------------------------------------------------------------------

    @cached_property
    def _coefficients(self) -> Coefficients:
        return inference.coefficients(self._fit, self._df_method)

    def _column(self, name: str) -> pd.Series[float]:
        index = pd.Index(self._fit.names, name="term")
        return pd.Series(getattr(self._coefficients, name).copy(), index=index, name=name)

    @property
    def params(self) -> pd.Series[float]:
        """Estimates of the fixed coefficients, by name."""
        return self._column("estimate")

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors of the fixed coefficients."""
        return self._column("std_error")

    @property
    def tvalues(self) -> pd.Series[float]:
        """Estimates over their standard errors."""
        return self._column("statistic")

    @property
    def df(self) -> pd.Series[float]:
        """Degrees of freedom of the t tests."""
        return self._column("df")

    @property
    def pvalues(self) -> pd.Series[float]:
        """Two-sided p values of the t tests."""
        return self._column("p_value")

    def conf_int(self, level: float = 0.95, method: str = "wald") -> pd.DataFrame:
        """Intervals of the fixed coefficients: columns `lower`, `upper`.

        Wald intervals, estimate ± t * standard error, t with the degrees of freedom of `df`.
        """
        _choice("method", method, ("wald",))
        table = tables.fixed_table(self._coefficients, _level(level))
        return table[["conf_low", "conf_high"]].set_axis(["lower", "upper"], axis=1)

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the fixed coefficients, (p, p)."""
        return pd.DataFrame(self._fit.cov_beta, index=list(self._fit.names), columns=list(self._fit.names))

    # -- variance parameters ----------------------------------------------------------------------------------------

    @property
    def theta(self) -> npt.NDArray[np.float64]:
        """lme4's theta: lower triangles of the relative covariance factors, factors by decreasing number of levels."""
        return self._fit.theta.copy()

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the outcome; of a generalized model the root of `dispersion`."""
        return float(np.sqrt(self.dispersion))

    @property
    def dispersion(self) -> float:
        """The family's phi: residual variance, 1 / shape of Gamma and negative binomial; 1 where there is none."""
        return self._fit.dispersion

    def varcorr(self) -> pd.DataFrame:
        """Variances and covariances: group, term1, term2, variance, sd_or_corr (as lme4's VarCorr)."""
        return tables.variance_table(self._fit)

    # -- fit statistics ---------------------------------------------------------------------------------------------

    @property
    def criterion(self) -> float:
        """REML criterion, or deviance (-2 log-likelihood) of an ML fit."""
        return self._fit.criterion

    @property
    def llf(self) -> float:
        """Log-likelihood; restricted for a REML fit."""
        return -self._fit.criterion / 2

    @property
    def n_params(self) -> int:
        """Number of parameters: fixed coefficients, variance parameters, and the dispersion where there is one."""
        return len(self._fit.beta) + len(self._fit.theta) + self._fit.family.has_dispersion

    @property
    def aic(self) -> float:
        """Akaike's information criterion, -2 llf + 2 n_params."""
        return self._fit.criterion + 2 * self.n_params

    @property
    def bic(self) -> float:
        """Bayesian information criterion, -2 llf + log(nobs) n_params, as lme4 has it."""
        return self._fit.criterion + float(np.log(self.nobs)) * self.n_params

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self._fit.design.n_obs

    @property
    def n_groups(self) -> dict[str, int]:
        """Number of levels of each grouping factor."""
        return {group.grouping.name: len(group.grouping.levels) for group in self._fit.groups}

    @property
    def group_sizes(self) -> dict[str, npt.NDArray[np.int64]]:
        """Number of rows of each level, by grouping factor."""
        codes = self._fit.design.codes
        return {group.grouping.name: np.bincount(codes[group.place]) for group in self._fit.groups}

    @property
    def converged(self) -> bool:
        """Whether the search ended at an optimum (a boundary counts)."""
        return self._fit.state != "failed"

    @property
    def is_singular(self) -> bool:
        """Whether a variance is zero or a correlation at ±1 (see `findings` for which)."""
        return any(group.singular for group in self._fit.groups)

    @property
    def state(self) -> str:
        """How the search ended: "converged", "boundary" or "failed"."""
        return self._fit.state

    @property
    def trace(self) -> Trace:
        """How the search went."""
        return self._fit.trace

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What to know about this fit, the gravest first."""
        return inference.findings(self._fit)

    def icc(self) -> ICC:
        """Intraclass correlation: `adjusted`, `unadjusted`, `by_group` (Nakagawa, Johnson & Schielzeth 2017)."""
        return inference.icc(self._fit)

    def r2(self) -> R2:
        """Marginal and conditional R2 (Nakagawa & Schielzeth 2013, Johnson 2014)."""
        return inference.r2(self._fit)

    @cached_property
    def null(self) -> MixedModel | None:
        """The same groups without predictors and slopes, on the same rows; None where it cannot be fitted."""
        null = inference.null_fit(self._fit, self._frame)
        return None if null is None else MixedModel(null, self._frame, self._df_method)

    # -- random effects ---------------------------------------------------------------------------------------------

    def ranef(self, level: float = 0.95) -> pd.DataFrame:
        """Conditional modes with their conditional standard deviations: group, level, term, estimate, se, lower, upper.

        The variance parameters are taken as known, as in lme4's ``ranef(condVar=TRUE)``; limits are normal.
        """
        return tables.mode_table(self._fit, _level(level))

    def coef_by_group(self) -> pd.DataFrame:
        """Coefficients of each level, fixed plus random effects, in long form: group, level, term, estimate, se.

        As lme4's ``coef`` a coefficient that does not vary has the same value in every level, and a random effect
        without a fixed coefficient stands alone. `se` is that of the sum as a prediction: it has the uncertainty of
        the fixed and of the random effect and their covariance; the variance parameters are taken as known.
        """
        found = inference.group_coefficients(self._fit, self._prepared, self._evaluation)
        return tables.coefficient_table(found)

    def ranef_cov(self, group: str | None = None) -> RanefCov:
        """Conditional covariances of one grouping factor's random effects, a (q, q) matrix a level.

        Parameters
        ----------
        group : str, optional
            The grouping factor; needed where there are several.
        """
        names = list(self.n_groups)
        if group is None and len(names) > 1:
            raise OptionError(
                f"The model has several grouping factors: {', '.join(names)}.", hint="Name one.", argument="group"
            )
        _choice("group", names[0] if group is None else group, names)
        own = self._fit.groups[0 if group is None else names.index(group)]
        values = np.ascontiguousarray(own.mode_covariance.transpose(2, 0, 1))
        return RanefCov(own.grouping.name, tuple(own.grouping.levels), own.grouping.names, values)

    # -- other outcomes, other searches -----------------------------------------------------------------------------

    @cached_property
    def _prepared(self) -> Prepared:
        """Columns and sums of the design, kept for refits once they have been asked for."""
        return prepare(self._fit.design, reml=self._fit.reml)

    @property
    def _evaluation(self) -> Evaluation:
        return self._prepared.at(self._fit.theta_centred)

    def refit(self, y: Any, *, options: FitOptions | None = None) -> MixedModel:
        """The same model for another outcome; what does not depend on the outcome is not made again.

        Parameters
        ----------
        y : array or Series of length nobs
            One finite number for each row used, on the scale of the formula's left side, such as a column of
            `simulate`. A pandas Series must have the labels of `fittedvalues`.
        options : FitOptions, optional

        Raises
        ------
        DataError
            If it has another length or other labels, is constant, or misses values.
        """
        if isinstance(y, pd.Series) and len(y) == self.nobs and not y.index.equals(self._index):
            raise DataError(
                "`y` is a series whose labels are not those of the rows used.",
                hint="Give its values: y.to_numpy(), in the order of `fittedvalues`.",
                argument="y",
            )
        try:
            values = np.array(y, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.shape != (self.nobs,) or not np.isfinite(values).all():
            raise DataError(
                f"`y` must hold {self.nobs:,} finite numbers, one for each row used.",
                hint="Rows that were left out of the fit have no place in it.",
                argument="y",
            )
        prepared = self._prepared.with_outcome(values)
        model = MixedModel(prepared.fit(options), self._frame, self._df_method)
        model.__dict__["_prepared"] = prepared
        return model

    def simulate(self, n: int = 1, seed: int | None = None, *, random: str = "new") -> pd.DataFrame:
        """New outcomes for the rows used, a column each (sim_1, sim_2, ...).

        Parameters
        ----------
        n : int
            How many.
        seed : int, optional
            The same seed gives the same numbers.
        random : {"new", "conditional"}
            Random effects drawn anew, for other groups like these; or held at their conditional modes, for these
            groups.
        """
        _choice("random", random, ("new", "conditional"))
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OptionError(f"`n` must be a whole number from 1, not {n!r}.", argument="n")
        values = inference.simulate(self._fit, int(n), seed, is_new=random == "new")
        return pd.DataFrame(values, index=self._index, columns=[f"sim_{k + 1}" for k in range(int(n))])

    def all_fits(self, optimisers: Sequence[str] = OPTIMISERS, *, max_evaluations: int = 5000) -> AllFits:
        """Search again with all optimisers and from several starts, and see whether they agree (lme4's ``allFit``)."""
        names = [optimisers] if isinstance(optimisers, str) else list(optimisers)
        for name in names:
            _choice("optimisers", name, OPTIMISERS)
        return inference.all_fits(self._fit, self._prepared, names, max_evaluations)

    # -- rows -------------------------------------------------------------------------------------------------------

    @property
    def _index(self) -> pd.Index[Any]:
        return self._frame.index[self._fit.design.rows]

    @property
    def _offset(self) -> npt.NDArray[np.float64] | float:
        """The offset of the rows used; 0 where there is none."""
        return 0.0 if self._fit.design.offset is None else self._fit.design.offset

    @cached_property
    def _fitted(self) -> npt.NDArray[np.float64]:
        return self._fit.family.link.inverse(self._linear_predictor)

    @cached_property
    def _linear_predictor(self) -> npt.NDArray[np.float64]:
        design = self._fit.design
        result = design.X[:, self._fit.kept] @ self._fit.beta + self._offset
        for group in self._fit.groups:
            modes = group.modes[:, design.codes[group.place]]
            result = result + np.einsum("iq,qi->i", design.Z[group.place], modes)
        return np.asarray(result)

    @property
    def fittedvalues(self) -> pd.Series[float]:
        """Means with the random effects and the offset, for the rows used; shares, for a binomial outcome."""
        return pd.Series(self._fitted, index=self._index, name=self.outcome)

    def resid(self, kind: str = "response") -> pd.Series[float]:
        """Residuals of the rows used.

        "response": outcome minus fitted; "pearson": times the root of the prior weight, where there are weights;
        "scaled": those divided by sigma.
        """
        _choice("kind", kind, RESIDUALS)
        values = self._fit.design.y - self._fitted
        if kind != "response" and self._fit.design.weights is not None:
            values = values * np.sqrt(self._fit.design.weights)
        return pd.Series(values / self.sigma if kind == "scaled" else values, index=self._index, name="residual")

    def leverage(self) -> pd.Series[float]:
        """Leverages of the rows used: the diagonal of the hat matrix, as lme4's ``hatvalues`` has it.

        How much each fitted value answers to its own outcome, at the estimated variances. Their sum is the effective
        number of coefficients, between that of the fixed effects and that of all effects.
        """
        values = inference.hat_values(self._prepared, self._evaluation)
        return pd.Series(values, index=self._index, name="leverage")

    def predict(
        self,
        newdata: Any = None,
        *,
        random: str | Sequence[str] = "all",
        new_levels: str = "population",
        interval: str | None = None,
        level: float = 0.95,
    ) -> pd.Series[float] | pd.DataFrame:
        """Predicted outcome.

        Parameters
        ----------
        newdata : data frame, optional
            Default: the rows used. A row that misses a value needed is predicted as NaN. A model with an offset needs
            its column.
        random : {"all", "none"} or list of str
            Which grouping factors' random effects count; "none" is the population's mean.
        new_levels : {"population", "error"}
            A group that the model has not seen: predict the average group, or raise.
        interval : {"confidence"}, optional
            With `random="none"`: Wald limits of the mean.
        level : float

        Returns
        -------
        Series, or with `interval` a DataFrame of estimate, std_error, conf_low, conf_high.
        """
        groupings = self._groupings(random)
        _choice("new_levels", new_levels, ("population", "error"))
        if interval is not None:
            _choice("interval", interval, ("confidence",))
            if groupings:
                raise OptionError(
                    "An interval is available for the population's mean only.",
                    hint="Use random='none'.",
                    argument="interval",
                )
        frame = self._frame if newdata is None else read_frame(newdata)
        rows, index = self._rows_for(frame, groupings, is_own=newdata is None)
        offset = self._offset if newdata is None else inference.offset_of(self._fit, rows)
        if interval is None:
            values = inference.predict_rows(self._fit, rows, groupings, new_levels) + offset
            return _placed(pd.Series(values, index=index, name=self.outcome), frame, rows, newdata is None)
        X = self._fit.design.spec.fixed_matrix(rows)
        means = inference.linear_means(self._fit, X, _level(level), self._df_method, offset)
        estimate, std_error, _, lower, upper = means
        columns = {"estimate": estimate, "std_error": std_error, "conf_low": lower, "conf_high": upper}
        return _placed(pd.DataFrame(columns, index=index), frame, rows, newdata is None)

    def _groupings(self, random: str | Sequence[str]) -> list[str]:
        names = list(self.n_groups)
        if random == "all":
            return names
        if random == "none":
            return []
        for name in random if isinstance(random, (list, tuple)) else [random]:
            _choice("random", name, ["all", "none", *names])
        return [random] if isinstance(random, str) else list(random)

    def _rows_for(self, frame: Frame, groupings: list[str], *, is_own: bool) -> tuple[Rows, pd.Index[Any]]:
        """The rows of `frame` that hold all that is needed."""
        if is_own:
            return Rows(frame, self._fit.design.rows), self._index
        groups = [column for g in self._fit.groups if g.grouping.name in groupings for column in g.grouping.columns]
        needed = [*used_columns(self.spec.with_(random=()), outcome=False), *groups]
        needed += [c for name in groupings for c in self._slope_columns(name)]
        for name in dict.fromkeys(needed):
            if name not in frame:
                self._missing_column(frame, name, groups)
        missing = [frame.column(name).is_missing for name in dict.fromkeys(needed)]
        complete = np.flatnonzero(~np.logical_or.reduce(missing)) if missing else np.arange(frame.n_rows)
        return Rows(frame, complete), frame.index[complete]

    def _slope_columns(self, grouping: str) -> list[str]:
        own = tuple(term for term in self.spec.random if term.group_name == grouping)
        return used_columns(self.spec.with_(terms=(), random=own), outcome=False)

    def _missing_column(self, frame: Frame, name: str, groups: list[str]) -> None:
        near = closest(name, frame.names)
        if name == self.spec.offset:
            hint = "It is the model's offset: give it for the new rows too."
        elif name in groups:
            hint = "Use random='none' to predict the population's mean without groups."
        else:
            hint = f"Closest: {', '.join(near)}." if near else "The model needs every predictor."
        raise DataError(f"`newdata` has no column “{name}”.", hint=hint, argument="newdata")

    # -- predictions over a grid ------------------------------------------------------------------------------------

    def predictions(
        self, terms: Sequence[str] | Mapping[str, Any] | str, *, level: float = 0.95, factors: str = "reference"
    ) -> pd.DataFrame:
        """Population means over a grid of predictors.

        Parameters
        ----------
        terms : list of str, or dict of str to values
            ``["ses", "sector"]``, ``["ses", "HOMEWORK [0, 7]"]`` or ``{"ses": None, "HOMEWORK": [0, 7]}``. None gives
            the first number a grid over the middle 98 % of its values, further numbers mean and mean ± sd, factors
            all levels; "sd", "quartiles" and "range" name such choices.
        level : float
        factors : {"reference", "proportional"}
            Factors that are not named: at their first level, or averaged over their levels as often as they occur.
            Numbers that are not named are at their mean.

        Returns
        -------
        DataFrame
            The terms, then estimate, std_error, df, conf_low, conf_high (Wald).
        """
        focuses = inference.resolve_terms(self._fit, terms)
        grid = inference.grid_means(self._fit, focuses, level=_level(level), df_method=self._df_method, factors=factors)
        return tables.grid_table(grid)

    # -- what plots ask ---------------------------------------------------------------------------------------------

    @property
    def predictors(self) -> list[str]:
        """Variables of the fixed part that can be set: columns, and within(x, g), between(x, g)."""
        return [inference.shown_name(key) for key in inference.base_variables(self._fit.design.spec)]

    def focal_terms(self, terms: Sequence[str] | Mapping[str, Any] | str) -> dict[str, Any]:
        """What `predictions` takes as `terms`, as a dict from `predictors` to what was asked of their values."""
        wanted = inference.read_terms(self._fit, terms)
        return {inference.shown_name(inference.key_of(self._fit, name)): how for name, how in wanted.items()}

    @property
    def data(self) -> pd.DataFrame:
        """The rows used, with the columns of the model."""
        rows = Rows(self._frame, self._fit.design.rows)
        columns: dict[str, Any] = {}
        for name in used_columns(self.spec):
            if self._frame.column(name).kind == "number":
                columns[name] = self._fit.design.y.copy() if quote_name(name) == self.outcome else rows.numbers(name)
            else:
                codes, levels = rows.codes(name)
                columns[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels))
        for key in inference.base_variables(self._fit.design.spec):
            name = inference.shown_name(key)
            if name not in columns:
                columns[name] = self._fit.design.variables[key]
        return pd.DataFrame(columns, index=self._index)

    def predictor_label(self, name: str) -> tuple[str, str]:
        """What a predictor is called where people read, and a remark: ("ses", "within school")."""
        return factor_label(parse_factor(inference.key_of(self._fit, name)))

    def column_kind(self, name: str) -> str:
        """How the model takes the predictor `name`: "number" or "factor"."""
        focus = inference.resolve_terms(self._fit, [name])[0]
        return "factor" if focus.is_factor else "number"

    def column_levels(self, name: str) -> list[str]:
        """Levels of the factor `name`."""
        focus = inference.resolve_terms(self._fit, [name])[0]
        return list(focus.values) if focus.is_factor else []

    def units(self, name: str) -> str | None:
        """Units of a column, where the data carry them."""
        return self._frame.units.get(name)

    def term_info(self) -> pd.DataFrame:
        """A row a fixed coefficient: term, label (for people), level (L1, L2, L1×L2), is_intercept."""
        kept = set(self._fit.names)
        labels = coefficient_labels(self._fit.design)
        rows = [(name.term, name.label, name.level, name.is_intercept) for name in labels if name.term in kept]
        return pd.DataFrame(rows, columns=["term", "label", "level", "is_intercept"])

    # -- tables -----------------------------------------------------------------------------------------------------

    def tidy(self, effects: str = "all", level: float = 0.95) -> pd.DataFrame:
        """Estimates in one frame.

        Columns: effect, group, term, estimate, std_error, statistic, df, p_value, conf_low, conf_high.
        """
        _choice("effects", effects, ("all", "fixed", "random"))
        return tables.tidy_table(self._fit, self._coefficients, effects, _level(level))

    def glance(self) -> pd.DataFrame:
        """The fit in one row: sizes, sigma, llf, aic, bic, criterion, R2 and ICC, reml, state."""
        r2, icc = self.r2(), self.icc()
        row = {
            "nobs": self.nobs, "n_params": self.n_params, "sigma": self.sigma, "llf": self.llf, "aic": self.aic,
            "bic": self.bic, "criterion": self.criterion, "r2_marginal": r2.marginal, "r2_conditional": r2.conditional,
            "icc": icc.adjusted, "reml": self.reml, "state": self.state,
        }  # fmt: skip
        return pd.DataFrame([row])

    def summary(self) -> Summary:
        """The model in text (`print`) and as a table in a notebook."""
        return _summary(self)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        return f"MixedModel({self.formula!r}, {self.nobs:,} rows, {self.state})"

    # -- code -------------------------------------------------------------------------------------------------------

    def to_python(self, data: str = "data") -> str:
        """Python code that fits this model to the frame called `data`."""
        return to_python(self.spec, data, df_method=self._df_method, arrays=self._arrays)

    def to_r(self, data: str = "data") -> str:
        """R code (lme4, lmerTest) that fits this model to the frame called `data`."""
        levels = self._fit.design.spec.levels
        names = {inference.shown_name(key): own for key, own in levels.items()}
        known = {name: own for name, own in names.items() if name in self._frame}
        return to_r(self.spec, data, known, arrays=self._arrays)

    @property
    def _arrays(self) -> list[str]:
        """What was given beside the data: variables of that name stand for it in code."""
        return [what for what in ("weights", "offset") if getattr(self._fit.design, what) is not None]


def _placed(result: Any, frame: Frame, rows: Rows, is_own: bool) -> Any:
    """Rows of new data that could not be predicted put back as NaN."""
    if is_own or rows.rows is None or len(result) == frame.n_rows:
        return result
    place = np.full(frame.n_rows, -1)
    place[rows.rows] = np.arange(len(rows.rows))
    return result.reset_index(drop=True).reindex(place).set_axis(frame.index)


def _summary(model: MixedModel) -> Summary:
    method = "REML" if model.reml else "maximum likelihood"
    groups = ", ".join(f"{count:,} {name}" for name, count in model.n_groups.items())
    r2, icc = model.r2(), model.icc()
    facts = [
        ("rows", f"{model.nobs:,}"),
        ("groups", groups),
        ("REML criterion" if model.reml else "deviance", number(model.criterion, 1)),
        ("AIC", number(model.aic, 1)),
        ("BIC", number(model.bic, 1)),
        ("R² marginal", number(r2.marginal, 2)),
        ("R² conditional", number(r2.conditional, 2)),
        ("ICC", number(icc.adjusted, 2)),
    ]
    notes = [f"{f.message} {f.action or ''}".strip() for f in model.findings]
    return Summary(
        f"Linear mixed model by {method}", model.formula, facts, [_fixed_section(model), _random_section(model)], notes
    )


def _fixed_section(model: MixedModel) -> Section:
    table = model.tidy("fixed")
    name = "Satterthwaite df" if model.df_method == "satterthwaite" else "normal"
    rows = [
        [row.term, number(row.estimate), number(row.std_error), number(row.df, 1), number(row.statistic, 2),
         p_value(row.p_value), f"{number(row.conf_low)} to {number(row.conf_high)}"]
        for row in _records(table)
    ]  # fmt: skip
    return Section(
        f"Fixed effects ({name}, Wald intervals)", ["Term", "Estimate", "SE", "df", "t", "p", "95 % CI"], rows
    )


def _random_section(model: MixedModel) -> Section:
    table = model.varcorr()
    correlations: dict[tuple[str, str], list[str]] = {}
    for row in _records(table[table["term2"].notna()]):
        correlations.setdefault((row.group, row.term2), []).append(number(row.sd_or_corr, 2))
    rows = []
    for row in _records(table[table["term2"].isna()]):
        term = "" if row.group == "Residual" else random_label(row.term1)
        corr = " ".join(correlations.get((row.group, row.term1), []))
        rows.append([row.group, term, number(row.variance), number(row.sd_or_corr), corr])
    return Section("Random effects", ["Group", "Term", "Variance", "SD", "Corr"], rows, n_text=2)


def _records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table as named tuples."""
    yield from table.itertuples(index=False)
