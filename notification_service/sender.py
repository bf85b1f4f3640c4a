"""Sends the due mails one after another; each is retried until it is sent or finally refused."""

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from sqlalchemy.orm import Session

from notification_service import mailboxes, models, repository
from notification_service.addresses import digest
from notification_service.composing import Composer
from notification_service.email import UnusableAddress
from notification_service.mailer import MailDeferred, Mailer, MailRefused, MailUnavailable
from notification_service.settings import NotificationSettings
from shared import failpoints
from shared.backoff import Backoff
from shared.context import Origin, continued
from shared.database import Database
from shared.failures import TransientFailure
from shared.metrics import show_from_the_start
from shared.tracing import span
from shared.wakeup import Wakeup

logger = logging.getLogger(__name__)

MAILS = Counter("mails_total", "Mails, by outcome (sent, failed, deferred)", ["outcome"])
show_from_the_start(MAILS, "sent", "failed", "deferred")

BACKOFF = Backoff(first=1.0, most=15.0)  # while the mail server cannot be used
DEFERRED = Backoff(first=60.0, most=3600.0)  # for a mail that the server does not take now
# After a crash in the middle of an SMTP dialogue the mail stays claimed; it is sent again when the
# claim expires. The claim must last longer than the slowest dialogue: connection, greeting, EHLO,
# STARTTLS, handshake, EHLO, AUTH (three times), MAIL, RCPT, DATA, the end of the text and QUIT,
# each up to SMTP_TIMEOUT_SECONDS.
CLAIM_STEPS = 16


class _Outcome(NamedTuple):
    """What became of a mail, for its row."""

    mail: models.Notification
    status: str
    reason: str | None


class MailSender:
    """``run`` blocks until ``stop``. Several may run, in several processes."""

    def __init__(
        self,
        settings: NotificationSettings,
        database: Database,
        mailer: Mailer,
        composer: Composer,
        secret: bytes,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
        new_uuid: Callable[[], UUID] = uuid4,
    ) -> None:
        self._settings = settings
        self._database = database
        self._mailer = mailer
        self._composer = composer
        self._secret = secret
        self._now = now
        self._jitter = jitter
        self._new_uuid = new_uuid
        self._claim_time = timedelta(seconds=CLAIM_STEPS * settings.smtp_timeout_seconds)
        self._loop = Wakeup()
        self._outcome: _Outcome | None = None  # of the last mail, while its row does not have it
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
        with suppress(TransientFailure):
            self._record_outcome()

    def stop(self) -> None:
        self._loop.stop()

    def send_soon(self) -> None:
        self._loop.wake()

    def _seconds_until_due(self) -> float | None:
        """None: no mail is waiting."""
        with self._database.transaction() as session:
            return repository.seconds_until_due(session)

    def send_next(self) -> bool:
        """Send, defer or give up the next mail that is due and allowed; False if there is none.

        Raises ``MailUnavailable`` or ``TransientFailure``; the mail is then due again soon.
        """
        self._record_outcome()
        claimed = self._next()
        if claimed is None:
            return False
        mail, recipient = claimed
        with continued(Origin(mail.request_id, mail.traceparent)):
            self._send(mail, recipient)
        return True

    def _send(self, mail: models.Notification, recipient: models.Recipient) -> None:
        failpoints.hit("notification.before-send")
        try:
            with span("mail", SpanKind.CLIENT, {"mail.kind": mail.kind}):
                self._mailer.send(self._composer.compose(mail, recipient))
        except UnusableAddress:
            self._settle(mail, models.FAILED, "there is no address that a mail can go to")
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

    def _next(self) -> tuple[models.Notification, models.Recipient] | None:
        """Claim the next mail that may be sent; settle, hold or postpone those before it."""
        while True:
            with self._database.transaction() as session:
                mailboxes.lock(session)
                mail = repository.claim_due(session, self._claim_time)
                if mail is None:
                    return None
                recipient = session.get_one(models.Recipient, mail.image_uuid)
                if self._may_be_sent(session, mail, recipient):
                    mailboxes.count(session, mail)
                    mail.attempts += 1
                    return mail, recipient

    def _may_be_sent(
        self, session: Session, mail: models.Notification, recipient: models.Recipient
    ) -> bool:
        if recipient.email is None:
            repository.settle(session, mail.dither_id, models.FAILED, "the address is forgotten")
            return False
        if mail.address_digest is None:  # a mail that was noted by an older version
            mail.address_digest = digest(recipient.email, self._secret)
            session.flush()
        wants = mailboxes.find(session, mail.address_digest)
        if wants.unsubscribed_at is not None:
            repository.settle(session, mail.dither_id, models.FAILED, "unsubscribed")
            return False
        asks_first = self._settings.asks_first and mail.kind == models.DITHERED
        if asks_first and wants.confirmed_at is None:
            repository.hold(session, mail.dither_id)
            self._ask(session, mail)
            return False
        if limit := mailboxes.blocking(session, self._limits(recipient), mail):
            seconds, which = limit
            repository.postpone_all(session, which, seconds, "enough for now")
            return False
        return True

    def _limits(self, recipient: models.Recipient) -> mailboxes.Limits:
        own, settings = recipient.mails_per_day, self._settings
        return mailboxes.Limits(
            in_all=settings.mails_per_hour_in_all,
            for_mailbox=settings.mails_per_hour,
            for_account=settings.mails_per_day if own is None else own,
        )

    def _ask(self, session: Session, mail: models.Notification) -> None:
        """Add a mail that asks to confirm the address, unless it was asked not long ago."""
        assert mail.address_digest is not None
        if repository.is_being_asked(session, mail.address_digest):
            return
        if mailboxes.may_be_asked(session, mail.address_digest):
            values = {
                "dither_id": self._new_uuid(),
                "image_uuid": mail.image_uuid,
                "kind": models.CONFIRMATION,
                "owner": mail.owner,
                "address_digest": mail.address_digest,
                "request_id": mail.request_id,
                "traceparent": mail.traceparent,
                "status": models.PENDING,
            }
            repository.add_notification(session, values)

    def _settle(self, mail: models.Notification, status: str, reason: str | None = None) -> None:
        self._outcome = _Outcome(mail, status, reason)
        self._record_outcome()

    def _record_outcome(self) -> None:
        """Retried until it succeeds, else a mail that was sent would be sent again."""
        if self._outcome is None:
            return
        mail, status, reason = self._outcome
        with self._database.transaction() as session:
            repository.settle(session, mail.dither_id, status, reason)
            if mail.kind == models.CONFIRMATION and mail.address_digest is not None:
                mailboxes.note(session, mail.address_digest, asked_at=self._now())
        self._outcome = None
        MAILS.labels(status).inc()
        level = logging.INFO if reason is None else logging.WARNING
        logger.log(level, "mail %s", status, extra={"dither": mail.dither_id, "reason": reason})

    def _defer(self, mail: models.Notification, reason: str) -> None:
        """Retry the mail later, with backoff, until its time limit."""
        given_up = mail.created_at + timedelta(hours=self._settings.mail_give_up_hours)
        if self._now() > given_up:
            self._settle(mail, models.FAILED, reason)
            return
        pause = DEFERRED.seconds(mail.attempts, jitter=1.0)
        with self._database.transaction() as session:
            repository.postpone(session, mail.dither_id, pause, reason)
        MAILS.labels("deferred").inc()
        logger.warning("mail deferred", extra={"dither": mail.dither_id, "reason": reason})

    def _back_off(self, failures: int, reason: str) -> None:
        self.trouble = reason
        pause = BACKOFF.seconds(failures, self._jitter())
        logger.warning("mails wait", extra={"reason": reason, "seconds": round(pause, 1)})
        self._loop.pause(pause)
