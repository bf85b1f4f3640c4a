"""The notification service's use cases, for its HTTP and Kafka entry points."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from notification_service import models, repository, schemas
from notification_service.settings import NotificationSettings
from shared import failpoints
from shared.database import Database
from shared.inbox import RETENTION as MESSAGES_KEPT
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherUploaded, ImageUploaded
from shared.principal import EVERYBODY, Principal
from shared.problems import Problem


def _nobody() -> None:
    """The default callback: does nothing."""


class NotificationService:
    """Decides who gets which mail; calls ``on_due`` when a mail has become due."""

    def __init__(
        self,
        settings: NotificationSettings,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._now = now
        self.inbox = Inbox(models.inbox)
        self.on_due: Callable[[], None] = _nobody

    # Requests of clients.

    def get_notifications(
        self, uuid: UUID, caller: Principal = EVERYBODY
    ) -> schemas.ImageNotifications:
        """The mails about an image; none if no address was given.

        Raises ``Problem`` 404 if it was deleted or is not the caller's. Nothing is known here of
        an image without an address, so that whose it is cannot be told either.
        """
        with self._database.transaction() as session:
            recipient = repository.find_recipient(session, uuid)
            if not caller.owns(None if recipient is None else recipient.owner):
                raise Problem(404, f"No mails are known about an image {uuid} of yours.")
            if recipient is not None and recipient.deleted_at is not None:
                raise Problem(404, f"The image {uuid} was deleted.")
            found = repository.notifications_of(session, uuid)
            shown = [schemas.Notification.model_validate(n) for n in found]
        return schemas.ImageNotifications(uuid=uuid, notifications=shown)

    # Messages.

    def note_recipients(self, batch: Sequence[Received]) -> int:
        """Record the addresses of new images. Images without an address need nothing."""
        wanted = [r for r in batch if isinstance(r.body, ImageUploaded) and r.body.email]
        if wanted:
            with self._database.transaction() as session:
                for received in self.inbox.record_all(session, wanted):
                    assert isinstance(received.body, ImageUploaded)
                    self._note_recipient(session, received.body)
            self.on_due()
        return len(batch)

    def _note_recipient(self, session: Session, body: ImageUploaded) -> None:
        recipient = repository.lock_recipient(session, body.uuid)
        if recipient.deleted_at is None:
            recipient.email, recipient.filename = body.email, body.filename
            recipient.owner = body.owner
            repository.release_waiting(session, body.uuid)

    def note_dithers(self, batch: Sequence[Received]) -> int:
        """Dithers are finished: add a mail for each whose image has an address."""
        wanted = [
            r
            for r in batch
            if isinstance(r.body, DitherUploaded) and r.body.has_recipient is not False
        ]
        if wanted:
            with self._database.transaction() as session:
                for received in self.inbox.record_all(session, wanted):
                    assert isinstance(received.body, DitherUploaded)
                    self._note_dither(session, received.body)
                failpoints.hit("notification.after-inbox")
            self.on_due()
        return len(batch)

    def _note_dither(self, session: Session, body: DitherUploaded) -> None:
        recipient = repository.lock_recipient(session, body.uuid)
        if recipient.deleted_at is not None:
            return
        values = {
            # Another producer may omit the id; the URL of the file then identifies the dither.
            "dither_id": body.dither_id or uuid5(body.uuid, body.url_dither),
            "image_uuid": body.uuid,
            "url_dither": body.url_dither,
            "channels": body.channels,
            "status": models.PENDING if recipient.email is not None else models.WAITING,
        }
        repository.add_notification(session, values)

    def forget_recipients(self, batch: Sequence[Received]) -> int:
        """Images were deleted, so their addresses are deleted too."""
        with self._database.transaction() as session:
            for received in self.inbox.record_all(session, batch):
                recipient = repository.lock_recipient(session, received.body.uuid)
                recipient.deleted_at = recipient.deleted_at or self._now()
                recipient.email = recipient.filename = None
                repository.delete_notifications(session, received.body.uuid)
        return len(batch)

    # Scheduled jobs.

    def forget_old(self) -> None:
        addresses_after = timedelta(days=self._settings.address_retention_days)
        with self._database.transaction() as session:
            repository.forget(session, addresses_after, MESSAGES_KEPT)
