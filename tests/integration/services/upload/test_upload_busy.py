"""Uploads that wait for a slow storage do not block reading requests."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest

from shared.database import Database
from shared.health import Health
from shared.storage import StoredFile
from tests.integration.services.support import Client, sentence, served
from tests.integration.services.upload.uploading import SETTINGS, send
from tests.support.fake_storage import FakeStorage
from upload_service.api import MAX_UPLOADS, create_api
from upload_service.events import ImageEvents
from upload_service.service import UploadService

pytestmark = pytest.mark.usefixtures("no_images")
MORE_THAN_THREADS = 45  # a service has 40 for its requests


class SlowStorage(FakeStorage):
    """Blocks in `put` until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        assert self.let_go.wait(60)
        return super().put(key, data, content_type)


def upload(client: Client) -> Any:
    own = Client(client.url)  # a session is for one thread
    try:
        return send(own)
    finally:
        own.close()


def test_uploads_that_wait_leave_threads_for_others(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upload_service.api.UPLOAD_WAIT_SECONDS", 0.2)
    storage = SlowStorage()
    service = UploadService(SETTINGS, tables, storage)
    events = ImageEvents(service, poll_seconds=1, max_watchers=1)
    app = create_api(SETTINGS, service, storage, events, Health("upload", {}))
    with served(app) as client, ThreadPoolExecutor(MORE_THAN_THREADS) as clients:
        sent = [clients.submit(upload, client) for _ in range(MORE_THAN_THREADS)]
        answered = as_completed(sent, timeout=60)
        refused = set(islice(answered, MORE_THAN_THREADS - MAX_UPLOADS))
        for one in refused:
            answer = one.result()
            assert "Too many uploads" in sentence(answer, 503)
            assert answer.headers["retry-after"] == "1"
        assert client.get("/health").status_code == 200
        assert client.get("/images").json()["items"] == []
        storage.let_go.set()
        stored = [one.result(60).status_code for one in sent if one not in refused]
        assert stored == [201] * MAX_UPLOADS
