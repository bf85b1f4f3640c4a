"""Header fields on their way through a proxy (RFC 9110, 7.6; RFC 9112; RFC 7239)."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address

Headers = list[tuple[bytes, bytes]]

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


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """The fields that ``Connection`` declares to be for this hop only."""
    values = get_list(headers, b"connection")
    if values in {b"", b"keep-alive", b"close"}:
        return frozenset()
    return frozenset(token.strip().lower() for token in values.split(b",")) - _END_TO_END


def render(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The fields as they are sent."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


def get(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first field's value."""
    for key, value in headers:
        if key == name:
            return value
    return None


def get_list(headers: Headers, name: bytes) -> bytes:
    """All fields of this name as one list (RFC 9110, 5.3)."""
    return b", ".join(value for key, value in headers if key == name)


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


def forwarded_block(
    headers: Headers, client: str, scheme: str, host: bytes, *, trusted: bool
) -> bytes:
    """Who asked, for the service: from the connection, or appended to what a trusted proxy said."""
    if not trusted:
        return _forwarded(client, scheme, host)
    hops = get_list(headers, b"x-forwarded-for")
    node = (f'for="[{client}]"' if ":" in client else f"for={client}").encode("ascii")
    lines = [
        b"x-forwarded-for: " + (hops + b", " if hops else b"") + client.encode("ascii"),
        b"x-forwarded-proto: " + (get(headers, b"x-forwarded-proto") or scheme.encode("ascii")),
        b"x-forwarded-host: " + (get(headers, b"x-forwarded-host") or host),
    ]
    said = get_list(headers, b"forwarded")
    lines.append(b"forwarded: " + (said + b", " if said else b"") + node)
    return b"\r\n".join(lines) + b"\r\n"


def client_address(headers: Headers, peer: str, trusts: Callable[[str], bool]) -> tuple[str, bool]:
    """Whose request it is, and whether a trusted proxy handed it over.

    Read from the right: everything left of the first address that is not ours may be made up.
    """
    if not trusts(peer):
        return peer, False
    client = peer
    for hop in reversed(get_list(headers, b"x-forwarded-for").split(b",")):
        address = hop.strip().decode("latin-1")
        try:
            ip_address(address)
        except ValueError:
            break
        client = address
        if not trusts(address):
            break
    return client, True


def request_head(
    method: str,
    target: bytes,
    authority: str,
    headers: Headers,
    *,
    forwarded: bytes,
    request_id: str,
    length: int | None,
    has_body: bool,
) -> bytes:
    """The request's head as the service gets it. ``length`` None with a body: chunked."""
    lines = [f"{method} ".encode("ascii"), target, b" HTTP/1.1\r\n"]
    lines.append(f"host: {authority}\r\n".encode("ascii"))
    kept, via = _kept(headers, _REQUEST_DROPPED)
    # Some servers take a_b and a-b for the same field.
    lines += [b"%b: %b\r\n" % field for field in kept if b"_" not in field[0]]
    if has_body:
        lines.append(
            b"transfer-encoding: chunked\r\n"
            if length is None
            else f"content-length: {length}\r\n".encode("ascii")
        )
    lines.append(forwarded)
    lines.append(b"via: %b\r\nx-request-id: %b\r\n\r\n" % (via, request_id.encode("ascii")))
    return b"".join(lines)


def response_headers(headers: Headers) -> Headers:
    """The answer's fields without those of the hop to the service."""
    kept, via = _kept(headers, _RESPONSE_DROPPED)
    kept.append((b"via", via))
    return kept


def _kept(headers: Headers, dropped: frozenset[bytes]) -> tuple[Headers, bytes]:
    """The fields that go on, and ``Via`` with this hop."""
    kept: Headers = []
    via, has_connection = PSEUDONYM, False
    for field in headers:
        name = field[0]
        if name not in dropped:
            kept.append(field)
        elif name == b"connection":
            has_connection = True
        elif name == b"via":
            via = get_list(headers, b"via") + b", " + PSEUDONYM
    if has_connection and (named := named_by_connection(headers)):
        kept = [field for field in kept if field[0] not in named]
    return kept, via
