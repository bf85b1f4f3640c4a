"""One keep-alive HTTP/1.1 connection to a service, streaming both ways with backpressure."""

import asyncio
from math import inf
from typing import cast

import httptools

from api_gateway.running import Signal, make_waiter

# Buffered bytes of an answer above which reading from the service pauses.
HIGH_WATER = 256 * 1024
MAX_RESPONSE_HEADER_BYTES = 64 * 1024


class UpstreamError(Exception):
    """The service could not be reached, broke off, or broke the protocol."""


class UpstreamTimeout(UpstreamError):
    """The service did not do the next thing in time."""


class ClosedHere(UpstreamError):
    """We gave the exchange up; the service is not to blame."""


class UpstreamConnection(asyncio.Protocol):
    """Serves one exchange at a time: ``begin``, any ``write``, ``response``, any ``read``.

    Each wait sets ``deadline``; whoever sweeps the connections calls ``expire`` when it has passed
    (one sweep for all costs less than a timer a request). An error of the connection is raised by
    the wait that it ends.
    """

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: Signal | asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._paused = False
        self._writable = True
        self._interim = False
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._head_bytes = 0
        self.deadline = inf
        self.idle_since = 0.0
        self.closed = False
        self.must_close = False
        # The answer.
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_complete = False
        self.complete = True

    # What an exchange calls.

    def begin(self, data: bytes) -> None:
        """Send the request's head (and body, when it is at hand)."""
        self.status, self.headers, self._chunks = 0, [], []
        self._buffered = self._head_bytes = 0
        self.head_complete = self.complete = False
        self.write(data)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Wait until the service takes more. May run beside an endless ``response``."""
        if self._writable or self.closed:
            return
        self._drained = self._loop.create_future()
        self.expect_within(seconds)
        try:
            await self._drained
        finally:
            self._drained, self.deadline = None, inf

    async def response(self, seconds: float = inf) -> None:
        """Wait for ``status`` and ``headers``."""
        while not self.head_complete:
            await self._wait(seconds)

    def expect_within(self, seconds: float) -> None:
        """Let the wait that is going on end by then."""
        self.deadline = self._loop.time() + seconds

    async def arrival(self, seconds: float) -> None:
        """Wait for a part of the answer's body, or its end."""
        while not self._chunks and not self.complete:
            await self._wait(seconds)

    async def read(self, seconds: float) -> bytes:
        """The next part of the answer's body; empty at its end."""
        await self.arrival(seconds)
        return self.take()

    def take(self) -> bytes:
        """What has arrived of the body so far."""
        chunks, self._chunks, self._buffered = self._chunks, [], 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def close(self) -> None:
        """Drop the connection, whatever is going on."""
        self._fail(ClosedHere("the connection was closed"))

    def expire(self) -> None:
        self._fail(UpstreamTimeout("the service did not answer in time"))

    @property
    def reusable(self) -> bool:
        return self.complete and not self.closed and not self.must_close

    async def _wait(self, seconds: float) -> None:
        self._raise_failure()
        self._waiter = make_waiter(self._loop)
        self.expect_within(seconds)
        try:
            await self._waiter
        finally:
            self._waiter, self.deadline = None, inf
        if not self.complete:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._error is not None:
            # A new one each time: a kept one would keep its traceback's frames, and us with them.
            raise type(self._error)(*self._error.args)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if (
            self._drained is not None
            and not self._drained.done()
            and (self._writable or self.closed)
        ):
            self._drained.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        self.closed = True
        if self._error is None:
            self._error = error
        self.transport.abort()
        # Not within this call, which may be a part of what is waiting.
        self._loop.call_soon(self._wake)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        if self.complete or self._parser is None:
            # Nothing was asked: what follows could be taken for another request's answer.
            self._fail(UpstreamError("the service sent more than its answer"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(UpstreamError("the service broke the protocol"))
        except httptools.HttpParserUpgrade:
            self._fail(UpstreamError("the service switched protocols unasked"))
        if not self.head_complete:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_RESPONSE_HEADER_BYTES:
                self._fail(UpstreamError("the answer's header is too large"))
        if self._buffered > HIGH_WATER and not self._paused and not self.closed:
            self._paused = True
            self.transport.pause_reading()
        # Who waits for the head waits once: a head that trickles in gets no more time.
        if self.head_complete or self.closed:
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        if error is None and not self.complete and self._ends_with_connection():
            self.complete = True
        self.closed, self._parser = True, None
        if self._error is None:
            self._error = UpstreamError("the service broke off")
        self._wake()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _ends_with_connection(self) -> bool:
        """RFC 9112, 6.3: an answer without a length ends when the connection does."""
        return (
            self.head_complete
            and self._error is None
            and not any(
                name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers
            )
        )

    # httptools' callbacks

    def on_message_begin(self) -> None:
        if self.head_complete:
            raise ValueError("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:  # after the body come trailers, which are dropped
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        self._interim = status < 200
        if self._interim:
            self.headers = []
            return
        self.status, self.head_complete = status, True

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._interim:
            return
        self.complete = True
        if not self._parser.should_keep_alive():
            self.closed = True
            self.transport.close()
