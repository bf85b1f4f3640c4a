"""A small pool of threads.

Unlike those of ``concurrent.futures.ThreadPoolExecutor`` they are daemon threads: work that does
not end in time must not keep the process from stopping (its message was not committed and is
redelivered).
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Workers:
    """Any thread may call ``submit``; work waits in a queue until a thread is free."""

    def __init__(self, count: int, *, name: str) -> None:
        self.count = count
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """The future gives the result of ``work``, or raises its exception.

        Work whose future is cancelled before a thread is free is not done.
        """
        future: Future[T] = Future()
        self._todo.put(lambda: _settle(future, work))
        return future

    def close(self) -> None:
        """Let the threads end when they have nothing left to do."""
        for _ in range(self.count):
            self._todo.put(None)

    def _work(self) -> None:
        while (work := self._todo.get()) is not None:
            work()


def _settle(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
        future.set_exception(error)
    else:
        future.set_result(result)
