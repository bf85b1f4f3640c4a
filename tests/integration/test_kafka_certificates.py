"""Kafka as Heroku's add-on sets it: client certificates, a CA, a prefix, brokers without a name."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    ResourceType,
)

from shared.failures import TransientFailure
from shared.kafka.access import AccessError, check_access
from shared.kafka.client import client_config, consumer_client
from shared.kafka.codec import encode_headers
from shared.kafka.consumer import ConsumerLoop
from shared.kafka.deadletters import DeadLetterWriter
from shared.kafka.producer import Outgoing, Producer
from shared.kafka.topics import create_topics
from shared.messages import ImageDeleted
from shared.settings import KafkaSettings
from tests.support.certificates import Pair, authority_pem, issue
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions, Certificates
from tests.support.kafka_fakes import one_by_one

pytestmark = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")

PREFIX = "columbia-68051."
USER = "columbia"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def client(authority: trustme.CA) -> Pair:
    return issue(authority, "client.test", common_name=USER)


@pytest.fixture(scope="module")
def broker(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApacheKafka]:
    """Its certificate names another host, as those of Heroku's brokers do."""
    directory = tmp_path_factory.mktemp("certificates")
    own = issue(authority, "kafka.example.org")
    (directory / "broker.pem").write_text(own.key + own.certificate)
    (directory / "ca.pem").write_text(authority_pem(authority))
    certificates = Certificates(directory / "broker.pem", directory / "ca.pem")
    kafka = ApacheKafka(BrokerOptions(certificates=certificates, acls=True))
    kafka.start()
    for resource in (ResourceType.TOPIC, ResourceType.GROUP):
        kafka.allow(USER, [AclOperation.ALL], resource, PREFIX)
    yield kafka
    kafka.stop()


@pytest.fixture
def variables(
    broker: ApacheKafka,
    authority: trustme.CA,
    client: Pair,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> dict[str, str]:
    """What Heroku sets, and the one setting that is the operator's; in the environment."""
    monkeypatch.chdir(tmp_path)
    set_by_heroku = {
        # The first broker is away, as one of several may be. Two CAs, while one is exchanged.
        "KAFKA_URL": f"kafka+ssl://127.0.0.1:9,kafka+ssl://{broker.bootstrap_servers}",
        "KAFKA_TRUSTED_CERT": authority_pem(trustme.CA()) + authority_pem(authority),
        "KAFKA_CLIENT_CERT": client.certificate,
        "KAFKA_CLIENT_CERT_KEY": client.key,
        "KAFKA_PREFIX": PREFIX,
    }
    values = set_by_heroku | {"KAFKA_SSL_CHECK_HOSTNAME": "false"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def check(settings: KafkaSettings) -> None:
    """Retry while a broker that has just started cannot answer yet, as the services do."""
    for last in (False, False, False, True):
        try:
            check_access(
                settings,
                group=f"{settings.kafka_group_prefix}upload-images",
                reads=[settings.kafka_image_topic],
                writes=[settings.kafka_image_topic, settings.kafka_dead_letter_topic],
            )
            return
        except TransientFailure:
            if last:
                raise
            time.sleep(1)


def test_messages_flow_with_what_heroku_sets(variables: dict[str, str]) -> None:
    settings = KafkaSettings.load()
    assert create_topics(settings) == dict.fromkeys(
        (f"{PREFIX}images", f"{PREFIX}dithers", f"{PREFIX}dead-letters"), "created"
    )
    check(settings)
    producer = Producer(client_config(settings, "test"))
    uuid = uuid4()
    headers = encode_headers("IMAGE_DELETED", uuid4())
    body = b'{"uuid": "%s"}' % str(uuid).encode()
    assert producer.publish([Outgoing(settings.kafka_image_topic, b"k", body, headers)]) == [None]
    arrived = threading.Event()
    loop = ConsumerLoop(
        consumer_client(settings, "upload-images"),
        group=f"{PREFIX}upload-images",
        topics=[settings.kafka_image_topic],
        handlers={ImageDeleted: one_by_one(lambda _: arrived.set())},
        dead_letters=DeadLetterWriter(producer, settings.kafka_dead_letter_topic, "upload"),
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    came = arrived.wait(60)
    loop.stop()
    thread.join(30)
    assert came


def test_what_the_prefix_does_not_cover_is_named(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_GROUP_PREFIX", "other.")
    create_topics(KafkaSettings.load())
    with pytest.raises(AccessError, match=r"group 'other\.upload-images' may not be used"):
        check(KafkaSettings.load())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"KAFKA_SSL_CHECK_HOSTNAME": "true"}, "KAFKA_SSL_CHECK_HOSTNAME"),
        ({"KAFKA_TRUSTED_CERT": authority_pem(trustme.CA())}, "KAFKA_SSL_CA"),
        (
            {"KAFKA_CLIENT_CERT": "", "KAFKA_CLIENT_CERT_KEY": ""},
            "refuses TLS or KAFKA_CLIENT_CERT",
        ),
    ],
    ids=["another host", "another authority", "no certificate"],
)
def test_a_connection_that_tls_refuses_says_which_setting_is_about_it(
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    said: str,
) -> None:
    monkeypatch.setattr("shared.kafka.access.TIMEOUT_SECONDS", 3.0)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AccessError, match=said):
        check(KafkaSettings.load())
