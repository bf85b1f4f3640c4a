"""The Kafka broker for the tests: a real one if this machine has one, else librdkafka's."""

import os
from typing import Protocol

from standalone.broker import EmbeddedBroker
from standalone.ports import free_port
from tests.support.docker import docker_has
from tests.support.kafka import ApacheKafka, KafkaUnavailableError, install_jars, kafka_version

APACHE_IMAGE = f"apache/kafka:{kafka_version()}"


class Broker(Protocol):
    """A broker; `is_real`: it is an Apache Kafka, which can be killed and restarted."""

    @property
    def is_real(self) -> bool: ...
    @property
    def bootstrap_servers(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def create_topics(self, *names: str, partitions: int = 4) -> None: ...
    def describe(self) -> str: ...


class LibrdkafkaBroker(EmbeddedBroker):
    """librdkafka's in-process broker; it loses everything when it stops."""

    is_real = False

    def kill(self) -> None:
        self.stop()

    def restart(self) -> None:
        """Start a new, empty broker on another port."""
        self.stop()
        self.start()

    def create_topics(self, *names: str, partitions: int = 4) -> None:
        """Topics of this broker always have four partitions; `partitions` is ignored."""
        super().create_topics(*names)

    def describe(self) -> str:
        return "librdkafka's in-process broker; tests that need a real Kafka are skipped"


def choose_broker() -> Broker:
    """KAFKA_SERVER; Docker; Apache Kafka from Maven; librdkafka's own. Not started."""
    if os.environ.get("KAFKA_SERVER"):
        from tests.support.broker_elsewhere import GivenBroker

        return GivenBroker(os.environ["KAFKA_SERVER"])
    if docker_has(APACHE_IMAGE):
        from tests.support.broker_elsewhere import DockerBroker

        return DockerBroker(APACHE_IMAGE, free_port())
    try:
        install_jars()
    except KafkaUnavailableError:
        return LibrdkafkaBroker()
    return ApacheKafka()
