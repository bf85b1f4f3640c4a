"""Passing a request on to a service and its answer back, without holding either in memory."""

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from api_gateway.body import Body, ClientGone
from api_gateway.client import nothing_was_sent
from api_gateway.forwarded import forwarded_fields
from api_gateway.headers import REQUEST_DROPPED, RESPONSE_DROPPED, Fields, end_to_end
from api_gateway.identity import Identity
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Replica, Upstream, UpstreamBusy
from shared.context import current_request_id
from shared.http import Message, Receive, Scope, Send
from shared.problems import Problem, Unavailable

# An answer is begun when so much of it is there, or all: what breaks before can be asked again.
READ_AHEAD_BYTES = 64 * 1024
CANCEL_AGAIN_SECONDS = 0.5


class BrokenOff(Exception):
    """The service broke off in the middle of an answer; nothing can mend what was sent of it."""


class _Outgoing(NamedTuple):
    """A request as every replica gets it."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: Body | None

    @property
    def is_repeatable(self) -> bool:
        return self.method == "GET" and self.body is None


class Forward:
    """The ASGI endpoint of one row of the route table."""

    def __init__(self, route: Route, upstream: Upstream, settings: GatewaySettings) -> None:
        self._route = route
        self._upstream = upstream
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Problem (what to tell the client), ClientGone or BrokenOff."""
        route = self._route
        scope["access"] |= {"route": route.name, "upstream": route.service}
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": self._allow()})
            await send({"type": "http.response.body"})
            return
        if scope["method"] not in route.methods:
            raise Problem(
                405,
                f"{scope['method']} is not allowed here; allowed: {route.allow}.",
                headers={"Allow": route.allow},
            )
        outgoing = await self._prepare(scope, receive)
        if route.event_stream:
            await self._follow(scope, outgoing, receive, send)
        else:
            await self._ask(scope, outgoing, receive, send)

    async def _follow(
        self, scope: Scope, outgoing: _Outgoing, receive: Receive, send: Send
    ) -> None:
        """Pass events on until the client hangs up, also while there are none."""
        watching = asyncio.create_task(_gone(receive))
        asking = asyncio.create_task(self._ask(scope, outgoing, receive, send))
        try:
            await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ClientGone
            asking.result()
        finally:
            watching.cancel()
            await _end(asking)

    def _allow(self) -> Fields:
        return [(b"allow", self._route.allow.encode("ascii"))]

    async def _prepare(self, scope: Scope, receive: Receive) -> _Outgoing:
        identity: Identity = scope["identity"]
        body = await self._body(identity.fields, receive)
        fields = [
            (name.decode("ascii"), value.decode("ascii"))
            for name, value in end_to_end(identity.headers, REQUEST_DROPPED)
            # Some servers take a_b and a-b for the same field; only text of ASCII is passed on.
            if b"_" not in name and value.isascii()
        ]
        fields += forwarded_fields(
            identity.fields, identity.peer, scope["scheme"], trusted=identity.trusted
        )
        fields.append(("x-request-id", current_request_id() or ""))
        target = scope["raw_path"].decode("ascii")
        if self._route.prefix_at_service is not None:
            target = self._route.prefix_at_service + target.removeprefix(self._route.prefix)
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        # HEAD is asked as GET: the services need not know it, and the fields are the same.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return _Outgoing(method, target, fields, body)

    async def _body(self, fields: Mapping[bytes, bytes], receive: Receive) -> Body | None:
        declared = fields.get(b"content-length")
        if declared is None and b"transfer-encoding" not in fields:
            return None
        settings = self._settings
        takes_file = self._route.takes_file
        limit = settings.max_upload_body_bytes if takes_file else settings.gateway_max_body_bytes
        body = Body(receive, None if declared is None else int(declared), limit, settings)
        await body.read_first()
        return body

    async def _ask(self, scope: Scope, outgoing: _Outgoing, receive: Receive, send: Send) -> None:
        """Ask replicas until one answers, as far as asking again changes nothing."""
        event_stream = self._route.event_stream
        replica: Replica | None = None
        was_repeated = False
        while True:
            try:
                replica = await self._upstream.enter(event_stream=event_stream, avoid=replica)
            except UpstreamBusy as error:
                raise Unavailable(str(error), retry_after=1) from error
            scope["access"]["replica"] = replica.authority
            exchange = _Exchange(
                self._upstream, replica, self._route, self._settings, receive, send
            )
            try:
                await exchange.run(outgoing, head_only=scope["method"] == "HEAD")
                return
            except TimeoutError as error:
                raise self._failure(504, "did not answer in time") from error
            except PyreqwestError as error:
                if nothing_was_sent(error) and not (outgoing.body and outgoing.body.streaming):
                    continue
                if was_repeated or not outgoing.is_repeatable:
                    raise self._failure(502, "broke off") from error
                was_repeated = True
            finally:
                self._upstream.leave(replica, event_stream=event_stream)

    def _failure(self, status: int, what: str) -> Problem:
        return Problem(status, f"The {self._route.service} service {what}; please try again.")


class _Exchange:
    """One request to one replica, and its answer."""

    def __init__(
        self,
        upstream: Upstream,
        replica: Replica,
        route: Route,
        settings: GatewaySettings,
        receive: Receive,
        send: Send,
    ) -> None:
        self._upstream = upstream
        self._replica = replica
        self._route = route
        self._settings = settings
        self._receive = receive
        self._send = send
        self._watching: asyncio.Task[None] | None = None
        self._started = False
        self._client_is_slow = False
        self._seconds = settings.upstream_response_timeout_seconds

    async def run(self, outgoing: _Outgoing, *, head_only: bool) -> None:
        """Raises PyreqwestError or TimeoutError as long as the client has heard nothing."""
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                async with self._build(outgoing, deadline) as response:
                    self._upstream.succeeded(self._replica)
                    await self._relay(response, deadline, head_only=head_only)
        except (PyreqwestError, TimeoutError) as error:
            if self._client_is_slow:
                raise ClientGone from error
            absent = isinstance(error, PyreqwestError) and nothing_was_sent(error)
            self._upstream.failed(self._replica, str(error) or "it is too slow", absent=absent)
            if self._started:
                raise BrokenOff(str(error)) from error
            raise
        finally:
            if self._watching is not None:
                self._watching.cancel()

    def _build(self, outgoing: _Outgoing, deadline: asyncio.Timeout) -> StreamRequest:
        url = self._replica.url + outgoing.target
        request = self._upstream.client.request(outgoing.method, url).headers(outgoing.fields)
        body = outgoing.body
        if body is not None and body.is_whole:
            request = request.body_bytes(body.first)
        elif body is not None:
            if body.length is not None:
                request = request.header("content-length", str(body.length))
            request = request.body_stream(body.parts(deadline))
        ahead = 0 if self._route.event_stream else READ_AHEAD_BYTES
        return request.streamed_read_buffer_limit(ahead).build_streamed()

    async def _relay(
        self, response: Response, deadline: asyncio.Timeout, *, head_only: bool
    ) -> None:
        fields, left = self._fields(response)
        self._started = True
        await self._send(
            {"type": "http.response.start", "status": response.status, "headers": fields}
        )
        if head_only or response.status in {204, 304}:
            await self._send({"type": "http.response.body"})
            return
        reader = response.body_reader
        while left != 0 and (chunk := await reader.read_chunk()) is not None:
            left -= len(chunk)
            await self._pass(chunk.to_bytes(), deadline, more=left != 0)
        if left != 0:
            await self._send({"type": "http.response.body"})

    async def _pass(self, part: bytes, deadline: asyncio.Timeout, *, more: bool) -> None:
        """One part to the client, which has a deadline of its own for taking it."""
        if not more:
            await self._send({"type": "http.response.body", "body": part})
            return
        if deadline.expired():  # just now, as the part came
            raise TimeoutError
        if self._watching is None:  # the server takes parts for a client that is gone
            self._watching = asyncio.create_task(_gone(self._receive))
        if self._watching.done():
            raise ClientGone
        now = asyncio.get_running_loop().time
        deadline.reschedule(now() + self._settings.gateway_write_timeout_seconds)
        self._client_is_slow = True
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        self._client_is_slow = False
        streams = self._route.event_stream
        seconds = self._settings.upstream_stream_idle_seconds if streams else self._seconds
        deadline.reschedule(now() + seconds)

    def _fields(self, response: Response) -> tuple[Fields, int]:
        """The answer's fields, and how many bytes are to come; -1: that is not known."""
        said = [(k.encode("ascii"), v.encode("ascii")) for k, v in response.headers.items()]
        fields = end_to_end(said, RESPONSE_DROPPED)
        left = -1
        for i, (name, value) in enumerate(fields):
            if name in {b"location", b"content-location"}:
                fields[i] = (name, self._public(value))
            elif name == b"content-length":
                left = int(value)
        if self._route.event_stream:
            fields.append((b"x-accel-buffering", b"no"))
        return fields, left

    def _public(self, location: bytes) -> bytes:
        """The dither service's /images is the public /dithers."""
        if self._route.service == "dither" and re.match(rb"/images(?:[/?]|$)", location):
            location = b"/dithers" + location.removeprefix(b"/images")
        if location.startswith(b"/"):
            return self._settings.public_path.encode("ascii") + location
        return location


async def _gone(receive: Receive) -> None:
    """Returns when the client hangs up."""
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it until it has ended: the client loses a cancellation that comes with a part."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_SECONDS)
