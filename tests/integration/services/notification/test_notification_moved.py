"""PUBLIC_URL changes while a mail waits; and mails whose links nobody else could follow."""

import logging
from uuid import uuid4

import pytest
from sqlalchemy import text

from notification_service.main import warn_of_local_links
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.messages import DitherUploaded
from tests.integration.services.notification.mails import (
    Outbox,
    new_sender,
    new_service,
    send_all,
    tell,
    uploaded,
)

OLD, NEW = "http://localhost:8000", "https://example.org/dither"


def test_a_mail_that_waited_has_the_new_link(tables: Database) -> None:
    uuid, outbox = uuid4(), Outbox()
    path = f"/files/dithers/{uuid}-abc.png"
    made = DitherUploaded(uuid=uuid, url_dither=OLD + path, dither_id=uuid4())
    tell(new_service(tables), uploaded(uuid), made)
    with tables.transaction() as session:
        assert session.scalar(text("SELECT url_dither FROM notification.notifications")) == path
    moved = NotificationSettings(public_url=NEW, access="open", mail_confirm=False)
    send_all(new_sender(tables, outbox, moved))
    [mail] = outbox.sent
    body = mail.get_body(("plain",))
    assert body is not None
    assert NEW + path in body.get_content()


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({"smtp_host": "mail.example.org"}, True),
        ({"smtp_host": "mail.example.org", "public_url": NEW, "principal_secret": "x" * 32}, False),
        ({}, False),  # mails are files on this machine
    ],
)
def test_mails_to_others_with_links_to_this_machine_are_warned_of(
    caplog: pytest.LogCaptureFixture, settings: dict[str, str], warns: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_local_links(NotificationSettings.model_validate(settings))
    assert ("set PUBLIC_URL" in caplog.text) == warns
