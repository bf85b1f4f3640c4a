"""Passing a request on to a service and its answer back, without holding either in memory."""

import asyncio
import re

from api_gateway import headers as h
from api_gateway.connection import UpstreamConnection, UpstreamError, UpstreamTimeout
from api_gateway.replica import Lease
from api_gateway.request import ClientGone, Refusal, Request
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream, UpstreamBusy

# A body this small is read whole before a service is bothered; of a larger one, as much.
# A slow client takes no place at a service until it has sent that.
FIRST_PART_BYTES = 64 * 1024


class BrokenOff(Exception):
    """The service broke off in the middle of an answer; nothing can mend what was sent of it."""


class UpstreamAnswer:
    """An answer whose head is there. Read it to its end, or ``release`` it."""

    __slots__ = ("_lease", "_seconds", "_upstream", "fields", "headers", "length", "status")

    def __init__(self, upstream: Upstream, lease: Lease, seconds: float) -> None:
        self._upstream = upstream
        self._lease: Lease | None = lease
        self._seconds = seconds
        self.status = lease.connection.status
        self.headers = h.response_headers(lease.connection.headers)
        if upstream.name == "dither":
            self.headers = [_with_public_path(field) for field in self.headers]
        self.fields = h.combine(self.headers)
        if b"date" not in self.fields:
            self.headers.append(h.date())
        length = self.fields.get(b"content-length")
        self.length = None if length is None else int(length)

    def take(self) -> tuple[bytes, bool]:
        """What has arrived of the body, and whether there is more to come."""
        assert self._lease is not None
        connection = self._lease.connection
        part, more = connection.take(), not connection.complete
        if not more:
            self.release()
        return part, more

    async def read(self) -> tuple[bytes, bool]:
        """As ``take``, but waits for it. Raises UpstreamError."""
        assert self._lease is not None
        try:
            await self._lease.connection.arrival(self._seconds)
        except UpstreamError as error:
            self.release(error)
            raise
        return self.take()

    async def whole(self) -> bytes:
        """The whole body. Raises UpstreamError."""
        try:
            part, more = self.take()
            parts = [part]
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
        body, more = b"", False
        if request.has_body:
            body, more = await self._first_part(request, route)
        upstream = self._upstreams[route.upstream]
        # HEAD is asked as GET: the services need not know it, and the fields are the same.
        method = "GET" if request.method == "HEAD" else request.method
        repeatable = method == "GET" and not request.has_body
        forwarded = h.forwarded_block(request.fields, request.peer, "http", trusted=request.trusted)
        seconds = self._settings.upstream_response_timeout_seconds
        lease: Lease | None = None
        for attempt in (1, 2):
            lease = await self._lease(upstream, route, repeatable=repeatable, after=lease)
            connection = lease.connection
            head = h.request_head(
                method,
                target,
                lease.replica.host_field,
                request.headers if headers is None else headers,
                forwarded=forwarded,
                request_id=request.id,
                length=request.content_length if more else len(body),
                has_body=request.has_body,
            )
            request.replica = lease.replica.authority
            try:
                request.on_disconnect(connection.close)
                if more:
                    await self._stream(request, connection, head, body, self._body_limit(route))
                else:
                    connection.begin(head + body)
                    await connection.response(seconds)
            except UpstreamError as error:
                timeout = isinstance(error, UpstreamTimeout)
                # A kept connection that the service closed just now says nothing against it.
                stale = lease.reused and not timeout and not connection.head_complete
                upstream.release(lease, None if stale else error)
                if request.gone:
                    raise ClientGone from error
                if attempt == 2 or not repeatable or timeout:
                    raise _failure(upstream, timeout=timeout) from error
            except BaseException:
                connection.close()
                upstream.release(lease)
                raise
            else:
                if route.event_stream:
                    seconds = self._settings.upstream_stream_idle_seconds
                return UpstreamAnswer(upstream, lease, seconds)
        raise AssertionError("unreachable")

    async def relay(self, request: Request, answer: UpstreamAnswer) -> None:
        """Pass an answer on as it comes. Raises ClientGone or BrokenOff."""
        try:
            fields = h.render([f for f in answer.headers if f[0] != b"content-length"])
            request.start(answer.status, fields, answer.length)
            if request.method == "HEAD":
                request.write(b"")
                return
            part, more = answer.take()
            request.write(part, more=more)  # the head is not to wait for the first event
            while more:
                await request.drain()
                part, more = await answer.read()
                request.write(part, more=more)
        except UpstreamError as error:
            if request.gone:
                raise ClientGone from error
            raise BrokenOff(str(error)) from error
        finally:
            answer.release()

    async def _lease(
        self, upstream: Upstream, route: Route, *, repeatable: bool, after: Lease | None
    ) -> Lease:
        try:
            return await upstream.lease(
                idempotent=repeatable, event_stream=route.event_stream, after=after
            )
        except UpstreamError as error:
            seconds = "1" if isinstance(error, UpstreamBusy) else "2"
            raise Refusal(503, str(error), {"Retry-After": seconds}) from error

    async def _stream(
        self, request: Request, connection: UpstreamConnection, head: bytes, body: bytes, limit: int
    ) -> None:
        """Send a body that has only begun, until the answer's head is there."""
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
                part, more = await request.receive()
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
        limit = self._body_limit(route)
        if request.content_length is not None and request.content_length > limit:
            raise _too_large(request, limit)
        part, more = await request.receive()
        while more and len(part) < FIRST_PART_BYTES:
            following, more = await request.receive()
            part += following
        if len(part) > limit:
            raise _too_large(request, limit)
        return part, more

    def _body_limit(self, route: Route) -> int:
        if route.takes_file:
            return self._settings.max_upload_body_bytes
        return self._settings.gateway_max_body_bytes


def _failure(upstream: Upstream, *, timeout: bool) -> Refusal:
    status, what = (504, "did not answer in time") if timeout else (502, "broke off")
    return Refusal(status, f"The {upstream.name} service {what}; please try again.")


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
