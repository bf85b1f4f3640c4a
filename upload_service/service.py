"""The upload service's use cases, for its HTTP and Kafka entry points."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from shared import failpoints
from shared.context import current_request_id
from shared.cursor import read_cursor, write_cursor
from shared.database import Database
from shared.gathered import Gathered
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import ImageDeleted, ImageUploaded
from shared.outbox import Outbox
from shared.problems import Problem, Unavailable
from shared.storage import Storage, StorageRefusedError
from shared.storage.removals import FileRemovals
from upload_service import models, repository, schemas
from upload_service.dither_news import news_by_dither
from upload_service.filenames import clean_filename
from upload_service.inspection import inspect
from upload_service.settings import UploadSettings

logger = logging.getLogger(__name__)

ANNOUNCE_BATCH = 100
# The gateway waits for 10 s. A client that got a 504 sends the file again; it must not be stored
# twice.
UPLOAD_SECONDS = 9.0
# An address is forgotten a day after it was told to the notification service, which may ask again
# until then; or after as long as Kafka usually keeps the message that makes it ask.
EMAIL_TOLD, EMAIL_UNTOLD = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Upload:
    """The content of an upload; ``email`` is already checked."""

    data: bytes
    filename: str | None
    email: str | None = None
    options: dict[str, Any] | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """An image whose file is stored: its row, and the values of its message."""

    values: dict[str, Any]
    request_id: str | None
    give_up_at: float


def _nobody() -> None:
    """The default callback: does nothing."""


class UploadService:
    """Calls ``on_change`` after a change of an image was committed, ``on_removal`` when a file is
    due for removal."""

    def __init__(
        self,
        settings: UploadSettings,
        database: Database,
        storage: Storage,
        *,
        new_uuid: Callable[[], UUID] = uuid4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._new_uuid = new_uuid
        self._clock = clock
        self.outbox = Outbox(models.outbox)
        self.inbox = Inbox(models.inbox)
        self.removals = FileRemovals(models.file_removals)
        # Concurrent uploads share transactions, and so connections and flushes to disk.
        self._reserve = Gathered(self._reserve_all)
        self._add = Gathered(self._add_all)
        self.on_change: Callable[[], None] = _nobody
        self.on_removal: Callable[[], None] = _nobody

    # Requests of clients.

    def upload_image(self, upload: Upload, arrived: float | None = None) -> schemas.Image:
        """Store the file, then commit image and outbox row together. Raises ``Problem``.

        An upload that is not done ``UPLOAD_SECONDS`` after ``arrived`` (by ``time.monotonic``;
        default: now) is given up; a sweep removes the file.
        """
        give_up_at = (self._clock() if arrived is None else arrived) + UPLOAD_SECONDS
        limits = self._settings
        file = inspect(upload.data, max_pixels=limits.max_pixels, max_frames=limits.max_frames)
        uuid = self._new_uuid()
        key = f"images/{uuid}.{file.extension}"
        self._reserve(key)
        try:
            stored = self._storage.put(key, upload.data, file.content_type)
        except StorageRefusedError as error:
            logger.warning("an image is not stored", extra={"reason": str(error)})
            raise Problem(413, "The storage does not take this file; try a smaller one.") from error
        failpoints.hit("upload.after-put")
        values = {
            "uuid": uuid,
            "key": key,
            "url": stored.url,
            "filename": clean_filename(upload.filename),
            "owner": upload.owner,
            "content_type": file.content_type,
            "width": file.width,
            "height": file.height,
            "bytes": len(upload.data),
            "options": upload.options,
            "email": upload.email,
        }
        new = _Stored(values, current_request_id(), give_up_at)
        created_at = self._add(new)
        failpoints.hit("upload.after-commit")
        shown = {**values, "url": self._absolute(stored.url), "created_at": created_at}
        return schemas.Image(**shown, status=models.UPLOADED, dithers=[])

    def _reserve_all(self, keys: Sequence[str]) -> Sequence[None]:
        # Flushed to disk: if Postgres crashed and lost this row, it would also fail to store the
        # image, and the file would remain for ever.
        with self._database.transaction() as session:
            self.removals.reserve(session, keys)
        return [None] * len(keys)

    def _add_all(self, batch: Sequence[_Stored]) -> Sequence[datetime]:
        """Insert the images; returns their times of creation."""
        with self._database.transaction() as session:
            self.removals.keep(session, [new.values["key"] for new in batch])
            created = repository.add_all(session, [new.values for new in batch])
            for new in batch:
                image = models.Image(**new.values)
                self._announce(session, image, new.request_id)
            if self._clock() > min(new.give_up_at for new in batch):
                raise Unavailable("Storing the image took too long; please try again.")
            failpoints.hit("upload.before-commit")
        return [created[new.values["uuid"]] for new in batch]

    def list_images(self, limit: int, cursor: str | None) -> schemas.ImagePage:
        before = None if cursor is None else read_cursor(cursor)
        with self._database.transaction() as session:
            found = repository.newest(session, limit + 1, before)
            page = [self._shown(image) for image in found[:limit]]
        more = len(found) > limit
        next_cursor = write_cursor(page[-1].created_at, page[-1].uuid) if more else None
        return schemas.ImagePage(items=page, next_cursor=next_cursor)

    def get_image(self, uuid: UUID) -> tuple[schemas.Image, int]:
        """The image and its version. Raises ``Problem`` 404."""
        with self._database.transaction() as session:
            image = repository.find(session, uuid)
            if image is None:
                raise _unknown(uuid)
            return self._shown(image), image.version

    def delete_image(self, uuid: UUID) -> None:
        """Delete the image now; its file and its dithers follow soon. Raises ``Problem`` 404."""
        with self._database.transaction() as session:
            image = repository.lock(session, uuid)
            if image is None:
                raise _unknown(uuid)
            repository.delete(session, image)
            self.removals.schedule(session, [image.key])
            self.outbox.append(session, self._settings.kafka_image_topic, ImageDeleted(uuid=uuid))
            failpoints.hit("upload.delete-before-commit")
        failpoints.hit("upload.delete-after-commit")
        self.on_change()
        self.on_removal()

    def tell_recipient(self, uuid: UUID) -> schemas.Recipient:
        """Who gets mails about an image. Raises ``Problem`` 404 if nobody does (any more)."""
        with self._database.transaction() as session:
            email = repository.tell_email(session, uuid)
        if email is None:
            raise Problem(404, f"No address is known for the image {uuid}.")
        return schemas.Recipient(uuid=uuid, email=email)

    def versions(self, uuids: set[UUID]) -> dict[UUID, int]:
        """The versions of the images that exist, by uuid."""
        with self._database.transaction() as session:
            return repository.versions(session, uuids)

    # Messages of the dither service.

    def note_dithers(self, batch: Sequence[Received]) -> int:
        """Record the outcomes of dithers; messages about deleted images are ignored."""
        with self._database.transaction() as session:
            new = self.inbox.record_all(session, batch)
            there = repository.lock_all(session, {received.body.uuid for received in new})
            rows = news_by_dither([r.body for r in new if r.body.uuid in there])
            if changed := repository.record_dithers(session, rows) if rows else set():
                repository.refresh(session, changed)
            failpoints.hit("upload.after-inbox")
        self.on_change()
        return len(batch)

    # Scheduled jobs.

    def announce_task(self) -> float | None:
        """Announce unfinished images again; returns the seconds until the next is due."""
        self.announce_unfinished()
        after = self._settings.unfinished_after_seconds
        with self._database.transaction() as session:
            return repository.seconds_until_unfinished(session, after)

    def announce_unfinished(self) -> int:
        """Announce images again that have been unfinished for too long; returns how many.

        The dither service does not make a dither again that it has already made.
        """
        after = self._settings.unfinished_after_seconds
        with self._database.transaction() as session:
            images = repository.claim_unfinished(session, after, ANNOUNCE_BATCH)
            for image in images:
                self._announce(session, image)
        if images:
            logger.warning("images announced again", extra={"images": len(images)})
        return len(images)

    def forget_task(self) -> float | None:
        """Forget addresses in time; returns the seconds until the next is due."""
        with self._database.transaction() as session:
            repository.forget_emails(session, EMAIL_TOLD, EMAIL_UNTOLD)
            return repository.seconds_until_forgotten(session, EMAIL_TOLD, EMAIL_UNTOLD)

    def _announce(
        self,
        session: Session,
        image: models.Image,
        request_id: str | None = None,
    ) -> None:
        body = ImageUploaded(
            uuid=image.uuid,
            url=self._absolute(image.url),
            filename=image.filename,
            content_type=image.content_type,
            width=image.width,
            height=image.height,
            options=image.options,
            owner=image.owner,
            has_recipient=True if image.email else None,
        )
        self.outbox.append(session, self._settings.kafka_image_topic, body, request_id)

    def _shown(self, image: models.Image) -> schemas.Image:
        shown = schemas.Image.model_validate(image)
        return shown.model_copy(update={"url": self._absolute(image.url)})

    def _absolute(self, url: str) -> str:
        return self._settings.public_link(url)


def _unknown(uuid: UUID) -> Problem:
    return Problem(404, f"There is no image {uuid}; GET /images lists those there are.")
