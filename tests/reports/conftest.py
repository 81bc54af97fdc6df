"""A browser that the tests of pages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.browser import Page, browser_program, browsing


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if browser_program() is None:
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def browser(shared_browser: Page) -> Page:
    """Return a tab with a light desktop screen, without requests or errors so far."""
    shared_browser.call("Page.navigate", url="about:blank")
    shared_browser.screen(1440, 900)
    shared_browser.requests.clear()
    shared_browser.complaints.clear()
    return shared_browser


@pytest.fixture
def report_file(tmp_path: Path) -> Path:
    """Where a test writes its page."""
    return tmp_path / "report.html"
