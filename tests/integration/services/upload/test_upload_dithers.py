"""Messages about an image's dithers lead to the same state in whatever order they arrive."""

import itertools
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from shared.database import Database
from shared.messages import Body, DitherFailed, DitherRequested, DitherUploaded
from shared.problems import Problem
from tests.integration.services.support import empty, outgoing, received, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from upload_service import models, repository, schemas
from upload_service.consumer import handlers
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

PNG = picture("PNG")
OPTIONS = {"algorithm": "floyd-steinberg"}
URL = "https://storage.test/dithers/1.png"


@pytest.fixture
def service(tables: Database) -> UploadService:
    empty(tables, models.metadata)
    return UploadService(UploadSettings(), tables, FakeStorage())


def requested(uuid: UUID, dither_id: UUID) -> DitherRequested:
    return DitherRequested(uuid=uuid, dither_id=dither_id, channels=2, options=OPTIONS)


def made(uuid: UUID, dither_id: UUID | None, **changed: Any) -> DitherUploaded:
    values = {
        "uuid": uuid,
        "dither_id": dither_id,
        "url_dither": URL,
        "channels": 2,
        "options": OPTIONS,
        "width": 40,
        "height": 30,
        "bytes": 99,
        **changed,
    }
    return DitherUploaded.model_validate(values)


def failed(uuid: UUID, dither_id: UUID) -> DitherFailed:
    return DitherFailed(
        uuid=uuid, dither_id=dither_id, channels=2, options=OPTIONS, reason="It is too small."
    )


def tell(service: UploadService, *bodies: Body) -> None:
    """Handle the bodies as the consumer does, each as a new message."""
    by_type = handlers(service)
    for body in bodies:
        by_type[type(body)]([received(body)])


def upload(service: UploadService) -> UUID:
    return service.upload_image(Upload(PNG, "photo.png")).uuid


def state(service: UploadService, uuid: UUID) -> tuple[str, list[dict[str, Any]]]:
    """All that a client sees of the dithers, except their time of creation."""
    image, _ = service.get_image(uuid)
    dithers = [d.model_dump(exclude={"created_at", "dither_id"}) for d in image.dithers]
    return image.status, dithers


def only_dither(service: UploadService, uuid: UUID) -> schemas.Dither:
    [dither] = service.get_image(uuid)[0].dithers
    return dither


def test_a_dither_is_queued_then_done(service: UploadService) -> None:
    uuid, dither_id = upload(service), uuid4()
    tell(service, requested(uuid, dither_id))
    assert service.get_image(uuid)[0].status == "uploaded"
    queued = only_dither(service, uuid)
    assert (queued.status, queued.url_dither, queued.channels) == ("queued", None, 2)

    tell(service, made(uuid, dither_id))
    assert service.get_image(uuid)[0].status == "dithered"
    done = only_dither(service, uuid)
    assert (done.status, done.url_dither, done.options) == ("done", URL, OPTIONS)
    assert (done.width, done.height, done.bytes) == (40, 30, 99)
    assert done.created_at == queued.created_at


def test_a_dither_that_cannot_be_made_says_why(service: UploadService) -> None:
    uuid, dither_id = upload(service), uuid4()
    tell(service, requested(uuid, dither_id), failed(uuid, dither_id))
    assert service.get_image(uuid)[0].status == "failed"
    dither = only_dither(service, uuid)
    assert (dither.status, dither.reason) == ("failed", "It is too small.")


def test_one_dither_that_worked_makes_the_image_dithered(service: UploadService) -> None:
    uuid = upload(service)
    tell(service, failed(uuid, uuid4()), made(uuid, uuid4()))
    assert service.get_image(uuid)[0].status == "dithered"
    tell(service, failed(uuid, uuid4()))
    assert service.get_image(uuid)[0].status == "dithered"


@pytest.mark.parametrize("settled", [made, failed])
def test_a_request_that_comes_late_takes_nothing_back(service: UploadService, settled: Any) -> None:
    states = []
    for order in itertools.permutations([requested, settled, requested]):
        uuid, dither_id = upload(service), uuid4()
        tell(service, *(body(uuid, dither_id) for body in order))
        states.append(state(service, uuid))
    assert states == [states[0]] * len(states)


KINDS = st.sampled_from([requested, made, failed])


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from([1, 2]), KINDS), min_size=1, max_size=6), st.randoms())
def test_any_order_of_messages_ends_in_one_state(
    service: UploadService, told: list[tuple[int, Any]], random: Any
) -> None:
    """Messages about two dithers, some twice, in the given order and in another one."""
    other = [*told, told[0]]
    random.shuffle(other)
    states = []
    for order in (told, other):
        uuid = upload(service)
        ids = {1: uuid4(), 2: uuid4()}
        tell(service, *(kind(uuid, ids[which]) for which, kind in order))
        image, _ = service.get_image(uuid)
        shown = {d.dither_id: (d.status, d.url_dither, d.reason) for d in image.dithers}
        states.append((image.status, [shown.get(ids[which]) for which in (1, 2)]))
    assert states[0] == states[1]


def test_the_same_message_again_has_no_effect(service: UploadService) -> None:
    uuid, dither_id = upload(service), uuid4()
    message = received(made(uuid, dither_id))
    for _ in range(3):
        service.note_dithers([message])
    assert service.get_image(uuid)[1] == 2
    without_id = made(uuid, None)
    tell(service, without_id, without_id)
    assert len(service.get_image(uuid)[0].dithers) == 2


def test_the_version_grows_with_what_a_client_could_see(service: UploadService) -> None:
    calls: list[int] = []
    service.on_change = lambda: calls.append(1)
    uuid, dither_id = upload(service), uuid4()
    tell(service, requested(uuid, dither_id), requested(uuid, dither_id), made(uuid, dither_id))
    assert service.get_image(uuid)[1] == 3
    assert service.versions({uuid, uuid4()}) == {uuid: 3}
    assert calls


def test_another_producer_may_say_only_what_it_must(service: UploadService) -> None:
    uuid = upload(service)
    tell(service, DitherUploaded(uuid=uuid, url_dither=URL))
    dither = only_dither(service, uuid)
    assert (dither.status, dither.url_dither, dither.channels) == ("done", URL, None)


@pytest.mark.parametrize("body", [requested, made, failed])
def test_the_news_of_a_deleted_image_end_here(service: UploadService, body: Any) -> None:
    uuid = upload(service)
    service.delete_image(uuid)
    tell(service, body(uuid, uuid4()), body(uuid4(), uuid4()))
    with pytest.raises(Problem):
        service.get_image(uuid)


def test_what_has_a_dither_is_not_announced_again(service: UploadService, tables: Database) -> None:
    service = UploadService(UploadSettings(unfinished_after_seconds=1e-6), tables, FakeStorage())
    done, broken, waiting = (upload(service) for _ in range(3))
    tell(service, made(done, uuid4()), failed(broken, uuid4()), requested(waiting, uuid4()))
    assert service.announce_unfinished() == 1
    assert outgoing(tables, service.outbox)[-1].uuid == waiting


def test_an_image_announced_very_often_does_not_stop_the_others(
    service: UploadService, tables: Database
) -> None:
    often, once = upload(service), upload(service)
    run(tables, "UPDATE upload.images SET announced_at = now() - interval '2 days'")
    run(tables, "UPDATE upload.images SET announcements = 5000 WHERE uuid = :uuid", uuid=often)
    assert service.announce_unfinished() == 2
    assert {body.uuid for body in outgoing(tables, service.outbox)[2:]} == {often, once}


def test_a_message_about_a_dither_does_not_load_the_others(
    service: UploadService, tables: Database
) -> None:
    uuid = upload(service)
    tell(service, *(made(uuid, uuid4()) for _ in range(3)))
    loaded: list[str] = []

    def note(*call: Any) -> None:
        statement = str(call[2])
        if statement.startswith("SELECT upload.dithers."):
            loaded.append(statement)

    event.listen(tables.engine, "before_cursor_execute", note)
    try:
        tell(service, failed(uuid, uuid4()), requested(uuid, uuid4()))
        assert loaded == []
        assert len(service.get_image(uuid)[0].dithers) == 5
        assert len(loaded) == 1
    finally:
        event.remove(tables.engine, "before_cursor_execute", note)


def test_a_delete_takes_the_dithers_along(service: UploadService) -> None:
    uuid = upload(service)
    tell(service, made(uuid, uuid4()), failed(uuid, uuid4()))
    service.delete_image(uuid)
    assert service.list_images(10, None).items == []


def test_an_image_is_shown_with_a_bounded_number_of_dithers(service: UploadService) -> None:
    uuid, other = upload(service), upload(service)
    ids = [uuid4() for _ in range(120)]
    tell(service, *(made(uuid, dither_id) for dither_id in ids), made(other, uuid4()))
    alone, _ = service.get_image(uuid)
    assert {d.dither_id for d in alone.dithers} == set(ids[20:]), "the newest"
    assert alone.dithers_url is not None
    assert alone.dithers_url.endswith(f"/dithers/{uuid}")
    few, many = service.list_images(10, None).items
    assert (len(few.dithers), few.dithers_url) == (1, None)
    assert {d.dither_id for d in many.dithers} == set(ids[100:])
    assert many.dithers_url == alone.dithers_url


def test_an_image_and_its_dithers_are_read_in_one_state(
    service: UploadService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an image could be shown with a dither that is done, and not as dithered."""
    uuid, read = upload(service), repository._fill_dithers

    def read_late(*arguments: Any) -> None:
        if not told:
            told.append(made(uuid, uuid4()))
            tell(service, *told)
        read(*arguments)

    told: list[Body] = []
    monkeypatch.setattr(repository, "_fill_dithers", read_late)
    shown, version = service.get_image(uuid)
    assert (shown.status, shown.dithers) == ("uploaded", [])
    after, later = service.get_image(uuid)
    assert (after.status, len(after.dithers)) == ("dithered", 1)
    assert later > version
