"""Without a mail server, mails are files: whole, once each, and readable by any mail program."""

import email
import email.policy
import os
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from notification_service.mailer import (
    DirectoryMailer,
    MailUnavailable,
    SmtpMailer,
    build_mailer,
)
from notification_service.settings import NotificationSettings
from tests.support.mails import dithered_mail


def an_email(dither_id: UUID, recipient: str = "ada@example.org") -> EmailMessage:
    sender = "Dither <no-reply@dither.invalid>"
    return dithered_mail(sender=sender, recipient=recipient, mail_id=dither_id)


@pytest.mark.parametrize("recipient", ["ada@example.org", "jörg@example.org"])
def test_a_mail_becomes_a_file(tmp_path: Path, recipient: str) -> None:
    dither_id = uuid4()
    DirectoryMailer(tmp_path / "made" / "outbox").send(an_email(dither_id, recipient))
    [path] = (tmp_path / "made" / "outbox").iterdir()
    assert path.name == f"{dither_id}.eml"
    assert f"\r\nTo: {recipient}\r\n" in path.read_bytes().decode()
    read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert read["Message-ID"] == f"<{dither_id}@dither.invalid>"


def test_the_same_mail_again_is_the_same_file(tmp_path: Path) -> None:
    dither_id = uuid4()
    for _ in range(2):
        DirectoryMailer(tmp_path).send(an_email(dither_id))
    DirectoryMailer(tmp_path).send(an_email(uuid4()))
    assert len(list(tmp_path.iterdir())) == 2


def test_old_files_are_forgotten_since_they_have_addresses(tmp_path: Path) -> None:
    mailer = DirectoryMailer(tmp_path / "outbox")
    mailer.forget(datetime.now(UTC))  # there is no directory yet
    for _ in range(2):
        mailer.send(an_email(uuid4()))
    old, new = (tmp_path / "outbox").iterdir()
    (tmp_path / "outbox" / "notes.txt").write_text("not a mail")
    written = datetime(2026, 5, 4, tzinfo=UTC).timestamp()
    os.utime(old, (written, written))
    mailer.forget(datetime(2026, 5, 5, tzinfo=UTC))
    assert {path.name for path in (tmp_path / "outbox").iterdir()} == {new.name, "notes.txt"}


@pytest.mark.parametrize(
    ("settings", "asks"),
    [
        ({}, False),
        ({"public_url": "http://127.0.0.1:8000"}, False),
        ({"public_url": "https://dither.example.org"}, True),
        ({"public_url": "https://dither.example.org", "mail_confirm": False}, False),
        ({"mail_confirm": True}, True),
    ],
)
def test_addresses_are_asked_first_unless_this_machine_is_all(
    settings: dict[str, object], asks: bool
) -> None:
    assert NotificationSettings.model_validate({"access": "open", **settings}).asks_first is asks


def test_a_message_id_cannot_choose_another_directory(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<../../etc/cron.d/x@dither.invalid>"
    DirectoryMailer(tmp_path / "outbox").send(message)
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["etccrondx.eml"]


def test_a_directory_that_cannot_be_written_makes_mails_wait(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file is in the way")
    with pytest.raises(MailUnavailable, match="cannot be written"):
        DirectoryMailer(tmp_path / "outbox").send(an_email(uuid4()))


def test_a_host_chooses_smtp(tmp_path: Path) -> None:
    assert isinstance(build_mailer(NotificationSettings(data_dir=tmp_path)), DirectoryMailer)
    assert isinstance(build_mailer(NotificationSettings(smtp_host="mail.test")), SmtpMailer)


def test_a_login_is_whole_and_goes_over_tls() -> None:
    with pytest.raises(ValidationError, match="must be set both"):
        NotificationSettings.model_validate({"smtp_username": "ada"})
    with pytest.raises(ValidationError, match="ASCII"):
        NotificationSettings.model_validate({"smtp_username": "ada", "smtp_password": "geheimnüs"})
    with pytest.raises(ValidationError, match="for all to read"):
        NotificationSettings.model_validate(
            {"smtp_username": "ada", "smtp_password": "s3cret", "smtp_security": "none"}
        )
