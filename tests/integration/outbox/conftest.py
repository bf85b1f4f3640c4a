"""An outbox on a real Postgres, and a broker that is a list."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import delete

from shared.database import Database
from shared.outbox import Outbox
from shared.settings import DatabaseSettings
from tests.integration.outbox.outboxes import METADATA, TABLE, Broker


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    settings = DatabaseSettings(database_url=SecretStr(database), database_pool_size=10)
    connected = Database(settings, "test")
    METADATA.create_all(connected.engine)
    yield connected
    connected.close()


@pytest.fixture
def db(tables: Database) -> Database:
    with tables.transaction() as session:
        session.execute(delete(TABLE))
    return tables


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(TABLE)


@pytest.fixture
def broker() -> Broker:
    return Broker()
