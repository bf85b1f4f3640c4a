"""Publish messages and return the broker's answer for each of them."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

from shared.failures import TransientFailure

logger = logging.getLogger(__name__)

# Above the brokers' default of 1 MB, because a dead letter is larger than its message.
MESSAGE_MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready for the wire."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


# Errors that a retry cannot cure: the broker, or the client itself, will refuse the message again.
REFUSALS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
    }
)


# An idempotent client whose connection breaks at a bad moment may never send again: the broker is
# healthy, but every message times out (seen with librdkafka 2.16 on a starved machine).
TIMEOUTS = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT})
STUCK_AFTER = 2  # batches in a row in which no message was delivered in time


class Publisher(Protocol):
    """What the relay and the dead-letter writer need of a producer."""

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        """One entry for each message, in order: ``None`` if acknowledged, else the error."""


class Producer:
    """Publishes batches and waits for their delivery reports, at most ``delivery_timeout + 3`` s.

    Idempotent, ``acks=all``. Not shared between threads.
    """

    def __init__(self, config: dict[str, Any], *, delivery_timeout: float = 5.0) -> None:
        self._timeout = delivery_timeout
        self._config = {
            **config,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,
            "message.max.bytes": MESSAGE_MAX_BYTES,
            "message.timeout.ms": int(delivery_timeout * 1000),
            "request.timeout.ms": int(delivery_timeout * 1000),
        }
        self._client = Client(self._config)
        self._timeouts = 0

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
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
            except KafkaException as error:
                batch.report(index, error.args[0])
            except BufferError:
                batch.report(index, KafkaError(KafkaError._QUEUE_FULL))
        # For an unknown topic, librdkafka looks for expired messages only once a second.
        deadline = time.monotonic() + self._timeout + 3
        while batch.waiting and time.monotonic() < deadline:
            self._client.poll(0.2)
        self._timeouts = self._timeouts + 1 if batch.timed_out else 0
        if batch.broken or batch.waiting or self._timeouts >= STUCK_AFTER:
            self._replace(batch)
        return batch.outcomes

    def _replace(self, batch: "_Batch") -> None:
        """Replace the client: after a fatal error, or if stuck, it would never send again."""
        self._timeouts = 0
        logger.warning("the producer is replaced", extra={"unreported": batch.waiting})
        self._client.purge()
        self._client = Client(self._config)

    def close(self) -> None:
        self._client.purge()
        self._client.flush(1)


class LazyProducer:
    """A ``Producer`` that is created when the first messages are published.

    ``publish`` raises ``TransientFailure`` while it cannot be created.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._producer: Producer | None = None

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        if self._producer is None:
            try:
                self._producer = Producer(self._config)
            except KafkaException as error:  # a hook for logins gives no token now
                raise TransientFailure(f"no login at Kafka: {error.args[0].str()}") from error
        return self._producer.publish(messages)


class _Batch:
    """Collects the delivery reports of one call of ``publish``."""

    def __init__(self, size: int) -> None:
        unconfirmed = KafkaError(KafkaError._TIMED_OUT, "the broker did not confirm it")
        self.outcomes: list[KafkaError | None] = [unconfirmed] * size
        self.waiting = size
        self.broken = False

    def reporter(self, index: int) -> Callable[[KafkaError | None, Message], None]:
        return lambda error, _: self.report(index, error)

    def report(self, index: int, error: KafkaError | None) -> None:
        self.waiting -= 1
        self.outcomes[index] = error
        self.broken |= error is not None and error.fatal()

    @property
    def timed_out(self) -> bool:
        """No message of the batch was delivered in time."""
        codes = {None if error is None else error.code() for error in self.outcomes}
        return bool(codes) and codes <= TIMEOUTS
