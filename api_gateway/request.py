"""What the gateway knows of one request, from its first byte to its access-log line."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from api_gateway import headers as h

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Refusal(Exception):
    """An answer of 4xx or 5xx that the gateway gives itself."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class Request:
    """``path`` is still percent-encoded; ``peer`` is who is connected, ``client`` whose request it
    is (another when a trusted proxy hands it over)."""

    __slots__ = (
        "_disconnect_hook",
        "cache",
        "client",
        "content_length",
        "error",
        "gone",
        "has_body",
        "headers",
        "host",
        "id",
        "key",
        "limited",
        "method",
        "must_close",
        "own",
        "path",
        "peer",
        "query",
        "receive",
        "replica",
        "route",
        "rule",
        "scheme",
        "scope",
        "send",
        "sent_bytes",
        "status",
        "trusted",
        "upstream",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.id = request_id
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: bytes = scope["query_string"]
        self.headers: h.Headers = scope["headers"]
        self.scheme: str = scope["scheme"]
        self.peer: str = (scope["client"] or ("unknown", 0))[0]
        self.client = self.peer
        self.host = b""
        self.content_length: int | None = None
        self.has_body = False
        for name, value in self.headers:
            if name == b"content-length":
                self.content_length = int(value)
                self.has_body = self.content_length > 0
            elif name == b"transfer-encoding":
                self.has_body = True
            elif name == b"host":
                self.host = value
        self.trusted = False  # the peer is a proxy of ours
        self.gone = False
        self.must_close = False
        self.own = b""  # the fields that the gateway adds to whichever answer, rendered
        self._disconnect_hook: Callable[[Callable[[], None]], None] | None = scope.get(
            "gateway.on_disconnect"
        )
        # For the log and the metrics.
        self.route = "other"
        self.upstream = ""
        self.replica = ""
        self.cache = ""
        self.key: str | None = None  # the API key's name
        self.limited = ""  # the rate limit that it went over
        self.rule = ""  # the filter's rule that it broke
        self.error = ""
        self.status = 0
        self.sent_bytes = 0

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called once, as soon as the client hangs up before its end."""
        if self._disconnect_hook is None:
            return

        def gone() -> None:
            self.gone = True
            callback()

        self._disconnect_hook(gone)

    async def start(self, status: int, headers: h.Headers, rendered: bytes = b"") -> None:
        """``rendered``: more fields, as they are sent."""
        self.status = status
        if self.must_close:
            headers = [*headers, (b"connection", b"close")]
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": headers,
                "rendered": rendered + self.own,
            }
        )

    async def body(self, data: bytes, *, more: bool = False) -> None:
        if self.method != "HEAD":
            self.sent_bytes += len(data)
        await self.send({"type": "http.response.body", "body": data, "more_body": more})
