"""Following an image: its state at once, each change as it comes, and its end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from shared.database import Database
from shared.health import Health
from shared.messages import DitherUploaded
from tests.integration.services.support import (
    Client,
    empty,
    received,
    run,
    sentence,
    served,
)
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from upload_service import events as events_module
from upload_service import models
from upload_service.api import create_api
from upload_service.events import ImageEvents
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

WATCHERS = 2


@pytest.fixture
def service(tables: Database) -> UploadService:
    empty(tables, models.metadata)
    return UploadService(UploadSettings(), tables, FakeStorage())


@pytest.fixture
def events(service: UploadService) -> Iterator[ImageEvents]:
    """Polls for changes of other replicas so rarely that no test sees one by chance."""
    made = ImageEvents(service, poll_seconds=3600, max_watchers=WATCHERS)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def client(service: UploadService, events: ImageEvents) -> Iterator[Client]:
    app = create_api(UploadSettings(), service, FakeStorage(), events, Health("upload", {}))
    with served(app) as started:
        yield started


class Stream:
    """The event stream of a client that follows an image."""

    def __init__(self, answer: requests.Response) -> None:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        self._lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

    def block(self) -> list[str]:
        """The lines up to the next empty one; none when the stream has ended."""
        lines: list[str] = []
        for line in self._lines:
            if not line:
                break
            lines.append(line)
        return lines

    def event(self) -> tuple[str, dict[str, Any]]:
        fields = dict(line.split(": ", 1) for line in self.block())
        return fields["event"], json.loads(fields["data"])


@contextmanager
def follow(client: Client, uuid: UUID) -> Iterator[Stream]:
    with requests.get(f"{client.url}/images/{uuid}/events", stream=True, timeout=20) as answer:
        yield Stream(answer)


def upload(service: UploadService) -> UUID:
    return service.upload_image(Upload(picture("PNG"), "photo.png")).uuid


def note_dither(service: UploadService, uuid: UUID) -> None:
    body = DitherUploaded(uuid=uuid, url_dither="http://a.test/2.png", dither_id=uuid4())
    service.note_dithers([received(body)])


def test_an_image_is_told_at_once_at_each_change_and_when_it_goes(
    client: Client, service: UploadService
) -> None:
    uuid, other = upload(service), upload(service)
    with follow(client, uuid) as stream:
        assert stream.event() == ("image", client.get(f"/images/{uuid}").json())
        note_dither(service, other)
        note_dither(service, uuid)
        name, image = stream.event()
        assert (name, image["status"]) == ("image", "dithered")
        assert image == client.get(f"/images/{uuid}").json()
        service.delete_image(uuid)
        assert stream.event() == ("deleted", {})
        assert stream.block() == [], "the stream has ended"


def test_a_change_made_by_another_replica_is_found(
    client: Client, service: UploadService, events: ImageEvents, tables: Database
) -> None:
    uuid = upload(service)
    with follow(client, uuid) as stream:
        stream.event()
        run(tables, "UPDATE upload.images SET filename = 'new.png', version = version + 1")
        events.look()
        assert stream.event()[1]["filename"] == "new.png"


def test_all_who_follow_an_image_are_told(client: Client, service: UploadService) -> None:
    uuid = upload(service)
    with follow(client, uuid) as one, follow(client, uuid) as two:
        assert one.event() == two.event()
        note_dither(service, uuid)
        assert one.event() == two.event()


def test_there_is_room_for_so_many(client: Client, service: UploadService) -> None:
    uuid = upload(service)
    with follow(client, uuid) as one, follow(client, uuid) as two:
        one.event()
        two.event()
        answer = client.get(f"/images/{uuid}/events")
        assert "Too many clients" in sentence(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


def test_silence_is_broken_now_and_then(
    client: Client, service: UploadService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "KEEP_ALIVE_SECONDS", 0.01)
    with follow(client, upload(service)) as stream:
        stream.event()
        assert stream.block()[0].startswith(":")


def test_streams_end_when_the_service_stops(
    client: Client, service: UploadService, events: ImageEvents
) -> None:
    uuid = upload(service)
    with follow(client, uuid) as stream:
        stream.event()
        events.stop()
        assert stream.block() == []
