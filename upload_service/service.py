"""The upload service's use cases, for its HTTP and Kafka entry points."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from shared import failpoints
from shared.context import Origin, current_origin
from shared.cursor import read_cursor, write_cursor
from shared.database import Database
from shared.filenames import clean_filename
from shared.gathered import Gathered
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import ImageDeleted, ImageUploaded
from shared.outbox import Outbox
from shared.principal import EVERYBODY, Principal
from shared.problems import Problem, Unavailable
from shared.storage import FileMissingError, Storage, StorageRefusedError
from shared.storage.removals import FileRemovals
from upload_service import models, repository, schemas
from upload_service.bounds import Addition, Bounds
from upload_service.dither_news import news_by_dither
from upload_service.idempotency import Repeatable, find_repeated, forget_keys, record_keys
from upload_service.inspector import Inspect, inspect_here
from upload_service.settings import UploadSettings
from upload_service.views import Views

logger = logging.getLogger(__name__)

ANNOUNCE_BATCH = 100
EXPIRE_BATCH = 100
# The gateway waits for 10 s. A client that got a 504 sends the file again; it must not be stored
# twice.
UPLOAD_SECONDS = 9.0
# An address is forgotten a day after it was told to the notification service, which may ask again
# until then; or after as long as Kafka usually keeps the message that makes it ask.
EMAIL_TOLD, EMAIL_UNTOLD = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Upload:
    """The content of an upload; ``email`` is already checked.

    ``expires_in``: seconds until the image is deleted; None: as the settings say.
    """

    data: bytes
    filename: str | None
    email: str | None = None
    options: dict[str, Any] | None = None
    caller: Principal = EVERYBODY
    expires_in: int | None = None
    repeatable: Repeatable | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """An image whose file is stored: its row, and the values of its message."""

    values: dict[str, Any]
    origin: Origin
    give_up_at: float
    repeatable: Repeatable | None


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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        inspect: Inspect | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._new_uuid = new_uuid
        self._clock = clock
        self._now = now
        self._inspect = inspect or inspect_here(settings)
        self._bounds = Bounds(settings)
        self.views = Views(settings)
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
        if upload.repeatable and (known := self._find_repeated(upload.repeatable)) is not None:
            return self.get_image(known, upload.caller)[0]
        inspection = self._inspect(upload.data)
        data, file = inspection.data, inspection.file
        uuid = self._new_uuid()
        key = f"images/{uuid}.{file.extension}"
        self._reserve(Addition(upload.caller, key, len(data)))
        try:
            stored = self._storage.put(key, data, file.content_type)
        except StorageRefusedError as error:
            logger.warning("an image is not stored", extra={"reason": str(error)})
            raise Problem(413, "The storage refused this file; try a smaller one.") from error
        failpoints.hit("upload.after-put")
        values = {
            "uuid": uuid,
            "key": key,
            "url": stored.url,
            "filename": clean_filename(upload.filename),
            "owner": upload.caller.owner,
            "content_type": file.content_type,
            "width": file.width,
            "height": file.height,
            "frames": file.frames,
            "bytes": len(data),
            "options": upload.options,
            "expires_at": self._end(upload),
            "email": upload.email,
            "mails_per_day": dict(upload.caller.quotas).get("mails"),
        }
        new = _Stored(values, current_origin(), give_up_at, upload.repeatable)
        created_at = self._add(new)
        failpoints.hit("upload.after-commit")
        image = models.Image(**values, created_at=created_at, status=models.UPLOADED, dithers=[])
        return self.views.shown(image, upload.caller)

    def _find_repeated(self, upload: Repeatable) -> UUID | None:
        with self._database.transaction() as session:
            return find_repeated(session, upload)

    def _end(self, upload: Upload) -> datetime | None:
        """When the image is deleted; an anonymous owner's at the latest after some days."""
        ends = [] if upload.expires_in is None else [timedelta(seconds=upload.expires_in)]
        if upload.caller.is_anonymous:
            ends.append(timedelta(days=self._settings.anonymous_retention_days))
        return self._now() + min(ends) if ends else None

    def _reserve_all(self, additions: Sequence[Addition]) -> Sequence[None]:
        # Flushed to disk: if Postgres crashed and lost this row, it would also fail to store the
        # image, and the file would remain for ever.
        with self._database.transaction() as session:
            self._bounds.check(session, additions)
            self.removals.reserve(session, [addition.key for addition in additions])
        return [None] * len(additions)

    def _add_all(self, batch: Sequence[_Stored]) -> Sequence[datetime]:
        """Insert the images; returns their times of creation."""
        with self._database.transaction() as session:
            self.removals.keep(session, [new.values["key"] for new in batch])
            created = repository.add_all(session, [new.values for new in batch])
            repeatable = [(new.repeatable, new.values["uuid"]) for new in batch if new.repeatable]
            record_keys(session, repeatable)
            for new in batch:
                image = models.Image(**new.values)
                self._announce(session, image, new.origin)
            if self._clock() > min(new.give_up_at for new in batch):
                raise Unavailable("Storing the image took too long; please try again.")
            failpoints.hit("upload.before-commit")
        return [created[new.values["uuid"]] for new in batch]

    def list_images(
        self, limit: int, cursor: str | None, caller: Principal = EVERYBODY
    ) -> schemas.ImagePage:
        """The caller's own images; those of all for whoever may see all."""
        before = None if cursor is None else read_cursor(cursor)
        if caller.is_nobody:
            return schemas.ImagePage(items=[], next_cursor=None)
        owner = None if caller.operates else caller.owner
        with self._database.transaction(snapshot=True) as session:
            found = repository.newest(session, limit + 1, before, owner)
            page = [self.views.shown(image, caller) for image in found[:limit]]
        more = len(found) > limit
        next_cursor = write_cursor(page[-1].created_at, page[-1].uuid) if more else None
        return schemas.ImagePage(items=page, next_cursor=next_cursor)

    def get_image(
        self, uuid: UUID, caller: Principal = EVERYBODY, *, owned: bool = False
    ) -> tuple[schemas.Image, int]:
        """The image as the caller may see it, and its version. Raises ``Problem`` 404.

        ``owned``: for others than its owner it does not exist.
        """
        with self._database.transaction(snapshot=True) as session:
            image = repository.find(session, uuid)
            if image is None or (owned and not caller.owns(image.owner)):
                raise _unknown(uuid)
            return self.views.shown(image, caller), image.version

    def find_original(self, uuid: UUID) -> str | None:
        """Where the storage has the original; None if there is no such image."""
        with self._database.transaction() as session:
            image = repository.find(session, uuid)
            return None if image is None else image.url

    def get_original(self, uuid: UUID, caller: Principal) -> tuple[schemas.Image, bytes]:
        """The image and its file. Raises ``Problem`` 404, also for others than its owner."""
        with self._database.transaction() as session:
            image = repository.find(session, uuid)
            if image is None or not caller.owns(image.owner):
                raise _unknown(uuid)
            url, shown = image.url, schemas.Image.model_validate(image)
        try:
            return shown, self._storage.fetch(url, max_bytes=shown.bytes)
        except (FileMissingError, StorageRefusedError) as error:
            raise Problem(404, "The file of this image is gone.") from error

    def delete_image(self, uuid: UUID, caller: Principal = EVERYBODY) -> None:
        """Delete the image now; its file and its dithers follow soon. Raises ``Problem`` 404."""
        with self._database.transaction() as session:
            image = repository.lock(session, uuid)
            if image is None or not caller.owns(image.owner):
                raise _unknown(uuid)
            self._delete(session, image)
            failpoints.hit("upload.delete-before-commit")
        failpoints.hit("upload.delete-after-commit")
        self.on_change()
        self.on_removal()

    def tell_recipient(self, uuid: UUID) -> schemas.Recipient:
        """Who gets mails about an image. Raises ``Problem`` 404 if nobody does (any more)."""
        with self._database.transaction() as session:
            image = repository.tell_email(session, uuid)
        if image is None:
            raise Problem(404, f"No address is known for the image {uuid}.")
        return schemas.Recipient.model_validate(image)

    def _delete(self, session: Session, image: models.Image) -> None:
        repository.delete(session, image)
        self.removals.schedule(session, [image.key])
        deleted = ImageDeleted(uuid=image.uuid)
        self.outbox.append(session, self._settings.kafka_image_topic, deleted)

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
            bodies = [r.body for r in new if r.body.uuid in there]
            rows = news_by_dither(bodies, self._settings.without_origin)
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

    def expire_task(self) -> float | None:
        """Delete images whose time is over; returns the seconds until the next is due."""
        with self._database.transaction() as session:
            expired = repository.lock_expired(session, EXPIRE_BATCH)
            for image in expired:
                self._delete(session, image)
            forget_keys(session)
            seconds = repository.seconds_until_expired(session)
        if expired:
            logger.info("images have ended", extra={"images": len(expired)})
            self.on_change()
            self.on_removal()
        return seconds

    def _announce(
        self, session: Session, image: models.Image, origin: Origin | None = None
    ) -> None:
        body = ImageUploaded(
            uuid=image.uuid,
            url=self.views.message_url(image),
            filename=image.filename,
            content_type=image.content_type,
            width=image.width,
            height=image.height,
            frames=image.frames,
            options=image.options,
            owner=image.owner,
            has_recipient=True if image.email else None,
        )
        self.outbox.append(session, self._settings.kafka_image_topic, body, origin)


def _unknown(uuid: UUID) -> Problem:
    return Problem(404, f"There is no image {uuid}; GET /images lists your images.")
