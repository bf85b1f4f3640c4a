"""The transactional outbox: a message is stored with the change it reports, then published.

``Outbox.append`` writes a row in the caller's transaction; the relay (``shared/relay.py``)
publishes it. A row counts as published only after the broker has acknowledged it.

Order: the rows of one key are published one after another. The caller of ``append`` must hold a
lock that serialises the changes of that key (on the image's row), so that ids are in the order of
the commits. A row is claimed for this process as it is inserted, and published from memory as soon
as its transaction has committed, unless an earlier row of its key still waits in another process:
then a sweep publishes it. A sweep selects rows that are unpublished, never ``id > last``: across
keys ids are not in the order of the commits, and a row that commits late would be skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from shared.context import Origin, current_origin
from shared.database import at_end, before_commit, recordset
from shared.kafka.codec import encode_headers
from shared.kafka.producer import Outgoing
from shared.messages import Body
from shared.metrics import OUTBOX_AGE, OUTBOX_PENDING

# A claim lasts longer than a row may stay in memory plus the producer's delivery timeout, so that
# no two processes publish one row. It is also how long a row waits after its process died, and
# before the next attempt after the broker has refused it.
CLAIM = timedelta(seconds=15)
_ROWS = "outbox rows"


def outbox_table(metadata: MetaData) -> Table:
    """Each service has one, in its own schema."""
    table = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("message_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("message_type", Text, nullable=False),
        Column("request_id", Text),
        Column("traceparent", Text),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("claimed_by", Uuid),
        Column("claimed_until", DateTime(timezone=True)),
        Column("published_at", DateTime(timezone=True)),
    )
    unpublished = table.c.published_at.is_(None)
    Index("outbox_unpublished", table.c.key, table.c.id, postgresql_where=unpublished)
    # BRIN: rows are written far more often than read, and in the order of time.
    Index("outbox_published_at", table.c.published_at, postgresql_using="brin")
    return table


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    pending: int
    age_seconds: float


class Claims(Protocol):
    """The relay, as the outbox sees it; safe from any thread."""

    @property
    def owner(self) -> UUID | None:
        """The owner that new rows are claimed for; None: rows are left for a sweep."""

    def expect(self, owner: UUID, rows: Sequence[tuple[int, Outgoing]]) -> None:
        """These rows were inserted for ``owner``; their transaction has not committed yet."""

    def settled(self, ids: Sequence[int], rows: int, *, committed: bool) -> None:
        """The transaction has ended. It had ``rows`` rows; all but ``ids`` are left for a sweep."""


class _NoRelay:
    """Used until there is a relay: rows wait for its first sweep."""

    owner: UUID | None = None

    def expect(self, *_: object) -> None:
        raise AssertionError("no row was claimed")

    def settled(self, *_: object, committed: bool) -> None:
        """Nothing to do."""


class Outbox:
    """The service's side: appends rows in a transaction, and reports what is unpublished."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.relay: Claims = _NoRelay()
        self._insert = _insert_statement(table)
        self._health = _health_statement(table)
        self._flush = self._insert_all  # one object, so that it is called once a transaction

    def append(
        self, session: Session, topic: str, body: Body, origin: Origin | None = None
    ) -> None:
        """Publish ``body`` after the session's transaction has committed, and only then.

        ``origin``: the current one by default.
        """
        origin = origin or current_origin()
        row = {
            "message_id": uuid4(),
            "topic": topic,
            "key": str(body.uuid),
            "message_type": body.message_type,
            "body": body.model_dump_json(exclude_none=True),
            **origin.columns(),
        }
        session.info.setdefault(_ROWS, []).append(row)
        before_commit(session, self._flush)

    def _insert_all(self, session: Session) -> None:
        """All rows of the transaction at once, in the order in which they were appended."""
        rows: list[dict[str, Any]] = session.info.pop(_ROWS)
        owner = self.relay.owner
        inserted = session.execute(self._insert, {"rows": rows, "owner": owner}).all()
        by_message = {row["message_id"]: row for row in rows}
        claimed = [(r.id, _outgoing(by_message[r.message_id])) for r in inserted if r.claimed_by]
        relay = self.relay
        if owner is not None and claimed:
            relay.expect(owner, claimed)
        ids = [number for number, _ in claimed]
        at_end(session, partial(_tell, relay, ids, len(rows)))

    def health(self, session: Session) -> OutboxHealth:
        pending, seconds = session.execute(self._health).one()
        health = OutboxHealth(pending, float(seconds or 0))
        OUTBOX_PENDING.set(health.pending)
        OUTBOX_AGE.set(health.age_seconds)
        return health

    def purge(self, session: Session, retention: timedelta) -> None:
        """Delete the rows that were published longer than ``retention`` ago."""
        session.execute(
            delete(self.table).where(self.table.c.published_at < func.now() - retention)
        )

    def rewind(self, session: Session) -> int:
        """Republish all rows still kept, for a broker that lost its messages; returns how many.

        Consumers skip the message ids that are in their inbox.
        """
        kept = self.table.c.published_at.is_not(None)
        rewound = session.execute(
            update(self.table)
            .where(kept)
            .values(published_at=None, claimed_by=None, claimed_until=None)
            .returning(self.table.c.id)
        )
        return len(rewound.all())


def _tell(relay: Claims, ids: list[int], rows: int, committed: bool) -> None:
    relay.settled(ids, rows, committed=committed)


def _insert_statement(table: Table) -> Any:
    copied = ("topic", "key", "message_type", "request_id", "traceparent")
    texts = dict.fromkeys((*copied, "body"), Text)
    given, earlier = recordset(message_id=Uuid, **texts), table.alias("earlier")
    owner: Any = bindparam("owner", type_=Uuid)
    waits_elsewhere = exists().where(
        earlier.c.key == given.c.key,
        earlier.c.published_at.is_(None),
        earlier.c.claimed_by.is_distinct_from(owner),
    )
    claimed = and_(owner.is_not(None), ~waits_elsewhere)
    rows = select(
        *(given.c[name] for name in ("message_id", *copied)),
        func.convert_to(given.c.body, "UTF8"),
        case((claimed, owner)),
        case((claimed, func.clock_timestamp() + CLAIM)),
    )
    names = [*texts, "claimed_by", "claimed_until"]
    statement = insert(table).from_select(["message_id", *names], rows)
    return statement.returning(table.c.id, table.c.message_id, table.c.claimed_by)


def _health_statement(table: Table) -> Any:
    age = func.extract("epoch", func.now() - func.min(table.c.created_at))
    return select(func.count(), age).where(table.c.published_at.is_(None))


def _outgoing(row: dict[str, Any]) -> Outgoing:
    return outgoing(row, row["body"].encode())


def outgoing(row: Any, body: bytes) -> Outgoing:
    """A row of the outbox as a message on the wire."""
    return Outgoing(
        topic=row["topic"],
        key=row["key"].encode(),
        value=body,
        headers=encode_headers(row["message_type"], row["message_id"], _origin(row)),
    )


def _origin(row: Any) -> Origin:
    return Origin(row.get("request_id"), row.get("traceparent"))
