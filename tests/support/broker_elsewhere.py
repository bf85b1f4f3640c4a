"""Brokers that are not our child processes: one that runs already, and one in a container."""

import time

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from testcontainers.core.container import DockerContainer

_START_SECONDS = 120.0


class GivenBroker:
    """The broker at KAFKA_SERVER; it is neither started nor stopped."""

    is_real = True

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def start(self) -> None:
        """Nothing to do: it runs already."""

    def stop(self) -> None:
        """Nothing to do: it keeps running."""

    def kill(self) -> None:
        pytest.skip("the broker of KAFKA_SERVER cannot be killed by the tests")

    def restart(self) -> None:
        pytest.skip("the broker of KAFKA_SERVER cannot be restarted by the tests")

    def create_topics(self, *names: str, partitions: int = 4) -> None:
        create_topics(self.bootstrap_servers, names, partitions)

    def describe(self) -> str:
        return f"Kafka at {self.bootstrap_servers} (KAFKA_SERVER)"


class DockerBroker:
    """`apache/kafka` in a container, on a port of 127.0.0.1 that it keeps over a restart."""

    is_real = True

    def __init__(self, image: str, port: int) -> None:
        self._image = image
        self.bootstrap_servers = f"127.0.0.1:{port}"
        environment = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        }
        self._container = DockerContainer(image).with_envs(**environment)
        self._container.ports["9092"] = ("127.0.0.1", port)  # type: ignore[assignment]

    def start(self) -> None:
        self._container.start()
        _wait_until_ready(self.bootstrap_servers)

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def restart(self) -> None:
        self._container.get_wrapped_container().restart()
        _wait_until_ready(self.bootstrap_servers)

    def create_topics(self, *names: str, partitions: int = 4) -> None:
        create_topics(self.bootstrap_servers, names, partitions)

    def describe(self) -> str:
        return f"Apache Kafka in Docker ({self._image})"


def create_topics(bootstrap_servers: str, names: tuple[str, ...], partitions: int) -> None:
    """Creates the topics that do not exist."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    topics = [NewTopic(name, partitions, 1) for name in names]
    for created in admin.create_topics(topics).values():
        try:
            created.result(timeout=30)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _wait_until_ready(bootstrap_servers: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    while True:
        try:
            if admin.list_topics(timeout=2).brokers:
                return
        except KafkaException:
            if time.monotonic() > deadline:
                raise
