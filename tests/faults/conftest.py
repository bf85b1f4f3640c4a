"""One world for the rows that kill processes; rows that need another one build their own."""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.faults.scale import Scale, chosen_scale, chosen_seed
from tests.faults.world import World, running
from tests.support.broker import Broker
from tests.support.postgres import PostgresServer, create_database, drop_database

SEED = chosen_seed()
Measured = Callable[[str], None]


def pytest_report_header() -> str:
    return f"faults: {chosen_scale().name} form, SEED={SEED}"


@pytest.fixture(scope="session")
def scale() -> Scale:
    return chosen_scale()


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """A random generator: with the same seed, a test makes the same choices."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Records measured values for the table."""
    return lambda text: record_property("measured", text)


@pytest.fixture(scope="session")
def world(
    broker: Broker, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The system, running on this run's broker and Postgres, in its own database.

    All rows that use this fixture share it: the state after one row must not harm the next.
    """
    dsn = create_database(postgres_server)
    # Short timeouts, so that the partitions and mails of a dead process are taken over soon.
    environment = {"KAFKA_SESSION_TIMEOUT_SECONDS": "3", "SMTP_TIMEOUT_SECONDS": "5"}
    with running(World(tmp_path_factory.mktemp("world"), broker, dsn, environment)) as started:
        yield started
    drop_database(postgres_server, dsn)
