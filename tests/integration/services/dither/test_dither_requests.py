"""Requested dithers: queued at once, the same one only once, and never lost."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from dither_engine import Options
from dither_service import models
from dither_service.consumer import handlers
from dither_service.upload_client import Original
from shared.context import request_context
from shared.database import Database
from shared.failures import TransientFailure
from shared.messages import Body, DitherRequested, DitherUploaded, ImageDeleted, ImageUploaded
from shared.problems import Problem
from tests.integration.services.dither.working import WorkingService, without_queue
from tests.integration.services.support import empty, outgoing, received, rows, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from tests.support.system import wait_for

PNG = picture("PNG", (16, 12))


class Uploads:
    """A fake of the upload service, with the calls that are used."""

    def __init__(self) -> None:
        self.urls: dict[UUID, str] = {}
        self.asked: list[UUID] = []
        self.owner: str | None = None
        self.is_down = False

    def find_original(self, uuid: UUID) -> Original | None:
        self.asked.append(uuid)
        if self.is_down:
            raise TransientFailure("the upload service does not answer")
        url = self.urls.get(uuid)
        return None if url is None else Original(url, self.owner)


@pytest.fixture
def uploads() -> Uploads:
    return Uploads()


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def service(tables: Database, storage: FakeStorage, uploads: Uploads) -> Iterator[WorkingService]:
    empty(tables, models.metadata)
    with without_queue(tables, storage, uploads) as service:
        yield service


@pytest.fixture
def uuid(storage: FakeStorage, uploads: Uploads) -> UUID:
    """An image that the upload service has, and whose message has not arrived yet."""
    image = uuid4()
    uploads.urls[image] = storage.put(f"images/{image}.png", PNG, "image/png").url
    return image


def work(service: WorkingService, tables: Database) -> None:
    """Handle each request once that this service sent to itself."""
    for body in outgoing(tables, service.outbox):
        if isinstance(body, DitherRequested):
            handlers(service)[type(body)]([received(body)])
    service.wait_until_quiet()


def test_a_request_works_before_the_image_s_message_has_come(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    dither, is_new = service.request_dither(uuid, Options(channels=4))
    assert is_new
    assert (dither.uuid, dither.channels, dither.status) == (uuid, 4, "queued")
    assert dither.url_dither is None
    assert outgoing(tables, service.outbox) == [
        DitherRequested(
            uuid=uuid,
            dither_id=dither.dither_id,
            channels=4,
            options={"channels": 4},
        )
    ]


def test_a_requested_dither_is_made_through_its_message(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    dither, _ = service.request_dither(uuid, Options(channels=4))
    work(service, tables)
    work(service, tables)
    [_, told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert told.dither_id == dither.dither_id
    [shown] = service.get_dithers(uuid).dithers
    assert (shown.status, shown.url_dither) == ("done", told.url_dither)


def test_where_dithers_are_made_a_request_does_not_wait_for_its_message(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    service.works_here = True
    with request_context("a-request"):
        dither, _ = service.request_dither(uuid, Options(channels=4))
    service.wait_until_quiet()
    [shown] = service.get_dithers(uuid).dithers
    assert (shown.dither_id, shown.status) == (dither.dither_id, "done")
    work(service, tables)  # the message comes later, and does nothing more
    told = [body.message_type for body in outgoing(tables, service.outbox)]
    assert told == ["DITHER_REQUESTED", "DITHER_UPLOADED"]
    query = "SELECT request_id FROM dither.outbox WHERE message_type = 'DITHER_UPLOADED'"
    assert rows(tables, query) == [("a-request",)]


def test_a_request_that_is_not_committed_begins_nothing(
    service: WorkingService, tables: Database, uuid: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.works_here = True
    added: list[object] = []
    monkeypatch.setattr(service.dispatcher, "add", lambda *jobs, **_: added.append(jobs))

    def fail(_: object) -> None:
        raise TransientFailure("the database is not available")

    monkeypatch.setattr(service.outbox, "_flush", fail)
    with pytest.raises(TransientFailure):
        service.request_dither(uuid, Options(channels=4))
    assert added == []


def test_the_same_request_again_is_the_same_dither(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    first, _ = service.request_dither(uuid, Options(channels=4))
    again, is_new = service.request_dither(uuid, Options(channels=4))
    assert (again, is_new) == (first, False)
    assert len(outgoing(tables, service.outbox)) == 1
    work(service, tables)
    done, is_new = service.request_dither(uuid, Options(channels=4))
    assert (done.dither_id, done.status, is_new) == (first.dither_id, "done", False)


def test_options_that_mean_the_same_are_the_same_dither(
    service: WorkingService, uuid: UUID
) -> None:
    first, _ = service.request_dither(uuid, Options(palette="#000,#fff", channels=2))
    again, is_new = service.request_dither(
        uuid, Options(palette=["#000000", "#ffffff"], channels=9)
    )
    assert (again.dither_id, is_new) == (first.dither_id, False)
    _, is_new = service.request_dither(uuid, Options(palette=["#000000", "#ff0000"]))
    assert is_new


def test_the_default_dither_is_not_made_twice(
    service: WorkingService, tables: Database, uploads: Uploads, uuid: UUID
) -> None:
    body = ImageUploaded(uuid=uuid, url=uploads.urls[uuid], filename="a.png")
    service.dither_images([received(body)])
    dither, is_new = service.request_dither(uuid, Options(channels=2))
    assert (dither.status, is_new) == ("done", False)
    assert uploads.asked == [], "the message said where the image is"


def test_an_image_that_nobody_knows(
    service: WorkingService, tables: Database, uploads: Uploads
) -> None:
    unknown = uuid4()
    with pytest.raises(Problem, match=f"There is no image {unknown}") as caught:
        service.request_dither(unknown, Options())
    assert caught.value.status == 404
    assert uploads.asked == [unknown]
    assert outgoing(tables, service.outbox) == []


def test_an_upload_service_that_is_down_is_not_taken_for_a_no(
    service: WorkingService, tables: Database, uploads: Uploads, uuid: UUID
) -> None:
    uploads.is_down = True
    with pytest.raises(TransientFailure):
        service.request_dither(uuid, Options())
    assert outgoing(tables, service.outbox) == []
    uploads.is_down = False
    assert service.request_dither(uuid, Options())[1]
    uploads.is_down = True
    assert service.request_dither(uuid, Options(channels=3))[1], "it is known by now"


def test_a_deleted_image_is_not_asked_for(
    service: WorkingService, uploads: Uploads, uuid: UUID
) -> None:
    service.delete_dithers([received(ImageDeleted(uuid=uuid))])
    with pytest.raises(Problem) as caught:
        service.request_dither(uuid, Options())
    assert caught.value.status == 404
    assert uploads.asked == []


def test_a_request_for_a_deleted_dither_does_nothing(
    service: WorkingService, tables: Database, storage: FakeStorage, uuid: UUID
) -> None:
    service.request_dither(uuid, Options())
    service.delete_dithers([received(ImageDeleted(uuid=uuid))])
    work(service, tables)
    assert [body.message_type for body in outgoing(tables, service.outbox)] == ["DITHER_REQUESTED"]
    assert list(storage.files) == [f"images/{uuid}.png"]


def test_lists_have_pages_newest_first(service: WorkingService, uuid: UUID) -> None:
    ids = [service.request_dither(uuid, Options(channels=n))[0].dither_id for n in range(2, 7)]
    first = service.list_dithers(3, None)
    service.request_dither(uuid, Options(channels=100))
    rest = service.list_dithers(3, first.next_cursor)
    assert [d.dither_id for d in first.items + rest.items] == ids[::-1]
    assert rest.next_cursor is None
    assert [d.dither_id for d in service.get_dithers(uuid).dithers][:5] == ids


def test_an_image_without_dithers_and_one_that_is_none(
    service: WorkingService, uploads: Uploads
) -> None:
    with pytest.raises(Problem) as caught:
        service.get_dithers(uuid4())
    assert caught.value.status == 404


def test_a_dither_that_is_not_made_is_handed_out_again_ever_less_often(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    service.request_dither(uuid, Options(channels=4))
    waits = [600, 1200, 2400]
    for count, seconds in enumerate(waits, start=1):
        run(
            tables,
            "UPDATE dither.dithers SET requested_at = now() - :s * interval '1 second'",
            s=seconds - 30,
        )
        assert service.request_unfinished() == 0
        run(tables, "UPDATE dither.dithers SET requested_at = requested_at - interval '1 minute'")
        assert service.request_unfinished() == 1
        assert service.request_unfinished() == 0
        assert len(outgoing(tables, service.outbox)) == 1 + count
    told = outgoing(tables, service.outbox)
    assert told == [told[0]] * len(told)
    run(
        tables,
        "UPDATE dither.dithers SET requests = 40, requested_at = now() - interval '25 hours'",
    )
    assert service.request_unfinished() == 1, "once a day at least"


def test_what_is_made_is_not_handed_out_again(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    service.request_dither(uuid, Options())
    work(service, tables)
    run(tables, "UPDATE dither.dithers SET requested_at = now() - interval '1 day'")
    assert service.request_unfinished() == 0


def test_a_row_that_cannot_be_obeyed_or_was_handed_out_often_does_not_stop_the_others(
    service: WorkingService, tables: Database, uuid: UUID
) -> None:
    for channels in (3, 4, 5):
        service.request_dither(uuid, Options(channels=channels))
    run(tables, "UPDATE dither.dithers SET requested_at = now() - interval '2 days'")
    run(
        tables,
        """UPDATE dither.dithers SET options = '{"algorithm": "magic"}' WHERE channels = 4""",
    )
    run(tables, "UPDATE dither.dithers SET requests = 5000 WHERE channels = 5")
    assert service.request_unfinished() == 3
    refused = next(b for b in outgoing(tables, service.outbox)[3:] if _channels(b) == 4)
    service.queue_images([received(refused)])
    wanted = ["queued", "failed", "queued"]
    wait_for(
        lambda: [d.status for d in service.get_dithers(uuid).dithers] == wanted, "failed dither"
    )


def _channels(body: Body) -> int:
    assert isinstance(body, DitherRequested)
    return body.channels


def test_an_image_has_so_many_dithers_and_no_more(
    service: WorkingService, tables: Database, uuid: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dither_service.service.MAX_DITHERS_PER_IMAGE", 2)
    for channels in (2, 3):
        assert service.request_dither(uuid, Options(channels=channels))[1]
    with pytest.raises(Problem, match="2 dithers") as caught:
        service.request_dither(uuid, Options(channels=4))
    assert caught.value.status == 422
    assert len(service.get_dithers(uuid).dithers) == 2
    assert len(outgoing(tables, service.outbox)) == 2
    assert not service.request_dither(uuid, Options(channels=3))[1], "the same one is still told"
