"""Sends the due mails one after another; each is retried until it is sent or finally refused."""

import hashlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from notification_service import models, repository
from notification_service.email import UnusableAddress, write_email
from notification_service.mailer import MailDeferred, Mailer, MailRefused, MailUnavailable
from notification_service.settings import NotificationSettings
from shared import failpoints
from shared.backoff import Backoff
from shared.database import Database
from shared.failures import TransientFailure
from shared.wakeup import Wakeup

logger = logging.getLogger(__name__)

BACKOFF = Backoff(first=1.0, most=15.0)  # while the mail server cannot be used
DEFERRED = Backoff(first=60.0, most=3600.0)  # for a mail that the server does not take now
# After a crash in the middle of an SMTP dialogue the mail stays claimed; it is sent again when the
# claim expires. The claim must last longer than the slowest dialogue: connection, greeting, EHLO,
# STARTTLS, handshake, EHLO, AUTH (three times), MAIL, RCPT, DATA, the end of the text and QUIT,
# each up to SMTP_TIMEOUT_SECONDS.
CLAIM_STEPS = 16


@dataclass(frozen=True, slots=True)
class _Mail:
    dither_id: UUID
    attempts: int
    created_at: datetime
    message: EmailMessage


class MailSender:
    """``run`` blocks until ``stop``. Several may run, in several processes."""

    def __init__(
        self,
        settings: NotificationSettings,
        database: Database,
        mailer: Mailer,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._database = database
        self._mailer = mailer
        self._now = now
        self._jitter = jitter
        self._claim_time = timedelta(seconds=CLAIM_STEPS * settings.smtp_timeout_seconds)
        self._loop = Wakeup()
        self.trouble = ""

    def run(self) -> None:
        failures = 0
        while not self._loop.stopping():
            try:
                while not self._loop.stopping() and self.send_next():
                    failures, self.trouble = 0, ""
                self._loop.wait(self._seconds_until_due())
            except (MailUnavailable, TransientFailure) as error:
                failures += 1
                self._back_off(failures, str(error))

    def stop(self) -> None:
        self._loop.stop()

    def send_soon(self) -> None:
        self._loop.wake()

    def _seconds_until_due(self) -> float | None:
        """None: no mail is waiting."""
        with self._database.transaction() as session:
            return repository.seconds_until_due(session)

    def send_next(self) -> bool:
        """Send, defer or give up the mail that has been due longest; False if none is due.

        Raises ``MailUnavailable`` or ``TransientFailure``; the mail is then due again soon.
        """
        mail = self._next()
        if mail is None:
            return False
        failpoints.hit("notification.before-send")
        try:
            self._mailer.send(mail.message)
        except MailRefused as error:
            self._settle(mail, models.FAILED, str(error))
        except MailDeferred as error:
            self._defer(mail, str(error))
        except MailUnavailable as error:
            with self._database.transaction() as session:
                repository.postpone(session, mail.dither_id, 0, str(error))
            raise
        else:
            failpoints.hit("notification.after-send")
            self._settle(mail, models.SENT)
        return True

    def _next(self) -> _Mail | None:
        """Claim the mail that has been due longest; postpone mails to an address at its limit."""
        while True:
            with self._database.transaction() as session:
                claimed = repository.claim_due(session, self._claim_time)
                if claimed is None:
                    return None
                notification, recipient = claimed
                message = self._email(notification, recipient)
                if recipient.email is None or message is None:
                    reason = "there is no address that a mail can go to"
                    repository.settle(session, notification.dither_id, models.FAILED, reason)
                    continue
                digest = hashlib.sha256(recipient.email.lower().encode()).hexdigest()
                seconds = repository.seconds_until_allowed(
                    session, notification.dither_id, digest, self._settings.mails_per_hour
                )
                if seconds > 0:
                    repository.postpone(session, notification.dither_id, seconds, "enough for now")
                    continue
                repository.count_mail(session, notification.dither_id, digest)
                notification.attempts += 1
                return _Mail(
                    notification.dither_id, notification.attempts, notification.created_at, message
                )

    def _email(
        self, notification: models.Notification, recipient: models.Recipient
    ) -> EmailMessage | None:
        """None without a usable address; such a mail must not block the others."""
        if recipient.email is None:
            return None
        try:
            return write_email(
                sender=self._settings.mail_from,
                recipient=recipient.email,
                filename=recipient.filename or "image",
                url_dither=notification.url_dither,
                dither_id=notification.dither_id,
                written_at=notification.created_at,
            )
        except UnusableAddress:
            return None

    def _settle(self, mail: _Mail, status: str, reason: str | None = None) -> None:
        with self._database.transaction() as session:
            repository.settle(session, mail.dither_id, status, reason)
        level = logging.INFO if reason is None else logging.WARNING
        logger.log(level, "mail %s", status, extra={"dither": mail.dither_id, "reason": reason})

    def _defer(self, mail: _Mail, reason: str) -> None:
        """Retry the mail later, with backoff, until its time limit."""
        given_up = mail.created_at + timedelta(hours=self._settings.mail_give_up_hours)
        if self._now() > given_up:
            self._settle(mail, models.FAILED, reason)
            return
        pause = DEFERRED.seconds(mail.attempts, jitter=1.0)
        with self._database.transaction() as session:
            repository.postpone(session, mail.dither_id, pause, reason)
        logger.warning("mail deferred", extra={"dither": mail.dither_id, "reason": reason})

    def _back_off(self, failures: int, reason: str) -> None:
        self.trouble = reason
        pause = BACKOFF.seconds(failures, self._jitter())
        logger.warning("mails wait", extra={"reason": reason, "seconds": round(pause, 1)})
        self._loop.pause(pause)
