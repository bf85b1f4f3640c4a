"""Refuse requests that the gateway and a service could interpret differently."""

import re
from urllib.parse import unquote_to_bytes

from starlette.responses import RedirectResponse

from api_gateway.headers import combine
from api_gateway.routes import find_route
from api_gateway.settings import GatewaySettings
from shared.http import Asgi, Receive, Scope, Send
from shared.problems import Problem

MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_BYTES = 32 * 1024

_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# Visible ASCII except the backslash and the delimiters of other parts; a percent sign starts an
# escape.
_PATH = re.compile(rb"(?:/(?:[!$-\[\]_a-z|~]|%[0-9A-Fa-f]{2})*)+")
# An encoded slash or backslash, a control character, an empty segment, a dot segment.
_AMBIGUOUS = re.compile(rb"%(?:2f|5c|[01].|7f)|//|/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Middleware:
    """Called with a request, it raises Problem to refuse it, or calls ``self.app``."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self.app = app
        self.settings = settings


class Framing(Middleware):
    """Refuses ambiguous header fields that the server accepts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["fields"] = fields = combine(scope["headers"])
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            raise Problem(431, f"The header is too large: at most {MAX_HEADER_BYTES} bytes.")
        default = b"" if scope["http_version"] == "1.1" else b"none"
        if not _HOST.fullmatch(fields.get(b"host") or default):
            raise Problem(400, "A request needs one valid Host field.")
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise Problem(400, "The only transfer coding taken is chunked.")
        if not fields.get(b"content-length", b"0").isdigit():
            raise Problem(400, "A request has at most one length.")
        if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
            raise Problem(417, "Only 100-continue can be expected.")
        await self.app(scope, receive, send)


class Paths(Middleware):
    """Refuses paths that the gateway and a service could interpret differently."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope["raw_path"]
        if len(raw) + len(scope["query_string"]) > MAX_TARGET_BYTES:
            raise Problem(414, f"The address is too long: at most {MAX_TARGET_BYTES} bytes.")
        if not _PATH.fullmatch(raw) or _AMBIGUOUS.search(raw):
            raise Problem(400, "The path is ambiguous: no encoded slashes, control characters, "
                          "empty segments or dot segments are taken.")  # fmt: skip
        prefix = self.settings.public_path.encode("ascii")
        if prefix and raw == prefix:
            await RedirectResponse(self.settings.public_path + "/", 308)(scope, receive, send)
            return
        if prefix and raw.startswith(prefix + b"/"):
            raw = raw.removeprefix(prefix)
        try:
            path = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(400, "The path is not UTF-8.") from None
        scope.update(raw_path=raw, path=path, root_path="", row=find_route(path))
        await self.app(scope, receive, send)
