"""Header fields on their way through a proxy (RFC 9110, 7.6)."""

from collections.abc import Iterable, Mapping

Fields = list[tuple[bytes, bytes]]  # as ASGI has them: names in lower case

VIA = b"1.1 gateway"

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
REQUEST_DROPPED = HOP_BY_HOP | {
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
RESPONSE_DROPPED = HOP_BY_HOP | {b"server", b"x-powered-by", b"via", b"x-request-id", b"alt-svc"}
# What Connection may not name: losing them would change what the message means.
_END_TO_END = frozenset({b"content-length", b"content-type", b"cache-control", b"authorization"})


def combine(fields: Fields) -> Mapping[bytes, bytes]:
    """By name; several fields of one name are one list (RFC 9110, 5.3)."""
    found = dict(fields)
    if len(found) != len(fields):
        found = {}
        for name, value in fields:
            found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found


def end_to_end(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    """The fields that go on, with ``Via`` for this hop."""
    kept: Fields = []
    vias: list[bytes] = []
    named: set[bytes] = set()
    for field in fields:
        name = field[0]
        if name not in dropped:
            kept.append(field)
        elif name == b"connection":
            named.update(token.strip().lower() for token in field[1].split(b","))
        elif name == b"via":
            vias.append(field[1])
    named -= _END_TO_END
    if named:
        kept = [field for field in kept if field[0] not in named]
    kept.append((b"via", b", ".join([*vias, VIA])))
    return kept
