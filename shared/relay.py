"""The relay: publishes the rows of the outbox. One thread in each process.

Rows that this process has just committed are published from memory, and marked as published many
at a time. A sweep finds rows that a crash, an outage or another process has left unpublished; it
claims rows before it publishes them. After any failure the relay discards the rows in memory, and
the sweep publishes them from the table.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka import KafkaError
from sqlalchemy import BigInteger, Table, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from shared import failpoints
from shared.backoff import Backoff
from shared.database import Database
from shared.failures import TransientFailure
from shared.kafka.producer import REFUSALS, Outgoing, Publisher
from shared.metrics import OUTBOX_AGE, OUTBOX_PENDING, OUTBOX_PUBLISHED
from shared.outbox import CLAIM, Outbox, OutboxHealth, outgoing
from shared.wakeup import Wakeup

logger = logging.getLogger(__name__)

BATCH = 200
MARK_SECONDS = 0.1  # how often rows are marked at most: one transaction for many of them
MEMORY_SECONDS = 6.0  # the claim must last longer than this plus a publish (8 s at most)
MEMORY_ROWS = 5000
# When to look again at a row that waits behind a row of the same key in another process.
BEHIND_SECONDS = 0.5
BACKOFF = Backoff(first=0.2, most=5.0)


@dataclass(slots=True)
class _Kept:
    """A row in memory; ``committed`` is true once its transaction has committed."""

    message: Outgoing
    since: float
    committed: bool = False


class Relay:
    """``run`` blocks until ``stop``. See ``shared.outbox.Claims`` for what other threads call."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        publisher: Publisher,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock
        self._jitter = jitter
        self._statements = _Statements.of(outbox.table)
        self._lock = threading.Lock()
        self._owner = uuid4()
        self._kept: dict[int, _Kept] = {}  # in the order of ids, key by key
        self._unmarked: list[int] = []
        self._mark_at = inf
        self._sweep_at = clock()
        self._left_behind = True  # the last sweep, or a failure, left rows in the table
        self._loop = Wakeup()
        outbox.relay = self

    # Called by other threads.

    @property
    def owner(self) -> UUID | None:
        full = len(self._kept) >= MEMORY_ROWS
        return None if full or self._loop.stopping() else self._owner

    def expect(self, owner: UUID, rows: Sequence[tuple[int, Outgoing]]) -> None:
        now = self._clock()
        with self._lock:
            if owner == self._owner:
                self._kept |= {number: _Kept(message, now) for number, message in rows}

    def settled(self, ids: Sequence[int], rows: int, *, committed: bool) -> None:
        with self._lock:
            known = [self._kept[number] for number in ids if number in self._kept]
            for kept in known:
                kept.committed = committed
            if not committed:
                self._forget(ids)
            if len(ids) < rows and committed:
                self._left_behind = True
                self._sweep_by(self._clock())
            if len(known) < len(ids) or not committed:
                # The rows may be in the table, claimed by a former owner id: sweep when that
                # claim has run out.
                self._sweep_by(self._clock() + CLAIM.total_seconds())
        self._loop.wake()

    def sweep_soon(self) -> None:
        with self._lock:
            self._sweep_by(self._clock())
        self._loop.wake()

    def stop(self) -> None:
        self._loop.stop()

    def health(self) -> OutboxHealth:
        """What is unpublished. Queries the database only if rows may be left in its table."""
        if self._left_behind:
            with self._database.transaction(is_use=False) as session:
                return self._outbox.health(session)
        with self._lock:
            since = [kept.since for kept in self._kept.values()]
        age = max(0.0, self._clock() - min(since)) if since else 0.0
        OUTBOX_PENDING.set(len(since))
        OUTBOX_AGE.set(age)
        return OutboxHealth(len(since), age)

    # The relay's own thread.

    def run(self) -> None:
        failures = 0
        while self._loop.wait(self._pause()):
            try:
                self._step()
                failures = 0
            except TransientFailure as error:
                failures += 1
                self._back_off(failures, str(error))
            except Exception as error:
                logger.exception("unexpected error in the relay")
                failures += 1
                self._back_off(failures, f"unexpected {type(error).__name__}")
        if self._kept or self._unmarked:
            self._give_up_memory()  # releases the claims, so that another process need not wait

    def publish_pending(self) -> int:
        """Publish all rows that can be claimed, and mark them; returns how many.

        Raises ``TransientFailure`` when the database or the broker fails.
        """
        self.sweep_soon()
        published = self._step()
        self._mark()
        return published

    def _step(self) -> int:
        try:
            published = self._publish_kept()
            if self._clock() >= self._mark_at:
                self._mark()
            if self._clock() >= self._sweep_at:
                published += self._sweep()
        except BaseException:
            self._give_up_memory()
            raise
        return published

    def _pause(self) -> float | None:
        due = min(self._mark_at, self._sweep_at)
        return None if due == inf else max(0.0, due - self._clock())

    def _publish_kept(self) -> int:
        published = 0
        while not self._loop.stopping() and (rows := self._take()):
            published += self._publish(rows)
        return published

    def _take(self) -> dict[int, Outgoing]:
        """Committed rows, but none while an earlier row of its key may still commit."""
        taken: dict[int, Outgoing] = {}
        open_keys: set[tuple[str, bytes | None]] = set()
        oldest = self._clock() - MEMORY_SECONDS
        with self._lock:
            for number, kept in sorted(self._kept.items()):
                if kept.since < oldest:
                    raise TransientFailure("messages waited too long in memory")
                key = kept.message.topic, kept.message.key
                if not kept.committed:
                    open_keys.add(key)
                elif key not in open_keys and len(taken) < BATCH:
                    taken[number] = kept.message
            self._forget(taken)
        return taken

    def _publish(self, rows: dict[int, Outgoing]) -> int:
        """Returns how many are published; raises ``TransientFailure`` if some must be retried."""
        failpoints.hit("relay.before-publish")
        outcomes = _Outcomes.of(rows, self._publisher.publish(list(rows.values())))
        failpoints.hit("relay.before-mark")
        OUTBOX_PUBLISHED.labels("published").inc(len(outcomes.published))
        OUTBOX_PUBLISHED.labels("failed").inc(len(outcomes.failed))
        self._unmarked += outcomes.published
        self._mark_at = min(self._mark_at, self._clock() + MARK_SECONDS)
        if outcomes.refused:
            # Claimed for a while without an owner, so that they do not block the other rows.
            self._execute(self._statements.refuse, ids=outcomes.refused)
            self._sweep_by(self._clock() + CLAIM.total_seconds())
        if outcomes.failed:
            raise TransientFailure(f"the broker did not take a message: {outcomes.reason}")
        return len(outcomes.published)

    def _mark(self) -> None:
        if self._unmarked:
            # Not flushed to disk: a lost mark only repeats a message, which the inbox skips.
            self._execute(self._statements.mark, ids=self._unmarked)
            self._unmarked = []
        self._mark_at = inf

    def _execute(self, statement: Any, **values: Any) -> None:
        with self._database.transaction(wait_for_disk=False, is_use=False) as session:
            session.execute(statement, values)

    def _sweep(self) -> int:
        """Publish the unpublished rows of the table that can be claimed."""
        published = 0
        while not self._loop.stopping():
            self._mark()  # else published rows would be claimed again
            rows, due = self._claim()
            if not rows:
                with self._lock:
                    self._left_behind = due < inf
                    self._sweep_by(self._clock() + due)
                break
            published += self._publish(rows)
        return published

    def _claim(self) -> tuple[dict[int, Outgoing], float]:
        """Claimed rows, in order; if there are none, the seconds until there may be some."""
        with self._lock:
            self._sweep_at = inf  # a sweep requested from now on is a further one
        with self._database.transaction(is_use=False) as session:
            values = {"owner": self._owner}
            found = session.execute(self._statements.claim, values).mappings().all()
            rows = {int(r["id"]): outgoing(r, bytes(r["body"])) for r in found}
            if rows:
                return dict(sorted(rows.items())), 0
            behind, seconds = session.execute(self._statements.due, values).one()
        if behind:
            return {}, BEHIND_SECONDS
        return {}, inf if seconds is None else max(0.0, float(seconds)) + 0.05

    # Failures.

    def _give_up_memory(self) -> None:
        """Discard the rows in memory and release their claims; the sweep publishes them."""
        with self._lock:
            former, self._owner = self._owner, uuid4()
            self._kept.clear()
            self._left_behind = True
            self._sweep_at = self._clock()
        try:
            self._mark()
            self._execute(self._statements.release, former=former)
        except TransientFailure as error:
            # The claims then expire by themselves.
            logger.warning("claims are not given back", extra={"reason": str(error)})

    def _back_off(self, failures: int, reason: str) -> None:
        pause = BACKOFF.seconds(failures, self._jitter())
        logger.warning("the outbox waits", extra={"reason": reason, "seconds": round(pause, 2)})
        self._loop.pause(pause)

    # Called with the lock held.

    def _forget(self, ids: Any) -> None:
        for number in ids:
            self._kept.pop(number, None)

    def _sweep_by(self, moment: float) -> None:
        self._sweep_at = min(self._sweep_at, moment)


@dataclass(slots=True)
class _Outcomes:
    """The outcome of publishing a batch: ids of rows by result."""

    published: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    reason: str = ""

    @classmethod
    def of(cls, rows: dict[int, Outgoing], errors: Sequence[KafkaError | None]) -> "_Outcomes":
        outcomes = cls()
        for (number, message), error in zip(rows.items(), errors, strict=True):
            if error is None:
                outcomes.published.append(number)
            elif error.code() in REFUSALS:
                outcomes.refused.append(number)
                where = {"topic": message.topic, "row": number}
                logger.error("the broker refuses", extra={"reason": error.str(), **where})
                OUTBOX_PUBLISHED.labels("refused").inc()
            else:
                outcomes.failed.append(number)
                outcomes.reason = error.str()
        return outcomes


@dataclass(frozen=True, slots=True)
class _Statements:
    """The relay's SQL statements, built once."""

    mark: Any
    refuse: Any
    release: Any
    claim: Any
    due: Any

    @classmethod
    def of(cls, table: Table) -> "_Statements":
        ids: Any = func.any(bindparam("ids", type_=ARRAY(BigInteger)))
        unpublished = table.c.published_at.is_(None)
        nobody = {"claimed_by": None, "claimed_until": None}
        others = table.c.claimed_by.is_distinct_from(bindparam("owner"))
        left = func.extract("epoch", func.min(table.c.claimed_until) - func.clock_timestamp())
        behind = func.count().filter(table.c.claimed_until.is_(None))
        return cls(
            mark=update(table).where(table.c.id == ids).values(published_at=func.now()),
            refuse=update(table)
            .where(table.c.id == ids)
            .values(claimed_by=None, claimed_until=func.clock_timestamp() + CLAIM),
            release=update(table)
            .where(table.c.claimed_by == bindparam("former"), unpublished)
            .values(**nobody),
            claim=_claim_statement(table),
            due=select(behind, left).where(unpublished, others),
        )


def _claim_statement(table: Table) -> Any:
    """Claim keys by their first unpublished row, together with the later rows of each key.

    The lock on the first row keeps other sweeps from claiming rows of the same key.
    """
    earlier, unpublished = table.alias("earlier"), table.c.published_at.is_(None)
    free = or_(table.c.claimed_until.is_(None), table.c.claimed_until < func.clock_timestamp())
    first_of_its_key = ~(
        select(earlier.c.id)
        .where(
            earlier.c.key == table.c.key,
            earlier.c.id < table.c.id,
            earlier.c.published_at.is_(None),
        )
        .exists()
    )
    firsts = (
        select(table.c.key)
        .where(unpublished, free, first_of_its_key)
        .order_by(table.c.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=table)
        .cte("firsts")  # evaluated once, or a join could claim more than the limit
    )
    chosen = (
        select(table.c.id)
        .where(unpublished, table.c.key.in_(select(firsts.c.key)))
        .order_by(table.c.id)
        .limit(BATCH)
        .cte("chosen")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(chosen.c.id)))
        .values(
            claimed_by=bindparam("owner"),
            claimed_until=func.clock_timestamp() + CLAIM,
        )
        .returning(*table.c)
    )
