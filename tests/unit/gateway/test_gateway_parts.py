"""Keys, addresses, header fields, routes, settings, replicas: what needs no server."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api_gateway import headers as h
from api_gateway.keys import new_key
from api_gateway.main import behind_proxies
from api_gateway.routes import ROUTES, find_route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Replica
from shared.http import Receive, Scope, Send
from tests.support.openapi_document import public_path


class Clock:
    """Time that passes when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestClientAddress:
    @pytest.mark.parametrize(
        ("peer", "hops", "client"),
        [
            ("192.0.2.1", b"6.6.6.6", "192.0.2.1"),
            ("10.0.0.1", b"", "10.0.0.1"),
            ("10.0.0.1", b"192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", b"6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.1", b"6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("10.0.0.1", b"2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", b"203.0.113.17:40000", "203.0.113.17"),
            ("10.0.0.1", b"[2001:db8::1]:40000", "2001:db8::1"),
            ("10.0.0.1", b"[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", b"192.0.2.1, 10.0.0.2:443", "192.0.2.1"),
        ],
    )
    def test_whose_request_it_is(self, peer: str, hops: bytes, client: str) -> None:
        fields = [(b"x-forwarded-for", hops)] if hops else []
        assert seen_through_proxies(fields, peer)["client"][0] == client


def seen_through_proxies(fields: h.Fields, peer: str) -> dict[str, Any]:
    """The scope of a request after the middleware that believes the proxies in 10.0.0.0/8."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Only the scope is looked at."""

    scope: dict[str, Any] = {
        "type": "http", "client": (peer, 1), "peer": (peer, 1), "scheme": "http",
        "headers": fields, "fields": h.combine(fields),
    }  # fmt: skip

    async def run() -> None:
        await behind_proxies(app, ["10.0.0.0/8"])(scope, Mock(), Mock())

    asyncio.run(run())
    return scope


names = st.from_regex(rb"[a-z][a-z-]{0,10}", fullmatch=True)
values = st.from_regex(rb"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)


@given(st.lists(st.tuples(names, values), max_size=12))
def test_nothing_of_the_hop_is_passed_on(fields: h.Fields) -> None:
    sent = [name for name, _ in h.end_to_end(fields, h.combine(fields), h.REQUEST_DROPPED)]
    assert sent.count(b"via") == 1
    assert not set(sent) & (h.REQUEST_DROPPED - {b"via"})


@pytest.mark.parametrize("said", ["https", ""])
def test_the_hop_of_a_trusted_proxy_is_added_to_what_it_said(said: str) -> None:
    fields = [
        (b"host", b"a"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x-forwarded-proto", said.encode()),
    ]
    told = dict(h.forwarded_fields(seen_through_proxies(fields, "10.0.0.1")))
    assert told["x-forwarded-for"] == "192.0.2.1, 10.0.0.1"
    assert told["x-forwarded-proto"] == (said or "http")
    assert told["forwarded"] == "for=10.0.0.1"


def test_an_ipv6_address_is_quoted() -> None:
    told = dict(h.forwarded_fields(seen_through_proxies([(b"host", b"a")], "2001:db8::1")))
    assert told["x-forwarded-for"] == "2001:db8::1"
    assert told["forwarded"] == 'for="[2001:db8::1]";proto=http;host="a"'


def test_fields_named_by_connection_go_but_not_those_that_give_a_message_its_meaning() -> None:
    fields = [
        (b"connection", b"X-Own, content-type, close"),
        (b"x-own", b"a"),
        (b"content-type", b"image/png"),
        (b"via", b"1.0 other"),
    ]
    assert h.end_to_end(fields, h.combine(fields), h.RESPONSE_DROPPED) == [
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

    @pytest.mark.parametrize(
        ("name", "at_service", "public"),
        [
            ("image", "/images/{uuid}", "/images/{uuid}"),
            ("dithers_of", "/images/{uuid}", "/dithers/{uuid}"),
            ("dithers", "/images", "/dithers"),
            ("files", "/files/{key}", "/files/{key}"),
            ("previews", "/previews/part", "/previews/part"),
            ("dithers_of", "/preview", None),
            ("dithers_of", "/images/{uuid}/{channels}", None),
            ("images", "/health", None),
        ],
    )
    def test_what_a_path_of_a_service_is_called_in_public(
        self, name: str, at_service: str, public: str | None
    ) -> None:
        [route] = [route for route in ROUTES if route.name == name]
        assert public_path(route, at_service) == public
        if public is not None:
            assert route.at_service(public) == at_service


class TestSettings:
    @pytest.mark.parametrize("url", ["upload:8001", "ftp://a", "http://a/path", ""])
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(ValidationError, match="an address such as"):
            GatewaySettings(upload_service_url=url)

    def test_proxies_that_are_none(self) -> None:
        with pytest.raises(ValidationError):
            GatewaySettings(gateway_trusted_proxies="10.0.0.0/8, everyone")

    def test_keys_are_not_shown(self) -> None:
        entries = [new_key(name, "read", {})[1] for name in ("shop", "till")]
        settings = GatewaySettings.model_validate(
            {"access": "keys", "principal_secret": "s" * 32, "gateway_api_keys": ", ".join(entries)}
        )
        assert settings.api_keys == entries
        assert "shop" not in repr(settings)
        assert "sss" not in repr(settings)


class TestReplica:
    """Out of rotation for a second after three failures, or one if nobody listens."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def replica(self, clock: Clock) -> Replica:
        settings = GatewaySettings(
            upstream_failures_to_open=3, upstream_open_seconds=1, upstream_probe_seconds=0.5
        )
        return Replica("unit", "http://user:secret@127.0.0.1:1", settings, clock)

    def test_failures_in_a_row_and_then_a_trial_each_pause(
        self, replica: Replica, clock: Clock
    ) -> None:
        for outcome in (replica.failed, replica.failed, None, replica.failed, replica.failed):
            if outcome is None:
                replica.succeeded()
            else:
                outcome("slow")
        assert replica.may_be_asked()
        replica.failed("slow")
        clock.now += 0.9
        assert not replica.may_be_asked()
        clock.now += 0.1
        assert replica.may_be_asked()
        replica.begin()
        assert not replica.may_be_asked(), "one trial at a time"
        clock.now += 1
        assert replica.may_be_asked(), "a trial may end without telling anything"
        replica.begin()
        replica.succeeded()
        assert replica.in_rotation
        assert replica.may_be_asked()

    def test_once_is_enough_if_nobody_listens_and_a_probe_ends_it(
        self, replica: Replica, clock: Clock
    ) -> None:
        replica.failed("refused", absent=True)
        clock.now += 1.4
        assert not replica.may_be_asked(), "the next probe comes first"
        replica.was_heard()
        assert replica.in_rotation

    def test_a_probe_does_not_end_what_began_with_failures(self, replica: Replica) -> None:
        for _ in range(3):
            replica.failed("slow")
            replica.was_heard()
        assert not replica.may_be_asked(), "it listens, and does no work"
        replica.failed("refused", absent=True)
        replica.was_heard()
        assert replica.in_rotation, "it was started again"

    def test_a_replica_that_nobody_uses_is_seldom_probed(self, replica: Replica) -> None:
        turns = [replica.is_due_for_probe() for _ in range(12)]
        assert [number for number, due in enumerate(turns) if due] == [0, 10]
        replica.begin()
        assert replica.is_due_for_probe()
        replica.failed("refused", absent=True)
        assert all(replica.is_due_for_probe() for _ in range(3)), "each turn, until it is back"

    def test_its_name_in_logs_has_no_password(self, replica: Replica) -> None:
        assert replica.authority == "127.0.0.1:1"
