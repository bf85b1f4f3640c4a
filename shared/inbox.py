"""The inbox: the ids of processed messages, in the same database as their effects.

A message is recorded in the transaction that applies its effect, so both are committed or neither:
a redelivered message is found in the inbox and skipped.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Uuid, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.database import recordset
from shared.kafka.codec import Received

# Longer than any of our topics keeps its messages.
RETENTION = timedelta(days=14)


def inbox_table(metadata: MetaData) -> Table:
    """Each service has one, in its own schema."""
    table = Table(
        "inbox",
        metadata,
        Column("message_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    # BRIN: rows are written far more often than read, and in the order of time.
    Index("inbox_received_at", table.c.received_at, postgresql_using="brin")
    return table


class Inbox:
    def __init__(self, table: Table) -> None:
        self._table = table
        given = recordset(message_id=Uuid)
        rows = select(given.c.message_id).order_by(given.c.message_id)  # prevents deadlocks
        self._insert = (
            insert(table)
            .from_select(["message_id"], rows)
            .on_conflict_do_nothing()
            .returning(table.c.message_id)
        )

    def record(self, session: Session, message_id: UUID | None) -> bool:
        """Record the message; True if it is new."""
        return message_id is None or message_id in self._record(session, [message_id])

    def record_all(self, session: Session, batch: Sequence[Received]) -> list[Received]:
        """Record the messages; returns those that are new, in their order.

        A message without an id (other producers need not send one) always counts as new: its
        handler must be idempotent, and all of ours are, by unique keys.
        """
        ids = [r.message_id for r in batch if r.message_id is not None]
        unseen = self._record(session, ids) if ids else set()
        new = []
        for received in batch:
            if received.message_id is None or received.message_id in unseen:
                unseen.discard(received.message_id)  # a duplicate in the batch is new only once
                new.append(received)
        return new

    def _record(self, session: Session, ids: Sequence[UUID]) -> set[UUID | None]:
        rows = [{"message_id": message_id} for message_id in ids]
        return set(session.scalars(self._insert, {"rows": rows}))

    def purge(self, session: Session) -> None:
        session.execute(
            delete(self._table).where(self._table.c.received_at < func.now() - RETENTION)
        )
