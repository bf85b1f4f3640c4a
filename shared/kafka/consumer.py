"""The consumer loop: poll, dispatch, settle, commit.

One thread owns the Kafka client and runs ``ConsumerLoop.run``; a few workers run the handlers.

* The waiting messages of all partitions are handled as a batch, those of each partition in order;
  what waits beyond that is a second batch in parallel. The loop keeps polling while work runs, so
  slow work never costs the group membership.
* An offset is committed after its message was handled or dead-lettered, never before. After a
  crash, the messages settled since the last commit are redelivered.
* ``failure_policy.py`` decides what to do with a message that failed. A run of failures halts the
  consumer, and it commits nothing further.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from shared import failpoints
from shared.kafka.brokers import Brokers
from shared.kafka.client import ConsumerClient
from shared.kafka.failure_policy import DeadLetters, FailurePolicy, TooManyFailures
from shared.kafka.lag import Lag
from shared.kafka.partition import Partition, Work, batches
from shared.kafka.processing import Handlers, Outcome, Processor, Result
from shared.kafka.record import Record
from shared.metrics import CONSUMER_CONNECTED, CONSUMER_HALTED, CONSUMER_IN_FLIGHT
from shared.workers import Workers

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 4.0  # how long a stop or a rebalance waits for the work in flight
CLOSE_SECONDS = 1.5  # how long leaving the group may take; a dead broker never answers
COMMIT_SECONDS = 0.2  # between two commits: a broker takes about 200 a second from one client
IDLE_SECONDS = 0.5  # how long an idle loop sleeps if no message wakes it
BUSY_SECONDS = 0.02  # how long a loop with work in flight waits for some of it to finish
FETCH = 500  # messages taken from the client at once

SETUP_ERRORS = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)


class State(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    HALTED = "halted"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    state: State
    reason: str
    partitions: int
    in_flight: int
    lag: int
    retries: int
    dead_letters: int
    kafka_answers: bool = True


class ConsumerLoop:
    """See the module's docstring. ``run`` blocks until ``stop`` is called or the loop halts."""

    def __init__(
        self,
        client: ConsumerClient,
        *,
        group: str,
        topics: Sequence[str],
        handlers: Handlers,
        dead_letters: DeadLetters,
        brokers: Brokers | None = None,
        workers: int = 1,
        max_consecutive_failures: int = 20,
        on_assigned: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._group = group
        self._brokers = brokers or Brokers()
        self._topics = list(topics)
        self._processor = Processor(group, handlers)
        self._policy = FailurePolicy(
            group, dead_letters, max_consecutive_failures, clock=clock, jitter=jitter
        )
        self._workers = Workers(workers, name=group)
        self._running: dict[Future[list[Result]], Work] = {}
        self._on_assigned = on_assigned
        self._clock = clock
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._stopping = threading.Event()
        self._state = State.STARTING
        self._reason = ""
        self._turn = 0
        self._lag = Lag(client, group, clock)
        self._commit_due = clock()
        CONSUMER_IN_FLIGHT.labels(group).set(0)
        self._show()

    def run(self) -> None:
        try:
            self._client.subscribe(
                self._topics,
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_lost,
            )
            while not self._stopping.is_set():
                self._receive()
                self._settle_finished()
                self._commit_settled()
                self._dispatch()
                self._apply_backpressure()
                self._lag.measure(self._partitions.values())
                self._show()
        finally:
            self._leave()

    def stop(self) -> None:
        """Only sets a flag: safe from a signal handler and from any thread."""
        self._stopping.set()

    def health(self) -> ConsumerHealth:
        """Safe from any thread."""
        partitions = list(self._partitions.values())
        return ConsumerHealth(
            state=self._state,
            reason=self._reason,
            partitions=len(partitions),
            in_flight=sum(p.in_flight for p in partitions),
            lag=self._lag.messages,
            retries=self._policy.retries,
            dead_letters=self._policy.dead_lettered,
            kafka_answers=self._brokers.answer,
        )

    # The steps of the loop.

    def _receive(self) -> None:
        """Wait until a message arrives or a piece of work finishes, whichever is first."""
        messages: list[Message] = []
        if self._running:
            wait(self._running, BUSY_SECONDS, return_when=FIRST_COMPLETED)
        elif (message := self._client.poll(self._idle_seconds())) is not None:
            messages.append(message)
        messages += self._client.consume(FETCH, 0)
        for message in messages:
            if (error := message.error()) is not None:
                self._client_error(error)
                continue
            record = Record.of(message)
            if (partition := self._partition_of(record)) is not None:
                partition.take(record)

    def _idle_seconds(self) -> float:
        """Seconds until the next commit or retry is due, which no message would announce."""
        due = [p.due for p in self._partitions.values() if p.buffer]
        if any(p.settled != p.committed for p in self._partitions.values()):
            due.append(self._commit_due)
        return max(0.0, min([IDLE_SECONDS, *(moment - self._clock() for moment in due)]))

    def _dispatch(self) -> None:
        """Start work for each partition in turn, so that a long one does not block the others."""
        if self._stopping.is_set():  # just halted: start nothing more
            return
        now, free = self._clock(), self._workers.count - len(self._running)
        ready = [p for p in self._partitions.values() if p.ready(now)]
        for work in batches(sorted(ready, key=lambda p: p.served))[: max(0, free)]:
            self._start(work)

    def _start(self, work: Work) -> None:
        for partition, records in work:
            self._turn += 1
            partition.served = self._turn
            partition.in_flight = len(records)
            CONSUMER_IN_FLIGHT.labels(self._group).inc(len(records))
        every = [record for _, records in work for record in records]
        future = self._workers.submit(lambda: self._processor.process(every))
        self._running[future] = work

    def _settle_finished(self) -> None:
        for future in [future for future in self._running if future.done()]:
            results = iter(future.result())
            failed = not future.result()
            for partition, records in self._running.pop(future):
                partition.in_flight = 0
                CONSUMER_IN_FLIGHT.labels(self._group).dec(len(records))
                own = list(islice(results, len(records)))
                # If the partition was revoked meanwhile, its new consumer commits the offset.
                if self._partition_of(records[0]) is partition:
                    partition.alone = len(records) if failed else partition.alone
                    self._settle(partition, own)

    def _settle(self, partition: Partition, results: Iterable[Result]) -> None:
        try:
            for result in results:
                if not self._policy.settle(partition, result):
                    return
                if partition.attempts and result.outcome is Outcome.DONE:
                    self._end_pauses()
                partition.advance()
        except TooManyFailures as error:
            self._halt(str(error))

    def _end_pauses(self) -> None:
        """Retry all partitions now: what made one message wait is back, probably for all."""
        for partition in self._partitions.values():
            partition.due = min(partition.due, self._clock())

    def _commit_settled(self) -> None:
        if self._clock() < self._commit_due:
            return
        self._commit_due = self._clock() + COMMIT_SECONDS
        dirty = [p for p in self._partitions.values() if p.settled != p.committed]
        if dirty:
            failpoints.hit("consumer.before-commit")
            self._client.commit(offsets=[p.at(p.settled) for p in dirty], asynchronous=True)
            for partition in dirty:
                partition.committed = partition.settled

    def _apply_backpressure(self) -> None:
        for partition in self._partitions.values():
            if not partition.paused and partition.is_full:
                self._client.pause([partition.at()])
                partition.paused = True
            elif partition.paused and partition.is_low:
                self._resume(partition)

    def _resume(self, partition: Partition) -> None:
        self._client.resume([partition.at()])
        partition.paused = False

    # Rebalance callbacks: they run inside the client's poll, on the loop's own thread. Afterwards
    # the client itself adds the assigned partitions to its own, or removes the revoked ones.

    def _on_assign(self, _: object, assigned: list[TopicPartition]) -> None:
        for p in assigned:
            self._partitions[p.topic, p.partition] = Partition(p.topic, p.partition)
        self._state = State.RUNNING
        self._reason = ""
        logger.info("partitions assigned", extra={"partitions": _names(assigned)})
        self._on_assigned()
        failpoints.hit("consumer.rebalance")

    def _on_revoke(self, _: object, revoked: list[TopicPartition]) -> None:
        logger.info("partitions revoked", extra={"partitions": _names(revoked)})
        failpoints.hit("consumer.rebalance")
        leaving = self._known(revoked)
        self._drain(leaving)
        self._forget(leaving)
        offsets = [p.at(p.settled) for p in leaving if p.settled is not None]
        if offsets:
            self._commit_now(offsets)

    def _commit_now(self, offsets: list[TopicPartition]) -> None:
        try:
            self._client.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # The messages are redelivered, and the inbox skips them.
            logger.warning("commit failed", extra={"reason": str(error)})

    def _on_lost(self, _: object, lost: list[TopicPartition]) -> None:
        logger.warning("partitions lost", extra={"partitions": _names(lost)})
        self._forget(self._known(lost))

    def _known(self, places: Iterable[TopicPartition]) -> list[Partition]:
        found = [self._partitions.get((p.topic, p.partition)) for p in places]
        return [partition for partition in found if partition is not None]

    def _drain(self, leaving: Sequence[Partition]) -> None:
        """Wait for the work in flight to finish, at most ``DRAIN_SECONDS``."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(p.in_flight for p in leaving) and time.monotonic() < deadline:
            wait(self._running, 0.05, return_when=FIRST_COMPLETED)
            self._settle_finished()

    def _forget(self, leaving: Iterable[Partition]) -> None:
        for partition in leaving:
            if partition.paused:  # else it would still be paused when it is assigned again
                self._resume(partition)
            del self._partitions[partition.topic, partition.number]

    def _leave(self) -> None:
        """Finish the work, then leave the group; closing waits for commits under way."""
        everything = list(self._partitions.values())
        self._drain(everything)
        self._commit_due = self._clock()
        self._commit_settled()
        self._forget(everything)
        self._workers.close()
        closing = threading.Thread(target=self._client.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            logger.warning("the broker did not answer; the session runs out by itself")
        if self._state is not State.HALTED:
            self._state = State.STOPPED

    # Errors and state.

    def _show(self) -> None:
        CONSUMER_HALTED.labels(self._group).set(self._state is State.HALTED)
        CONSUMER_CONNECTED.labels(self._group).set(self._brokers.answer)

    def _halt(self, reason: str) -> None:
        self._state = State.HALTED
        self._reason = reason
        self._stopping.set()
        self._show()
        logger.critical("the consumer halts", extra={"reason": reason})

    def _client_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        text = error.str()
        if error.code() in SETUP_ERRORS:
            if text == self._reason:
                return  # librdkafka repeats the same error at each check
            self._reason = text
        logger.warning("kafka consumer: %s", text)

    def _partition_of(self, record: Record) -> Partition | None:
        return self._partitions.get((record.topic, record.partition))


def _names(partitions: Sequence[TopicPartition]) -> list[str]:
    return [f"{p.topic}/{p.partition}" for p in partitions]
