"""Slow clients are disconnected, while others are answered as usual (G8)."""

import os
import socket
import time
from collections.abc import Iterator

import pytest

from tests.integration.gateway.fake_service import Service
from tests.integration.gateway.support import GatewayProcess, read_all, running_gateway, wait_until

# The promised number is 500; GATEWAY_SLOW_CLIENTS sets another one.
SLOW_CLIENTS = int(os.environ.get("GATEWAY_SLOW_CLIENTS", "200"))
PATIENCE_SECONDS = 1.5
HEAD = b"POST /images HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def gateway(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    settings = {
        "GATEWAY_CLIENT_TIMEOUT_SECONDS": PATIENCE_SECONDS,
        "GATEWAY_WRITE_TIMEOUT_SECONDS": PATIENCE_SECONDS,
    }
    with running_gateway(tmp_path_factory.mktemp("gateway"), service, **settings) as started:
        yield started


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET /images HT", b""),
        (b"GET /images HTTP/1.1\r\nHost: a\r\n", b""),
        (HEAD + b"Content-Length: 10\r\n\r\nabc", b"HTTP/1.1 408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"HTTP/1.1 408"),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 100"),
    ],
    ids=["silence", "half a line", "half a head", "half a body", "half the chunks", "expect"],
)
def test_silence_is_answered_with_the_end(
    gateway: GatewayProcess, service: Service, sent: bytes, answer: bytes
) -> None:
    before = len(service.seen)
    received = gateway.send(sent)
    assert received.startswith(answer)
    assert (b" 408 " in received) == (answer != b"")
    # The service is not called before the first part of the body has arrived.
    assert len(service.seen) == before


def test_an_idle_connection_is_closed_without_a_word(gateway: GatewayProcess) -> None:
    answer = gateway.send(b"GET /images HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_that_trickles_is_cut_off(gateway: GatewayProcess) -> None:
    """There is a minimum rate: single bytes now and then do not keep a request alive."""
    with gateway.connect() as client:
        client.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        client.settimeout(0.1)
        for _ in range(200):
            try:
                client.sendall(b"a")
                answer = client.recv(1024)
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("still waiting")
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_takes_nothing_is_cut_off(gateway: GatewayProcess, service: Service) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.settimeout(20)
        client.connect(("127.0.0.1", gateway.port))
        client.sendall(b"GET /files/large?100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: service.in_flight == 1, what="the download begins")
        wait_until(lambda: service.in_flight == 0, what="the download is given up")


def test_answers_that_nobody_takes_do_not_pile_up(gateway: GatewayProcess) -> None:
    gateway.ask("GET", "/files/many.png")  # fills the cache
    memory = gateway.memory
    request = b"GET /files/many.png HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.settimeout(20)
        client.connect(("127.0.0.1", gateway.port))
        with pytest.raises(OSError):  # noqa: PT012 - in the end the connection is reset
            for _ in range(100_000):
                client.sendall(request)
    assert gateway.memory - memory <= 8 * 1024 * 1024


def test_many_slow_clients_hinder_nobody(gateway: GatewayProcess) -> None:
    slow: list[socket.socket] = []
    try:
        for _ in range(SLOW_CLIENTS):
            slow.append(gateway.connect())
            slow[-1].sendall(b"GET /images HTTP/1.1\r\nHost: a\r\nX-")
        assert gateway.ask("GET", "/health").json()["status"] == "ok"
        ended = time.monotonic() + 20
        for client in slow:
            client.settimeout(max(0.1, ended - time.monotonic()))
            assert read_all(client) == b""
    finally:
        for client in slow:
            client.close()
