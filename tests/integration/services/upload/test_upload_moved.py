"""PUBLIC_URL changes: no table has it, and the links of old dithers follow."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.database import Database
from shared.messages import DitherUploaded
from tests.integration.services.support import empty, received
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from upload_service import models
from upload_service.consumer import handlers
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

OLD, NEW = "http://localhost:8000", "https://example.org/dither"


def service_at(public_url: str, tables: Database) -> UploadService:
    settings = UploadSettings(public_url=public_url, access="open")
    return UploadService(settings, tables, FakeStorage())


def path(uuid: UUID) -> str:
    return f"/files/dithers/{uuid}-abc.png"


@pytest.fixture
def dithered(tables: Database) -> UUID:
    """An image of the service at its old address, with a dither."""
    empty(tables, models.metadata)
    service = service_at(OLD, tables)
    uuid = service.upload_image(Upload(picture("PNG"), "photo.png")).uuid
    made = DitherUploaded(uuid=uuid, url_dither=OLD + path(uuid), dither_id=uuid4())
    handlers(service)[DitherUploaded]([received(made)])
    return uuid


def link(service: UploadService, uuid: UUID) -> str | None:
    [dither] = service.get_image(uuid)[0].dithers
    return dither.url_dither


def test_links_follow(tables: Database, dithered: UUID) -> None:
    assert link(service_at(OLD, tables), dithered) == OLD + path(dithered)
    assert link(service_at(NEW, tables), dithered) == NEW + path(dithered)
    with tables.transaction() as session:
        assert session.scalar(text("SELECT url_dither FROM upload.dithers")) == path(dithered)


def test_links_of_rows_that_an_earlier_version_wrote_follow_too(
    tables: Database, dithered: UUID
) -> None:
    with tables.transaction() as session:
        session.execute(
            text("UPDATE upload.dithers SET url_dither = :old || url_dither"), {"old": OLD}
        )
    assert link(service_at(NEW, tables), dithered) == NEW + path(dithered)


def test_a_message_from_before_the_change_leads_to_the_new_address(
    tables: Database, dithered: UUID
) -> None:
    service = service_at(NEW, tables)
    made = DitherUploaded(uuid=dithered, url_dither=OLD + path(dithered), dither_id=uuid4())
    handlers(service)[DitherUploaded]([received(made)])
    links = {dither.url_dither for dither in service.get_image(dithered)[0].dithers}
    assert links == {NEW + path(dithered)}
