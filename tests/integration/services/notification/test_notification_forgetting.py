"""Addresses are kept no longer than they are needed, and never logged."""

import logging
from typing import Any
from uuid import uuid4

import pytest

from notification_service.mailer import MailDeferred, MailRefused
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from shared.database import Database
from shared.messages import ImageDeleted
from tests.integration.services.notification.mails import (
    Outbox,
    everything_kept,
    made,
    pending,
    send_all,
    statuses,
    tell,
    turn_clock_forward,
    uploaded,
)
from tests.integration.services.support import rows


def test_an_address_is_forgotten_with_its_image(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    send_all(sender)
    assert "lovelace" in everything_kept(tables)
    tell(service, ImageDeleted(uuid=uuid), ImageDeleted(uuid=uuid))
    kept = everything_kept(tables)
    assert "lovelace" not in kept
    assert "photo" not in kept


def test_an_address_is_forgotten_a_day_after_its_last_mail(
    service: NotificationService, tables: Database, sender: MailSender
) -> None:
    uuid = pending(service)
    send_all(sender)
    turn_clock_forward(tables, hours=23)
    left = service.forget_old()
    assert left is not None
    assert 3500 < left <= 3600
    assert "lovelace" in everything_kept(tables)
    turn_clock_forward(tables, seconds=left + 1)
    assert service.forget_old() is None
    kept = everything_kept(tables)
    assert "lovelace" not in kept
    assert "photo" not in kept
    assert statuses(service, uuid) == ["sent"], "what was sent is still shown"


def test_an_address_that_waits_for_its_mail_is_kept_for_it(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    pending(service)
    turn_clock_forward(tables, days=6)
    service.forget_old()
    send_all(sender)
    assert len(outbox.sent) == 1


def test_an_address_that_no_mail_is_for_is_forgotten_after_a_week(
    service: NotificationService, tables: Database
) -> None:
    tell(service, uploaded(uuid4()))
    turn_clock_forward(tables, days=7)
    service.forget_old()
    assert "lovelace" not in everything_kept(tables)


def test_a_repeated_message_does_not_bring_a_forgotten_address_back(
    service: NotificationService, tables: Database, sender: MailSender
) -> None:
    uuid = pending(service)
    send_all(sender)
    turn_clock_forward(tables, days=2)
    service.forget_old()
    tell(service, uploaded(uuid))
    assert "lovelace" not in everything_kept(tables)


def test_a_dither_made_after_that_is_told_to_nobody(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    send_all(sender)
    turn_clock_forward(tables, days=31)
    service.forget_old()
    tell(service, made(uuid, uuid4()), uploaded(uuid, None), made(uuid, uuid4()))
    send_all(sender)
    assert len(outbox.sent) == 1


def test_a_delete_is_remembered_as_long_as_messages_may_come(
    service: NotificationService, tables: Database
) -> None:
    tell(service, ImageDeleted(uuid=uuid4()))
    turn_clock_forward(tables, days=13)
    service.forget_old()
    assert len(rows(tables, "SELECT 1 FROM notification.recipients")) == 1
    turn_clock_forward(tables, days=2)
    service.forget_old()
    assert rows(tables, "SELECT 1 FROM notification.recipients") == []


def test_what_was_sent_to_whom_is_counted_without_the_address_and_for_a_day(
    service: NotificationService, tables: Database, sender: MailSender
) -> None:
    pending(service)
    send_all(sender)
    [counted] = rows(tables, "SELECT r::text FROM notification.recent_mails r")
    assert "lovelace" not in str(counted)
    turn_clock_forward(tables, hours=25)
    service.forget_old()
    assert rows(tables, "SELECT 1 FROM notification.recent_mails") == []


@pytest.mark.parametrize(
    "error",
    [
        None,
        MailRefused("the mail server refuses the recipient (550)"),
        MailDeferred("the mail server refuses the mail (451)"),
    ],
)
def test_no_log_line_names_an_address(
    service: NotificationService,
    outbox: Outbox,
    sender: MailSender,
    caplog: pytest.LogCaptureFixture,
    error: Any,
) -> None:
    with caplog.at_level(logging.DEBUG):
        uuid = pending(service)
        outbox.error = error
        send_all(sender)
        tell(service, ImageDeleted(uuid=uuid))
        service.forget_old()
    assert caplog.records
    assert "lovelace" not in "\n".join(str(vars(record)) for record in caplog.records).lower()
