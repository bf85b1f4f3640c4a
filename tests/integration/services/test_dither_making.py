"""Dithers are made once in effect, however often, by however many, and whatever crashes."""

import io
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from dither_service import models
from dither_service.engine import Options
from dither_service.making import MISSING_GRACE
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from shared.database import Database
from shared.failures import TransientFailure
from shared.kafka.codec import Received
from shared.messages import DitherFailed, DitherUploaded, ImageDeleted, ImageUploaded
from shared.problems import Problem
from shared.storage import StorageRefusedError, StorageUnavailableError, StoredFile
from tests.integration.services.support import empty, migrated, outgoing, received, rows, run
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from tests.support.storages import cloudinary_storage

PNG = picture("PNG")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _nothing() -> None:
    """Until a test wants something to happen in the middle."""


class Storage(FakeStorage):
    """Lets something else happen in the middle of a worker's work, once."""

    def __init__(self) -> None:
        super().__init__()
        self.after_fetch: Callable[[], None] = _nothing
        self.after_put: Callable[[], None] = _nothing

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        data = super().fetch(url, max_bytes=max_bytes)
        self.after_fetch, now = _nothing, self.after_fetch
        now()
        return data

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        stored = super().put(key, data, content_type)
        self.after_put, now = _nothing, self.after_put
        now()
        return stored


class NoUploads:
    def image_url(self, uuid: UUID) -> str | None:
        raise AssertionError(f"nobody should ask for {uuid}")


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    with migrated(database, "dither_service") as migrated_database:
        yield migrated_database


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def service(tables: Database, storage: Storage) -> DitherService:
    empty(tables, models.metadata)
    return DitherService(DitherSettings(), tables, storage, NoUploads(), now=lambda: NOW)


def announced(
    storage: FakeStorage, data: bytes = PNG, *, options: dict[str, Any] | None = None
) -> Received:
    """The message about an image that lies in the storage."""
    uuid = uuid4()
    stored = storage.put(f"images/{uuid}.png", data, "image/png")
    body = ImageUploaded(uuid=uuid, url=stored.url, filename="photo.png", options=options)
    return received(body, produced_at=NOW)


def deleted(message: Received) -> Received:
    return received(ImageDeleted(uuid=message.body.uuid))


def dither_files(storage: FakeStorage) -> list[str]:
    return [key for key in storage.files if key.startswith("dithers/")]


def notes(tables: Database) -> list[str]:
    return [key for (key,) in rows(tables, "SELECT key FROM dither.file_removals")]


def an_hour_passes(service: DitherService, tables: Database, storage: FakeStorage) -> None:
    run(tables, "UPDATE dither.file_removals SET due_at = due_at - interval '1 hour'")
    service.removals.sweep(tables, storage)


def test_an_uploaded_image_gets_its_default_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_uploaded_image(message)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    [key] = dither_files(storage)
    assert key.startswith(f"dithers/{message.body.uuid}-")
    assert told.url_dither == storage.base + key
    assert (told.channels, told.width, told.height) == (2, 40, 30)
    assert told.bytes == len(storage.files[key])

    [shown] = service.get_dithers(message.body.uuid).dithers
    assert (shown.status, shown.url_dither) == ("done", told.url_dither)
    assert shown.dither_id == told.dither_id
    assert notes(tables) == []

    with Image.open(io.BytesIO(storage.files[key])) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (40, 30))
        colours = {image.getpixel((x, y)) for x in range(40) for y in range(30)}
    assert 2 < len(colours) <= 8


def test_options_that_came_with_the_upload_are_the_first_dither_s(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    service.dither_uploaded_image(announced(storage, options={"channels": 4, "width": 20}))
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert (told.channels, told.width, told.height) == (4, 20, 15)


def test_options_that_make_no_sense_are_a_dither_that_failed(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage, options={"algorithm": "magic"})
    service.dither_uploaded_image(message)
    service.dither_uploaded_image(message)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert "magic" in told.reason
    [shown] = service.get_dithers(message.body.uuid).dithers
    assert (shown.status, shown.reason) == ("failed", told.reason)


def test_a_repeated_announcement_makes_nothing_twice(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    for again in (message, message, received(message.body)):
        service.dither_uploaded_image(again)
    assert len(outgoing(tables, service.outbox)) == 1
    assert len(dither_files(storage)) == 1


# What cannot be made.


@pytest.mark.parametrize("data", [b"I am a text", PNG[:60]])
def test_a_file_that_cannot_be_read_is_a_dither_that_failed(
    service: DitherService, tables: Database, storage: Storage, data: bytes
) -> None:
    message = announced(storage, data)
    service.dither_uploaded_image(message)
    [shown] = service.get_dithers(message.body.uuid).dithers
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert (shown.status, shown.reason) == ("failed", told.reason)
    assert told.reason.endswith(".")
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_a_foreign_address_is_never_asked(
    tables: Database, service: DitherService, cloudinary_server: CloudinaryServer
) -> None:
    del service  # whose tables are used
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        foreign.setblocking(False)
        cloud = cloudinary_storage(cloudinary_server)
        service = DitherService(DitherSettings(), tables, cloud, NoUploads(), now=lambda: NOW)
        url = f"http://127.0.0.1:{foreign.getsockname()[1]}/images/a.png"
        body = ImageUploaded(uuid=uuid4(), url=url, filename="a.png")
        service.dither_uploaded_image(received(body))
        with pytest.raises(BlockingIOError):
            foreign.accept()
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The original is no file of this service's storage."


def test_an_original_may_be_readable_a_moment_late(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    data = storage.files.pop(f"images/{message.body.uuid}.png")
    with pytest.raises(TransientFailure):
        service.dither_uploaded_image(message)
    storage.files[f"images/{message.body.uuid}.png"] = data
    service.dither_uploaded_image(message)
    assert len(outgoing(tables, service.outbox)) == 1


def test_an_original_that_stays_away_is_gone(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    storage.files.clear()
    late = received(message.body, produced_at=NOW - MISSING_GRACE - timedelta(seconds=1))
    service.dither_uploaded_image(late)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The original image is gone."


def test_a_storage_that_is_down_is_waited_for(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    storage.error = StorageUnavailableError("down")
    with pytest.raises(TransientFailure):
        service.dither_uploaded_image(message)
    storage.error = None

    def goes_down() -> None:
        storage.error = StorageUnavailableError("down")

    storage.after_fetch = goes_down
    with pytest.raises(TransientFailure):
        service.dither_uploaded_image(message)
    assert outgoing(tables, service.outbox) == []
    assert len(notes(tables)) == 1, "perhaps the file was stored and only the answer was lost"

    storage.error = None
    service.dither_uploaded_image(message)
    assert len(outgoing(tables, service.outbox)) == 1
    assert notes(tables) == []


def test_a_storage_that_refuses_the_result_fails_the_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def refuses() -> None:
        storage.error = StorageRefusedError("too large for this plan")

    storage.after_fetch = refuses
    service.dither_uploaded_image(message)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The storage does not take the dithered image."


# Several workers, and crashes.


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_worker_that_comes_second_changes_nothing(
    service: DitherService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)
    setattr(storage, moment, lambda: service.dither_uploaded_image(received(message.body)))
    service.dither_uploaded_image(message)
    assert [body.message_type for body in outgoing(tables, service.outbox)] == ["DITHER_UPLOADED"]
    an_hour_passes(service, tables, storage)
    assert len(dither_files(storage)) == 1
    assert notes(tables) == []


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_second_worker_that_crashes_does_not_take_the_file_along(
    service: DitherService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)

    def crash() -> None:
        raise KeyboardInterrupt

    def another_is_faster() -> None:
        service.dither_uploaded_image(received(message.body))
        storage.after_put = crash

    setattr(storage, moment, another_is_faster)
    try:
        service.dither_uploaded_image(message)
    except KeyboardInterrupt:
        service.dither_uploaded_image(message)  # as the broker delivers it again
    an_hour_passes(service, tables, storage)
    assert len(dither_files(storage)) == 1
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_crash_after_the_put_is_made_good(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        raise KeyboardInterrupt

    storage.after_put = crash
    with pytest.raises(KeyboardInterrupt):
        service.dither_uploaded_image(message)
    assert (len(dither_files(storage)), len(notes(tables))) == (1, 1)
    service.dither_uploaded_image(message)
    an_hour_passes(service, tables, storage)
    assert (len(dither_files(storage)), notes(tables)) == (1, [])
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_crash_whose_work_nobody_repeats_leaves_no_file_for_ever(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        service.delete_dithers(deleted(message))
        raise KeyboardInterrupt

    storage.after_put = crash
    with pytest.raises(KeyboardInterrupt):
        service.dither_uploaded_image(message)
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_workers_side_by_side_make_one_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(service.dither_uploaded_image, message) for _ in range(6)]:
            done.result()
    assert len(outgoing(tables, service.outbox)) == 1
    an_hour_passes(service, tables, storage)
    assert len(dither_files(storage)) == 1


# Deletes.


def test_a_delete_takes_dithers_and_files(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    removals: list[int] = []
    service.on_removal = lambda: removals.append(1)
    message, other = announced(storage), announced(storage)
    service.dither_uploaded_image(message)
    service.dither_uploaded_image(other)
    for again in (deleted(message), deleted(message)):
        service.delete_dithers(again)
    assert removals == [1]
    assert service.removals.sweep(tables, storage) == 1
    assert [key.split("-")[0] for key in dither_files(storage)] == [
        f"dithers/{other.body.uuid}".split("-")[0]
    ]
    with pytest.raises(Problem, match="There is no image"):
        service.get_dithers(message.body.uuid)
    assert [d.uuid for d in service.list_dithers(10, None).items] == [other.body.uuid]


def test_a_delete_that_overtakes_the_upload_wins(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.delete_dithers(deleted(message))
    service.dither_uploaded_image(message)
    assert outgoing(tables, service.outbox) == []
    assert dither_files(storage) == []
    with pytest.raises(Problem):
        service.request_dither(message.body.uuid, Options())


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_delete_in_the_middle_of_the_work_wins(
    service: DitherService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)
    setattr(storage, moment, lambda: service.delete_dithers(deleted(message)))
    service.dither_uploaded_image(message)
    assert outgoing(tables, service.outbox) == []
    service.removals.sweep(tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_deleted_images_are_remembered_as_long_as_messages_may_come(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.delete_dithers(deleted(message))
    run(tables, "UPDATE dither.images SET deleted_at = now() - interval '13 days'")
    service.forget_deleted()
    assert rows(tables, "SELECT uuid FROM dither.images") == [(message.body.uuid,)]
    run(tables, "UPDATE dither.images SET deleted_at = now() - interval '15 days'")
    service.forget_deleted()
    assert rows(tables, "SELECT uuid FROM dither.images") == []
