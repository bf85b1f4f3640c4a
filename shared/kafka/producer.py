"""Publishing, with the answer of the broker for every message."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready for the wire."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | str | None]]


class Publisher(Protocol):
    """What the relay and the dead-letter writer need of a producer."""

    def publish(self, messages: Sequence[Outgoing]) -> list[str | None]: ...


class Producer:
    """Publishes batches and waits for their delivery reports.

    ``publish`` returns one entry a message, in order: ``None`` when the broker has it, else the
    reason why it has not. Idempotent, ``acks=all``. Not shared between threads.
    """

    def __init__(self, config: dict[str, Any], *, delivery_timeout: float = 5.0) -> None:
        self._timeout = delivery_timeout
        self._config = {
            **config,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,
            "message.timeout.ms": int(delivery_timeout * 1000),
            "request.timeout.ms": int(delivery_timeout * 1000),
        }
        self._client = Client(self._config)

    def publish(self, messages: Sequence[Outgoing]) -> list[str | None]:
        batch = _Batch(len(messages))
        for index, message in enumerate(messages):
            try:
                self._client.produce(
                    message.topic,
                    key=message.key,
                    value=message.value,
                    headers=list(message.headers),
                    on_delivery=batch.reporter(index),
                )
            except (KafkaException, BufferError) as error:
                batch.refused(index, error)
        deadline = time.monotonic() + self._timeout + 1
        while batch.waiting and time.monotonic() < deadline:
            self._client.poll(0.05)
        if batch.broken or batch.waiting:
            self._replace(batch)
        return batch.outcomes

    def _replace(self, batch: "_Batch") -> None:
        """After a fatal error, or silence, this client will never send again."""
        logger.warning("the producer is replaced", extra={"unreported": batch.waiting})
        self._client.purge()
        self._client = Client(self._config)

    def close(self) -> None:
        self._client.purge()
        self._client.flush(1)


class _Batch:
    """Collects the delivery reports of one call of ``publish``."""

    def __init__(self, size: int) -> None:
        self.outcomes: list[str | None] = ["the broker did not confirm it"] * size
        self.waiting = size
        self.broken = False

    def reporter(self, index: int) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, _: Message) -> None:
            self.waiting -= 1
            self.outcomes[index] = None if error is None else error.str()
            self.broken |= error is not None and error.fatal()

        return report

    def refused(self, index: int, error: Exception) -> None:
        self.waiting -= 1
        self.outcomes[index] = str(error)
        kafka_error = error.args[0] if error.args else None
        self.broken |= isinstance(kafka_error, KafkaError) and kafka_error.fatal()
