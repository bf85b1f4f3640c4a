"""One request of a client, and its answer, from its first byte to its access-log line."""

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum, auto
from http import HTTPStatus
from typing import Protocol

from api_gateway import headers as h

# Buffered bytes of a request's body above which reading from the client pauses.
HIGH_WATER = 64 * 1024

_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode("ascii") for s in HTTPStatus}


class Refusal(Exception):
    """An answer of 4xx or 5xx that the gateway gives itself."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class ClientGone(Exception):
    """The client hung up; there is nobody to answer."""


class Framing(Enum):
    """How the client knows where an answer ends (RFC 9112, 6.3)."""

    NO_BODY = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class Connection(Protocol):
    """What a request needs of its connection."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def resume_reading(self) -> None: ...
    def finished(self, request: "Request") -> None: ...  # its answer is written
    def abort(self) -> None: ...


class Request:
    """``path`` is still percent-encoded; ``peer`` is who is connected, ``client`` whose request it
    is (another when a trusted proxy hands it over).

    The answer: ``start``, then ``write`` until one without ``more``.
    """

    __slots__ = (
        "_body",
        "_callback",
        "_connection",
        "_framing",
        "_head",
        "_missing",
        "_waiter",
        "account",
        "began",
        "body_complete",
        "cache",
        "client",
        "complete",
        "content_length",
        "error",
        "expects_continue",
        "fields",
        "gone",
        "has_body",
        "headers",
        "http11",
        "id",
        "keep_alive",
        "key",
        "limited",
        "method",
        "must_close",
        "own",
        "path",
        "peer",
        "query",
        "rate_limit",
        "received",
        "replica",
        "route",
        "rule",
        "sent_bytes",
        "started",
        "status",
        "trusted",
        "upstream",
    )

    def __init__(
        self,
        connection: Connection,
        *,
        peer: str,
        method: str,
        target: bytes,
        headers: h.Headers,
        http11: bool,
        keep_alive: bool,
    ) -> None:
        """``headers``: the fields as they came, names in lower case, values whole."""
        self._connection = connection
        self.method = method
        path, _, self.query = target.partition(b"?")
        self.path = path.decode("latin-1")
        self.headers = headers
        self.fields = fields = h.combine(headers)
        self.http11 = http11
        self.keep_alive = keep_alive
        length = fields.get(b"content-length")
        self.content_length = None if length is None else int(length)
        self.has_body = bool(self.content_length) or b"transfer-encoding" in fields
        self.expects_continue = http11 and b"expect" in fields
        self.peer = self.client = peer
        self.trusted = False  # the peer is a proxy of ours
        self.account = ""  # whom limits count it for
        self.id = ""
        self.own = b""  # the fields that the gateway adds to whichever answer, rendered
        self.rate_limit = b""  # and these
        self.must_close = False

        self._body: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._callback: Callable[[], None] | None = None
        self.received = 0  # bytes of the body that wait to be taken
        self.body_complete = not self.has_body
        self._head = b""
        self._framing = Framing.NO_BODY
        self._missing = 0
        self.started = self.complete = self.gone = False

        # For the log and the metrics.
        self.began = 0.0
        self.route = "other"
        self.upstream = self.replica = self.cache = ""
        self.key: str | None = None  # the API key's name
        self.limited = ""  # the rate limit that it went over
        self.rule = ""  # the filter's rule that it broke
        self.error = ""
        self.status = self.sent_bytes = 0

    # From the client.

    def feed(self, data: bytes) -> None:
        self._body.append(data)
        self.received += len(data)
        self._wake()

    def end_of_body(self) -> None:
        self.body_complete = True
        self._wake()

    def disconnect(self) -> None:
        """The client is gone, or will get no other answer than the one it has."""
        if self.gone or self.complete:
            return
        self.gone = True
        self._wake()
        if self._callback is not None:
            self._callback()

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called once, as soon as the client hangs up before its end."""
        self._callback = callback
        if self.gone:
            callback()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> tuple[bytes, bool]:
        """What is there of the body, and whether there is more. Raises ClientGone."""
        if self.expects_continue and not self._body and not self.started and not self.gone:
            self.expects_continue = False
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self._body or self.body_complete or self.gone or self.complete):
            self._connection.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self.gone or self.complete:
            raise ClientGone
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body, self.received = [], 0
        if not self.body_complete:
            self._connection.resume_reading()
        return data, not self.body_complete

    # To the client.

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        """``fields``: rendered, but those of framing; ``length``: the body's, when it is known.

        The head is kept until the first part of the body goes with it.
        """
        self.status = status
        if self.gone:
            return
        self.started = True
        # What was not read of the request would be taken for the next one.
        self.keep_alive = self.keep_alive and self.body_complete and not self.must_close
        framing = b"\r\n"
        if self.method == "HEAD" or status in {204, 304}:
            self._framing = Framing.NO_BODY
        elif length is not None:
            self._framing, self._missing = Framing.LENGTH, length
        elif self.http11:
            self._framing, framing = Framing.CHUNKED, b"transfer-encoding: chunked\r\n\r\n"
        else:
            self._framing, self.keep_alive = Framing.UNTIL_CLOSE, False
        if length is not None and status != 204:
            framing = b"content-length: %d\r\n\r\n" % length
        if not self.keep_alive:
            framing = b"connection: close\r\n" + framing
        line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        self._head = b"".join((line, fields, self.own, self.rate_limit, framing))

    def write(self, data: bytes, *, more: bool = False) -> None:
        """A part of the body; the last one (which may be empty) is without ``more``."""
        if self.gone:
            return
        head, self._head = self._head, b""
        if self._framing is Framing.NO_BODY:
            data = b""
        self.sent_bytes += len(data)
        if self._framing is Framing.LENGTH:
            self._missing -= len(data)
            if self._missing < 0:
                raise RuntimeError("the answer is longer than its content-length")
        elif self._framing is Framing.CHUNKED:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            if not more:
                data += b"0\r\n\r\n"
        self._connection.write(head + data if head else data)
        if more:
            return
        if self._framing is Framing.LENGTH and self._missing:
            self._connection.abort()
            return
        self.complete = True
        self._connection.finished(self)

    async def drain(self) -> None:
        """Wait until the client takes more."""
        await self._connection.drain()

    def settle(self) -> None:
        """No more is done. What is not whole must not look so: the connection breaks."""
        self._callback = None
        if not (self.complete or self.gone):
            self._connection.abort()
