"""The errors that callers get while Postgres cannot work."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

from shared.database import Database, without_bounds
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


def test_a_lock_that_another_holds_is_not_waited_for_for_ever(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def insert() -> None:
        with db.transaction() as session:
            session.execute(text("INSERT INTO things VALUES (2)"))

    monkeypatch.setattr("shared.database._BOUNDS", "SET LOCAL lock_timeout = '50ms'")
    with db.transaction() as holder:
        holder.execute(text("LOCK TABLE things IN EXCLUSIVE MODE"))
        with pytest.raises(TransientFailure):
            insert()
    insert()


def test_each_transaction_is_bounded_and_leaves_its_session_as_it_was(db: Database) -> None:
    def shown(session: Session, name: str) -> object:
        return session.scalar(text(f"SHOW {name}"))

    names = ("lock_timeout", "idle_in_transaction_session_timeout")
    for _ in range(2):
        with db.transaction() as session:
            assert [shown(session, name) for name in names] == ["4s", "20s"]
            without_bounds(session)
            assert [shown(session, name) for name in names] == ["0", "0"]


def test_a_commit_waits_for_the_disk_unless_it_need_not(database: str) -> None:
    db = Database(DatabaseSettings(database_url=SecretStr(database)), "test")
    with db.transaction(wait_for_disk=False) as session:
        assert session.scalar(text("SHOW synchronous_commit")) == "off"
    with db.transaction() as session:
        assert session.scalar(
            text("SELECT setting = reset_val FROM pg_settings WHERE name = 'synchronous_commit'")
        )
    db.close()


def test_readiness_asks_nothing_of_a_database_that_has_just_answered(database: str) -> None:
    db = Database(DatabaseSettings(database_url=SecretStr(database)), "test")
    used: list[int] = []
    db.on_use = lambda: used.append(1)
    db.check()
    db.check()
    assert len(used) == 1
    db.close()


def test_readiness_of_a_database_that_has_failed_asks_again(database: str) -> None:
    db = Database(DatabaseSettings(database_url=SecretStr(database)), "test")
    db.ping()

    def cut() -> None:
        with db.transaction() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(TransientFailure):
        cut()
    used: list[int] = []
    db.on_use = lambda: used.append(1)
    db.check()
    assert len(used) == 1
    db.close()


def test_all_queries_of_a_snapshot_see_the_same_state_and_change_nothing(db: Database) -> None:
    count = text("SELECT count(*) FROM things")
    with db.transaction(snapshot=True) as session:
        before = session.scalar(count)
        with db.transaction() as other:
            other.execute(text("INSERT INTO things VALUES (17)"))
        assert session.scalar(count) == before
        with pytest.raises(InternalError, match="read-only"):
            session.execute(text("DELETE FROM things"))
    with db.transaction() as session:
        assert session.scalar(count) == before + 1
