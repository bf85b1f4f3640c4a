"""The servers that tests can ask for; none is started before a test asks for it.

For `conftest.py`: `pytest_plugins = ["tests.support.fixtures"]`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Broker, choose_broker
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.mailserver import MailServer
from tests.support.maven import JarsUnavailableError
from tests.support.postgres import (
    PostgresServer,
    choose_postgres,
    create_database,
    drop_database,
)
from tests.support.s3_server import S3Server
from tests.support.system import System, running_system

_BROKER = pytest.StashKey[Broker]()
_USED = pytest.StashKey[set[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_USED] = set[str]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips the tests that librdkafka's broker cannot run, with the reason."""
    if item.get_closest_marker("real_broker") and not _broker(item.config).is_real:
        pytest.skip("needs a real Kafka: set KAFKA_SERVER, or have Docker, or Java 17 and Maven")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist passes the names of its servers to the reporting process."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["used"] = [*session.config.stash[_USED]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_USED].update(getattr(node, "workeroutput", {}).get("used", ()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints which broker and database the tests ran on."""
    used = config.stash[_USED]
    for line in sorted(used):
        terminalreporter.write_line(line)


def _broker(config: pytest.Config) -> Broker:
    """The broker of this run, chosen (not started) when a test first asks."""
    if _BROKER not in config.stash:
        config.stash[_BROKER] = choose_broker()
        config.stash[_USED].add(f"broker: {config.stash[_BROKER].describe()}")
    return config.stash[_BROKER]


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The Kafka of this process, shared by its tests: use unique names for topics and groups."""
    chosen = _broker(pytestconfig)
    try:
        chosen.start()
        yield chosen
    finally:
        chosen.stop()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """The Postgres of this process, shared by its tests: see `database`."""
    chosen = choose_postgres()
    pytestconfig.stash[_USED].add(f"database: {chosen.describe()}")
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
    """A new Cloudinary account for each test."""
    with CloudinaryServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One for the whole run; each test makes a bucket of its own."""
    try:
        server = S3Server()
    except JarsUnavailableError as unavailable:
        pytest.skip(str(unavailable))
    yield server
    server.stop()


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    """A new SMTP server for each test."""
    with MailServer(tmp_path / "mails") as server:
        yield server


@pytest.fixture(scope="module")
def system(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The whole system, running on this run's broker and the module's database."""
    with running_system(tmp_path_factory.mktemp("system"), broker, database) as running:
        yield running
