"""A browser for all these tests, a page for each; what the page complains of fails its test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.axe import Axe, install_axe
from tests.browser.chromium import find_chromium, launched
from tests.browser.studio import Studio
from tests.support.broker import Broker
from tests.support.postgres import PostgresServer, create_database, drop_database
from tests.support.system import System, running_system


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


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with launched(executable) as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not throw, nor try what its security policy forbids."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
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
def studio(page: Page, system: System) -> Studio:
    studio = Studio(page, system.url)
    studio.visit()
    return studio


@pytest.fixture(scope="session")
def axe() -> Axe:
    checker = install_axe()
    if checker is None:
        pytest.skip("needs axe-core: npm did not bring it")
    return checker
