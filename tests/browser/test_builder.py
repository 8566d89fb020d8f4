"""The main job in a real JupyterLab: a model built from nothing, by mouse and by keyboard alone.

The numbers are R's (lme4 1.1-31 with lmerTest 3.1-3), made by

    h <- read.csv("mlm_widgets/datasets/hsb.csv")
    h$sector <- factor(h$sector, levels = c("Public", "Catholic"))
    m <- lmer(mathach ~ ses * sector + (ses | school), h,
              control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9)))
    coef(summary(m)); REMLcrit(m); isSingular(m)
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

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

pytestmark = pytest.mark.browser

FORMULA = "mathach ~ ses * sector + (ses | school)"
REML_CRITERION = 46569.1121873
ROWS = {  # estimate, standard error, df, t as R gives them, as the table shows them
    "Intercept": ("11.75", "0.23", "152", "50.7"),
    "ses": ("2.96", "0.14", "1,358", "20.7"),
    "sector[T.Catholic]": ("2.13", "0.35", "145", "6.2"),
    "ses:sector[T.Catholic]": ("−1.31", "0.22", "1,398", "−6.1"),
}
CHARTS = {"coefficients": "chart-coefficients", "random": "chart-caterpillar", "predictions": "chart-predictions"}
CELLS = ["import mlm_widgets as mlm\n\nhsb = mlm.datasets.load('hsb')", "builder = mlm.ModelBuilder(hsb)\nbuilder"]


class Builder:
    """The builder on the page, by the names that its parts carry (`data-mlm`)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".mlm-builder")

    def part(self, name: str) -> Locator:
        return self.root.locator(f"[data-mlm={_quoted(name)}]")

    def open_tab(self, name: str) -> None:
        self.part(f"tab-{name}").click()

    def chart(self, tab: str) -> Locator:
        """The tab's chart, drawn at least once."""
        self.open_tab(tab)
        chart = self.part(CHARTS[tab])
        expect(chart).not_to_have_attribute("data-drawn", "0")
        return chart


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture
def builder(lab: Lab, page: Page) -> Builder:
    path = lab.write_notebook("builder.ipynb", CELLS)
    open_notebook(lab, page, path)
    run_all(page)
    made = Builder(page)
    expect(made.part("outcome")).to_be_visible()
    return made


def pick_by_mouse(builder: Builder, button: str, option: str) -> None:
    builder.part(button).click()
    builder.part(f"{button}-list").get_by_role("option", name=option).first.click()


def build_by_mouse(builder: Builder) -> None:
    pick_by_mouse(builder, "outcome", "mathach")
    pick_by_mouse(builder, "add-group", "school")
    pick_by_mouse(builder, "add-predictor", "ses")
    pick_by_mouse(builder, "add-predictor", "sector")
    builder.part("add-interaction").click()
    options = builder.part("add-interaction-list").get_by_role("option")
    options.filter(has_text="ses").first.click()
    options.filter(has_text="sector").first.click()
    builder.part("interaction-confirm").click()
    builder.part("slope-school-ses").click()


def type_keys(builder: Builder, *keys: str) -> None:
    for key in keys:
        builder.page.keyboard.press(key)


def tab_to(builder: Builder, name: str) -> None:
    """Press Tab until the focus is on the part called `name`."""
    for _ in range(60):
        found = builder.page.evaluate(
            "() => { let at = document.activeElement; while (at?.shadowRoot) at = at.shadowRoot.activeElement;"
            " return at?.dataset?.mlm ?? ''; }"
        )
        if found == name:
            return
        builder.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {name}")


def pick_by_keyboard(builder: Builder, button: str, option: str) -> None:
    tab_to(builder, button)
    type_keys(builder, "Enter")
    expect(builder.part(f"{button}-list")).to_be_visible()
    builder.page.keyboard.type(option)
    type_keys(builder, "Enter")
    expect(builder.part(f"{button}-list")).to_have_count(0)


def build_by_keyboard(builder: Builder) -> None:
    builder.part("outcome").focus()
    pick_by_keyboard(builder, "outcome", "mathach")
    pick_by_keyboard(builder, "add-group", "school")
    pick_by_keyboard(builder, "add-predictor", "ses")
    expect(builder.part("predictor-ses")).to_be_visible()
    pick_by_keyboard(builder, "add-predictor", "sector")
    expect(builder.part("predictor-sector")).to_be_visible()
    tab_to(builder, "add-interaction")
    type_keys(builder, "Enter", " ", "ArrowDown", " ", "Enter")
    expect(builder.part("interaction-ses:sector")).to_be_visible()
    tab_to(builder, "slope-school-ses")
    type_keys(builder, " ")


@pytest.mark.parametrize("build", [build_by_mouse, build_by_keyboard], ids=["mouse", "keyboard"])
def test_a_model_is_built_from_nothing_saved_and_seen_again(
    lab: Lab, page: Page, builder: Builder, build: Callable[[Builder], None]
) -> None:
    how = "mouse" if build is build_by_mouse else "keyboard"
    n_cells = page.locator(".jp-Notebook .jp-Cell").count()
    build(builder)

    expect_in_kernel(page, "print(builder.formula)", FORMULA)
    expect(builder.part("formula")).to_have_value(FORMULA)
    expect(builder.part("status")).to_contain_text("At the boundary")
    expect_in_kernel(page, "print(f'{builder.model.criterion:.4f}')", f"{REML_CRITERION:.4f}")
    assert page.locator(".jp-Notebook .jp-Cell").count() == n_cells  # no key reached the notebook's shortcuts

    for term, numbers in ROWS.items():
        row = builder.part(f"fixed-{term}")
        for number in numbers:
            expect(row).to_contain_text(number)
    screenshot(builder.root, f"builder-{how}-summary")
    for tab in CHARTS:
        chart = builder.chart(tab)
        expect(chart.locator("canvas, svg").first).to_be_visible()
        screenshot(builder.root, f"builder-{how}-{tab}")
    builder.open_tab("code")
    expect(builder.part("code-python")).to_contain_text(FORMULA)
    expect(builder.part("code-r")).to_contain_text("lmer(" + FORMULA)
    builder.open_tab("summary")

    save(lab, page, "builder.ipynb")
    reopen_without_kernel(lab, page, "builder.ipynb", theme="dark")
    again = Builder(page)
    expect(again.part("formula")).to_have_value(FORMULA)
    expect(again.part("fixed-ses")).to_contain_text("2.96")
    screenshot(again.root, f"builder-{how}-reopened-summary")
    for tab in CHARTS:
        expect(again.chart(tab).locator("canvas, svg").first).to_be_visible()
        screenshot(again.root, f"builder-{how}-reopened-{tab}")


def test_a_wrong_formula_is_pointed_at_and_mended(page: Page, builder: Builder) -> None:
    build_by_mouse(builder)
    expect(builder.part("status")).to_contain_text("At the boundary")
    builder.part("formula").fill("mathach ~ ses * secter + (ses | school)")
    builder.part("formula").press("Enter")
    expect(builder.part("formula-error")).to_contain_text("There is no column “secter” in hsb")
    expect(builder.part("fixed-ses")).to_contain_text("2.96")  # the last good fit stays readable
    screenshot(builder.root, "builder-formula-error")
    builder.part("formula-fix").click()
    expect(builder.part("formula-error")).to_have_count(0)
    expect_in_kernel(page, "print(builder.formula)", FORMULA)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("mlm.ModelBuilder([1, 2, 3])", "must be a data frame"),
        ("mlm.ModelBuilder(hsb.iloc[:0])", "The data frame is empty"),
        ("mlm.ModelBuilder(hsb, 'mathach ~ ses + (1 | scool)')", "There is no column “scool”"),
        ("mlm.ModelBuilder(hsb, 'school ~ ses + (1 | sector)')", "The outcome “school” must be a column of numbers"),
        ("mlm.ModelBuilder(hsb, 'mathach ~ __import__(\"os\") + (1 | school)')", "__import__() is not allowed"),
    ],
)
def test_bad_input_is_told_in_the_widget(lab: Lab, page: Page, code: str, message: str) -> None:
    path = lab.write_notebook("bad.ipynb", [CELLS[0], code])
    open_notebook(lab, page, path)
    run_all(page)
    expect(Builder(page).root).to_contain_text(message)


def test_names_of_the_data_are_never_markup(lab: Lab, page: Page) -> None:
    code = """
evil = "<img src=x onerror=\\"document.title='owned'\\">"
odd = 'a "b" c'
hsb = hsb.rename(columns={"ses": evil, "sector": odd})
hsb["school"] = "<script>1</script>" + hsb["school"].astype(str)
builder = mlm.ModelBuilder(hsb, f"mathach ~ `{evil}` * `{odd}` + (1 | school)")
builder
"""
    path = lab.write_notebook("names.ipynb", [CELLS[0], code])
    open_notebook(lab, page, path)
    run_all(page)
    builder = Builder(page)
    expect(builder.part("status")).to_contain_text("Converged")
    for tab in CHARTS:
        builder.chart(tab)
        screenshot(builder.root, f"builder-odd-names-{tab}")
    assert page.title() != "owned"
    assert builder.root.locator("img, script").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 860])
def test_every_tab_is_pictured(page: Page, builder: Builder, theme: str, width: int) -> None:
    """Not a judgement but its material: pictures of each tab, and no part that sticks out sideways."""
    set_width(page, width, 1900)
    set_theme(page, "dark" if theme == "dark" else "light")
    formula = "mathach ~ within(ses, school) * (meanses + sector) + (within(ses, school) | school)"
    builder.part("formula").fill(formula)
    builder.part("formula").press("Enter")
    expect(builder.part("status")).to_contain_text("Converged")
    for tab in ("summary", *CHARTS, "code"):
        builder.chart(tab) if tab in CHARTS else builder.open_tab(tab)
        screenshot(builder.root, f"look-{theme}-{width}-{tab}")
        overflow = builder.root.evaluate("root => root.scrollWidth - root.clientWidth")
        assert overflow <= 0, f"{tab} is {overflow} px too wide"
        tables = builder.root.locator(".mlm-table-scroll")
        cut = tables.evaluate_all("all => all.map(table => table.scrollWidth - table.clientWidth)")
        assert max(cut, default=0) <= 0, f"numbers are cut off in {tab}: {cut}"
