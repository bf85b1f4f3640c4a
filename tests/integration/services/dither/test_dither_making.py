"""A dither takes effect once, even after redeliveries, with several workers, and after crashes."""

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image

from dither_service.jobs import MISSING_GRACE
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from shared.database import Database
from shared.failures import TransientFailure
from shared.messages import DitherFailed, DitherUploaded, ImageUploaded
from shared.storage import StorageRefusedError, StorageUnavailableError
from tests.integration.services.dither.announcing import (
    NOW,
    PNG,
    NoUploads,
    Storage,
    an_hour_passes,
    announced,
    deleted,
    dither_files,
    notes,
)
from tests.integration.services.support import outgoing, received
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.storages import cloudinary_storage


def test_an_uploaded_image_gets_its_default_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
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
    service.dither_images([announced(storage, options={"channels": 4, "width": 20})])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert (told.channels, told.width, told.height) == (4, 20, 15)


def test_a_file_for_a_display_is_stored_under_its_own_ending(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    service.dither_images([announced(storage, options={"panel": "ssd1306"})])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    [key] = dither_files(storage)
    assert key.endswith(".bin")
    assert (told.width, told.height, told.bytes) == (128, 64, len(storage.files[key]))
    [shown] = service.get_dithers(told.uuid).dithers
    assert shown.content_type == "application/octet-stream"


def test_options_that_make_no_sense_are_a_dither_that_failed(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage, options={"algorithm": "magic"})
    service.dither_images([message])
    service.dither_images([message])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert "magic" in told.reason
    [shown] = service.get_dithers(message.body.uuid).dithers
    assert (shown.status, shown.reason) == ("failed", told.reason)


def test_a_repeated_announcement_makes_nothing_twice(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    for again in (message, message, received(message.body, produced_at=message.produced_at)):
        service.dither_images([again])
    assert len(outgoing(tables, service.outbox)) == 1
    assert len(dither_files(storage)) == 1


# Dithers that cannot be made.


@pytest.mark.parametrize("data", [b"I am a text", PNG[:60]])
def test_a_file_that_cannot_be_read_is_a_dither_that_failed(
    service: DitherService, tables: Database, storage: Storage, data: bytes
) -> None:
    message = announced(storage, data)
    service.dither_images([message])
    [shown] = service.get_dithers(message.body.uuid).dithers
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert (shown.status, shown.reason) == ("failed", told.reason)
    assert told.reason.endswith(".")
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_what_an_earlier_try_has_stored_goes_when_the_dither_fails(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        raise KeyboardInterrupt

    storage.after_put = crash
    with pytest.raises(KeyboardInterrupt):
        service.dither_images([message])
    del storage.files[f"images/{message.body.uuid}.png"]
    late = received(message.body, produced_at=NOW - MISSING_GRACE - timedelta(seconds=1))
    service.dither_images([late])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert len(dither_files(storage)) == 1
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_a_foreign_address_is_never_asked(
    tables: Database, service: DitherService, cloudinary_server: CloudinaryServer
) -> None:
    del service  # the fixture is needed for its tables
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        foreign.setblocking(False)
        cloud = cloudinary_storage(cloudinary_server)
        service = DitherService(DitherSettings(), tables, cloud, NoUploads(), now=lambda: NOW)
        url = f"http://127.0.0.1:{foreign.getsockname()[1]}/images/a.png"
        body = ImageUploaded(uuid=uuid4(), url=url, filename="a.png")
        service.dither_images([received(body)])
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
        service.dither_images([message])
    storage.files[f"images/{message.body.uuid}.png"] = data
    service.dither_images([message])
    assert len(outgoing(tables, service.outbox)) == 1


def test_an_original_that_stays_away_is_gone(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    storage.files.clear()
    late = received(message.body, produced_at=NOW - MISSING_GRACE - timedelta(seconds=1))
    service.dither_images([late])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The original image is gone."


def test_a_storage_that_is_down_is_waited_for(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    storage.error = StorageUnavailableError("down")
    with pytest.raises(TransientFailure):
        service.dither_images([message])
    storage.error = None

    def goes_down() -> None:
        storage.error = StorageUnavailableError("down")

    storage.after_fetch = goes_down
    with pytest.raises(TransientFailure):
        service.dither_images([message])
    assert outgoing(tables, service.outbox) == []
    assert len(notes(tables)) == 1, "perhaps the file was stored and only the answer was lost"

    storage.error = None
    service.dither_images([message])
    assert len(outgoing(tables, service.outbox)) == 1
    assert notes(tables) == []


def test_a_storage_that_refuses_the_result_fails_the_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def refuses() -> None:
        storage.error = StorageRefusedError("too large for this plan")

    storage.after_fetch = refuses
    service.dither_images([message])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The storage does not take the dithered image."


# Several workers, and crashes.


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_worker_that_comes_second_changes_nothing(
    service: DitherService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)
    setattr(storage, moment, lambda: service.dither_images([received(message.body)]))
    service.dither_images([message])
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
        service.dither_images([received(message.body)])
        storage.after_put = crash

    setattr(storage, moment, another_is_faster)
    try:
        service.dither_images([message])
    except KeyboardInterrupt:
        service.dither_images([message])  # the broker redelivers it
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
        service.dither_images([message])
    assert (len(dither_files(storage)), len(notes(tables))) == (1, 1)
    service.dither_images([message])
    an_hour_passes(service, tables, storage)
    assert (len(dither_files(storage)), notes(tables)) == (1, [])
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_crash_whose_work_nobody_repeats_leaves_no_file_for_ever(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        service.delete_dithers([deleted(message)])
        raise KeyboardInterrupt

    storage.after_put = crash
    with pytest.raises(KeyboardInterrupt):
        service.dither_images([message])
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_workers_side_by_side_make_one_dither(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(service.dither_images, [message]) for _ in range(6)]:
            done.result()
    assert len(outgoing(tables, service.outbox)) == 1
    an_hour_passes(service, tables, storage)
    assert len(dither_files(storage)) == 1
