"""Places for requests that take long, so that they never take all of the threads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.problems import Unavailable


class Slots:
    """At most ``count`` at once; who waits longer than ``wait_seconds`` is told 503 ``busy``.

    Waiting costs no thread. Belongs to one event loop.
    """

    def __init__(self, count: int, *, wait_seconds: float, busy: str) -> None:
        self._free = asyncio.Semaphore(count)
        self._wait_seconds = wait_seconds
        self._busy = busy

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Raises ``Unavailable``."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable(self._busy, retry_after=1) from None
        try:
            yield
        finally:
            self._free.release()
