"""What reaches the service, and what comes back: nothing is lost, doubled or held back."""

import json
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from uuid import uuid4

import pytest

from tests.edge.running import Edge, Process, ask, read_all, running_edge, wait_until
from tests.edge.service import BUSY, FILE, PROBLEM, UUID, Service

MEGABYTE = 1024 * 1024


def fields_at_the_service(edge: Edge, headers: dict[str, str], client: str) -> dict[str, str]:
    reply = edge.http.ask("GET", f"/images/{UUID}", headers, client=client)
    assert reply.status == 200
    fields: dict[str, str] = reply.json()["fields"]
    return fields


def test_the_service_sees_the_client_and_not_what_it_claims(edge: Edge) -> None:
    claimed = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "X-Forwarded-Prefix": "/evil",
    }
    fields = fields_at_the_service(edge, claimed, client="127.0.5.7")
    assert fields["x-forwarded-for"].split(",")[0] == "127.0.5.7"
    assert fields["x-forwarded-proto"] == "http"
    assert fields["forwarded"].startswith("for=127.0.5.7;proto=http;host=")
    assert "203.0.113.9" not in str(fields)
    assert "x-forwarded-prefix" not in fields


def test_a_host_cannot_claim_another_client(edge: Edge) -> None:
    reply = edge.http.ask("GET", f"/images/{UUID}", {"Host": 'a";for="203.0.113.9'})
    assert (reply.status, reply.json()["status"]) == (421, 421)
    fields = fields_at_the_service(edge, {"Host": "dither.example:8443"}, client="127.0.5.7")
    assert 'host="dither.example:8443"' in fields["forwarded"]


def test_behind_a_trusted_proxy_its_word_counts(gateways: tuple[Process, Process]) -> None:
    with running_edge(gateways[0].port, EDGE_TRUSTED_PROXIES="127.0.6.0/24 ::1") as edge:
        claim = {"X-Forwarded-For": "203.0.113.9, 2001:db8::17"}
        fields = fields_at_the_service(edge, claim, client="127.0.6.1")
        assert fields["x-forwarded-for"].split(",")[0] == "2001:db8::17"
        assert fields["forwarded"].startswith('for="[2001:db8::17]";')
        fields = fields_at_the_service(edge, claim, client="127.0.7.1")
        assert fields["x-forwarded-for"].split(",")[0] == "127.0.7.1"


def test_a_request_has_one_id_everywhere(edge: Edge) -> None:
    reply = edge.http.ask("GET", f"/images/{UUID}", {"X-Request-ID": "chosen-by-the-client"})
    assert reply.headers.get_all("x-request-id") == ["chosen-by-the-client"]
    assert reply.json()["fields"]["x-request-id"] == "chosen-by-the-client"
    wait_until(
        lambda: any(e["request_id"] == "chosen-by-the-client" for e in edge.log()), "it is logged"
    )
    reply = edge.http.ask("GET", f"/images/{UUID}", {"X-Request-ID": 'bad" id'})
    made = reply.json()["fields"]["x-request-id"]
    assert made == reply.headers["x-request-id"] != 'bad" id'


def test_connections_to_a_gateway_are_kept(service: Service) -> None:
    with running_edge(service.port) as edge:
        service.peers.clear()
        for _ in range(20):
            assert edge.http.ask("GET", f"/images/{UUID}").status == 200
        # Each of nginx' workers, one a core, keeps connections of its own.
        assert len(service.peers) < 20


@pytest.mark.parametrize("path", ["/", f"/images/{UUID}", f"/images/{BUSY}", "/nothing", "/?q=%00"])
def test_no_field_is_there_twice(edge: Edge, path: str) -> None:
    names = Counter(n.lower() for n, _ in edge.http.ask("GET", path).headers.items())
    assert {n: c for n, c in names.items() if c > 1 and n != "vary"} == {}
    assert names["x-content-type-options"] == names["x-request-id"] == 1
    assert names["strict-transport-security"] == 0  # this was plain HTTP


def test_answers_of_gateway_and_services_pass_unchanged(
    edge: Edge, gateways: tuple[Process, Process]
) -> None:
    busy = edge.http.ask("GET", f"/images/{BUSY}")
    assert (busy.status, busy.headers["retry-after"], busy.json()) == (503, "7", PROBLEM)
    through, direct = (p.ask("GET", "/docs/nothing") for p in (edge.http, gateways[0]))
    assert through.status == direct.status == 404
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert through.json()["detail"] == direct.json()["detail"]


@pytest.mark.parametrize(
    ("path", "limit"), [("/images", 20 * MEGABYTE + 65536), (f"/images/{UUID}/2", 256 * 1024)]
)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    edge: Edge, service: Service, path: str, limit: int
) -> None:
    before = len(service.asked)
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {limit + 1}\r\n\r\n"
    with edge.http.connect() as client:
        client.sendall(head.encode())
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert_is_problem(answer, 413)
    assert len(service.asked) == before


def assert_is_problem(answer: bytes, status: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json\r\n" in head
    problem = json.loads(body)
    assert problem.keys() == {"type", "title", "status", "detail", "request_id"}
    assert problem["status"] == status
    assert f"X-Request-ID: {problem['request_id']}\r\n".encode() in head + b"\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        (b"POST /images HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /images HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
)  # fmt: skip
def test_what_is_no_valid_request_gets_a_problem(edge: Edge, sent: bytes, status: int) -> None:
    answer = edge.http.send(sent)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert_is_problem(answer, status)


def test_without_any_gateway_the_edge_answers_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with running_edge(port) as edge:
        reply = edge.http.ask("GET", f"/images/{UUID}")
    assert reply.status == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"] == "5"
    assert reply.json()["status"] == 503


@pytest.mark.parametrize("path", ["/images", "/preview", "/previews/part", "/dither"])
def test_an_upload_is_streamed(edge: Edge, service: Service, path: str) -> None:
    size = 20 * MEGABYTE
    service.received = 0
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    with edge.http.connect() as client:
        client.sendall(head.encode() + bytes(size // 2))
        wait_until(lambda: service.received >= MEGABYTE, "the service has the first bytes")
        assert not [p for p in (edge.directory / "temp" / "body").rglob("*") if p.is_file()]
        client.sendall(bytes(size // 2))
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 201")
    assert service.received == size


def test_events_arrive_one_by_one(edge: Edge, service: Service) -> None:
    service.second_event.clear()
    with edge.http.connect() as client:
        client.sendall(f"GET /images/{UUID}/events HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        received = b""
        while b"data: 1" not in received:
            received += client.recv(65536)
        assert b"data: 2" not in received
        service.second_event.set()
        while b"data: 2" not in received:
            received += client.recv(65536)
    assert b"text/event-stream" in received


def test_a_part_of_a_file_can_be_asked_for(edge: Edge) -> None:
    path = "/files/22222222-d9cb-469f-a165-70867728950e.png"
    edge.http.ask("GET", path)
    part = edge.http.ask("GET", path, {"Range": "bytes=4-7"})
    assert (part.status, part.body) == (206, FILE[4:8])


def test_requests_go_to_both_gateways_and_a_dead_one_is_left_out(
    edge: Edge, gateways: tuple[Process, Process]
) -> None:
    addresses = [f"127.0.0.1:{gateway.port}" for gateway in gateways]

    clients = (f"127.0.8.{n}" for n in range(1, 255))

    def asked() -> list[str]:
        """Which gateways were asked by forty requests of a new client, by the access log."""
        path = f"/dithers/{uuid4()}"
        session = edge.http.session(next(clients))
        assert [ask(session, "GET", path).status for _ in range(40)] == [200] * 40
        session.close()
        wait_until(lambda: len(edge.log_of(path)) == 40, "they are logged")
        return [entry["gateway"] for entry in edge.log_of(path)]

    seen = Counter(asked())
    assert seen.keys() == set(addresses)
    assert min(seen.values()) >= 10
    gateways[0].stop()
    try:
        tried = [a for a in asked() if addresses[0] in a]
        assert {a for a in asked() if addresses[0] not in a} == {addresses[1]}
        # It is tried again every 5 s.
        assert len(tried) < 10
    finally:
        gateways[0].start()
    wait_until(lambda: addresses[0] in asked(), "it is asked again")


def test_browsers_get_http2_over_tls(edge: Edge) -> None:
    certificate = edge.directory / "local" / "self-signed.crt"
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", edge.https_port)) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
        assert secure.version() == "TLSv1.3"


def test_an_upload_passes_over_http2(edge: Edge, service: Service) -> None:
    if (curl := shutil.which("curl")) is None:
        pytest.skip("curl is not installed here")
    certificate = edge.directory / "local" / "self-signed.crt"
    command = [curl, "-sS", "--http2", "--cacert", str(certificate), "--data-binary", "@-"]
    command += ["-H", "Expect:", "-w", "\n%{http_version}"]
    done = subprocess.run(
        [*command, f"https://localhost:{edge.https_port}/images"],
        input=bytes(2 * MEGABYTE),
        capture_output=True,
        check=True,
    )
    body, _, version = done.stdout.rpartition(b"\n")
    assert json.loads(body) == {"received": 2 * MEGABYTE}
    assert version == b"2"


def test_over_tls_the_gateway_knows_and_browsers_are_told_to_stay(edge: Edge) -> None:
    trusting = ssl.create_default_context(cafile=str(edge.directory / "local" / "self-signed.crt"))
    with (
        socket.create_connection(("127.0.0.1", edge.https_port)) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(
            f"GET /images/{UUID} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )
        answer = read_all(secure)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.lower().count(b"strict-transport-security: max-age=31536000") == 1
    assert json.loads(body)["fields"]["x-forwarded-proto"] == "https"


def test_plain_http_can_be_sent_to_https(gateways: tuple[Process, Process]) -> None:
    with running_edge(gateways[0].port, EDGE_HTTPS_ONLY="true") as edge:
        reply = edge.http.ask("GET", "/images?limit=5", {"Host": "dither.example"})
    assert reply.status == 308
    assert reply.headers["location"] == "https://dither.example/images?limit=5"
