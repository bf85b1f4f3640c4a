"""The work itself: fetch an original, dither it, store the result, and tell of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dither_engine import Encoded, EngineError, Options, dither_bytes
from dither_service import models, repository
from dither_service.settings import DitherSettings
from shared import failpoints
from shared.database import Database
from shared.failures import TransientFailure
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherFailed, DitherUploaded, ImageUploaded
from shared.outbox import Outbox
from shared.storage import (
    FileMissingError,
    Storage,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
)
from shared.storage.removals import FileRemovals

logger = logging.getLogger(__name__)

# A file may be readable a moment after it was stored (Cloudinary's edge); a deleted one never is.
MISSING_GRACE = timedelta(seconds=3)


class CannotDither(Exception):
    """It never will be; the text is a sentence for whoever wants the dither."""


@dataclass(frozen=True, slots=True)
class _Job:
    uuid: UUID
    dither_id: UUID
    url: str
    channels: int
    fields: dict[str, Any]
    digest: str


class Maker:
    """Makes queued dithers, each once in effect, however often and by however many it is tried."""

    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        storage: Storage,
        *,
        outbox: Outbox,
        inbox: Inbox,
        removals: FileRemovals,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._outbox = outbox
        self._inbox = inbox
        self._removals = removals
        self._now = now

    def make(self, received: Received, dither_id: UUID) -> None:
        """Makes nothing when the dither is settled already, or wanted no more.

        Raises ``TransientFailure`` when storage or database must be waited for.
        """
        job = self._job(dither_id)
        if job is None:
            self._tell_again(received, dither_id)
            return
        try:
            encoded = self._dither(self._fetch(job, received), job)
            # Image and options name the file: whoever repeats the work writes the same bytes.
            key = f"dithers/{job.uuid}-{job.digest[:32]}.{encoded.extension}"
            if not self._reserve(job, key):
                return
            stored = self._store(key, encoded)
        except CannotDither as error:
            with self._database.transaction() as session:
                self._inbox.record(session, received.message_id)
                repository.lock_image(session, job.uuid)
                self.fail(session, dither_id, str(error))
            return
        with self._database.transaction() as session:
            self._inbox.record(session, received.message_id)
            failpoints.hit("dither.after-inbox")
            self._complete(session, job, stored, encoded)
            failpoints.hit("dither.before-commit")
        failpoints.hit("dither.after-commit")

    def fail(self, session: Session, dither_id: UUID, reason: str) -> None:
        """Settle a queued dither as one that cannot be made; its image is locked."""
        values = {"status": models.FAILED, "reason": reason}
        dither = repository.finish(session, dither_id, values)
        if dither is not None:
            self._tell(session, dither)

    def _tell(self, session: Session, dither: models.Dither) -> None:
        """The news of a settled dither, from its row."""
        told: dict[str, Any] = {
            "uuid": dither.image_uuid,
            "dither_id": dither.dither_id,
            "channels": dither.channels,
            "options": dither.options,
        }
        body: DitherUploaded | DitherFailed
        if dither.status == models.FAILED:
            body = DitherFailed(**told, reason=dither.reason or "")
        else:
            body = DitherUploaded(
                **told,
                url_dither=self._settings.public_link(dither.url or ""),
                width=dither.width,
                height=dither.height,
                bytes=dither.bytes,
            )
        self._outbox.append(session, self._settings.kafka_dither_topic, body)

    def _tell_again(self, received: Received, dither_id: UUID) -> None:
        """An image is announced anew though its dither is settled: the broker lost the news.

        Nothing is told for a message that comes again, nor for one from before the news. Those who
        hear it twice know the dither by its id.
        """
        message_id, body = received.message_id, received.body
        if message_id is None or not isinstance(body, ImageUploaded):
            return
        with self._database.transaction() as session:
            repository.lock_image(session, body.uuid)
            dither = repository.find_dither(session, dither_id)
            if dither is None or dither.finished_at is None:
                return
            if received.produced_at < dither.finished_at:
                return
            if self._inbox.record(session, message_id):
                self._tell(session, dither)

    def _job(self, dither_id: UUID) -> _Job | None:
        with self._database.transaction() as session:
            dither = repository.find_dither(session, dither_id)
            if dither is None or dither.status != models.QUEUED:
                return None
            image = repository.find_image(session, dither.image_uuid)
            assert image is not None, "a dither's row refers to its image's"
            return _Job(
                uuid=image.uuid,
                dither_id=dither_id,
                url=image.url or "",
                channels=dither.channels,
                fields=dither.options,
                digest=dither.digest,
            )

    def _fetch(self, job: _Job, received: Received) -> bytes:
        try:
            data = self._storage.fetch(job.url, max_bytes=self._settings.max_upload_bytes)
        except StorageUnavailableError as error:
            raise TransientFailure(str(error)) from error
        except FileMissingError as error:
            if self._now() - received.produced_at < MISSING_GRACE:
                raise TransientFailure(str(error)) from error
            raise CannotDither("The original image is gone.") from error
        except StorageRefusedError as error:
            logger.warning("an original is not fetched", extra={"reason": str(error)})
            raise CannotDither("The original is no file of this service's storage.") from error
        failpoints.hit("dither.after-fetch")
        return data

    def _dither(self, data: bytes, job: _Job) -> Encoded:
        settings = self._settings
        try:
            encoded = dither_bytes(
                data,
                Options.parse(job.fields),
                max_pixels=settings.max_pixels,
                max_frames=settings.max_frames,
            )
        except EngineError as error:
            raise CannotDither(str(error)) from error
        failpoints.hit("dither.after-engine")
        return encoded

    def _reserve(self, job: _Job, key: str) -> bool:
        """Note the file before it is stored; False when the dither is made or unwanted by now.

        Under the image's lock: a note left by a crash must never be about a file with an owner.
        """
        with self._database.transaction() as session:
            repository.lock_image(session, job.uuid)
            dither = repository.find_dither(session, job.dither_id)
            if dither is None or dither.status != models.QUEUED:
                return False
            self._removals.reserve(session, key)
            return True

    def _store(self, key: str, encoded: Encoded) -> StoredFile:
        try:
            stored = self._storage.put(key, encoded.data, encoded.content_type)
        except StorageUnavailableError as error:
            raise TransientFailure(str(error)) from error
        except StorageRefusedError as error:
            logger.warning("a dither is not stored", extra={"reason": str(error)})
            raise CannotDither("The storage does not take the dithered image.") from error
        failpoints.hit("dither.after-put")
        return stored

    def _complete(self, session: Session, job: _Job, stored: StoredFile, encoded: Encoded) -> None:
        """Give the stored file its owner, unless that has gone or has it already."""
        repository.lock_image(session, job.uuid)
        file = {
            "key": stored.key,
            "url": stored.url,
            "content_type": encoded.content_type,
            "width": encoded.width,
            "height": encoded.height,
            "bytes": len(encoded.data),
        }
        dither = repository.finish(session, job.dither_id, {"status": models.DONE, **file})
        if dither is not None:
            self._removals.keep(session, stored.key)
            self._tell(session, dither)
        elif repository.owns_file(session, job.dither_id, stored.key):
            self._removals.keep(session, stored.key)  # another worker was faster
        else:
            self._removals.schedule(session, [stored.key])  # the image was deleted meanwhile
