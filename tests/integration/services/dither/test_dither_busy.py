"""Slow previews do not block other requests."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dither_engine import Encoded
from dither_service.api import create_api
from dither_service.pool import DitherPool
from dither_service.preview import Previews, Wanted
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from shared.database import Database
from shared.health import Health
from tests.integration.services.dither.announcing import NoUploads
from tests.integration.services.support import Client, sentence, served
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture

MORE_THAN_THREADS = 45  # a service has 40 for its requests
PNG = picture("PNG")


def preview(client: Client) -> Any:
    own = Client(client.url)  # a session is for one thread
    try:
        return own.post("/preview", files={"file": ("a.png", PNG)})
    finally:
        own.close()


def test_more_previews_than_there_are_places_come_again(
    tables: Database, service: DitherService, monkeypatch: pytest.MonkeyPatch
) -> None:
    del service  # the fixture is needed because it empties the tables
    settings = DitherSettings(max_previews=1, preview_wait_seconds=0.01)
    pool = DitherPool(settings)
    previews = Previews(settings, pool)
    started, let_go = threading.Event(), threading.Event()
    really = previews.dither

    def slow(wanted: Wanted, data: bytes, max_size: int) -> Encoded:
        started.set()
        assert let_go.wait(60)
        return really(wanted, data, max_size)

    monkeypatch.setattr(previews, "dither", slow)
    busy = DitherService(settings, tables, FakeStorage(), NoUploads(), pool)
    app = create_api(settings, busy, previews, Health("dither", {}))
    with served(app) as client, ThreadPoolExecutor(MORE_THAN_THREADS) as clients:
        first = clients.submit(preview, client)
        assert started.wait(30)
        others = [clients.submit(preview, client) for _ in range(MORE_THAN_THREADS - 1)]
        for other in others:
            answer = other.result(60)
            assert "Too many previews" in sentence(answer, 503)
            assert answer.headers["retry-after"] == "1"
        assert client.get("/health").status_code == 200
        assert client.get("/images").status_code == 200
        let_go.set()
        assert first.result(60).status_code == 200
        assert preview(client).status_code == 200
    pool.close()
