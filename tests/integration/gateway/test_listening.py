"""Where gateway and services listen: both families, and what is said when they cannot."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.gateway.support import read_all, wait_until

ROOT = Path(__file__).parents[3]
SERVICE = """
from shared.process import Threads, serve
from shared.settings import HttpSettings

async def app(scope, receive, send):
    text = scope["client"][0].encode()
    fields = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": text})

serve(app, HttpSettings.load(), Threads({}))
"""
PROGRAMS = {"gateway": ["-m", "api_gateway.main"], "service": ["-c", SERVICE]}
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

has_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")


def free_port_of_both() -> int:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as probe:
        port: int = probe.getsockname()[1]
        return port


def start(program: str, directory: Path, **variables: object) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "FRONTEND_DIR": str(ROOT / "frontend"),
        "ACCESS": "open",
        **{name: str(value) for name, value in variables.items()},
    }
    return subprocess.Popen(
        [sys.executable, *PROGRAMS[program]],
        cwd=directory,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(program: str, directory: Path, host: str, **more: object) -> Iterator[int]:
    port = free_port_of_both()
    process = start(program, directory, HOST=host, PORT=port, **more)

    def answers() -> bool:
        assert process.poll() is None
        with contextlib.suppress(OSError):
            return ask("::1" if host == "::" else "127.0.0.1", port).startswith("HTTP/1.1 200")
        return False

    try:
        wait_until(answers, what=f"{program} answers")
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def ask(address: str, port: int) -> str:
    with socket.create_connection((address, port), timeout=20) as client:
        client.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return read_all(client).decode()


@has_ipv6
@pytest.mark.parametrize("program", PROGRAMS)
def test_two_colons_are_both_families(tmp_path: Path, program: str) -> None:
    with running(program, tmp_path, "::") as port:
        answers = {address: ask(address, port) for address in ("127.0.0.1", "::1")}
    for address, answer in answers.items():
        assert answer.startswith("HTTP/1.1 200")
        assert program == "gateway" or answer.endswith(f"\r\n{address}")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_is_understood(tmp_path: Path, program: str) -> None:
    with running(program, tmp_path, "localhost") as port:
        assert ask("127.0.0.1", port).startswith("HTTP/1.1 200")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_port_that_is_taken_and_a_host_that_is_none_are_one_sentence(
    tmp_path: Path, program: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "nobody.invalid"):
            process = start(program, tmp_path, HOST=host, PORT=port)
            _, said = process.communicate(timeout=60)
            assert process.returncode == 1
            lines = [line for line in said.splitlines() if not line.startswith("{")]  # no log
            assert len(lines) == 1, said
            assert f"HOST={host} PORT={port}" in lines[0]


def test_so_is_a_port_for_metrics_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("gateway", tmp_path, HOST="127.0.0.1", METRICS_PORT=port)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"METRICS_PORT={port}: Address already in use" in said
    assert "Traceback" not in said


def test_behind_proxies_an_idle_connection_stays_open(tmp_path: Path) -> None:
    """Longer than the patience with a client that is connected directly, that is."""
    patience = {"GATEWAY_CLIENT_TIMEOUT_SECONDS": 0.2}
    proxies = {"GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32"}
    for more, stays in ((patience, False), (patience | proxies, True)):
        with (
            running("gateway", tmp_path, "127.0.0.1", **more) as port,
            socket.create_connection(("127.0.0.1", port), timeout=20) as client,
        ):
            client.sendall(REQUEST)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(1)  # so long the connection is idle
            with contextlib.suppress(ConnectionError):
                client.sendall(REQUEST)
            assert _answer(client).startswith(b"HTTP/1.1 200") == stays


def _answer(client: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionError):
        return client.recv(65536)
    return b""
