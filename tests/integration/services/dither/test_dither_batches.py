"""Several messages at once: two transactions, and each job judged by itself."""

import pytest

from dither_engine import Options
from dither_service import jobs, work
from dither_service.service import DitherService
from shared.database import Database
from shared.failures import TransientFailure
from shared.kafka.codec import Received
from shared.messages import Body, DitherFailed, DitherRequested, DitherUploaded
from shared.storage import StorageUnavailableError
from tests.integration.services.dither.announcing import Storage, announced, dither_files, notes
from tests.integration.services.support import outgoing, received


def kinds(tables: Database, service: DitherService) -> list[str]:
    return sorted(body.message_type for body in outgoing(tables, service.outbox))


def requested(service: DitherService, message: Received, *channels: int) -> list[Received]:
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


def test_a_batch_costs_two_transactions(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    batch = [announced(storage) for _ in range(12)]
    used: list[int] = []
    tables.on_use = lambda: used.append(1)
    assert service.dither_images(batch) == 12
    assert len(used) == 2
    assert kinds(tables, service) == ["DITHER_UPLOADED"] * 12
    assert (len(dither_files(storage)), notes(tables)) == (12, [])


def test_many_dithers_of_one_image_are_one_batch(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
    batch = requested(service, message, *range(3, 13))
    assert service.dither_images([*batch, *batch]) == 20
    assert len(dither_files(storage)) == 11
    assert kinds(tables, service).count("DITHER_UPLOADED") == 11


@pytest.mark.parametrize("together", [True, False])
def test_an_address_is_known_however_often_its_image_is_announced(
    service: DitherService, tables: Database, storage: Storage, together: bool
) -> None:
    again = announced(storage)
    first = received(again.body.model_copy(update={"email": "ada@example.org"}))
    for batch in [[first, again]] if together else [[first], [again]]:
        service.dither_images(batch)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert told.has_recipient is True


def test_one_that_cannot_be_read_fails_alone(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    batch = [announced(storage), announced(storage, b"I am a text"), announced(storage)]
    assert service.dither_images(batch) == 3
    assert kinds(tables, service) == ["DITHER_FAILED", "DITHER_UPLOADED", "DITHER_UPLOADED"]


def test_what_came_before_one_that_must_wait_is_settled(
    service: DitherService, tables: Database, storage: Storage
) -> None:
    first, late = announced(storage), announced(storage)
    data = storage.files.pop(f"images/{late.body.uuid}.png")
    assert service.dither_images([first, late, announced(storage)]) == 1
    assert "DITHER_UPLOADED" in kinds(tables, service)
    with pytest.raises(TransientFailure):
        service.dither_images([late])
    storage.files[f"images/{late.body.uuid}.png"] = data
    assert service.dither_images([late]) == 1


def test_a_storage_that_is_down_is_not_asked_for_the_whole_batch(
    service: DitherService, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, asked = [announced(storage) for _ in range(20)], []
    storage.error = StorageUnavailableError("down")
    fetch = storage.fetch

    def counted(url: str, *, max_bytes: int) -> bytes:
        asked.append(url)
        return fetch(url, max_bytes=max_bytes)

    monkeypatch.setattr(storage, "fetch", counted)
    with pytest.raises(TransientFailure):
        service.dither_images(batch)
    assert len(asked) <= 4


def test_a_batch_that_takes_long_is_settled_in_parts(
    service: DitherService, tables: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH_SECONDS", 0)
    batch = [announced(storage) for _ in range(5)]
    done = service.dither_images(batch)
    assert 1 <= done < 5
    while batch := batch[done:]:
        done = service.dither_images(batch)
    assert kinds(tables, service) == ["DITHER_UPLOADED"] * 5


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), OSError("encoder error")])
def test_whatever_the_engine_raises_is_about_this_image_alone(
    service: DitherService,
    tables: Database,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(jobs, "dither_bytes", fail)
    batch = [announced(storage) for _ in range(30)]
    assert service.dither_images(batch) == 30
    told = outgoing(tables, service.outbox)
    reasons = {body.reason for body in told if isinstance(body, DitherFailed)}
    assert reasons == {"This image cannot be dithered with these options."}
    assert len(told) == 30


def test_an_engine_that_is_not_whole_is_no_fault_of_the_image(
    service: DitherService, tables: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImportError("no module named numba")

    monkeypatch.setattr(jobs, "dither_bytes", fail)
    with pytest.raises(ImportError):
        service.dither_images([announced(storage)])
    assert outgoing(tables, service.outbox) == []
