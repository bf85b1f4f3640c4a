"""Messages about images, and a storage that runs an action during a worker's work."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from dither_service.service import DitherService
from dither_service.upload_client import Original
from shared.database import Database
from shared.kafka.codec import Received
from shared.messages import ImageDeleted, ImageUploaded
from shared.storage import StoredFile
from tests.integration.services.support import received, rows, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture

PNG = picture("PNG")
NOW = datetime.now(UTC)


def nothing() -> None:
    """The default action: does nothing."""


class Storage(FakeStorage):
    """Runs an action once, in the middle of a worker's work."""

    def __init__(self) -> None:
        super().__init__()
        self.after_fetch: Callable[[], None] = nothing
        self.after_put: Callable[[], None] = nothing

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        data = super().fetch(url, max_bytes=max_bytes)
        self.after_fetch, now = nothing, self.after_fetch
        now()
        return data

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        stored = super().put(key, data, content_type)
        self.after_put, now = nothing, self.after_put
        now()
        return stored


class NoUploads:
    def find_original(self, uuid: UUID) -> Original | None:
        raise AssertionError(f"nobody should ask for {uuid}")


def announced(
    storage: FakeStorage, data: bytes = PNG, *, options: dict[str, Any] | None = None
) -> Received:
    """The message about an image that is in the storage."""
    uuid = uuid4()
    stored = storage.put(f"images/{uuid}.png", data, "image/png")
    body = ImageUploaded(uuid=uuid, url=stored.url, filename="photo.png", options=options)
    return received(body, produced_at=datetime.now(UTC))


def deleted(message: Received) -> Received:
    return received(ImageDeleted(uuid=message.body.uuid))


def dither_files(storage: FakeStorage) -> list[str]:
    return [key for key in storage.files if key.startswith("dithers/")]


def notes(tables: Database) -> list[str]:
    return [key for (key,) in rows(tables, "SELECT key FROM dither.file_removals")]


def an_hour_passes(service: DitherService, tables: Database, storage: FakeStorage) -> None:
    run(tables, "UPDATE dither.file_removals SET due_at = due_at - interval '1 hour'")
    service.removals.sweep(tables, storage)
