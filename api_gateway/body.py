"""A request's body while it is forwarded: its size, pauses and minimum rate are limited."""

import asyncio
from collections.abc import AsyncIterator

from api_gateway.settings import GatewaySettings
from shared.http import Receive
from shared.problems import Problem

# A body up to this size is read completely before a service is called; of a larger one, the first
# part of this size.
FIRST_PART_BYTES = 64 * 1024


class ClientGone(Exception):
    """The client has closed the connection."""


class Body:
    """``length``: as declared by the client; None for a chunked body."""

    def __init__(
        self, receive: Receive, length: int | None, limit: int, settings: GatewaySettings
    ) -> None:
        self.length = length
        self.first = b""
        self.is_whole = False
        self.is_streaming = False  # some of it was sent to a service
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._settings = settings
        self._began = asyncio.get_running_loop().time()

    async def read_first(self) -> None:
        """Read the whole body, or its first part. Raises Problem or ClientGone."""
        self._check_size(self.length or 0)
        while not self.is_whole and self._received < FIRST_PART_BYTES:
            self.first += await self._part()

    async def parts(self, deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        """All parts, including the first. Each part restarts the service's deadline."""
        self.is_streaming = True
        yield self.first
        while not self.is_whole:
            part = await self._part()
            now = asyncio.get_running_loop().time()
            deadline.reschedule(now + self._settings.upstream_response_timeout_seconds)
            yield part

    async def _part(self) -> bytes:
        patience = self._settings.gateway_client_timeout_seconds
        try:
            async with asyncio.timeout(patience):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "The body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        self.is_whole = not message.get("more_body", False)
        self._received += len(part)
        self._check_size(self._received)
        # A minimum rate, so that single bytes now and then do not keep the request alive.
        seconds = asyncio.get_running_loop().time() - self._began - patience
        least = seconds * self._settings.gateway_client_min_bytes_per_second
        if not self.is_whole and self._received < least:
            raise Problem(408, "The body arrives too slowly.")
        return part

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise Problem(413, f"The body is too large: at most {self._limit} bytes are taken.")
