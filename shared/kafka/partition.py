"""One assigned partition, as the consumer loop sees it."""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from confluent_kafka import TopicPartition

from shared.backoff import Backoff
from shared.kafka.record import Record

# A partition is paused when so many of its messages, or bytes, wait here, and resumed long before
# it runs dry: librdkafka takes up to a second until the messages come again.
BUFFER_HIGH = 500
BUFFER_LOW = 250
BYTES_HIGH = 8 * 1024 * 1024
BYTES_LOW = BYTES_HIGH // 2
BACKOFF = Backoff(first=0.2, most=5.0)
# What is handled together, at most.
BATCH_MESSAGES = 64
BATCH_BYTES = 1024 * 1024


@dataclass(slots=True, eq=False)
class Partition:
    """Messages that wait here in order, the first one perhaps being worked on."""

    topic: str
    number: int
    buffer: deque[Record] = field(default_factory=deque)
    bytes: int = 0  # of the messages in it
    in_flight: int = 0  # so many of its first messages are being worked on
    attempts: int = 0  # at the first message
    unexpected: int = 0  # those of them that failed by a bug
    alone: int = 0  # so many of its first messages failed together, and are handled one by one
    due: float = 0.0  # not to be tried again before
    served: int = 0  # when its turn was last; the lowest is next
    paused: bool = False
    settled: int | None = None  # the offset to commit: one past the last message dealt with
    committed: int | None = None  # the offset last sent to the broker

    def at(self, offset: int | None = None) -> TopicPartition:
        if offset is None:
            return TopicPartition(self.topic, self.number)
        return TopicPartition(self.topic, self.number, offset)

    def ready(self, now: float) -> bool:
        return bool(self.buffer) and not self.in_flight and self.due <= now

    def take(self, record: Record) -> None:
        """One more message, behind those that wait."""
        self.buffer.append(record)
        self.bytes += record.size

    @property
    def is_full(self) -> bool:
        return len(self.buffer) >= BUFFER_HIGH or self.bytes >= BYTES_HIGH

    @property
    def is_low(self) -> bool:
        return len(self.buffer) <= BUFFER_LOW and self.bytes <= BYTES_LOW

    def postpone(self, now: float, jitter: float) -> None:
        """Wait for twice as long as last time, up to a limit; ``jitter`` is in 0..1."""
        self.attempts += 1
        self.due = now + BACKOFF.seconds(self.attempts, jitter)

    def batch(self) -> list[Record]:
        """The first messages, within limits; one, if it is tried again or failed before."""
        if self.attempts or self.alone:
            return [self.buffer[0]]
        chosen: list[Record] = []
        size = 0
        for record in islice(self.buffer, BATCH_MESSAGES):
            size += record.size
            if chosen and size > BATCH_BYTES:
                break
            chosen.append(record)
        return chosen

    def advance(self) -> None:
        """The first message is dealt with."""
        record = self.buffer.popleft()
        self.settled = record.offset + 1
        self.bytes -= record.size
        self.attempts = self.unexpected = 0
        self.alone = max(0, self.alone - 1)

    def lag(self, end: int | None) -> int:
        """Messages not yet dealt with; ``end`` is one past the newest offset, if that is known."""
        start = self.settled
        if start is None and self.buffer:
            start = self.buffer[0].offset
        if end is None or start is None:
            return len(self.buffer)
        return max(end - start, len(self.buffer))
