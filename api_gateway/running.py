"""Coroutines without tasks: a request that is passed on goes on in the very call that brings news.

A task starts in the loop's next turn and wakes up in a later one, which is work and waiting that a
small request notices. What runs here may await Futures and Signals; it cannot be cancelled, and
what asks for the current task (``asyncio.timeout``, FastAPI) needs a task.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

Work = Coroutine[Any, Any, None]


class Signal:
    """One wait. Who waits goes on at once when it is given, within the call that gives it."""

    __slots__ = ("_asyncio_future_blocking", "_callback", "_given")

    def __init__(self) -> None:
        self._callback: Callable[[Any], None] | None = None
        self._given = False

    def done(self) -> bool:
        return self._given

    def set_result(self, result: None) -> None:
        self._given = True
        if self._callback is not None:
            self._callback(result)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._callback = callback

    def __await__(self) -> Generator[Any, None, None]:
        if not self._given:
            yield self


def make_waiter(loop: asyncio.AbstractEventLoop) -> "Signal | asyncio.Future[None]":
    """What the caller can await: in a task only a Future will do."""
    return Signal() if asyncio.current_task(loop) is None else loop.create_future()


def run(work: Work) -> None:
    """Run ``work`` to its first wait, and on from there whenever a wait ends."""
    _Run(work).step(None)


class _Run:
    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def step(self, _: Any) -> None:
        try:
            awaited = self._work.send(None)
        except StopIteration:
            return
        # What a task would say: it has been seen to; only then may others await it too.
        awaited._asyncio_future_blocking = False
        awaited.add_done_callback(self.step)
