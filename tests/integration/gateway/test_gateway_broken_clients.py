"""Broken clients get a 4xx or are disconnected, and no other client is affected (G8)."""

import contextlib
import re

import pytest

from tests.integration.gateway.fake_service import Service
from tests.integration.gateway.support import GatewayProcess, read_all

HEAD = b"POST /images HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# The bytes after a broken request must never be treated as a request.
NEXT = b"GET /images/smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

BROKEN = {
    "two CLs": HEAD + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "a list of CLs": HEAD + b"Content-Length: 0, 44\r\n\r\n",
    "CL -1": HEAD + b"Content-Length: -1\r\n\r\n",
    "CL +1": HEAD + b"Content-Length: +1\r\n\r\na",
    "CL in hex": HEAD + b"Content-Length: 0x1\r\n\r\na",
    "CL empty": HEAD + b"Content-Length:\r\n\r\n",
    "CL too large": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "TE gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "TE xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "chunk size no number": CHUNKED + b"zz\r\n",
    "chunk size in 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "chunk size too large": CHUNKED + b"fffffffffffffffff\r\n",
    "chunk size negative": CHUNKED + b"-1\r\na\r\n",
    "chunk too long": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "chunk with bare LF": CHUNKED + b"1\na\n0\n\n",
    "chunk extension with LF": CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "no Host": b"GET /images HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /images HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "empty Host": b"GET /images HTTP/1.1\r\nHost:\r\n\r\n",
    "Host with a path": b"GET /images HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with user": b"GET /images HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "NUL in a name": b"GET /images HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n",
    "NUL in a value": b"GET /images HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "NUL in the target": b"GET /images\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "obs-fold": b"GET /images HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "obs-fold first": b"GET /images HTTP/1.1\r\n Host: a\r\n\r\n",
    "space before colon": b"GET /images HTTP/1.1\r\nHost : a\r\n\r\n",
    "bare CR": b"GET /images HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n",
    "authority form": b"CONNECT elsewhere:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk with GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "8-bit target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "40 KB field": b"GET /images HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
    "70 KB field": b"GET /images HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "70 KB target": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "1 MB field": b"GET /images HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "5,000 fields": b"GET /images HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
    "300 KB trailer": CHUNKED + b"0\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
    "chunk extensions": CHUNKED + (b"1;" + b"a" * 9000 + b"\r\na\r\n") * 40 + b"0\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": b"GET /images HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /images\r\n\r\n",
    "HTTP/1.2": b"GET /images HTTP/1.2\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "lower-case method": b"get /images HTTP/1.1\r\nHost: a\r\n\r\n",
    "unknown method": b"BREW /images HTTP/1.1\r\nHost: a\r\n\r\n",
    "no field name": b"GET /images HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "no colon": b"GET /images HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n",
    "unknown expectation": HEAD + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
}


# Refused, but their end is clear: the bytes that follow are a request.
WELL_FRAMED = {"TE gzip, chunked", "TE twice", "unknown expectation"}

# The RFC allows only one interpretation of these, and the gateway forwards them in that form.
UNUSUAL = {
    "TE and CL": (
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"a",
    ),
    "CL and TE": (
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"",
    ),
    "two equal CLs": (HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", b"a"),
    "CL in the trailer": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", b""),
    "bare LF": (HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 1\n\na", b"a"),
    "absolute URI": (
        b"POST http://b/images HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        b"a",
    ),
    "fragment": (b"POST /images#a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", b"a"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_request_is_refused_and_what_follows_is_never_a_request(
    name: str, gateway: GatewayProcess, service: Service
) -> None:
    before = len(service.seen)
    with gateway.connect() as client:
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            client.sendall(BROKEN[name] + NEXT)
        answer = read_all(client)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 505"))
    seen = [request.target for request in service.seen[before:]]
    if BROKEN[name].startswith(HEAD) and name not in WELL_FRAMED:
        # If a chunked body breaks later, the service may have received its beginning.
        assert seen in ([["/images"], []] if BROKEN[name].startswith(CHUNKED) else [[]])
        assert len(re.findall(rb"^HTTP/1.1 \d", answer, re.MULTILINE)) <= 1
    else:  # without a body the end of the request is clear, too
        assert seen in [[], ["/images/smuggled"]]


@pytest.mark.parametrize("name", UNUSUAL)
def test_gateway_and_service_see_the_same_requests(
    name: str, gateway: GatewayProcess, service: Service
) -> None:
    before = len(service.seen)
    sent, body = UNUSUAL[name]
    answer = gateway.send(sent + NEXT)
    seen = [(request.target, request.body) for request in service.seen[before:]]
    both = [("/images", body), ("/images/smuggled", b"")]
    assert seen in (both, both[:1])  # the server may end the connection after an odd request
    assert answer.count(b"HTTP/1.1 2") == len(seen)
    for request in service.seen[before:]:
        assert len(request.header("content-length") + request.header("transfer-encoding")) <= 1


@pytest.mark.parametrize(
    "target",
    [
        "/files/%2e%2e/secret",
        "/files/..%2fx",
        "/files/a%5Cb",
        "/files/a%00",
        "/files//a",
        "/files/../x",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(
    gateway: GatewayProcess, target: str
) -> None:
    assert gateway.ask("GET", target).status == 400


def test_requests_sent_ahead_are_answered_in_their_order(gateway: GatewayProcess) -> None:
    first = b"POST /images HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    second = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    third = b"GET /images HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = gateway.send(first + second + third)
    found = [answer.find(b"HTTP/1.1 " + status) for status in (b"201", b"404", b"200")]
    assert found == sorted(found)
    assert -1 not in found


def test_an_upgrade_is_not_followed(gateway: GatewayProcess, service: Service) -> None:
    before = len(service.seen)
    upgrade = b"GET /images HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = gateway.send(upgrade + NEXT)
    assert answer.startswith(b"HTTP/1.1 200")
    assert not any(seen.header("upgrade") for seen in service.seen[before:])


def test_fields_after_a_body_do_not_become_fields_of_the_request(
    gateway: GatewayProcess, service: Service
) -> None:
    gateway.send(
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        + b"3\r\nabc\r\n0\r\nX-Late: a\r\n\r\n"
    )
    assert not service.seen[-1].header("x-late")
    assert service.seen[-1].body == b"abc"


def test_a_body_may_be_asked_for_with_100_continue(gateway: GatewayProcess) -> None:
    with gateway.connect() as client:
        client.sendall(
            HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
        )
        assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert read_all(client).startswith(b"HTTP/1.1 201")
