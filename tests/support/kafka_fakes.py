"""A fake Kafka consumer and a fake clock, for tests of the consumer loop."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

from confluent_kafka import KafkaError, Message, TopicPartition

from shared.failures import TransientFailure
from shared.kafka.codec import Received
from shared.kafka.consumer import ConsumerLoop
from shared.kafka.processing import Handler, Handlers
from shared.kafka.record import Record
from shared.messages import ImageDeleted

TOPIC = "images"
GOOD_HEADERS: list[tuple[str, bytes | None]] = [
    ("message_type", b"IMAGE_DELETED"),
    ("version", b"1.0.0"),
]


def one_by_one(handler: Callable[[Received], None]) -> Handler:
    """A handler that takes no batches: each message is judged by itself."""

    def handle(batch: Sequence[Received]) -> int:
        [received] = batch
        handler(received)
        return 1

    return handle


def deleted(uuid: UUID | None = None) -> bytes:
    return b'{"uuid": "%s"}' % str(uuid or uuid4()).encode()


def record(
    value: bytes | None = None,
    *,
    headers: list[tuple[str, bytes | None]] | None = GOOD_HEADERS,
    offset: int = 0,
) -> Record:
    """A record, by default of a valid message."""
    return Record(
        topic=TOPIC,
        partition=0,
        offset=offset,
        key=b"key",
        value=deleted() if value is None else value,
        headers=None if headers is None else tuple(headers),
        produced_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class FakeMessage:
    """A message from the client, or an error in its place."""

    def __init__(
        self,
        partition: int = 0,
        offset: int = 0,
        *,
        value: bytes | None = None,
        headers: list[tuple[str, bytes | None]] | None = None,
        error: KafkaError | None = None,
    ) -> None:
        self._place = (TOPIC, partition, offset)
        self._value = deleted() if value is None else value
        self._headers = GOOD_HEADERS if headers is None else headers
        self._error = error

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._place[2]

    def key(self) -> bytes:
        return b"key"

    def value(self) -> bytes:
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_225_600_000

    def error(self) -> KafkaError | None:
        return self._error


class FakeClient:
    """Delivers ``messages`` and records the loop's calls.

    Every poll advances the clock by ``tick`` seconds, runs the next of ``events`` if there is one,
    and stops the loop once ``until()`` is true.
    """

    def __init__(
        self, messages: list[FakeMessage], *, partitions: int = 1, tick: float = 1
    ) -> None:
        self.waiting = deque(messages)
        self.events: deque[Callable[[], None]] = deque([self._assign_all])
        self.committed: dict[int, int] = {}
        self.commits: list[tuple[dict[int, int], bool]] = []
        self.paused: set[int] = set()
        self.pauses = 0
        self.closed = False
        self.now = 100.0  # seconds
        self.polls = 0
        self._numbers = range(partitions)
        self._tick = tick
        self._callbacks: dict[str, Callable[..., None]] = {}

    def clock(self) -> float:
        return self.now

    def run(self, loop: ConsumerLoop, until: Callable[[], bool], *, polls: int = 5000) -> None:
        """Run the loop until ``until()`` is true; AssertionError after ``polls`` polls."""
        self._loop, self._until, self._most = loop, until, polls
        loop.run()
        assert self.polls < polls, "the loop went on without getting there"

    def assign(self, *numbers: int) -> None:
        self._callbacks["on_assign"](self, [TopicPartition(TOPIC, n) for n in numbers])

    def revoke(self, *numbers: int) -> None:
        self._callbacks["on_revoke"](self, [TopicPartition(TOPIC, n) for n in numbers])

    def lose(self, *numbers: int) -> None:
        self._callbacks["on_lost"](self, [TopicPartition(TOPIC, n) for n in numbers])

    # Called by the loop.

    def subscribe(
        self,
        topics: list[str],
        on_assign: Callable[..., None],
        on_revoke: Callable[..., None],
        on_lost: Callable[..., None],
    ) -> None:
        self._callbacks = {"on_assign": on_assign, "on_revoke": on_revoke, "on_lost": on_lost}

    def poll(self, timeout: float) -> Message | None:
        messages = self.consume(1, timeout)
        return messages[0] if messages else None

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        self.polls += 1
        self.now += self._tick
        if self.events:
            self.events.popleft()()
        elif self._until() or self.polls >= self._most:
            self._loop.stop()
        free = [m for m in self.waiting if m.partition() not in self.paused][:num_messages]
        for message in free:
            self.waiting.remove(message)
        return [cast(Message, message) for message in free]

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.pauses += 1
        self.paused |= {p.partition for p in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {p.partition for p in partitions}

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> Any:
        self.commits.append(({p.partition: p.offset for p in offsets}, asynchronous))
        self.committed |= {p.partition: p.offset for p in offsets}

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float, cached: bool
    ) -> tuple[int, int]:
        return 0, 1000

    def close(self) -> None:
        self.closed = True

    def _assign_all(self) -> None:
        self.assign(*self._numbers)


class FakeDeadLetters:
    """A dead-letter topic that refuses the first ``down`` letters."""

    def __init__(self, down: int = 0) -> None:
        self.down = down
        self.written: list[tuple[Record, str]] = []

    def write(self, record: Record, reason: str) -> None:
        if self.down:
            self.down -= 1
            raise TransientFailure("the broker is away")
        self.written.append((record, reason))


def build_loop(
    client: FakeClient,
    handler: Callable[[Received], None],
    letters: FakeDeadLetters | None = None,
    *,
    workers: int = 1,
    most: int = 20,
    handlers: Handlers | None = None,
    group: str = "group",
) -> ConsumerLoop:
    return ConsumerLoop(
        client,
        group=group,
        topics=[TOPIC],
        handlers={ImageDeleted: one_by_one(handler)} if handlers is None else handlers,
        dead_letters=letters or FakeDeadLetters(),
        workers=workers,
        max_consecutive_failures=most,
        clock=client.clock,
        jitter=lambda: 1.0,
    )


def messages(count: int, partition: int = 0) -> list[FakeMessage]:
    return [FakeMessage(partition, offset) for offset in range(count)]


def fail(error: Exception) -> None:
    raise error
