"""A request's body while it is forwarded: its size, pauses and minimum rate are limited."""

import time

from api_gateway.deadlines import Deadlines
from shared.http import Receive
from shared.problems import Problem

# A body up to this size is read completely before a service is called; of a larger one, the first
# part of this size.
FIRST_PART_BYTES = 64 * 1024
MIN_BYTES_PER_SECOND = 1024


class Body:
    """``length``: as declared by the client; None for a chunked body. ``limit``: in bytes.

    ``patience``: how many seconds a client may take for the next part.
    """

    def __init__(
        self, receive: Receive, length: int | None, limit: int, patience: float,
        deadlines: Deadlines,
    ) -> None:  # fmt: skip
        self.length = length
        self.first = b""
        self.is_whole = False
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._patience = patience
        self._deadlines = deadlines
        self._began = time.monotonic()

    async def read_first(self) -> None:
        """Read the whole body, or its first part. Raises Problem."""
        self._check_size(self.length or 0)
        while not self.is_whole and self._received < FIRST_PART_BYTES:
            self.first += await self.part()

    async def part(self) -> bytes:
        """The next part. Raises Problem."""
        try:
            with self._deadlines.within(self._patience):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "The body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            # The client may still be connected, if its body was cut off or is not valid HTTP.
            raise Problem(400, "The body is incomplete.")
        part: bytes = message.get("body", b"")
        self._received += len(part)
        # The announced length may be reached before the server says that the body has ended.
        self.is_whole = self._received == self.length or not message.get("more_body", False)
        self._check_size(self._received)
        # A minimum rate, so that single bytes now and then do not keep the request alive.
        seconds = time.monotonic() - self._began - self._patience
        if not self.is_whole and self._received < seconds * MIN_BYTES_PER_SECOND:
            raise Problem(408, "The body arrives too slowly.")
        return part

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise Problem(413, f"The body is too large: at most {self._limit} bytes are allowed.")
