"""A fake mailer that keeps the mails, and messages and clock changes that cause mails."""

import threading
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID, uuid4

from notification_service.consumer import handlers
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.messages import Body, DitherUploaded, ImageUploaded
from tests.integration.services.support import received, rows, run

ADA = "ada.lovelace@example.org"
SETTINGS = NotificationSettings(mails_per_hour=3)
SECONDS = 60.0


class Outbox:
    """A mailer that keeps its mails, or fails with `error` while one is set."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.error: BaseException | None = None
        self.tried = threading.Semaphore(0)

    def send(self, message: EmailMessage) -> None:
        try:
            if self.error is not None:
                raise self.error
            self.sent.append(message)
        finally:
            self.tried.release()

    def subjects(self) -> list[str]:
        return sorted(str(message["Subject"]).rpartition(" ")[2] for message in self.sent)


def uploaded(uuid: UUID, email: str | None = ADA, filename: str = "photo.png") -> ImageUploaded:
    return ImageUploaded(uuid=uuid, url="http://a.test/1.png", filename=filename, email=email)


def made(
    uuid: UUID, dither_id: UUID | None = None, *, has_recipient: bool | None = None
) -> DitherUploaded:
    return DitherUploaded(
        uuid=uuid,
        url_dither="http://a.test/2.png",
        dither_id=dither_id,
        has_recipient=has_recipient,
    )


def tell(service: NotificationService, *bodies: Body) -> None:
    by_type = handlers(service)
    for body in bodies:
        by_type[type(body)]([received(body)])


def send_all(sender: MailSender) -> None:
    while sender.send_next():
        pass


def pending(service: NotificationService, email: str = ADA, filename: str = "photo.png") -> UUID:
    """An image with one mail that is due."""
    uuid = uuid4()
    tell(service, uploaded(uuid, email, filename), made(uuid, uuid4()))
    return uuid


def statuses(service: NotificationService, uuid: UUID) -> list[str]:
    return [n.status for n in service.get_notifications(uuid).notifications]


def turn_clock_forward(tables: Database, **time: float) -> None:
    """Change all stored times as if this much time had passed."""
    passed = timedelta(**time)
    run(tables, "UPDATE notification.notifications SET due_at = due_at - :t", t=passed)
    run(tables, "UPDATE notification.recent_mails SET sent_at = sent_at - :t", t=passed)
    run(
        tables,
        "UPDATE notification.recipients"
        " SET created_at = created_at - :t, deleted_at = deleted_at - :t",
        t=passed,
    )


def everything_kept(tables: Database) -> str:
    names = ("recipients", "notifications", "recent_mails", "inbox")
    return str([rows(tables, f"SELECT t::text FROM notification.{name} t") for name in names])
