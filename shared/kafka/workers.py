"""A few threads that run work and hand back what came of it.

Unlike ``concurrent.futures`` the threads are daemons: a piece of work that outlives the stop of
its process must not hold the process up (its message was not committed and comes again).
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Tag = TypeVar("Tag")
Result = TypeVar("Result")


class Workers(Generic[Tag, Result]):
    """Everything but the work itself belongs to one thread, the owner's."""

    def __init__(self, count: int, *, name: str) -> None:
        self._todo: queue.SimpleQueue[tuple[Tag, Callable[[], Result]] | None]
        self._todo = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Tag, Result]] = queue.SimpleQueue()
        self._ready: list[tuple[Tag, Result]] = []
        self._count = count
        self._outstanding = 0
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    @property
    def free(self) -> int:
        return self._count - self._outstanding

    @property
    def busy(self) -> bool:
        return self._outstanding > 0

    def submit(self, tag: Tag, work: Callable[[], Result]) -> None:
        """``work`` must not raise."""
        self._outstanding += 1
        self._todo.put((tag, work))

    def wait(self, seconds: float) -> None:
        """Return when something has finished, at the latest after ``seconds``."""
        try:
            self._ready.append(self._done.get(timeout=seconds))
        except queue.Empty:
            return

    def finished(self) -> list[tuple[Tag, Result]]:
        """What has finished since the last call."""
        while not self._done.empty():
            self._ready.append(self._done.get())
        ready, self._ready = self._ready, []
        self._outstanding -= len(ready)
        return ready

    def close(self) -> None:
        """Let the threads end when they have nothing left to do."""
        for _ in range(self._count):
            self._todo.put(None)

    def _work(self) -> None:
        while (item := self._todo.get()) is not None:
            tag, work = item
            self._done.put((tag, work()))
