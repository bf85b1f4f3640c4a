"""A gateway process, and clients that speak raw HTTP."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from standalone.ports import free_port
from tests.integration.gateway.fake_service import Service
from tests.support.guard import Guard


def wait_until(condition: Callable[[], object], *, seconds: float = 60, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        time.sleep(0.02)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class GatewayProcess:
    def __init__(self, directory: Path, settings: dict[str, object]) -> None:
        self.port = free_port()
        self.log = directory / f"gateway-{self.port}.log"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GATEWAY_", "UPSTREAM_"))},
            "ACCESS": "open",
            "PORT": str(self.port),
            "GATEWAY_RATE_LIMIT": "0",
            "GATEWAY_UPLOAD_RATE_LIMIT": "0",
            "GATEWAY_MAX_REQUESTS_PER_CLIENT": "0",
            "FRONTEND_DIR": str(directory / "no-frontend"),
            **{name: str(value) for name, value in settings.items()},
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api_gateway.main"], env=environment, stderr=log
            )
        self._guard = Guard(self.process.pid)
        wait_until(self._answers, seconds=60, what="the gateway starts")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("GET", "/docs/nothing").status == 404
        except OSError:
            return False

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            self.process.kill()
            self.process.wait()
            self._guard.release()

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
        *,
        seconds: float = 30,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            found = {k.lower(): v for k, v in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, data: bytes) -> bytes:
        """Send bytes unchanged; returns everything received until the connection ends."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)

    @property
    def open_files(self) -> int:
        return int(psutil.Process(self.process.pid).num_fds())

    @property
    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def lines(self) -> list[dict[str, Any]]:
        """The complete lines of the access log so far."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        entries = [json.loads(line) for line in whole.splitlines()]
        return [entry for entry in entries if entry["message"] == "request"]

    def metric(self, line_start: str) -> float:
        text = self.ask("GET", "/metrics").body.decode()
        values = [
            line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(line_start)
        ]
        return sum(map(float, values))


def read_all(client: socket.socket) -> bytes:
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


@contextmanager
def running_gateway(
    directory: Path, *services: Service, **settings: object
) -> Iterator[GatewayProcess]:
    """All three service names lead to ``services``, unless ``settings`` override this."""
    addresses = ",".join(service.url for service in services)
    names = ("UPLOAD_SERVICE_URL", "DITHER_SERVICE_URL", "NOTIFICATION_SERVICE_URL")
    gateway = GatewayProcess(directory, {**dict.fromkeys(names, addresses), **settings})
    try:
        yield gateway
    finally:
        gateway.stop()


def statuses(replies: list[Reply]) -> Counter[int]:
    return Counter(reply.status for reply in replies)
