"""R1: processes die at every point of the work. R5: they are asked to end. R2: one of two dies."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
import requests

from standalone.ports import free_port
from standalone.supervisor import Child
from tests.faults.audit import misses
from tests.faults.load import Load
from tests.faults.scale import Scale
from tests.faults.world import World
from tests.support.system import wait_for

logger = logging.getLogger(__name__)

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

# Where a process can die: the service, the point, and how many times the point is passed before.
POINTS = [
    ("upload", "upload.after-put", 12),
    ("upload", "upload.before-commit", 12),
    ("upload", "upload.after-inbox", 12),
    ("upload", "upload.delete-before-commit", 2),
    ("upload", "upload.delete-after-commit", 2),
    ("upload", "relay.before-publish", 6),
    ("upload", "relay.before-mark", 6),
    ("upload", "consumer.before-commit", 4),
    ("upload", "removals.before-mark", 1),
    ("dither", "dither.after-fetch", 12),
    ("dither", "dither.after-engine", 12),
    ("dither", "dither.after-put", 12),
    ("dither", "dither.after-inbox", 12),
    ("dither", "dither.delete-before-commit", 2),
    ("dither", "relay.before-publish", 6),
    ("dither", "relay.before-mark", 6),
    ("dither", "consumer.before-commit", 4),
    ("dither", "consumer.rebalance", 1),
    ("notification", "notification.after-inbox", 12),
    ("notification", "notification.before-send", 12),
    ("notification", "notification.after-send", 12),
    ("notification", "consumer.before-commit", 4),
    ("notification", "consumer.rebalance", 1),
]
PATIENCE_SECONDS = 12.0  # how long a point may not be reached before another one is tried


def test_r1_killed_at_every_point_of_the_work(
    world: World, scale: Scale, dice: random.Random, measured: Callable[[str], None]
) -> None:
    killed: Counter[str] = Counter()

    def faults() -> None:
        points = dice.sample(POINTS, len(POINTS))
        while killed.total() < scale.kills:
            if not points:
                points = dice.sample(POINTS, len(POINTS))
            name, point, passes = points.pop()
            started = time.monotonic()
            died = _killed_at(world, name, f"{point}={dice.randint(1, passes)}")
            logger.info("%s: %s, %.1f s", point, died, time.monotonic() - started)
            killed[point] += died

    load = Load(world, scale.uploads, dice)
    load.run(faults)
    world.settle(180)
    found = misses(world, mails_twice=True)
    kept = len(world.ledger.kept)
    measured(
        f"{load.count} uploads, {killed.total()} kills at {len(killed)} points, "
        f"{kept} kept: {len(found)} misses"
    )
    assert not found, found[:20]


def _killed_at(world: World, name: str, failpoint: str) -> bool:
    """Start the service anew with the point armed, and once more when it has died of it."""
    child = world.system.child(name)
    world.system.kill(name)
    world.revive(name, failpoint)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while child.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    died = not child.alive
    world.system.kill(name)
    world.revive(name)
    wait_for(lambda: world.healthy(name), f"health of {name}", seconds=60)
    return died


def test_r5_asked_to_end_under_load(
    world: World, scale: Scale, dice: random.Random, measured: Callable[[str], None]
) -> None:
    slowest: list[float] = []

    def faults() -> None:
        for _ in range(scale.stops):
            name = dice.choice(["upload", "dither", "notification", "gateway"])
            time.sleep(dice.random())
            slowest.append(_ended(world, name))
            world.revive(name)
            wait_for(lambda name=name: world.healthy(name), f"health of {name}", seconds=60)  # type: ignore[misc] # mypy cannot infer a lambda's default

    load = Load(world, 10, dice)
    load.run(faults)
    world.settle()
    found = misses(world)
    measured(
        f"{scale.stops} stops among {load.count} uploads, slowest {max(slowest):.1f} s: "
        f"{len(found)} misses"
    )
    assert not found, found[:20]
    if scale.name != "short":  # times say little on a machine that does other things as well
        assert max(slowest) <= 8


def _ended(world: World, name: str) -> float:
    """Seconds from SIGTERM to the end of the process."""
    child = world.system.child(name)
    assert child.process is not None
    world.system.child(name).wanted = False
    started = time.monotonic()
    child.process.terminate()
    child.process.wait(30)
    return time.monotonic() - started


def test_r2_one_of_two_consumers_is_killed(
    world: World, scale: Scale, measured: Callable[[str], None]
) -> None:
    first = world.system.child("dither")
    second = Child(
        name="dither",
        port=(port := free_port()),
        environment={**first.environment, "PORT": str(port)},
        log=first.log.with_name("dither-2.log"),
    )
    second.launch()
    try:
        wait_for(lambda: second.health() == "ok" and _share(second) >= 2, "a second consumer")
        world.clients.upload_many(range(20))
        world.settle()
        assert second.process is not None
        second.process.kill()
        second.process.wait()
        started = time.monotonic()
        world.clients.upload_many(range(100, 120))
        world.settle(60)
        seconds = time.monotonic() - started
    finally:
        if second.alive and second.process is not None:
            second.process.kill()
            second.process.wait()
        second.close_log()
    session = float(first.environment["KAFKA_SESSION_TIMEOUT_SECONDS"])
    found = misses(world)
    measured(
        f"all partitions worked on again {seconds:.1f} s after the kill "
        f"(session {session:.0f} s): {len(found)} misses"
    )
    assert not found, found[:20]
    if scale.name != "short":
        assert seconds <= session + 5


def _share(child: Child) -> int:
    """How many partitions a consumer has."""
    report = requests.get(f"http://127.0.0.1:{child.port}/health", timeout=5).json()
    return int(report["parts"]["consumer"].get("partitions", 0))
