"""A real JupyterLab and a real chromium; a request that leaves this machine fails the test."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, Route, sync_playwright

from tests.browser.lab import Lab, running_lab
from tests.browser.notebook import screenshot

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 60_000  # a busy machine of two cores needs up to 20 s for Lab's first page
OUTSIDE = re.compile(r"^(https?|wss?)://(?!(127\.0\.0\.1|localhost|\[::1\])([:/]|$))")
REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep each phase's report, so that `page` can tell whether its test failed."""
    report = yield
    item.stash.setdefault(REPORTS, {})[report.when] = report
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser_context(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One browser for all tests, so that Lab's own files are fetched once."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    context = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("browser"),
        executable_path=found,  # None: the one that playwright installed
        headless=True,
        args=FLAGS,
        service_workers="block",
        viewport={"width": 1280, "height": 900},
    )
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def outside_requests(browser_context: BrowserContext) -> Iterator[list[str]]:
    """Addresses off this machine that were asked for; all were refused. None may be left when the test ends."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    browser_context.route(OUTSIDE, refuse)
    yield asked
    browser_context.unroute(OUTSIDE)
    assert not asked, f"requests left the machine: {asked}"


@pytest.fixture
def page(
    request: pytest.FixtureRequest, lab: Lab, browser_context: BrowserContext, outside_requests: list[str]
) -> Iterator[Page]:
    """A new tab. When the test fails its picture and the browser's messages are kept."""
    messages: list[str] = []
    tab = browser_context.new_page()
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: messages.append(f"uncaught: {error}"))
    tab.on("websocket", lambda socket: outside_requests.append(socket.url) if OUTSIDE.match(socket.url) else None)
    tab.on("dialog", lambda dialog: dialog.accept())
    yield tab
    if any(report.failed for report in request.node.stash.get(REPORTS, {}).values()):
        picture = screenshot(tab, f"failed-{_file_name(request.node.name)}")
        print("\n".join([f"picture: {picture}", *messages[-60:]]))  # noqa: T201
    tab.close()
    lab.stop_kernels()


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)
