"""A message as received from Kafka: its bytes, and its topic, partition and offset."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import Message

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """``headers`` is ``None`` if the client cannot read them because a name is not UTF-8.

    ``produced_at`` is never in the future, even if the producer's clock was wrong.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers | None
    produced_at: datetime

    @classmethod
    def of(cls, message: Message) -> "Record":
        return cls(
            topic=message.topic() or "",
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            key=_bytes(message.key()),
            value=_bytes(message.value()),
            headers=_headers(message),
            produced_at=_moment(message.timestamp()[1]),
        )

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")

    @property
    def place(self) -> dict[str, object]:
        """Topic, partition and offset, for log lines."""
        return {"topic": self.topic, "partition": self.partition, "offset": self.offset}


def _headers(message: Message) -> Headers | None:
    # Read the headers only once: for a name that is not UTF-8, confluent-kafka 2.16 raises at the
    # first call and returns null pointers at the second.
    try:
        headers = message.headers() or []
    except (SystemError, UnicodeDecodeError):
        return None
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple((name, _bytes(value)) for name, value in pairs)


def _moment(milliseconds: int) -> datetime:
    # A producer may send any 64-bit number; Python has no date for some of them.
    return datetime.fromtimestamp(min(max(milliseconds / 1000, 0), time.time()), UTC)


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
