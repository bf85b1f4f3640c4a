"""The whole system with the variables that Heroku's add-ons set, and little else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    ResourceType,
)

from tests.support.certificates import authority_pem, issue
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions, Certificates
from tests.support.pictures import picture
from tests.support.system import System, wait_for

pytestmark = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")

PREFIX = "columbia-68051."
USER = "columbia"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[ApacheKafka, dict[str, str]]]:
    """Kafka with client certificates and a prefix, and the variables about it."""
    ca = trustme.CA()
    own, client = issue(ca, "kafka.example.org"), issue(ca, "c.test", common_name=USER)
    (tmp_path / "broker.pem").write_text(own.key + own.certificate)
    (tmp_path / "ca.pem").write_text(authority_pem(ca))
    certificates = Certificates(tmp_path / "broker.pem", tmp_path / "ca.pem")
    kafka = ApacheKafka(BrokerOptions(certificates=certificates, acls=True))
    kafka.start()
    used = [AclOperation.READ, AclOperation.WRITE]
    for resource, operations in ((ResourceType.TOPIC, used), (ResourceType.GROUP, used[:1])):
        kafka.allow(USER, operations, resource, PREFIX)
    yield (
        kafka,
        {
            "KAFKA_URL": f"kafka+ssl://127.0.0.1:9,kafka+ssl://{kafka.bootstrap_servers}",
            "KAFKA_TRUSTED_CERT": authority_pem(ca),
            "KAFKA_CLIENT_CERT": client.certificate,
            "KAFKA_CLIENT_CERT_KEY": client.key,
            "KAFKA_PREFIX": PREFIX,
        },
    )
    kafka.stop()


@pytest.fixture
def cloudinary() -> Iterator[CloudinaryServer]:
    with CloudinaryServer() as server:
        yield server


def test_an_image_goes_all_the_way(
    tmp_path: Path,
    database: str,
    broker: tuple[ApacheKafka, dict[str, str]],
    cloudinary: CloudinaryServer,
) -> None:
    kafka, about_kafka = broker
    account = cloudinary.environment()
    login = f"{account['CLOUDINARY_API_KEY']}:{account['CLOUDINARY_API_SECRET']}"
    system = System(
        tmp_path,
        kafka_server="",
        database_url=database.replace("postgresql://", "postgres://"),
        environment={
            **about_kafka,
            "KAFKA_SSL_CHECK_HOSTNAME": "false",
            "KAFKA_GROUP_PREFIX": "",
            "CLOUDINARY_URL": f"cloudinary://{login}@{account['CLOUDINARY_CLOUD_NAME']}",
            # Not set on Heroku: there, Cloudinary is the real one.
            "CLOUDINARY_UPLOAD_PREFIX": account["CLOUDINARY_UPLOAD_PREFIX"],
            "CLOUDINARY_DELIVERY_URL": account["CLOUDINARY_DELIVERY_URL"],
            "LOG_LEVEL": "info",
        },
    )
    kafka.create_topics(*(f"{PREFIX}{name}" for name in system.names.values()))
    try:
        system.start()
        image = system.upload(picture("PNG"), "photo.png", email="ada@example.org")
        [dither] = system.dithered(image["uuid"])["dithers"]
        assert dither["url_dither"].startswith(account["CLOUDINARY_DELIVERY_URL"])
        assert requests.get(dither["url_dither"], timeout=30).content.startswith(b"\x89PNG")
        wait_for(lambda: len(system.mails()) == 1, "the mail")
        health = requests.get(f"{system.url}/health?strict=true", timeout=30)
        assert health.status_code == 200, health.text
    finally:
        system.stop()
