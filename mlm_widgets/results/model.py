"""`MixedModel`, the face of a fitted model: accessors of a few lines above `inference` and `tables`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlm_widgets import inference, tables
from mlm_widgets.design import (
    Rows,
    coefficient_labels,
    factor_label,
    used_columns,
)
from mlm_widgets.errors import DataError, FitError, OptionError
from mlm_widgets.families import Family
from mlm_widgets.fitter import OPTIMISERS, Fit, FitOptions, Prepared, Trace, fit_glmm, prepare
from mlm_widgets.formula import (
    ModelSpec,
    parse_factor,
    quote_name,
    to_formula,
    to_python,
    to_r,
)
from mlm_widgets.frames import Frame, read_frame
from mlm_widgets.inference import (
    ICC,
    R2,
    RESIDUALS,
    AllFits,
    Bootstrap,
    Coefficients,
    Decomposition,
    Finding,
    Profile,
    ProgressOption,
    Wald,
    WorkingModel,
)
from mlm_widgets.results.checks import check_choice, check_count, check_df_method, check_level, check_ratio
from mlm_widgets.results.newdata import chosen_groupings, complete_rows, in_place
from mlm_widgets.results.statistic import statistic_of
from mlm_widgets.results.text import fixed_section, prediction_note, random_section, summary_of
from mlm_widgets.summary import Summary

__all__ = ["MixedModel", "RanefCov"]

SCALES = ("response", "link")
GROUPS = ("typical", "average")


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

    def __init__(
        self, fit_result: Fit, frame: Frame, df_method: str = "satterthwaite", prepared: Prepared | None = None
    ) -> None:
        self._fit = fit_result
        self._frame = frame
        self._df_method = df_method
        if prepared is not None:
            self.__dict__["_prepared"] = prepared

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

    def with_df(self, df_method: str) -> MixedModel:
        """The same fit with other degrees of freedom: "satterthwaite", "kenward-roger" or "normal" (see `fit`)."""
        if df_method == self._df_method:
            return self
        self._check_df(df_method)
        return MixedModel(self._fit, self._frame, df_method, self.__dict__.get("_prepared"))

    def _check_df(self, df_method: str) -> None:
        check_df_method(df_method, self.family)
        if df_method != "normal" and not self.is_linear:
            raise OptionError(
                "Tests of a generalized model are z and chi-square tests: it has no degrees of freedom to choose.",
                hint="Leave `df_method` out.",
                argument="df_method",
            )

    # -- fixed effects ----------------------------------------------------------------------------------------------

    @cached_property
    def _coefficients(self) -> Coefficients:
        return inference.coefficients(self._wald)

    @cached_property
    def _wald(self) -> Wald:
        """How fixed effects are tested."""
        is_adjusted = self._df_method == "kenward-roger" and self.reml
        return inference.wald(self._fit, self._df_method, self._prepared if is_adjusted else None)

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
    def statistic_name(self) -> str:
        """What the tests of the fixed coefficients are by: "t", or "z" where degrees of freedom are infinite."""
        return "z" if self._df_method == "normal" else "t"

    @property
    def ratio_name(self) -> str:
        """What the exponential of a coefficient is, such as "odds ratio"; "" where it means nothing."""
        return self._fit.family.ratio_name

    @property
    def tvalues(self) -> pd.Series[float]:
        """Estimates over their standard errors: t values, or z values (see `statistic_name`)."""
        return self._column("statistic")

    @property
    def df(self) -> pd.Series[float]:
        """Degrees of freedom of the t tests; infinite for z tests."""
        return self._column("df")

    @property
    def pvalues(self) -> pd.Series[float]:
        """Two-sided p values of the t or z tests."""
        return self._column("p_value")

    def conf_int(
        self,
        level: float = 0.95,
        method: str = "wald",
        *,
        exponentiate: bool = False,
        n: int = 1000,
        seed: int | None = None,
        progress: ProgressOption = None,
        cancel: Event | None = None,
    ) -> pd.DataFrame:
        """Intervals: columns `lower`, `upper`.

        Parameters
        ----------
        level : float
        method : {"wald", "profile", "bootstrap"}
            "wald": of the fixed coefficients, estimate ± t * standard error, t with the degrees of freedom of `df`.
            "profile": of all parameters, by their profile likelihood (see `profile`); ``attrs["notes"]`` of the table
            says which limits are the ends of a parameter's range.
            "bootstrap": of all parameters, percentiles of `n` replicates of the parametric bootstrap (`bootstrap` has
            other kinds).
        exponentiate : bool
            The ratios that `ratio_name` names, of the fixed coefficients alone.
        n, seed
            As for `bootstrap`.
        progress, cancel
            As for `bootstrap` and `profile`.
        """
        check_choice("method", method, ("wald", "profile", "bootstrap"))
        ratio, level = check_ratio(self.family, exponentiate), check_level(level)
        if method == "profile":
            wanted = "fixed" if ratio else None
            table = self.profile(wanted, level, progress=progress, cancel=cancel).conf_int(level)
            return table.transform(np.exp) if ratio else table
        if method == "bootstrap":
            found = self.bootstrap(n, seed, progress=progress, cancel=cancel).conf_int(level)
            return found.loc[list(self._fit.names)].apply(np.exp) if ratio else found
        table = tables.fixed_table(self._coefficients, level, is_ratio=bool(ratio))
        return table[["conf_low", "conf_high"]].set_axis(["lower", "upper"], axis=1)

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the fixed coefficients, (p, p)."""
        names = list(self._fit.names)
        return pd.DataFrame(self._wald.covariance.copy(), index=names, columns=names)

    # -- tests of several coefficients ------------------------------------------------------------------------------

    def _tests(self, df_method: str | None) -> Wald:
        return self._wald if df_method is None else self.with_df(df_method)._wald

    def anova(self, type: str = "III", df_method: str | None = None) -> pd.DataFrame:  # noqa: A002 - R's word
        """Tests of the terms of the fixed part, as lmerTest's ``anova`` and, for generalized models, car's ``Anova``.

        Parameters
        ----------
        type : {"III", "II", "I"}
            I: each term after those before it. II: after all others but those that contain it. III: main effects as
            means over the levels of the factors that they interact with, each level counting once; it is the same
            whatever the contrasts of the factors. With an interaction of numbers, such as ``f * x``, f is tested at
            x = 0.
        df_method : {"satterthwaite", "kenward-roger", "normal"}, optional
            Default: the model's own.

        Returns
        -------
        DataFrame
            A row a term: sum_sq, mean_sq, num_df, den_df, statistic (F), p_value. Of a generalized model, and with
            "normal", Wald chi-square tests: statistic, df, p_value. NaN where nothing of a term can be estimated.
            ``attrs`` holds `type`, `statistic` ("F" or "Chisq"), `df_method` and `notes`.

        Notes
        -----
        Prior weights count in the tests; hypotheses are of the levels, whatever their weights. With columns that were
        dropped as collinear, and with combinations of levels without rows, what can be estimated is tested, and
        `notes` says so. A singular fit is tested at its variances of zero. Kenward and Roger's figures of a fit by
        maximum likelihood are those of a second fit by REML.
        """
        check_choice("type", type, inference.ANOVA_TYPES)
        tests = self._tests(df_method)
        found = inference.anova(tests, type)
        table = tables.anova_table(found, self.sigma, has_df=tests.has_df)
        statistic = "F" if tests.has_df else "Chisq"
        table.attrs.update(type=type, statistic=statistic, df_method=tests.df_method, notes=found.notes)
        return table

    def drop1(self) -> pd.DataFrame:
        """Leave out each fixed term that no other contains, and compare: likelihood-ratio tests, as R's ``drop1``.

        Returns
        -------
        DataFrame
            A row a term, after that of the model itself (``<none>``): npar, logLik and AIC of the model without the
            term; Chisq, Df and p of the test. ``attrs["notes"]`` says what else there is to know.

        Notes
        -----
        All by maximum likelihood: REML fits are made again, on the same rows. Prior weights and offset stay. A term
        that the others make up has no test. Singular fits are compared as they are, generalized models by their
        approximate likelihood.
        """
        found = inference.drop1(self._fit, self._frame)
        table = tables.dropped_table(found)
        table.attrs["notes"] = found.notes
        return table

    def contrast_test(self, L: Any, df_method: str | None = None) -> pd.DataFrame:
        """Test linear hypotheses on the fixed coefficients, all at once.

        Parameters
        ----------
        L : str, dict, list of these, or matrix (k, p)
            ``"ses = 0"``, ``"a - b = 0"``, ``"a = b = 0.5"``, ``["a = 0", "b = 0"]``; ``{"a": 1, "b": -1}``, whose
            sum is zero; or a matrix over the coefficients in the order of `params` (a data frame: by its columns).
        df_method : {"satterthwaite", "kenward-roger", "normal"}, optional
            Default: the model's own.

        Returns
        -------
        DataFrame
            One row, with the columns of `anova`. ``attrs["rows"]`` holds a dict for each hypothesis: hypothesis,
            estimate (left side less right side), std_error, df, statistic, p_value; ``attrs["notes"]`` as there.

        Notes
        -----
        Rows may depend on each other: degrees of freedom count those that do not. As to weights, offsets, collinear
        columns, singular and generalized fits see `anova`.

        Raises
        ------
        OptionError
            If `L` is not understood, or names a coefficient that the model has not.

        Examples
        --------
        >>> import mlm_widgets as mlm
        >>> m = mlm.fit("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> m.contrast_test("Days = 10", "kenward-roger")[["num_df", "den_df", "p_value"]].round(3)
           num_df  den_df  p_value
        0       1    17.0    0.766
        """
        tests = self._tests(df_method)
        hypothesis = inference.read_hypothesis(self._fit, L)
        table = tables.f_test_table([tests.f_test(hypothesis.L, hypothesis.rhs)], self.sigma, has_df=tests.has_df)
        table.attrs.update(
            statistic="F" if tests.has_df else "Chisq",
            df_method=tests.df_method,
            notes=(tests.note,) if tests.note else (),
            rows=tables.hypothesis_rows(tests, hypothesis),
        )
        return table

    # -- variance parameters ----------------------------------------------------------------------------------------

    @property
    def theta(self) -> npt.NDArray[np.float64]:
        """lme4's theta: lower triangles of the relative covariance factors, factors by decreasing number of levels."""
        return self._fit.theta.copy()

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the outcome; root of `dispersion` where that is no variance."""
        return float(np.sqrt(self.dispersion))

    @property
    def dispersion(self) -> float:
        """The family's phi: residual variance, 1 / shape of Gamma and negative binomial; 1 where there is none."""
        return self._fit.dispersion

    def varcorr(self) -> pd.DataFrame:
        """Variances and covariances: group, term1, term2, variance, sd_or_corr (as lme4's VarCorr).

        A "Residual" row is there where the outcome is normal; `dispersion` is what other families have.
        """
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

    def icc(self, method: str | None = None) -> ICC:
        """Intraclass correlation: `adjusted`, `unadjusted`, `by_group`.

        Nakagawa, Johnson & Schielzeth (2017), J. R. Soc. Interface 14, 20170213. In a generalized model it is on the
        scale of the linear predictor, and the residual variance there is found by `method`.

        Parameters
        ----------
        method : {"theoretical", "delta", "lognormal", "trigamma"}, optional
            "theoretical" (binomial; its default): that of the latent outcome, pi^2 / 3 for logit, 1 for probit,
            pi^2 / 6 for cloglog, of one trial. "lognormal" (the default with the link log) and "trigamma": of the
            logarithm of the outcome. "delta" (the default elsewhere): the outcome's variance carried through the link.
            The last three are at the outcome's mean in the model without predictors, `null`, averaged over its random
            effects; a grouping factor with a level for each row belongs to the residual variance.

        Notes
        -----
        R's performance has the same defaults, but before insight 0.20 it leaves the average over the random effects
        out of the mean (exp(b0), not exp(b0 + var / 2) as in the paper's equation 5.8), and later it divides pi^2 / 3
        by the number of trials of a binomial outcome. Of a beta outcome with logit link it takes exp(b0) for the mean.
        """
        return inference.icc(self._fit, method, self._null_for(method))

    def r2(self, method: str | None = None) -> R2:
        """Marginal and conditional R2 (Nakagawa & Schielzeth 2013, Johnson 2014); `method` as for `icc`."""
        return inference.r2(self._fit, method, self._null_for(method))

    def _null_for(self, method: str | None) -> Fit | None:
        is_asked = inference.uses_null(self.family, method) and self.null is not None
        return self.null.fit_result if is_asked and self.null is not None else None

    @cached_property
    def null(self) -> MixedModel | None:
        """The same groups without predictors and slopes, on the same rows; None where it cannot be fitted."""
        if not self.spec.terms and self.spec.intercept and all(not term.terms for term in self.spec.random):
            return self
        null = inference.null_fit(self._fit, self._frame)
        return None if null is None else MixedModel(null, self._frame, self._df_method)

    def r2_decomposition(self) -> Decomposition:
        """Variance by source and level (Rights & Sterba 2019): fixed slopes of two levels, random slopes, intercepts.

        `variances` and `r2` are its tables, as R's r2mlm has them: f1 and f2 (fixed slopes of predictors of level 1 and
        2), v (random slopes), m (intercepts), as shares of the total, the within and the between variance.

        Notes
        -----
        For linear models of one grouping factor. Every predictor must be of one level, centred within groups
        (``within(x, g)``) or constant there (``between(x, g)``); `mixed` names those that are not, and with them only
        shares of the total are defined. Weights: the residual variance is that of a row of weight 1. An offset has no
        share, nor has a collinear column; a singular fit has shares of zero.

        Raises
        ------
        OptionError
            For generalized models and for several grouping factors.

        Examples
        --------
        >>> import mlm_widgets as mlm
        >>> hsb = mlm.datasets.load("hsb")
        >>> m = mlm.fit("mathach ~ within(ses, school) + between(ses, school) + (within(ses, school) | school)", hsb)
        >>> m.r2_decomposition().r2.loc[["f1", "f2", "v", "m"]].round(3)
                 total  within  between
        measure
        f1       0.044   0.054      NaN
        f2       0.125     NaN    0.688
        v        0.006   0.008      NaN
        m        0.056     NaN    0.312
        """
        return inference.decomposition(self._fit)

    def explained_by_level(self) -> pd.DataFrame:
        """How much less variance there is at each level than in `null`, the model without predictors.

        Returns
        -------
        DataFrame
            A row for the residuals and one for each grouping factor: `variance_null`, `variance`; `raudenbush_bryk`,
            the share by which the variance drops, which can be negative; `snijders_bosker`, the share by which the
            error of predicting a row and the mean of a group drops; and the `group_size` (harmonic mean) of the latter,
            which is defined for one grouping factor.

        Notes
        -----
        Random slopes are taken out first, by a refit, as Snijders & Bosker advise: ``attrs["formula"]`` is the model
        that was looked at. Weights: the residual variance is that of a row of weight 1. Both models have the offset.
        Collinear columns stay out; where the null model has no variance, shares are NaN.

        Raises
        ------
        OptionError
            For generalized models.
        FitError
            If one of the two models cannot be fitted.
        """
        inference.check_levels_explained(self._fit)
        plain = inference.intercepts_fit(self._fit, self._frame)
        table = tables.level_table(inference.explained_by_level(plain, self._needed_null()))
        table.attrs["formula"] = to_formula(plain.design.spec.model)
        return table

    def _needed_null(self) -> Fit:
        if self.null is None:
            raise FitError("The model without predictors, which this compares with, cannot be fitted to these rows.")
        return self.null.fit_result

    def design_effect(self) -> pd.DataFrame:
        """How much less the rows say of the outcome's mean than independent rows would: 1 + (m - 1) ICC (Kish 1965).

        Returns
        -------
        DataFrame
            A row a grouping factor: n_groups, mean_size, weighted_size, icc, design_effect, effective_n. m is the
            `weighted_size`, the size of the group of an average row, as sizes may differ. The ICC is that of `null`.
            With several factors the row "(all)" is of all together.

        Notes
        -----
        Sizes are numbers of rows, whatever their weights; an offset is in the null model, too. The predictors have no
        part in it. A grouping factor of variance zero has the design effect 1.

        Raises
        ------
        OptionError
            For generalized models, whose ICC is on another scale than the outcome.
        FitError
            If the model without predictors cannot be fitted.
        """
        inference.check_design_effect(self._fit)
        return tables.design_effect_table(inference.design_effects(self._needed_null()))

    def standardised(self, method: str = "refit", level: float = 0.95) -> pd.DataFrame:
        """Fixed coefficients in standard deviations.

        Parameters
        ----------
        method : {"refit", "basic", "within"}
            "refit": predictors that are numbers, and the outcome, scaled to mean 0 and standard deviation 1, and the
            model fitted again. "basic": the estimates times sd(x) / sd(y), x being the column of the model matrix.
            "within": coefficients of level 1 by the standard deviations within groups, those of level 2 by those
            between ("pseudo" in R's effectsize; Hoffman 2015).
        level : float

        Returns
        -------
        DataFrame
            A row a coefficient: estimate, std_error, conf_low, conf_high; no intercept but with "refit". Standard
            deviations are taken as known. ``attrs`` holds `method` and `outcome`, whether the outcome is scaled.

        Notes
        -----
        The outcome of a generalized model is not scaled, and it has no "within". Means and standard deviations are
        those of the rows whatever their weights; an offset is scaled with the outcome. Collinear columns stay out, and
        a singular fit is like any other, but that "within" needs an outcome that varies between groups where there are
        predictors of level 2. With "refit" and ``||`` the model changes: correlations of zero are then at the means.

        Raises
        ------
        OptionError
            For "within" with several grouping factors or a generalized model.
        """
        check_choice("method", method, inference.STANDARDISED)
        level = check_level(level)
        if method == "refit":
            scaled = self._of(inference.scaled_fit(self._fit, self._frame))
            columns = ["estimate", "std_error", "conf_low", "conf_high"]
            table = tables.fixed_table(scaled._coefficients, level)[columns]
        else:
            if method == "within":
                inference.check_two_levels(self._fit, "Standardising within and between groups")
                scales = inference.within_scales(self._fit, self._needed_null())
            else:
                scales = inference.basic_scales(self._fit)
            table = tables.scaled_table(self._coefficients, scales, level)
        table.attrs.update(method=method, outcome="scaled" if self.is_linear else "as it is")
        return table

    @cached_property
    def guidance(self) -> tuple[Finding, ...]:
        """What a course would say of this design: predictors and rows a group, ICC, scales, names used as numbers.

        Beside `findings`, which concern the fit and the number of groups. See :mod:`mlm_widgets.inference.guidance`.
        """
        return inference.guidance(self._fit, None if self.null is None else self.null.fit_result)

    def remedies(self) -> pd.DataFrame:
        """What simpler random parts do to a singular fit: each is fitted and compared; no rows where none is needed.

        Returns
        -------
        DataFrame
            A row for each component that does not vary by itself, and action ("drop", "uncorrelate"): the simpler
            `formula`; criterion, n_params and aic of this fit and (`_after`) of the simpler one; the likelihood-ratio
            `statistic`, its `df`, `p_chi_square` and `p_mixture` (see `ranova`); whether it is singular still.

        Notes
        -----
        Fixed part, rows, weights, offset, family and REML stay, and collinear columns stay out. A generalized model is
        compared by its approximate likelihood.
        """
        return tables.remedy_table(inference.remedies(self._fit, self._frame))

    def ranova(self) -> pd.DataFrame:
        """Test the random terms: each loses a slope, or is taken away; as lmerTest's ``ranova``.

        Returns
        -------
        DataFrame
            A row a term, after that of the model itself (``<none>``): npar, logLik and AIC of the smaller model; Chisq
            and Df of the likelihood-ratio test; `p_chisq`, of the chi-square distribution (lmerTest's), which is too
            large, for the variance that is taken away is at the end of its range; and `p_mixture`, of
            0.5 chi2(Df - 1) + 0.5 chi2(Df) (Stram & Lee 1994). ``attrs["notes"]`` says what else there is to know.

        Notes
        -----
        A REML fit is tested by the REML criterion, since fixed parts stay the same, a fit by maximum likelihood by the
        deviance, a generalized one by its approximate likelihood. Prior weights, offset and rows stay, and collinear
        coefficients stay out. A variance that is zero already has the statistic 0 and the p value 1. Where several
        random effects go at once (the slopes of a factor), `p_mixture` is the largest that their mixture can give.
        Slopes without an intercept are taken away, but for those of a factor, of which a common intercept is left;
        lmerTest puts an intercept in the place of any.

        Examples
        --------
        >>> import mlm_widgets as mlm
        >>> m = mlm.fit("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2"))
        >>> m.ranova()[["npar", "Chisq", "Df", "p_chisq", "p_mixture"]]
                     npar  Chisq   Df  p_chisq  p_mixture
        term
        <none>          3    NaN  NaN      NaN        NaN
        (1 | Batch)     2    0.0  1.0      1.0        1.0
        """
        found = inference.ranova(self._fit, self._frame)
        table = tables.random_test_table(found)
        table.attrs["notes"] = found.notes
        return table

    def profile(
        self,
        parameters: str | Sequence[str] | None = None,
        level: float = 0.99,
        *,
        progress: ProgressOption = None,
        cancel: Event | None = None,
    ) -> Profile:
        """Profile likelihood: the deviance with one parameter held, and all others at their best.

        Parameters
        ----------
        parameters : str or list of str, optional
            By name, as `conf_int` has them: ``Days``, ``sd__Intercept|Subject``, ``cor__Intercept.Days|Subject``,
            ``sigma`` (``dispersion``, of a generalized model that has one); "fixed" and "random" are all of a kind.
            Default: all.
        level : float
            How far curves go: to the limits of intervals of this level.
        progress : callable, bool, optional
            ``progress(done, total)``, by parameter; as for `bootstrap`.
        cancel : threading.Event, optional
            Set it to stop: `Cancelled` is raised, whose `partial` holds the profile of the parameters that are done.

        Returns
        -------
        Profile
            `table` (parameter, value, zeta: signed roots of the rise of the deviance), `estimate`, `conf_int(level)`,
            `curves`.

        Notes
        -----
        By maximum likelihood, as lme4 has it: a REML fit is made again. Prior weights and offset are in the
        likelihood; coefficients that were left out as collinear have no profile. From a singular fit curves begin at
        the boundary; where a curve meets the end of a range (a standard deviation of 0, a correlation of ±1) before
        it has come far enough, the limit is there. Generalized models are profiled by Laplace's approximation, or
        their quadrature.

        Raises
        ------
        OptionError
            If the model has no such parameter.
        FitError
            If a search with a parameter held fails, or finds a lower deviance than the fit has.
        Cancelled
            If it was stopped.

        Examples
        --------
        >>> import mlm_widgets as mlm
        >>> m = mlm.fit("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> m.profile("random").conf_int().round(2)
                                       lower  upper
        sd__Intercept|Subject          14.38  37.72
        sd__Days|Subject                3.80   8.75
        cor__Intercept.Days|Subject    -0.48   0.69
        sigma                          22.90  28.86
        """
        return inference.profile(self._fit, parameters, check_level(level), progress, cancel)

    # -- random effects ---------------------------------------------------------------------------------------------

    def ranef(self, level: float = 0.95) -> pd.DataFrame:
        """Conditional modes with their conditional standard deviations: group, level, term, estimate, se, lower, upper.

        The variance parameters are taken as known, as in lme4's ``ranef(condVar=TRUE)``; limits are normal.
        """
        return tables.mode_table(self._fit, check_level(level))

    def coef_by_group(self) -> pd.DataFrame:
        """Coefficients of each level, fixed plus random effects, in long form: group, level, term, estimate, se.

        As lme4's ``coef`` a coefficient that does not vary has the same value in every level, and a random effect
        without a fixed coefficient stands alone. `se` is that of the sum as a prediction: it has the uncertainty of
        the fixed and of the random effect and their covariance; the variance parameters are taken as known.
        Coefficients of a generalized model are on the scale of the linear predictor.
        """
        found = inference.group_coefficients(self._fit, self._working)
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
        check_choice("group", names[0] if group is None else group, names)
        own = self._fit.groups[0 if group is None else names.index(group)]
        values = np.ascontiguousarray(own.mode_covariance.transpose(2, 0, 1))
        return RanefCov(own.grouping.name, tuple(own.grouping.levels), own.grouping.names, values)

    # -- other outcomes, other searches -----------------------------------------------------------------------------

    @cached_property
    def _prepared(self) -> Prepared:
        """Columns and sums of a linear model's design, kept once they have been asked for; small ones from the fit."""
        return prepare(self._fit.design, reml=self._fit.reml)

    @property
    def _working(self) -> WorkingModel:
        return inference.working_model(self._fit, self._prepared if self.is_linear else None)

    def refit(self, y: Any, *, options: FitOptions | None = None) -> MixedModel:
        """The same model for another outcome; what does not depend on the outcome is not made again.

        Parameters
        ----------
        y : array or Series of length nobs
            One finite number for each row used, on the scale of the formula's left side, such as a column of
            `simulate`; for a binomial outcome the number of successes among the trials of the row. A pandas Series
            must have the labels of `fittedvalues`.
        options : FitOptions, optional

        Raises
        ------
        DataError
            If it has another length or other labels, is constant, misses values, or has values that the family cannot
            have.
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
        if not self.is_linear:
            return MixedModel(inference.refit_glmm(self._fit, values, options), self._frame, self._df_method)
        prepared = self._prepared.with_outcome(values)
        return MixedModel(prepared.fit(options), self._frame, self._df_method, prepared)

    def simulate(self, n: int = 1, seed: int | None = None, *, random: str = "new") -> pd.DataFrame:
        """New outcomes for the rows used, a column each (sim_1, sim_2, ...); numbers of successes, for the binomial.

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
        check_choice("random", random, ("new", "conditional"))
        values = inference.simulate(self._fit, check_count("n", n), seed, is_new=random == "new")
        return pd.DataFrame(values, index=self._index, columns=[f"sim_{k + 1}" for k in range(int(n))])

    def bootstrap(
        self,
        n: int = 1000,
        seed: int | None = None,
        kind: str = "parametric",
        *,
        random: str = "new",
        group: str | None = None,
        statistic: Callable[[MixedModel], Any] | None = None,
        progress: ProgressOption = None,
        cancel: Event | None = None,
    ) -> Bootstrap:
        """How the estimates vary over data like these: `conf_int()`, `std_error`, `bias` of `n` replicates.

        Parameters
        ----------
        n : int
            Number of replicates.
        seed : int, optional
            The same seed gives the same numbers; those of the parametric bootstrap are the refits of
            ``simulate(n, seed)``.
        kind : {"parametric", "group"}
            "parametric": outcomes simulated from this model, with its weights, offset and family, as lme4's
            ``bootMer``. "group": groups of the outermost grouping factor drawn with replacement, rows and all; every
            draw is a group of its own. What the design learned from the data (means, knots) stays.
        random : {"new", "conditional"}
            Of the parametric kind: random effects drawn anew, or held at their conditional modes (``use.u`` of
            ``bootMer``), for statements about these groups.
        group : str, optional
            Of the kind "group", the factor whose groups are drawn; needed where factors are crossed.
        statistic : callable, optional
            Function of a refitted model: a number, or a list, dict or Series of numbers. Every replicate is then
            fitted by itself, which takes some ten times as long. Default: the fixed coefficients, standard
            deviations, correlations and sigma (the dispersion, where the family has one).
        progress : callable, bool, optional
            ``progress(done, total)``; True or False for a bar of text or none. Default: a bar in terminals after a
            second.
        cancel : threading.Event, optional
            Set it to stop: `Cancelled` is raised, whose `partial` holds the replicates that are done.

        Returns
        -------
        Bootstrap
            A replicate that could not be fitted is counted (`n_failed`) and left out; singular fits count.

        Raises
        ------
        OptionError
            If an option is not allowed.
        Cancelled
            If it was stopped.
        """
        check_choice("kind", kind, inference.KINDS)
        check_choice("random", random, ("new", "conditional"))
        return inference.bootstrap(
            self._fit,
            check_count("n", n),
            seed=seed,
            kind=kind,
            is_new=random == "new",
            group=group,
            statistic=None if statistic is None else statistic_of(statistic, self._fit, self._of),
            prepared=self._prepared if self.is_linear else None,
            progress=progress,
            cancel=cancel,
        )

    def _of(self, fit_result: Fit) -> MixedModel:
        """The face of another fit of this model."""
        return MixedModel(fit_result, self._frame, self._df_method)

    def all_fits(self, optimisers: Sequence[str] | str | None = None, *, max_evaluations: int = 5000) -> AllFits:
        """Search again from several starts, and see whether the searches agree (lme4's ``allFit``).

        A linear model is searched by all `optimisers` ("newton", "bfgs", "nelder-mead"; default: all); a generalized
        one by its only search, "newton".
        """
        allowed = OPTIMISERS if self.is_linear else OPTIMISERS[:1]
        names = [optimisers] if isinstance(optimisers, str) else list(allowed if optimisers is None else optimisers)
        for name in names:
            check_choice("optimisers", name, allowed)
        return inference.all_fits(self._fit, self._search, names, max_evaluations)

    def _search(self, options: FitOptions) -> Fit:
        if self.is_linear:
            return self._prepared.fit(options)
        return fit_glmm(self._fit.design, self.family, n_agq=self.n_agq, options=options)

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
        return inference.linear_predictor(self._fit)

    @property
    def fittedvalues(self) -> pd.Series[float]:
        """Means with the random effects and the offset, for the rows used; shares, for a binomial outcome."""
        return pd.Series(self._fitted, index=self._index, name=self.outcome)

    def resid(self, kind: str = "response") -> pd.Series[float]:
        """Residuals of the rows used, as R has them.

        Parameters
        ----------
        kind : {"response", "pearson", "deviance", "working", "scaled"}
            "response": outcome minus fitted (shares, for a binomial outcome of several trials); "pearson": those
            over the root of the variance function, times the root of the prior weight or the number of trials;
            "deviance": signed roots of each row's part of the deviance; "working": response residuals on the scale
            of the linear predictor; "scaled": Pearson residuals over sigma, of a linear model.
        """
        check_choice("kind", kind, RESIDUALS)
        values = inference.residuals(self._fit, kind, self._linear_predictor)
        return pd.Series(values, index=self._index, name="residual")

    def leverage(self) -> pd.Series[float]:
        """Leverages of the rows used: the diagonal of the hat matrix, as lme4's ``hatvalues`` has it.

        How much each fitted value answers to its own outcome, at the estimated variances. Their sum is the effective
        number of coefficients, between that of the fixed effects and that of all effects. In a generalized model: of
        the working linear model at the estimates, as R's ``hatvalues`` of a glm; lme4's ``hatvalues`` of a glmer fit
        takes the prior weights for the working ones, which is no hat matrix, and warns of it.
        """
        working = self._working
        values = inference.hat_values(working.prepared, working.point)
        return pd.Series(values, index=self._index, name="leverage")

    def predict(
        self,
        newdata: Any = None,
        *,
        type: str = "response",  # noqa: A002 - the word of R's predict
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
        type : {"response", "link"}
            The mean of the outcome (a probability, for the binomial), or the linear predictor. They differ in a
            generalized model.
        random : {"all", "none"} or list of str
            Which grouping factors' random effects count; with "none" they are zero, as in the typical group. That is
            the population's mean in a linear model, but not in a generalized one: see `predictions`.
        new_levels : {"population", "error"}
            A group that the model has not seen: predict the average group, or raise.
        interval : {"confidence"}, optional
            With `random="none"`: Wald limits of the mean, found for the linear predictor and transformed.
        level : float

        Returns
        -------
        Series, or with `interval` a DataFrame of estimate, std_error (by the delta method), conf_low, conf_high.
        """
        check_choice("type", type, SCALES)
        groupings = chosen_groupings(random, list(self.n_groups))
        check_choice("new_levels", new_levels, ("population", "error"))
        if interval is not None:
            check_choice("interval", interval, ("confidence",))
            if groupings:
                raise OptionError(
                    "An interval is available for the population's mean only.",
                    hint="Use random='none'.",
                    argument="interval",
                )
        is_own = newdata is None
        link = self.family.link
        frame = self._frame if is_own else read_frame(newdata)
        rows = Rows(frame, self._fit.design.rows) if is_own else complete_rows(self._fit, frame, groupings)
        assert rows.rows is not None
        index = frame.index[rows.rows]
        offset = self._offset if is_own else inference.offset_of(self._fit, rows)
        if interval is None:
            values = inference.predict_rows(self._fit, rows, groupings, new_levels) + offset
            values = link.inverse(values) if type == "response" else values
            found = pd.Series(values, index=index, name=self.outcome)
            return found if is_own else in_place(found, rows)
        X = self._fit.design.spec.fixed_matrix(rows)
        means = inference.linear_means(self._wald, X, check_level(level), offset)
        means = inference.response_means(link, means) if type == "response" else means
        columns = {
            "estimate": means.estimate, "std_error": means.std_error, "conf_low": means.lower, "conf_high": means.upper
        }  # fmt: skip
        table = pd.DataFrame(columns, index=index)
        return table if is_own else in_place(table, rows)

    # -- predictions over a grid ------------------------------------------------------------------------------------

    def predictions(
        self,
        terms: Sequence[str] | Mapping[str, Any] | str,
        *,
        type: str = "response",  # noqa: A002 - the word of R's predict
        groups: str = "typical",
        level: float = 0.95,
        factors: str = "reference",
    ) -> pd.DataFrame:
        """Means over a grid of predictors.

        Parameters
        ----------
        terms : list of str, or dict of str to values
            ``["ses", "sector"]``, ``["ses", "HOMEWORK [0, 7]"]`` or ``{"ses": None, "HOMEWORK": [0, 7]}``. None gives
            the first number a grid over the middle 98 % of its values, further numbers mean and mean ± sd, factors
            all levels; "sd", "quartiles" and "range" name such choices.
        type : {"response", "link"}
            Means of the outcome (probabilities, for the binomial), or linear predictors.
        groups : {"typical", "average"}
            "typical": of a group whose random effects are zero (conditional means, as R's ggeffects has them).
            "average": of the outcome averaged over the distribution of the random effects (marginal means), at the
            variances of the predictors given. The two are the same in a linear model and for linear predictors; in a
            generalized model averages of probabilities lie nearer to one half, and averages of counts higher, than
            the typical group's. Standard errors take the variances as known.
        level : float
        factors : {"reference", "proportional"}
            Factors that are not named: at their first level, or linear predictors averaged over their levels as often
            as they occur. Numbers that are not named, and the offset, are at their mean: with ``offset(log(e))`` that
            is the geometric mean of e, so counts are those of a row of such an exposure. (R's emmeans does so;
            ggeffects takes the mean of e before the logarithm.)

        Returns
        -------
        DataFrame
            The terms, then estimate, std_error (delta method), df, conf_low, conf_high (Wald limits of the linear
            predictor, transformed). ``attrs`` holds `type`, `groups` and a `note` that says what is estimated.
        """
        check_choice("type", type, SCALES)
        check_choice("groups", groups, GROUPS)
        focuses = inference.resolve_terms(self._fit, terms)
        grid = inference.grid_means(
            self._wald, focuses, level=check_level(level), factors=factors,
            on_response=type == "response", is_averaged=groups == "average",
        )  # fmt: skip
        table = tables.grid_table(grid)
        table.attrs.update(type=type, groups=groups, note=prediction_note(self.family, type, groups))
        return table

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

    def tidy(self, effects: str = "all", level: float = 0.95, *, exponentiate: bool = False) -> pd.DataFrame:
        """Estimates in one frame.

        Columns: effect, group, term, estimate, std_error, statistic, df, p_value, conf_low, conf_high.

        With `exponentiate` the fixed coefficients are ratios (``attrs["estimate"]`` and `ratio_name` say which):
        estimates and limits are exponentiated, standard errors are by the delta method, tests are unchanged. An
        exponentiated intercept is no ratio but the odds, rate or mean where all predictors are zero.
        """
        check_choice("effects", effects, ("all", "fixed", "random"))
        ratio = check_ratio(self.family, exponentiate)
        table = tables.tidy_table(self._fit, self._coefficients, effects, check_level(level), is_ratio=bool(ratio))
        table.attrs["estimate"] = ratio or "coefficient"
        return table

    def glance(self) -> pd.DataFrame:
        """The fit in one row: sizes, family, sigma, dispersion, llf, aic, bic, criterion, R2 and ICC, reml, state."""
        r2, icc = self.r2(), self.icc()
        row = {
            "nobs": self.nobs, "n_params": self.n_params, "family": self.family.name, "link": self.family.link.name,
            "n_agq": self.n_agq, "sigma": self.sigma, "dispersion": self.dispersion, "llf": self.llf, "aic": self.aic,
            "bic": self.bic, "criterion": self.criterion, "r2_marginal": r2.marginal, "r2_conditional": r2.conditional,
            "icc": icc.adjusted, "reml": self.reml, "state": self.state,
        }  # fmt: skip
        return pd.DataFrame([row])

    def summary(self, *, exponentiate: bool = False) -> Summary:
        """The model in text (`print`) and as a table in a notebook; `exponentiate` as for `tidy`."""
        notes = [f"{finding.message} {finding.action or ''}".strip() for finding in self.findings]
        notes += [self._wald.note] if self._wald.note else []
        fixed = self.tidy("fixed", exponentiate=exponentiate)
        sections = [fixed_section(fixed, self._df_method), random_section(self.varcorr())]
        return summary_of(self.formula, self.family, self.glance(), self.n_groups, sections, notes)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        return f"MixedModel({self.formula!r}, {self.nobs:,} rows, {self.state})"

    # -- code -------------------------------------------------------------------------------------------------------

    def to_python(self, data: str = "data") -> str:
        """Python code that fits this model to the frame called `data`; `family` is a family of the user's own."""
        return to_python(self.spec, data, df_method=self._df_method, n_agq=self.n_agq, arrays=self._arrays)

    def to_r(self, data: str = "data") -> str:
        """R code (lme4, lmerTest, glmmTMB) that fits this model to the frame called `data`.

        Raises
        ------
        OptionError
            If the family is the user's own.
        """
        if not self.family.is_built_in:
            raise OptionError(
                f"The family {self.family.name!r} with the link {self.family.link.name!r} is your own: R has no code "
                "for it.",
                hint="See `to_python`.",
                argument="family",
            )
        levels = self._fit.design.spec.levels
        names = {inference.shown_name(key): own for key, own in levels.items()}
        known = {name: own for name, own in names.items() if name in self._frame}
        outcome = self._fit.design.spec.outcome_levels
        return to_r(
            self.spec, data, known, arrays=self._arrays, outcome_levels=outcome, n_agq=self.n_agq,
            df_method=self._df_method,
        )  # fmt: skip

    @property
    def _arrays(self) -> list[str]:
        """What was given beside the data: variables of that name stand for it in code."""
        own = [] if self.family.is_built_in else ["family"]
        return [*(what for what in ("weights", "offset") if getattr(self._fit.design, what) is not None), *own]
