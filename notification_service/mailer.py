"""Deliver a finished mail: to an SMTP server, or to a directory if no server is configured."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from notification_service.email import MAIL_POLICY
from notification_service.settings import NotificationSettings
from shared import failpoints
from shared.files import make_directory, write_atomically


class MailRefused(Exception):
    """The server will never take this mail."""


class MailDeferred(Exception):
    """The server does not take this mail now; it may take others."""


class MailUnavailable(Exception):
    """The server cannot be used now; all mails must wait."""


class Mailer(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Return when the server has accepted the mail; raises one of the three errors above."""


class SmtpMailer:
    """One connection for each mail: mails are few, and an open connection would time out."""

    def __init__(self, settings: NotificationSettings) -> None:
        assert settings.smtp_host is not None
        self._host = settings.smtp_host
        self._port = settings.smtp_port
        self._security = settings.smtp_security
        self._timeout = settings.smtp_timeout_seconds
        self._username = settings.smtp_username
        self._password = settings.smtp_password
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca)

    def send(self, message: EmailMessage) -> None:
        with _smtp_errors(), self._connected() as server:
            failpoints.hit("mailer.before-mail")
            refused = server.send_message(message)
            failpoints.hit("mailer.before-quit")
            assert not refused, "with one recipient a refusal is an error"

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            self._prepare(server)
            yield server
            with suppress(smtplib.SMTPException, OSError):
                server.quit()  # the mail is delivered already, even if this fails
        finally:
            server.close()

    def _prepare(self, server: smtplib.SMTP) -> None:
        """TLS and login. If the server lacks what the settings require, all mails wait."""
        try:
            if self._security == "starttls":
                server.starttls(context=self._tls)
            if self._username is not None and self._password is not None:
                server.login(self._username, self._password.get_secret_value())
        except smtplib.SMTPNotSupportedError as error:
            raise MailUnavailable("the mail server offers no STARTTLS, or no login") from error

    def _connect(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._tls
            )
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)


@contextmanager
def _smtp_errors() -> Iterator[None]:
    """Sorts smtplib's errors by their meaning for this mail and for the other mails."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        [(code, _)] = error.recipients.values()
        raise _by_code(code, f"the mail server refuses the recipient ({code})") from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused("the mail server does not take such an address") from error
    except smtplib.SMTPAuthenticationError as error:
        raise MailUnavailable(f"the mail server refuses the login ({error.smtp_code})") from error
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        raise _by_code(code, f"the mail server refuses the mail ({code})") from error
    except smtplib.SMTPResponseException as error:
        raise MailUnavailable(f"the mail server answers {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnavailable(
            f"the mail server cannot be talked to ({type(error).__name__})"
        ) from error


def _by_code(code: int, sentence: str) -> Exception:
    """RFC 5321, 4.2.1: 5yz is permanent, 4yz is temporary; 421: the server closes."""
    if code == 421:
        return MailUnavailable(sentence)
    return MailRefused(sentence) if code >= 500 else MailDeferred(sentence)


class DirectoryMailer:
    """Writes each mail as ``<message id>.eml``, for a machine without a mail server."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def send(self, message: EmailMessage) -> None:
        name = re.sub(r"[^A-Za-z0-9-]", "", str(message["Message-ID"]).partition("@")[0])
        path = self._directory / f"{name}.eml"
        try:
            make_directory(self._directory)
            write_atomically(path, _as_file(message))
        except OSError as error:
            raise MailUnavailable(f"the mail cannot be written: {error.strerror}") from error

    def forget(self, before: datetime) -> None:
        """Delete the mails that were written before this time: each has an address."""
        for path in self._directory.glob("*.eml"):
            with suppress(FileNotFoundError):  # somebody else has deleted it
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()


def _as_file(message: EmailMessage) -> bytes:
    """The mail's bytes. A non-ASCII address is written as UTF-8 (RFC 6532), never encoded."""
    beyond_ascii = not str(message["To"] or "").isascii()
    return message.as_bytes(policy=MAIL_POLICY.clone(utf8=beyond_ascii))


def build_mailer(settings: NotificationSettings) -> SmtpMailer | DirectoryMailer:
    if settings.smtp_host is None:
        return DirectoryMailer(settings.data_dir / "outbox")
    return SmtpMailer(settings)
