"""A dither service whose queue is worked off at once, by threads of the test."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dither_engine import Encoded, Options, dither_bytes
from dither_service.pool import DitherPool
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from dither_service.upload_client import Uploads
from shared.database import Database
from shared.kafka.codec import Received
from shared.storage import Storage
from tests.integration.services.support import rows
from tests.support.system import wait_for

_QUEUED = "SELECT count(*) FROM dither.dithers WHERE status = 'queued'"


class EngineHere(DitherPool):
    """The engine in this process: it fails as a test wants, so many times as it says."""

    def __init__(self) -> None:
        super().__init__(DitherSettings())
        self.error: BaseException | None = None
        self.failures = 1_000_000
        self.begun = 0

    def dither(self, data: bytes, fields: Any, **_: Any) -> Encoded:
        self.begun += 1
        if self.error is not None and self.failures > 0:
            self.failures -= 1
            raise self.error
        return dither_bytes(data, Options.parse(fields))


class WorkingService(DitherService):
    """``dither_images`` returns when nothing is queued any more; ``queue_images`` at once."""

    def dither_images(self, batch: Sequence[Received]) -> int:
        count = self.queue_images(batch)
        self.wait_until_quiet()
        return count

    def queue_images(self, batch: Sequence[Received]) -> int:
        return super().dither_images(batch)

    def nothing_waits(self) -> None:
        """Let the dispatcher believe that it knows all jobs, as it does after a while."""
        for lane in self.dispatcher._lanes:
            lane.more = False
        self.dispatcher._take_given()

    def wait_until_quiet(self) -> None:
        database: Database = self._database

        def quiet() -> bool:
            nothing = self.dispatcher.health().details == {"claimed": 0}
            return nothing and rows(database, _QUEUED) == [(0,)]

        wait_for(quiet, "empty queue", seconds=30)


def work_off(service: DitherService) -> None:
    """Do all jobs, in this thread, up to one that must wait."""
    dispatcher = service.dispatcher
    dispatcher._retry_at = 0.0
    dispatcher.look_soon()
    while True:
        dispatcher.step(0)
        if any(lane.running for lane in dispatcher._lanes):
            dispatcher.step(5)
            continue
        idle = not any(lane.more or lane.waiting for lane in dispatcher._lanes)
        if dispatcher._failures or (idle and not len(dispatcher._outcomes)):
            return


@contextmanager
def working(service: DitherService) -> Iterator[None]:
    """While inside, the service's dispatcher runs."""
    thread = threading.Thread(target=service.dispatcher.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        service.dispatcher.stop()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def without_queue(tables: Database, storage: Storage, uploads: Uploads) -> Iterator[WorkingService]:
    """A running service whose dispatcher knows from the start that nothing else waits."""
    service = WorkingService(DitherSettings(), tables, storage, uploads, EngineHere())
    service.nothing_waits()
    with working(service):
        yield service
