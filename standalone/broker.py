"""librdkafka's in-process Kafka broker, for machines without a real one.

Other processes reach it over TCP. It creates a topic (with 4 partitions) when a client first
names it, keeps about 5 MiB a partition, and loses everything when it stops.
"""

import logging

from confluent_kafka import KafkaException, Producer

_START_SECONDS = 10.0


class EmbeddedBrokerError(Exception):
    """The broker did not start."""


class EmbeddedBroker:
    """One broker on 127.0.0.1, running from `start` to `stop`. Each start begins empty."""

    def __init__(self) -> None:
        self._producer: Producer | None = None
        self._bootstrap_servers = ""

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`, once started."""
        return self._bootstrap_servers

    def start(self) -> None:
        # The broker runs in the client that asked for it, until that client is closed.
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
        """Create topics before consumers ask for them: a consumer retries only after seconds."""
        assert self._producer is not None
        for name in names:
            self._producer.list_topics(name, timeout=_START_SECONDS)

    def stop(self) -> None:
        """Stop at once; all messages are lost. A second call does nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()
