"""The notification service's use cases. Both doors, HTTP and messages, lead here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from notification_service import models, repository, schemas
from notification_service.settings import NotificationSettings
from shared import failpoints
from shared.database import Database
from shared.inbox import RETENTION as MESSAGES_KEPT
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded
from shared.problems import Problem


def _nobody() -> None:
    """Until a sender listens."""


class NotificationService:
    """Decides who gets a mail about what; ``on_due`` is called when a mail became due."""

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

    # What clients ask for.

    def get_notifications(self, uuid: UUID) -> schemas.ImageNotifications:
        """The mails about an image. Raises ``Problem`` 404 while nothing was heard of it."""
        with self._database.transaction() as session:
            recipient = repository.find_recipient(session, uuid)
            if recipient is None or recipient.deleted_at is not None:
                raise Problem(404, f"Nothing is known of an image {uuid}.")
            found = repository.notifications_of(session, uuid)
            shown = [schemas.Notification.model_validate(n) for n in found]
        return schemas.ImageNotifications(uuid=uuid, notifications=shown)

    # What messages tell.

    def note_recipient(self, received: Received) -> None:
        """A new image, and perhaps somebody who wants to hear of its dithers."""
        body = received.body
        assert isinstance(body, ImageUploaded)
        with self._database.transaction() as session:
            if not self.inbox.record(session, received.message_id):
                return
            recipient = repository.lock_recipient(session, body.uuid)
            if recipient.deleted_at is not None:
                return
            recipient.announced_at = recipient.announced_at or self._now()
            # An image that is announced again comes without the address that is known already.
            recipient.email = body.email or recipient.email
            recipient.filename = body.filename
            repository.settle_waiting(session, body.uuid, wanted=recipient.email is not None)
        self.on_due()

    def note_dither(self, received: Received) -> None:
        """A dither is there: a mail, if somebody wants it."""
        body = received.body
        assert isinstance(body, DitherUploaded)
        with self._database.transaction() as session:
            if not self.inbox.record(session, received.message_id):
                return
            recipient = repository.lock_recipient(session, body.uuid)
            nobody = recipient.announced_at is not None and recipient.email is None
            if recipient.deleted_at is not None or nobody:
                return
            status = models.PENDING if recipient.email is not None else models.WAITING
            # Another producer may leave the id out; the same file is then the same dither.
            dither_id = body.dither_id or uuid5(body.uuid, body.url_dither)
            values = {
                "dither_id": dither_id,
                "image_uuid": body.uuid,
                "url_dither": body.url_dither,
                "channels": body.channels,
                "status": status,
            }
            repository.add_notification(session, values)
            failpoints.hit("notification.after-inbox")
        self.on_due()

    def forget_recipient(self, received: Received) -> None:
        """The image is gone, and with it the reason to know an address."""
        body = received.body
        assert isinstance(body, ImageDeleted)
        with self._database.transaction() as session:
            if not self.inbox.record(session, received.message_id):
                return
            recipient = repository.lock_recipient(session, body.uuid)
            recipient.deleted_at = recipient.deleted_at or self._now()
            recipient.email = recipient.filename = None
            repository.delete_notifications(session, body.uuid)

    # What time brings.

    def forget_old(self) -> None:
        addresses_after = timedelta(days=self._settings.address_retention_days)
        with self._database.transaction() as session:
            repository.forget(session, addresses_after, MESSAGES_KEPT)
