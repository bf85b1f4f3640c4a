"""Header fields in a proxy (RFC 9110, 7.6)."""

from collections.abc import Iterable, Mapping

Fields = list[tuple[bytes, bytes]]  # as ASGI has them: names in lower case

VIA = b"1.1 gateway"
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade http2-settings".split()
)
# The gateway sets these itself, or does not forward them.
REQUEST_DROPPED = HOP_BY_HOP | frozenset(
    b"host content-length expect via forwarded x-forwarded-for x-forwarded-host x-forwarded-proto "
    b"x-forwarded-port x-forwarded-prefix x-forwarded-server x-real-ip x-request-id "
    b"authorization cookie x-api-key x-manage-token x-principal".split()
)
RESPONSE_DROPPED = HOP_BY_HOP | frozenset(b"server x-powered-by via x-request-id alt-svc".split())
# Fields that Connection may not name: removing them would change the meaning of the message.
_END_TO_END = frozenset(b"content-length content-type cache-control authorization".split())


def combine(fields: Fields) -> Mapping[bytes, bytes]:
    """The fields by name; fields with the same name become one list (RFC 9110, 5.3)."""
    found = dict(fields)
    if len(found) != len(fields):
        found = {}
        for name, value in fields:
            found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found


def end_to_end(fields: Iterable[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    """The fields to forward, with ``Via`` for this hop."""
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
    return [*kept, (b"via", b", ".join([*vias, VIA]))]
