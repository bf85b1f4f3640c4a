"""``make test-images``: build the images, start every service from them, dither a picture.

Kafka and Postgres are those of the tests. If no Docker engine answers, one is started; if the
Dockerfile's base image is not available, one is made from Debian (as root, on Debian or Ubuntu).
"""

import json
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.support.broker import choose_broker
from tests.support.images.build import IMAGE, base_image, build_images
from tests.support.images.containers import ContainerError, Containers
from tests.support.images.engine import DockerError, Engine, EngineUnavailableError
from tests.support.mailserver import MailServer
from tests.support.pictures import photograph
from tests.support.postgres import choose_postgres, create_database, drop_database, environment
from tests.support.system import wait_for

SCHEMAS = ("upload_service", "dither_service", "notification_service")


def main() -> int:
    with ExitStack() as running:
        try:
            engine = running.enter_context(Engine())
            _say(f"Docker: {'an engine of our own' if engine.is_ours else 'the one that answers'}")
            base = base_image(engine, _say)
            _say(f"Building on {base}")
            build_images(engine, base)
            _prove(engine, running)
        except (EngineUnavailableError, DockerError, ContainerError, AssertionError) as error:
            print(f"Not proven: {error}", file=sys.stderr)
            return 1
    _say("Proven")
    return 0


def _prove(engine: Engine, running: ExitStack) -> None:
    user = engine.run("image", "inspect", "--format={{.Config.User}}", IMAGE)
    assert user.split(":")[0] not in {"", "0", "root"}, f"the image runs as {user or 'root'}"
    mails = running.enter_context(
        MailServer(Path(running.enter_context(tempfile.TemporaryDirectory())))
    )
    containers = running.enter_context(
        Containers(engine, {**running.enter_context(_servers()), **_mail_variables(mails)})
    )
    said = containers.job("python", "-m", "dither_engine", "--warm", NUMBA_DEBUG_CACHE="1")
    assert "data loaded" in said, said
    assert "data saved" not in said, "the image's kernels are compiled again where it runs"
    bill = json.loads(containers.job("cat", "/venv/sbom.cdx.json"))
    _say(f"The image's bill of materials has {len(bill['components'])} packages")
    _say(containers.job("python", "-m", "shared.kafka.topics"))
    _say(containers.job("python", "-m", "shared.migrations", *SCHEMAS))
    containers.start()
    containers.wait_until_healthy()
    _say("All services are healthy")
    _use(containers.url, mails)
    edge = containers.start_edge()
    page = wait_for(lambda: requests.get(edge, timeout=10), "edge", seconds=30)
    assert (page.status_code, "<title>" in page.text) == (200, True), page.text
    attack = requests.get(
        f"{edge}/images", params={"page": "<script>alert(1)</script>"}, timeout=10
    )
    assert attack.status_code == 403, f"the edge let an attack pass: {attack.status_code}"
    _say("The edge leads to the gateway, and its firewall works")
    containers.stop()
    _say("All services ended when they were told to")


def _use(url: str, mails: MailServer) -> None:
    page = requests.get(url, timeout=10)
    assert page.status_code == 200, f"the web page: {page.status_code}"
    answer = requests.post(
        f"{url}/images",
        files={"file": ("photo.jpg", photograph())},
        data={"email": "ann@example.org"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    uuid = answer.json()["uuid"]

    def dither() -> str | None:
        [first] = requests.get(f"{url}/images/{uuid}", timeout=10).json()["dithers"] or [{}]
        link: str | None = first.get("url_dither")
        return link

    started = time.monotonic()
    picture = requests.get(wait_for(dither, "dither", seconds=60), timeout=10)
    assert picture.headers["content-type"] == "image/png", picture.headers
    _say(f"A photograph was dithered after {time.monotonic() - started:.1f} s")
    assert uuid in mails.wait_for(1, seconds=30)[0].as_string()
    _say("The mail came")


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    """Run Kafka and Postgres; yields the variables with the addresses and names to use."""
    broker, postgres = choose_broker(), choose_postgres()
    _say(f"Broker: {broker.describe()}   Database: {postgres.describe()}")
    mark = secrets.token_hex(4)
    try:
        broker.start()
        postgres.start()
        database = create_database(postgres)
        try:
            yield {
                "KAFKA_SERVER": broker.bootstrap_servers,
                "KAFKA_IMAGE_TOPIC": f"images-{mark}",
                "KAFKA_DITHER_TOPIC": f"dithers-{mark}",
                "KAFKA_DEAD_LETTER_TOPIC": f"dead-letters-{mark}",
                "KAFKA_GROUP_PREFIX": f"proof-{mark}-",
                **environment(database),
                "MIGRATE_ON_START": "false",
            }
        finally:
            drop_database(postgres, database)
    finally:
        postgres.stop()
        broker.stop()


def _mail_variables(mails: MailServer) -> dict[str, str]:
    return {"SMTP_HOST": mails.host, "SMTP_PORT": str(mails.port), "SMTP_SECURITY": "none"}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
