"""A notification service and its sender on a real database; mails are kept in memory."""

from collections.abc import Iterator

import pytest

from notification_service import models
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from shared.database import Database
from tests.integration.services.notification.mails import (
    Outbox,
    new_sender,
    new_service,
)
from tests.integration.services.support import empty, migrated


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    with migrated(database, "notification_service") as migrated_database:
        yield migrated_database


@pytest.fixture
def service(tables: Database) -> NotificationService:
    empty(tables, models.metadata)
    return new_service(tables)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def sender(tables: Database, outbox: Outbox) -> MailSender:
    return new_sender(tables, outbox)
