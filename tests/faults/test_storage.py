"""R8: the calls to Cloudinary. R11: files that a crash left without an owner."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.faults.audit import judge, misses
from tests.faults.load import Load
from tests.faults.scale import Scale
from tests.faults.world import World
from tests.support.system import wait_for

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

SWEEPS_SECONDS = 3.0  # a sweep comes every second


def test_r8_uploads_lists_and_deletes_need_no_admin_call(
    world: World, scale: Scale, dice: random.Random, measured: Callable[[str], None]
) -> None:
    before, earlier = Counter(world.storage.calls), set(world.ledger.promises)
    load = Load(world, scale.accounted, dice)
    load.run(world.clients.list_images)
    for promise in list(world.ledger.kept):
        if promise.uuid not in earlier:
            world.clients.list_images()
            world.clients.delete(promise.uuid)
    world.settle()
    calls = Counter(world.storage.calls) - before
    judge(
        world,
        measured,
        f"{load.count} uploads, lists and deletes, {calls['upload']} upload and "
        f"{calls['destroy']} destroy calls, {calls['admin']} Admin API calls",
    )
    assert world.storage.calls["admin"] == 0


def test_r11_an_orphan_goes_after_an_hour_and_not_before(
    world: World, measured: Callable[[str], None]
) -> None:
    before = _orphans(world)
    _lose_an_original(world)
    _lose_a_dither(world)
    world.settle()
    assert misses(world) == []
    orphans = _orphans(world) - before
    assert {name.partition("/")[0] for name in orphans} == {"images", "dithers"}

    for minutes in (0, 45):  # in all, from now on
        _turn_the_clock(world, minutes)
        time.sleep(SWEEPS_SECONDS)
        assert orphans <= _orphans(world)
    _turn_the_clock(world, 15)
    wait_for(lambda: not _orphans(world), "end of the orphans")
    wait_for(lambda: not _noted(world), "end of the notes")
    judge(world, measured, f"{len(orphans)} orphans, all there after 45 minutes, none after 60")


def _lose_an_original(world: World) -> None:
    """The upload service dies between storage and commit; the client repeats its upload."""
    world.system.kill("upload")
    world.revive("upload", "upload.after-put=1")
    with ThreadPoolExecutor(1) as pool:
        uploaded = pool.submit(world.clients.upload, 1)
        _has_died(world, "upload")
        world.revive("upload")
        uploaded.result()


def _lose_a_dither(world: World) -> None:
    """The dither service dies at the same point; the image is deleted before its restart."""
    world.settle()
    world.system.kill("dither")
    world.revive("dither", "dither.after-put=1")
    uuid = world.clients.upload(2)
    _has_died(world, "dither")
    world.clients.delete(uuid)
    world.revive("dither")


def _has_died(world: World, name: str) -> None:
    wait_for(lambda: not world.system.child(name).alive, f"death of the {name} service")


def _orphans(world: World) -> set[str]:
    """The stored files that have no owner."""
    keys = world.query(
        "SELECT key FROM upload.images UNION SELECT key FROM dither.dithers WHERE key IS NOT NULL"
    )
    return set(world.storage.assets) - {key.rpartition(".")[0] for (key,) in keys}


def _noted(world: World) -> list[tuple[str, ...]]:
    return world.query(
        "SELECT key FROM upload.file_removals UNION SELECT key FROM dither.file_removals"
    )


def _turn_the_clock(world: World, minutes: int) -> None:
    for schema in ("upload", "dither"):
        world.query(
            f"UPDATE {schema}.file_removals SET due_at = due_at - make_interval(mins => %s)",
            minutes,
        )
    # Scheduled jobs do not notice that the clock was changed: a use of the service wakes them.
    for path in ("/images", "/dithers"):
        assert requests.get(world.system.url + path, timeout=30).status_code == 200
