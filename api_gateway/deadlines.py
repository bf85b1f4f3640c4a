"""Deadlines of requests, all with one timer.

A timer of its own for each request, as ``asyncio.timeout`` has, halves what the gateway can do:
each is a handle of libuv, which must be opened and closed.
"""

import asyncio
import time
from types import TracebackType

TICK_SECONDS = 0.1


class Deadline:
    """A context manager: raises TimeoutError in its block, up to 0.1 s late."""

    def __init__(self, running: "set[Deadline]", seconds: float) -> None:
        self.is_over = False
        self.give(seconds)
        self._running = running

    def give(self, seconds: float) -> None:
        """The block may take so long from now on."""
        self.at = time.monotonic() + seconds

    def end(self) -> None:
        self.is_over = True
        self._running.discard(self)
        self._task.cancel()

    def __enter__(self) -> "Deadline":
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._running.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._running.discard(self)
        if self.is_over:
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise TimeoutError from error


class Deadlines:
    def __init__(self) -> None:
        self._running: set[Deadline] = set()

    def within(self, seconds: float) -> Deadline:
        return Deadline(self._running, seconds)

    async def watch(self) -> None:
        """End what is over its deadline, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for deadline in [deadline for deadline in self._running if deadline.at <= now]:
                deadline.end()
