"""The upload service over HTTP: good requests, and bad addresses, methods and parameters."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from shared.database import Database
from shared.health import Health
from shared.messages import ImageUploaded
from shared.principal import OPERATE, PRINCIPAL_HEADER, READ, WRITE, Principal, Principals
from shared.storage import LocalStorage
from tests.integration.services.support import (
    Client,
    outgoing,
    rows,
    sentence,
    served,
)
from tests.integration.services.upload.uploading import PNG, SETTINGS, send, uploaded
from tests.support.pictures import FORMATS, picture
from upload_service.api import create_api
from upload_service.events import ImageEvents
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

pytestmark = pytest.mark.usefixtures("no_images")


@pytest.mark.parametrize("name", FORMATS)
def test_an_upload_is_created_and_found_where_it_says(client: Client, name: str) -> None:
    answer = send(client, picture(name), "my photo.dat")
    assert answer.status_code == 201
    image = answer.json()
    assert answer.headers["location"] == f"/images/{UUID(image['uuid'])}"
    assert set(image) == {
        *("uuid", "url", "filename", "content_type", "width", "height"),
        *("bytes", "owner", "created_at", "expires_at", "status", "dithers", "dithers_url"),
    }
    assert (image["width"], image["height"], image["filename"]) == (40, 30, "my photo.dat")
    assert client.get(answer.headers["location"]).json() == image


def test_the_original_is_downloaded_under_its_name(client: Client) -> None:
    path = f"/images/{uploaded(client, name='für Ada.png')['uuid']}/file"
    answer = client.get(path)
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    field = "attachment; filename=\"fur Ada.png\"; filename*=UTF-8''f%C3%BCr%20Ada.png"
    assert answer.headers["content-disposition"] == field
    assert "no image" in sentence(client.get(f"/images/{uuid4()}/file"), 404)


def test_the_list_has_pages(client: Client) -> None:
    uuids = [uploaded(client)["uuid"] for _ in range(3)]
    first = client.get("/images", params={"limit": 2}).json()
    rest = client.get("/images", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [image["uuid"] for image in first["items"] + rest["items"]] == uuids[::-1]
    assert rest["next_cursor"] is None


def test_an_unchanged_image_is_not_sent_again(client: Client) -> None:
    path = f"/images/{uploaded(client)['uuid']}"
    tag = client.get(path).headers["etag"]
    for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = client.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_delete_is_done_once(client: Client) -> None:
    path = f"/images/{uploaded(client)['uuid']}"
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "There is no image" in sentence(client.delete(path), 404)
    assert "There is no image" in sentence(client.get(path), 404)


def test_options_travel_with_the_announcement_and_the_address_is_told_when_asked(
    client: Client, tables: Database, service: UploadService
) -> None:
    options = {"algorithm": "atkinson", "palette": ["#000000", "#ffffff"]}
    image = uploaded(client, email="Ada.Lovelace@Example.ORG", options=json.dumps(options))
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, ImageUploaded)
    assert (told.email, told.has_recipient, told.options) == (None, True, options)
    assert "lovelace" not in json.dumps(image).lower()
    recipient = client.get(f"/recipients/{image['uuid']}")
    assert recipient.json() == {
        "uuid": image["uuid"],
        "email": "Ada.Lovelace@example.org",
        "expires_at": None,
        "mails_per_day": None,
    }


def test_addresses_are_told_to_operators_only(
    tables: Database, service: UploadService, storage: LocalStorage
) -> None:
    image = service.upload_image(Upload(PNG, "a.png", "ada@example.org"))
    owned = SETTINGS.model_copy(update={"access": "owned", "principal_secret": SecretStr(32 * "s")})
    principals = Principals(owned)
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    with served(create_api(owned, service, storage, events, Health("upload", {}))) as client:

        def ask(principal: Principal) -> int:
            headers = {PRINCIPAL_HEADER: principals.sign(principal)}
            return client.get(f"/recipients/{image.uuid}", headers=headers).status_code

        assert ask(Principal(None, frozenset({OPERATE}))) == 200
        assert ask(Principal("anon:ada", frozenset({READ, WRITE}))) == 404
        assert client.get(f"/recipients/{image.uuid}").status_code == 404


def test_empty_fields_are_fields_left_out(
    client: Client, tables: Database, service: UploadService
) -> None:
    uploaded(client, email="", options="")
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, ImageUploaded)
    assert (told.has_recipient, told.options) == (None, None)


def test_a_request_id_goes_from_the_request_into_its_message(
    client: Client, tables: Database
) -> None:
    answer = client.post(
        "/images", files={"file": ("a.png", PNG)}, headers={"X-Request-ID": "my-request-1"}
    )
    assert answer.headers["x-request-id"] == "my-request-1"
    assert rows(tables, "SELECT request_id FROM upload.outbox") == [("my-request-1",)]


# Files.


def test_a_file_is_served_to_be_kept_for_ever(client: Client) -> None:
    url = uploaded(client)["url"]
    assert url.startswith("http://public.test/files/images/")
    answer = client.get(url.removeprefix("http://public.test"))
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_file_that_the_client_has_is_not_sent_again(client: Client) -> None:
    path = uploaded(client)["url"].removeprefix("http://public.test")
    tag = client.get(path).headers["etag"]
    for sent in (tag, f"W/{tag}", f'"a", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", PNG[:10]),
        ("bytes=10-", PNG[10:]),
        ("bytes=-7", PNG[-7:]),
        (f"bytes=5-{10**9}", PNG[5:]),
    ],
)
def test_a_part_of_a_file(client: Client, asked: str, part: bytes) -> None:
    path = uploaded(client)["url"].removeprefix("http://public.test")
    answer = client.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"].endswith(f"/{len(PNG)}")


def test_a_part_that_is_not_there(client: Client) -> None:
    path = uploaded(client)["url"].removeprefix("http://public.test")
    answer = client.get(path, headers={"Range": f"bytes={len(PNG)}-"})
    assert answer.status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/secret.txt",
        "images/../../secret.txt",
        "/etc/passwd",
        "images",
        "images/",
        "",
        "images/%00.png",
        f"images/{uuid4()}.png",
        "images/.0f8fad5b-d9cb-469f-a165-70867728950e.png.tmp",
        "..\\secret.txt",
    ],
)
def test_no_other_file_can_be_reached(client: Client, storage: LocalStorage, path: str) -> None:
    uploaded(client)
    root = storage.path(f"images/{uuid4()}.png").parent.parent
    (root.parent / "secret.txt").write_text("secret")
    answer = client.raw(f"GET /files/{path} HTTP/1.1\nHost: a\nConnection: close\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer
    assert b"root:" not in answer
    assert b"\r\n\r\nsecret" not in answer


def test_a_file_goes_with_its_image(
    client: Client, service: UploadService, tables: Database, storage: LocalStorage
) -> None:
    image = uploaded(client)
    client.delete(f"/images/{image['uuid']}")
    service.removals.sweep(tables, storage)
    gone = client.get(image["url"].removeprefix("http://public.test"))
    assert "no such file" in sentence(gone, 404)


# Bad addresses, methods and parameters.


def test_a_line_of_pixels_is_a_picture(client: Client) -> None:
    image = uploaded(client, data=picture("PNG", (65_500, 1)))
    assert (image["width"], image["height"]) == (65_500, 1)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("uuid", ["none", "123", "%00", "0f8fad5b-d9cb-469f-a165-70867728950", "*"])
def test_a_uuid_that_is_none(client: Client, method: str, uuid: str) -> None:
    assert sentence(client.request(method, f"/images/{uuid}"), 422).startswith("uuid: ")


@pytest.mark.parametrize("path", ["", "/events"])
def test_a_uuid_of_no_image(client: Client, path: str) -> None:
    uuid = uuid4()
    assert str(uuid) in sentence(client.get(f"/images/{uuid}{path}"), 404)


@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("limit=two", "limit"), ("cursor=x", "cursor")],
)
def test_a_page_that_cannot_be_asked_for(client: Client, query: str, name: str) -> None:
    assert sentence(client.get(f"/images?{query}"), 422).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/images", {"GET", "POST"}),
        ("DELETE", "/images", {"GET", "POST"}),
        ("POST", f"/images/{uuid4()}", {"GET", "DELETE"}),
        ("PATCH", f"/images/{uuid4()}", {"GET", "DELETE"}),
        ("POST", "/health", {"GET"}),
        ("POST", "/files/images/a.png", {"GET"}),
    ],
)
def test_a_method_that_is_not_allowed(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)
    assert f"{method} is not allowed here" in sentence(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_an_address_that_is_none(client: Client) -> None:
    assert sentence(client.get("/pictures"), 404) == "There is nothing at this address."


def test_a_storage_that_is_down_is_a_503(
    service: UploadService, tables: Database, storage: LocalStorage, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "files"
    in_the_way.write_text("a file where the directory should be")
    broken = LocalStorage(in_the_way)
    other = UploadService(SETTINGS, tables, broken)
    events = ImageEvents(other, poll_seconds=1, max_watchers=1)
    with served(create_api(SETTINGS, other, broken, events, Health("upload", {}))) as client:
        answer = send(client)
    assert "not available at the moment" in sentence(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert str(tmp_path) not in answer.text


def test_a_database_that_is_down_is_a_503(storage: LocalStorage) -> None:
    nowhere = UploadSettings.model_validate(
        {"database_url": "postgresql://u:s3cret@127.0.0.1:1/none"}
    )
    database = Database(nowhere, "upload")
    service = UploadService(nowhere, database, storage)
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    with served(create_api(nowhere, service, storage, events, Health("upload", {}))) as client:
        for answer in (client.get("/images"), send(client), client.get(f"/images/{uuid4()}")):
            assert "not available at the moment" in sentence(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
            assert "127.0.0.1" not in answer.text
    database.close()


def test_health_and_metrics(service: UploadService, storage: LocalStorage) -> None:
    local = SETTINGS.model_copy(update={"public_url": "http://localhost:8000"})
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    with served(create_api(local, service, storage, events, Health("upload", {}))) as client:
        health = client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        metrics = client.get("/metrics").text
    assert 'http_request_duration_seconds_count{method="GET",route="/health"' in metrics
