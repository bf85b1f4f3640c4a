"""Nobody gets mails that they did not ask for: confirmation, unsubscribing, and whose dithers."""

from uuid import uuid4

import pytest

from notification_service import models
from notification_service.addresses import digest
from notification_service.links import Links
from notification_service.mailer import MailUnavailable
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.failures import TransientFailure
from shared.messages import ImageDeleted
from tests.integration.services.notification.mails import (
    ADA,
    SECRET,
    FakeUploads,
    Outbox,
    everything_kept,
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

ASKING = NotificationSettings(mail_confirm=True)
ADAS = digest(ADA, SECRET)
QUESTION = "Do you want mails about your dithered images?"


@pytest.fixture
def asking(tables: Database, outbox: Outbox) -> MailSender:
    return new_sender(tables, outbox, ASKING)


def subjects(outbox: Outbox) -> list[str]:
    return [str(mail["Subject"]) for mail in outbox.sent]


# Confirmation.


def test_the_first_mail_to_an_address_asks_and_the_others_wait_for_the_answer(
    service: NotificationService, outbox: Outbox, asking: MailSender
) -> None:
    first, second = pending(service), pending(service, "Ada.Lovelace+2@Example.org")
    send_all(asking)
    assert subjects(outbox) == [QUESTION]
    assert statuses(service, first) == statuses(service, second) == ["unconfirmed"]
    assert b"photo" not in outbox.sent[0].as_bytes(), "no word of who uploaded the picture"
    service.confirm(ADAS)
    send_all(asking)
    assert len(outbox.sent) == 3
    assert statuses(service, first) == statuses(service, second) == ["sent"]


def test_who_has_confirmed_is_not_asked_again(
    service: NotificationService, outbox: Outbox, asking: MailSender
) -> None:
    service.confirm(ADAS)
    pending(service)
    send_all(asking)
    assert QUESTION not in subjects(outbox)
    assert len(outbox.sent) == 1


def test_who_does_not_answer_is_asked_once_a_week_and_the_mails_have_failed(
    service: NotificationService, tables: Database, outbox: Outbox, asking: MailSender
) -> None:
    uuid = pending(service)
    send_all(asking)
    turn_clock_forward(tables, hours=25)
    service.forget_old()
    assert statuses(service, uuid) == ["failed"]
    pending(service)
    send_all(asking)
    assert subjects(outbox) == [QUESTION]
    turn_clock_forward(tables, days=7)
    service.forget_old()
    pending(service)
    send_all(asking)
    assert subjects(outbox) == [QUESTION] * 2


def test_a_question_that_went_with_its_image_is_asked_for_another_image(
    service: NotificationService, outbox: Outbox, asking: MailSender
) -> None:
    first, second = pending(service), pending(service)
    outbox.error = MailUnavailable("the mail server answers 421")
    with pytest.raises(MailUnavailable):
        asking.send_next()
    outbox.error = None
    tell(service, ImageDeleted(uuid=first))
    send_all(asking)
    assert subjects(outbox) == [QUESTION]
    assert statuses(service, second) == ["unconfirmed"]


# Unsubscribing.


def test_who_unsubscribed_gets_no_mail_of_any_kind(
    service: NotificationService, tables: Database, outbox: Outbox, asking: MailSender
) -> None:
    held = pending(service)
    send_all(asking)
    service.unsubscribe(ADAS)
    later = pending(service, "ada.lovelace+again@example.org")
    send_all(asking)
    assert subjects(outbox) == [QUESTION]
    assert statuses(service, held) == statuses(service, later) == ["failed"]
    turn_clock_forward(tables, days=4000)
    service.forget_old()
    pending(service)
    send_all(asking)
    assert len(outbox.sent) == 1, "for good"


def test_who_unsubscribed_by_mistake_can_undo_it(
    service: NotificationService, outbox: Outbox, asking: MailSender
) -> None:
    service.unsubscribe(ADAS)
    service.confirm(ADAS)
    pending(service)
    send_all(asking)
    assert len(outbox.sent) == 1


def test_the_list_of_the_unsubscribed_names_nobody(
    service: NotificationService, tables: Database
) -> None:
    service.unsubscribe(ADAS)
    kept = everything_kept(tables)
    assert ADAS in kept
    assert "lovelace" not in kept


def test_the_links_in_a_mail_are_signed_for_its_mailbox(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    pending(service)
    send_all(sender)
    [mail] = outbox.sent
    token = str(mail["List-Unsubscribe"]).strip("<>").rpartition("/")[2]
    assert Links(ASKING, SECRET).read("unsubscribe", token) == ADAS


# Whose dithers.


def test_a_strangers_dither_of_my_picture_does_not_mail_me(
    service: NotificationService, tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(service, uploaded(uuid, owner="anon:ada"), made(uuid, owner="anon:eve"))
    assert statuses(service, uuid) == []
    tell(service, made(uuid, uuid4(), owner="anon:ada"))
    send_all(sender)
    assert len(outbox.sent) == 1


def test_a_strangers_dither_that_comes_before_the_address_does_not_either(
    service: NotificationService, outbox: Outbox, sender: MailSender
) -> None:
    uuid = uuid4()
    tell(
        service,
        made(uuid, uuid4(), owner="anon:eve"),
        made(uuid, uuid4(), owner="anon:ada"),
        uploaded(uuid, owner="anon:ada"),
    )
    assert statuses(service, uuid) == ["pending"]


# The address is not in the message.


def test_the_upload_service_is_asked_for_the_address(
    tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uploads = FakeUploads()
    empty(tables, models.metadata)
    service = new_service(tables, uploads=uploads)
    uuid = uuid4()
    uploads.addresses[uuid] = ADA
    tell(service, uploaded(uuid, None, has_recipient=True), made(uuid, has_recipient=True))
    send_all(sender)
    [mail] = outbox.sent
    assert mail["To"] == ADA
    assert b"The links work until 3 June 2030." in mail.as_bytes()


def test_a_message_waits_while_the_upload_service_is_away(
    tables: Database, outbox: Outbox, sender: MailSender
) -> None:
    uploads = FakeUploads()
    empty(tables, models.metadata)
    service = new_service(tables, uploads=uploads)
    uuid = uuid4()
    uploads.error = TransientFailure("the service that is asked does not answer")
    with pytest.raises(TransientFailure):
        tell(service, uploaded(uuid, None, has_recipient=True))
    uploads.error = None
    tell(service, uploaded(uuid, None, has_recipient=True), made(uuid))
    send_all(sender)
    assert outbox.sent == [], "the image was deleted meanwhile: nobody knows the address"
