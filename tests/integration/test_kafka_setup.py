"""What a service needs in Kafka (topics, logins, rights), and a broker that goes down."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    AdminClient,
    ResourceType,
)
from pydantic import SecretStr

from shared.failures import TransientFailure
from shared.kafka.access import AccessError, check_access
from shared.kafka.client import client_config, consumer_client
from shared.kafka.codec import encode_headers
from shared.kafka.consumer import ConsumerLoop
from shared.kafka.deadletters import DeadLetterWriter
from shared.kafka.producer import REFUSALS, Outgoing, Producer
from shared.kafka.topics import TopicError, create_topics, main
from shared.messages import ImageDeleted
from shared.settings import KafkaSettings
from standalone.ports import free_port
from tests.support.broker import Broker
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions
from tests.support.kafka_fakes import one_by_one

needs_apache = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")


def settings_for(servers: str, prefix: str, **more: object) -> KafkaSettings:
    return KafkaSettings.model_validate(
        {
            "kafka_server": servers,
            "kafka_image_topic": f"{prefix}images",
            "kafka_dither_topic": f"{prefix}dithers",
            "kafka_dead_letter_topic": f"{prefix}letters",
            "kafka_group_prefix": prefix,
            "kafka_session_timeout_seconds": 6,
            **more,
        }
    )


@pytest.fixture(scope="module")
def secured() -> Iterator[ApacheKafka]:
    """Logins by SCRAM, rights by ACL, batches of 1 MB at most; alice may do all under `ours-`."""
    users = {"alice": "wonderland", "bob": "builder"}
    broker = ApacheKafka(BrokerOptions(users=users, acls=True, message_max_bytes=1_000_000))
    broker.start()
    for resource in (ResourceType.TOPIC, ResourceType.GROUP):
        broker.allow("alice", [AclOperation.ALL], resource, "ours-")
    broker.allow("bob", [AclOperation.READ], ResourceType.TOPIC, "ours-")
    yield broker
    broker.stop()


def login(user: str, password: str) -> dict[str, object]:
    return {
        "kafka_security_protocol": "SASL_PLAINTEXT",
        "kafka_sasl_mechanism": "SCRAM-SHA-256",
        "kafka_sasl_username": user,
        "kafka_sasl_password": SecretStr(password),
    }


def check(settings: KafkaSettings, group: str = "upload", seconds: float = 30) -> None:
    """Retry while a broker that has just started cannot answer yet, as the services do."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            check_access(
                settings,
                group=settings.kafka_group_prefix + group,
                reads=[settings.kafka_dither_topic],
                writes=[settings.kafka_image_topic, settings.kafka_dead_letter_topic],
            )
            return
        except TransientFailure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@pytest.mark.real_broker
def test_the_command_makes_what_is_missing_and_leaves_what_is_there(broker: Broker) -> None:
    settings = settings_for(broker.bootstrap_servers, f"{secrets.token_hex(4)}-")
    broker.create_topics(settings.kafka_image_topic, partitions=2)
    assert create_topics(settings) == {
        settings.kafka_image_topic: "was there already",
        settings.kafka_dither_topic: "created",
        settings.kafka_dead_letter_topic: "created",
    }
    assert set(create_topics(settings).values()) == {"was there already"}
    topics = AdminClient(client_config(settings, "test")).list_topics(timeout=10).topics
    assert len(topics[settings.kafka_image_topic].partitions) == 2
    assert len(topics[settings.kafka_dither_topic].partitions) == settings.kafka_topic_partitions


def test_without_a_broker_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shared.kafka.topics.TIMEOUT_SECONDS", 0.3)
    monkeypatch.setenv("KAFKA_SERVER", f"127.0.0.1:{free_port()}")
    assert main() == 1
    assert "the broker does not answer" in capsys.readouterr().err


@needs_apache
def test_a_right_to_create_that_is_missing_is_said_by_topic(secured: ApacheKafka) -> None:
    settings = settings_for(secured.bootstrap_servers, "theirs-", **login("alice", "wonderland"))
    with pytest.raises(TopicError, match="topic theirs-images could not be created: Authorization"):
        create_topics(settings)


@contextmanager
def consuming(
    settings: KafkaSettings, producer: Producer
) -> Iterator[tuple[ConsumerLoop, list[object]]]:
    """A running consumer of deleted images, and what it has handled; its stop must not block."""
    handled: list[object] = []
    loop = ConsumerLoop(
        consumer_client(settings, "upload"),
        group="upload",
        topics=[settings.kafka_image_topic],
        handlers={ImageDeleted: one_by_one(handled.append)},
        dead_letters=DeadLetterWriter(producer, settings.kafka_dead_letter_topic, "upload"),
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop, handled
    finally:
        loop.stop()
        thread.join(30)
    assert not thread.is_alive(), "a broker that is away must not hold up a stop"


@needs_apache
def test_all_rights_are_there_and_messages_flow(secured: ApacheKafka) -> None:
    prefix = f"ours-{secrets.token_hex(4)}-"
    settings = settings_for(secured.bootstrap_servers, prefix, **login("alice", "wonderland"))
    create_topics(settings)
    check(settings)
    producer = Producer(client_config(settings, "test"))
    headers = encode_headers("IMAGE_DELETED", uuid4())
    body = b'{"uuid": "%s"}' % str(uuid4()).encode()
    large = b"{" + b" " * 900_000
    sent = [Outgoing(settings.kafka_image_topic, b"k", value, headers) for value in (body, large)]
    assert producer.publish(sent) == [None, None]
    [refused] = producer.publish(
        [Outgoing(settings.kafka_image_topic, b"k", b"x" * 1_500_000, headers)]
    )
    assert refused is not None
    assert refused.code() in REFUSALS
    with consuming(settings, producer) as (loop, handled):
        wait_until(lambda: len(handled) == 1 and loop.health().dead_letters == 1, "both messages")


@needs_apache
def test_every_missing_right_is_named_in_one_sentence(secured: ApacheKafka) -> None:
    prefix = f"ours-{secrets.token_hex(4)}-"
    alice = settings_for(secured.bootstrap_servers, prefix, **login("alice", "wonderland"))
    create_topics(alice)
    bob = settings_for(secured.bootstrap_servers, prefix, **login("bob", "builder"))
    with pytest.raises(AccessError) as caught:
        check(bob)
    assert str(caught.value) == (
        f"Kafka: topic '{prefix}images': the right WRITE is missing; "
        f"topic '{prefix}letters': the right WRITE is missing; "
        f"group '{prefix}upload' may not be used: the right READ is missing"
    )
    with pytest.raises(AccessError, match="topic 'theirs-dithers' may not be used: the right READ"):
        check(settings_for(secured.bootstrap_servers, "theirs-", **login("bob", "builder")))


@needs_apache
def test_a_missing_topic_is_named_with_what_to_do(secured: ApacheKafka) -> None:
    prefix = f"ours-{secrets.token_hex(4)}-"
    settings = settings_for(secured.bootstrap_servers, prefix, **login("alice", "wonderland"))
    with pytest.raises(AccessError, match=rf"'{prefix}dithers' does not exist .*kafka\.topics"):
        check(settings)


@needs_apache
def test_a_login_that_is_refused_is_said_to_be(
    secured: ApacheKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.access.TIMEOUT_SECONDS", 2.0)
    settings = settings_for(secured.bootstrap_servers, "ours-", **login("alice", "wrong"))
    with pytest.raises(AccessError, match="refuses the login of 'alice'"):
        check(settings)


def test_a_broker_that_is_away_says_nothing_about_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.access.TIMEOUT_SECONDS", 0.3)
    with pytest.raises(TransientFailure, match="Kafka does not answer"):
        check(settings_for(f"127.0.0.1:{free_port()}", ""), seconds=0)


@needs_apache
def test_producer_and_consumer_outlive_a_broker_that_is_killed_and_comes_back(
    secured: ApacheKafka,
) -> None:
    prefix = f"ours-{secrets.token_hex(4)}-"
    settings = settings_for(secured.bootstrap_servers, prefix, **login("alice", "wonderland"))
    create_topics(settings)
    producer = Producer(client_config(settings, "test"), delivery_timeout=0.5)

    def send() -> bool:
        uuid = uuid4()
        body = b'{"uuid": "%s"}' % str(uuid).encode()
        headers = encode_headers("IMAGE_DELETED", uuid4())
        [failure] = producer.publish(
            [Outgoing(settings.kafka_image_topic, str(uuid).encode(), body, headers)]
        )
        return failure is None

    with consuming(settings, producer) as (_, handled):
        wait_until(send, "a first message")
        wait_until(lambda: len(handled) >= 1, "its arrival")
        secured.kill()
        assert not send()
        secured.start()
        wait_until(send, "a message after the restart")
        wait_until(lambda: len(handled) >= 2, "its arrival")
        secured.kill()  # for good: this is the last test here
