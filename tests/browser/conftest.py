"""A browser for all these tests, a page for each; what the page complains of fails its test.

Tests marked as journeys run in Firefox too (``-k firefox``).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.axe import Axe, install_axe
from tests.browser.browsers import CHROMIUM, FIREFOX, find_browser, launched
from tests.browser.studio import Studio
from tests.support.broker import Broker
from tests.support.postgres import PostgresServer, create_database, drop_database
from tests.support.system import System, running_system

# What Firefox says of the style that Playwright adds for each screenshot.
PLAYWRIGHT_STYLE = "sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA="


@pytest.fixture(scope="package")
def system(
    broker: Broker, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """One running system for all tests of the page."""
    database_url = create_database(postgres_server)
    try:
        with running_system(tmp_path_factory.mktemp("system"), broker, database_url) as running:
            yield running
    finally:
        drop_database(postgres_server, database_url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Journeys run in every browser, other tests in Chromium."""
    if "browser" in metafunc.fixturenames:
        is_journey = metafunc.definition.get_closest_marker("journey")
        names = [CHROMIUM, FIREFOX] if is_journey else [CHROMIUM]
        metafunc.parametrize("browser", names, indirect=True, scope="package")


@pytest.fixture(scope="package")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Firefox puts what it downloads."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest, downloads: Path) -> Iterator[Browser]:
    executable = find_browser(request.param)
    if executable is None:
        pytest.skip(f"needs {request.param}: tests/prepare installs it")
    with launched(executable, request.param, downloads) as browser:
        yield browser


@pytest.fixture
def is_firefox(browser: Browser) -> bool:
    return browser.browser_type.name == FIREFOX


@pytest.fixture
def context(browser: Browser, is_firefox: bool) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        permissions=[] if is_firefox else ["clipboard-read", "clipboard-write"],
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not throw, nor try what its security policy forbids."""
    page = context.new_page()
    faults: list[str] = []
    page.on(
        "pageerror",
        lambda error: None if PLAYWRIGHT_STYLE in str(error) else faults.append(str(error)),
    )
    page.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    page.unroute_all(behavior="ignoreErrors")  # none may answer into the next test
    assert faults == []


@pytest.fixture
def studio(page: Page, system: System, downloads: Path, is_firefox: bool) -> Studio:
    studio = Studio(page, system.url, downloads if is_firefox else None)
    studio.visit()
    return studio


@pytest.fixture(scope="session")
def axe() -> Axe:
    checker = install_axe()
    if checker is None:
        pytest.skip("needs axe-core: npm did not bring it")
    return checker
