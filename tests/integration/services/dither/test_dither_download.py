"""A stored dither as a download: with the original's name for its owner, in any format."""

import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from dither_engine import Options, dither_bytes
from dither_service import models
from dither_service.api import create_api
from dither_service.pool import DitherPool
from dither_service.preview import Previews
from dither_service.settings import DitherSettings
from dither_service.upload_client import Original
from shared.database import Database
from shared.health import Health
from shared.principal import PRINCIPAL_HEADER, READ, Principal, Principals
from tests.integration.services.dither.announcing import announced, dither_files
from tests.integration.services.dither.working import WorkingService, working
from tests.integration.services.support import Client, empty, run, sentence, served
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture

PNG = picture("PNG", (64, 48))
OPTIONS = {"palette": "gameboy", "width": 40}
SETTINGS = DitherSettings(access="owned", principal_secret="x" * 32, dither_call_seconds=120)
OWNER = "anon:ada"


class Uploads:
    """Knows the name and the owner of every image."""

    def find_original(self, uuid: UUID) -> Original | None:
        return Original("", OWNER, "für Ada.jpg")


class World:
    """A dither service with one image, whose dither is done."""

    def __init__(self, tables: Database, client: Client, storage: FakeStorage) -> None:
        self.tables, self.client, self.storage = tables, client, storage
        self.principals = Principals(SETTINGS)
        self.path = ""

    def get(self, query: str = "", owner: str | None = OWNER, **headers: str) -> Any:
        principal = Principal(owner, frozenset({READ}))
        headers[PRINCIPAL_HEADER] = self.principals.sign(principal)
        return self.client.get(self.path + query, headers=headers)


@pytest.fixture(scope="module")
def running(tables: Database) -> Iterator[tuple[WorkingService, Client, FakeStorage]]:
    storage = FakeStorage()
    pool = DitherPool(SETTINGS)
    service = WorkingService(SETTINGS, tables, storage, Uploads(), pool)
    app = create_api(SETTINGS, service, Previews(SETTINGS, pool), Health("dither", {}))
    with closing(pool), working(service), served(app) as client:
        yield service, client, storage


@pytest.fixture
def world(tables: Database, running: tuple[WorkingService, Client, FakeStorage]) -> World:
    service, client, storage = running
    empty(tables, models.metadata)
    message = announced(storage, PNG, options=OPTIONS)
    service.dither_images([message])
    (dither,) = service.get_dithers(message.body.uuid).dithers
    world = World(tables, client, storage)
    world.path = f"/images/{message.body.uuid}/{dither.dither_id}"
    return world


def test_the_stored_file_has_the_originals_name_for_its_owner(world: World) -> None:
    answer = world.get()
    assert answer.content == dither_bytes(PNG, Options(**OPTIONS)).data
    assert answer.headers["content-type"] == "image/png"
    field = "attachment; filename=\"fur Ada.png\"; filename*=UTF-8''f%C3%BCr%20Ada.png"
    assert answer.headers["content-disposition"] == field
    assert answer.headers["cache-control"] == "private, no-cache"


def test_others_who_have_the_link_do_not_see_the_name(world: World) -> None:
    for owner in ("anon:eve", None):
        answer = world.get(owner=owner)
        uuid = world.path.split("/")[2]
        assert answer.headers["content-disposition"] == f'attachment; filename="{uuid}.png"'


def test_it_is_converted_on_the_fly_and_nothing_is_kept(world: World) -> None:
    before = dither_files(world.storage)
    for form, suffix in (("gif", "gif"), ("webp", "webp"), ("bmp", "bmp"), ("raw", "bin")):
        answer = world.get(f"?format={form}")
        assert answer.content == dither_bytes(PNG, Options(**OPTIONS, format=form)).data
        assert answer.headers["content-disposition"].endswith(f"f%C3%BCr%20Ada.{suffix}")
    assert dither_files(world.storage) == before


def test_the_format_that_is_stored_is_not_made_again(world: World) -> None:
    for uuid in list(world.storage.files):
        if uuid.startswith("images/"):
            world.storage.delete(uuid)
    assert world.get("?format=png").status_code == 200
    assert "gone" in sentence(world.get("?format=gif"), 404)


def test_what_the_client_has_is_not_sent_again(world: World) -> None:
    tag = world.get("?format=gif").headers["etag"]
    assert tag != world.get().headers["etag"]
    again = world.get("?format=gif", **{"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_the_picture_stays_the_same(world: World) -> None:
    pictures = [world.get(query).content for query in ("", "?format=gif", "?format=webp")]
    seen = [Image.open(io.BytesIO(data)).convert("RGB").tobytes() for data in pictures]
    assert seen[0] == seen[1] == seen[2]


def test_a_format_that_there_is_not(world: World) -> None:
    assert "one of png, gif" in sentence(world.get("?format=jpeg"), 422)


def test_a_dither_of_another_image_is_not_found(world: World) -> None:
    image, dither = world.path.split("/")[2:]
    for path in (f"/images/{uuid4()}/{dither}", f"/images/{image}/{uuid4()}"):
        world.path = path
        assert "no such dither" in sentence(world.get(), 404)


@pytest.mark.parametrize("status", ["queued", "failed"])
def test_a_dither_that_is_not_done_has_no_file(world: World, status: str) -> None:
    run(world.tables, "UPDATE dither.dithers SET status = :status", status=status)
    assert status in sentence(world.get(), 409)
