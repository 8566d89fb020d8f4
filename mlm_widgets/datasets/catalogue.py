"""What is known of each shipped table: source, outcome, grouping factors, columns with their units and levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CATALOGUE", "Column", "Dataset"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a shipped table.

    Attributes
    ----------
    name : str
        Its name in the file.
    meaning : str
        What was measured.
    unit : str or None
        Unit of a number; None for a factor and for a number without one.
    is_factor : bool
        Whether its values are labels.
    levels : tuple of str
        A factor's levels, the reference level first; empty: those in the file, numbers by value, others as they appear.
    is_ordered : bool
        Whether the levels have an order.
    """

    name: str
    meaning: str
    unit: str | None = None
    is_factor: bool = False
    levels: tuple[str, ...] = ()
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A shipped table.

    Attributes
    ----------
    name : str
        What `load` calls it; the file is ``<name>.csv``.
    title : str
        One line of what it is about.
    outcome : str
        The column that its models explain.
    groups : tuple of (str, int)
        Grouping factors (``a:b`` for a combination) and their number of levels.
    source : str
        Who collected or published it, and the R package it was exported from.
    n_rows : int
        Number of rows.
    columns : tuple of Column
        In the order of the file.
    """

    name: str
    title: str
    outcome: str
    groups: tuple[tuple[str, int], ...]
    source: str
    n_rows: int
    columns: tuple[Column, ...]


def _number(name: str, meaning: str, unit: str | None = None) -> Column:
    return Column(name, meaning, unit=unit)


def _factor(name: str, meaning: str, *levels: str) -> Column:
    return Column(name, meaning, is_factor=True, levels=levels)


_DATASETS = (
    Dataset(
        name="hsb",
        title="Mathematics achievement of pupils in US high schools",
        outcome="mathach",
        groups=(("school", 160),),
        source=(
            "High School and Beyond 1982, US National Center for Education Statistics; Raudenbush & Bryk (2002), "
            "Hierarchical Linear Models, 2nd ed.; R package nlme, MathAchieve and MathAchSchool joined by school"
        ),
        n_rows=7185,
        columns=(
            _factor("school", "school"),
            _factor("minority", "pupil belongs to a racial or ethnic minority", "No", "Yes"),
            _factor("sex", "sex of the pupil", "Male", "Female"),
            _number("ses", "socio-economic status of the pupil's family, a standardised scale"),
            _number("mathach", "mathematics achievement", "points"),
            _number("meanses", "mean of ses in the school, from the school file"),
            _number("size", "enrolment of the school", "pupils"),
            _factor("sector", "sector of the school", "Public", "Catholic"),
            _number("pracad", "proportion of pupils on the academic track, 0 to 1"),
            _number("disclim", "disciplinary climate of the school, a standardised scale; high is worse"),
        ),
    ),
    Dataset(
        name="sleepstudy",
        title="Reaction times over days of sleep deprivation",
        outcome="Reaction",
        groups=(("Subject", 18),),
        source=(
            "Belenky et al. (2003), Journal of Sleep Research 12, 1-12; the group with 3 hours in bed a night; "
            "R package lme4, sleepstudy"
        ),
        n_rows=180,
        columns=(
            _number("Reaction", "average reaction time on that day", "ms"),
            _number("Days", "days of sleep deprivation, 0 to 9", "days"),
            _factor("Subject", "subject"),
        ),
    ),
    Dataset(
        name="penicillin",
        title="Penicillin assayed on plates, plates crossed with samples",
        outcome="diameter",
        groups=(("plate", 24), ("sample", 6)),
        source=(
            "Davies & Goldsmith, eds. (1972), Statistical Methods in Research and Production, 4th ed., section 6.6; "
            "R package lme4, Penicillin"
        ),
        n_rows=144,
        columns=(
            _number("diameter", "diameter of the zone of inhibition", "mm"),
            _factor("plate", "assay plate"),
            _factor("sample", "penicillin sample"),
        ),
    ),
    Dataset(
        name="pastes",
        title="Strength of a chemical paste, casks nested in batches",
        outcome="strength",
        groups=(("batch", 10), ("batch:cask", 30)),
        source=(
            "Davies & Goldsmith, eds. (1972), Statistical Methods in Research and Production, 4th ed., section 6.5; "
            "R package lme4, Pastes"
        ),
        n_rows=60,
        columns=(
            _number("strength", "strength of the paste; the source gives no unit"),
            _factor("batch", "delivery batch"),
            _factor("cask", "cask within its batch; the labels a to c are used again in each batch"),
            _factor("sample", "batch and cask in one label"),
        ),
    ),
    Dataset(
        name="dyestuff2",
        title="Yield of dyestuff by batch, made so that batches vary less than chance",
        outcome="Yield",
        groups=(("Batch", 6),),
        source=(
            "Constructed by Box & Tiao (1973), Bayesian Inference in Statistical Analysis, section 5.1.2; "
            "R package lme4, Dyestuff2"
        ),
        n_rows=30,
        columns=(
            _factor("Batch", "batch of the intermediate product"),
            _number("Yield", "yield of dyestuff, constructed; grams of standard colour less a constant", "g"),
        ),
    ),
    Dataset(
        name="cake",
        title="Breaking angle of chocolate cakes by recipe and temperature, a split-plot experiment",
        outcome="angle",
        groups=(("recipe:replicate", 45),),
        source=(
            "Cook (1938), Chocolate cake, I. Optimum baking temperature; Cochran & Cox (1957), Experimental Designs, "
            "2nd ed., p. 300; R package lme4, cake"
        ),
        n_rows=270,
        columns=(
            _factor("replicate", "replicate, numbered in the order of time, within its recipe"),
            _factor("recipe", "recipe", "A", "B", "C"),
            _number("temp", "baking temperature", "°F"),
            _number("angle", "angle at which the cake broke", "degrees"),
        ),
    ),
    Dataset(
        name="cbpp",
        title="New cases of contagious bovine pleuropneumonia in herds of zebu cattle",
        outcome="incidence",
        groups=(("herd", 15),),
        source="Lesnoff et al. (2004), Preventive Veterinary Medicine 64, 27-40; R package lme4, cbpp",
        n_rows=56,
        columns=(
            _factor("herd", "herd"),
            _number("incidence", "new serological cases in the period", "animals"),
            _number("size", "herd size at the start of the period", "animals"),
            _factor("period", "period of follow-up, quarters", "1", "2", "3", "4"),
        ),
    ),
    Dataset(
        name="contraception",
        title="Use of contraception by women in Bangladesh",
        outcome="use",
        groups=(("district", 60),),
        source=(
            "Bangladesh Fertility Survey 1989; Steele, Diamond & Amin (1996), Journal of the Royal Statistical Society "
            "A 159, 289-299; R package mlmRev, Contraception"
        ),
        n_rows=1934,
        columns=(
            _factor("woman", "woman"),
            _factor("district", "district; no woman of district 54 was asked"),
            _factor("use", "uses contraception at the time of the survey", "N", "Y"),
            _factor("livch", "number of living children", "0", "1", "2", "3+"),
            _number("age", "age less its mean", "years"),
            _factor("urban", "lives in a town", "N", "Y"),
        ),
    ),
    Dataset(
        name="grouseticks",
        title="Ticks on the heads of red grouse chicks",
        outcome="TICKS",
        groups=(("INDEX", 403), ("BROOD", 118), ("LOCATION", 63)),
        source="Elston et al. (2001), Parasitology 122, 563-569; R package lme4, grouseticks",
        n_rows=403,
        columns=(
            _factor("INDEX", "chick"),
            _number("TICKS", "number of ticks", "ticks"),
            _factor("BROOD", "brood"),
            _number("HEIGHT", "height above sea level", "m"),
            _factor("YEAR", "year, 1995 to 1997", "95", "96", "97"),
            _factor("LOCATION", "place"),
            _number("cHEIGHT", "HEIGHT less its mean", "m"),
        ),
    ),
    Dataset(
        name="verbagg",
        title="Answers to a questionnaire on verbal aggression, persons crossed with questions",
        outcome="r2",
        groups=(("id", 316), ("item", 24)),
        source="De Boeck & Wilson, eds. (2004), Explanatory Item Response Models; R package lme4, VerbAgg",
        n_rows=7584,
        columns=(
            _number("Anger", "trait anger score (STAXI)", "points"),
            _factor("Gender", "gender of the person", "F", "M"),
            _factor("item", "question"),
            Column("resp", "answer", is_factor=True, levels=("no", "perhaps", "yes"), is_ordered=True),
            _factor("id", "person"),
            _factor("btype", "behaviour asked about", "curse", "scold", "shout"),
            _factor("situ", "who is to blame in the situation", "other", "self"),
            _factor("mode", "wanting to do it, or doing it", "want", "do"),
            _factor("r2", "answer in two classes: perhaps and yes are Y", "N", "Y"),
        ),
    ),
)

CATALOGUE: Mapping[str, Dataset] = MappingProxyType({dataset.name: dataset for dataset in _DATASETS})
"""The shipped tables by name, in the order of the documentation."""
