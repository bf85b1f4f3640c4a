"""One request to one replica, and its answer. Both are streamed, not held in memory."""

import asyncio
import re
from dataclasses import dataclass

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response

from api_gateway.body import Body, ClientGone
from api_gateway.client import nothing_was_sent
from api_gateway.headers import RESPONSE_DROPPED, Fields, end_to_end
from api_gateway.replica import Replica
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.http import Receive, Send

# An answer is started when this much of it, or all of it, has arrived: before that, a failed
# request can be repeated.
READ_AHEAD_BYTES = 64 * 1024


class BrokenOff(Exception):
    """The service broke off in the middle of an answer that the client has partly received."""


@dataclass
class Exchange:
    """``receive`` and ``send`` are the client's."""

    _route: Route
    _settings: GatewaySettings
    _body: Body | None
    _receive: Receive
    _send: Send
    _watch: asyncio.Task[None] | None = None
    _is_started: bool = False
    _is_clients_turn: bool = False

    async def run(
        self, upstream: Upstream, replica: Replica, method: str, target: str,
        fields: list[tuple[str, str]],
    ) -> None:  # fmt: skip
        """Raises PyreqwestError or TimeoutError if nothing was sent to the client yet."""
        seconds = self._settings.upstream_response_timeout_seconds
        head_only = method == "HEAD"  # sent as GET, which has the same header fields
        request = upstream.client.request("GET" if head_only else method, replica.url + target)
        try:
            async with asyncio.timeout(seconds) as deadline:
                async with self._build(request.headers(fields), deadline) as response:
                    replica.succeeded()
                    if self._route.event_stream:
                        self._watch_client(deadline)
                    await self._relay(response, deadline, head_only=head_only)
        except (PyreqwestError, TimeoutError) as error:
            if self._is_clients_turn:
                raise ClientGone from error
            absent = isinstance(error, PyreqwestError) and nothing_was_sent(error)
            replica.failed(str(error) or "it is too slow", absent=absent)
            if self._is_started:
                raise BrokenOff(str(error)) from error
            raise
        finally:
            if self._watch is not None:
                self._watch.cancel()

    def _build(self, request: RequestBuilder, deadline: asyncio.Timeout) -> StreamRequest:
        body = self._body
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
        self._is_started = True
        start = {"type": "http.response.start", "status": response.status, "headers": fields}
        await self._send(start)
        if not head_only and response.status not in {204, 304}:
            while left != 0 and (part := await response.body_reader.read_chunk()) is not None:
                left -= len(part)
                if left != 0:
                    await self._pass(part.to_bytes(), deadline)
                else:
                    await self._send({"type": "http.response.body", "body": part.to_bytes()})
                    return
        await self._send({"type": "http.response.body"})

    async def _pass(self, part: bytes, deadline: asyncio.Timeout) -> None:
        """Send a part that is not the last. The client must take it within its own deadline."""
        if self._watch is None:
            self._watch_client(deadline)
        if self._is_clients_turn or deadline.expired():  # changed while the part was arriving
            raise TimeoutError
        now = asyncio.get_running_loop().time
        self._is_clients_turn = True
        deadline.reschedule(now() + self._settings.gateway_write_timeout_seconds)
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
        self._is_clients_turn = False
        seconds = self._settings.upstream_response_timeout_seconds
        if self._route.event_stream:
            seconds = self._settings.upstream_stream_idle_seconds
        deadline.reschedule(now() + seconds)

    def _watch_client(self, deadline: asyncio.Timeout) -> None:
        """Notice a client that is gone: ``send`` does not report it, only ``receive`` does."""

        async def watch() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._is_clients_turn = True
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time())

        self._watch = asyncio.create_task(watch())

    def _fields(self, response: Response) -> tuple[Fields, int]:
        """The answer's header fields, and the number of its bytes; -1 if unknown."""
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
        """The public form of a path: the dither service's /images is the public /dithers."""
        if self._route.service == "dither":
            location = re.sub(rb"^/images(?=[/?]|$)", b"/dithers", location)
        prefix = self._settings.public_path if location.startswith(b"/") else ""
        return prefix.encode("ascii") + location
