"""R6: a part is down for a while, and the clients go on."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.faults.audit import judge
from tests.faults.load import Load
from tests.faults.scale import Scale, chosen_scale
from tests.faults.servers import DeadPort, DurablePostgres
from tests.faults.world import World, running
from tests.support.broker import Broker

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]

# More retries than this, of all services together, would be a hot loop; those of clients are extra.
MOST_TRIES_A_SECOND = 20.0
MOST_FIRST_TRIES = 60  # by all services together, before their backoff begins
DRAIN_SHARE = 0.9
ASK_SECONDS = 0.2  # between two requests for a dither

# When those were finished that were wanted between two times, if that was after a third. A first
# dither is wanted from the upload on, although its row comes only with the message.
FINISHED = {
    "dithers": """
        SELECT finished_at FROM tstzrange(%s, %s) AS wanted,
            dither.dithers LEFT JOIN upload.images ON uuid = image_uuid
        WHERE (requested_at <@ wanted OR images.created_at <@ wanted) AND finished_at > %s""",
    "mails": """
        SELECT sent_at FROM tstzrange(%s, %s) AS wanted, notification.notifications
        WHERE created_at <@ wanted AND sent_at > %s""",
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Stage:
    """One system for all outages, and its rates per second when nothing is down."""

    world: World
    postgres: DurablePostgres
    uploads: int  # of a rehearsal
    numbers: Iterator[int] = field(default_factory=itertools.count)
    wishes: Iterator[tuple[int, str]] = field(default_factory=lambda: iter(()))
    normal: dict[str, float] = field(default_factory=dict)

    def rehearse(self) -> dict[str, float]:
        """The rates now, while nothing is down."""
        since = now()
        uuids = self.upload()
        self.world.settle()
        self.wishes = iter(itertools.product(range(3, 257), uuids))
        return {what: self.rate(what, (since, now()), since) for what in FINISHED}

    def upload(self) -> list[str]:
        return self.world.clients.upload_many(itertools.islice(self.numbers, self.uploads))

    def rate(self, what: str, wanted: tuple[datetime, datetime], after: datetime) -> float:
        """How many of those wanted between two times were finished per second after a third.

        The first tenth does not count: it may be of those that did not have to wait.
        """
        found = self.world.query(FINISHED[what], *wanted, after)
        times: list[datetime] = sorted(time for (time,) in found)
        waited = times[len(times) // 10 :]
        return (len(waited) - 1) / (waited[-1] - waited[0]).total_seconds()

    def ask_for_dithers(self, ended: threading.Event) -> None:
        """Request dithers: this works even while no image can be uploaded."""
        while not ended.wait(ASK_SECONDS):
            channels, uuid = next(self.wishes)
            self.world.clients.request(uuid, channels)


@pytest.fixture(scope="module")
def stage(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    # The default timeouts, unlike in other rows.
    environment = {"STORAGE_TIMEOUT_SECONDS": "8", "KAFKA_SESSION_TIMEOUT_SECONDS": "10"}
    if not chosen_scale().is_timed:  # a shorter session timeout for dead group members
        environment["KAFKA_SESSION_TIMEOUT_SECONDS"] = "3"
    with DurablePostgres() as postgres:
        directory = tmp_path_factory.mktemp("outages")
        with running(World(directory, broker, postgres.dsn, environment)) as world:
            world.ledger.strict = True
            stage = Stage(world, postgres, chosen_scale().rehearsal)
            stage.normal = stage.rehearse()
            yield stage


# While the context is open the part is down; the function that it yields counts the attempts to
# reach it.
Away = Callable[[Stage], AbstractContextManager[Callable[[], int]]]


@dataclass(frozen=True, slots=True)
class Outage:
    away: Away
    waiting: str | None = None  # the work that waits until the part is back
    takes_uploads: bool = False


@contextmanager
def kafka_away(stage: Stage) -> Iterator[Callable[[], int]]:
    broker = stage.world.broker
    broker.kill()
    try:
        with DeadPort(int(broker.bootstrap_servers.rpartition(":")[2])) as dead:
            yield lambda: dead.visitors
    finally:
        broker.restart()


@contextmanager
def postgres_away(stage: Stage) -> Iterator[Callable[[], int]]:
    stage.postgres.kill()
    try:
        with DeadPort(stage.postgres.port) as dead:
            yield lambda: dead.visitors
    finally:
        stage.postgres.start()


@contextmanager
def mail_server_away(stage: Stage) -> Iterator[Callable[[], int]]:
    mail = stage.world.mail
    mail.stop()
    try:
        with DeadPort(mail.port) as dead:
            yield lambda: dead.visitors
    finally:
        mail.start()


def cloudinary_fails(mode: str) -> Away:
    @contextmanager
    def away(stage: Stage) -> Iterator[Callable[[], int]]:
        storage = stage.world.storage
        before = storage.calls.total()
        storage.fail(mode)
        try:
            yield lambda: storage.calls.total() - before
        finally:
            storage.recover()

    return away


OUTAGES = {
    "kafka": Outage(kafka_away, "dithers", takes_uploads=True),
    "postgres": Outage(postgres_away),
    "smtp": Outage(mail_server_away, "mails", takes_uploads=True),
    **{
        f"cloudinary-{mode}": Outage(cloudinary_fails(mode), "dithers")
        for mode in ("hang", "420", "500", "drop")
    },
}


# The short form leaves out outages that differ only in the way in which Cloudinary fails.
PARTS = list(OUTAGES) if chosen_scale().is_timed else list(OUTAGES)[:4]


@pytest.mark.parametrize("part", PARTS)
def test_r6_an_outage_costs_time_and_nothing_else(
    stage: Stage,
    part: str,
    scale: Scale,
    dice: random.Random,
    measured: Callable[[str], None],
) -> None:
    world, ledger, outage = stage.world, stage.world.ledger, OUTAGES[part]
    ledger.slowest = 0.0
    tries, away, refused = 0, 0.0, ledger.refused
    down = back = now()

    def faults() -> None:
        nonlocal tries, away, refused, back
        with outage.away(stage) as tried:
            began = time.monotonic()
            if outage.takes_uploads and scale.is_timed:
                stage.upload()  # as much waits as was done in a rehearsal
            time.sleep(max(0.0, began + scale.outage_seconds - time.monotonic()))
            back = now()
            tries, away = tried(), time.monotonic() - began
        refused = ledger.refused - refused

    load, ended = Load(world, 10, dice), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(stage.ask_for_dithers, ended)
        try:
            load.run(faults, threads=2)
        finally:
            ended.set()
        asking.result()
    world.settle(180)
    of_services = max(0, tries - refused) / away
    judge(
        world,
        measured,
        f"{part} away {away:.0f} s: {load.count} visits, {refused} answers 503, "
        f"slowest {ledger.slowest:.1f} s, {of_services:.1f} tries/s besides",
    )
    assert tries - refused <= MOST_FIRST_TRIES + MOST_TRIES_A_SECOND * away
    if outage.waiting and scale.is_timed:
        before, stage.normal = stage.normal, stage.rehearse()
        # The machine's speed varies: the lower rate of a rehearsal before and one after.
        normal = min(before[outage.waiting], stage.normal[outage.waiting])
        share = stage.rate(outage.waiting, (down, back), back) / normal
        measured(f"after {part} {outage.waiting} at {share:.0%} of the normal rate")
        assert share >= DRAIN_SHARE
