"""Upload, list, read and delete images, and the state of storage and database afterwards."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from PIL import Image

from shared.database import Database
from shared.failures import TransientFailure
from shared.messages import ImageDeleted, ImageUploaded
from shared.principal import SCOPES, Principal
from shared.problems import Problem, Unavailable
from shared.storage import StorageRefusedError, StorageUnavailableError, StoredFile
from tests.integration.services.support import empty, outgoing, rows, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from upload_service import models
from upload_service.service import UPLOAD_SECONDS, Upload, UploadService
from upload_service.settings import UploadSettings

PNG = picture("PNG")
SETTINGS = UploadSettings(
    access="open", public_url="https://dither.example.org", unfinished_after_seconds=600
)


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def service(tables: Database, storage: FakeStorage) -> UploadService:
    empty(tables, models.metadata)
    return UploadService(SETTINGS, tables, storage)


def notes(tables: Database) -> list[str]:
    """The keys in the table of file removals."""
    return [key for (key,) in rows(tables, "SELECT key FROM upload.file_removals ORDER BY key")]


def upload(service: UploadService, filename: str = "photo.png") -> UUID:
    return service.upload_image(Upload(PNG, filename)).uuid


# Uploading.


def test_an_upload_is_stored_shown_and_announced(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    options = {"algorithm": "atkinson"}
    image = service.upload_image(
        Upload(PNG, "../my\nphoto.png", "ada.lovelace@example.org", options)
    )
    key = f"images/{image.uuid}.png"
    assert storage.files == {key: PNG}
    assert (image.filename, image.content_type) == ("myphoto.png", "image/png")
    assert (image.width, image.height, image.bytes) == (40, 30, len(PNG))
    assert (image.status, image.dithers) == ("uploaded", [])
    assert service.get_image(image.uuid) == (image, 1)
    assert outgoing(tables, service.outbox) == [
        ImageUploaded(
            uuid=image.uuid,
            url=image.url,
            filename="myphoto.png",
            content_type="image/png",
            width=40,
            height=30,
            frames=1,
            options=options,
            has_recipient=True,
        )
    ]
    assert notes(tables) == []


def with_address(service: UploadService) -> UUID:
    return service.upload_image(Upload(PNG, "photo.png", "ada.lovelace@example.org")).uuid


def everything(tables: Database) -> str:
    messages = rows(tables, "SELECT convert_from(body, 'UTF8') FROM upload.outbox")
    return str(rows(tables, "SELECT images::text FROM upload.images") + messages)


def turn_clock_forward(tables: Database, **time: float) -> None:
    changes = "created_at = created_at - :t, email_told_at = email_told_at - :t"
    run(tables, f"UPDATE upload.images SET {changes}", t=timedelta(**time))


def test_the_address_is_in_no_message(service: UploadService, tables: Database) -> None:
    with_address(service)
    service.announce_unfinished()
    assert "lovelace" not in str(outgoing(tables, service.outbox))


def test_the_address_is_forgotten_with_its_image(service: UploadService, tables: Database) -> None:
    service.delete_image(with_address(service))
    assert "lovelace" not in everything(tables)


def test_the_address_is_forgotten_a_day_after_it_was_told(
    service: UploadService, tables: Database
) -> None:
    uuid = with_address(service)
    assert service.tell_recipient(uuid).email == "ada.lovelace@example.org"
    turn_clock_forward(tables, hours=23)
    service.tell_recipient(uuid)
    left = service.forget_task()
    assert left is not None
    assert 3500 < left <= 3600, "the first time counts"
    turn_clock_forward(tables, seconds=left + 1)
    assert service.forget_task() is None
    assert "lovelace" not in everything(tables)
    with pytest.raises(Problem, match="No address is known"):
        service.tell_recipient(uuid)


def test_how_many_mails_a_key_allows_is_told_with_the_address(service: UploadService) -> None:
    shop = Principal("key:shop", SCOPES, quotas=(("mails", 5),))
    image = service.upload_image(Upload(PNG, "photo.png", "ada@example.org", caller=shop))
    assert service.tell_recipient(image.uuid).mails_per_day == 5
    image = service.upload_image(Upload(PNG, "photo.png", "ada@example.org"))
    assert service.tell_recipient(image.uuid).mails_per_day is None


def test_the_address_that_nobody_asks_for_is_forgotten_after_a_week(
    service: UploadService, tables: Database
) -> None:
    with_address(service)
    turn_clock_forward(tables, days=6)
    service.forget_task()
    assert "lovelace" in everything(tables)
    turn_clock_forward(tables, days=1, seconds=1)
    service.forget_task()
    assert "lovelace" not in everything(tables)


def jpeg_of_a_phone() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif.get_ifd(0x8825)[0x001D] = "a place"
    return picture("JPEG", exif=exif.tobytes(), comment=b"a comment")


def test_place_and_camera_are_not_stored(service: UploadService, storage: FakeStorage) -> None:
    data = jpeg_of_a_phone()
    image = service.upload_image(Upload(data, "photo.jpg"))
    [stored] = storage.files.values()
    assert b"a place" in data
    assert b"a place" not in stored
    assert b"a comment" not in stored
    assert (image.width, image.height, image.bytes) == (30, 40, len(stored))


def test_they_are_where_it_is_wanted(tables: Database, storage: FakeStorage) -> None:
    settings = SETTINGS.model_copy(update={"keep_metadata": True})
    UploadService(settings, tables, storage).upload_image(Upload(jpeg_of_a_phone(), "photo.jpg"))
    assert [*storage.files.values()] == [jpeg_of_a_phone()]


def test_a_file_whose_metadata_cannot_be_removed_is_refused(
    service: UploadService, storage: FakeStorage
) -> None:
    """A TIFF that does not say how long its strips are can be read, but not taken apart."""
    unusual = picture("TIFF").replace(b"\x17\x01\x04\0", b"\x18\x01\x04\0")
    service.upload_image(Upload(picture("TIFF"), "photo.tif"))
    with pytest.raises(Problem, match="cannot be removed"):
        service.upload_image(Upload(unusual, "photo.tif"))
    with pytest.raises(Problem, match="damaged"):
        service.upload_image(Upload(unusual[:500], "photo.tif"))
    assert len(storage.files) == 1


def test_a_file_that_is_no_image_leaves_nothing(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    with pytest.raises(Problem, match="known type"):
        service.upload_image(Upload(b"I am a text", "photo.png"))
    assert (storage.files, notes(tables)) == ({}, [])
    assert outgoing(tables, service.outbox) == []


def test_a_storage_that_is_down_leaves_a_note_and_nothing_else(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    storage.error = StorageUnavailableError("Cloudinary does not answer")
    with pytest.raises(StorageUnavailableError):
        upload(service)
    assert service.list_images(10, None).items == []
    assert outgoing(tables, service.outbox) == []
    assert len(notes(tables)) == 1


def test_a_file_that_the_storage_refuses_is_the_client_s_problem(
    service: UploadService, storage: FakeStorage
) -> None:
    storage.error = StorageRefusedError("too large for this plan")
    with pytest.raises(Problem, match="try a smaller one") as caught:
        upload(service)
    assert caught.value.status == 413
    assert "plan" not in caught.value.detail


def test_a_crash_before_the_commit_leaves_a_file_that_is_removed_an_hour_later(
    service: UploadService,
    tables: Database,
    storage: FakeStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service.removals, "keep", crash)
    with pytest.raises(KeyboardInterrupt):
        upload(service)
    [key] = storage.files
    assert notes(tables) == [key]
    assert service.list_images(10, None).items == []

    run(tables, "UPDATE upload.file_removals SET due_at = due_at - interval '59 minutes'")
    assert service.removals.sweep(tables, storage) == 0
    assert storage.files, "it may still be on its way into the database"

    run(tables, "UPDATE upload.file_removals SET due_at = due_at - interval '1 minute'")
    assert service.removals.sweep(tables, storage) == 1
    assert (storage.files, notes(tables)) == ({}, [])


def test_an_upload_whose_client_waits_no_longer_is_given_up(
    tables: Database, storage: FakeStorage
) -> None:
    now = 100.0
    empty(tables, models.metadata)
    service = UploadService(SETTINGS, tables, storage, clock=lambda: now)

    class Slow(FakeStorage):
        def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
            nonlocal now
            now += UPLOAD_SECONDS + 0.1
            return storage.put(key, data, content_type)

    late = UploadService(SETTINGS, tables, Slow(), clock=lambda: now)
    with pytest.raises(Unavailable, match="took too long"):
        upload(late)
    assert service.list_images(10, None).items == []
    assert outgoing(tables, service.outbox) == []
    assert notes(tables) == list(storage.files), "a sweep removes it"
    upload(service)
    assert len(service.list_images(10, None).items) == 1


# Listing.


def test_pages_are_newest_first_and_stay_while_images_are_added(service: UploadService) -> None:
    before = [upload(service) for _ in range(7)]
    first = service.list_images(3, None)
    added = [upload(service) for _ in range(4)]
    second = service.list_images(3, first.next_cursor)
    third = service.list_images(3, second.next_cursor)
    seen = [image.uuid for page in (first, second, third) for image in page.items]
    assert seen == before[::-1]
    assert third.next_cursor is None
    assert [i.uuid for i in service.list_images(100, None).items] == (before + added)[::-1]


def test_a_page_stays_where_it_is_when_its_last_image_is_deleted(service: UploadService) -> None:
    uuids = [upload(service) for _ in range(4)]
    first = service.list_images(2, None)
    service.delete_image(first.items[-1].uuid)
    rest = service.list_images(2, first.next_cursor)
    assert [image.uuid for image in rest.items] == uuids[1::-1]


def test_images_of_the_same_moment_are_each_listed_once(
    service: UploadService, tables: Database
) -> None:
    uuids = {upload(service) for _ in range(5)}
    run(tables, "UPDATE upload.images SET created_at = '2026-01-01T00:00:00Z'")
    seen: list[UUID] = []
    page = service.list_images(2, None)
    while page.next_cursor is not None:
        seen += [image.uuid for image in page.items]
        page = service.list_images(2, page.next_cursor)
    seen += [image.uuid for image in page.items]
    assert len(seen) == len(uuids)
    assert set(seen) == uuids


def test_no_images_are_an_empty_page(service: UploadService) -> None:
    page = service.list_images(20, None)
    assert (page.items, page.next_cursor) == ([], None)


# Deleting.


def test_a_delete_takes_the_image_and_soon_its_file(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    calls: list[str] = []
    service.on_change = lambda: calls.append("change")
    service.on_removal = lambda: calls.append("removal")
    uuid, other = upload(service), upload(service)
    service.delete_image(uuid)
    assert calls == ["change", "removal"]
    assert [image.uuid for image in service.list_images(10, None).items] == [other]
    assert outgoing(tables, service.outbox)[-1] == ImageDeleted(uuid=uuid)
    assert service.removals.sweep(tables, storage) == 1
    assert list(storage.files) == [f"images/{other}.png"]


@pytest.mark.parametrize("ask", ["get_image", "delete_image"])
def test_what_is_deleted_or_was_never_there_is_unknown(service: UploadService, ask: str) -> None:
    deleted = upload(service)
    service.delete_image(deleted)
    for uuid in (deleted, uuid4()):
        with pytest.raises(Problem, match=f"There is no image {uuid}") as caught:
            getattr(service, ask)(uuid)
        assert caught.value.status == 404


def test_a_file_is_removed_when_the_storage_is_back(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    service.delete_image(upload(service))
    storage.error = StorageUnavailableError("Cloudinary does not answer")
    assert service.removals.sweep(tables, storage) == 0
    storage.error = None
    assert service.removals.sweep(tables, storage) == 0, "not at once again"
    run(tables, "UPDATE upload.file_removals SET due_at = now()")
    assert service.removals.sweep(tables, storage) == 1
    assert (storage.files, notes(tables)) == ({}, [])


def test_many_files_are_removed_in_one_sweep(
    service: UploadService, tables: Database, storage: FakeStorage
) -> None:
    uuids = [upload(service) for _ in range(25)]
    for uuid in uuids:
        service.delete_image(uuid)
    assert service.removals.sweep(tables, storage) == 25
    assert storage.files == {}


def test_nothing_is_stored_under_a_key_that_is_being_removed(
    service: UploadService, tables: Database
) -> None:
    run(
        tables,
        "INSERT INTO upload.file_removals VALUES (:key, now(), now() + interval '1 minute')",
        key=f"images/{UUID(int=1)}.png",
    )
    again = UploadService(SETTINGS, tables, FakeStorage(), new_uuid=lambda: UUID(int=1))
    with pytest.raises(TransientFailure, match="just being removed"):
        upload(again)


# Scheduled jobs.


def test_an_image_of_which_nothing_is_heard_is_announced_again_ever_less_often(
    service: UploadService, tables: Database
) -> None:
    image = service.upload_image(Upload(PNG, "photo.png", "ada.lovelace@example.org", {"seed": 3}))
    waits = [600, 1200, 2400]
    for count, seconds in enumerate(waits, start=1):
        run(
            tables,
            "UPDATE upload.images SET announced_at = now() - :s * interval '1 second'",
            s=seconds - 30,
        )
        assert service.announce_unfinished() == 0
        run(tables, "UPDATE upload.images SET announced_at = announced_at - interval '1 minute'")
        assert service.announce_unfinished() == 1
        assert service.announce_unfinished() == 0
        assert len(outgoing(tables, service.outbox)) == 1 + count
    first, *repeats = outgoing(tables, service.outbox)
    assert isinstance(first, ImageUploaded)
    assert repeats == [first] * len(waits)
    assert first.uuid == image.uuid


def test_the_wait_is_never_longer_than_a_day(service: UploadService, tables: Database) -> None:
    upload(service)
    run(
        tables,
        "UPDATE upload.images SET announcements = 40, announced_at = now() - interval '25 hours'",
    )
    assert service.announce_unfinished() == 1
