"""The transactional outbox: a message is stored with the change it tells of, then published.

``Outbox.append`` writes a row in the caller's transaction. ``Relay`` (one thread a process)
publishes rows as soon as the transaction has committed and, by sweeping, whatever was left by a
crash or an outage. A row counts as published only when its delivery report came back good.

Order: the rows of one key are published one after another, by whichever process, since only the
first unpublished row of a key is ever claimed. Who appends must hold a lock that serialises the
changes of that key (the image's row), so that ids are in the order of the commits. Rows are found
by being unpublished, never by ``id > last``: across keys ids are not in that order, and a late
commit would be skipped.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
    Uuid,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from shared import failpoints
from shared.context import current_request_id
from shared.database import Database, after_commit
from shared.failures import TransientFailure
from shared.kafka.codec import encode_headers
from shared.kafka.producer import REFUSALS, Outgoing, Publisher
from shared.messages import Body
from shared.metrics import OUTBOX_AGE, OUTBOX_PENDING, OUTBOX_PUBLISHED

logger = logging.getLogger(__name__)

BATCH = 200
# A claim outlives the producer's delivery timeout, so that no two processes publish one row. It is
# also how long a row waits whose process died, or that the broker refused for good.
CLAIM = timedelta(seconds=10)
SWEEP_SECONDS = 1.0
BACKOFF_MOST = 5.0


def outbox_table(metadata: MetaData) -> Table:
    """Each service has one, in its own schema."""
    table = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("message_id", Uuid, nullable=False, unique=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("message_type", Text, nullable=False),
        Column("request_id", Text),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("claimed_until", DateTime(timezone=True)),
        Column("published_at", DateTime(timezone=True)),
    )
    unpublished = table.c.published_at.is_(None)
    Index("outbox_unpublished", table.c.key, table.c.id, postgresql_where=unpublished)
    Index("outbox_published_at", table.c.published_at)
    return table


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    pending: int
    age_seconds: float


class Outbox:
    """The service's side: append within a transaction, and what is left to publish."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.on_commit: Callable[[], None] = _nobody

    def append(self, session: Session, topic: str, body: Body) -> None:
        """Publish ``body`` if, and as soon as, the session's transaction commits."""
        session.execute(
            insert(self.table).values(
                message_id=uuid4(),
                topic=topic,
                key=str(body.uuid),
                message_type=body.message_type,
                request_id=current_request_id(),
                body=body.model_dump_json(exclude_none=True).encode(),
            )
        )
        after_commit(session, self.on_commit)

    def health(self, session: Session) -> OutboxHealth:
        table = self.table
        age = func.extract("epoch", func.now() - func.min(table.c.created_at))
        query = select(func.count(), age).where(table.c.published_at.is_(None))
        pending, seconds = session.execute(query).one()
        health = OutboxHealth(pending, float(seconds or 0))
        OUTBOX_PENDING.set(health.pending)
        OUTBOX_AGE.set(health.age_seconds)
        return health

    def purge(self, session: Session, retention: timedelta) -> None:
        """Forget what was published longer ago than ``retention``."""
        session.execute(
            delete(self.table).where(self.table.c.published_at < func.now() - retention)
        )

    def rewind(self, session: Session) -> int:
        """Publish again all that is still kept, for a broker that forgot it; returns how many.

        Consumers know the message ids and skip what they have seen.
        """
        kept = self.table.c.published_at.is_not(None)
        rewound = session.execute(
            update(self.table)
            .where(kept)
            .values(published_at=None, claimed_until=None)
            .returning(self.table.c.id)
        )
        return len(rewound.all())


def _nobody() -> None:
    """Until a relay is there to be woken."""


class Relay:
    """Publishes outbox rows; ``run`` blocks until ``stop``."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        publisher: Publisher,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._table = outbox.table
        self._publisher = publisher
        self._jitter = jitter
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        outbox.on_commit = self._wanted.set

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wanted.wait(SWEEP_SECONDS)
            self._wanted.clear()
            try:
                self.publish_pending()
                failures = 0
            except TransientFailure as error:
                failures += 1
                self._back_off(failures, str(error))
            except Exception as error:
                logger.exception("unexpected error in the relay")
                failures += 1
                self._back_off(failures, f"unexpected {type(error).__name__}")

    def _back_off(self, failures: int, reason: str) -> None:
        pause = min(BACKOFF_MOST, 0.2 * 2 ** min(failures, 16)) * (0.5 + self._jitter() / 2)
        logger.warning("the outbox waits", extra={"reason": reason, "seconds": round(pause, 2)})
        self._stopping.wait(pause)
        self._wanted.set()

    def publish_pending(self) -> int:
        """Publish until nothing is left that can be claimed; returns how many rows were.

        Raises ``TransientFailure`` when the database or the broker does not take them.
        """
        published = 0
        while not self._stopping.is_set() and (rows := self._claim()):
            failpoints.hit("relay.before-publish")
            outcomes = self._publisher.publish([_outgoing(row) for row in rows])
            failpoints.hit("relay.before-mark")
            published += self._mark(_Outcomes.of(rows, outcomes))
        return published

    def _claim(self) -> Sequence[RowMapping]:
        table, earlier = self._table, self._table.alias("earlier")
        first_of_its_key = ~exists().where(
            earlier.c.key == table.c.key,
            earlier.c.id < table.c.id,
            earlier.c.published_at.is_(None),
        )
        claimable = (
            select(table.c.id)
            .where(
                table.c.published_at.is_(None),
                or_(table.c.claimed_until.is_(None), table.c.claimed_until < func.now()),
                first_of_its_key,
            )
            .order_by(table.c.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True, of=table)
            .cte("claimable")  # evaluated once, or a join could claim more than the limit
        )
        claim = (
            update(table)
            .where(table.c.id.in_(select(claimable.c.id)))
            .values(claimed_until=func.now() + CLAIM)
            .returning(table)
        )
        with self._database.transaction() as session:
            rows = session.execute(claim).mappings().all()
        return sorted(rows, key=lambda row: int(row["id"]))

    def _mark(self, outcomes: "_Outcomes") -> int:
        """Returns how many are published; raises ``TransientFailure`` if some must come again."""
        OUTBOX_PUBLISHED.labels("published").inc(len(outcomes.published))
        OUTBOX_PUBLISHED.labels("failed").inc(len(outcomes.failed))
        table = self._table
        with self._database.transaction() as session:
            for ids, values in (
                (outcomes.published, {"published_at": func.now()}),
                (outcomes.failed, {"claimed_until": None}),
            ):
                if ids:
                    session.execute(update(table).where(table.c.id.in_(ids)).values(values))
        if outcomes.failed:
            raise TransientFailure(f"the broker did not take a message: {outcomes.reason}")
        return len(outcomes.published)


@dataclass(slots=True)
class _Outcomes:
    """What became of the rows of a batch, by id."""

    published: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    reason: str = ""

    @classmethod
    def of(cls, rows: Sequence[RowMapping], errors: Sequence[KafkaError | None]) -> "_Outcomes":
        outcomes = cls()
        for row, error in zip(rows, errors, strict=True):
            if error is None:
                outcomes.published.append(row["id"])
            elif error.code() in REFUSALS:
                # Stays claimed for a while, so that it does not hold up the others.
                where = {"topic": row["topic"], "message_id": str(row["message_id"])}
                logger.error("the broker refuses", extra={"reason": error.str(), **where})
                OUTBOX_PUBLISHED.labels("refused").inc()
            else:
                outcomes.failed.append(row["id"])
                outcomes.reason = error.str()
        return outcomes


def _outgoing(row: RowMapping) -> Outgoing:
    values: dict[str, Any] = dict(row)
    return Outgoing(
        topic=values["topic"],
        key=values["key"].encode(),
        value=bytes(values["body"]),
        headers=encode_headers(values["message_type"], values["message_id"], values["request_id"]),
    )
