"""Limits, keys, security headers, and data that must not appear in logs."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_gateway.keys import new_key
from standalone.ports import free_port
from tests.integration.gateway.fake_service import UUID, Service
from tests.integration.gateway.support import GatewayProcess, running_gateway, statuses, wait_until

MADE = [new_key(name, "read,write", {}) for name in ("first", "second")]
KEYS = [key for key, _ in MADE]
OPERATOR_KEY, OPERATOR = new_key("ops", "operate", {})
IMAGE = f"/images/{UUID}"


@pytest.fixture(scope="module")
def guarded(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Keys are required, limits are low, and a proxy on this machine is trusted."""
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        service,
        ACCESS="keys",
        PRINCIPAL_SECRET="a secret of thirty-two characters",
        GATEWAY_API_KEYS=", ".join([*(entry for _, entry in MADE), OPERATOR]),
        GATEWAY_RATE_LIMIT=0.01,
        GATEWAY_RATE_BURST=10,
        GATEWAY_UPLOAD_RATE_LIMIT=0.01,
        GATEWAY_UPLOAD_RATE_BURST=3,
        GATEWAY_TRUSTED_PROXIES="127.0.0.1",
    ) as started:
        yield started


def by(address: str, key: str | None = KEYS[0]) -> dict[str, str]:
    return {"X-Forwarded-For": address} | ({} if key is None else {"X-API-Key": key})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": KEYS[0][:-1]}, 401),
        ({"X-API-Key": ""}, 401),
        ({"Authorization": f"Basic {KEYS[0]}"}, 401),
        ({"X-API-Key": KEYS[1]}, 200),
        ({"Authorization": f"Bearer {KEYS[1]}"}, 200),
    ],
)
def test_an_api_key_is_asked_for(
    guarded: GatewayProcess, service: Service, headers: dict[str, str], status: int
) -> None:
    service.seen.clear()
    reply = guarded.ask("GET", IMAGE, {"X-Forwarded-For": "192.0.2.1", **headers})
    assert reply.status == status
    assert len(service.seen) == (status == 200)
    if status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
    else:
        assert not {"x-api-key", "authorization"} & {name for name, _ in service.seen[-1].headers}


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/files/a.png"])
def test_what_asks_for_no_key(guarded: GatewayProcess, path: str) -> None:
    assert guarded.ask("GET", path, by("192.0.2.2", None)).status == 200


def test_only_an_operator_sees_metrics_and_how_the_services_are(guarded: GatewayProcess) -> None:
    stranger, operator = by("192.0.2.7"), by("192.0.2.8", OPERATOR_KEY)
    assert guarded.ask("GET", "/health", stranger).json() == {"status": "ok"}
    assert guarded.ask("GET", "/metrics", stranger).status == 403
    assert guarded.ask("GET", "/metrics", by("192.0.2.7", "wrong")).status == 401
    assert "upload" in guarded.ask("GET", "/health", operator).json()["services"]
    assert b"gateway_upstream_in_flight" in guarded.ask("GET", "/metrics", operator).body


def test_the_port_for_metrics_asks_for_no_key(service: Service, tmp_path: Path) -> None:
    port = free_port()
    with (
        running_gateway(tmp_path, service, METRICS_PORT=port) as gateway,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as metrics,
    ):
        assert gateway.ask("GET", IMAGE).status == 200
        assert b"gateway_upstream_in_flight" in metrics.read()


def test_requests_over_the_limit_are_told_when_to_come_again(guarded: GatewayProcess) -> None:
    replies = [guarded.ask("GET", "/docs", by("192.0.2.3", None)) for _ in range(12)]
    assert statuses(replies) == {200: 10, 429: 2}
    assert [int(r.headers["ratelimit-remaining"]) for r in replies[:10]] == list(range(9, -1, -1))
    assert {r.headers["ratelimit-limit"] for r in replies} == {"10"}
    assert int(replies[-1].headers["retry-after"]) > 0
    assert "try again in" in replies[-1].json()["detail"]
    # Other clients are not limited.
    assert guarded.ask("GET", "/docs", by("192.0.2.4", None)).status == 200


def test_uploads_have_a_stricter_limit_and_a_key_is_one_client(guarded: GatewayProcess) -> None:
    key = KEYS[1]
    replies = [guarded.ask("POST", "/images", by(f"192.0.2.{i}", key), b"a") for i in range(5)]
    assert [reply.status for reply in replies] == [201, 201, 201, 429, 429]
    assert replies[0].headers["ratelimit-limit"] == "3"
    assert "uploads" in replies[-1].json()["detail"]


def test_addresses_of_one_ipv6_network_are_one_client(guarded: GatewayProcess) -> None:
    replies = [guarded.ask("GET", "/docs", by(f"2001:db8:1:2::{i:x}", None)) for i in range(1, 12)]
    assert statuses(replies) == {200: 10, 429: 1}


def test_without_a_trusted_proxy_a_made_up_address_is_no_other_client(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        service,
        GATEWAY_RATE_LIMIT=0.01,
        GATEWAY_RATE_BURST=20,
    ) as gateway:
        replies = [gateway.ask("GET", "/docs", by(f"192.0.2.{i}", None)) for i in range(30)]
        assert statuses(replies)[429] >= 10


def test_neither_keys_nor_addresses_are_logged(guarded: GatewayProcess) -> None:
    headers = by("192.0.2.9") | {"X-Request-ID": "the-last-of-these"}
    guarded.ask("GET", f"/notifications/{UUID}?email=a@example.org", headers)
    guarded.ask("GET", "/images/b@example.org", headers)
    guarded.ask("GET", "/images/c%40example.org", headers)
    wait_until(
        lambda: sum(line["request_id"] == "the-last-of-these" for line in guarded.lines()) == 3,
        what="the requests are logged",
    )
    log = guarded.log.read_text()
    assert not [secret for secret in (*KEYS, "example.org") if secret in log]
    [line] = [line for line in guarded.lines() if line["path"] == f"/notifications/{UUID}"]
    assert line["key"] == "key:first"
    assert line["client"] == "192.0.2.9"


def test_one_line_a_request(gateway: GatewayProcess) -> None:
    request_id = "find-me-in-the-log"
    gateway.ask("GET", f"/images/{UUID}", {"X-Request-ID": request_id})
    gateway.ask("GET", "/nothing", {"X-Request-ID": request_id})
    wait_until(
        lambda: sum(line["request_id"] == request_id for line in gateway.lines()) == 2,
        what="both are logged",
    )
    found, missing = (line for line in gateway.lines() if line["request_id"] == request_id)
    assert {
        name: found[name] for name in ("method", "path", "status", "route", "upstream", "service")
    } == {
        "method": "GET",
        "path": f"/images/{UUID}",
        "status": 200,
        "route": "image",
        "upstream": "upload",
        "service": "gateway",
    }
    assert found["bytes"] > 0
    assert found["milliseconds"] >= 0
    assert missing["status"] == 404


@pytest.mark.parametrize("path", [IMAGE, "/health", "/nothing", "/files/a.png", "/images/a/b/c"])
def test_every_answer_is_made_safe_for_browsers(gateway: GatewayProcess, path: str) -> None:
    headers = gateway.ask("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["server"] == "gateway"  # no product name and no version


def test_the_documentation_page_runs_nothing_inline(gateway: GatewayProcess) -> None:
    reply = gateway.ask("GET", "/docs")
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert b"<script>" not in reply.body
    assert b"style=" not in reply.body


def test_every_error_is_a_problem(gateway: GatewayProcess) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/images"), ("GET", "/wp-admin")):
        reply = gateway.ask(method, path)
        assert reply.headers["content-type"] == "application/problem+json"
        problem = reply.json()
        assert problem["status"] == reply.status
        assert problem["request_id"] == reply.headers["x-request-id"]


def test_the_services_health_is_told_without_their_secrets(gateway: GatewayProcess) -> None:
    health = gateway.ask("GET", "/health").json()
    assert health["status"] == "ok"
    assert health["services"]["dither"] == {
        "status": "ok",
        "parts": {"database": "ok"},
        "replicas": {"total": 1, "in_rotation": 1},
    }


def test_the_public_api_is_one_document(gateway: GatewayProcess) -> None:
    document = json.loads(gateway.ask("GET", "/openapi.json").body)
    assert document["servers"] == [{"url": "/"}]
    assert set(document["paths"]) > {"/images", "/dithers", "/health"}


def test_below_a_path_everything_says_so(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        service,
        ACCESS="open",
        PUBLIC_URL="https://example.org/dither/",
    ) as gateway:
        missing = gateway.ask("GET", "/dither/nothing")
        assert missing.json()["type"] == "/dither/docs/problems/404"
        assert gateway.ask("GET", missing.json()["type"]).status == 200
        assert gateway.ask("PUT", "/dither/images").json()["type"] == "/dither/docs/problems/405"
        created = gateway.ask("POST", "/dither/images", body=b"a")
        assert created.headers["location"] == f"/dither/images/{UUID}"
        document = gateway.ask("GET", "/dither/openapi.json").json()
        assert document["servers"] == [{"url": "/dither"}]
        assert gateway.ask("GET", "/dither").headers["location"] == "/dither/"


@pytest.mark.parametrize("name", ["docs", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js"])
def test_the_documentation_comes_from_here(gateway: GatewayProcess, name: str) -> None:
    whole = gateway.ask("GET", f"/{name}", {"Accept-Encoding": "gzip"})
    assert whole.status == 200
    is_small = len(whole.body) < 1000
    assert whole.headers.get("content-encoding") == (None if is_small else "gzip")
    assert whole.headers["cache-control"] == "no-cache"
    head = gateway.ask("HEAD", f"/{name}")
    assert (head.status, head.body) == (200, b"")
