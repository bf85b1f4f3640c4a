"""What the gateway forwards of a request and of an answer (G6, RFC 9110)."""

import http.client
from collections.abc import Iterator

import pytest

from tests.integration.gateway.fake_service import UUID, Service
from tests.integration.gateway.support import GatewayProcess, running_gateway

IMAGE = f"/images/{UUID}"


def test_fields_for_this_hop_stay_here(gateway: GatewayProcess, service: Service) -> None:
    gateway.ask(
        "GET",
        "/images",
        {
            "Connection": "close, X-Named",
            "X-Named": "a",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "Proxy-Authorization": "Basic eA==",
            "Proxy-Connection": "keep-alive",
            "X_Under_Score": "a",
            "X-Kept": "kept",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        },
    )
    seen = service.seen[-1]
    names = {name for name, _ in seen.headers}
    assert not names & {
        "connection", "x-named", "keep-alive", "te", "proxy-authorization",
        "proxy-connection", "x_under_score", "upgrade", "transfer-encoding",
    }  # fmt: skip
    assert seen.header("x-kept") == ["kept"]
    assert seen.header("traceparent") == ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
    assert seen.header("via") == ["1.1 gateway"]


def test_fields_of_the_services_hop_and_its_identity_stay_here(gateway: GatewayProcess) -> None:
    reply = gateway.ask("GET", "/images")
    assert not reply.headers.keys() & {"x-powered-by", "keep-alive", "x-hop"}
    assert reply.headers["server"] == "gateway"
    assert reply.headers["via"] == "1.1 gateway"


def test_who_asks_cannot_be_made_up(gateway: GatewayProcess, service: Service) -> None:
    gateway.ask(
        "GET",
        "/images",
        {
            "Host": "example.org",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.example",
            "X-Real-IP": "6.6.6.6",
            "Forwarded": "for=6.6.6.6",
        },
    )
    seen = service.seen[-1]
    assert seen.header("x-forwarded-for") == ["127.0.0.1"]
    assert seen.header("x-forwarded-proto") == ["http"]
    assert seen.header("x-forwarded-host") == ["example.org"]
    assert seen.header("forwarded") == ['for=127.0.0.1;proto=http;host="example.org"']
    assert seen.header("x-real-ip") == []
    assert seen.header("host") == [f"127.0.0.1:{service.port}"]


@pytest.mark.parametrize(
    ("said", "is_passed"),
    [("a-request-1234", True), ("x", False), ("a b c d e f g h", False), ("a" * 65, False)],
)
def test_a_harmless_request_id_is_passed_on(
    gateway: GatewayProcess, service: Service, said: str, is_passed: bool
) -> None:
    reply = gateway.ask("GET", "/images", {"X-Request-ID": said})
    assert (reply.headers["x-request-id"] == said) == is_passed
    assert service.seen[-1].header("x-request-id") == [reply.headers["x-request-id"]]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", IMAGE, "GET, HEAD, DELETE, OPTIONS"),
        ("DELETE", "/images", "GET, HEAD, POST, OPTIONS"),
        ("GET", IMAGE + "/4", "POST, OPTIONS"),
        ("POST", "/dithers", "GET, HEAD, OPTIONS"),
        ("TRACE", "/images", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_allowed(
    gateway: GatewayProcess, method: str, path: str, allowed: str
) -> None:
    reply = gateway.ask(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert reply.headers["content-type"] == "application/problem+json"
    assert allowed in reply.json()["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/images", "GET, HEAD, POST, OPTIONS"), ("/health", "GET, HEAD, OPTIONS")],
)
def test_options(gateway: GatewayProcess, path: str, allowed: str) -> None:
    reply = gateway.ask("OPTIONS", path)
    assert (reply.status, reply.headers["allow"], reply.body) == (204, allowed, b"")


@pytest.mark.parametrize("path", [IMAGE, "/health", "/files/large?100000", "/docs", "/images/a"])
def test_head_is_get_without_a_body(gateway: GatewayProcess, path: str) -> None:
    with_body = gateway.ask("GET", path)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    for _ in range(2):  # twice on one connection: no rest of a body may remain on it
        connection.request("HEAD", path)
        response = connection.getresponse()
        assert response.status == with_body.status
        assert response.headers["content-length"] == with_body.headers["content-length"]
        assert response.headers["content-type"] == with_body.headers.get("content-type")
        assert response.read() == b""
    connection.close()


def test_an_http_1_0_client_is_answered_until_the_connection_ends(gateway: GatewayProcess) -> None:
    answer = gateway.send(b"GET /images HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert b"transfer-encoding" not in head
    assert body.startswith(b'{"uuid"')


def test_the_dither_services_locations_are_made_public(gateway: GatewayProcess) -> None:
    assert gateway.ask("POST", IMAGE + "/4").headers["location"] == f"/dithers/{UUID}"
    assert gateway.ask("POST", "/images", body=b"a").headers["location"] == IMAGE


@pytest.mark.parametrize(
    ("public", "at_the_service"),
    [
        ("/images?limit=5&cursor=a", "/images?limit=5&cursor=a"),
        ("/dithers?limit=5", "/images?limit=5"),
        (f"/dithers/{UUID}", IMAGE),
        ("/files/a%20b.png", "/files/a%20b.png"),
        (f"/notifications/{UUID}", f"/notifications/{UUID}"),
        ("/options", "/options"),
    ],
)
def test_paths_at_the_services(
    gateway: GatewayProcess, service: Service, public: str, at_the_service: str
) -> None:
    assert gateway.ask("GET", public).status == 200
    assert service.seen[-1].target == at_the_service


def test_nothing_of_the_services_own_is_public(gateway: GatewayProcess, service: Service) -> None:
    before = len(service.seen)
    for path in ("/nothing", "/images/", "/files/", "/images/a/b/c", "/internal"):
        assert gateway.ask("GET", path).status in {404, 405}, path
    assert len(service.seen) == before


@pytest.fixture(scope="module")
def proxied(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        service,
        GATEWAY_TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8",
        GATEWAY_CORS_ORIGINS="https://shop.example, https://other.example",
    ) as started:
        yield started


def test_what_a_trusted_proxy_says_is_passed_on(proxied: GatewayProcess, service: Service) -> None:
    proxied.ask(
        "GET",
        "/images",
        {
            "X-Forwarded-For": "1.1.1.1, 203.0.113.7, 10.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "dither.example",
            "Forwarded": "for=203.0.113.7;proto=https",
        },
    )
    seen = service.seen[-1]
    assert seen.header("x-forwarded-for") == ["1.1.1.1, 203.0.113.7, 10.0.0.1, 127.0.0.1"]
    assert seen.header("x-forwarded-proto") == ["https"]
    assert seen.header("x-forwarded-host") == ["dither.example"]
    assert seen.header("forwarded") == ["for=203.0.113.7;proto=https, for=127.0.0.1"]


def test_cors_for_a_listed_origin(proxied: GatewayProcess) -> None:
    reply = proxied.ask("GET", "/images", {"Origin": "https://shop.example"})
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert "origin" in reply.headers["vary"].lower()
    preflight = proxied.ask(
        "OPTIONS",
        "/images",
        {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "https://other.example"
    assert "POST" in preflight.headers["access-control-allow-methods"]


def test_cors_for_no_other_origin(proxied: GatewayProcess) -> None:
    reply = proxied.ask("GET", "/images", {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in reply.headers


def test_without_a_setting_there_is_no_cors(gateway: GatewayProcess) -> None:
    reply = gateway.ask("GET", "/images", {"Origin": "https://shop.example"})
    assert "access-control-allow-origin" not in reply.headers
