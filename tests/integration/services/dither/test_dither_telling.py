"""Outcomes that a broker lost are republished only when the image is announced again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.database import Database
from shared.kafka.codec import Received
from shared.messages import DitherRequested
from tests.integration.services.dither.announcing import Storage, announced, deleted, dither_files
from tests.integration.services.dither.working import WorkingService
from tests.integration.services.support import outgoing, received


def anew(message: Received) -> Received:
    """A later message that announces the same image again."""
    return received(message.body, produced_at=datetime.now(UTC))


@pytest.mark.parametrize("options", [None, {"width": 20}, {"algorithm": "magic"}])
def test_an_image_announced_anew_is_told_of_again(
    service: WorkingService, tables: Database, storage: Storage, options: dict[str, Any] | None
) -> None:
    message = announced(storage, options=options)
    service.dither_images([message])
    [first] = outgoing(tables, service.outbox)
    later = anew(message)
    for again in (later, later, message):
        service.dither_images([again])
    assert outgoing(tables, service.outbox) == [first, first], "once a message, however often sent"
    assert len(dither_files(storage)) <= 1


def test_one_that_could_not_be_read_is_told_of_again(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage, b"I am a text")
    service.dither_images([message])
    service.dither_images([anew(message)])
    first, second = outgoing(tables, service.outbox)
    assert (first.message_type, first) == ("DITHER_FAILED", second)


def test_a_message_without_an_id_tells_nothing_again(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
    nameless = Received(message.body, message.version, None, None, datetime.now(UTC))
    service.dither_images([nameless])
    assert len(outgoing(tables, service.outbox)) == 1


def test_a_request_handed_out_twice_tells_nothing_again(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
    [dither] = service.get_dithers(message.body.uuid).dithers
    body = DitherRequested(
        uuid=dither.uuid, dither_id=dither.dither_id, channels=2, options=dither.options
    )
    service.dither_images([received(body)])
    assert len(outgoing(tables, service.outbox)) == 1


def test_nothing_is_told_of_a_deleted_image(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.dither_images([message])
    service.delete_dithers([deleted(message)])
    service.dither_images([anew(message)])
    assert len(outgoing(tables, service.outbox)) == 1
