"""HTTP/1.1 towards the clients: strict about where a request ends, bounded in size and time.

uvicorn keeps the listening socket, the signals and the lifespan; this stands in for its protocol
class, which has no deadline for a header or a body, no bound on either, and reads 256 KB at once.
llhttp (inside httptools) refuses most of what is ambiguous; the rest is refused here.
"""

import asyncio
import json
import logging
import re
import urllib.parse
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from math import inf
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from api_gateway.clients import Clients
from api_gateway.exchange import HIGH_WATER, Exchange
from api_gateway.request import Scope

logger = logging.getLogger(__name__)

MAX_PIPELINED = 16
# How long what a client still sends is thrown away, so that it can read why it was refused.
LINGER_SECONDS = 2

# One for all: it is filled and emptied within one turn of the loop.
_BUFFER = memoryview(bytearray(HIGH_WATER))

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_TARGET = re.compile(rb"/[!\"$-~]*")


@lru_cache(1024)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


class Rejected(Exception):
    """What came is no request that can be answered; the connection ends."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class ClientConnection(asyncio.BufferedProtocol):
    """One connection of a client; requests on it are answered one after the other."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        clients: Clients,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._app = config.loaded_app
        self._state = server_state
        self._app_state = app_state
        self._clients = clients
        self._settings = clients.settings
        self._parser: httptools.HttpRequestParser | None = None
        self._transport: asyncio.Transport
        self._peer: tuple[str, int] = ("unknown", 0)
        self._local: Any = None
        # The requests that are not answered yet; the first is being answered.
        self._exchanges: deque[Exchange] = deque()
        self._incoming: Exchange | None = None  # whose body is being read
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = False
        self._head_bytes = 0
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
        self._peer = (transport.get_extra_info("peername") or ("unknown", 0))[:2]
        self._local = transport.get_extra_info("sockname")
        if not self._clients.admit(self, self._peer[0]):
            self._clients.refused[503] += 1
            self._ending = True
            self._transport.write(self._problem(503, "Too many connections; please try again."))
            self._transport.close()
            return
        self._state.connections.add(cast(Any, self))
        self._parser = httptools.HttpRequestParser(self)
        self._read_deadline = self._loop.time() + self._settings.gateway_client_timeout_seconds

    def connection_lost(self, _: Exception | None) -> None:
        self._clients.leave(self, self._peer[0])
        self._state.connections.discard(cast(Any, self))
        self._parser, self._ending = None, True
        for exchange in self._exchanges:
            exchange.disconnect()
        self.resume_writing()

    def shutdown(self) -> None:
        """uvicorn is stopping: end after the request that is being answered."""
        if self._exchanges:
            self._exchanges[-1].keep_alive = False
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
            self._begin_head(count)
        self._raw_bytes += count
        try:
            self._parser.feed_data(_BUFFER[:count])
        except httptools.HttpParserUpgrade:
            # Other protocols are not spoken here: the request is answered as if it had not asked.
            self._ending = True
            self._exchanges[-1].keep_alive = False
        except httptools.HttpParserError as error:
            # A callback's own exception is the parser error's context.
            cause = error.__context__
            if isinstance(cause, Rejected):
                self._reject(cause.status, cause.detail)
            else:
                self._reject(400, "The request is not valid HTTP/1.1.")
        else:
            most = self._settings.gateway_max_header_bytes
            if self._in_head and self._head_bytes > most:
                self._reject(431, self._too_large())
            # One-byte chunks are nine times their content; more is extensions and trailers.
            elif self._incoming and self._raw_bytes > most + 9 * self._body_bytes:
                self._reject(400, "The body's chunks have too much around their content.")

    def _begin_head(self, count: int) -> None:
        if not self._in_head:
            self._in_head, self._head_bytes = True, 0
            self._read_deadline = self._loop.time() + self._settings.gateway_client_timeout_seconds
        self._head_bytes += count

    def _too_large(self) -> str:
        return (
            f"The request's header is too large: at most {self._settings.gateway_max_headers} "
            f"fields and {self._settings.gateway_max_header_bytes} bytes."
        )

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Fields after the body (trailers) are counted and dropped.
        self._headers.append((name.lower(), value))
        if len(self._headers) > self._settings.gateway_max_headers:
            raise Rejected(431, self._too_large())

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        version = self._parser.get_http_version()
        method = self._parser.get_method().decode("ascii")
        expects_continue, has_body = self._check(method, version)
        if len(self._exchanges) >= MAX_PIPELINED:
            raise Rejected(400, "Too many requests were sent without awaiting the answers.")
        path, _, query = self._url.partition(b"?")
        exchange = Exchange(
            self,
            self._scope(method, version, path, query),
            keep_alive=version == "1.1" and self._parser.should_keep_alive(),
            expects_continue=expects_continue,
        )
        self._in_head, self._headers = False, []
        self._incoming, self._body_bytes, self._raw_bytes = exchange, 0, 0
        if has_body:
            self._body_since = self._loop.time()
            self._allow_more_time()
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._serve(exchange)
        else:
            self._pause_reading()

    def on_body(self, body: bytes) -> None:
        exchange = self._incoming
        assert exchange is not None
        exchange.feed(body)
        self._body_bytes += len(body)
        self._allow_more_time()
        if exchange.received >= HIGH_WATER:
            self._pause_reading()

    def on_message_complete(self) -> None:
        assert self._incoming is not None
        self._incoming.end_of_body()
        self._incoming = None
        self._read_deadline = inf

    def _check(self, method: str, version: str) -> tuple[bool, bool]:
        """Whether it expects 100 (Continue), and whether it has a body; or raises Rejected."""
        if version not in {"1.1", "1.0"}:
            raise Rejected(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        hosts, expects_continue, has_body = 0, False, False
        for name, value in self._headers:
            if name == b"host":
                hosts += 1
                if not _is_host(value):
                    raise Rejected(400, "The Host field is not valid.")
            elif name == b"transfer-encoding":
                if version == "1.0" or value.lower() != b"chunked":
                    raise Rejected(400, "The only transfer coding taken is chunked, of HTTP/1.1.")
                has_body = True
            elif name == b"content-length":
                has_body = has_body or value != b"0"
            elif name == b"expect":
                if value.lower() != b"100-continue":
                    raise Rejected(417, "Only 100-continue can be expected.")
                expects_continue = version == "1.1"
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise Rejected(400, "A request needs one Host field.")
        if not _TARGET.fullmatch(self._url) and (method, self._url) != ("OPTIONS", b"*"):
            raise Rejected(400, "The request target must be a path.")
        return expects_continue, has_body

    def _scope(self, method: str, version: str, path: bytes, query: bytes) -> Scope:
        text = path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self._local,
            "client": self._peer,
            "scheme": "http",
            "root_path": "",
            "headers": self._headers,
            "state": self._app_state.copy(),
            "method": method,
            "path": urllib.parse.unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
        }

    def _serve(self, exchange: Exchange) -> None:
        exchange.task = self._loop.create_task(exchange.run(cast(Any, self._app)))
        self._state.tasks.add(exchange.task)

    def _allow_more_time(self) -> None:
        """A body may pause for so long, and over all be no slower than so much a second."""
        seconds = self._settings.gateway_client_timeout_seconds
        deadline = self._loop.time() + seconds
        if rate := self._settings.gateway_client_min_bytes_per_second:
            deadline = min(deadline, self._body_since + seconds + self._body_bytes / rate)
        self._read_deadline = deadline

    # What the exchanges ask for.

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def date(self) -> bytes:
        for name, value in self._state.default_headers:
            if name == b"date":
                return b"date: %b\r\n" % value
        return b""

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

    def ended(self, exchange: Exchange) -> None:
        assert exchange.task is not None
        self._state.tasks.discard(exchange.task)

    def finished(self, exchange: Exchange) -> None:
        self._state.total_requests += 1
        if self._exchanges and self._exchanges[0] is exchange:
            self._exchanges.popleft()
        if not exchange.keep_alive or (self._ending and not self._exchanges):
            self._end(unread=not exchange.body_complete or bool(self._exchanges))
        elif self._exchanges:
            self._serve(self._exchanges[0])
        else:
            self.resume_reading()
            if not self._in_head:
                self._read_deadline = self._loop.time() + self._settings.gateway_keep_alive_seconds

    # Ends.

    def _reject(self, status: int, detail: str) -> None:
        """Answer what is no request (or will never be a whole one), and end the connection."""
        self._clients.refused[status] += 1
        logger.info(
            "connection refused: %s", detail, extra={"status": status, "client": self._peer[0]}
        )
        self._ending, self._read_deadline = True, inf
        broken, self._incoming = self._incoming, None
        if broken is not None:
            broken.disconnect()
            if broken in self._exchanges:
                self._exchanges.remove(broken)
        if self._exchanges:
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
        self._read_deadline = self._loop.time() + LINGER_SECONDS
        self.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # The transport's callbacks.

    def eof_received(self) -> None:
        """The client has hung up; the transport closes by itself."""
        self._ending = True
        self._write_deadline = self._loop.time() + self._settings.gateway_write_timeout_seconds
        for exchange in self._exchanges:
            exchange.disconnect()

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()
        self._write_deadline = self._loop.time() + self._settings.gateway_write_timeout_seconds

    def resume_writing(self) -> None:
        if not self._ending:
            self._write_deadline = inf
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def _problem(self, status: int, detail: str) -> bytes:
        phrase = HTTPStatus(status).phrase
        body = json.dumps(
            {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
        )
        return (
            (
                f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n"
            ).encode("ascii")
            + self.date()
            + b"\r\n"
            + body.encode("ascii")
        )
