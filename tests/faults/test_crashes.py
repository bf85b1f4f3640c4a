"""R1: processes die at every point of the work."""

import logging
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest

from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.scale import Scale, chosen_scale
from tests.faults.world import World
from tests.support.system import wait_for

logger = logging.getLogger(__name__)

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

# Where a process can die: in which part of the work, by service and point (shared/failpoints.py).
CRASHES: dict[str, tuple[tuple[str, str], ...]] = {
    "after storage put": (("upload", "upload.after-put"), ("dither", "dither.after-put")),
    "before commit": (("upload", "upload.before-commit"), ("dither", "dither.before-commit")),
    "after commit": (("upload", "upload.after-commit"), ("dither", "dither.after-commit")),
    "after publish": (("upload", "relay.before-mark"), ("dither", "relay.before-mark")),
    "after fetch": (("dither", "dither.after-fetch"),),
    "after engine": (("dither", "dither.after-engine"),),
    "after inbox": (
        ("notification", "notification.after-inbox"),
        ("upload", "upload.after-inbox"),
        ("dither", "dither.after-inbox"),
    ),
    "before offset commit": (
        ("upload", "consumer.before-commit"),
        ("dither", "consumer.before-commit"),
        ("notification", "consumer.before-commit"),
    ),
    "in the SMTP dialogue": (
        ("notification", "mailer.before-quit"),
        ("notification", "mailer.before-mail"),
        ("notification", "notification.before-send"),
        ("notification", "notification.after-send"),
    ),
    "in the relay": (("dither", "relay.before-publish"), ("upload", "relay.before-publish")),
    "in the rebalance": (
        ("notification", "consumer.rebalance"),
        ("dither", "consumer.rebalance"),
        ("upload", "consumer.rebalance"),
    ),
    "in the delete": (
        ("upload", "upload.delete-before-commit"),
        ("upload", "upload.delete-after-commit"),
        ("dither", "dither.delete-before-commit"),
        ("upload", "removals.before-mark"),
        ("dither", "removals.before-mark"),
    ),
}
ONCE = frozenset({"consumer.rebalance"})  # reached once in the life of a process
PASSES = 3  # the others are reached up to this many times before the process dies there
PATIENCE_SECONDS = 240.0  # how long to wait until a point is reached


@pytest.mark.parametrize("part", range(chosen_scale().parts))
def test_r1_killed_at_every_point_of_the_work(
    world: World,
    scale: Scale,
    seed: int,
    part: int,
    dice: random.Random,
    measured: Callable[[str], None],
) -> None:
    planned: dict[str, list[str]] = defaultdict(list)
    kills = list(plan(scale.kills, random.Random(seed)))[part :: scale.parts]
    for service, point in kills:
        passes = 1 if point in ONCE else dice.randint(1, PASSES)
        planned[service].append(f"{point}={passes}")
    for service in planned:
        world.system.kill(service)

    def faults() -> None:
        with ThreadPoolExecutor(len(planned)) as pool:
            dying = [pool.submit(_die_in_turn, world, *item) for item in planned.items()]
            for one in dying:
                one.result()

    load = Load(world, scale.uploads // scale.parts, dice)
    load.run(faults)
    _let_claims_end(world)
    world.settle()
    world.mails_repeated += len(planned["notification"])
    points = {(s, point.partition("=")[0]) for s, points in planned.items() for point in points}
    judge(
        world,
        measured,
        f"{load.count} uploads, {len(kills)} kills at {len(points)} points, "
        f"{len(world.ledger.kept)} kept",
    )


def plan(kills: int, dice: random.Random) -> Iterator[tuple[str, str]]:
    """Each part of the work in turn, at one of its points after another."""
    turns = {part: cycle(dice.sample(points, len(points))) for part, points in CRASHES.items()}
    return (next(turns[part]) for part in islice(cycle(turns), kills))


def _die_in_turn(world: World, name: str, failpoints: Sequence[str]) -> None:
    """Start the service with a failpoint armed; after it has died there, with the next one."""
    child = world.system.child(name)
    for failpoint in failpoints:
        started = time.monotonic()
        world.revive(name, failpoint)
        wait_for(lambda: not child.alive, f"death at {failpoint}", seconds=PATIENCE_SECONDS)
        assert child.process is not None
        assert child.process.returncode == -signal.SIGKILL, f"{name} ended: see {child.log}"
        logger.info("%s died at %s after %.1f s", name, failpoint, time.monotonic() - started)
    world.revive(name)
    wait_for(lambda: world.healthy(name), f"health of {name}", seconds=120)


def _let_claims_end(world: World) -> None:
    """Turn the clock two minutes forward for files whose removal a dead process has claimed."""
    for schema in ("upload", "dither"):
        world.query(
            f"UPDATE {schema}.file_removals"
            " SET claimed_until = claimed_until - make_interval(mins => 2)"
        )
