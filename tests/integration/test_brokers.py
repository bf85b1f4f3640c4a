"""The brokers of the tests and of `make run` do what the system needs."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
    ResourceType,
)

from standalone.broker import EmbeddedBroker
from tests.support.broker import Broker
from tests.support.kafka import ApacheKafka, KafkaUnavailableError, find_jars
from tests.support.kafka.properties import BrokerOptions

HEADERS: list[tuple[str, str | bytes | None]] = [
    ("message_type", b"IMAGE_UPLOADED"),
    ("version", b"1.0.0"),
]
SCRAM = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256"}
needs_apache = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")


def produce(servers: str, topic: str, value: bytes, **login: str) -> None:
    """Raises KafkaException if the broker does not take it."""
    errors: list[KafkaError] = []

    def report(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            errors.append(error)

    producer = Producer(
        {"bootstrap.servers": servers, "message.timeout.ms": 10_000, "log_level": 0, **login}
    )
    producer.produce(topic, value, key=b"key", headers=HEADERS, on_delivery=report)
    left = producer.flush(20)
    producer.close()
    if errors or left:
        raise KafkaException(*errors)


def consume(servers: str, topic: str, group: str, count: int, **login: str) -> list[Message]:
    """The first `count` messages; KafkaException for a persistent error."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6_000,
            "log_level": 0,
            **login,
        }
    )
    found: list[Message] = []
    try:
        consumer.subscribe([topic])
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise KafkaException(error)
            found.append(message)
        return found
    finally:
        consumer.close()


def unique(prefix: str = "test") -> str:
    return f"{prefix}-{uuid4()}"


@pytest.fixture(scope="module")
def apache() -> Iterator[ApacheKafka]:
    broker = ApacheKafka(BrokerOptions(message_max_bytes=1_000_000))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def secured() -> Iterator[ApacheKafka]:
    users = {"alice": "wonderland", "bob": "builder"}
    broker = ApacheKafka(BrokerOptions(users=users, acls=True))
    broker.start()
    for resource in (ResourceType.TOPIC, ResourceType.GROUP):
        broker.allow("alice", [AclOperation.ALL], resource, "ours-")
    yield broker
    broker.stop()


def there_and_back(servers: str, topic: str) -> None:
    produce(servers, topic, b"body")
    (message,) = consume(servers, topic, unique("group"), 1)
    assert (message.key(), message.value()) == (b"key", b"body")
    assert message.headers() == HEADERS


def test_the_broker_of_this_run_carries_keys_and_headers(broker: Broker) -> None:
    topic = unique()
    broker.create_topics(topic)
    there_and_back(broker.bootstrap_servers, topic)


def test_the_embedded_broker_carries_keys_and_headers() -> None:
    broker = EmbeddedBroker()
    broker.start()
    try:
        assert broker.bootstrap_servers.startswith("127.0.0.1:")
        there_and_back(broker.bootstrap_servers, unique())
    finally:
        broker.stop()
    broker.stop()


def test_each_start_of_the_embedded_broker_is_an_empty_one() -> None:
    broker = EmbeddedBroker()
    broker.start()
    produce(broker.bootstrap_servers, "images", b"forgotten")
    broker.stop()
    broker.start()
    try:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        assert "images" not in admin.list_topics(timeout=5).topics
    finally:
        broker.stop()


@needs_apache
def test_apache_keeps_port_and_messages_over_a_kill(apache: ApacheKafka) -> None:
    topic, servers = unique(), apache.bootstrap_servers
    apache.create_topics(topic)
    produce(servers, topic, b"before")
    apache.kill()
    assert apache.pid is None
    apache.start()
    produce(servers, topic, b"after")
    apache.restart()
    assert apache.bootstrap_servers == servers
    found = consume(servers, topic, unique("group"), 2)
    assert [message.value() for message in found] == [b"before", b"after"]


@needs_apache
def test_apache_makes_no_topic_by_itself(apache: ApacheKafka) -> None:
    with pytest.raises(KafkaException) as caught:
        produce(
            apache.bootstrap_servers,
            unique(),
            b"body",
            **{"topic.metadata.propagation.max.ms": "100"},
        )
    unknown = {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._MSG_TIMED_OUT,
    }
    assert caught.value.args[0].code() in unknown


@needs_apache
def test_apache_refuses_what_is_too_large(apache: ApacheKafka) -> None:
    topic = unique()
    apache.create_topics(topic)
    large = b"x" * 1_500_000
    with pytest.raises(KafkaException) as caught:
        produce(apache.bootstrap_servers, topic, large, **{"message.max.bytes": "4000000"})
    assert caught.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE


@needs_apache
def test_a_good_login_is_let_in(secured: ApacheKafka) -> None:
    topic = unique("ours")
    secured.create_topics(topic)
    login = SCRAM | {"sasl.username": "alice", "sasl.password": "wonderland"}
    produce(secured.bootstrap_servers, topic, b"body", **login)
    found = consume(secured.bootstrap_servers, topic, unique("ours-group"), 1, **login)
    assert [message.value() for message in found] == [b"body"]


@needs_apache
@pytest.mark.parametrize(
    "login", [SCRAM | {"sasl.username": "alice", "sasl.password": "wrong"}, {}], ids=["bad", "none"]
)
def test_a_bad_login_is_not(secured: ApacheKafka, login: dict[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": secured.bootstrap_servers, "log_level": 0, **login})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=3)


@needs_apache
def test_who_has_no_right_is_told_so(secured: ApacheKafka) -> None:
    topic = unique("ours")
    secured.create_topics(topic)
    login = SCRAM | {"sasl.username": "bob", "sasl.password": "builder"}
    with pytest.raises(KafkaException) as caught:
        produce(secured.bootstrap_servers, topic, b"body", **login)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException) as caught:
        consume(secured.bootstrap_servers, topic, unique("group"), 1, **login)
    assert caught.value.args[0].code() in {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }


def test_without_java_or_maven_it_is_said_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KafkaUnavailableError, match="Java 17"):
        ApacheKafka().start()
