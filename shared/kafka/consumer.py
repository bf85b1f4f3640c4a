"""The consumer loop: poll, hand out, settle, commit.

One thread owns the Kafka client and runs ``ConsumerLoop.run``; a few workers run the handlers.

* Messages of one partition are handled one after another, those of different partitions side by
  side. The loop keeps polling while work runs, so slow work never costs the group membership.
* An offset is committed after its message was handled or dead-lettered, never before.
* ``TransientFailure``: again after a backoff with jitter, for as long as it takes.
  ``PermanentFailure``: to the dead-letter topic. Anything else is a bug, of ours or of a
  message: tried ``UNEXPECTED_ATTEMPTS`` times, then dead-lettered.
* A run of dead letters halts the consumer with nothing further committed: that is how a bad
  deployment looks, and it must not empty the topic into the dead letters.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from shared import failpoints
from shared.failures import TransientFailure
from shared.kafka.processing import Handler, Outcome, Processor, Result, coordinates
from shared.kafka.workers import Workers
from shared.metrics import CONSUMER_IN_FLIGHT, CONSUMER_LAG

logger = logging.getLogger(__name__)

BUFFER_HIGH = 64  # a partition is paused when this many of its messages wait here
BUFFER_LOW = 16
BACKOFF_FIRST = 0.2
BACKOFF_MOST = 5.0
UNEXPECTED_ATTEMPTS = 5
DRAIN_SECONDS = 4.0  # how long a stop or a rebalance waits for the work in flight

SETUP_ERRORS = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)


class Client(Protocol):
    """What the loop uses of ``confluent_kafka.Consumer``."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: Callable[..., None],
        on_revoke: Callable[..., None],
        on_lost: Callable[..., None],
    ) -> None: ...
    def poll(self, timeout: float) -> Message | None: ...
    def consume(self, num_messages: int, timeout: float) -> list[Message]: ...
    def pause(self, partitions: list[TopicPartition]) -> None: ...
    def resume(self, partitions: list[TopicPartition]) -> None: ...
    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> object: ...
    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float, cached: bool
    ) -> tuple[int, int] | None: ...
    def close(self) -> None: ...


class DeadLetters(Protocol):
    def write(self, message: Message, reason: str) -> None:
        """Return when the broker has it; raise ``TransientFailure`` when it has not."""


class State(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    HALTED = "halted"
    STOPPED = "stopped"


@dataclass(slots=True)
class _Partition:
    """An assigned partition: messages waiting here, the first one perhaps being worked on."""

    topic: str
    number: int
    buffer: deque[Message] = field(default_factory=deque)
    in_flight: bool = False
    attempts: int = 0
    due: float = 0.0
    paused: bool = False
    settled: int | None = None  # the offset to commit: one past the last message dealt with

    def at(self, offset: int | None = None) -> TopicPartition:
        if offset is None:
            return TopicPartition(self.topic, self.number)
        return TopicPartition(self.topic, self.number, offset)


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    state: State
    reason: str
    partitions: int
    in_flight: int
    lag: int
    retries: int
    dead_letters: int


class ConsumerLoop:
    """See the module's docstring. ``run`` blocks until ``stop`` is called or the loop halts."""

    def __init__(
        self,
        client: Client,
        *,
        group: str,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
        dead_letters: DeadLetters,
        workers: int = 1,
        max_consecutive_failures: int = 20,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._group = group
        self._topics = list(topics)
        self._processor = Processor(group, handlers)
        self._dead_letters = dead_letters
        self._workers: Workers[tuple[_Partition, Message], Result] = Workers(workers, name=group)
        self._max_consecutive_failures = max_consecutive_failures
        self._clock = clock
        self._jitter = jitter
        self._partitions: dict[tuple[str, int], _Partition] = {}
        self._stopping = threading.Event()
        self._state = State.STARTING
        self._reason = ""
        self._consecutive_failures = 0
        self._retries = 0
        self._dead_count = 0

    def run(self) -> None:
        self._client.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        try:
            while not self._stopping.is_set():
                self._receive()
                self._settle_finished()
                self._dispatch()
                self._apply_backpressure()
        finally:
            self._give_up(list(self._partitions.values()))
            self._client.close()
            self._workers.close()
            if self._state is not State.HALTED:
                self._state = State.STOPPED

    def stop(self) -> None:
        """Only sets a flag: safe from a signal handler and from any thread."""
        self._stopping.set()

    def health(self) -> ConsumerHealth:
        partitions = list(self._partitions.values())
        lag = sum(self._lag(p) for p in partitions)
        CONSUMER_LAG.labels(self._group).set(lag)
        return ConsumerHealth(
            state=self._state,
            reason=self._reason,
            partitions=len(partitions),
            in_flight=sum(p.in_flight for p in partitions),
            lag=lag,
            retries=self._retries,
            dead_letters=self._dead_count,
        )

    # The steps of the loop.

    def _receive(self) -> None:
        """Wait for whatever comes first: a message, or the end of a piece of work."""
        if self._workers.busy or any(p.buffer for p in self._partitions.values()):
            self._workers.wait(0.02)
            messages = self._client.consume(BUFFER_HIGH, 0)
        else:
            message = self._client.poll(0.1)
            messages = [] if message is None else [message]
        for message in messages:
            if (error := message.error()) is not None:
                self._client_error(error)
            elif (partition := self._partition_of(message)) is not None:
                partition.buffer.append(message)

    def _dispatch(self) -> None:
        now = self._clock()
        for partition in self._partitions.values():
            if self._workers.free == 0:
                return
            if partition.buffer and not partition.in_flight and partition.due <= now:
                self._start(partition, partition.buffer[0])

    def _start(self, partition: _Partition, message: Message) -> None:
        partition.in_flight = True
        CONSUMER_IN_FLIGHT.labels(self._group).inc()
        self._workers.submit((partition, message), lambda: self._processor.process(message))

    def _settle_finished(self) -> None:
        offsets = []
        for (partition, message), result in self._workers.finished():
            partition.in_flight = False
            CONSUMER_IN_FLIGHT.labels(self._group).dec()
            # A partition revoked meanwhile is another's: whoever has it decides its offset.
            if self._partition_of(message) is partition and self._settle(partition, result):
                partition.buffer.popleft()
                partition.settled = (message.offset() or 0) + 1
                offsets.append(partition.at(partition.settled))
        if offsets:
            failpoints.hit("consumer.before-commit")
            self._commit(offsets, asynchronous=True)

    def _settle(self, partition: _Partition, result: Result) -> bool:
        """True when the partition's first message is dealt with for good."""
        if not result.expected and partition.attempts + 1 >= UNEXPECTED_ATTEMPTS:
            result = Result(Outcome.DEAD, result.reason)
        if result.outcome is Outcome.DEAD:
            return self._bury(partition, result.reason)
        if result.outcome is Outcome.RETRY:
            self._postpone(partition, result.reason)
            return False
        self._consecutive_failures = 0
        partition.attempts = 0
        return True

    def _bury(self, partition: _Partition, reason: str) -> bool:
        """Dead-letter the first message, unless it is one too many in a row."""
        message = partition.buffer[0]
        if self._consecutive_failures + 1 >= self._max_consecutive_failures:
            self._halt(f"{self._max_consecutive_failures} messages in a row failed; last: {reason}")
            return False
        try:
            self._dead_letters.write(message, reason)
        except TransientFailure as error:
            self._postpone(partition, str(error))
            return False
        self._consecutive_failures += 1
        self._dead_count += 1
        partition.attempts = 0
        logger.error("message dead-lettered", extra={"reason": reason, **coordinates(message)})
        return True

    def _postpone(self, partition: _Partition, reason: str) -> None:
        backoff = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(partition.attempts, 16))
        partition.attempts += 1
        partition.due = self._clock() + backoff * (0.5 + self._jitter() / 2)
        self._retries += 1
        where = coordinates(partition.buffer[0])
        logger.warning(
            "message will be tried again",
            extra={"reason": reason, "attempt": partition.attempts, **where},
        )

    def _apply_backpressure(self) -> None:
        for partition in self._partitions.values():
            waiting = len(partition.buffer)
            if not partition.paused and waiting >= BUFFER_HIGH:
                self._client.pause([partition.at()])
                partition.paused = True
            elif partition.paused and waiting <= BUFFER_LOW:
                self._client.resume([partition.at()])
                partition.paused = False

    # Rebalancing: these run inside the client's poll and close, on the loop's own thread.

    def _on_assign(self, _: object, assigned: list[TopicPartition]) -> None:
        for p in assigned:
            self._partitions[p.topic, p.partition] = _Partition(p.topic, p.partition)
        self._state = State.RUNNING
        self._reason = ""
        logger.info("partitions assigned", extra={"partitions": _names(assigned)})
        failpoints.hit("consumer.rebalance")

    def _on_revoke(self, _: object, revoked: list[TopicPartition]) -> None:
        logger.info("partitions revoked", extra={"partitions": _names(revoked)})
        failpoints.hit("consumer.rebalance")
        places = [(p.topic, p.partition) for p in revoked]
        self._give_up([self._partitions[place] for place in places if place in self._partitions])

    def _on_lost(self, _: object, lost: list[TopicPartition]) -> None:
        logger.warning("partitions lost", extra={"partitions": _names(lost)})
        for p in lost:
            self._partitions.pop((p.topic, p.partition), None)

    def _give_up(self, leaving: Sequence[_Partition]) -> None:
        """Let what is in flight finish, within limits, and commit what was dealt with."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(p.in_flight for p in leaving) and time.monotonic() < deadline:
            self._workers.wait(0.05)
            self._settle_finished()
        for partition in leaving:
            self._partitions.pop((partition.topic, partition.number), None)
        offsets = [p.at(p.settled) for p in leaving if p.settled is not None]
        if offsets:
            self._commit(offsets, asynchronous=False)

    def _commit(self, offsets: list[TopicPartition], *, asynchronous: bool) -> None:
        try:
            self._client.commit(offsets=offsets, asynchronous=asynchronous)
        except KafkaException as error:
            # The messages come again, and the inbox knows them.
            logger.warning("commit failed", extra={"reason": str(error)})

    # Trouble, and what is known of the state.

    def _halt(self, reason: str) -> None:
        self._state = State.HALTED
        self._reason = reason
        self._stopping.set()
        logger.critical("the consumer halts", extra={"reason": reason})

    def _client_error(self, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if error.code() in SETUP_ERRORS:
            self._reason = f"{error.str()} (topics: {', '.join(self._topics)})"
        logger.warning("kafka consumer: %s", error.str())

    def _partition_of(self, message: Message) -> _Partition | None:
        return self._partitions.get((message.topic() or "", message.partition() or 0))

    def _lag(self, partition: _Partition) -> int:
        """Messages of this partition not yet dealt with, as far as the client knows."""
        try:
            marks = self._client.get_watermark_offsets(partition.at(), 0.1, True)
        except (KafkaException, RuntimeError):
            return len(partition.buffer)
        if marks is None or partition.settled is None:
            return len(partition.buffer)
        return max(marks[1] - partition.settled, len(partition.buffer))


def _names(partitions: Sequence[TopicPartition]) -> list[str]:
    return [f"{p.topic}/{p.partition}" for p in partitions]
