"""R13: the whole system on a broker that requires a login and grants only the needed rights."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    ResourceType,
)

from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.scale import Scale
from tests.faults.world import SERVICES, World
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions
from tests.support.system import wait_for

pytestmark = [
    pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven"),
    pytest.mark.timeout(3600),
]

USER, PASSWORD = "system", "a-password"
USED = [AclOperation.READ, AclOperation.WRITE]


class SecuredKafka(ApacheKafka):
    """Logins by SCRAM, rights by ACL, batches of at most 1 MB; tests use another listener."""

    def __init__(self) -> None:
        super().__init__(
            BrokerOptions(users={USER: PASSWORD}, acls=True, message_max_bytes=1_000_000)
        )

    @property
    def bootstrap_servers(self) -> str:
        return self.admin_servers

    @property
    def client_servers(self) -> str:
        return super().bootstrap_servers


@pytest.fixture
def secured() -> Iterator[SecuredKafka]:
    broker = SecuredKafka()
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def world(secured: SecuredKafka, database: str, tmp_path: Path) -> Iterator[World]:
    """A world that is not started yet."""
    made = World(
        tmp_path,
        secured,
        database,
        {
            "KAFKA_SERVER": secured.client_servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
        },
    )
    yield made
    made.stop()


def test_r13_the_system_runs_with_no_more_rights_than_it_needs(
    secured: SecuredKafka,
    world: World,
    scale: Scale,
    dice: random.Random,
    measured: Callable[[str], None],
) -> None:
    names, prefix = world.system.names, world.system.environment["KAFKA_GROUP_PREFIX"]
    secured.create_topics(*names.values())
    for topic in names.values():
        secured.allow(USER, USED, ResourceType.TOPIC, topic)

    world.system.services.start(*SERVICES)
    for service, topic in (("upload", names["KAFKA_DITHER_TOPIC"]), *_both(names)):
        group = f"{prefix}{service}-{topic}"
        sentence = f"group '{group}' may not be used: the right READ is missing"
        wait_for(lambda: sentence in _trouble(world, service), sentence, seconds=60)  # noqa: B023 - called at once
        assert world.system.log(service).count(sentence) == 1

    secured.allow(USER, [AclOperation.READ], ResourceType.GROUP, prefix)
    world.start()
    wait_for(lambda: all(world.healthy(name) for name in SERVICES), "health of all", seconds=60)
    load = Load(world, scale.accounted, dice)
    load.run(world.clients.list_images)
    world.settle()
    judge(
        world,
        measured,
        f"{load.count} uploads, dithers and deletes with SCRAM and rights on three topics and one "
        "prefix of groups; a missing right is said once by each service",
    )


def _both(names: dict[str, str]) -> list[tuple[str, str]]:
    topics = (names["KAFKA_IMAGE_TOPIC"], names["KAFKA_DITHER_TOPIC"])
    return [(service, topic) for service in ("dither", "notification") for topic in topics]


def _trouble(world: World, service: str) -> str:
    url = f"http://127.0.0.1:{world.system.child(service).port}/health"
    return str(requests.get(url, timeout=10).json()["parts"]["consumer"].get("detail", ""))
