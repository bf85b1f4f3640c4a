"""Which other sites' pages may call the API (Fetch standard, 3.2)."""

from api_gateway import headers as h
from api_gateway.request import Request

_PREFLIGHT: h.Headers = [
    (b"access-control-allow-headers", b"content-type, x-api-key, authorization, x-request-id"),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (
    b"access-control-expose-headers",
    b"location, etag, retry-after, x-request-id, ratelimit-limit, ratelimit-remaining, "
    b"ratelimit-reset, x-dither-colours, x-dither-width, x-dither-height",
)


class Cors:
    def __init__(self, origins: tuple[str, ...]) -> None:
        self._all = "*" in origins
        self._origins = frozenset(origin.rstrip("/").encode("ascii") for origin in origins)

    def headers(self, request: Request, allow: str | None = None) -> h.Headers:
        """``allow``: the methods, when this answers a preflight request. Credentials never."""
        vary: h.Headers = [] if self._all else [(b"vary", b"origin")]
        origin = request.fields.get(b"origin")
        if origin is None or not (self._all or origin in self._origins):
            return vary
        allowed = (b"access-control-allow-origin", b"*" if self._all else origin)
        if allow is None:
            return [*vary, allowed, _EXPOSED]
        methods = (b"access-control-allow-methods", allow.encode("ascii"))
        return [*vary, allowed, methods, *_PREFLIGHT]
