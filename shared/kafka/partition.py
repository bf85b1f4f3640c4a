"""One assigned partition, as the consumer loop sees it; and what several have to do together."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from confluent_kafka import TopicPartition

from shared.backoff import Backoff
from shared.kafka.record import Record

# A partition is paused when this many messages, or bytes, wait here, and resumed long before the
# buffer is empty: librdkafka takes up to a second to deliver messages again.
BUFFER_HIGH = 500
BUFFER_LOW = 250
BYTES_HIGH = 8 * 1024 * 1024
BYTES_LOW = BYTES_HIGH // 2
BACKOFF = Backoff(first=0.2, most=5.0)
# The limits of a batch.
BATCH_MESSAGES = 64
BATCH_BYTES = 1024 * 1024


@dataclass(slots=True, eq=False)
class Partition:
    """A buffer of waiting messages in order; the first ones may be in flight."""

    topic: str
    number: int
    buffer: deque[Record] = field(default_factory=deque)
    bytes: int = 0  # of the messages in the buffer
    in_flight: int = 0  # how many of the first messages are being handled
    attempts: int = 0  # failed attempts at the first message
    unexpected: int = 0  # those of them that failed with an unexpected exception
    alone: int = 0  # how many of the first messages failed as a batch and are now handled singly
    due: float = 0.0  # when the next attempt is due
    served: int = 0  # the turn in which it was last served; the lowest is next
    paused: bool = False
    settled: int | None = None  # the offset to commit: one past the last settled message
    committed: int | None = None  # the offset last sent to the broker

    def at(self, offset: int | None = None) -> TopicPartition:
        if offset is None:
            return TopicPartition(self.topic, self.number)
        return TopicPartition(self.topic, self.number, offset)

    def ready(self, now: float) -> bool:
        return bool(self.buffer) and not self.in_flight and self.due <= now

    def take(self, record: Record) -> None:
        """Append a message to the buffer."""
        self.buffer.append(record)
        self.bytes += record.size

    @property
    def is_full(self) -> bool:
        return len(self.buffer) >= BUFFER_HIGH or self.bytes >= BYTES_HIGH

    @property
    def is_low(self) -> bool:
        return len(self.buffer) <= BUFFER_LOW and self.bytes <= BYTES_LOW

    def postpone(self, now: float, jitter: float) -> None:
        """Back off: wait twice as long as last time, up to a limit; ``jitter`` is in 0..1."""
        self.attempts += 1
        self.due = now + BACKOFF.seconds(self.attempts, jitter)

    def batch(self) -> list[Record]:
        """The first messages, within the limits; only one if it is retried or failed before."""
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
        """Remove the first message: it is settled."""
        record = self.buffer.popleft()
        self.settled = record.offset + 1
        self.bytes -= record.size
        self.attempts = self.unexpected = 0
        self.alone = max(0, self.alone - 1)

    def lag(self, end: int | None) -> int:
        """Messages not yet settled; ``end`` is one past the newest offset, None if unknown."""
        start = self.settled
        if start is None and self.buffer:
            start = self.buffer[0].offset
        if end is None or start is None:
            return len(self.buffer)
        return max(end - start, len(self.buffer))


Work = list[tuple[Partition, list[Record]]]  # some partitions, and the first messages of each


def batches(ready: Iterable[Partition]) -> list[Work]:
    """The first messages of all partitions, together within the limits of a batch.

    So batches do not become smaller with more partitions. A message that is retried or has failed
    in a batch is one by itself.
    """
    found: list[Work] = []
    messages = size = 0
    together: Work = []
    for partition in ready:
        records = partition.batch()
        if partition.attempts or partition.alone:
            found.append([(partition, records)])
            continue
        messages += len(records)
        size += sum(record.size for record in records)
        if not together or messages > BATCH_MESSAGES or size > BATCH_BYTES:
            together = []
            found.append(together)
            messages, size = len(records), sum(record.size for record in records)
        together.append((partition, records))
    return found
