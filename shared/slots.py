"""A limit for slow requests, so that they never take all of the threads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.problems import Unavailable


class Slots:
    """At most ``count`` at once; a request that waits over ``wait_seconds`` gets 503 ``busy``.

    Waiting takes no thread. Use it in one event loop only.
    """

    def __init__(self, count: int, *, wait_seconds: float, busy: str) -> None:
        self._free = asyncio.Semaphore(count)
        self._wait_seconds = wait_seconds
        self._busy = busy

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a slot during the block. Raises ``Unavailable``."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable(self._busy, retry_after=1) from None
        try:
            yield
        finally:
            self._free.release()
