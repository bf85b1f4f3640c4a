"""Several messages at once: two transactions, and each job judged by itself."""

import threading

import pytest

from dither_engine import Options
from shared.database import Database
from shared.kafka.codec import Received
from shared.messages import Body, DitherFailed, DitherRequested, DitherUploaded
from shared.storage import StorageUnavailableError
from tests.integration.services.dither.announcing import Storage, announced, dither_files, notes
from tests.integration.services.dither.working import EngineHere, WorkingService
from tests.integration.services.support import outgoing, received
from tests.support.system import wait_for


def kinds(tables: Database, service: WorkingService) -> list[str]:
    return sorted(body.message_type for body in outgoing(tables, service.outbox))


def requested(service: WorkingService, message: Received, *channels: int) -> list[Received]:
    """Further dithers of an image that was dithered."""
    found = []
    for number in channels:
        options = Options.parse({"channels": number})
        dither, _ = service.request_dither(message.body.uuid, options)
        body: Body = DitherRequested(
            uuid=dither.uuid, dither_id=dither.dither_id, channels=number, options=dither.options
        )
        found.append(received(body))
    return found


def test_a_batch_costs_few_transactions(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    batch = [announced(storage) for _ in range(12)]
    used: list[threading.Thread] = []
    tables.on_use = lambda: used.append(threading.current_thread())
    assert service.queue_images(batch) == 12
    assert used.count(threading.current_thread()) == 1, "the messages'"
    service.wait_until_quiet()
    others = [thread for thread in used if thread is not threading.current_thread()]
    assert len(others) <= 5, "two at the start, and the outcomes'"
    assert kinds(tables, service) == ["DITHER_UPLOADED"] * 12
    assert (len(dither_files(storage)), notes(tables)) == (12, [])


def test_many_dithers_of_one_image_are_one_batch(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
    batch = requested(service, message, *range(3, 13))
    assert service.dither_images([*batch, *batch]) == 20
    assert len(dither_files(storage)) == 11
    assert kinds(tables, service).count("DITHER_UPLOADED") == 11


@pytest.mark.parametrize("together", [True, False])
def test_an_address_is_known_however_often_its_image_is_announced(
    service: WorkingService, tables: Database, storage: Storage, together: bool
) -> None:
    again = announced(storage)
    first = received(again.body.model_copy(update={"email": "ada@example.org"}))
    for batch in [[first, again]] if together else [[first], [again]]:
        service.dither_images(batch)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert told.has_recipient is True


def test_one_that_cannot_be_read_fails_alone(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    batch = [announced(storage), announced(storage, b"I am a text"), announced(storage)]
    assert service.dither_images(batch) == 3
    assert kinds(tables, service) == ["DITHER_FAILED", "DITHER_UPLOADED", "DITHER_UPLOADED"]


def test_one_that_must_wait_does_not_stop_the_others(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    batch = [announced(storage) for _ in range(12)]
    late = batch[0].body.uuid
    data = storage.files.pop(f"images/{late}.png")
    service.queue_images(batch)
    wait_for(lambda: len(kinds(tables, service)) == 11, "the others' dithers")
    storage.files[f"images/{late}.png"] = data
    service.wait_until_quiet()
    assert kinds(tables, service) == ["DITHER_UPLOADED"] * 12


def test_a_storage_that_is_down_is_asked_by_one_job_at_a_time(
    service: WorkingService, tables: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = storage.fetch

    def counted(url: str, *, max_bytes: int) -> bytes:
        asked.append(url)
        return fetch(url, max_bytes=max_bytes)

    monkeypatch.setattr(storage, "fetch", counted)
    batch = [announced(storage) for _ in range(20)]
    storage.error = StorageUnavailableError("down")
    service.queue_images(batch)
    wait_for(lambda: len(asked) >= 6, "some attempts")
    assert len(asked) <= 12, "those that were begun, then one after a pause, and so on"
    wait_for(lambda: service.dispatcher.health().status == "degraded", "news of the failures")
    storage.error = None
    service.wait_until_quiet()
    assert kinds(tables, service) == ["DITHER_UPLOADED"] * 20
    assert service.dispatcher.health().status == "ok"


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), OSError("encoder error")])
def test_whatever_a_job_raises_is_about_this_image_alone(
    service: WorkingService,
    tables: Database,
    storage: Storage,
    engine: EngineHere,
    error: Exception,
) -> None:
    engine.error = error
    assert service.dither_images([announced(storage) for _ in range(30)]) == 30
    told = outgoing(tables, service.outbox)
    reasons = {body.reason for body in told if isinstance(body, DitherFailed)}
    assert reasons == {"This image cannot be dithered with these options."}
    assert len(told) == 30
