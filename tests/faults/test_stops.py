"""R5: processes get SIGTERM under load."""

import random
import time
from collections.abc import Callable
from itertools import cycle, islice

import pytest

from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.scale import Scale, chosen_scale
from tests.faults.world import World
from tests.support.system import wait_for

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

SERVICES = ("upload", "dither", "notification", "gateway")
END_SECONDS = 8.0


@pytest.mark.parametrize("part", range(chosen_scale().parts))
def test_r5_asked_to_end_under_load(
    world: World, scale: Scale, part: int, dice: random.Random, measured: Callable[[str], None]
) -> None:
    took: list[float] = []
    stops = scale.stops // scale.parts

    def faults() -> None:
        for name in islice(cycle(dice.sample(SERVICES, len(SERVICES))), stops):
            time.sleep(dice.random())
            took.append(_seconds_to_end(world, name))
            world.revive(name)
            wait_for(lambda name=name: world.healthy(name), f"health of {name}", seconds=120)  # type: ignore[misc] # mypy cannot infer a lambda's default

    load = Load(world, stops, dice)
    load.run(faults)
    world.settle()
    slowest = f"the slowest {max(took):.1f} s"
    judge(world, measured, f"{stops} stops among {load.count} uploads, {slowest}")
    if scale.is_timed:
        assert max(took) <= END_SECONDS


def _seconds_to_end(world: World, name: str) -> float:
    """The time from SIGTERM to the end of the process, which must end by itself."""
    child = world.system.child(name)
    assert child.process is not None
    child.wanted = False
    started = time.monotonic()
    child.process.terminate()
    assert child.process.wait(60) == 0, f"{name} did not end well: see {child.log}"
    return time.monotonic() - started
