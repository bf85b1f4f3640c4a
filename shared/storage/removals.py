"""Files to remove: what makes storage and database agree, whatever crashes between the two.

A storage cannot take part in a transaction, and Cloudinary's cannot be listed for free. So before
a file is stored its key is noted here (``reserve``), and the transaction that gives the file an
owner takes the note away (``keep``). A crash in between leaves the note, and after
``RESERVED_FOR`` a sweep removes the file. Deleting an owner notes its files as due at once
(``schedule``): the sweep removes them, again and again until the storage says that they are gone.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Column, DateTime, MetaData, Table, Text, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared import failpoints
from shared.database import Database
from shared.failures import TransientFailure
from shared.storage.protocol import Storage, StorageError

logger = logging.getLogger(__name__)

RESERVED_FOR = timedelta(hours=1)
# Longer than the storage takes for a batch: nobody stores under a key that is being removed.
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

    def reserve(self, session: Session, key: str) -> None:
        """To be committed before ``key`` is stored.

        Raises ``TransientFailure`` while a sweep is removing an older file of this key.
        """
        table = self._table
        statement = (
            insert(table)
            .values(key=key, due_at=func.now() + RESERVED_FOR)
            .on_conflict_do_update(
                index_elements=[table.c.key],
                set_={"due_at": func.now() + RESERVED_FOR, "claimed_until": None},
                where=or_(table.c.claimed_until.is_(None), table.c.claimed_until < func.now()),
            )
            .returning(table.c.key)
        )
        if session.execute(statement).first() is None:
            raise TransientFailure(f"an older file {key} is just being removed")

    def keep(self, session: Session, key: str) -> None:
        """In the transaction that gives the stored file its owner."""
        session.execute(delete(self._table).where(self._table.c.key == key))

    def schedule(self, session: Session, keys: Iterable[str]) -> None:
        """In the transaction that takes the files' owner away."""
        rows = [{"key": key, "due_at": func.now()} for key in keys]
        for row in rows:
            session.execute(
                insert(self._table)
                .values(**row)
                .on_conflict_do_update(
                    index_elements=[self._table.c.key],
                    set_={"due_at": func.now(), "claimed_until": None},
                )
            )

    def sweep(self, database: Database, storage: Storage) -> int:
        """Remove the files that are due; returns how many. What fails is tried again later."""
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
            removed += len(done)
            if later:
                break
        return removed

    def _claim(self, database: Database) -> list[str]:
        table = self._table
        due = (
            select(table.c.key)
            .where(
                table.c.due_at <= func.now(),
                or_(table.c.claimed_until.is_(None), table.c.claimed_until < func.now()),
            )
            .order_by(table.c.due_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
            .cte("due")  # evaluated once, or a join could claim more than the limit
        )
        claim = (
            update(table)
            .where(table.c.key.in_(select(due.c.key)))
            .values(claimed_until=func.now() + CLAIM)
            .returning(table.c.key)
        )
        with database.transaction() as session:
            return list(session.scalars(claim))

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
