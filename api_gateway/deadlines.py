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

    def __init__(self, deadlines: "Deadlines", seconds: float) -> None:
        self.is_over = False
        self.give(seconds)
        self._deadlines = deadlines

    def give(self, seconds: float) -> None:
        """The block may take so long from now on."""
        self.at = time.monotonic() + seconds

    def end(self) -> None:
        self.is_over = True
        self._deadlines.remove(self)
        self._task.cancel()

    def __enter__(self) -> "Deadline":
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._deadlines.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self.is_over:
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise TimeoutError from error


class Deadlines:
    def __init__(self) -> None:
        self._running: set[Deadline] = set()
        self._are_running = asyncio.Event()

    def within(self, seconds: float) -> Deadline:
        return Deadline(self, seconds)

    def add(self, deadline: Deadline) -> None:
        self._running.add(deadline)
        self._are_running.set()

    def remove(self, deadline: Deadline) -> None:
        self._running.discard(deadline)

    async def watch(self) -> None:
        """End what is over its deadline, until cancelled. Without requests, nothing ticks."""
        while True:
            await self._are_running.wait()
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for deadline in [deadline for deadline in self._running if deadline.at <= now]:
                deadline.end()
            if not self._running:
                self._are_running.clear()
