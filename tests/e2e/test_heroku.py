"""heroku.yml's commands with the variables that the add-ons set, on a real Kafka and Postgres."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import psutil
import pytest
import requests
import trustme
import yaml
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    ResourceType,
)

from standalone.ports import free_port
from tests.support.certificates import authority_pem, issue
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions, Certificates
from tests.support.pictures import picture
from tests.support.system import wait_for

pytestmark = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")

ROOT = Path(__file__).parents[2]
PREFIX = "columbia-68051."
USER = "columbia"
DESCRIPTION = yaml.safe_load((ROOT / "heroku.yml").read_text())


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Kafka with client certificates and a prefix: the add-on's variables.

    Its certificate names another host. Topics are there, as the operator makes them by Heroku's
    command, and there is no right to create others.
    """
    ca = trustme.CA()
    own, client = issue(ca, "kafka.example.org"), issue(ca, "c.test", common_name=USER)
    (tmp_path / "broker.pem").write_text(own.key + own.certificate)
    (tmp_path / "ca.pem").write_text(authority_pem(ca))
    certificates = Certificates(tmp_path / "broker.pem", tmp_path / "ca.pem")
    broker = ApacheKafka(BrokerOptions(certificates=certificates, acls=True))
    broker.start()
    broker.create_topics(*(f"{PREFIX}{n}" for n in ("images", "dithers", "dead-letters")))
    used = [AclOperation.READ, AclOperation.WRITE]
    for resource, operations in ((ResourceType.TOPIC, used), (ResourceType.GROUP, used[:1])):
        broker.allow(USER, operations, resource, PREFIX)
    yield {
        "KAFKA_URL": f"kafka+ssl://127.0.0.1:9,kafka+ssl://{broker.bootstrap_servers}",
        "KAFKA_TRUSTED_CERT": authority_pem(ca),
        "KAFKA_CLIENT_CERT": client.certificate,
        "KAFKA_CLIENT_CERT_KEY": client.key,
        "KAFKA_PREFIX": PREFIX,
    }
    broker.stop()


@pytest.fixture
def cloudinary() -> Iterator[dict[str, str]]:
    """The add-on's variable, and where the test's Cloudinary is."""
    with CloudinaryServer() as server:
        account = server.environment()
        login = f"{account['CLOUDINARY_API_KEY']}:{account['CLOUDINARY_API_SECRET']}"
        yield {
            "CLOUDINARY_URL": f"cloudinary://{login}@{account['CLOUDINARY_CLOUD_NAME']}",
            "CLOUDINARY_UPLOAD_PREFIX": account["CLOUDINARY_UPLOAD_PREFIX"],
            "CLOUDINARY_DELIVERY_URL": account["CLOUDINARY_DELIVERY_URL"],
        }


@pytest.fixture
def environment(
    tmp_path: Path, database: str, kafka: dict[str, str], cloudinary: dict[str, str]
) -> dict[str, str]:
    """A dyno's: its port, the add-ons', those of heroku.yml, and what the operator must set."""
    port = free_port()
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
        "DATABASE_URL": database.replace("postgresql://", "postgres://"),
        **kafka,
        **cloudinary,
        **DESCRIPTION["setup"]["config"],
        "DATA_DIR": str(tmp_path / "data"),
        "FRONTEND_DIR": str(ROOT / "frontend"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PRINCIPAL_SECRET": "x" * 32,
        "ACCESS": "owned",
        "LOG_LEVEL": "info",
    }


def on_free_ports(command: str, environment: dict[str, str]) -> str:
    """The command with free ports instead of those that heroku.yml names."""
    for port in ("8001", "8002", "8003"):
        free = str(free_port())
        command = command.replace(f"PORT={port}", f"PORT={free}")
        for name in ("UPLOAD_SERVICE_URL", "DITHER_SERVICE_URL", "NOTIFICATION_SERVICE_URL"):
            environment[name] = environment[name].replace(f":{port}", f":{free}")
    return command


@pytest.fixture
def dyno(environment: dict[str, str], tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    [release] = DESCRIPTION["release"]["command"]
    done = subprocess.run(
        release, shell=True, cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"was there already") == 3
    command = on_free_ports(DESCRIPTION["run"]["web"], environment)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, shell=True, cwd=tmp_path, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_an_image_goes_all_the_way_and_the_dyno_stops_cleanly(
    dyno: "subprocess.Popen[bytes]", environment: dict[str, str], tmp_path: Path
) -> None:
    url = environment["PUBLIC_URL"]
    wait_for(
        lambda: requests.get(f"{url}/health?strict=true", timeout=30).status_code == 200,
        f"healthy dyno: {(tmp_path / 'log').read_text()[-2000:]}",
    )
    answer = requests.post(
        f"{url}/images", files={"file": ("photo.png", picture("PNG"))}, timeout=30
    )
    assert answer.status_code == 201, answer.text

    location = urljoin(url, answer.headers["location"])

    def dithered() -> dict[str, Any] | None:
        image = requests.get(location, timeout=30).json()
        return image["dithers"][0] if image["status"] == "dithered" else None

    link = wait_for(dithered, "the dither")["url_dither"]
    assert link.startswith(environment["CLOUDINARY_DELIVERY_URL"])
    assert requests.get(link, timeout=30).content.startswith(b"\x89PNG")

    processes = psutil.Process(dyno.pid).children(recursive=True)
    assert len(processes) >= 4
    os.killpg(dyno.pid, signal.SIGTERM)  # as Heroku does, to each process
    dyno.wait(30)
    gone, alive = psutil.wait_procs(processes, timeout=10)
    assert (len(gone), alive) == (len(processes), [])
