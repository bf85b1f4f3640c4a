"""One mail for each dither if an address was given: sent once, despite failures."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest

from notification_service import sender as sending
from notification_service.mailer import MailDeferred, MailRefused, MailUnavailable
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.backoff import Backoff
from shared.database import Database
from shared.failures import TransientFailure
from shared.messages import Body, ImageDeleted
from shared.problems import Problem
from tests.integration.services.notification.mails import (
    ADA,
    SECONDS,
    SETTINGS,
    Outbox,
    everything_kept,
    made,
    new_sender,
    pending,
    send_all,
    statuses,
    tell,
    turn_clock_forward,
    uploaded,
)

# Who gets a mail.


def test_a_dither_is_a_mail(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    due: list[int] = []
    service.on_due = lambda: due.append(1)
    uuid, dither_id = uuid4(), uuid4()
    tell(service, uploaded(uuid), made(uuid, dither_id))
    assert due
    assert statuses(service, uuid) == ["pending"]
    send_all(sender)
    [mail] = outbox.sent
    assert mail["To"] == ADA
    assert str(dither_id) in mail["Message-ID"]
    [shown] = service.get_notifications(uuid).notifications
    assert (shown.dither_id, shown.status) == (dither_id, "sent")
    assert shown.sent_at is not None


def test_every_dither_is_a_mail_of_its_own(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(service, uploaded(uuid), made(uuid, uuid4()))
    send_all(sender)
    tell(service, made(uuid, uuid4()))
    send_all(sender)
    assert len({mail["Message-ID"] for mail in outbox.sent}) == 2


def test_nothing_is_done_about_an_image_without_an_address(
    service: NotificationService, tables: Database
) -> None:
    used: list[int] = []
    tables.on_use = lambda: used.append(1)
    uuid = uuid4()
    tell(service, made(uuid, has_recipient=False), uploaded(uuid, None))
    assert used == []
    assert service.get_notifications(uuid).notifications == []


def test_a_dither_of_an_image_that_may_have_an_address_waits_for_it(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(service, made(uuid), uploaded(uuid, None))
    send_all(sender)
    assert outbox.sent == []
    tell(service, uploaded(uuid))
    send_all(sender)
    assert len(outbox.sent) == 1


def test_messages_in_any_order_and_repeated_are_the_same_mails(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    sender = new_sender(tables, outbox, NotificationSettings(mails_per_hour=1000))
    count = 0
    for order in {*itertools.permutations(["upload", "first", "second", "upload", "first"])}:
        uuid = uuid4()
        bodies = {
            "upload": uploaded(uuid),
            "first": made(uuid, uuid4()),
            "second": made(uuid, uuid4()),
        }
        tell(service, *(bodies[name] for name in order))
        count += 2
        assert statuses(service, uuid) == ["pending", "pending"]
    send_all(sender)
    assert len(outbox.sent) == len({mail["Message-ID"] for mail in outbox.sent}) == count


@pytest.mark.parametrize("order", [*itertools.permutations(["upload", "dither", "delete"])])
def test_a_delete_before_the_mail_wins_in_any_order(
    service: NotificationService,
    tables: Database,
    outbox: Outbox,
    sender: MailSender,
    order: tuple[str, ...],
) -> None:
    uuid = uuid4()
    bodies: dict[str, Body] = {
        "upload": uploaded(uuid),
        "dither": made(uuid, uuid4()),
        "delete": ImageDeleted(uuid=uuid),
    }
    tell(service, *(bodies[name] for name in order))
    send_all(sender)
    assert outbox.sent == []
    assert "lovelace" not in everything_kept(tables)
    with pytest.raises(Problem):
        service.get_notifications(uuid)


def test_another_announcement_without_the_address_keeps_it(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(service, uploaded(uuid), uploaded(uuid, None), made(uuid, uuid4()))
    send_all(sender)
    assert len(outbox.sent) == 1


def test_a_dither_that_nobody_named_is_told_of_once(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(service, made(uuid), uploaded(uuid), made(uuid), made(uuid))
    send_all(sender)
    assert len(outbox.sent) == 1


# When the server does not accept a mail.


def test_a_mail_that_is_refused_has_failed_and_holds_up_nobody(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    outbox.error = MailRefused("the mail server refuses the recipient (550)")
    send_all(sender)
    outbox.error = None
    assert statuses(service, uuid) == ["failed"]
    other = pending(service)
    send_all(sender)
    assert (statuses(service, uuid), statuses(service, other)) == (["failed"], ["sent"])


@pytest.mark.parametrize("address", ["a..b@example.org", 'a"b@example.org', "a:b@c.org"])
def test_an_address_that_no_mail_can_go_to_holds_up_nobody(
    service: NotificationService, outbox: Outbox, sender: MailSender, address: str
) -> None:
    broken, fine = pending(service, address), pending(service)
    send_all(sender)
    assert (statuses(service, broken), statuses(service, fine)) == (["failed"], ["sent"])


def test_a_mail_that_is_deferred_waits_ever_longer_and_the_others_go(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    outbox.error = MailDeferred("the mail server refuses the mail (451)")
    for pause in (60, 120, 240):
        assert sender.send_next()
        assert not sender.send_next()
        turn_clock_forward(tables, seconds=pause - 5)
        assert not sender.send_next(), f"not before {pause} s have passed"
        turn_clock_forward(tables, seconds=5)
    outbox.error = None
    other = pending(service)
    send_all(sender)
    assert statuses(service, uuid) == statuses(service, other) == ["sent"]


def test_a_mail_that_is_tried_again_is_not_counted_against_itself(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    sender = new_sender(tables, outbox, NotificationSettings(mails_per_hour=1))
    uuid = pending(service)
    outbox.error = MailDeferred("the mail server refuses the mail (451)")
    send_all(sender)
    outbox.error = None
    turn_clock_forward(tables, minutes=2)
    send_all(sender)
    assert statuses(service, uuid) == ["sent"]
    turn_clock_forward(tables, minutes=59)
    held = pending(service)
    send_all(sender)
    assert statuses(service, held) == ["pending"], "the hour counts from the last try"


def test_a_mail_that_no_server_takes_for_a_day_has_failed(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    later = datetime.now(UTC) + timedelta(hours=25)
    sender = new_sender(tables, outbox, now=lambda: later)
    uuid = pending(service)
    outbox.error = MailDeferred("the mail server refuses the mail (451)")
    send_all(sender)
    assert statuses(service, uuid) == ["failed"]


def test_a_server_that_is_away_is_waited_for(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    outbox.error = MailUnavailable("the mail server cannot be talked to (ConnectionRefusedError)")
    for _ in range(5):
        with pytest.raises(MailUnavailable):
            sender.send_next()
    assert statuses(service, uuid) == ["pending"]
    outbox.error = None
    assert sender.send_next()
    assert statuses(service, uuid) == ["sent"]


def test_a_crash_while_sending_is_made_good_by_the_same_mail(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uuid = pending(service)
    claimed: list[EmailMessage] = []

    class Crashing:
        def send(self, message: EmailMessage) -> None:
            claimed.append(message)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new_sender(tables, Crashing()).send_next()
    slowest, claimed_for = (SETTINGS.smtp_timeout_seconds * n for n in (14, sending.CLAIM_STEPS))
    turn_clock_forward(tables, seconds=slowest)
    assert not sender.send_next(), (
        "a slow server's dialogue with STARTTLS and a login takes so long"
    )
    turn_clock_forward(tables, seconds=claimed_for - slowest)
    assert sender.send_next()
    assert statuses(service, uuid) == ["sent"]
    assert outbox.sent[0]["Message-ID"] == claimed[0]["Message-ID"]
    assert outbox.sent[0].as_bytes().count(b"photo.png") == claimed[0].as_bytes().count(
        b"photo.png"
    )


def test_a_mail_is_not_sent_again_because_the_database_is_away_afterwards(
    service: NotificationService, tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise TransientFailure("the database is not available")

    class ThenAway(Outbox):
        def send(self, message: EmailMessage) -> None:
            super().send(message)
            monkeypatch.setattr(tables, "transaction", away)

    uuid, outbox = pending(service), ThenAway()
    sender = new_sender(tables, outbox)
    for _ in range(3):
        with pytest.raises(TransientFailure):
            sender.send_next()
    monkeypatch.undo()
    turn_clock_forward(tables, seconds=SETTINGS.smtp_timeout_seconds * sending.CLAIM_STEPS)
    assert not sender.send_next()
    assert statuses(service, uuid) == ["sent"]
    assert len(outbox.sent) == 1


def test_a_running_sender_backs_off_comes_back_and_stops(
    service: NotificationService,
    outbox: Outbox,
    sender: MailSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "BACKOFF", Backoff(first=0.01, most=0.01))
    service.on_due = sender.send_soon
    outbox.error = MailUnavailable("the mail server answers 421")
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        uuid = pending(service)
        for _ in range(3):
            assert outbox.tried.acquire(timeout=SECONDS)
        assert sender.trouble == "the mail server answers 421"
        outbox.error = None
        while not outbox.sent:
            assert outbox.tried.acquire(timeout=SECONDS)
    finally:
        sender.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert sender.trouble == ""
    assert statuses(service, uuid) == ["sent"]
