"""The notification service over HTTP: the status of the mails, but never their addresses."""

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from notification_service import models
from notification_service.api import create_api
from notification_service.mailer import build_mailer
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.health import Health, Part
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded
from tests.integration.services.support import (
    Client,
    empty,
    received,
    sentence,
    served,
)

ADA = "ada.lovelace@example.org"


@pytest.fixture
def service(tables: Database) -> NotificationService:
    empty(tables, models.metadata)
    return NotificationService(NotificationSettings(), tables)


@pytest.fixture
def client(service: NotificationService) -> Iterator[Client]:
    health = Health("notification", {"mail": lambda: Part("degraded", {"detail": "it is away"})})
    with served(create_api(NotificationSettings(), service, health)) as started:
        yield started


def announce(service: NotificationService, uuid: UUID, email: str | None = ADA) -> None:
    body = ImageUploaded(uuid=uuid, url="http://a.test/1.png", filename="my photo.png", email=email)
    service.note_recipients([received(body)])


def dither(service: NotificationService, uuid: UUID) -> UUID:
    dither_id = uuid4()
    url = "http://a.test/2.png"
    service.note_dithers([received(DitherUploaded(uuid=uuid, url_dither=url, dither_id=dither_id))])
    return dither_id


def test_mails_are_shown_without_the_address(
    client: Client, service: NotificationService, tables: Database, tmp_path: object
) -> None:
    uuid = uuid4()
    announce(service, uuid)
    dither_id = dither(service, uuid)
    settings = NotificationSettings.model_validate({"data_dir": tmp_path})
    MailSender(settings, tables, build_mailer(settings)).send_next()
    later = dither(service, uuid)
    answer = client.get(f"/notifications/{uuid}")
    shown = answer.json()
    assert shown["uuid"] == str(uuid)
    assert [(n["dither_id"], n["status"]) for n in shown["notifications"]] == [
        (str(dither_id), "sent"),
        (str(later), "pending"),
    ]
    assert all(
        set(n) == {"dither_id", "status", "created_at", "sent_at"} for n in shown["notifications"]
    )
    assert "lovelace" not in json.dumps(shown).lower()


def test_an_image_without_an_address_has_no_mails(
    client: Client, service: NotificationService
) -> None:
    uuid = uuid4()
    announce(service, uuid, None)
    dither(service, uuid)
    assert client.get(f"/notifications/{uuid}").json() == {"uuid": str(uuid), "notifications": []}


def test_what_waits_for_its_image_is_not_shown_yet(
    client: Client, service: NotificationService
) -> None:
    uuid = uuid4()
    dither(service, uuid)
    assert client.get(f"/notifications/{uuid}").json()["notifications"] == []
    announce(service, uuid)
    [shown] = client.get(f"/notifications/{uuid}").json()["notifications"]
    assert shown["status"] == "pending"


def test_an_image_that_is_deleted(client: Client, service: NotificationService) -> None:
    uuid = uuid4()
    announce(service, uuid)
    service.forget_recipients([received(ImageDeleted(uuid=uuid))])
    assert "was deleted" in sentence(client.get(f"/notifications/{uuid}"), 404)


def test_a_uuid_that_is_none_and_a_method_that_is_not_allowed(client: Client) -> None:
    assert sentence(client.get("/notifications/none"), 422).startswith("uuid: ")
    answer = client.delete(f"/notifications/{uuid4()}")
    assert "DELETE is not allowed here; allowed: GET." in sentence(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_mails_that_wait_are_no_reason_to_restart_the_service(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["parts"]["mail"]["detail"] == "it is away"
    assert client.get("/metrics").status_code == 200
