"""The whole system as separate processes, for tests that use it or break it."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import requests

from standalone.ports import free_port
from standalone.services import build_services
from standalone.supervisor import Child, Supervisor
from tests.support.broker import Broker
from tests.support.mailserver import read_mails

START_SECONDS = 180.0
POLL_SECONDS = 0.05
AWAY = {502, 503, 504}  # the gateway's answers while a service is down

T = TypeVar("T")


class System:
    """Gateway, upload, dither and notification service on a given broker and database.

    ``url`` is the gateway's address; ``child(name)`` gives a service's process and own port. Mails
    are files in ``mail_directory`` unless ``environment`` names an SMTP server. ``overrides`` are
    variables for one service: ``{"dither": {"FAILPOINTS": "dither.after-put=3"}}``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        kafka_server: str,
        database_url: str,
        environment: Mapping[str, str] | None = None,
        overrides: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.names = {
            "KAFKA_IMAGE_TOPIC": f"images-{secrets.token_hex(4)}",
            "KAFKA_DITHER_TOPIC": f"dithers-{secrets.token_hex(4)}",
            "KAFKA_DEAD_LETTER_TOPIC": f"dead-letters-{secrets.token_hex(4)}",
        }
        self.environment = {
            **_inherited(),
            "KAFKA_SERVER": kafka_server,
            "KAFKA_GROUP_PREFIX": f"test-{secrets.token_hex(4)}-",
            "KAFKA_SESSION_TIMEOUT_SECONDS": "6",
            **self.names,
            "DATABASE_URL": database_url,
            "DATA_DIR": str(directory),
            "PUBLIC_URL": self.url,
            "SWEEP_INTERVAL_SECONDS": "1",
            "GATEWAY_UPLOAD_RATE_LIMIT": "0",
            "GATEWAY_RATE_LIMIT": "0",
            "GATEWAY_MAX_REQUESTS_PER_CLIENT": "0",
            **(environment or {}),
        }
        self.services: Supervisor = build_services(
            self.environment, port=self.port, logs=directory / "logs", overrides=overrides
        )

    @property
    def mail_directory(self) -> Path:
        return self.directory / "outbox"

    def child(self, name: str) -> Child:
        return self.services.children[name]

    def start(self, *names: str) -> None:
        """Start these services (all, if none is named) and wait until they are healthy."""
        self.services.start(*names)
        self.services.wait_until_ready(START_SECONDS)

    def stop(self) -> None:
        self.services.stop()

    def kill(self, name: str) -> None:
        """Send SIGKILL; ``start(name)`` starts the service again."""
        self.services.kill(name)

    def log(self, name: str) -> str:
        return self.child(name).log.read_text(errors="replace")

    def mails(self) -> list[EmailMessage]:
        """All mails so far."""
        return read_mails(self.mail_directory)

    # The API as clients use it.

    def upload(self, image: bytes, filename: str = "photo.jpg", **fields: str) -> dict[str, Any]:
        answer = requests.post(
            f"{self.url}/images", files={"file": (filename, image)}, data=fields, timeout=30
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def image(self, uuid: str) -> dict[str, Any]:
        """The image; the request is repeated while a service is down."""

        def ask() -> dict[str, Any] | None:
            answer = requests.get(f"{self.url}/images/{uuid}", timeout=30)
            if answer.status_code in AWAY:
                return None
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        return wait_for(ask, f"answer about image {uuid}")

    def dithered(self, uuid: str, *, count: int = 1, seconds: float = 120.0) -> dict[str, Any]:
        """The image, as soon as ``count`` of its dithers are done."""

        def look() -> dict[str, Any] | None:
            image = self.image(uuid)
            done = [d for d in image["dithers"] if d["status"] == "done"]
            return image if len(done) >= count else None

        return wait_for(look, f"{count} dithers of {uuid}", seconds=seconds)


@contextmanager
def running_system(
    directory: Path,
    broker: Broker,
    database_url: str,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[System]:
    """A running system on this broker (with its own topics) and database."""
    ephemeral = {} if broker.is_real else {"KAFKA_EPHEMERAL": "true"}
    system = System(
        directory,
        kafka_server=broker.bootstrap_servers,
        database_url=database_url,
        environment={**ephemeral, **(environment or {})},
        overrides=overrides,
    )
    broker.create_topics(*system.names.values())
    try:
        system.start()
        yield system
    finally:
        system.stop()


def wait_for(look: Callable[[], T | None], what: str, *, seconds: float = 120.0) -> T:
    """The first result of ``look`` that is not None or False; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(requests.RequestException):
            found = look()
            if found is not None and found is not False:
                return found
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(POLL_SECONDS)


def _inherited() -> dict[str, str]:
    """The variables needed to run Python, without those that the system itself reads."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "NUMBA_CACHE_DIR", "OPENBLAS_CORETYPE"}
    return {k: v for k, v in os.environ.items() if k in kept}
