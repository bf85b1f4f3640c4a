"""How our Kafka clients are configured and built."""

import logging
from collections.abc import Callable
from typing import Any, Literal, Protocol, overload

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from shared.kafka.brokers import STATISTICS_SECONDS, Brokers
from shared.kafka.login import login
from shared.settings import KafkaSettings

logger = logging.getLogger(__name__)

# Kafka answers a waiting fetch as soon as there is a message. Only a partition that is new or just
# resumed has to wait for the fetch under way.
LONG_POLL = 500
# librdkafka's in-process broker lets a fetch wait to its end, even if messages arrive.
EPHEMERAL_WAIT = 20

# librdkafka reports these whenever a broker goes away; it reconnects by itself.
_ROUTINE = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT})


class ConsumerClient(Protocol):
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
    @overload
    def commit(self, *, offsets: list[TopicPartition], asynchronous: Literal[True]) -> None: ...
    @overload
    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]: ...
    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float, cached: bool
    ) -> tuple[int, int] | None: ...
    def close(self) -> None: ...


def client_config(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Address, login and TLS, the same for producers, consumers and admin clients."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_server,
        "client.id": client_id,
        "security.protocol": settings.kafka_security_protocol,
        "error_cb": log_client_error,
        "logger": logging.getLogger("librdkafka"),
        "log_level": 2,  # errors that it would log come through error_cb as well
        "socket.keepalive.enable": True,
        # A client that has lost its last broker goes back to KAFKA_SERVER. librdkafka 2.16 resets
        # its backoff each time it does, and then waits only half of the first backoff, at most a
        # second. So the first backoff is two seconds, and a client retries once a second.
        # A consumer of the in-memory broker may reconnect as it joins: it should not wait for that.
        "metadata.recovery.strategy": "rebootstrap",
        "reconnect.backoff.ms": 100 if settings.kafka_ephemeral else 2000,
        "reconnect.backoff.max.ms": 4000,
        "broker.address.ttl": 5000,
        # How soon a topic created after our start, or a new partition of one, is noticed.
        "topic.metadata.refresh.interval.ms": 10_000,
        # Only librdkafka's in-process broker creates topics on demand.
        "allow.auto.create.topics": settings.kafka_ephemeral,
    }
    return config | login(settings)


def consumer_client(
    settings: KafkaSettings,
    group: str,
    brokers: Brokers | None = None,
    *,
    patient: bool = False,
) -> Consumer:
    """A consumer for ``ConsumerLoop``, which alone decides what is committed, and when.

    ``KAFKA_GROUP_PREFIX`` is put before ``group``; ``brokers`` gets its connection statistics. A
    ``patient`` consumer saves CPU on an in-memory broker; its messages may come half a second late.
    """
    hurried = settings.kafka_ephemeral and not patient
    session = _milliseconds(settings.kafka_session_timeout_seconds)
    poll_interval = _milliseconds(settings.kafka_max_poll_interval_seconds)
    statistics: dict[str, Any] = {}
    if brokers is not None:
        statistics["stats_cb"] = brokers.note
        statistics["statistics.interval.ms"] = int(STATISTICS_SECONDS * 1000)
    return Consumer(
        {
            **client_config(settings, group),
            **statistics,
            "group.id": settings.kafka_group_prefix + group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "on_commit": log_commit,
            "auto.offset.reset": "earliest",
            **_membership(settings),
            "max.poll.interval.ms": max(poll_interval, session),
            "fetch.min.bytes": 1,
            "fetch.wait.max.ms": EPHEMERAL_WAIT if hurried else LONG_POLL,
            "queued.max.messages.kbytes": 8192,
        }
    )


def _membership(settings: KafkaSettings) -> dict[str, Any]:
    """The settings of a consumer's group membership."""
    if settings.kafka_ephemeral:
        # librdkafka's in-process broker makes the first member of a group wait for three seconds,
        # unless it joins with the newer protocol (KIP-848).
        return {"group.protocol": "consumer"}
    session = _milliseconds(settings.kafka_session_timeout_seconds)
    return {
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session,
        "heartbeat.interval.ms": min(3000, session // 3),
    }


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def log_client_error(error: KafkaError) -> None:
    level = logging.INFO if error.code() in _ROUTINE else logging.WARNING
    logger.log(level, "kafka client: %s", error.str())


def log_commit(error: KafkaError | None, partitions: list[TopicPartition]) -> None:
    """Only log it: uncommitted messages are redelivered, and the inbox skips them."""
    reasons = {str(p.error) for p in partitions if p.error is not None}
    if error is not None and error.code() != KafkaError._NO_OFFSET:
        reasons.add(error.str())
    if reasons:
        logger.warning("offsets were not committed", extra={"reason": "; ".join(sorted(reasons))})
