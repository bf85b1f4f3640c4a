"""The notification service over HTTP: the status of the mails, but never their addresses."""

import json
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from notification_service import models
from notification_service.addresses import digest
from notification_service.api import create_api
from notification_service.links import Action, Links
from notification_service.mailer import build_mailer
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.health import Health, Part
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded
from tests.integration.services.notification.mails import (
    SECRET,
    SETTINGS,
    FakeUploads,
    new_sender,
    new_service,
)
from tests.integration.services.support import (
    Client,
    empty,
    received,
    rows,
    sentence,
    served,
)

ADA = "ada.lovelace@example.org"


@pytest.fixture
def uploads() -> FakeUploads:
    return FakeUploads()


@pytest.fixture
def service(tables: Database, uploads: FakeUploads) -> NotificationService:
    empty(tables, models.metadata)
    return new_service(tables, uploads=uploads)


@pytest.fixture
def client(service: NotificationService) -> Iterator[Client]:
    health = Health("notification", {"mail": lambda: Part("degraded", {"detail": "it is away"})})
    with served(create_api(SETTINGS, service, Links(SETTINGS, SECRET), health)) as started:
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
    new_sender(tables, build_mailer(settings), settings).send_next()
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


LINKS = Links(SETTINGS, SECRET)
ADAS = digest(ADA, SECRET)


def wants(tables: Database) -> tuple[bool, bool]:
    """Whether the mailbox has confirmed, and whether it has unsubscribed."""
    query = "SELECT confirmed_at, unsubscribed_at FROM notification.mailboxes WHERE digest = :d"
    [found] = rows(tables, query, d=ADAS) or [(None, None)]
    return found[0] is not None, found[1] is not None


def path(action: Action, subject: str) -> str:
    return f"/mail/{action}/{LINKS.token(action, subject)}"


@pytest.mark.parametrize("action", ["confirm", "unsubscribe", "delete"])
def test_following_a_link_changes_nothing_until_its_button_is_pressed(
    client: Client, tables: Database, uploads: FakeUploads, action: Action
) -> None:
    """Mail servers follow links to look for malware."""
    uuid = uuid4()
    page = client.get(path(action, str(uuid) if action == "delete" else ADAS))
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert wants(tables) == (False, False)
    assert uploads.deleted == []


def test_one_click_unsubscribes_and_another_undoes_it(client: Client, tables: Database) -> None:
    """The POST of a mail program (RFC 8058): no cookie, no page before it."""
    body = {"List-Unsubscribe": "One-Click"}
    answer = client.post(path("unsubscribe", ADAS), data=body)
    assert answer.status_code == 200
    assert wants(tables) == (False, True)
    [undo] = re.findall(r'action="[^"]*(/mail/confirm/[^"]+)"', answer.text)
    assert client.post(undo).status_code == 200
    assert wants(tables) == (True, False)


def test_an_image_is_deleted_from_its_mail(client: Client, uploads: FakeUploads) -> None:
    uuid = uuid4()
    uploads.addresses[uuid] = ADA
    assert client.post(path("delete", str(uuid))).status_code == 200
    assert uploads.deleted == [uuid]
    again = client.post(path("delete", str(uuid)))
    assert again.status_code == 404
    assert "already been deleted" in again.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_we_did_not_sign_does_nothing(
    client: Client, tables: Database, method: str
) -> None:
    for token in ("x", LINKS.token("confirm", ADAS), LINKS.token("unsubscribe", ADAS)[:-3]):
        answer = client.request(method, f"/mail/unsubscribe/{token}")
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
    assert wants(tables) == (False, False)


def test_an_action_that_there_is_not(client: Client) -> None:
    assert "'confirm', 'unsubscribe' or 'delete'" in sentence(client.post("/mail/steal/x"), 422)


def test_mails_that_wait_are_no_reason_to_restart_the_service(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["parts"]["mail"]["detail"] == "it is away"
    assert client.get("/metrics").status_code == 200
