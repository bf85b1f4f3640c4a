"""A request's body on its way through: bounded in size, in pauses and in pace."""

import asyncio
from collections.abc import AsyncIterator

from api_gateway.settings import GatewaySettings
from shared.http import Receive
from shared.problems import Problem

# A body this small is read whole before a service is bothered; of a larger one, as much.
# A slow client takes no place at a service until it has sent that.
FIRST_PART_BYTES = 64 * 1024


class ClientGone(Exception):
    """Nobody is there to be answered."""


class Body:
    """``length``: as the client declared it; None: it comes in chunks."""

    def __init__(
        self, receive: Receive, length: int | None, limit: int, settings: GatewaySettings
    ) -> None:
        self.length = length
        self.first = b""
        self.is_whole = False
        self.streaming = False  # a service has been given some of it
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._settings = settings
        self._began = asyncio.get_running_loop().time()
        if length is not None and length > limit:
            raise self._too_large()

    async def read_first(self) -> None:
        """Read until all of the body is there, or enough of it. Raises Problem or ClientGone."""
        parts: list[bytes] = []
        while not self.is_whole and self._received < FIRST_PART_BYTES:
            parts.append(await self._part())
        self.first = b"".join(parts)

    async def parts(self, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        """All parts, the first included. Each gives the service time anew."""
        loop = asyncio.get_running_loop()
        self.streaming = True
        yield self.first
        while not self.is_whole:
            part = await self._part()
            deadline.reschedule(loop.time() + self._settings.upstream_response_timeout_seconds)
            if part:
                yield part

    async def _part(self) -> bytes:
        try:
            async with asyncio.timeout(self._settings.gateway_client_timeout_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "The body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        self.is_whole = not message.get("more_body", False)
        self._received += len(part)
        if self._received > self._limit:
            raise self._too_large()
        self._check_pace()
        return part

    def _check_pace(self) -> None:
        """A byte now and then resets no clock: there is a least rate."""
        seconds = asyncio.get_running_loop().time() - self._began
        spare = self._settings.gateway_client_timeout_seconds
        least = (seconds - spare) * self._settings.gateway_client_min_bytes_per_second
        if not self.is_whole and self._received < least:
            raise Problem(408, "The body arrives too slowly.")

    def _too_large(self) -> Problem:
        return Problem(413, f"The body is too large: at most {self._limit} bytes are taken here.")
