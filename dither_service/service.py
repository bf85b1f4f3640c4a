"""The dither service's use cases. Both doors, HTTP and messages, lead here."""

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from dither_engine import EngineError, Options
from dither_service import models, repository, schemas
from dither_service.making import Maker
from dither_service.settings import DitherSettings
from dither_service.upload_client import Uploads
from shared import failpoints
from shared.cursor import read_cursor, write_cursor
from shared.database import Database
from shared.inbox import RETENTION as MESSAGES_KEPT
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherRequested, ImageDeleted, ImageUploaded
from shared.outbox import Outbox
from shared.problems import Problem
from shared.storage import Storage
from shared.storage.removals import FileRemovals

logger = logging.getLogger(__name__)

DEFAULT_CHANNELS = 2
REQUEST_BATCH = 100
MAX_DITHERS_PER_IMAGE = 1000


def _nobody() -> None:
    """Until a sweeper listens."""


class DitherService:
    def __init__(
        self,
        settings: DitherSettings,
        database: Database,
        storage: Storage,
        uploads: Uploads,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._uploads = uploads
        self._now = now
        self.outbox = Outbox(models.outbox)
        self.inbox = Inbox(models.inbox)
        self.removals = FileRemovals(models.file_removals)
        self.on_removal: Callable[[], None] = _nobody
        self._maker = Maker(
            settings,
            database,
            storage,
            outbox=self.outbox,
            inbox=self.inbox,
            removals=self.removals,
            now=now,
        )

    # What clients ask for.

    def request_dither(self, uuid: UUID, options: Options) -> tuple[schemas.Dither, bool]:
        """Queue a dither; True when it is new.

        Raises ``Problem``: 404 for an unknown image, 422 for one with too many dithers.
        """
        url = self._known_url(uuid)
        with self._database.transaction() as session:
            image = repository.lock_image(session, uuid)
            if image.deleted_at is not None:
                raise _unknown(uuid)
            image.url = url
            dither_id, is_new = self._queue(session, uuid, options)
            if is_new and repository.count_dithers(session, uuid) > MAX_DITHERS_PER_IMAGE:
                raise _too_many()
            dither = repository.find_dither(session, dither_id)
            assert dither is not None
            if is_new:
                self._request(session, dither)
            return self._shown(dither), is_new

    def list_dithers(self, limit: int, cursor: str | None) -> schemas.DitherPage:
        before = None if cursor is None else read_cursor(cursor)
        with self._database.transaction() as session:
            found = repository.newest(session, limit + 1, before)
            page = [self._shown(dither) for dither in found[:limit]]
        more = len(found) > limit
        next_cursor = write_cursor(page[-1].created_at, page[-1].dither_id) if more else None
        return schemas.DitherPage(items=page, next_cursor=next_cursor)

    def get_dithers(self, uuid: UUID) -> schemas.ImageDithers:
        """All dithers of an image. Raises ``Problem`` 404."""
        with self._database.transaction() as session:
            image = repository.find_image(session, uuid)
            if image is None or image.deleted_at is not None:
                raise _unknown(uuid)
            dithers = [self._shown(dither) for dither in repository.dithers_of(session, uuid)]
        return schemas.ImageDithers(uuid=uuid, dithers=dithers)

    # What messages tell.

    def dither_uploaded_image(self, received: Received) -> None:
        """A new image: make its first dither."""
        body = received.body
        assert isinstance(body, ImageUploaded)
        fields = {"channels": DEFAULT_CHANNELS, **(body.options or {})}
        with self._database.transaction() as session:
            image = repository.lock_image(session, body.uuid)
            if image.deleted_at is not None:
                return
            image.url = body.url
            try:
                dither_id, _ = self._queue(session, body.uuid, Options.parse(fields))
            except EngineError as error:
                dither_id = self._refuse(session, received, fields, str(error))
        self._maker.make(received, dither_id)

    def dither_requested(self, received: Received) -> None:
        body = received.body
        assert isinstance(body, DitherRequested)
        self._maker.make(received, body.dither_id)

    def delete_dithers(self, received: Received) -> None:
        """An image is gone: so are its dithers, also those that are only being made."""
        body = received.body
        assert isinstance(body, ImageDeleted)
        with self._database.transaction() as session:
            if not self.inbox.record(session, received.message_id):
                return
            image = repository.lock_image(session, body.uuid)
            image.deleted_at = image.deleted_at or self._now()
            keys = repository.delete_dithers(session, body.uuid)
            self.removals.schedule(session, keys)
            failpoints.hit("dither.delete-before-commit")
        if keys:
            self.on_removal()

    # What time brings.

    def request_unfinished(self) -> int:
        """Hand dithers out again that were queued too long ago; returns how many."""
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

    def _queue(self, session: Session, uuid: UUID, options: Options) -> tuple[UUID, bool]:
        """The dither's id and whether it is new. Image and options alone decide the id."""
        fields = options.canonical().model_dump(mode="json")
        return self._add(session, uuid, options.digest(), options.channels, fields)

    def _refuse(
        self, session: Session, received: Received, fields: dict[str, Any], reason: str
    ) -> UUID:
        """Options that came with the upload and make no sense: a dither that has failed."""
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        uuid = received.body.uuid
        dither_id, is_new = self._add(session, uuid, digest, DEFAULT_CHANNELS, fields)
        if is_new:
            self.inbox.record(session, received.message_id)
            self._maker.fail(session, dither_id, reason)
        return dither_id

    def _add(
        self,
        session: Session,
        uuid: UUID,
        digest: str,
        channels: int,
        fields: dict[str, Any],
    ) -> tuple[UUID, bool]:
        dither_id = uuid5(uuid, digest)
        values = {
            "dither_id": dither_id,
            "image_uuid": uuid,
            "digest": digest,
            "channels": channels,
            "options": fields,
        }
        return dither_id, repository.add_dither(session, values)

    def _request(self, session: Session, dither: models.Dither) -> None:
        """As the row has it: whether the options can be obeyed is found out by whoever makes it."""
        body = DitherRequested(
            uuid=dither.image_uuid,
            dither_id=dither.dither_id,
            channels=dither.channels,
            options=dither.options,
        )
        self.outbox.append(session, self._settings.kafka_dither_topic, body)

    def _known_url(self, uuid: UUID) -> str:
        with self._database.transaction() as session:
            image = repository.find_image(session, uuid)
            if image is not None and image.deleted_at is not None:
                raise _unknown(uuid)
            if image is not None and image.url is not None:
                return image.url
        url = self._uploads.image_url(uuid)
        if url is None:
            raise _unknown(uuid)
        return url

    def _shown(self, dither: models.Dither) -> schemas.Dither:
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


def _unknown(uuid: UUID) -> Problem:
    return Problem(404, f"There is no image {uuid}.")


def _too_many() -> Problem:
    return Problem(
        422,
        f"This image has {MAX_DITHERS_PER_IMAGE:,} dithers, and no image may have more: upload it "
        "again for others.",
    )
