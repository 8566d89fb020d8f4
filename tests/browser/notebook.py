"""What a test does with an open notebook: open, run, save, reopen, look.

Nothing here sleeps: each step waits for the condition that the next one needs, through Lab's own objects
(``window.jupyterapp``), because menus and the kernel's "idle" are unreliable signs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page

from tests.browser.lab import Lab

STEP_SECONDS = 90  # for whatever a step waits for inside the page, all cells' run included
SCREENSHOTS = Path(__file__).parent / "screenshots"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

Theme = Literal["light", "dark"]


def open_notebook(lab: Lab, page: Page, path: str, *, theme: Theme = "light") -> None:
    """Open a notebook and wait until its kernel answers."""
    _go_to(lab, page, path, theme)
    _in_page(
        page,
        """async () => {
            const { sessionContext } = jupyterapp.shell.currentWidget;
            await sessionContext.ready;
            await sessionContext.session.kernel.info;
        }""",
    )


def run_all(page: Page, *, may_fail: bool = False) -> None:
    """Run all cells; wait until the last has ended; a cell's error is the test's unless it `may_fail`."""
    _in_page(page, "async () => { await jupyterapp.commands.execute('notebook:run-all-cells'); }")
    errors = cell_errors(page)
    assert may_fail or not errors, "\n".join(errors)


def cell_errors(page: Page) -> list[str]:
    """Read the errors among the outputs, one text each."""
    outputs = _outputs(page)
    return [f"{out['ename']}: {out['evalue']}" for out in outputs if out["output_type"] == "error"]


def save(lab: Lab, page: Page, path: str) -> dict[str, Any]:
    """Save, and return the notebook as it stands on the disk.

    Lab's save is repeated until the widgets' state is in it: their manager adds it to the notebook a moment after a
    widget changes.
    """
    page.wait_for_function(
        """async () => {
            const { context } = jupyterapp.shell.currentWidget;
            await context.save();
            const states = context.model.getMetadata('widgets');
            return !context.model.dirty && states !== undefined;
        }""",
        polling=250,
    )
    return lab.read_notebook(path)


def reopen_without_kernel(lab: Lab, page: Page, path: str, *, theme: Theme = "light") -> None:
    """Open a saved notebook afresh, run nothing, and leave it without a kernel, as a reader of a shared one has it.

    Lab's widget manager (jupyterlab_widgets 3.0) shows nothing where no kernel was ever started, so one starts, knows
    nothing of the widgets, and is stopped when they were redrawn from the notebook.
    """
    page.goto("about:blank")
    lab.stop_kernels()
    open_notebook(lab, page, path, theme=theme)
    page.wait_for_function(
        """() => {
            const { textContent } = document.querySelector('.jp-Notebook');
            return !textContent.includes('Loading widget');
        }"""
    )
    lab.stop_kernels()
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.sessionContext.session?.kernel")


def run_code(page: Page, code: str) -> str:
    """Run code in the notebook's kernel, outside its cells; return what it printed or the value of its last line."""
    answer = _in_page(
        page,
        """async code => {
            const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code, store_history: false });
            let text = '';
            future.onIOPub = ({ header, content }) => {
                if (header.msg_type === 'stream') text += content.text;
                if (header.msg_type === 'execute_result') text += content.data['text/plain'];
            };
            const reply = await future.done;
            const { status, ename, evalue } = reply.content;
            return { text, error: status === 'ok' ? '' : `${ename}: ${evalue}` };
        }""",
        code,
    )
    assert not answer["error"], answer["error"]
    return str(answer["text"]).strip()


def expect_in_kernel(page: Page, code: str, value: str) -> None:
    """Poll until the code gives that value: a widget's change reaches Python a moment after it shows."""
    deadline = time.monotonic() + STEP_SECONDS
    while (found := run_code(page, code)) != value:
        assert time.monotonic() < deadline, f"{code} is {found}, not {value}"
        page.wait_for_timeout(50)


def set_theme(page: Page, theme: Theme) -> None:
    """Change Lab's theme and wait until the page has it."""
    change = "async theme => { await jupyterapp.commands.execute('apputils:change-theme', { theme }); }"
    _in_page(page, change, THEMES[theme])
    is_light = "true" if theme == "light" else "false"
    page.wait_for_function("isLight => document.body.dataset.jpThemeLight === isLight", arg=is_light)


def set_width(page: Page, width: int, height: int = 900) -> None:
    """Make the window that wide, in CSS pixels."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => window.innerWidth === width", arg=width)


def screenshot(target: Page | Locator, name: str) -> Path:
    """Take a picture of the window, or of one element, as ``screenshots/<name>.png``."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    target.screenshot(path=path)
    return path


def _go_to(lab: Lab, page: Page, path: str, theme: Theme) -> None:
    page.goto(lab.address(path))
    _wait_for_app(page)
    _wait_for_cells(page)
    set_theme(page, theme)


def _wait_for_app(page: Page) -> None:
    page.wait_for_function("() => window.jupyterapp !== undefined")
    _in_page(page, "async () => { await jupyterapp.restored; }")


def _in_page(page: Page, function: str, argument: object = None) -> Any:
    """Call an asynchronous JavaScript function in the page; unlike `evaluate` alone it does not wait for ever.

    The function must not return one of Lab's objects: playwright would follow all that hangs on it.
    """
    bounded = f"""async argument => {{
        let timer;
        const late = new Promise((_, reject) => {{
            timer = setTimeout(() => reject(new Error('not done within {STEP_SECONDS} s')), {STEP_SECONDS * 1000});
        }});
        try {{
            return await Promise.race([({function})(argument), late]);
        }} finally {{
            clearTimeout(timer);
        }}
    }}"""
    return page.evaluate(bounded, argument)


def _wait_for_cells(page: Page) -> None:
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function("() => jupyterapp.shell.currentWidget?.context?.isReady")
    page.evaluate("() => { jupyterapp.shell.collapseLeft(); }")


def _outputs(page: Page) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = page.evaluate("() => jupyterapp.shell.currentWidget.context.model.toJSON().cells")
    return [output for cell in cells for output in cell.get("outputs", [])]
