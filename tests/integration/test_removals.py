"""File removals on a real Postgres: what a sweep claims, and what it leaves to others."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, func, select

from shared.database import Database
from shared.settings import DatabaseSettings
from shared.storage import StorageUnavailableError
from shared.storage.removals import BATCH, FileRemovals, file_removals_table
from tests.support.fake_storage import FakeStorage

METADATA = MetaData()
TABLE = file_removals_table(METADATA)
KEYS = [f"images/{uuid4()}.png" for _ in range(3 * BATCH)]
YOUNG = f"images/{uuid4()}.png"


@pytest.fixture
def tables(database: str) -> Iterator[Database]:
    settings = DatabaseSettings.model_validate({"database_url": database})
    with closing(Database(settings, "test")) as opened:
        METADATA.create_all(opened.engine)
        yield opened
        METADATA.drop_all(opened.engine)


class WatchedStorage(FakeStorage):
    """Records the keys to delete."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def delete(self, key: str) -> None:
        self.asked.append(key)
        super().delete(key)


def due(tables: Database) -> int:
    with tables.transaction() as session:
        query = select(func.count()).where(TABLE.c.due_at <= func.now())
        return int(session.scalar(query) or 0)


def test_a_sweep_removes_all_that_is_due_and_nothing_else(tables: Database) -> None:
    removals, storage = FileRemovals(TABLE), WatchedStorage()
    with tables.transaction() as session:
        removals.schedule(session, KEYS)
        removals.reserve(session, [YOUNG])
    assert removals.sweep(tables, storage) == len(KEYS)
    assert sorted(storage.asked) == sorted(KEYS)
    assert due(tables) == 0
    with tables.transaction() as session:
        assert session.scalars(select(TABLE.c.key)).all() == [YOUNG]


def test_a_storage_that_is_away_is_asked_for_one_batch(tables: Database) -> None:
    removals, storage = FileRemovals(TABLE), WatchedStorage()
    with tables.transaction() as session:
        removals.schedule(session, KEYS)
    storage.error = StorageUnavailableError("told to be away")
    assert removals.sweep(tables, storage) == 0
    assert len(storage.asked) == BATCH
    storage.error = None
    assert removals.sweep(tables, storage) == len(KEYS) - BATCH
    assert due(tables) == 0
