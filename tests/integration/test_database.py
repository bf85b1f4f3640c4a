"""What a Postgres that cannot do its work for a while means to those who need it."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shared.database import Database
from shared.failures import TransientFailure
from shared.settings import DatabaseSettings


@pytest.fixture(scope="module")
def db(database: str) -> Iterator[Database]:
    connected = Database(DatabaseSettings(database_url=SecretStr(database)), "test")
    with connected.transaction() as session:
        session.execute(text("CREATE TABLE things (id int PRIMARY KEY)"))
    yield connected
    connected.close()


def test_a_database_that_is_read_only_for_now_is_waited_for(db: Database) -> None:
    def write() -> None:
        with db.transaction() as session:
            session.execute(text("SET TRANSACTION READ ONLY"))  # as a standby is
            session.execute(text("INSERT INTO things VALUES (1)"))

    with pytest.raises(TransientFailure):
        write()
    db.ping()
