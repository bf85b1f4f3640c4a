"""Header fields on their way through a proxy (RFC 9110, 7.6; RFC 9112; RFC 7239)."""

import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from ipaddress import ip_address

Headers = list[tuple[bytes, bytes]]  # as they came, names in lower case
Fields = Mapping[bytes, bytes]  # to look up by name

PSEUDONYM = b"1.1 gateway"

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
# The gateway says these itself, or keeps them to itself.
_REQUEST_DROPPED = HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"expect",
    b"via",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-server",
    b"x-real-ip",
    b"x-request-id",
    b"x-api-key",
}
_RESPONSE_DROPPED = HOP_BY_HOP | {
    b"server",
    b"x-powered-by",
    b"via",
    b"x-request-id",
    b"alt-svc",
}
# What Connection may not name: losing them would change what the message means.
_END_TO_END = frozenset({b"content-length", b"content-type", b"cache-control", b"authorization"})


def combine(headers: Headers) -> Fields:
    """By name; several fields of one name are one list (RFC 9110, 5.3)."""
    fields = dict(headers)
    if len(fields) != len(headers):
        fields = {}
        for name, value in headers:
            fields[name] = b"%b, %b" % (fields[name], value) if name in fields else value
    return fields


def render(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The fields as they are sent."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


def get(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first field's value."""
    for key, value in headers:
        if key == name:
            return value
    return None


def date() -> tuple[bytes, bytes]:
    """The Date field of an answer that is made now."""
    return b"date", _date(int(time.time()))


@lru_cache(1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")


def named_by_connection(value: bytes) -> frozenset[bytes]:
    """The fields that ``Connection`` declares to be for this hop only."""
    if value in {b"keep-alive", b"close"}:
        return frozenset()
    return frozenset(token.strip().lower() for token in value.split(b",")) - _END_TO_END


@lru_cache(4096)
def _forwarded(client: str, scheme: str, host: bytes) -> bytes:
    node = f'"[{client}]"' if ":" in client else client
    return (
        f"x-forwarded-for: {client}\r\nx-forwarded-proto: {scheme}\r\n".encode("ascii")
        + b"x-forwarded-host: "
        + host
        + f"\r\nforwarded: for={node};proto={scheme};host=".encode("ascii")
        + b'"'
        + host.replace(b'"', b"")
        + b'"\r\n'
    )


def forwarded_block(fields: Fields, client: str, scheme: str, *, trusted: bool) -> bytes:
    """Who asked, for the service: from the connection, or appended to what a trusted proxy said."""
    host = fields.get(b"host", b"")
    if not trusted:
        return _forwarded(client, scheme, host)
    hops = fields.get(b"x-forwarded-for")
    node = (f'for="[{client}]"' if ":" in client else f"for={client}").encode("ascii")
    lines = [
        b"x-forwarded-for: " + (hops + b", " if hops else b"") + client.encode("ascii"),
        b"x-forwarded-proto: " + (fields.get(b"x-forwarded-proto") or scheme.encode("ascii")),
        b"x-forwarded-host: " + (fields.get(b"x-forwarded-host") or host),
    ]
    said = fields.get(b"forwarded")
    lines.append(b"forwarded: " + (said + b", " if said else b"") + node)
    return b"\r\n".join(lines) + b"\r\n"


def _is_address(text: str) -> bool:
    """An IP address; without a zone, which may be any text and means nothing elsewhere."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def client_address(fields: Fields, peer: str, trusts: Callable[[str], bool]) -> tuple[str, bool]:
    """Whose request it is, and whether a trusted proxy handed it over.

    Read from the right: everything left of the first address that is not ours may be made up.
    """
    if not trusts(peer):
        return peer, False
    client = peer
    for hop in reversed(fields.get(b"x-forwarded-for", b"").split(b",")):
        address = hop.strip().decode("latin-1")
        if not _is_address(address):
            break
        client = address
        if not trusts(address):
            break
    return client, True


def request_head(
    method: str,
    target: bytes,
    authority: bytes,
    headers: Headers,
    *,
    forwarded: bytes,
    request_id: str,
    length: int | None,
    has_body: bool,
) -> bytes:
    """The request's head as the service gets it. ``length`` None with a body: chunked."""
    framing = b""
    if has_body:
        framing = b"transfer-encoding: chunked\r\n"
        if length is not None:
            framing = b"content-length: %d\r\n" % length
    kept, via = _kept(headers, _REQUEST_DROPPED)
    # Some servers take a_b and a-b for the same field.
    fields = b"".join([b"%b: %b\r\n" % field for field in kept if b"_" not in field[0]])
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b%b%bvia: %b\r\nx-request-id: %b\r\n\r\n" % (
        method.encode("ascii"),
        target,
        authority,
        fields,
        framing,
        forwarded,
        via,
        request_id.encode("ascii"),
    )


def response_headers(headers: Headers) -> Headers:
    """The answer's fields without those of the hop to the service."""
    kept, via = _kept(headers, _RESPONSE_DROPPED)
    kept.append((b"via", via))
    return kept


def _kept(headers: Headers, dropped: frozenset[bytes]) -> tuple[Headers, bytes]:
    """The fields that go on, and ``Via`` with this hop."""
    kept: Headers = []
    vias: list[bytes] = []
    named: frozenset[bytes] = frozenset()
    for field in headers:
        name = field[0]
        if name not in dropped:
            kept.append(field)
        elif name == b"connection":
            named |= named_by_connection(field[1])
        elif name == b"via":
            vias.append(field[1])
    if named:
        kept = [field for field in kept if field[0] not in named]
    return kept, b", ".join([*vias, PSEUDONYM])
