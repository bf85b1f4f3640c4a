"""The inbox on a real Postgres: recorded with the effect, or not at all."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import MetaData, text

from shared.database import Database
from shared.failures import PermanentFailure, TransientFailure
from shared.inbox import Inbox, inbox_table
from shared.settings import DatabaseSettings

METADATA = MetaData()
TABLE = inbox_table(METADATA)


@pytest.fixture(scope="module")
def db(database: str) -> Iterator[Database]:
    settings = DatabaseSettings(
        database_url=SecretStr(database), database_pool_size=4, database_pool_timeout_seconds=20
    )
    connected = Database(settings, "test")
    METADATA.create_all(connected.engine)
    yield connected
    connected.close()


def test_a_message_is_new_once(db: Database) -> None:
    inbox, message_id = Inbox(TABLE), uuid4()
    with db.transaction() as session:
        assert inbox.record(session, message_id)
    with db.transaction() as session:
        assert not inbox.record(session, message_id)
        assert inbox.record(session, uuid4())


def test_one_without_an_id_is_always_new(db: Database) -> None:
    with db.transaction() as session:
        assert Inbox(TABLE).record(session, None)
        assert Inbox(TABLE).record(session, None)


def test_without_its_effect_it_is_not_recorded(db: Database) -> None:
    inbox, message_id = Inbox(TABLE), uuid4()

    def effect() -> None:
        with db.transaction() as session:
            assert inbox.record(session, message_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        effect()
    with db.transaction() as session:
        assert inbox.record(session, message_id)


def test_of_many_at_once_one_has_the_effect(db: Database) -> None:
    inbox, message_id, together = Inbox(TABLE), uuid4(), threading.Barrier(4)

    def receive(_: int) -> bool:
        with db.transaction() as session:
            together.wait(20)
            return inbox.record(session, message_id)

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(receive, range(4))) == 1


def test_old_ones_are_forgotten_and_young_ones_kept(db: Database) -> None:
    inbox, old, young = Inbox(TABLE), uuid4(), uuid4()
    with db.transaction() as session:
        inbox.record(session, old)
        session.execute(text("UPDATE inbox SET received_at = now() - interval '15 days'"))
        inbox.record(session, young)
        inbox.purge(session)
    with db.transaction() as session:
        assert inbox.record(session, old)
        assert not inbox.record(session, young)


# Database errors while a message is handled.


def test_a_database_that_is_not_there_is_a_transient_failure() -> None:
    away = Database(DatabaseSettings(postgres_host="127.0.0.1", postgres_port=1), "test")
    with pytest.raises(TransientFailure, match="not available"):
        away.ping()


def test_a_connection_that_was_cut_is_a_transient_failure_and_the_next_one_works(
    db: Database,
) -> None:
    def cut() -> None:
        with db.transaction() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(TransientFailure):
        cut()
    db.ping()


def test_no_free_connection_is_a_transient_failure(database: str) -> None:
    settings = DatabaseSettings(
        database_url=SecretStr(database), database_pool_size=1, database_pool_timeout_seconds=0.05
    )
    small = Database(settings, "test")
    with small.transaction() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(TransientFailure, match="in use"):
            small.ping()
    small.close()


def test_data_that_the_database_refuses_is_a_permanent_failure(db: Database) -> None:
    def refuse() -> None:
        with db.transaction() as session:
            session.execute(text("SELECT '\\u0000'::jsonb ->> 0"))

    with pytest.raises(PermanentFailure):
        refuse()


def test_a_deadlock_is_a_transient_failure(db: Database) -> None:
    ids, together = (uuid4(), uuid4()), threading.Barrier(2)

    def lock(order: tuple[int, int]) -> bool:
        try:
            with db.transaction() as session:
                Inbox(TABLE).record(session, ids[order[0]])
                together.wait(20)
                Inbox(TABLE).record(session, ids[order[1]])
        except TransientFailure:
            return False
        return True

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(lock, [(0, 1), (1, 0)])) == [False, True]
