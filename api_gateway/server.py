"""HTTP/1.1 towards the clients: strict about where a request ends, bounded in size and time.

uvicorn keeps the listening socket, the signals and the lifespan; this stands in for its protocol
class, which has no deadline for a header or a body, no bound on either, and reads 256 KB at once.
"""

import asyncio
import logging
from collections import deque
from http import HTTPStatus
from math import inf
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from api_gateway import headers as h
from api_gateway.clients import Clients
from api_gateway.framing import Rejected, check
from api_gateway.gateway import Gateway
from api_gateway.request import HIGH_WATER, Request
from shared.problems import PROBLEM_JSON, problem_body

logger = logging.getLogger(__name__)

MAX_PIPELINED = 16
# How long what a client still sends is thrown away, so that it can read why it was refused.
LINGER_SECONDS = 2

# One for all: it is filled and emptied within one turn of the loop.
_BUFFER = memoryview(bytearray(HIGH_WATER))


def _size(url: bytes, headers: h.Headers) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


class ClientConnection(asyncio.BufferedProtocol):
    """One connection of a client; requests on it are answered one after the other."""

    def __init__(
        self,
        config: uvicorn.Config,  # noqa: ARG002 - uvicorn gives them
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        clients: Clients,
        gateway: Gateway,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._state = server_state
        self._clients = clients
        self._gateway = gateway
        self._settings = clients.settings
        self._parser: httptools.HttpRequestParser | None = None
        self._transport: asyncio.Transport
        self._peer = "unknown"
        self._current: Request | None = None  # that is being answered
        self._queue: deque[Request] = deque()  # that wait for their turn
        self._incoming: Request | None = None  # whose body is being read
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = False
        self._head_bytes = 0
        self._shares_read = False
        self._body_since = 0.0
        self._body_bytes = 0  # of the content
        self._raw_bytes = 0  # with its framing
        self._reading = True
        self._paused_at = 0.0
        self._ending = False  # nothing more is read as a request
        self._drained: asyncio.Future[None] | None = None
        self._read_deadline = inf
        self._write_deadline = inf

    # The connection's life.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer = (transport.get_extra_info("peername") or ("unknown",))[0]
        if not self._clients.admit(self, self._peer):
            self._clients.refused[503] += 1
            self._ending = True
            self._transport.write(self._problem(503, "Too many connections; please try again."))
            self._transport.close()
            return
        self._state.connections.add(cast(Any, self))
        self._parser = httptools.HttpRequestParser(self)
        self._read_deadline = self._loop.time() + self._settings.gateway_client_timeout_seconds

    def connection_lost(self, _: Exception | None) -> None:
        self._clients.leave(self, self._peer)
        self._state.connections.discard(cast(Any, self))
        self._parser, self._ending = None, True
        self._disconnect()
        self._current = None
        self._queue.clear()
        self.resume_writing()

    def shutdown(self) -> None:
        """uvicorn is stopping: end after the request that is being answered."""
        if last := self._queue[-1] if self._queue else self._current:
            last.keep_alive = False
        else:
            self._transport.close()

    def sweep(self, now: float) -> None:
        if now > self._write_deadline:
            self._transport.abort()
        elif now > self._read_deadline:
            if self._ending or not (self._in_head or self._incoming):
                self._transport.abort()
            else:
                self._reject(408, "The request did not arrive in time.")

    def abort(self) -> None:
        self._transport.abort()

    # What arrives.

    def get_buffer(self, _: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, count: int) -> None:
        if self._ending or self._parser is None:
            return
        if self._incoming is None:
            if not self._in_head:
                self._begin_head()
            self._head_bytes += count
        self._raw_bytes += count
        try:
            self._parser.feed_data(_BUFFER[:count])
        except httptools.HttpParserUpgrade:
            # Other protocols are not spoken here: the request is answered as if it had not asked.
            self._ending = True
        except httptools.HttpParserError as error:
            # A callback's own exception is the parser error's context.
            cause = error.__context__
            if isinstance(cause, Rejected):
                self._reject(cause.status, cause.detail)
            else:
                if cause is not None:
                    logger.exception("unexpected error", exc_info=cause)
                self._reject(400, "The request is not valid HTTP/1.1.")
        else:
            most = self._settings.gateway_max_header_bytes
            if self._in_head and self._head_bytes > most:
                self._reject(431, self._too_large())
            # One-byte chunks are nine times their content; more is extensions and trailers.
            elif self._incoming and self._raw_bytes > most + 9 * self._body_bytes:
                self._reject(400, "The body's chunks have too much around their content.")

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._read_deadline = self._loop.time() + self._settings.gateway_client_timeout_seconds

    def _too_large(self) -> str:
        return (
            f"The request's header is too large: at most {self._settings.gateway_max_headers} "
            f"fields and {self._settings.gateway_max_header_bytes} bytes."
        )

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        if not self._in_head:
            # Behind another request in the same read: how much of that is its own is not known.
            self._begin_head()
            self._shares_read = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._ending or self._parser is None:
            return
        url, headers = self._url, self._headers
        self._url, self._headers, self._in_head = b"", [], False
        most = self._settings.gateway_max_header_bytes
        # What was read may be more than the head, so it is measured then.
        measure, self._shares_read = self._shares_read or self._head_bytes > most, False
        if len(headers) > self._settings.gateway_max_headers or (
            measure and _size(url, headers) > most
        ):
            raise Rejected(431, self._too_large())
        version = self._parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            raise Rejected(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        http11 = version == "1.1"
        request = Request(
            self,
            peer=self._peer,
            method=self._parser.get_method().decode("ascii"),
            target=url,
            headers=headers,
            http11=http11,
            keep_alive=http11
            and self._parser.should_keep_alive()
            and not self._parser.should_upgrade(),
        )
        check(request, url)
        if len(self._queue) >= MAX_PIPELINED - 1:
            raise Rejected(400, "Too many requests were sent without awaiting the answers.")
        self._read_deadline = inf
        self._body_bytes = self._raw_bytes = 0
        if request.has_body:
            self._incoming = request
            self._body_since = self._loop.time()
            self._allow_more_time()
        if self._current or self._queue or self._drained:
            self._queue.append(request)
            self._pause_reading()
        else:
            self._serve(request)

    def on_body(self, body: bytes) -> None:
        request = self._incoming
        if request is None or self._ending:
            return
        request.feed(body)
        self._body_bytes += len(body)
        self._allow_more_time()
        if request.received >= HIGH_WATER:
            self._pause_reading()

    def on_message_complete(self) -> None:
        self._headers = []  # fields after the body (trailers) are dropped
        if self._incoming is not None and not self._ending:
            self._read_deadline = inf
            self._incoming.end_of_body()
            self._incoming = None

    def _serve(self, request: Request) -> None:
        self._current = request
        self._gateway.handle(request)

    def _allow_more_time(self) -> None:
        """A body may pause for so long, and over all be no slower than so much a second."""
        seconds = self._settings.gateway_client_timeout_seconds
        deadline = self._loop.time() + seconds
        if rate := self._settings.gateway_client_min_bytes_per_second:
            deadline = min(deadline, self._body_since + seconds + self._body_bytes / rate)
        self._read_deadline = deadline

    # What the requests ask for.

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        if self._drained is not None:
            await self._drained

    def _pause_reading(self) -> None:
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
            self._paused_at = self._loop.time()
            self._read_deadline = inf

    def resume_reading(self) -> None:
        if self._reading or self._transport.is_closing():
            return
        self._reading = True
        self._transport.resume_reading()
        # The time that we took is not the client's.
        self._body_since += self._loop.time() - max(self._paused_at, self._body_since)
        if self._incoming is not None:
            self._allow_more_time()

    def finished(self, request: Request) -> None:
        self._state.total_requests += 1
        self._current = None
        if not request.keep_alive or (self._ending and not self._queue):
            self._end(unread=not request.body_complete or bool(self._queue))
        elif self._drained is None:
            self._go_on()

    def _go_on(self) -> None:
        """With the next request; not before the client takes the answers to those before it."""
        if self._queue:
            self._serve(self._queue.popleft())
            return
        self.resume_reading()
        if not self._in_head:
            self._read_deadline = self._loop.time() + self._settings.gateway_keep_alive_seconds

    # Ends.

    def _reject(self, status: int, detail: str) -> None:
        """Answer what is no request (or will never be a whole one), and end the connection."""
        if self._ending:
            return  # it is what follows the last request
        self._clients.refused[status] += 1
        logger.info(
            "connection refused: %s", detail, extra={"status": status, "client": self._peer}
        )
        self._ending, self._read_deadline = True, inf
        broken, self._incoming = self._incoming, None
        if broken is not None:
            broken.disconnect()
            if broken is self._current:
                self._current = None
            else:
                self._queue.remove(broken)
        if self._current or self._queue:
            return  # earlier requests are answered first; after them the connection ends
        if broken is not None and broken.started:
            self._transport.abort()
            return
        self._transport.write(self._problem(status, detail))
        self._end(unread=True)

    def _end(self, *, unread: bool) -> None:
        self._ending = True
        self._write_deadline = self._loop.time() + self._settings.gateway_write_timeout_seconds
        if not unread:
            self._transport.close()
            return
        # Closing with something unread would reset the connection, the answer with it.
        self.resume_reading()
        self._read_deadline = self._loop.time() + LINGER_SECONDS
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # The transport's callbacks.

    def eof_received(self) -> None:
        """The client has hung up; the transport closes by itself."""
        self._ending = True
        self._write_deadline = self._loop.time() + self._settings.gateway_write_timeout_seconds
        self._disconnect()

    def _disconnect(self) -> None:
        for request in (self._current, *self._queue):
            if request is not None:
                request.disconnect()

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()
        self._write_deadline = self._loop.time() + self._settings.gateway_write_timeout_seconds

    def resume_writing(self) -> None:
        if self._current is not None or self._queue or not self._ending:
            self._write_deadline = inf
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
        if self._current is None and (self._queue or not self._ending):
            self._go_on()

    def _problem(self, status: int, detail: str) -> bytes:
        body = problem_body(status, detail)
        fields = [
            (b"content-type", PROBLEM_JSON.encode("ascii")),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            h.date(),
        ]
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode("ascii")
        return b"%b%b\r\n%b" % (line, h.render(fields), body)
