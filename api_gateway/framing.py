"""Refuse requests that the gateway and a service could interpret differently."""

import re
from urllib.parse import unquote_to_bytes

from api_gateway.headers import combine
from api_gateway.routes import find_route
from api_gateway.settings import GatewaySettings
from shared.http import Scope
from shared.problems import Problem

MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_BYTES = 32 * 1024

_HOST = re.compile(rb"([A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# Visible ASCII except the backslash and the delimiters of other parts; a percent sign starts an
# escape.
_PATH = re.compile(rb"(?:/(?:[!$-\[\]_a-z|~]|%[0-9A-Fa-f]{2})*)+")
# An encoded slash or backslash, a control character, an empty segment, a dot segment.
_AMBIGUOUS = re.compile(rb"%(?:2f|5c|[01].|7f)|//|/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Framing:
    """Refuses ambiguous header fields and paths that the server accepts, and finds the route.

    ``scope["fields"]``: the header fields by name; ``scope["host"]``: the name or address in Host;
    ``scope["row"]``: the route, or None.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._prefix = settings.public_path.encode("ascii")

    def __call__(self, scope: Scope) -> None:
        scope["fields"] = _fields(scope)
        raw = scope["raw_path"]
        if len(raw) + len(scope["query_string"]) > MAX_TARGET_BYTES:
            raise Problem(414, f"The address is too long: at most {MAX_TARGET_BYTES} bytes.")
        if not _PATH.fullmatch(raw) or _AMBIGUOUS.search(raw):
            raise Problem(400, "The path is ambiguous: encoded slashes, control characters, "
                          "empty segments and dot segments are not allowed.")  # fmt: skip
        if self._prefix and raw == self._prefix:
            page = f"{raw.decode('ascii')}/"
            raise Problem(308, f"The page is at {page}", headers={"Location": page})
        if raw.startswith(self._prefix + b"/"):
            raw = raw.removeprefix(self._prefix)
        try:
            path = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(400, "The path is not UTF-8.") from None
        scope.update(raw_path=raw, path=path, root_path="", row=find_route(path))


def _fields(scope: Scope) -> dict[bytes, bytes]:
    fields = combine(scope["headers"])
    if sum(map(len, fields.values())) > MAX_HEADER_BYTES:  # hyper takes at most 100 fields
        raise Problem(431, f"The header is too large: at most {MAX_HEADER_BYTES} bytes.")
    default = b"" if scope["http_version"] == "1.1" else b"none"
    if (host := _HOST.fullmatch(fields.get(b"host") or default)) is None:
        raise Problem(400, "A request needs exactly one valid Host field.")
    scope["host"] = host[1].decode("ascii").strip("[]").lower()
    if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Problem(400, "The only transfer coding allowed is chunked.")
    if not fields.get(b"content-length", b"0").isdigit():
        raise Problem(400, "A request may have only one Content-Length.")
    if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise Problem(417, "Expect allows only 100-continue.")
    return fields
