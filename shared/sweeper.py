"""Scheduled jobs: they run when work is known to be due, and rarely otherwise."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from math import inf

from shared.failures import TransientFailure
from shared.wakeup import Wakeup

logger = logging.getLogger(__name__)

# Does the work that is due and returns the seconds until more is due; None: no more is known.
Task = Callable[[], float | None]
LEAST_SECONDS = 1.0  # between two sweeps, unless one is requested


class Sweeper:
    """Runs all tasks one after another; a task that fails does not stop the others.

    They run at the start, when the earliest work that they reported is due, ``interval_seconds``
    after the last run if the service has been used since, and every ``idle_seconds`` if not. So
    a service that nobody uses sends almost no queries to its database.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        interval_seconds: float,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tasks = list(tasks)
        self._interval = interval_seconds
        self._idle = idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._loop = Wakeup()
        self._thread: threading.Thread | None = None
        self._begun = self._next = clock()
        self._used = False

    def run(self) -> None:
        self._thread = threading.current_thread()
        while not self._loop.stopping():
            if (left := self._next - self._clock()) > 0:
                self._loop.wait(left)
            else:
                self._sweep()

    def sweep_soon(self) -> None:
        """Run the tasks now: something is due."""
        with self._lock:
            self._next = self._clock()
        self._loop.wake()

    def note_use(self) -> None:
        """The service was used, which may have left work for the scheduled jobs."""
        if self._used or threading.current_thread() is self._thread:
            return  # a sweep's own transactions do not count as use of the service
        with self._lock:
            self._used = True
            self._next = min(self._next, self._begun + self._interval)
        self._loop.wake()

    def stop(self) -> None:
        self._loop.stop()

    def _sweep(self) -> None:
        with self._lock:
            self._used, self._next, self._begun = False, inf, self._clock()
        dues = [due for task in self._tasks if (due := self._do(task)) is not None]
        with self._lock:
            soonest = min([self._idle, *dues])
            self._next = min(self._next, self._clock() + max(LEAST_SECONDS, soonest))

    def _do(self, task: Task) -> float | None:
        try:
            return task()
        except TransientFailure as error:
            logger.warning("a sweep must wait", extra={"reason": str(error)})
        except Exception:
            logger.exception("a sweep failed")
        return self._interval
