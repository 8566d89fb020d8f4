"""Generalized models in a real JupyterLab: a logistic, a binomial and a Poisson model built by clicks.

The numbers are compared with those of `mlm.fit` in this process, which are held against R's elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from playwright.sync_api import Page, expect

import mlm_widgets as mlm
from tests.browser.lab import Lab
from tests.browser.notebook import (
    expect_in_kernel,
    open_notebook,
    reopen_without_kernel,
    run_all,
    save,
    screenshot,
    set_theme,
    set_width,
)
from tests.browser.test_builder import CHARTS, Builder, pick_by_keyboard, pick_by_mouse, tab_to, type_keys

pytestmark = pytest.mark.browser

FORMULA = "use ~ age + urban + (urban | district)"
TRIALS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
COUNTS = "TICKS ~ YEAR + cHEIGHT + offset(log(HEIGHT)) + (1 | BROOD)"

Opener = Callable[[str], Builder]


@pytest.fixture
def opened(lab: Lab, page: Page) -> Opener:
    """Opens the builder on a data set, with nothing chosen."""

    def open_on(name: str) -> Builder:
        cells = [
            f"import mlm_widgets as mlm\n\ndata = mlm.datasets.load({name!r})",
            "builder = mlm.ModelBuilder(data)\nbuilder",
        ]
        path = lab.write_notebook("generalized.ipynb", cells)
        open_notebook(lab, page, path)
        run_all(page)
        made = Builder(page)
        expect(made.part("outcome")).to_be_visible()
        return made

    return open_on


@cache
def fitted(name: str, formula: str, family: str, link: str | None = None) -> mlm.MixedModel:
    return mlm.fit(formula, mlm.datasets.load(name), family=family, link=link)


def shown_estimate(builder: Builder, term: str) -> tuple[float, float]:
    """The estimate in the table, and half a unit of its last digit."""
    text = builder.part(f"fixed-{term}").locator(".mlm-estimate").inner_text().replace("−", "-").replace(",", "")
    digits = len(text.partition(".")[2])
    return float(text), 0.5000001 * 10.0**-digits


def expect_estimates(builder: Builder, model: mlm.MixedModel, *, exponentiate: bool) -> None:
    """Each estimate of the table is the model's, rounded."""
    for row in model.tidy("fixed", exponentiate=exponentiate).to_dict("records"):
        value, half = shown_estimate(builder, row["term"])
        assert abs(value - row["estimate"]) <= half, row["term"]


def expect_drawn(builder: Builder, tab: str, *words: str) -> None:
    """The tab's chart has marks, and these words, those of the axes' titles among them."""
    chart = builder.chart(tab)
    expect(chart.locator(".mark-rule path, .mark-rule line, .mark-symbol path").first).to_be_attached()
    for word in words:
        expect(chart.locator("svg")).to_contain_text(word)


def build_logistic(builder: Builder) -> None:
    pick_by_mouse(builder, "outcome", "use")
    expect(builder.part("family-note")).to_contain_text("so the family is binomial")
    pick_by_mouse(builder, "add-group", "district")
    pick_by_mouse(builder, "add-predictor", "age")
    pick_by_mouse(builder, "add-predictor", "urban")
    builder.part("slope-district-urban").click()
    expect(builder.part("formula")).to_have_value(FORMULA)


def test_a_logistic_model_is_built_and_read_as_odds_ratios(lab: Lab, page: Page, opened: Opener) -> None:
    builder = opened("contraception")
    build_logistic(builder)
    expect_in_kernel(page, "print(builder.formula, builder.spec['family'])", f"{FORMULA} binomial")
    for words in ("Converged", "Binomial, logit link · Laplace"):
        expect(builder.part("status")).to_contain_text(words)
    expect(builder.part("success")).to_contain_text("Y")
    expect(builder.part("criterion-reml")).to_have_count(0)

    logit = fitted("contraception", FORMULA, "binomial")
    expect(builder.part("fixed-table")).to_contain_text("Odds ratio")
    expect_estimates(builder, logit, exponentiate=True)
    expect_drawn(builder, "coefficients", "Odds ratio of use = Y per unit of the predictor (log axis)")
    expect_drawn(builder, "random", "Difference from the average district (log-odds)")
    expect_drawn(builder, "predictions", "Predicted probability of use = Y", "age (years)", "For a typical district")
    builder.part("average").click()
    expect(builder.chart("predictions").locator("svg")).to_contain_text("Averaged over groups")
    builder.part("raw").click()
    expect(builder.chart("predictions").locator("svg")).to_contain_text("in tenths of the rows")

    builder.open_tab("summary")
    builder.part("ratios").click()
    expect(builder.part("fixed-table").locator("thead")).to_contain_text("Estimate")
    expect_estimates(builder, logit, exponentiate=False)
    expect_drawn(builder, "coefficients", "Change in log-odds of use = Y per unit of the predictor")

    tab_to(builder, "link")  # by keys
    type_keys(builder, "ArrowDown", "ArrowDown", "Enter")
    expect(builder.part("status")).to_contain_text("probit link")
    builder.open_tab("summary")
    expect(builder.part("ratios")).to_have_count(0)
    expect_estimates(builder, fitted("contraception", FORMULA, "binomial", "probit"), exponentiate=False)
    expect_drawn(builder, "coefficients", "Change in probit scale of use = Y")
    builder.part("undo").click()
    expect(builder.part("link")).to_contain_text("logit")

    save(lab, page, "generalized.ipynb")
    reopen_without_kernel(lab, page, "generalized.ipynb", theme="dark")
    again = Builder(page)
    expect(again.part("formula")).to_have_value(FORMULA)
    expect(again.part("link")).to_contain_text("logit")
    expect_drawn(again, "predictions", "Predicted probability of use = Y")


def test_successes_out_of_trials(page: Page, opened: Opener) -> None:
    builder = opened("cbpp")
    builder.part("outcome").focus()
    pick_by_keyboard(builder, "outcome", "incidence")
    tab_to(builder, "family")
    type_keys(builder, "Enter")
    builder.page.keyboard.type("B")
    type_keys(builder, "Enter")
    expect(builder.part("status")).to_contain_text("Choose the trials")
    pick_by_mouse(builder, "trials", "size")
    pick_by_mouse(builder, "add-group", "herd")
    pick_by_mouse(builder, "add-predictor", "period")
    expect(builder.part("formula")).to_have_value(TRIALS)
    expect(builder.part("status")).to_contain_text("Converged")
    expect_estimates(builder, fitted("cbpp", TRIALS, "binomial"), exponentiate=True)
    expect_drawn(builder, "predictions", "Predicted probability of incidence of size")
    builder.part("formula").fill("incidence ~ period + (1 | herd)")
    builder.part("formula").press("Enter")
    expect(builder.part("trials")).to_have_count(0)
    expect_in_kernel(page, "print(builder.formula)", "incidence ~ period + (1 | herd)")


def test_counts_with_an_exposure(page: Page, opened: Opener) -> None:
    builder = opened("grouseticks")
    pick_by_mouse(builder, "outcome", "TICKS")
    expect(builder.part("family")).to_contain_text("Gaussian")  # it can be: nothing changes by itself
    pick_by_mouse(builder, "family", "Poisson")
    pick_by_mouse(builder, "add-group", "BROOD")
    pick_by_mouse(builder, "add-predictor", "YEAR")
    pick_by_mouse(builder, "add-predictor", "cHEIGHT")
    pick_by_mouse(builder, "exposure", "HEIGHT")
    expect(builder.part("formula")).to_have_value(COUNTS)
    expect(builder.part("status")).to_contain_text("Poisson, log link · Laplace")
    expect(builder.part("fixed-table")).to_contain_text("Rate ratio")
    expect_estimates(builder, fitted("grouseticks", COUNTS, "poisson"), exponentiate=True)
    expect_drawn(builder, "coefficients", "Rate ratio of TICKS per unit of the predictor (log axis)")
    expect_drawn(builder, "random", "Difference from the average BROOD (log rate)")
    expect_drawn(builder, "predictions", "Predicted TICKS (ticks)")
    expect_in_kernel(page, "print(builder.formula)", COUNTS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 860])
def test_every_tab_is_pictured(page: Page, opened: Opener, theme: str, width: int) -> None:
    """Material to look at: each tab of a logistic model, the lists of families and links; nothing sticks out."""
    set_width(page, width, 1900)
    builder = opened("contraception")
    set_theme(page, "dark" if theme == "dark" else "light")
    build_logistic(builder)
    expect(builder.part("status")).to_contain_text("Converged")
    for name in ("family", "link"):
        builder.part(name).click()
        expect(builder.part(f"{name}-list")).to_be_visible()
        screenshot(builder.root, f"generalized-{theme}-{width}-{name}")
        type_keys(builder, "Escape")
    for tab in ("summary", *CHARTS, "code"):
        builder.chart(tab) if tab in CHARTS else builder.open_tab(tab)
        if tab == "predictions":
            builder.part("raw").click()
            expect(builder.chart(tab).locator("svg")).to_contain_text("in tenths of the rows")
        screenshot(builder.root, f"generalized-{theme}-{width}-{tab}")
        overflow = builder.root.evaluate("root => root.scrollWidth - root.clientWidth")
        assert overflow <= 0, f"{tab} is {overflow} px too wide"
        tables = builder.root.locator(".mlm-table-scroll")
        cut = tables.evaluate_all("all => all.map(table => table.scrollWidth - table.clientWidth)")
        assert max(cut, default=0) <= 0, f"numbers are cut off in {tab}: {cut}"
