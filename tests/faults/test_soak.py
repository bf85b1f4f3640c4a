"""R14: hours of work must not accumulate anything: memory and descriptors stay constant."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.faults.audit import judge
from tests.faults.scale import Scale
from tests.faults.world import World

pytestmark = [
    pytest.mark.real_broker,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not Path("/proc/self/smaps_rollup").exists(), reason="memory is told by Linux' /proc"
    ),
]

CLIENTS = 4
POPULATION = 50  # stored images at a time; each new one replaces the oldest
SAMPLES = 200
GROWTH = 0.05
SPARE_DESCRIPTORS = 10  # connections come and go


class Visits:
    """Actions of clients, in proportions that keep the number of images constant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count()
        self._images: deque[str] = deque()

    def visit(self) -> None:
        number, clients = next(self._numbers), self._world.clients
        uuid = clients.upload(number)
        self._images.append(uuid)
        clients.look(uuid)
        if number % 3 == 0:
            clients.request(uuid, 4)
        if number % 10 == 0:
            clients.list_images()
        if len(self._images) > POPULATION:
            clients.delete(self._images.popleft())

    def capacity(self, seconds: float) -> float:
        """Visits per second that the system can complete, including all their follow-up work."""
        started = time.monotonic()
        count = self._run(lambda number: 0.0, seconds)
        self._world.settle()
        return count / (time.monotonic() - started)

    def at(self, rate: float, seconds: float) -> int:
        """Make ``rate`` visits per second; returns how many there were."""
        return self._run(lambda number: number / rate, seconds)

    def _run(self, due: Callable[[int], float], seconds: float) -> int:
        """Make visits, the n-th not before ``due(n)``, until ``seconds`` have passed."""
        turns, started = itertools.count(), time.monotonic()

        def client() -> int:
            for count in itertools.count():
                time.sleep(max(0.0, started + due(next(turns)) - time.monotonic()))
                if time.monotonic() - started >= seconds:
                    return count
                self.visit()
            raise AssertionError("unreachable")

        with ThreadPoolExecutor(CLIENTS) as pool:
            return sum(done.result() for done in [pool.submit(client) for _ in range(CLIENTS)])


@dataclass(frozen=True, slots=True)
class Sample:
    """The measured values of one process."""

    kilobytes: int
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> "Sample":
        process = Path(f"/proc/{pid}")
        lines = (process / "smaps_rollup").read_text().splitlines()
        [kilobytes] = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
        return cls(kilobytes, len(list((process / "fd").iterdir())))


class Watch:
    """Samples every service's process at intervals. A context manager."""

    def __init__(self, world: World, interval: float) -> None:
        children = world.system.services.children.values()
        self.samples: dict[str, list[Sample]] = {child.name: [] for child in children}
        self._pids = {child.name: child.process.pid for child in children if child.process}
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(self._interval):
            for name, pid in self._pids.items():
                self.samples[name].append(Sample.of(pid))


@dataclass(frozen=True, slots=True)
class Change:
    """The change from the second quarter (the first is the warm-up) to the last."""

    kilobytes: float
    growth: float
    descriptors: float

    @classmethod
    def of(cls, samples: list[Sample]) -> "Change":
        quarter = len(samples) // 4
        early, late = samples[quarter : 2 * quarter], samples[-quarter:]
        before, after = (median(s.kilobytes for s in part) for part in (early, late))
        opened = [median(s.descriptors for s in part) for part in (early, late)]
        return cls(after, after / before - 1, opened[1] - opened[0])

    def __str__(self) -> str:
        return (
            f"{self.kilobytes / 1024:.0f} MB ({self.growth:+.1%}), "
            f"descriptors {self.descriptors:+.0f}"
        )


def test_r14_nothing_adds_up(
    world: World,
    scale: Scale,
    measured: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(world.ledger, "strict", True)  # the next row may kill processes again
    visits = Visits(world)
    capacity = visits.capacity(scale.soak_seconds / 5 if scale.soak_seconds < 60 else 30)
    with Watch(world, scale.soak_seconds / SAMPLES) as watch:
        count = visits.at(capacity / 2, scale.soak_seconds)
    changes = {name: Change.of(samples) for name, samples in watch.samples.items()}
    world.settle()
    judge(
        world,
        measured,
        f"{count} visits in {scale.soak_seconds:.0f} s at half of {capacity:.1f}/s; "
        + "; ".join(f"{name} {change}" for name, change in changes.items()),
    )
    assert [n for n, change in changes.items() if change.descriptors > SPARE_DESCRIPTORS] == []
    if scale.soak_seconds >= 60:  # the first minute is all warm-up
        assert [name for name, change in changes.items() if change.growth > GROWTH] == []
