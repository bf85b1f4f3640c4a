"""The inbox: which messages have had their effect, kept in the same database as the effect.

A message is recorded in the transaction of what it causes, so either both are there or neither:
a redelivered message finds itself recorded and does nothing.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Uuid, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

# Longer than any topic of ours keeps its messages.
RETENTION = timedelta(days=14)


def inbox_table(metadata: MetaData) -> Table:
    """Each service has one, in its own schema."""
    table = Table(
        "inbox",
        metadata,
        Column("message_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    Index("inbox_received_at", table.c.received_at)
    return table


class Inbox:
    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, session: Session, message_id: UUID | None) -> bool:
        """True when the message is new here, and now recorded.

        A message without an id (other producers need not send one) is always new: what it causes
        must be the same when caused twice, as every handler of ours sees to by its unique keys.
        """
        if message_id is None:
            return True
        statement = (
            insert(self._table)
            .values(message_id=message_id)
            .on_conflict_do_nothing()
            .returning(self._table.c.message_id)
        )
        return session.execute(statement).first() is not None

    def purge(self, session: Session) -> None:
        session.execute(
            delete(self._table).where(self._table.c.received_at < func.now() - RETENTION)
        )
