"""The dither service over HTTP, and how it asks the upload service."""

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image

from dither_engine import Options
from dither_service import models
from dither_service.api import create_api
from dither_service.pool import DitherPool
from dither_service.preview import LARGEST_SIZE, Previews
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from dither_service.upload_client import Original, UploadClient
from shared.context import request_context
from shared.database import Database
from shared.failures import TransientFailure
from shared.health import Health
from shared.principal import Principals
from standalone.ports import free_port
from tests.integration.services.support import Client, empty, sentence, served
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import black_png, picture

SETTINGS = DitherSettings(max_upload_bytes=300_000)
PNG = picture("PNG", (64, 48))
KNOWN = UUID(int=1)
ANSWERS: dict[str, tuple[int, bytes]] = {
    "found": (200, b'{"url": "https://storage.test/images/1.png", "owner": "anon:ada"}'),
    "unknown": (404, b"{}"),
    "failing": (500, b"{}"),
    "busy": (503, b"{}"),
    "moved": (302, b""),
    "garbage": (200, b"<html>"),
    "another shape": (200, b"[1]"),
    "no url": (200, b'{"uuid": 1}'),
}


def client_of(addresses: str) -> UploadClient:
    return UploadClient(addresses, 5, Principals(SETTINGS))


class UploadServer:
    """An upload service with configured answers, which records its requests."""

    def __init__(self) -> None:
        self.answer = "found"
        self.asked: list[str] = []
        self.request_ids: list[str | None] = []
        self.app = FastAPI()
        self.app.get("/images/{uuid}")(self._image)
        self.url = ""

    def _image(self, uuid: str, request: Request) -> Response:
        self.asked.append(uuid)
        self.request_ids.append(request.headers.get("x-request-id"))
        status, body = ANSWERS[self.answer]
        return Response(body, status, headers={"location": "http://127.0.0.1:1/"})


@pytest.fixture(scope="module")
def running_uploads() -> Iterator[UploadServer]:
    server = UploadServer()
    with served(server.app) as client:
        server.url = client.url
        yield server


@pytest.fixture
def uploads(running_uploads: UploadServer) -> UploadServer:
    running_uploads.answer = "found"
    running_uploads.asked.clear()
    running_uploads.request_ids.clear()
    return running_uploads


@pytest.fixture(scope="module")
def running(tables: Database, running_uploads: UploadServer) -> Iterator[Client]:
    asking = client_of(running_uploads.url)
    pool = DitherPool(SETTINGS)
    service = DitherService(SETTINGS, tables, FakeStorage(), asking, pool)
    health = Health("dither", {})
    with served(create_api(SETTINGS, service, Previews(SETTINGS, pool), health)) as started:
        yield started
    pool.close()


@pytest.fixture
def client(running: Client, tables: Database) -> Client:
    empty(tables, models.metadata)
    return running


# Asking the upload service.


def test_the_upload_service_tells_where_an_image_is(uploads: UploadServer) -> None:
    with request_context("my-request-1"):
        original = client_of(uploads.url).find_original(KNOWN)
    assert original == Original("https://storage.test/images/1.png", "anon:ada")
    assert (uploads.asked, uploads.request_ids) == ([str(KNOWN)], ["my-request-1"])


def test_the_upload_service_does_not_know_an_image(uploads: UploadServer) -> None:
    uploads.answer = "unknown"
    assert client_of(uploads.url).find_original(KNOWN) is None


@pytest.mark.parametrize("answer", sorted(ANSWERS.keys() - {"found", "unknown"}))
def test_any_other_answer_is_no_answer(uploads: UploadServer, answer: str) -> None:
    uploads.answer = answer
    with pytest.raises(TransientFailure):
        client_of(uploads.url).find_original(KNOWN)
    assert len(uploads.asked) == 1, "no redirect was followed"


def test_of_several_upload_services_one_must_answer(uploads: UploadServer) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    asking = client_of(f"{dead}, {uploads.url}/")
    for _ in range(4):
        assert asking.find_original(KNOWN) is not None
    with pytest.raises(TransientFailure, match="does not answer"):
        client_of(f"{dead},{dead}").find_original(KNOWN)


# Requesting dithers.


def test_a_dither_is_accepted_then_found(client: Client) -> None:
    answer = client.post(f"/images/{KNOWN}/4", params={"algorithm": "atkinson"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/images/{KNOWN}"
    dither = answer.json()
    assert (dither["uuid"], dither["channels"], dither["status"]) == (str(KNOWN), 4, "queued")
    assert dither["options"]["algorithm"] == "atkinson"
    assert client.get(answer.headers["location"]).json() == {
        "uuid": str(KNOWN),
        "dithers": [dither],
    }
    assert client.get("/images").json() == {"items": [dither], "next_cursor": None}


def test_the_same_by_body_and_by_query_is_one_dither(client: Client) -> None:
    path = f"/images/{KNOWN}/4"
    first = client.post(path, json={"algorithm": "atkinson", "strength": 0.5})
    again = client.post(path, params={"algorithm": "atkinson", "strength": "0.50"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


@pytest.mark.parametrize("channels", ["0", "1", "257", "-1", "two", "2.5", "%00", "9" * 5000])
def test_channels_that_are_none(client: Client, channels: str) -> None:
    assert sentence(client.post(f"/images/{KNOWN}/{channels}"), 422).startswith("channels: ")


def test_a_uuid_that_is_none(client: Client) -> None:
    for answer in (client.post("/images/none/2"), client.get("/images/none")):
        assert sentence(answer, 422).startswith("uuid: ")


def test_a_uuid_of_no_image(client: Client, uploads: UploadServer) -> None:
    uploads.answer = "unknown"
    uuid = uuid4()
    for answer in (client.post(f"/images/{uuid}/2"), client.get(f"/images/{uuid}")):
        assert sentence(answer, 404) == f"There is no image {uuid}."


def test_an_upload_service_that_is_down_is_a_503(client: Client, uploads: UploadServer) -> None:
    uploads.answer = "failing"
    answer = client.post(f"/images/{uuid4()}/2")
    assert "not available at the moment" in sentence(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("request_options", "word"),
    [
        ({"params": {"algorithm": "magic"}}, "magic"),
        ({"params": {"colour": "red"}}, "no option 'colour'"),
        ({"params": {"strength": "nan"}}, "strength"),
        ({"json": {"channels": 5}}, "leave it out"),
        ({"json": [1]}, "a JSON object is expected"),
        ({"data": b"{"}, "a JSON object is expected"),
        ({"data": b'{"palette": "\\u0000"}'}, "a JSON object is expected"),
    ],
)
def test_options_that_are_none(client: Client, request_options: dict[str, Any], word: str) -> None:
    assert word in sentence(client.post(f"/images/{KNOWN}/4", **request_options), 422)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", f"/images/{KNOWN}/2", {"GET", "POST"}),
        ("DELETE", f"/images/{KNOWN}", {"GET"}),
        ("POST", "/images", {"GET"}),
        ("GET", "/preview", {"POST"}),
        ("GET", "/previews/part", {"POST"}),
        ("DELETE", "/dither", {"GET", "POST"}),
    ],
)
def test_a_method_that_is_not_allowed(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)
    assert f"{method} is not allowed here" in sentence(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


# Previews.


def preview(client: Client, data: bytes = PNG, **fields: str) -> Any:
    return client.post("/preview", files={"file": ("a.png", data)}, data=fields)


def test_a_preview_is_the_dithered_image_itself(client: Client) -> None:
    answer = preview(client, options=json.dumps({"palette": ["#000000", "#ffffff"]}))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["x-dither-colours"]) == 2
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (64, 48)
        shown = image.convert("RGB")
    assert {shown.getpixel((x, y)) for x in range(64) for y in range(48)} == {
        (0, 0, 0),
        (255, 255, 255),
    }


def test_a_preview_is_fitted_into_the_size_asked_for(client: Client) -> None:
    answer = preview(client, max_size="32")
    size = answer.headers["x-dither-width"], answer.headers["x-dither-height"]
    assert size == ("32", "24")


@pytest.mark.parametrize(
    ("data", "fields", "status", "word"),
    [
        (b"", {}, 422, "empty"),
        (b"a text", {}, 422, "."),
        (picture("JPEG", (300, 300))[:2000], {}, 422, "."),
        (black_png(13_000, 13_000), {}, 422, "."),
        (bytes(300_001), {}, 413, "300,000 bytes"),
        (PNG, {"max_size": "0"}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": str(LARGEST_SIZE + 1)}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": "large"}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": "٣"}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": "0000329999"}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": "000001" + "0" * 5000}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"max_size": "1" * 5000}, 422, f"1 to {LARGEST_SIZE}"),
        (PNG, {"options": "[]"}, 422, "options: a JSON object"),
        (PNG, {"options": '{"algorithm": "magic"}'}, 422, "magic"),
        (PNG, {"email": "a@b.org"}, 422, "no field 'email'"),
    ],
)
def test_a_preview_that_cannot_be_made(
    client: Client, data: bytes, fields: dict[str, str], status: int, word: str
) -> None:
    assert word in sentence(preview(client, data, **fields), status)


def test_the_options_are_told_with_their_limits(client: Client) -> None:
    told = client.get("/options").json()
    assert told["limits"]["max_bytes"] == SETTINGS.max_upload_bytes
    assert told["limits"]["max_pixels"] == SETTINGS.max_pixels


def test_the_description_names_every_option(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    parameters = paths["/images/{uuid}/{channels}"]["post"]["parameters"]
    assert {p["name"] for p in parameters} == {"uuid", *Options.model_fields}
