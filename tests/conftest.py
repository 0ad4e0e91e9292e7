from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.browser import BrowserPage, running_chromium
from tests.running import RunningMock, running_mock

pytest_plugins = ["mockserver.pytest_plugin"]


@pytest.fixture(scope="session")
def mock() -> Iterator[RunningMock]:
    """One mock with default settings and without a rate limit, for all tests that need nothing else."""
    with running_mock(rate_limit_per_hour=0) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One browser for the tests of a module; it ends with them, because what runs in a loop cannot run beside it."""
    with running_chromium(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def browser_page(chromium: BrowserContext) -> Iterator[BrowserPage]:
    """A new page in a real browser, for a test to open something in."""
    with chromium.new_page() as page:
        yield BrowserPage(page)
