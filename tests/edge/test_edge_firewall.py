"""The firewall: all of the attack list is blocked, nothing that clients of the API send is."""

import itertools
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings

from tests.edge.running import Edge, ask
from tests.edge.service import UUID, Service
from tests.edge.valid_requests import Valid, names_of_the_engine, requests

LINES = (Path(__file__).parent / "attacks.txt").read_text().splitlines()
ATTACKS = [line for line in LINES if not line.startswith("#")]
BROWSER = {
    "Host": "dither.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Accept": "*/*",
    "Connection": "close",
}
# Many clients in turn: none comes near its limit.
CLIENTS = itertools.cycle(f"127.0.10.{n}" for n in range(1, 251))


def as_sent(line: str) -> bytes:
    kind, _, rest = line.partition(" ")
    headers = dict(BROWSER)
    target = rest
    if kind == "header":
        name, _, value = rest.partition(": ")
        headers[name] = value
        target = f"/images/{UUID}"
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {target} HTTP/1.1\r\n{fields}\r\n".encode()


@pytest.mark.parametrize("line", ATTACKS)
def test_every_attack_is_blocked(edge: Edge, service: Service, line: str) -> None:
    before = len(service.asked)
    answer = edge.http.send(as_sent(line), client="127.0.9.1")
    assert answer.split(b" ", 2)[1] in {b"400", b"403"}
    assert b"application/problem+json" in answer
    assert len(service.asked) == before


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD"])
def test_every_method_is_inspected(edge: Edge, service: Service, method: str) -> None:
    before = len(service.asked)
    for path in (f"/images/{UUID}", "/images", "/preview", f"/files/{UUID}.png"):
        reply = edge.http.ask(
            method, f"{path}?q=%3Cscript%3Ealert(1)", body=b"", client="127.0.9.2"
        )
        assert reply.status == 403
    assert len(service.asked) == before


def test_the_number_of_parameters_is_bounded(edge: Edge) -> None:
    """Each costs hundreds of patterns."""
    query = "&".join(f"a{n}=1" for n in range(61))
    assert edge.http.ask("GET", f"/images?{query}").status == 403


@pytest.mark.parametrize("where", ["/options?a=", "Cookie", "Referer", "User-Agent"])
@pytest.mark.parametrize(
    "repeated", ["<", "%3C", "aa=", "&", "+", ";", "'", "-", "=", "/", "on", "(", "%0a", "a=b; "]
)
def test_no_request_keeps_the_edge_busy(edge: Edge, where: str, repeated: str) -> None:
    """As long as a line may be. A pattern that tries everything would not end while this waits."""
    text = repeated * (7000 // len(repeated)) + "!"
    if where.startswith("/"):
        sent = as_sent(f"path {where}{text.replace(' ', '%20')}")
    else:
        sent = as_sent(f"header {where}: {text}")
    assert edge.http.send(sent, client=next(CLIENTS)).startswith(b"HTTP/1.1 ")


# 500 times one request for each of ten routes.
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(sent=requests())
def test_no_valid_request_is_blocked(edge: Edge, sent: list[Valid]) -> None:
    session = edge.http.session(client=next(CLIENTS))
    try:
        for request in sent:
            reply = ask(session, request.method, request.target, request.headers, request.body)
            assert reply.status < 400, (request, reply.body)
    finally:
        session.close()


@pytest.mark.parametrize("name", names_of_the_engine())
def test_no_name_of_the_engine_is_blocked(edge: Edge, name: str) -> None:
    for query in (urlencode({name: name}), urlencode({"options": json.dumps([name])})):
        assert edge.http.ask("GET", f"/images?{query}", client=next(CLIENTS)).status == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/index.html", "/app.js", "/style.css", "/icons/logo.svg", "/manifest.webmanifest",
     "/docs", "/openapi.json", "/health", "/metrics", "/favicon.ico", "/robots.txt",
     "/.well-known/security.txt", "/console.js", "/admin-free.css", "/files/My%20photo%20(1).png",
     "/files/%C3%A4rger.png"],
)  # fmt: skip
def test_the_pages_own_paths_are_not_blocked(edge: Edge, path: str) -> None:
    assert edge.http.ask("GET", path).status in {200, 404}
