"""A Kafka broker inside this process: librdkafka's own, for machines without a real one.

Other processes reach it over TCP. It makes topics by itself (4 partitions) when they are first
named, keeps some 5 MiB a partition, and nothing once it has stopped.
"""

import logging

from confluent_kafka import KafkaException, Producer

_START_SECONDS = 10.0


class EmbeddedBrokerError(Exception):
    """The broker did not start."""


class EmbeddedBroker:
    """One broker on 127.0.0.1, alive from `start` to `stop`; each start is a new, empty one."""

    def __init__(self) -> None:
        self._producer: Producer | None = None
        self._bootstrap_servers = ""

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`, once started."""
        return self._bootstrap_servers

    def start(self) -> None:
        # The broker lives in the client that asked for it, as long as that client lives.
        settings = {
            "test.mock.num.brokers": 1,
            "log_level": 3,
            "allow.auto.create.topics": True,
        }
        producer = Producer(settings, logger=logging.getLogger(__name__))
        try:
            brokers = producer.list_topics(timeout=_START_SECONDS).brokers.values()
        except KafkaException as error:
            raise EmbeddedBrokerError(f"the embedded broker did not start: {error}") from error
        self._bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        self._producer = producer

    def create_topics(self, *names: str) -> None:
        """Have them there before consumers ask: those would look again only seconds later."""
        assert self._producer is not None
        for name in names:
            self._producer.list_topics(name, timeout=_START_SECONDS)

    def stop(self) -> None:
        """Ends it at once, with all its messages; a second call does nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()
