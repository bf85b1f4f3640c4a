"""Passing a request on to a service and its answer back, without holding either in memory."""

import asyncio
import re

from api_gateway import headers as h
from api_gateway.connection import UpstreamConnection, UpstreamError, UpstreamTimeout
from api_gateway.request import Refusal, Request
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Lease, Upstream, UpstreamBusy

# A body this small is read whole before a service is bothered; of a larger one, as much.
# A slow client takes no place at a service until it has sent that.
FIRST_PART_BYTES = 64 * 1024


class ClientGone(Exception):
    """The client hung up; there is nobody to answer."""


class BrokenOff(Exception):
    """The service broke off in the middle of an answer; nothing can mend what was sent of it."""


class UpstreamAnswer:
    """An answer whose head is there. Read it to its end, or ``release`` it."""

    __slots__ = ("_lease", "_seconds", "_upstream", "headers", "length", "status")

    def __init__(self, upstream: Upstream, lease: Lease, seconds: float) -> None:
        self._upstream = upstream
        self._lease: Lease | None = lease
        self._seconds = seconds
        self.status = lease.connection.status
        self.headers = h.response_headers(lease.connection.headers)
        if upstream.name == "dither":
            self.headers = [_with_public_path(field) for field in self.headers]
        length = h.get(self.headers, b"content-length")
        self.length = None if length is None else int(length)

    @property
    def has_data(self) -> bool:
        """Whether a read need not wait."""
        return self._lease is None or self._lease.connection.has_data

    async def read(self) -> tuple[bytes, bool]:
        """A part of the body, and whether there is more. Raises UpstreamError."""
        if self._lease is None:
            return b"", False
        connection = self._lease.connection
        try:
            part = await connection.read(self._seconds)
        except UpstreamError as error:
            self.release(error)
            raise
        more = connection.has_data or not connection.complete
        if not more:
            self.release()
        return part, more

    async def whole(self) -> bytes:
        """The whole body. Raises UpstreamError."""
        parts, more = [], True
        try:
            while more:
                part, more = await self.read()
                parts.append(part)
        finally:
            self.release()
        return b"".join(parts)

    def release(self, error: UpstreamError | None = None) -> None:
        """Give the connection back; with more of the answer to come, it is closed."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self._upstream.release(lease, error)


class Proxy:
    """Stateless but for the upstreams."""

    def __init__(self, upstreams: dict[str, Upstream], settings: GatewaySettings) -> None:
        self._upstreams = upstreams
        self._settings = settings

    async def forward(
        self, request: Request, route: Route, target: bytes, headers: h.Headers | None = None
    ) -> UpstreamAnswer:
        """Send the request, with other ``headers`` than the client's if such are given.

        Raises Refusal (what to tell the client) or ClientGone.
        """
        body, more = await self._first_part(request, route)
        upstream = self._upstreams[route.upstream]
        # HEAD is asked as GET: the services need not know it, and the fields are the same.
        method = "GET" if request.method == "HEAD" else request.method
        repeatable = method == "GET" and not request.has_body
        forwarded = h.forwarded_block(
            request.headers, request.peer, request.scheme, request.host, trusted=request.trusted
        )
        lease: Lease | None = None
        for attempt in (1, 2):
            try:
                lease = await upstream.lease(
                    idempotent=repeatable,
                    event_stream=route.event_stream,
                    after=lease,
                )
            except UpstreamBusy as error:
                raise Refusal(503, str(error), {"Retry-After": "1"}) from error
            except UpstreamError as error:
                raise Refusal(503, str(error), {"Retry-After": "2"}) from error
            connection = lease.connection
            head = h.request_head(
                method,
                target,
                lease.replica.authority,
                request.headers if headers is None else headers,
                forwarded=forwarded,
                request_id=request.id,
                length=request.content_length if more else len(body),
                has_body=request.has_body,
            )
            request.replica = lease.replica.authority
            try:
                await self._exchange(
                    request, connection, head, body, more=more, limit=self._body_limit(route)
                )
                seconds = self._settings.upstream_response_timeout_seconds
                if route.event_stream:
                    seconds = self._settings.upstream_stream_idle_seconds
                return UpstreamAnswer(upstream, lease, seconds)
            except UpstreamError as error:
                timeout = isinstance(error, UpstreamTimeout)
                # A kept connection that the service closed just now says nothing against it.
                stale = lease.reused and not timeout and not connection.head_complete
                upstream.release(lease, None if stale else error)
                if request.gone:
                    raise ClientGone from error
                if attempt == 2 or not repeatable or timeout:
                    status, what = (
                        (504, "did not answer in time") if timeout else (502, "broke off")
                    )
                    raise Refusal(
                        status, f"The {upstream.name} service {what}; please try again."
                    ) from error
            except BaseException:
                connection.close()
                upstream.release(lease)
                raise
        raise AssertionError("unreachable")

    async def relay(self, request: Request, answer: UpstreamAnswer) -> None:
        """Pass an answer on as it comes. Raises ClientGone or BrokenOff."""
        try:
            await request.start(answer.status, answer.headers)
            if request.method == "HEAD":
                await request.body(b"")
                return
            if not answer.has_data:
                await request.body(b"", more=True)  # the head is not to wait for the first event
            more = True
            while more:
                part, more = await answer.read()
                await request.body(part, more=more)
        except UpstreamError as error:
            if request.gone:
                raise ClientGone from error
            raise BrokenOff(str(error)) from error
        finally:
            answer.release()

    async def _exchange(
        self,
        request: Request,
        connection: UpstreamConnection,
        head: bytes,
        body: bytes,
        *,
        more: bool,
        limit: int,
    ) -> None:
        seconds = self._settings.upstream_response_timeout_seconds
        request.on_disconnect(connection.close)
        if not more:
            connection.begin(head + body)
            await connection.response(seconds)
            return
        chunked = request.content_length is None
        connection.begin(head + (_chunk(body) if chunked else body))
        pump = asyncio.create_task(
            self._pump(request, connection, len(body), chunked=chunked, limit=limit)
        )
        try:
            # The pump bounds this wait: each of its own has an end, and so has what follows.
            await connection.response()
        except UpstreamError:
            if pump.done() and (reason := pump.exception()) is not None:
                raise reason from None
            raise
        finally:
            if not pump.done():
                # The service has answered before the end: the rest of the body is of no use.
                pump.cancel()
                await asyncio.wait({pump})
                connection.must_close = request.must_close = True

    async def _pump(
        self,
        request: Request,
        connection: UpstreamConnection,
        sent: int,
        *,
        chunked: bool,
        limit: int,
    ) -> None:
        """Pass the rest of the body on, at the pace of the slower side."""
        seconds = self._settings.upstream_response_timeout_seconds
        more = True
        try:
            while more:
                await connection.drain(seconds)
                part, more = await _receive(request)
                sent += len(part)
                if sent > limit:
                    raise _too_large(request, limit)
                if part:
                    connection.write(_chunk(part) if chunked else part)
            if chunked:
                connection.write(b"0\r\n\r\n")
            connection.expect_within(seconds)
        except (Refusal, ClientGone):
            connection.close()
            raise

    async def _first_part(self, request: Request, route: Route) -> tuple[bytes, bool]:
        """The body's beginning, and whether more of it is to come."""
        if not request.has_body:
            return b"", False
        limit = self._body_limit(route)
        if request.content_length is not None and request.content_length > limit:
            raise _too_large(request, limit)
        part, more = await _receive(request)
        while more and len(part) < FIRST_PART_BYTES:
            following, more = await _receive(request)
            part += following
        if len(part) > limit:
            raise _too_large(request, limit)
        return part, more

    def _body_limit(self, route: Route) -> int:
        if route.takes_file:
            return self._settings.max_upload_body_bytes
        return self._settings.gateway_max_body_bytes


async def _receive(request: Request) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        request.gone = True
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


def _too_large(request: Request, limit: int) -> Refusal:
    request.must_close = True
    return Refusal(413, f"The body is too large: at most {limit} bytes are taken here.")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _with_public_path(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """The dither service's /images is the public /dithers."""
    name, value = field
    if name in {b"location", b"content-location"} and re.match(rb"/images(?:[/?]|$)", value):
        return name, b"/dithers" + value.removeprefix(b"/images")
    return field
