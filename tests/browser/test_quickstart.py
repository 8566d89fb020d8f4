"""The notebook that `make demo` opens runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab
from tests.browser.notebook import open_notebook, run_all, screenshot

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parent.parent.parent / "notebooks" / "01_quickstart.ipynb"


def test_quick_start_runs_from_top_to_bottom(lab: Lab, page: Page) -> None:
    (lab.root / SOURCE.name).write_bytes(SOURCE.read_bytes())
    open_notebook(lab, page, SOURCE.name)
    run_all(page)
    plots = page.locator(".jp-CodeCell").filter(has_text="mlm.plots.")
    expect(plots).to_have_count(3)
    for i in range(3):
        drawn = plots.nth(i).locator(".jp-OutputArea-output").locator("canvas, svg.marks").first
        expect(drawn).to_be_visible(timeout=30_000)
        drawn.scroll_into_view_if_needed()
        screenshot(plots.nth(i), f"quickstart-plot-{i + 1}")
