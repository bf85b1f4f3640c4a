"""Everybody has a fair share of the work, and nobody more than it can be."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from dither_engine import Options
from dither_service import models, queue
from dither_service.settings import DitherSettings
from shared.database import Database
from shared.kafka.codec import Received
from shared.messages import ImageUploaded
from shared.principal import Principal
from shared.problems import Problem
from tests.integration.services.dither.announcing import NoUploads, Storage
from tests.integration.services.dither.working import EngineHere, WorkingService
from tests.integration.services.support import empty, received, rows

KNOLL: dict[str, Any] = {"algorithm": "knoll", "palette": "nes"}
ADA, BOB = (Principal(owner, frozenset({"read", "write"})) for owner in ("key:ada", "key:bob"))


@pytest.fixture
def service(tables: Database) -> WorkingService:
    """Nothing is worked off here: the tests look at the queue."""
    empty(tables, models.metadata)
    settings = DitherSettings(max_job_seconds=60, max_queued_seconds=100)
    service = WorkingService(settings, tables, Storage(), NoUploads(), EngineHere())
    service.nothing_waits()
    return service


def image(owner: str | None, side: int = 1000, **options: object) -> Received:
    body = ImageUploaded(
        uuid=uuid4(),
        url="https://storage.test/images/a.png",
        filename="a.png",
        width=side,
        height=side,
        owner=owner,
        options=dict(options),
    )
    return received(body)


def order(tables: Database) -> list[str]:
    """The owners in the order of the work."""
    return [owner for (owner,) in rows(tables, "SELECT share FROM dither.dithers ORDER BY turn")]


def test_a_new_owner_s_first_dither_is_not_behind_somebody_s_thousand(
    service: WorkingService, tables: Database
) -> None:
    service.queue_images([image("key:ada") for _ in range(1000)])
    service.queue_images([image("key:bob")])
    assert order(tables).index("key:bob") < 100
    assert order(tables).count("key:ada") == 1000


def test_owners_take_turns_by_the_work_and_not_by_the_number(
    service: WorkingService, tables: Database
) -> None:
    ada = [image("key:ada", **KNOLL) for _ in range(4)]
    service.queue_images([*ada, *(image("key:bob") for _ in range(20))])
    assert order(tables)[:10] == ["key:bob"] * 10


def test_who_comes_late_is_not_behind_what_was_queued_long_ago(
    service: WorkingService, tables: Database
) -> None:
    """However long ago that was, and however little of it is done."""
    service.queue_images([image("key:ada") for _ in range(50)])
    with tables.transaction() as session:
        session.connection().exec_driver_sql("UPDATE dither.dithers SET turn = turn + 5000")
    service.queue_images([image("key:bob")])
    assert order(tables).index("key:bob") < 3


def test_without_owners_images_take_turns(service: WorkingService, tables: Database) -> None:
    first = image(None)
    service.queue_images([first])
    for channels in range(3, 23):
        service.request_dither(first.body.uuid, Options(channels=channels))
    service.queue_images([image(None)])
    shares = order(tables)
    assert len(set(shares)) == 2
    assert shares.index(next(s for s in shares if s != str(first.body.uuid))) < 3


def test_quick_and_slow_jobs_are_claimed_apart_each_in_turn(
    service: WorkingService, tables: Database
) -> None:
    service.queue_images([image("key:ada", **KNOLL), image("key:ada"), image("key:bob")])
    run_all = "UPDATE dither.dithers SET attempts = 0, claimed_until = NULL"
    with tables.transaction() as session:
        session.connection().exec_driver_sql(run_all)
        slow = queue.claim_next(session, 10, slow=True)
        quick = queue.claim_next(session, 10, slow=False)
    assert [row.options.get("algorithm") for row in slow] == ["knoll"]
    assert [row.options.get("algorithm") for row in quick] == [None, None]
    assert [row.turn for row in quick] == sorted(row.turn for row in quick)
    with tables.transaction() as session:
        assert queue.claim_next(session, 10, slow=False) == [], "they are claimed"


def test_work_that_takes_too_long_is_refused_with_the_number(
    service: WorkingService, tables: Database
) -> None:
    message = image("key:ada", 7000)
    service.queue_images([message])
    with pytest.raises(Problem, match="seconds of computing; at most 60") as caught:
        service.request_dither(message.body.uuid, Options.parse(KNOLL), ADA)
    assert caught.value.status == 422


def test_an_owner_who_has_queued_too_much_must_wait(
    service: WorkingService, tables: Database
) -> None:
    uuids: list[UUID] = []
    for owner in ("key:ada", "key:bob"):
        message = image(owner, 4000)
        service.queue_images([message])
        uuids.append(message.body.uuid)

    def ask(uuid: UUID, caller: Principal, count: int) -> None:
        for number in range(count):
            options = Options.parse({**KNOLL, "contrast": 1 + (number + 1) / 100})
            service.request_dither(uuid, options, caller)

    with pytest.raises(Problem, match="queued for you, of at most 100") as caught:
        ask(uuids[0], ADA, 20)
    assert caught.value.status == 429
    assert "retry-after" in caught.value.headers
    ask(uuids[1], BOB, 1)


def test_uploads_of_one_owner_do_not_make_the_requests_of_others_fail(
    service: WorkingService, tables: Database
) -> None:
    """Their first dithers wait, however many they are."""
    bobs = image("key:bob")
    service.queue_images([bobs, *(image("key:ada", 4000, **KNOLL) for _ in range(100))])
    with tables.transaction() as session:
        everything = queue.waiting(session, "key:ada")
        bounded = queue.waiting(session, "key:ada", most_each=100)
    assert everything.own > 8 * 100, "more than the bound of all"
    assert 100 < bounded.all < 200
    service.request_dither(bobs.body.uuid, Options(channels=3), BOB)
