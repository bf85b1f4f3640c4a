"""A fake mailer that keeps the mails, and messages and clock changes that cause mails."""

import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

from notification_service.composing import Composer
from notification_service.consumer import handlers
from notification_service.links import Links
from notification_service.mailer import Mailer
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from notification_service.upload_client import Addressee, Uploads
from shared.database import Database
from shared.messages import Body, DitherUploaded, ImageUploaded
from tests.integration.services.support import received, rows, run
from tests.support.fake_storage import FakeStorage

ADA = "ada.lovelace@example.org"
SETTINGS = NotificationSettings(mails_per_hour=3)
SECRET = b"a secret of thirty-two characters"
ENDS_AT = datetime(2030, 6, 3, tzinfo=UTC)
SECONDS = 60.0


class FakeUploads:
    """The upload service, with the addresses that it can be asked for."""

    def __init__(self, mails_per_day: int | None = None) -> None:
        self.addresses: dict[UUID, str] = {}
        self._mails_per_day = mails_per_day
        self.deleted: list[UUID] = []
        self.error: Exception | None = None

    def recipient(self, uuid: UUID) -> Addressee | None:
        if self.error is not None:
            raise self.error
        email = self.addresses.get(uuid)
        if email is None:
            return None
        return Addressee(email=email, expires_at=ENDS_AT, mails_per_day=self._mails_per_day)

    def delete_image(self, uuid: UUID) -> bool:
        self.deleted.append(uuid)
        return self.addresses.pop(uuid, None) is not None


def new_service(
    tables: Database,
    settings: NotificationSettings = SETTINGS,
    uploads: Uploads | None = None,
) -> NotificationService:
    return NotificationService(settings, tables, uploads or FakeUploads(), SECRET)


def new_sender(
    tables: Database,
    mailer: Mailer,
    settings: NotificationSettings = SETTINGS,
    **options: Any,
) -> MailSender:
    composer = Composer(settings, FakeStorage(), Links(settings, SECRET))
    return MailSender(settings, tables, mailer, composer, SECRET, **options)


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


def uploaded(
    uuid: UUID, email: str | None = ADA, filename: str = "photo.png", **fields: Any
) -> ImageUploaded:
    url = "http://a.test/1.png"
    return ImageUploaded(uuid=uuid, url=url, filename=filename, email=email, **fields)


def made(uuid: UUID, dither_id: UUID | None = None, **fields: Any) -> DitherUploaded:
    url = "http://a.test/2.png"
    return DitherUploaded(uuid=uuid, url_dither=url, dither_id=dither_id, **fields)


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
    for table, columns in {
        "notifications": ("created_at", "due_at"),
        "recent_mails": ("sent_at",),
        "recipients": ("created_at", "deleted_at"),
        "mailboxes": ("asked_at", "confirmed_at"),
    }.items():
        changes = ", ".join(f"{column} = {column} - :t" for column in columns)
        run(tables, f"UPDATE notification.{table} SET {changes}", t=timedelta(**time))


def everything_kept(tables: Database) -> str:
    names = ("recipients", "notifications", "recent_mails", "mailboxes", "inbox")
    return str([rows(tables, f"SELECT t::text FROM notification.{name} t") for name in names])
