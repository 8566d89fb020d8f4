"""The notebook that `make demo` opens runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.lab import Lab
from tests.browser.notebook import open_notebook, run_all, screenshot

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parent.parent.parent / "notebooks" / "01_quickstart.ipynb"


def test_quick_start_runs_from_top_to_bottom(lab: Lab, page: Page) -> None:
    (lab.root / SOURCE.name).write_bytes(SOURCE.read_bytes())
    open_notebook(lab, page, SOURCE.name)
    run_all(page)
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-OutputArea-output canvas, .jp-OutputArea-output svg').length >= 3"
    )
    screenshot(page, "quickstart")
