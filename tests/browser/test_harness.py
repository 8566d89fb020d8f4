"""The harness itself, on a small widget: what the builder's tests stand on works, and its gates can fail."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab
from tests.browser.notebook import (
    cell_errors,
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

COUNTER = '''
import anywidget
import traitlets


class Counter(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        const draw = () => { button.textContent = `count is ${model.get("count")}`; };
        button.addEventListener("click", () => {
          model.set("count", model.get("count") + 1);
          model.save_changes();
        });
        model.on("change:count", draw);
        draw();
        el.append(button);
      },
    };
    """
    count = traitlets.Int(0).tag(sync=True)


counter = Counter()
counter
'''
FETCHES = """
from IPython.display import HTML, display

display(HTML('<img class="outside" src="https://cdn.example.org/x.png">'))
"""


def test_widget_is_clicked_saved_and_shown_again_without_a_kernel(lab: Lab, page: Page) -> None:
    path = lab.write_notebook("counter.ipynb", [COUNTER])
    open_notebook(lab, page, path)
    run_all(page)
    page.get_by_role("button", name="count is 0").click()
    page.get_by_role("button", name="count is 1").click()
    expect(page.get_by_role("button", name="count is 2")).to_be_visible()
    expect_in_kernel(page, "counter.count", "2")

    saved = save(lab, page, path)
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(state["state"].get("count") == 2 for state in states.values())

    reopen_without_kernel(lab, page, path, theme="dark")
    expect(page.get_by_role("button", name="count is 2")).to_be_visible()
    assert screenshot(page, "harness-dark").stat().st_size > 0


def test_theme_and_width_change(lab: Lab, page: Page) -> None:
    open_notebook(lab, page, lab.write_notebook("theme.ipynb", ["1 + 1"]))
    background = "() => getComputedStyle(document.querySelector('.jp-NotebookPanel')).backgroundColor"
    light = page.evaluate(background)
    set_theme(page, "dark")
    assert page.evaluate(background) != light
    set_width(page, 700)
    assert page.evaluate("() => document.documentElement.clientWidth") == 700


def test_error_of_a_cell_fails_the_test(lab: Lab, page: Page) -> None:
    open_notebook(lab, page, lab.write_notebook("error.ipynb", ["1 / 0"]))
    with pytest.raises(AssertionError, match="ZeroDivisionError: division by zero"):
        run_all(page)
    assert cell_errors(page) == ["ZeroDivisionError: division by zero"]


def test_request_that_leaves_the_machine_is_refused_and_seen(lab: Lab, page: Page, outside_requests: list[str]) -> None:
    open_notebook(lab, page, lab.write_notebook("outside.ipynb", [FETCHES]))
    run_all(page)
    page.wait_for_function("() => document.querySelector('img.outside')?.complete")
    assert outside_requests == ["https://cdn.example.org/x.png"]
    outside_requests.clear()
