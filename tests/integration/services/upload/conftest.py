"""The upload service over HTTP, on a real database and disk; some tests replace parts."""

from collections.abc import Iterator

import pytest

from shared.database import Database
from shared.health import Health, Part
from shared.storage import LocalStorage
from tests.integration.services.support import (
    Client,
    empty,
    migrated,
    served,
)
from tests.integration.services.upload.uploading import SETTINGS
from upload_service import models
from upload_service.api import create_api
from upload_service.events import ImageEvents
from upload_service.service import UploadService


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    with migrated(database, "upload_service") as migrated_database:
        yield migrated_database


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    return LocalStorage(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def service(tables: Database, storage: LocalStorage) -> UploadService:
    return UploadService(SETTINGS, tables, storage)


@pytest.fixture(scope="module")
def client(service: UploadService, storage: LocalStorage) -> Iterator[Client]:
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    health = Health("upload", {"database": lambda: Part("ok")})
    with served(create_api(SETTINGS, service, storage, events, health)) as started:
        yield started


@pytest.fixture
def no_images(tables: Database) -> None:
    empty(tables, models.metadata)
