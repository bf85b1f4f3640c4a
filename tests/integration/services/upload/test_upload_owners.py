"""What belongs to whom in the upload service, how much it may be, and when it ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from shared.database import Database
from shared.health import Health
from shared.messages import DitherUploaded, ImageDeleted, ImageUploaded
from shared.principal import PRINCIPAL_HEADER, Principal, Principals
from shared.problems import Problem
from shared.storage import LocalStorage
from tests.integration.services.support import (
    Client,
    empty,
    outgoing,
    received,
    rows,
    run,
    sentence,
    served,
)
from tests.support.pictures import picture
from upload_service import models
from upload_service.api import create_api
from upload_service.events import ImageEvents
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

PNG = picture("PNG", (16, 12))
WRITES = frozenset({"read", "write"})
ADA, BOB = Principal("anon:ada", WRITES), Principal("anon:bob", WRITES)
SHOP = Principal("key:shop", WRITES, quotas=(("images", 2), ("bytes", 10_000)))
OPERATOR = Principal("key:ops", frozenset({"operate"}))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def settings(**values: object) -> UploadSettings:
    owned = {"access": "owned", "principal_secret": "a secret of thirty-two characters"}
    return UploadSettings.model_validate({**owned, **values})


SETTINGS = settings()


@pytest.fixture
def storage(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    return LocalStorage(tmp_path_factory.mktemp("files"))


@pytest.fixture
def service(tables: Database, storage: LocalStorage) -> UploadService:
    empty(tables, models.metadata)
    return UploadService(SETTINGS, tables, storage, now=lambda: NOW)


@pytest.fixture
def client(service: UploadService, storage: LocalStorage) -> Iterator[Client]:
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    app = create_api(SETTINGS, service, storage, events, Health("upload", {}))
    with served(app) as started:
        yield started


def as_(caller: Principal) -> dict[str, str]:
    return {PRINCIPAL_HEADER: Principals(SETTINGS).sign(caller)}


def send(client: Client, caller: Principal, **more: Any) -> Any:
    headers = {**as_(caller), **more.pop("headers", {})}
    files = {"file": ("my photo.png", PNG)}
    return client.post("/images", files=files, headers=headers, **more)


def test_the_owner_is_told_with_the_image(service: UploadService, tables: Database) -> None:
    image = service.upload_image(Upload(PNG, "a.png", caller=ADA))
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, ImageUploaded)
    assert told.owner == image.owner == "anon:ada"
    assert service.announce_unfinished() == 0
    run(tables, "UPDATE upload.images SET announced_at = now() - interval '1 day'")
    assert service.announce_unfinished() == 1
    again = outgoing(tables, service.outbox)[-1]
    assert isinstance(again, ImageUploaded)
    assert again.owner == "anon:ada"


def test_only_a_new_owner_gets_a_token(client: Client) -> None:
    new = Principal("anon:eve", WRITES, is_new=True)
    assert send(client, new).json()["manage_token"]
    assert "manage_token" not in send(client, ADA).json()
    assert "manage_token" not in send(client, SHOP).json()


def test_somebody_without_an_identity_uploads_nothing(client: Client) -> None:
    answer = client.post("/images", files={"file": ("a.png", PNG)})
    assert "API key" in sentence(answer, 401)
    forged = Principals(settings(principal_secret="x" * 32)).sign(ADA)
    answer = client.post(
        "/images", files={"file": ("a.png", PNG)}, headers={PRINCIPAL_HEADER: forged}
    )
    assert sentence(answer, 401)


def test_the_etag_of_one_callers_view_is_not_anothers(client: Client) -> None:
    path = f"/images/{send(client, ADA).json()['uuid']}"
    own = client.get(path, headers=as_(ADA))
    assert own.headers["cache-control"] == "private, no-cache"
    for other in ({}, as_(BOB)):
        answer = client.get(path, headers={**other, "If-None-Match": own.headers["etag"]})
        assert answer.status_code == 200
        assert answer.json()["filename"] is None


def test_a_link_shows_no_words_of_the_owner(service: UploadService) -> None:
    uuid = service.upload_image(Upload(PNG, "ada in the bath.png", caller=ADA)).uuid
    options = {"palette": ["#012345", "#ffffff"], "algorithm": "atkinson", "note": "x" * 80}
    url = "https://a.test/1.png"
    dither = DitherUploaded(uuid=uuid, url_dither=url, dither_id=uuid4(), options=options)
    service.note_dithers([received(dither)])
    image, _ = service.get_image(uuid, BOB)
    assert (image.url, image.filename, image.owner) == (None, None, None)
    assert image.dithers[0].options == {"algorithm": "atkinson"}
    assert image.dithers[0].url_dither == url
    assert service.get_image(uuid, ADA)[0].dithers[0].options == options


def test_an_original_is_behind_a_link_that_ends(client: Client, tables: Database) -> None:
    image = send(client, ADA).json()
    link = urlsplit(image["url"])
    answer = client.get(f"{link.path}?{link.query}")
    assert answer.content == PNG
    assert answer.headers["cache-control"].startswith("private")
    assert "link has ended" in sentence(client.get(link.path), 404)
    ended = link.query.replace("expires=", "expires=1")
    assert sentence(client.get(f"{link.path}?{ended}"), 404)
    [[key]] = rows(tables, "SELECT key FROM upload.images")
    for secret in (image["url"], key):
        assert secret not in client.get(f"/images/{image['uuid']}").text


def test_whoever_reads_the_message_can_fetch_the_file(
    client: Client, service: UploadService, tables: Database
) -> None:
    send(client, ADA)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, ImageUploaded)
    link = urlsplit(told.url)
    assert client.get(f"{link.path}?{link.query}").content == PNG


class TestBounds:
    def test_a_key_has_so_many_images_and_no_more(self, client: Client) -> None:
        assert [send(client, SHOP).status_code for _ in range(2)] == [201, 201]
        assert "You may have 2 images" in sentence(send(client, SHOP), 413)
        assert send(client, ADA).status_code == 201, "others are not concerned"
        uuid = client.get("/images", headers=as_(SHOP)).json()["items"][0]["uuid"]
        client.request("DELETE", f"/images/{uuid}", headers=as_(SHOP))
        assert send(client, SHOP).status_code == 201

    def test_dithers_count_with_the_images(self, service: UploadService) -> None:
        uuid = service.upload_image(Upload(PNG, "a.png", caller=SHOP)).uuid
        url = "https://a.test/1.png"
        large = DitherUploaded(uuid=uuid, url_dither=url, dither_id=uuid4(), bytes=10_000)
        service.note_dithers([received(large)])
        with pytest.raises(Problem, match="may take 10,000 bytes") as caught:
            service.upload_image(Upload(PNG, "a.png", caller=SHOP))
        assert caught.value.status == 413

    def test_an_operator_has_none(self, tables: Database, storage: LocalStorage) -> None:
        service = UploadService(settings(max_images_per_owner=1), tables, storage)
        for caller in (OPERATOR, OPERATOR, Principal("anon:new", WRITES)):
            service.upload_image(Upload(PNG, "a.png", caller=caller))
        with pytest.raises(Problem, match="You may have 1 images"):
            service.upload_image(Upload(PNG, "a.png", caller=Principal("anon:new", WRITES)))

    def test_all_together_have_one(self, tables: Database, storage: LocalStorage) -> None:
        empty(tables, models.metadata)
        service = UploadService(settings(max_stored_bytes=len(PNG) + 10), tables, storage)
        service.upload_image(Upload(PNG, "a.png", caller=ADA))
        with pytest.raises(Problem, match="All images together") as caught:
            service.upload_image(Upload(PNG, "a.png", caller=BOB))
        assert caught.value.status == 413


class TestEnds:
    def test_an_anonymous_image_ends_after_the_days_that_are_set(self, client: Client) -> None:
        month = (NOW + timedelta(days=30)).isoformat().replace("+00:00", "Z")
        assert send(client, ADA).json()["expires_at"] == month
        longer = send(client, ADA, data={"expires_in": 90 * 86_400})
        assert longer.json()["expires_at"] == month, "no longer than that"
        sooner = send(client, ADA, data={"expires_in": 60}).json()["expires_at"]
        assert sooner == "2026-05-01T12:01:00Z"

    def test_a_keys_image_ends_when_it_was_asked_for(self, client: Client) -> None:
        assert send(client, SHOP).json()["expires_at"] is None
        day = send(client, SHOP, data={"expires_in": 86_400}).json()["expires_at"]
        assert day == "2026-05-02T12:00:00Z"

    @pytest.mark.parametrize("seconds", ["59", "-60", "soon", "1e9", "99999999999"])
    def test_a_time_that_is_none(self, client: Client, seconds: str) -> None:
        answer = send(client, ADA, data={"expires_in": seconds})
        assert "a whole number of seconds, at least 60" in sentence(answer, 422)

    def test_an_image_that_has_ended_is_deleted_for_everybody(
        self, tables: Database, storage: LocalStorage
    ) -> None:
        empty(tables, models.metadata)
        service = UploadService(SETTINGS, tables, storage)
        kept = service.upload_image(Upload(PNG, "a.png", caller=ADA)).uuid
        ended = service.upload_image(Upload(PNG, "a.png", caller=ADA)).uuid
        assert service.expire_task() is not None, "it knows when the next one ends"
        run(tables, "UPDATE upload.images SET expires_at = now() WHERE uuid = :u", u=ended)
        service.expire_task()
        assert [image.uuid for image in service.list_images(9, None, ADA).items] == [kept]
        assert outgoing(tables, service.outbox)[-1] == ImageDeleted(uuid=ended)
        assert service.removals.sweep(tables, storage) == 1


class TestRepeats:
    @staticmethod
    def key(text: str = "order-17") -> dict[str, Any]:
        return {"headers": {"Idempotency-Key": text}}

    def test_a_repeat_is_the_same_image(self, client: Client, tables: Database) -> None:
        first, again = (send(client, ADA, **self.key()) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert rows(tables, "SELECT count(*) FROM upload.images") == [(1,)]
        assert send(client, ADA, **self.key("order-18")).json() != first.json()

    def test_the_same_key_of_another_owner_is_another_image(self, client: Client) -> None:
        uuids = {send(client, caller, **self.key()).json()["uuid"] for caller in (ADA, BOB)}
        assert len(uuids) == 2

    def test_the_same_key_for_another_upload_is_refused(self, client: Client) -> None:
        send(client, ADA, **self.key())
        answer = send(client, ADA, data={"expires_in": 60}, **self.key())
        assert "used for another upload" in sentence(answer, 422)

    def test_a_key_of_somebody_new_is_refused(self, client: Client) -> None:
        new = Principal("anon:eve", WRITES, is_new=True)
        assert "needs an identity" in sentence(send(client, new, **self.key()), 422)

    @pytest.mark.parametrize("text", ["a b", "x" * 201])
    def test_a_key_that_is_none(self, client: Client, text: str) -> None:
        assert "1 to 200 ASCII characters" in sentence(send(client, ADA, **self.key(text)), 422)

    def test_after_a_delete_the_key_is_free(self, client: Client) -> None:
        uuid = send(client, ADA, **self.key()).json()["uuid"]
        client.request("DELETE", f"/images/{uuid}", headers=as_(ADA))
        assert UUID(send(client, ADA, **self.key()).json()["uuid"]) != UUID(uuid)

    def test_a_key_is_forgotten_after_a_day(
        self, client: Client, service: UploadService, tables: Database
    ) -> None:
        send(client, ADA, **self.key())
        run(tables, "UPDATE upload.idempotency_keys SET created_at = now() - interval '25 hours'")
        service.expire_task()
        assert rows(tables, "SELECT count(*) FROM upload.idempotency_keys") == [(0,)]
