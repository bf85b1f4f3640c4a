"""One request of a client and its answer, as ASGI's ``receive`` and ``send``."""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from typing import Protocol

from api_gateway.request import AsgiApp, Message, Scope

logger = logging.getLogger(__name__)

# Buffered bytes of a request's body above which reading from the client pauses.
HIGH_WATER = 64 * 1024

_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode("ascii") for s in HTTPStatus}


class Framing(Enum):
    """How the client knows where an answer ends (RFC 9112, 6.3)."""

    NO_BODY = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class Connection(Protocol):
    """What an exchange needs of its connection."""

    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def resume_reading(self) -> None: ...
    def finished(self, exchange: "Exchange") -> None: ...  # its answer is written
    def ended(self, exchange: "Exchange") -> None: ...  # its task is
    def abort(self) -> None: ...
    def date(self) -> bytes: ...


class Exchange:
    """``scope["gateway.on_disconnect"]`` takes a callback for when the client hangs up, and the
    message that starts an answer may have fields ready to be sent, as ``rendered``: two things that
    ASGI has no word for.
    """

    __slots__ = (
        "_body",
        "_callback",
        "_connection",
        "_framing",
        "_head",
        "_missing",
        "_waiter",
        "body_complete",
        "complete",
        "expects_continue",
        "gone",
        "keep_alive",
        "received",
        "scope",
        "started",
        "task",
    )

    def __init__(
        self, connection: Connection, scope: Scope, *, keep_alive: bool, expects_continue: bool
    ) -> None:
        self._connection = connection
        self.scope = scope
        self.task: asyncio.Task[None] | None = None
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self._body: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._callback: Callable[[], None] | None = None
        self.received = 0  # bytes of the body that wait to be taken
        self.body_complete = False
        self._head = b""
        self._framing = Framing.NO_BODY
        self._missing = 0
        self.started = self.complete = self.gone = False
        scope["gateway.on_disconnect"] = self._on_disconnect

    async def run(self, app: AsgiApp) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            logger.exception("unexpected error")
        finally:
            # The scope leads back here: without this, it would all wait for the garbage collector.
            self._connection.ended(self)
            self.scope.pop("gateway.on_disconnect")
            self._callback = None
        if self.complete or self.gone:
            return
        if self.started:
            # An end here would look like the answer's.
            self._connection.abort()
            return
        self.keep_alive = False
        await self.send({"type": "http.response.start", "status": 500, "headers": []})
        await self.send({"type": "http.response.body", "body": b""})

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

    def _on_disconnect(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        if self.gone:
            callback()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Message:
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
            return {"type": "http.disconnect"}
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body, self.received = [], 0
        if not self.body_complete:
            self._connection.resume_reading()
        return {"type": "http.request", "body": data, "more_body": not self.body_complete}

    # To the client.

    async def send(self, message: Message) -> None:
        if self.gone:
            return
        if not self.started:
            self._start(message["status"], message["headers"], message.get("rendered", b""))
            return
        data, more = message.get("body", b""), message.get("more_body", False)
        self._connection.write(self._framed(data, more=more))
        if more:
            await self._connection.drain()
        elif self._framing is Framing.LENGTH and self._missing:
            self._connection.abort()
        else:
            self.complete = True
            self._connection.finished(self)

    def _start(self, status: int, headers: list[tuple[bytes, bytes]], rendered: bytes) -> None:
        """The head is kept until the first part of the body goes with it."""
        self.started = True
        # What was not read of the request would be taken for the next one.
        self.keep_alive = self.keep_alive and self.body_complete
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        has_date = False
        self._framing = self._default_framing(status)
        for name, value in headers:
            if name == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            if name == b"date":
                has_date = True
            elif name == b"content-length" and self._framing is not Framing.NO_BODY:
                self._framing, self._missing = Framing.LENGTH, int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
        if not has_date:
            lines.append(self._connection.date())
        if self._framing is Framing.CHUNKED:
            lines.append(b"transfer-encoding: chunked\r\n")
        elif self._framing is Framing.UNTIL_CLOSE:
            self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (rendered, b"\r\n")
        self._head = b"".join(lines)

    def _default_framing(self, status: int) -> Framing:
        if self.scope["method"] == "HEAD" or status in {204, 304}:
            return Framing.NO_BODY
        return Framing.CHUNKED if self.scope["http_version"] == "1.1" else Framing.UNTIL_CLOSE

    def _framed(self, data: bytes, *, more: bool) -> bytes:
        head, self._head = self._head, b""
        if self._framing is Framing.NO_BODY:
            return head
        if self._framing is Framing.CHUNKED:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            return head + chunk + (b"" if more else b"0\r\n\r\n")
        if self._framing is Framing.LENGTH:
            self._missing -= len(data)
            if self._missing < 0:
                raise RuntimeError("the answer is longer than its content-length")
        return head + data if head else data
