"""When an image is deleted, its dithers are deleted too, whenever the message arrives."""

import pytest

from dither_engine import Options
from shared.database import Database
from shared.problems import Problem
from tests.integration.services.dither.announcing import (
    Storage,
    announced,
    deleted,
    dither_files,
    notes,
)
from tests.integration.services.dither.working import WorkingService
from tests.integration.services.support import outgoing, rows, run


def test_a_delete_takes_dithers_and_files(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    removals: list[int] = []
    service.on_removal = lambda: removals.append(1)
    message, other = announced(storage), announced(storage)
    service.dither_images([message])
    service.dither_images([other])
    for again in (deleted(message), deleted(message)):
        service.delete_dithers([again])
    assert removals == [1]
    assert service.removals.sweep(tables, storage) == 1
    assert [key.split("-")[0] for key in dither_files(storage)] == [
        f"dithers/{other.body.uuid}".split("-")[0]
    ]
    with pytest.raises(Problem, match="There is no image"):
        service.get_dithers(message.body.uuid)
    assert [d.uuid for d in service.list_dithers(10, None).items] == [other.body.uuid]


def test_a_delete_that_overtakes_the_upload_wins(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.delete_dithers([deleted(message)])
    service.dither_images([message])
    assert outgoing(tables, service.outbox) == []
    assert dither_files(storage) == []
    with pytest.raises(Problem):
        service.request_dither(message.body.uuid, Options())


@pytest.mark.parametrize("moment", ["after_fetch", "after_put"])
def test_a_delete_in_the_middle_of_the_work_wins(
    service: WorkingService, tables: Database, storage: Storage, moment: str
) -> None:
    message = announced(storage)
    setattr(storage, moment, lambda: service.delete_dithers([deleted(message)]))
    service.dither_images([message])
    assert outgoing(tables, service.outbox) == []
    service.removals.sweep(tables, storage)
    assert (dither_files(storage), notes(tables)) == ([], [])


def test_deleted_images_are_remembered_as_long_as_messages_may_come(
    service: WorkingService, tables: Database, storage: Storage
) -> None:
    message = announced(storage)
    service.delete_dithers([deleted(message)])
    run(tables, "UPDATE dither.images SET deleted_at = now() - interval '13 days'")
    service.forget_deleted()
    assert rows(tables, "SELECT uuid FROM dither.images") == [(message.body.uuid,)]
    run(tables, "UPDATE dither.images SET deleted_at = now() - interval '15 days'")
    service.forget_deleted()
    assert rows(tables, "SELECT uuid FROM dither.images") == []
