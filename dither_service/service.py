"""The dither service's use cases, for its HTTP and Kafka entry points."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from dither_engine import EngineError, Options
from dither_service import models, queue, repository, schemas
from dither_service.dispatcher import Dispatcher
from dither_service.download import Downloads
from dither_service.jobs import JobRunner
from dither_service.pool import DitherPool
from dither_service.settings import DitherSettings
from dither_service.settling import Settling
from dither_service.upload_client import Uploads
from dither_service.work import DitherWork, in_line, new_dither
from shared import failpoints
from shared.context import current_origin
from shared.cursor import read_cursor, write_cursor
from shared.database import Database
from shared.inbox import RETENTION as MESSAGES_KEPT
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherRequested
from shared.outbox import Outbox
from shared.principal import EVERYBODY, Principal
from shared.problems import Problem, TooMany, Unavailable
from shared.redaction import without_own_values
from shared.storage import Storage
from shared.storage.removals import FileRemovals

logger = logging.getLogger(__name__)

REQUEST_BATCH = 100
MAX_DITHERS_PER_IMAGE = 1000
QUEUES = 8  # all shares together may queue so many times as much as one


def _nobody() -> None:
    """The default callback: does nothing."""


class DitherService:
    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        storage: Storage,
        uploads: Uploads,
        pool: DitherPool,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._uploads = uploads
        self.outbox = Outbox(models.outbox)
        self.inbox = Inbox(models.inbox)
        self.removals = FileRemovals(models.file_removals)
        self.on_removal: Callable[[], None] = _nobody
        self.works_here = False  # this process runs the dispatcher
        settling = Settling(settings, database, outbox=self.outbox, removals=self.removals)
        self._runner = JobRunner(settings, storage, pool, now=now)
        self.dispatcher = Dispatcher(settings, database, self._runner, settling, self.removals)
        self.downloads = Downloads(settings, database, storage, uploads)
        self._work = DitherWork(
            settings,
            database,
            settling,
            self.dispatcher,
            inbox=self.inbox,
            removals=self.removals,
        )

    # Requests of clients.

    def request_dither(
        self, uuid: UUID, options: Options, caller: Principal = EVERYBODY
    ) -> tuple[schemas.Dither, bool]:
        """Queue a dither; True when it is new.

        Raises ``Problem``: 404 for an unknown image, 413 or 422 for a dither that is too much, 429
        if too much work is queued.
        """
        with self._database.transaction() as session:
            image = repository.lock_images(session, [uuid]).get(uuid)
            if image is not None and image.deleted_at is not None:
                raise _unknown(uuid)
            if image is not None and image.url is not None:
                if not caller.owns(image.owner):
                    raise _unknown(uuid)
                return self._add(session, image, options, caller)
        # The image's message has not arrived yet.
        original = self._uploads.find_original(uuid)
        if original is None or not caller.owns(original.owner):
            raise _unknown(uuid)
        with self._database.transaction() as session:
            repository.note_original(session, uuid, original.url, original.owner)
            image = repository.lock_images(session, [uuid])[uuid]
            if image.deleted_at is not None:
                raise _unknown(uuid)
            return self._add(session, image, options, caller)

    def _add(
        self, session: Session, image: Any, options: Options, caller: Principal
    ) -> tuple[schemas.Dither, bool]:
        """Add a dither. The caller holds the lock on the image."""
        try:
            most = self._settings.max_job_seconds
            row = new_dither(image, options, caller.owner, most, current_origin())
        except EngineError as error:
            raise Problem(422, str(error)) from error
        is_new = bool(repository.add_dithers(session, in_line([row])))
        if is_new and repository.count_dithers(session, image.uuid) > MAX_DITHERS_PER_IMAGE:
            raise _too_many()
        if is_new:
            self._check_queue(session, row["share"], caller)
            self._check_bytes(session, caller)
        dither = repository.find_dithers(session, [row["dither_id"]])[row["dither_id"]]
        if is_new:
            self._request(session, dither)
            if self.works_here:
                self._work.begin(session, dither, image)
        return self._shown(dither), is_new

    def _check_queue(self, session: Session, share: str, caller: Principal) -> None:
        """Raises ``Problem`` 429 or 503 if the work that is queued now is too much."""
        waiting, allowed = queue.waiting(session, share), self._settings.max_queued_seconds
        most = caller.quota("seconds", int(allowed)) or inf
        if waiting.own > most:
            raise TooMany(
                f"Work of {waiting.own:,.0f} seconds is queued for you, of at most {most:,.0f};"
                " please wait until some of it is done.",
                retry_after=60,
            )
        if waiting.all > allowed * QUEUES:
            raise Unavailable("Too much work is queued; please try again later.", retry_after=60)

    def _check_bytes(self, session: Session, caller: Principal) -> None:
        most = caller.quota("bytes", self._settings.max_bytes_per_owner)
        if not most or caller.owner is None or caller.operates:
            return
        if repository.bytes_of_owner(session, caller.owner) >= most:
            raise Problem(
                413,
                f"Your dithers may take {most:,} bytes, and they do: delete some images, then "
                "try again.",
            )

    def list_dithers(
        self, limit: int, cursor: str | None, caller: Principal = EVERYBODY
    ) -> schemas.DitherPage:
        """What the caller has asked for; what all have for whoever may see all."""
        before = None if cursor is None else read_cursor(cursor)
        if caller.is_nobody:
            return schemas.DitherPage(items=[], next_cursor=None)
        owner = None if caller.operates else caller.owner
        with self._database.transaction() as session:
            found = repository.newest(session, limit + 1, before, owner)
            page = [self._shown(dither) for dither in found[:limit]]
        more = len(found) > limit
        next_cursor = write_cursor(page[-1].created_at, page[-1].dither_id) if more else None
        return schemas.DitherPage(items=page, next_cursor=next_cursor)

    def get_dithers(self, uuid: UUID, caller: Principal = EVERYBODY) -> schemas.ImageDithers:
        """All dithers of an image, as the caller may see them. Raises ``Problem`` 404."""
        with self._database.transaction() as session:
            image = repository.find_image(session, uuid)
            if image is None or image.deleted_at is not None:
                raise _unknown(uuid)
            dithers = [self._shown(dither) for dither in repository.dithers_of(session, uuid)]
            if not caller.owns(image.owner):
                dithers = [_for_others(dither) for dither in dithers]
        return schemas.ImageDithers(uuid=uuid, dithers=dithers)

    # Messages.

    def dither_images(self, batch: Sequence[Received]) -> int:
        """Queue the first dithers of new images, and further dithers that were requested."""
        return self._work.record(batch)

    def delete_dithers(self, batch: Sequence[Received]) -> int:
        """Images were deleted: delete their dithers, also those still in progress."""
        keys: list[str] = []
        with self._database.transaction() as session:
            if new := self.inbox.record_all(session, batch):
                uuids = {received.body.uuid for received in new}
                repository.mark_deleted(session, uuids)
                keys = repository.delete_dithers(session, uuids)
                self.removals.schedule(session, keys)
            failpoints.hit("dither.delete-before-commit")
        self._runner.abandon({received.body.uuid for received in batch})
        if keys:
            self.on_removal()
        return len(batch)

    # Scheduled jobs.

    def request_task(self) -> float | None:
        """Request unfinished dithers again; returns the seconds until the next is due."""
        self.request_unfinished()
        after = self._settings.unfinished_after_seconds
        with self._database.transaction() as session:
            return repository.seconds_until_unfinished(session, after)

    def request_unfinished(self) -> int:
        """Request dithers again that have been queued for too long; returns how many."""
        after = self._settings.unfinished_after_seconds
        with self._database.transaction() as session:
            dithers = repository.claim_unfinished(session, after, REQUEST_BATCH)
            for dither in dithers:
                self._request(session, dither)
        if dithers:
            logger.warning("dithers requested again", extra={"dithers": len(dithers)})
        return len(dithers)

    def forget_deleted(self) -> None:
        with self._database.transaction() as session:
            repository.forget_deleted(session, MESSAGES_KEPT)

    def _request(self, session: Session, dither: Any) -> None:
        """Publish a request with the options of the row; the job checks whether they are valid."""
        body = DitherRequested(
            uuid=dither.image_uuid,
            dither_id=dither.dither_id,
            channels=dither.channels,
            options=dither.options,
            owner=dither.owner,
        )
        self.outbox.append(session, self._settings.kafka_dither_topic, body)

    def _shown(self, dither: Any) -> schemas.Dither:
        return schemas.Dither(
            uuid=dither.image_uuid,
            url_dither=None if dither.url is None else self._absolute(dither.url),
            **{
                name: getattr(dither, name)
                for name in schemas.Dither.model_fields
                if name not in {"uuid", "url_dither"}
            },
        )

    def _absolute(self, url: str) -> str:
        return self._settings.public_link(url)


def _for_others(dither: schemas.Dither) -> schemas.Dither:
    """The dither as people see it who only have the link."""
    shown = {"options": without_own_values(dither.options), "reason": None}
    return dither.model_copy(update=shown)


def _unknown(uuid: UUID) -> Problem:
    return Problem(404, f"There is no image {uuid}.")


def _too_many() -> Problem:
    return Problem(
        422,
        f"This image has {MAX_DITHERS_PER_IMAGE:,} dithers, and no image may have more: upload it "
        "again for others.",
    )
