"""Keys, addresses, header fields, routes, settings, the breaker: what needs no server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api_gateway import headers as h
from api_gateway.breaker import CircuitBreaker
from api_gateway.forwarded import TrustedProxies, forwarded_fields
from api_gateway.keys import ApiKeys
from api_gateway.openapi import merge
from api_gateway.routes import ROUTES, find_route
from api_gateway.settings import GatewaySettings


class TestApiKeys:
    keys = ApiKeys(["one", "two"])

    @pytest.mark.parametrize(
        "field", [(b"x-api-key", b"one"), (b"x-api-key", b"two"), (b"authorization", b"bearer two")]
    )
    def test_known(self, field: tuple[bytes, bytes]) -> None:
        name = self.keys.identify(dict([field]))
        assert name is not None
        assert name.startswith("key-")
        assert field[1].decode() not in name

    @pytest.mark.parametrize(
        "field",
        [(b"x-api-key", b"three"), (b"x-api-key", b""), (b"authorization", b"one"), (b"a", b"one")],
    )
    def test_unknown(self, field: tuple[bytes, bytes]) -> None:
        assert self.keys.identify(dict([field])) is None

    def test_without_keys_nobody_is_known(self) -> None:
        assert ApiKeys([]).identify({b"x-api-key": b""}) is None


class TestClientAddress:
    @pytest.mark.parametrize(
        ("peer", "hops", "client"),
        [
            ("192.0.2.1", b"6.6.6.6", "192.0.2.1"),
            ("10.0.0.1", b"", "10.0.0.1"),
            ("10.0.0.1", b"192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", b"6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", b"6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.1", b"6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", b"2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", b"203.0.113.17:40000", "203.0.113.17"),
            ("10.0.0.1", b"[2001:db8::1]:40000", "2001:db8::1"),
            ("10.0.0.1", b"[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", b"192.0.2.1, 10.0.0.2:443", "192.0.2.1"),
            ("10.0.0.1", b'fe80::1%x", "level": "error', "10.0.0.1"),
        ],
    )
    def test_whose_request_it_is(self, peer: str, hops: bytes, client: str) -> None:
        fields = {b"x-forwarded-for": hops} if hops else {}
        assert TrustedProxies(["10.0.0.0/8"]).client(fields, peer)[0] == client


names = st.from_regex(rb"[a-z][a-z-]{0,10}", fullmatch=True)
values = st.from_regex(rb"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)


@given(st.lists(st.tuples(names, values), max_size=12))
def test_nothing_of_the_hop_is_passed_on(fields: h.Fields) -> None:
    sent = [name for name, _ in h.end_to_end(fields, h.REQUEST_DROPPED)]
    assert sent.count(b"via") == 1
    assert not set(sent) & (h.REQUEST_DROPPED - {b"via"})


@pytest.mark.parametrize("said", ["https", ""])
def test_the_hop_of_a_trusted_proxy_is_added_to_what_it_said(said: str) -> None:
    fields = {b"host": b"a", b"x-forwarded-for": b"192.0.2.1", b"x-forwarded-proto": said.encode()}
    told = dict(forwarded_fields(fields, "2001:db8::1", "http", trusted=True))
    assert told["x-forwarded-for"] == "192.0.2.1, 2001:db8::1"
    assert told["x-forwarded-proto"] == (said or "http")
    assert told["forwarded"] == 'for="[2001:db8::1]"'


def test_fields_named_by_connection_go_but_not_those_that_give_a_message_its_meaning() -> None:
    fields = [
        (b"connection", b"X-Own, content-type, close"),
        (b"x-own", b"a"),
        (b"content-type", b"image/png"),
        (b"via", b"1.0 other"),
    ]
    assert h.end_to_end(fields, h.RESPONSE_DROPPED) == [
        (b"content-type", b"image/png"),
        (b"via", b"1.0 other, 1.1 gateway"),
    ]


class TestRoutes:
    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("/images", "images"),
            ("/images/a", "image"),
            ("/images/a/events", "events"),
            ("/images/a/4", "dither"),
            ("/dithers/a", "dithers_of"),
            ("/files/a/b.png", "files"),
        ],
    )
    def test_found(self, path: str, name: str) -> None:
        found = find_route(path)
        assert found is not None
        assert found.name == name

    @pytest.mark.parametrize(
        "path", ["/", "/images/", "/files/", "/imagesx", "/images/a/b/c", "*", "", "/x"]
    )
    def test_not_found(self, path: str) -> None:
        assert find_route(path) is None

    def test_all_are_in_the_public_document(self) -> None:
        paths = merge({}, {})["paths"]
        assert {route.path.replace(":path", "") for route in ROUTES} == set(paths)


class TestSettings:
    @pytest.mark.parametrize("url", ["upload:8001", "ftp://a", "http://a/path", ""])
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(ValidationError, match="no address such as"):
            GatewaySettings(upload_service_url=url)

    def test_proxies_that_are_none(self) -> None:
        with pytest.raises(ValidationError):
            GatewaySettings(gateway_trusted_proxies="10.0.0.0/8, everyone")

    def test_keys_are_not_shown(self) -> None:
        settings = GatewaySettings.model_validate({"gateway_api_keys": "secret-1, secret-2"})
        assert settings.api_keys == ["secret-1", "secret-2"]
        assert "secret" not in repr(settings)


class TestCircuitBreaker:
    def test_opens_after_failures_in_a_row_and_a_trial_decides(self) -> None:
        breaker = CircuitBreaker(failures_to_open=3, open_seconds=1)
        for _ in range(2):
            breaker.failure(0)
        breaker.success()
        for _ in range(2):
            breaker.failure(0)
        assert breaker.allows(0)
        breaker.failure(0)
        assert not breaker.allows(0.9)
        assert breaker.allows(1)
        breaker.begin()
        assert not breaker.allows(1), "one trial at a time"
        breaker.failure(1)
        assert not breaker.allows(1.9)
        breaker.begin()
        breaker.success()
        assert breaker.closed

    def test_nobody_listening_opens_it_at_once(self) -> None:
        breaker = CircuitBreaker(failures_to_open=3, open_seconds=1)
        breaker.failure(0, fatal=True)
        assert not breaker.allows(0)

    def test_a_probe_ends_what_began_with_nobody_there_and_nothing_else(self) -> None:
        breaker = CircuitBreaker(failures_to_open=2, open_seconds=1)
        breaker.failure(0, fatal=True)
        breaker.heard()
        assert breaker.closed
        breaker.failure(0)
        breaker.heard()
        breaker.failure(0)
        breaker.heard()
        assert not breaker.allows(0.9), "it is there, and does no work"
        breaker.failure(0.5, fatal=True)
        breaker.heard()
        assert breaker.closed, "it was started anew"

    def test_a_trial_that_told_nothing_may_be_followed_by_another(self) -> None:
        breaker = CircuitBreaker(failures_to_open=1, open_seconds=1)
        breaker.failure(0)
        breaker.begin()
        breaker.abandon()
        assert breaker.allows(1)
