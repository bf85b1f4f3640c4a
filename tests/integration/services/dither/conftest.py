"""A dither service on a real database, with its files in memory; some tests replace parts."""

from collections.abc import Iterator

import pytest

from dither_service import models
from dither_service.settings import DitherSettings
from shared.database import Database
from tests.integration.services.dither.announcing import NoUploads, Storage
from tests.integration.services.dither.working import EngineHere, WorkingService, working
from tests.integration.services.support import empty, migrated


@pytest.fixture(scope="module")
def tables(database: str) -> Iterator[Database]:
    with migrated(database, "dither_service") as migrated_database:
        yield migrated_database


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def engine() -> EngineHere:
    return EngineHere()


@pytest.fixture
def service(tables: Database, storage: Storage, engine: EngineHere) -> Iterator[WorkingService]:
    empty(tables, models.metadata)
    service = WorkingService(DitherSettings(), tables, storage, NoUploads(), engine)
    with working(service):
        yield service
