"""When scheduled jobs run: on a clock that the test turns."""

import logging
import threading
from collections.abc import Callable

import pytest

from shared.failures import TransientFailure
from shared.sweeper import Sweeper, Task

SECONDS = 60.0


def sweeper_of(tasks: list[Task], clock: Callable[[], float] = lambda: 0.0) -> Sweeper:
    return Sweeper(tasks, interval_seconds=60, idle_seconds=3600, clock=clock)


class Turned:
    """Runs a sweeper whose waits only turn its clock; keeps the moments of its sweeps."""

    def __init__(self, due: list[float | None], until: float) -> None:
        self.now = 0.0
        self.sweeps: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self._due = due
        self._until = until
        self.sweeper = sweeper_of([self._task], lambda: self.now)
        self.sweeper._loop.wait = self._wait  # type: ignore[method-assign]

    def run(self) -> list[float]:
        self.sweeper.run()
        return self.sweeps

    def _task(self) -> float | None:
        self.sweeps.append(self.now)
        return self._due.pop(0) if self._due else None

    def _wait(self, seconds: float | None) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join(SECONDS)
        self.now = min(self.now + (seconds or 0), self.sweeper._next)
        if self.now > self._until:
            self.sweeper.stop()
        return True


def test_a_service_that_nobody_uses_is_swept_rarely() -> None:
    assert Turned([], until=7200).run() == [0, 3600, 7200]


def test_what_is_known_to_be_due_is_waited_for() -> None:
    assert Turned([100.0, 0.2, None], until=3600).run() == [0, 100, 101]


def test_after_a_use_it_is_swept_within_the_interval() -> None:
    turned = Turned([], until=3600)
    turned.meanwhile = turned.sweeper.note_use
    assert turned.run() == [0, 60]


def test_its_own_transactions_are_no_use() -> None:
    turned = Turned([], until=3500)
    turned.sweeper._tasks.append(turned.sweeper.note_use)
    assert turned.run() == [0]


def test_a_sweep_that_fails_keeps_no_other_from_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    swept = threading.Semaphore(0)

    def waits() -> None:
        raise TransientFailure("the storage is away")

    def is_broken() -> None:
        raise ValueError("a bug")

    def works() -> None:
        swept.release()

    sweeper = sweeper_of([waits, is_broken, works])
    thread = threading.Thread(target=sweeper.run)
    with caplog.at_level(logging.WARNING):
        thread.start()
        assert swept.acquire(timeout=SECONDS)
        sweeper.sweep_soon()
        assert swept.acquire(timeout=SECONDS), "it does not wait for the hour to pass"
        sweeper.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()
    levels = {record.message: record.levelno for record in caplog.records}
    assert levels == {"a sweep must wait": logging.WARNING, "a sweep failed": logging.ERROR}


def test_a_sweeper_that_was_stopped_does_nothing() -> None:
    done: list[int] = []
    sweeper = sweeper_of([lambda: done.append(1)])
    sweeper.stop()
    sweeper.run()
    assert done == []
