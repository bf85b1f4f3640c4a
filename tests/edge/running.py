"""Starts the real edge and real gateways, and asks them as clients of chosen addresses."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standalone.ports import free_port
from tests.support.guard import Guard

START = Path(__file__).parents[2] / "deploy" / "edge" / "start"
NEEDED = (
    "/usr/sbin/nginx",
    "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so",
    "/usr/share/modsecurity-crs/rules/REQUEST-949-BLOCKING-EVALUATION.conf",
)


def missing() -> list[str]:
    """What the edge needs and this machine lacks."""
    return [path for path in NEEDED if not Path(path).exists()]


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        time.sleep(0.02)


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class Process:
    """A server on a port of 127.0.0.1, stopped by its pid."""

    def __init__(self, command: list[str], port: int, log: Path, **environment: object) -> None:
        self.port = port
        self._command = command
        self._log = log
        self._environment = {**os.environ, **{k: str(v) for k, v in environment.items()}}
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )
        self._guard = Guard(self.process.pid)
        wait_until(self._listens, f"{self._command} listens")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self._guard.release()

    def connect(self, client: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=30, source_address=(client, 0)
        )

    def session(self, client: str = "127.0.0.1") -> http.client.HTTPConnection:
        return http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(client, 0)
        )

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        client: str = "127.0.0.1",
    ) -> Reply:
        session = self.session(client)
        try:
            return ask(session, method, target, headers, body)
        finally:
            session.close()

    def send(self, data: bytes, client: str = "127.0.0.1") -> bytes:
        """Send bytes as they are; what comes back until the connection ends."""
        with self.connect(client) as connection:
            connection.sendall(data)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes, in order or with a reset."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def ask(
    session: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    session.request(method, target, body=body, headers=dict(headers or {}))
    response = session.getresponse()
    return Reply(response.status, response.headers, response.read())


@dataclass
class Edge:
    http: Process
    https_port: int
    directory: Path

    def log(self) -> list[dict[str, Any]]:
        """The access log so far; of a line that is being written nothing."""
        whole, _, _ = (self.directory / "access.log").read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def log_of(self, path: str) -> list[dict[str, Any]]:
        return [entry for entry in self.log() if entry["path"] == path]


@contextmanager
def running_gateway(directory: Path, service_url: str) -> Iterator[Process]:
    """It believes what the edge says of a client, as in production."""
    port = free_port()
    names = ("UPLOAD_SERVICE_URL", "DITHER_SERVICE_URL", "NOTIFICATION_SERVICE_URL")
    gateway = Process(
        [sys.executable, "-m", "api_gateway.main"],
        port,
        directory / f"gateway-{port}.log",
        ACCESS="open",
        HOST="127.0.0.1",
        PORT=port,
        GATEWAY_TRUSTED_PROXIES="127.0.0.1/32",
        **dict.fromkeys(names, service_url),
    )
    try:
        wait_until(lambda: gateway.ask("GET", "/health").status == 200, "the gateway is well")
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.stop()


@contextmanager
def running_edge(*ports: int, **settings: str) -> Iterator[Edge]:
    """In front of whatever listens on ``ports``."""
    # Not pytest's directory: nginx' workers are another user when this one is root.
    directory = Path(tempfile.mkdtemp(prefix="edge-"))
    directory.chmod(0o755)
    port, https_port = free_port(), free_port()
    environment = {
        "EDGE_DIR": str(directory),
        "EDGE_HTTP": f"127.0.0.1:{port}",
        "EDGE_HTTPS": f"127.0.0.1:{https_port}",
        "EDGE_GATEWAYS": " ".join(f"127.0.0.1:{gateway}" for gateway in ports),
        **settings,
    }
    http_side = Process([str(START)], port, directory / "start.log", **environment)
    try:
        yield Edge(http_side, https_port, directory)
    finally:
        http_side.stop()
        shutil.rmtree(directory, ignore_errors=True)
