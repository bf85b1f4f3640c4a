"""The servers that tests can ask for; none is started before a test asks for it.

For `conftest.py`: `pytest_plugins = ["tests.support.fixtures"]`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker, choose_broker
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.mailserver import MailServer
from tests.support.postgres import (
    PostgresServer,
    choose_postgres,
    create_database,
    drop_database,
)
from tests.support.system import System, running_system

_BROKER = pytest.StashKey[Broker]()
_POSTGRES = pytest.StashKey[PostgresServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Chooses, which starts nothing."""
    if not config.option.collectonly:
        config.stash[_BROKER] = choose_broker()
        config.stash[_POSTGRES] = choose_postgres()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says which broker and database the tests run on."""
    if _BROKER not in config.stash:
        return []
    return [
        f"broker: {config.stash[_BROKER].describe()}",
        f"database: {config.stash[_POSTGRES].describe()}",
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips, by name, what librdkafka's broker cannot do."""
    if _BROKER not in config.stash or config.stash[_BROKER].is_real:
        return
    reason = "needs a real Kafka: set KAFKA_SERVER, or have Docker, or Java 17 and Maven"
    for item in items:
        if item.get_closest_marker("real_broker"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The Kafka of this run, shared by all tests: make topics and groups with names of your own."""
    chosen = pytestconfig.stash[_BROKER]
    try:
        chosen.start()
        yield chosen
    finally:
        chosen.stop()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """The Postgres of this run, shared by all tests: see `database`."""
    chosen = pytestconfig.stash[_POSTGRES]
    try:
        chosen.start()
        yield chosen
    finally:
        chosen.stop()


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database for this test module."""
    url = create_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def cloudinary_server() -> Iterator[CloudinaryServer]:
    """A Cloudinary account of the test's own."""
    with CloudinaryServer() as server:
        yield server


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    """An SMTP server of the test's own."""
    with MailServer(tmp_path / "mails") as server:
        yield server


@pytest.fixture(scope="module")
def system(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The whole system, running, on this run's broker and a database of the module's own."""
    with running_system(tmp_path_factory.mktemp("system"), broker, database) as running:
        yield running
