"""One request to one replica, and its answer. Both are streamed, not held in memory."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pyreqwest.exceptions import PoolTimeoutError, PyreqwestError
from pyreqwest.request import RequestBuilder, StreamRequest
from pyreqwest.response import Response

from api_gateway.body import Body
from api_gateway.client import nothing_was_sent
from api_gateway.deadlines import Deadlines
from api_gateway.headers import RESPONSE_DROPPED, Fields, combine, end_to_end
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Replica
from shared.calls import CALL_HEADER
from shared.context import new_request_id
from shared.http import Receive, Send
from shared.problems import Problem

# An answer is started when this much of it, or all of it, has arrived: before that, a failed
# request can be repeated.
READ_AHEAD_BYTES = 64 * 1024
LOCATIONS = frozenset({b"location", b"content-location"})


@dataclass
class Exchange:
    """``receive`` and ``send`` are the client's."""

    route: Route
    settings: GatewaySettings
    deadlines: Deadlines
    body: Body | None
    receive: Receive
    send: Send
    has_sent_body: bool = False  # or a part of it, so that it cannot be sent again
    _is_started: bool = False
    _is_clients_turn: bool = False
    _is_client_gone: bool = False
    _watch: asyncio.Task[None] | None = None

    async def run(
        self, replica: Replica, method: str, target: str, fields: list[tuple[str, str]]
    ) -> None:
        """Raises PyreqwestError or TimeoutError if nothing was sent to the client yet."""
        head_only = method == "HEAD"  # sent as GET, which has the same header fields
        client = replica.streams if self.route.event_stream else replica.client
        request = client.request("GET" if head_only else method, replica.url + target)
        call = new_request_id()
        if self.route.works_long:
            request = request.header(CALL_HEADER, call)
        places = 0 if self.route.event_stream else 1
        replica.in_flight += places
        seconds = self.settings.upstream_response_timeout_seconds
        try:
            with self.deadlines.within(seconds) as self._deadline:
                if self.body is None or self.body.is_whole:
                    self._watch_client()
                async with self._build(request.headers(fields)) as response:
                    replica.succeeded()
                    await self._relay(response, head_only=head_only)
        except PoolTimeoutError:
            raise  # the replica is busy, not broken
        except (PyreqwestError, TimeoutError) as error:
            if self.route.works_long and not self._is_started:
                await replica.give_up(call)
            if self._is_clients_turn or self._is_client_gone:
                raise Problem(408, "The client does not read the answer, or is gone.") from error
            replica.failed(str(error) or "it is too slow", absent=nothing_was_sent(error))
            if self._is_started:
                raise Problem(502, f"The answer broke off: {error}") from error
            raise
        finally:
            replica.in_flight -= places
            if self._watch is not None:
                self._watch.cancel()

    def _build(self, request: RequestBuilder) -> StreamRequest:
        body = self.body
        if body is not None and body.is_whole:
            request = request.body_bytes(body.first)
        elif body is not None:
            if body.length is not None:
                request = request.header("content-length", str(body.length))
            request = request.body_stream(self._parts(body))
        ahead = 0 if self.route.event_stream else READ_AHEAD_BYTES
        return request.streamed_read_buffer_limit(ahead).build_streamed()

    async def _parts(self, body: Body) -> AsyncIterator[bytes]:
        self.has_sent_body = True
        yield body.first
        is_whole = False
        while not is_whole:
            part = await body.part()
            self._give_service_time()
            if is_whole := body.is_whole:  # before the last part: hyper may ask for no other
                self._watch_client()
            yield part

    async def _relay(self, response: Response, *, head_only: bool) -> None:
        fields, left = self._fields(response)
        if head_only or response.status in {204, 304}:
            left = 0
        self._is_started = True
        start = {"type": "http.response.start", "status": response.status, "headers": fields}
        await self.send(start)
        while left != 0 and (part := await response.body_reader.read_chunk()) is not None:
            left -= len(part)
            if left == 0:
                await self.send({"type": "http.response.body", "body": part.to_bytes()})
                return
            await self._pass(part.to_bytes())
        await self.send({"type": "http.response.body"})

    async def _pass(self, part: bytes) -> None:
        """Send a part that is not the last. The client must take it within its own deadline."""
        if self._is_client_gone or self._deadline.is_over:  # while the part was arriving
            raise TimeoutError
        self._is_clients_turn = True
        self._deadline.give(self.settings.gateway_write_timeout_seconds)
        await self.send({"type": "http.response.body", "body": part, "more_body": True})
        self._is_clients_turn = False
        self._give_service_time()

    def _give_service_time(self) -> None:
        """It has made progress, so it may take its time again."""
        if self.route.event_stream:
            self._deadline.give(self.settings.upstream_stream_idle_seconds)
        else:
            self._deadline.give(self.settings.upstream_response_timeout_seconds)

    def _watch_client(self) -> None:
        """Once the body was read, notice when the client goes, if this would save work."""
        if self.route.works_long:
            self._watch = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        """``send`` does not report that the client is gone, only ``receive`` does."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._is_client_gone = True
        self._deadline.give(0)

    def _fields(self, response: Response) -> tuple[Fields, int]:
        """The answer's header fields, and the number of its bytes; -1 if unknown."""
        said = [(k.encode("ascii"), v.encode("ascii")) for k, v in response.headers.items()]
        by_name = combine(said)
        fields = end_to_end(said, by_name, RESPONSE_DROPPED)
        if not LOCATIONS.isdisjoint(by_name):
            fields = [(k, self._public(v) if k in LOCATIONS else v) for k, v in fields]
        if self.route.event_stream:
            fields.append((b"x-accel-buffering", b"no"))
        return fields, int(by_name.get(b"content-length", -1))

    def _public(self, location: bytes) -> bytes:
        """The public form of a path: the dither service's /images is the public /dithers."""
        if self.route.service == "dither":
            location = re.sub(rb"^/images(?=[/?]|$)", b"/dithers", location)
        prefix = self.settings.public_path if location.startswith(b"/") else ""
        return prefix.encode("ascii") + location
