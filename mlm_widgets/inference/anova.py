"""Tests of the terms of the fixed part: analysis of variance of type I, II and III.

With F tests as lmerTest has them (sums of squares are F sigma^2 times the degrees of freedom, of Kenward and Roger's F
before it is scaled). A generalized model, or one with infinite degrees of freedom, has Wald chi-square tests as R's
car::Anova: type II tests a term after all others but those that contain it, numbers or factors, and type I after those
before it, both as differences of two Wald statistics; type III has the hypotheses of :mod:`hypotheses`, which are car's
where factors are coded to sum to zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlm_widgets.inference.ftest import FTest
from mlm_widgets.inference.hypotheses import containing, empty_cells, hypotheses, term_places
from mlm_widgets.inference.wald import Wald

__all__ = ["ANOVA_TYPES", "Anova", "anova"]

Floats = npt.NDArray[np.float64]

ANOVA_TYPES = ("I", "II", "III")


@dataclass(frozen=True, slots=True)
class Anova:
    """A test for each term of the fixed part.

    Attributes
    ----------
    terms : tuple of str
    tests : tuple of FTest
        `num_df` is 0 where nothing of a term can be estimated.
    notes : tuple of str
        What has to be known of them.
    """

    terms: tuple[str, ...]
    tests: tuple[FTest, ...]
    notes: tuple[str, ...]


def anova(tests: Wald, kind: str) -> Anova:
    """The tests of all terms, `kind` one of `ANOVA_TYPES`.

    Prior weights count in the tests, not in the hypotheses; an offset has no influence; of collinear columns what can
    be estimated is tested; a singular fit is tested at its variances of zero.
    """
    fit = tests.fit
    if kind == "III" or tests.has_df:
        found = [tests.f_test(L) if len(L) else FTest(0.0, 0, np.nan) for L in hypotheses(fit, kind)]
    else:
        found = _differences(tests, kind)
    notes = [tests.note] if tests.note else []
    if kind == "III" and (empty := empty_cells(fit)):
        listed = ", ".join(f"{term} ({count:,})" for term, count in empty.items())
        notes.append(
            f"There are combinations of levels without rows, {listed}: type III hypotheses are then of the "
            "combinations that there are, and depend on which."
        )
    return Anova(tuple(":".join(term) for term in fit.design.spec.fixed.terms), tuple(found), tuple(notes))


def _differences(tests: Wald, kind: str) -> list[FTest]:
    """Wald statistics of a term with those that are left out for it, less those of these alone."""
    places, unit = term_places(tests.fit), np.eye(len(tests.fit.beta))
    later = [list(range(term + 1, len(places))) for term in range(len(places))]
    left_out = containing(tests.fit, same_numbers=False) if kind == "II" else later
    found = []
    for own, others in zip(places, left_out, strict=True):
        rest = [k for other in others for k in places[other]]
        without, both = tests.f_test(unit[rest]), tests.f_test(unit[own + rest])
        found.append(FTest(max(both.wald - without.wald, 0.0), both.num_df - without.num_df, np.inf))
    return found
