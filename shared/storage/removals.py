"""Files to remove: this table keeps storage and database consistent, also after a crash.

A storage cannot take part in a transaction, and listing Cloudinary's files is not free. So a row
with the key is inserted before a file is stored (``reserve``), and the transaction that gives the
file an owner deletes that row (``keep``). After a crash in between, the row remains, and after
``RESERVED_FOR`` a sweep removes the file. Deleting an owner inserts rows for its files that are due
at once (``schedule``): the sweep retries each until the storage confirms that the file is gone.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.orm import Session

from shared import failpoints
from shared.claims import claim
from shared.database import Database, recordset
from shared.failures import TransientFailure
from shared.metrics import FILE_REMOVALS
from shared.storage.protocol import Storage, StorageError
from shared.sweeper import Task

logger = logging.getLogger(__name__)

RESERVED_FOR = timedelta(hours=1)
# Longer than the storage takes for a batch, so that no file is stored while its key is removed.
CLAIM = timedelta(minutes=2)
RETRY = timedelta(seconds=30)
BATCH = 10


def file_removals_table(metadata: MetaData) -> Table:
    """Each service that stores files has one, in its own schema."""
    return Table(
        "file_removals",
        metadata,
        Column("key", Text, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False, index=True),
        Column("claimed_until", DateTime(timezone=True)),
    )


class FileRemovals:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._reserve = _note(table, RESERVED_FOR).returning(table.c.key)
        self._schedule = _note(table, timedelta())
        self._keep = delete(table).where(table.c.key == _any("keys"))
        self._claim_due = claim(
            table,
            table.c.key,
            due=and_(table.c.due_at <= func.now(), _free(table)),
            order=table.c.due_at,
            limit=BATCH,
            values={"claimed_until": func.now() + CLAIM},
        ).returning(table.c.key)
        due = func.greatest(table.c.due_at, table.c.claimed_until)
        self._next_due = select(func.extract("epoch", func.min(due) - func.now()))

    def reserve(self, session: Session, keys: Iterable[str]) -> None:
        """Insert a row for each key. Commit it, flushed to disk, before storing the files.

        Raises ``TransientFailure`` while a sweep is removing an older file with one of the keys.
        """
        rows = _rows(keys)
        noted = session.scalars(self._reserve, {"rows": rows}).all()
        if missing := {row["key"] for row in rows} - set(noted):
            raise TransientFailure(f"an older file {min(missing)} is just being removed")

    def keep(self, session: Session, keys: Iterable[str]) -> None:
        """Delete the rows. Call it in the transaction that gives the files their owners."""
        session.execute(self._keep, {"keys": list(keys)})

    def schedule(self, session: Session, keys: Iterable[str]) -> None:
        """Make the files due for removal. Call it in the transaction that deletes the owner."""
        session.execute(self._schedule, {"rows": _rows(keys)})

    def task(self, database: Database, storage: Storage) -> Task:
        """The scheduled job: sweep, and return the seconds until the next file is due."""

        def sweep() -> float | None:
            self.sweep(database, storage)
            with database.transaction() as session:
                seconds = session.scalar(self._next_due)
            return None if seconds is None else float(seconds)

        return sweep

    def sweep(self, database: Database, storage: Storage) -> int:
        """Remove the files that are due; returns how many. Failed removals are retried later."""
        removed = 0
        while keys := self._claim(database):
            done, later = [], []
            for key in keys:
                try:
                    storage.delete(key)
                    done.append(key)
                except StorageError as error:
                    logger.warning(
                        "a file could not be removed yet", extra={"key": key, "reason": str(error)}
                    )
                    later.append(key)
            failpoints.hit("removals.before-mark")
            self._settle(database, done, later)
            FILE_REMOVALS.labels("removed").inc(len(done))
            FILE_REMOVALS.labels("failed").inc(len(later))
            removed += len(done)
            if later:
                break
        return removed

    def _claim(self, database: Database) -> list[str]:
        with database.transaction() as session:
            return list(session.scalars(self._claim_due))

    def _settle(self, database: Database, done: list[str], later: list[str]) -> None:
        table = self._table
        claimed = table.c.claimed_until.is_not(None)
        with database.transaction() as session:
            session.execute(delete(table).where(table.c.key.in_(done), claimed))
            session.execute(
                update(table)
                .where(table.c.key.in_(later), claimed)
                .values(due_at=func.now() + RETRY, claimed_until=None)
            )


def _note(table: Table, due_in: timedelta) -> Insert:
    """Insert keys due after ``due_in``; keys that a sweep has claimed only if due at once."""
    given = recordset(key=Text)
    # In a fixed order, so that two transactions never deadlock.
    rows = select(given.c.key, func.now() + due_in).order_by(given.c.key)
    statement = insert(table).from_select(["key", "due_at"], rows)
    return statement.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={"due_at": func.now() + due_in, "claimed_until": None},
        where=_free(table) if due_in else None,
    )


def _free(table: Table) -> ColumnElement[bool]:
    return or_(table.c.claimed_until.is_(None), table.c.claimed_until < func.now())


def _rows(keys: Iterable[str]) -> list[dict[str, str]]:
    return [{"key": key} for key in set(keys)]


def _any(name: str) -> Any:
    return func.any(bindparam(name, type_=ARRAY(Text)))
