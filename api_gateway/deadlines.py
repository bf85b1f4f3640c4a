"""Deadlines of requests, with one timer for many, which runs only while there are any.

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
        self._deadlines = deadlines
        self.give(seconds)

    def give(self, seconds: float) -> None:
        """The block may take so long from now on."""
        self.at = time.monotonic() + seconds

    def end(self) -> None:
        self.is_over = True
        self._task.cancel()

    def __enter__(self) -> "Deadline":
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        self._deadlines.add(self, loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._deadlines.running.discard(self)
        if self.is_over:
            self._task.uncancel()
            if kind is asyncio.CancelledError:
                raise TimeoutError from error


class Deadlines:
    def __init__(self) -> None:
        self.running: set[Deadline] = set()
        self._is_ticking = False

    def within(self, seconds: float) -> Deadline:
        return Deadline(self, seconds)

    def add(self, deadline: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        self.running.add(deadline)
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(TICK_SECONDS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        over = {deadline for deadline in self.running if deadline.at <= now}
        self.running -= over
        for deadline in over:
            deadline.end()
        self._is_ticking = bool(self.running)
        if self._is_ticking:
            loop.call_later(TICK_SECONDS, self._tick, loop)
