"""How a service's own HTTP server treats broken requests that did not pass the gateway."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from standalone.ports import free_port
from tests.integration.gateway.support import read_all, wait_until
from tests.integration.gateway.test_gateway_broken_clients import BROKEN, NEXT, UNUSUAL

# Answers each request with what the app has received.
ECHO = """
import json, sys
from shared.process import Threads, serve
from shared.settings import HttpSettings

async def app(scope, receive, send):
    body, message = b"", {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    line = json.dumps([scope["raw_path"].decode(), body.decode()]).encode() + b"\\n"
    fields = [(b"content-length", str(len(line)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": line})

serve(app, HttpSettings(port=int(sys.argv[1])), Threads({}))
"""
REFUSED = [
    *(name for name in BROKEN if name.startswith(("two CLs", "a list of CLs", "CL ", "chunk s"))),
    *(name for name in BROKEN if name.startswith(("chunk t", "chunk with", "obs-fold", "NUL"))),
    "TE identity", "TE xchunked", "TE twice", "space before colon", "bare CR", "no colon",
    "TE and CL", "CL and TE", "two equal CLs", "bare LF",
]  # fmt: skip
# The app gets two fields, or an unusual one, and uses none: the end of the request is clear.
ACCEPTED = {
    "two Hosts": ("/images", ""),
    "Host with a path": ("/images", ""),
    "no Host": ("/images", ""),
    "TE gzip, chunked": ("/images", ""),
    "absolute URI": ("/images", "a"),
    "fragment": ("/images", "a"),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", ECHO, str(port)], stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(listens, seconds=60, what="the service starts")
        yield port
    finally:
        process.terminate()
        process.wait(15)


def answer_to(port: int, name: str) -> bytes:
    request = BROKEN[name] if name in BROKEN else UNUSUAL[name][0]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            client.sendall(request + NEXT)
        return read_all(client)


def seen(answer: bytes) -> list[tuple[str, str]]:
    lines = [line.partition(b"]")[0] + b"]" for line in answer.splitlines() if line[:2] == b'["']
    return [tuple(json.loads(line)) for line in lines]


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_two_readings_is_refused_and_so_is_all_that_follows(port: int, name: str) -> None:
    answer = answer_to(port, name)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert seen(answer) == []


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_accepted_is_seen_in_one_way(port: int, name: str) -> None:
    assert seen(answer_to(port, name)) == [ACCEPTED[name], ("/images/smuggled", "")]
