"""Header fields in a proxy (RFC 9110, 7.6; RFC 7239)."""

from shared.context import REQUEST_ID_HEADER, current_request_id
from shared.http import Scope
from shared.principal import PRINCIPAL_HEADER

Fields = list[tuple[bytes, bytes]]  # as ASGI has them: names in lower case
TextFields = list[tuple[str, str]]  # as the client has them

VIA = b"1.1 gateway"
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade http2-settings via".split()
)
# The gateway sets these itself, or does not forward them.
REQUEST_DROPPED = HOP_BY_HOP | frozenset(
    b"host content-length expect forwarded x-forwarded-for x-forwarded-host x-forwarded-proto "
    b"x-forwarded-port x-forwarded-prefix x-forwarded-server x-real-ip x-request-id "
    b"authorization cookie x-api-key x-manage-token x-principal x-call".split()
)
RESPONSE_DROPPED = HOP_BY_HOP | frozenset(b"server x-powered-by x-request-id alt-svc".split())
# Fields that Connection may not name: removing them would change the meaning of the message.
_END_TO_END = frozenset(b"content-length content-type cache-control authorization".split())


def combine(fields: Fields) -> dict[bytes, bytes]:
    """The fields by name; fields with the same name become one list (RFC 9110, 5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found


def end_to_end(fields: Fields, by_name: dict[bytes, bytes], dropped: frozenset[bytes]) -> Fields:
    """The fields to forward, with ``Via`` for this hop. ``by_name``: the same, combined."""
    if b"connection" in by_name:
        named = {name.strip().lower() for name in by_name[b"connection"].split(b",")}
        dropped |= named - _END_TO_END
    kept = [field for field in fields if field[0] not in dropped]
    kept.append((b"via", b"%b, %b" % (by_name[b"via"], VIA) if b"via" in by_name else VIA))
    return kept


def request_fields(scope: Scope) -> TextFields:
    """A request's fields for the service, the same for every replica."""
    fields = [
        (name.decode("ascii"), value.decode("ascii"))
        for name, value in end_to_end(scope["headers"], scope["fields"], REQUEST_DROPPED)
        # Some servers treat a_b and a-b as the same field; only ASCII text is forwarded.
        if b"_" not in name and value.isascii()
    ]
    fields += forwarded_fields(scope)
    fields.append((REQUEST_ID_HEADER, current_request_id() or ""))
    if (principal := scope.get("principal_header")) is not None:
        fields.append((PRINCIPAL_HEADER, principal))
    return fields


def forwarded_fields(scope: Scope) -> TextFields:
    """The forwarding fields for a service: from the connection, or added to a trusted proxy's.

    ``scope["peer"]`` is at the other end of the connection; behind a proxy, ``scope["client"]`` is
    what uvicorn's ProxyHeadersMiddleware has found in the proxy's fields.
    """

    def said(name: bytes) -> str:
        return str(scope["fields"].get(name, b""), "latin-1")

    peer, scheme, host = scope["peer"][0], scope["scheme"], said(b"host")
    hops, forwarded = peer, f'for="[{peer}]"' if ":" in peer else f"for={peer}"
    if scope["client"][0] == peer:
        forwarded = f'{forwarded};proto={scheme};host="{host}"'
    else:
        host = said(b"x-forwarded-host") or host
        hops = ", ".join(filter(None, (said(b"x-forwarded-for"), hops)))
        forwarded = ", ".join(filter(None, (said(b"forwarded"), forwarded)))
    return [
        ("x-forwarded-for", hops),
        ("x-forwarded-proto", scheme),
        ("x-forwarded-host", host),
        ("forwarded", forwarded),
    ]
