"""No client can use up shared resources: places at a service, time, room in the log."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api_gateway.proxy import MULTIPART_OVERHEAD_BYTES
from tests.integration.gateway.fake_service import UUID, Service
from tests.integration.gateway.support import GatewayProcess, running_gateway, wait_until

MOST = 3
KEPT = 7 * 1024 * 1024  # more than the kernel buffers at once
WRITE_SECONDS = 3


@pytest.fixture(scope="module")
def gateway(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"), service, GATEWAY_WRITE_TIMEOUT_SECONDS=WRITE_SECONDS
    ) as started:
        yield started


def narrow(gateway: GatewayProcess) -> socket.socket:
    """A client whose kernel buffer is small."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.settimeout(20)
    client.connect(("127.0.0.1", gateway.port))
    return client


def asking(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def test_who_takes_an_answer_slowly_but_steadily_gets_all_of_it(gateway: GatewayProcess) -> None:
    path = f"/files/kept?{KEPT}"
    gateway.ask("GET", path)
    received = 0
    with narrow(gateway) as client:
        client.sendall(asking(path))
        began = time.monotonic()
        while data := client.recv(256 * 1024):
            received += len(data)
            # At this rate the download takes three times as long as a client may read nothing.
            time.sleep(max(0, began + 3 * WRITE_SECONDS * received / KEPT - time.monotonic()))
    assert received > KEPT


def test_a_body_that_never_ends_keeps_nobody_from_an_address(gateway: GatewayProcess) -> None:
    with gateway.connect() as client:
        client.sendall(b"GET /files/x.png HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        assert gateway.ask("GET", "/files/x.png", seconds=5).status == 200


def test_so_many_requests_of_a_client_may_be_under_way(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    watching = f"GET /images/{UUID}/events HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with running_gateway(
        tmp_path_factory.mktemp("gateway"), service, GATEWAY_MAX_REQUESTS_PER_CLIENT=MOST
    ) as gateway:
        with ExitStack() as clients:
            for _ in range(MOST):
                client = clients.enter_context(gateway.connect())
                client.sendall(watching)
                assert client.recv(16)
            refused = gateway.ask("GET", "/images")
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            assert f"at most {MOST}" in refused.json()["detail"]
        wait_until(lambda: gateway.ask("GET", "/images").status == 200, what="they are gone")
        assert gateway.metric('gateway_rate_limited_total{limit="concurrency"}') >= 1


def test_an_archive_is_no_longer_made_when_its_client_goes(
    gateway: GatewayProcess, service: Service
) -> None:
    with gateway.connect() as client:
        client.sendall(b"POST /dither HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert service.in_flight
    wait_until(lambda: service.in_flight == 0, what="the service has stopped")


def test_a_call_takes_more_than_an_upload_and_counts_as_many_requests(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        service,
        GATEWAY_RATE_LIMIT=0.01,
        GATEWAY_RATE_BURST=22,  # the question whether it has started takes one
        MAX_UPLOAD_BYTES=1000,
        DITHER_CALL_MAX_BYTES=2000,
    ) as gateway:
        refused = gateway.ask("POST", "/dither", body=bytes(2001 + MULTIPART_OVERHEAD_BYTES))
        assert (refused.status, refused.headers["ratelimit-remaining"]) == (413, "1")
        assert gateway.ask("GET", "/images").status == 200
        assert gateway.ask("GET", "/images").status == 429


def test_a_target_has_a_bound(gateway: GatewayProcess) -> None:
    assert gateway.ask("GET", "/images?cursor=" + "a" * 9000).status == 414


def test_what_breaks_after_the_refusal_is_not_an_error_of_ours(gateway: GatewayProcess) -> None:
    sent = b"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
    assert gateway.send(sent).count(b"HTTP/1.1 4") == 1
    wait_until(lambda: any(line["path"] == "/nowhere" for line in gateway.lines()))
    assert "Traceback" not in gateway.log.read_text()
