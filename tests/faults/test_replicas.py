"""R2: one of two replicas is killed. R12: replicas join and leave."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
import requests

from standalone.ports import free_port
from standalone.supervisor import Child
from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.scale import Scale
from tests.faults.world import World
from tests.support.system import wait_for

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

NUMBERS = count(2)
HALF = 4  # partitions: half of two topics with four each
SHARE_SECONDS = 10.0


def test_r2_one_of_two_replicas_is_killed(
    world: World, scale: Scale, measured: Callable[[str], None]
) -> None:
    with replica(world, "dither") as second:
        assert second.process is not None
        world.clients.upload_many(range(20))
        second.process.kill()
        second.process.wait()
        started = time.monotonic()
        wait_for(lambda: partitions(world.system.child("dither")) == 2 * HALF, "all partitions")
        seconds = time.monotonic() - started
        world.clients.upload_many(range(20))
        world.settle()
    session = float(world.system.environment["KAFKA_SESSION_TIMEOUT_SECONDS"])
    taken = f"all partitions taken over {seconds:.1f} s after the kill (session {session:.0f} s)"
    judge(world, measured, taken)
    if scale.is_timed:
        assert seconds <= session + 5


def test_r12_replicas_join_and_leave_under_load(
    world: World, scale: Scale, dice: random.Random, measured: Callable[[str], None]
) -> None:
    took: list[float] = []

    def faults() -> None:
        for _ in range(scale.joins):
            with replica(world, "dither", took) as second:
                time.sleep(dice.random() * 2)
                assert second.process is not None
                second.process.terminate()
                assert second.process.wait(60) == 0

    load = Load(world, scale.joins * 10, dice)
    load.run(faults)
    world.settle()
    judge(
        world,
        measured,
        f"{scale.joins} joined and left among {load.count} uploads, each had half of both topics "
        f"at most {max(took):.1f} s after it was well",
    )
    if scale.is_timed:
        assert max(took) <= SHARE_SECONDS


@contextmanager
def replica(world: World, name: str, took: list[float] | None = None) -> Iterator[Child]:
    """Another process of a service; inside the context it has half of each topic's partitions."""
    first = world.system.child(name)
    second = Child(
        name=name,
        port=(port := free_port()),
        environment={**first.environment, "FAILPOINTS": "", "PORT": str(port)},
        log=first.log.with_name(f"{name}-{next(NUMBERS)}.log"),
    )
    second.launch()
    try:
        wait_for(lambda: second.health() != "", "health of a second replica", seconds=60)
        started = time.monotonic()
        wait_for(lambda: partitions(second) == HALF, "half of both topics for it", seconds=60)
        if took is not None:
            took.append(time.monotonic() - started)
        yield second
    finally:
        if second.alive and second.process is not None:
            second.process.kill()
            second.process.wait()
        second.close_log()


def partitions(child: Child) -> int:
    """The number of partitions that a replica has."""
    report = requests.get(f"http://127.0.0.1:{child.port}/health", timeout=5).json()
    return int(report["parts"]["consumer"].get("partitions", 0))
