"""The notification service's use cases for messages, for clients, and on a schedule."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from notification_service import mailboxes, models, repository, schemas
from notification_service.addresses import digest
from notification_service.settings import NotificationSettings
from notification_service.upload_client import Addressee, Uploads
from shared import failpoints
from shared.context import Origin, continued
from shared.database import Database
from shared.inbox import RETENTION as MESSAGES_KEPT
from shared.inbox import Inbox
from shared.kafka.codec import Received
from shared.messages import DitherUploaded, ImageUploaded
from shared.principal import EVERYBODY, Principal
from shared.problems import Problem

# An address that no mail was for is forgotten after this, and what was told to whom.
UNSERVED = timedelta(days=7)
ROWS_KEPT = timedelta(days=30)


def _nobody() -> None:
    """The default callback: does nothing."""


class NotificationService:
    """Decides who gets which mail; calls ``on_due`` when a mail has become due.

    ``secret`` is the key of the digests of addresses.
    """

    def __init__(
        self,
        settings: NotificationSettings,
        database: Database,
        uploads: Uploads,
        secret: bytes,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._uploads = uploads
        self._secret = secret
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
                raise Problem(404, f"You have no image {uuid} with mails.")
            if recipient is not None and recipient.deleted_at is not None:
                raise Problem(404, f"The image {uuid} was deleted.")
            found = repository.notifications_of(session, uuid)
            shown = [schemas.Notification.model_validate(n) for n in found]
        return schemas.ImageNotifications(uuid=uuid, notifications=shown)

    def confirm(self, mailbox: str) -> None:
        """The mailbox of this digest wants mails, also if it once unsubscribed."""
        with self._database.transaction() as session:
            mailboxes.lock(session)
            mailboxes.note(session, mailbox, confirmed_at=self._now(), unsubscribed_at=None)
            repository.judge_again(session, {mailbox})
        self.on_due()

    def unsubscribe(self, mailbox: str) -> None:
        """The mailbox of this digest gets no mail any more."""
        with self._database.transaction() as session:
            mailboxes.lock(session)
            mailboxes.note(session, mailbox, confirmed_at=None, unsubscribed_at=self._now())
            repository.judge_again(session, {mailbox})
        self.on_due()

    def delete_image(self, uuid: UUID) -> None:
        """Somebody has followed the link to delete an image. ``Problem`` 404 if it is gone."""
        if not self._uploads.delete_image(uuid):
            raise Problem(404, "The picture has already been deleted.")

    # Messages.

    def note_recipients(self, batch: Sequence[Received]) -> int:
        """Record the addresses of new images. Images without an address need nothing.

        Our own upload service keeps addresses out of the topics: it is asked for them.
        """
        wanted = [r for r in batch if isinstance(r.body, ImageUploaded) and r.body.wants_mail]
        if wanted:
            known = {r.body.uuid: self._addressee(r) for r in wanted}
            with self._database.transaction() as session:
                for received in self.inbox.record_all(session, wanted):
                    if addressee := known[received.body.uuid]:
                        self._note_recipient(session, received.body, addressee)
            self.on_due()
        return len(batch)

    def _addressee(self, received: Received) -> Addressee | None:
        body = received.body
        assert isinstance(body, ImageUploaded)
        if body.email:
            return Addressee(email=body.email)
        with continued(received.origin):
            return self._uploads.recipient(body.uuid)

    def _note_recipient(self, session: Session, body: Any, addressee: Addressee) -> None:
        recipient = repository.lock_recipient(session, body.uuid)
        if recipient.deleted_at is None and recipient.forgotten_at is None:
            recipient.email, recipient.filename = addressee.email, body.filename
            recipient.owner, recipient.ends_at = body.owner, addressee.expires_at
            recipient.mails_per_day = addressee.mails_per_day
            mailbox = digest(addressee.email, self._secret)
            repository.release_waiting(session, body.uuid, body.owner, mailbox)

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
                    self._note_dither(session, received.body, received.origin)
                failpoints.hit("notification.after-inbox")
            self.on_due()
        return len(batch)

    def _note_dither(self, session: Session, body: DitherUploaded, origin: Origin) -> None:
        """Nobody gets a mail about what somebody else made of their picture."""
        recipient = repository.lock_recipient(session, body.uuid)
        if recipient.deleted_at is not None or recipient.forgotten_at is not None:
            return
        if recipient.owner and body.owner and body.owner != recipient.owner:
            return
        mailbox = recipient.email and digest(recipient.email, self._secret)
        owner = recipient.owner or body.owner
        refused = self._too_many(session, owner or mailbox)
        status = models.PENDING if mailbox else models.WAITING
        values = {
            # Another producer may omit the id; the URL of the file then identifies the dither.
            "dither_id": body.dither_id or uuid5(body.uuid, body.url_dither),
            "image_uuid": body.uuid,
            "owner": owner,
            "address_digest": mailbox,
            "url_dither": self._settings.without_origin(body.url_dither),
            "channels": body.channels,
            "options": body.options,
            "status": models.FAILED if refused else status,
            "reason": refused,
            **origin.columns(),
        }
        repository.add_notification(session, values)

    def _too_many(self, session: Session, account: str | None) -> str | None:
        """The reason not to let one more mail wait, if there is one."""
        limits = self._settings
        bounds = [(account, limits.mails_waiting)] if account else []
        for whose, most in (*bounds, (None, limits.mails_waiting_in_all)):
            if repository.count_waiting(session, whose, most) >= most:
                return "too many mails wait already"
        return None

    def forget_recipients(self, batch: Sequence[Received]) -> int:
        """Images were deleted, so their addresses are deleted too."""
        with self._database.transaction() as session:
            mailboxes.lock(session)
            for received in self.inbox.record_all(session, batch):
                recipient = repository.lock_recipient(session, received.body.uuid)
                recipient.deleted_at = recipient.deleted_at or self._now()
                recipient.email = recipient.filename = None
                repository.delete_notifications(session, received.body.uuid)
        self.on_due()
        return len(batch)

    # Scheduled jobs.

    def forget_old(self) -> float | None:
        """Forget addresses that have served; returns the seconds until the next is due."""
        served = timedelta(hours=self._settings.address_retention_hours)
        with self._database.transaction() as session:
            confirmed_within = timedelta(hours=self._settings.mail_give_up_hours)
            repository.give_up_unconfirmed(session, confirmed_within)
            repository.forget_addresses(session, served, UNSERVED)
            repository.forget_rows(session, ROWS_KEPT, MESSAGES_KEPT)
            mailboxes.forget_old(session)
            return repository.seconds_until_forgotten(session, served, UNSERVED)
