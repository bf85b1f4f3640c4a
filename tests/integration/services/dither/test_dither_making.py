"""A dither takes effect once, even after redeliveries, with several workers, and after crashes."""

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from PIL import Image

from dither_service import models
from dither_service.jobs import MISSING_GRACE
from dither_service.pool import JobFailed, WorkerDied
from dither_service.settings import DitherSettings
from shared.database import Database
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
from tests.integration.services.dither.working import EngineHere, WorkingService, work_off, working
from tests.integration.services.support import empty, outgoing, received, rows, run
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.storages import cloudinary_storage
from tests.support.system import wait_for


def test_an_uploaded_image_gets_its_default_dither(
    service: WorkingService, tables: Database, storage: Storage
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
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    service.dither_images([announced(storage, options={"channels": 4, "width": 20})])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert (told.channels, told.width, told.height) == (4, 20, 15)


def test_a_file_for_a_display_is_stored_under_its_own_ending(
    service: WorkingService, tables: Database, storage: Storage
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
    service: WorkingService, tables: Database, storage: Storage
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
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    for again in (message, message, received(message.body, produced_at=message.produced_at)):
        service.dither_images([again])
    assert len(outgoing(tables, service.outbox)) == 1
    assert len(dither_files(storage)) == 1


# Dithers that cannot be made.


@pytest.mark.parametrize("data", [b"I am a text", PNG[:60]])
def test_a_file_that_cannot_be_read_is_a_dither_that_failed(
    service: WorkingService, tables: Database, storage: Storage, data: bytes
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
    service: WorkingService, tables: Database, storage: Storage, engine: EngineHere
) -> None:
    message = announced(storage)

    def crash() -> None:
        engine.error = JobFailed("This image needs too much memory: make it smaller.")
        raise WorkerDied

    storage.after_put = crash
    service.dither_images([message])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert len(dither_files(storage)) == 1
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_a_foreign_address_is_never_asked(
    tables: Database, service: WorkingService, cloudinary_server: CloudinaryServer
) -> None:
    del service  # the fixture is needed for its tables
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        foreign.setblocking(False)
        cloud = cloudinary_storage(cloudinary_server)
        service = WorkingService(DitherSettings(), tables, cloud, NoUploads(), EngineHere())
        url = f"http://127.0.0.1:{foreign.getsockname()[1]}/images/a.png"
        body = ImageUploaded(uuid=uuid4(), url=url, filename="a.png")
        with working(service):
            service.dither_images([received(body)])
        with pytest.raises(BlockingIOError):
            foreign.accept()
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The original is no file of this service's storage."


def test_an_original_may_be_readable_a_moment_late(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    data = storage.files.pop(f"images/{message.body.uuid}.png")
    service.queue_images([message])
    wait_for(service.dispatcher._retries.jobs, "an attempt")
    storage.files[f"images/{message.body.uuid}.png"] = data
    service.wait_until_quiet()
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_file_that_cannot_be_read_holds_up_no_other(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    gone, other = announced(storage), announced(storage)
    data = storage.files.pop(f"images/{gone.body.uuid}.png")
    service.queue_images([gone])
    wait_for(service.dispatcher._retries.jobs, "an attempt")
    service.queue_images([other])
    wait_for(lambda: len(outgoing(tables, service.outbox)) == 1, "the other's dither")
    assert service.dispatcher.health().status == "ok"
    [waits] = service.get_dithers(gone.body.uuid).dithers
    assert waits.status == "queued"
    storage.files[f"images/{gone.body.uuid}.png"] = data
    service.wait_until_quiet()


def test_an_original_that_stays_away_is_gone(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    storage.files.clear()
    late = received(message.body, produced_at=NOW - MISSING_GRACE - timedelta(seconds=1))
    service.dither_images([late])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The original image is gone."


@pytest.mark.parametrize("moment", ["after_fetch", "before"])
def test_a_storage_that_is_down_is_waited_for(
    service: WorkingService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)

    def goes_down() -> None:
        storage.error = StorageUnavailableError("down")

    if moment == "before":
        goes_down()
    else:
        storage.after_fetch = goes_down
    service.queue_images([message])
    wait_for(lambda: service.dispatcher.health().status == "degraded", "an attempt")
    assert outgoing(tables, service.outbox) == []
    assert len(notes(tables)) == 1, "perhaps the file was stored and only the answer was lost"
    storage.error = None
    service.wait_until_quiet()
    assert len(outgoing(tables, service.outbox)) == 1
    assert notes(tables) == []


def test_a_storage_that_refuses_the_result_fails_the_dither(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def refuses() -> None:
        storage.error = StorageRefusedError("too large for this plan")

    storage.after_fetch = refuses
    service.dither_images([message])
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason == "The storage does not take the dithered image."


# Several processes, and crashes.


def another_process(tables: Database, storage: Storage) -> WorkingService:
    """A service whose dispatcher is not run by this test."""
    return WorkingService(DitherSettings(), tables, storage, NoUploads(), EngineHere())


def its_claims_end(tables: Database) -> None:
    run(tables, "UPDATE dither.dithers SET claimed_until = now() - interval '1 second'")


def test_what_a_process_has_claimed_is_left_to_it(
    service: WorkingService, tables: Database, storage: Storage, engine: EngineHere
) -> None:
    message = announced(storage)
    other = another_process(tables, storage)
    other.nothing_waits()
    other.queue_images([message])
    service.queue_images([received(message.body)])
    assert engine.begun == 0
    its_claims_end(tables)
    service.dispatcher.look_soon()
    service.wait_until_quiet()
    assert [body.message_type for body in outgoing(tables, service.outbox)] == ["DITHER_UPLOADED"]


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_process_that_comes_second_changes_nothing(
    service: WorkingService,
    tables: Database,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """One lost its claim, because it stood still for a while; and it goes on."""
    monkeypatch.setattr(service.dispatcher, "_extend", lambda: None)
    message = announced(storage)

    def another_is_faster() -> None:
        its_claims_end(tables)
        other = another_process(tables, storage)
        with working(other):
            other.wait_until_quiet()

    setattr(storage, moment, another_is_faster)
    service.dither_images([message])
    an_hour_passes(service, tables, storage)
    assert [body.message_type for body in outgoing(tables, service.outbox)] == ["DITHER_UPLOADED"]
    assert len(dither_files(storage)) == 1
    assert notes(tables) == []


def test_a_worker_that_dies_is_replaced_and_the_work_is_done_again(
    service: WorkingService, tables: Database, storage: Storage, engine: EngineHere
) -> None:
    engine.error, engine.failures = WorkerDied(), 2
    service.dither_images([announced(storage)])
    assert engine.begun == 3
    assert [body.message_type for body in outgoing(tables, service.outbox)] == ["DITHER_UPLOADED"]
    assert notes(tables) == []


def test_an_image_that_kills_three_workers_is_given_up(
    service: WorkingService, tables: Database, storage: Storage, engine: EngineHere
) -> None:
    engine.error = WorkerDied()
    service.dither_images([announced(storage)])
    assert engine.begun == 3
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherFailed)
    assert told.reason.startswith("The process that worked on this image died each time")


def test_an_image_that_kills_the_whole_service_three_times_is_given_up(
    tables: Database, storage: Storage
) -> None:
    """The attempts are counted before the work begins."""
    empty(tables, models.metadata)
    process = another_process(tables, storage)
    process.nothing_waits()
    process.queue_images([announced(storage)])
    for _ in range(2):
        its_claims_end(tables)
        process = another_process(tables, storage)
        process.dispatcher._claim_suspect()
    its_claims_end(tables)
    last = another_process(tables, storage)
    work_off(last)
    [told] = outgoing(tables, last.outbox)
    assert isinstance(told, DitherFailed)


def test_a_process_that_stops_gives_back_what_it_has_not_begun(
    tables: Database, service: WorkingService, storage: Storage
) -> None:
    other = another_process(tables, storage)
    other.nothing_waits()
    other.queue_images([announced(storage)])
    other.dispatcher.stop()
    other.dispatcher.run()
    assert rows(tables, "SELECT attempts, claimed_until FROM dither.dithers") == [(0, None)]
    service.dispatcher.look_soon()
    service.wait_until_quiet()
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_crash_after_the_put_is_made_good(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        raise WorkerDied

    storage.after_put = crash
    service.dither_images([message])
    an_hour_passes(service, tables, storage)
    assert (len(dither_files(storage)), notes(tables)) == (1, [])
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_crash_whose_work_nobody_repeats_leaves_no_file_for_ever(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)

    def crash() -> None:
        service.delete_dithers([deleted(message)])
        raise WorkerDied

    storage.after_put = crash
    service.dither_images([message])
    wait_for(lambda: service.dispatcher.health().details == {"claimed": 0}, "the end of the job")
    an_hour_passes(service, tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_processes_side_by_side_make_one_dither(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    first = announced(storage)
    # Announced again after its dither is done, it would be told of again.
    repeats = [received(first.body, produced_at=first.produced_at) for _ in range(6)]
    other = another_process(tables, storage)
    with working(other), ThreadPoolExecutor(2) as threads:
        for done in [
            threads.submit(one.dither_images, [message])
            for one, message in zip([service, other] * 3, repeats, strict=True)
        ]:
            done.result()
    assert len(outgoing(tables, service.outbox)) == 1
    an_hour_passes(service, tables, storage)
    assert len(dither_files(storage)) == 1
