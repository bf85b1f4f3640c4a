"""Nobody is flooded, and nobody waits behind somebody's thousand mails."""

import threading
from typing import Any
from uuid import UUID, uuid4

from notification_service import models
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.database import Database
from tests.integration.services.notification.mails import (
    ADA,
    SECONDS,
    FakeUploads,
    Outbox,
    made,
    new_sender,
    new_service,
    pending,
    send_all,
    statuses,
    tell,
    turn_clock_forward,
    uploaded,
)
from tests.integration.services.support import empty


def of_owner(service: NotificationService, owner: str, count: int) -> list[UUID]:
    """So many mails of one owner, each to another address."""
    uuids = [uuid4() for _ in range(count)]
    for number, uuid in enumerate(uuids):
        address = f"{owner.partition(':')[2]}{number}@example.org"
        tell(service, uploaded(uuid, address, owner=owner), made(uuid, uuid4(), owner=owner))
    return uuids


def sent_to(outbox: Outbox) -> list[str]:
    return [str(mail["To"]).lower() for mail in outbox.sent]


def test_one_mailbox_gets_so_many_mails_an_hour(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    for number in range(5):
        pending(service, f"ada.lovelace+{number}@example.org")
    pending(service, ADA.upper())
    pending(service, "grace@example.org")
    send_all(sender)
    assert sorted("lovelace" in address for address in sent_to(outbox)) == [False] + 3 * [True]
    turn_clock_forward(tables, minutes=59)
    send_all(sender)
    assert len(outbox.sent) == 4
    turn_clock_forward(tables, minutes=1, seconds=1)
    send_all(sender)
    assert len(outbox.sent) == 7


def test_one_owner_sends_so_many_mails_a_day(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    sender = new_sender(tables, outbox, NotificationSettings(mails_per_day=2))
    of_owner(service, "anon:eve", 4)
    of_owner(service, "anon:ada", 1)
    send_all(sender)
    assert sorted(sent_to(outbox)) == ["ada0@example.org", "eve0@example.org", "eve1@example.org"]
    turn_clock_forward(tables, hours=23)
    send_all(sender)
    assert len(outbox.sent) == 3
    turn_clock_forward(tables, hours=1, seconds=1)
    send_all(sender)
    assert len(outbox.sent) == 5


def test_a_key_may_have_a_limit_of_its_own(tables: Database, outbox: Outbox) -> None:
    empty(tables, models.metadata)
    uploads = FakeUploads(mails_per_day=1)
    service = new_service(tables, uploads=uploads)
    sender = new_sender(tables, outbox, NotificationSettings(mails_per_day=100))
    for number in range(3):
        uuid = uuid4()
        uploads.addresses[uuid] = f"{number}@example.org"
        owned: dict[str, Any] = {"owner": "key:shop", "has_recipient": True}
        tell(service, uploaded(uuid, None, **owned), made(uuid, uuid4(), **owned))
    send_all(sender)
    assert len(outbox.sent) == 1


def test_all_together_send_so_many_mails_an_hour(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    sender = new_sender(tables, outbox, NotificationSettings(mails_per_hour_in_all=3))
    for owner in ("anon:a", "anon:b", "anon:c", "anon:d"):
        of_owner(service, owner, 1)
    send_all(sender)
    assert len(outbox.sent) == 3
    turn_clock_forward(tables, hours=1, seconds=1)
    send_all(sender)
    assert len(outbox.sent) == 4


def test_questions_to_strangers_leave_half_for_who_has_answered(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    asking = NotificationSettings(mail_confirm=True, mails_per_hour_in_all=6)
    sender = new_sender(tables, outbox, asking)
    of_owner(service, "anon:eve", 10)
    send_all(sender)
    assert len(outbox.sent) == 3
    uuid = pending(service)
    send_all(sender)
    assert statuses(service, uuid) == ["unconfirmed"]
    assert len(outbox.sent) == 3


def test_a_single_mail_does_not_wait_behind_somebodys_hundred(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    of_owner(service, "anon:eve", 100)
    of_owner(service, "anon:ada", 1)
    for _ in range(3):
        sender.send_next()
    assert "ada0@example.org" in sent_to(outbox)


def test_what_one_owner_lets_wait_is_bounded_and_others_are_not_refused(
    tables: Database, service: NotificationService
) -> None:
    service = new_service(tables, NotificationSettings(mails_waiting=3))
    uuids = of_owner(service, "anon:eve", 5)
    assert [statuses(service, uuid) for uuid in uuids] == 3 * [["pending"]] + 2 * [["failed"]]
    [uuid] = of_owner(service, "anon:ada", 1)
    assert statuses(service, uuid) == ["pending"]


def test_what_waits_in_all_is_bounded(tables: Database, service: NotificationService) -> None:
    service = new_service(tables, NotificationSettings(mails_waiting_in_all=2))
    found = [statuses(service, pending(service, f"a{n}@example.org")) for n in range(3)]
    assert found == [["pending"], ["pending"], ["failed"]]


def test_several_senders_send_each_mail_once_and_no_more_than_allowed(
    service: NotificationService, tables: Database, outbox: Outbox
) -> None:
    for _ in range(3):
        pending(service)
    pending(service, "grace@example.org")
    senders = [new_sender(tables, outbox) for _ in range(2)]
    threads = [threading.Thread(target=send_all, args=(one,)) for one in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(outbox.sent) == len({mail["Message-ID"] for mail in outbox.sent}) == 4
