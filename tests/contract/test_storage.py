"""What every storage promises: one suite for the fake, the disk, and the real Cloudinary SDK."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from shared.storage import (
    FileMissingError,
    LocalStorage,
    Storage,
    StorageRefusedError,
)
from shared.storage.cloudinary import CloudinaryStorage
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.fake_storage import FakeStorage
from tests.support.storages import cloudinary_storage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40 + b"\r\n--looks-like-a-boundary--\r\n"
JPEG = b"\xff\xd8\xff\xe0" + b"jpeg" * 100
LIMIT = 1_000_000


@pytest.fixture(
    params=["memory", "local disk", "cloudinary", "cloudinary in a folder", "private cloudinary"]
)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "memory":
        yield FakeStorage()
    elif request.param == "local disk":
        yield LocalStorage(tmp_path / "files")
    else:
        folder = "here/there" if "folder" in request.param else ""
        with CloudinaryServer() as server:
            yield cloudinary_storage(
                server, folder=folder, private_originals="private" in request.param
            )
            assert server.calls["admin"] == 0


@pytest.fixture
def key() -> str:
    return f"images/{uuid4()}.png"


def test_what_was_put_is_fetched(storage: Storage, key: str) -> None:
    stored = storage.put(key, PNG, "image/png")
    assert stored.key == key
    assert storage.fetch(stored.url, max_bytes=len(PNG)) == PNG


def test_url_is_absolute_or_relative_to_the_host(storage: Storage, key: str) -> None:
    url = storage.put(key, PNG, "image/png").url
    assert url.endswith(key)
    assert url.startswith("/files/") if storage.name == "local disk" else "://" in url


def test_a_dither_has_its_digest_in_the_key(storage: Storage) -> None:
    stored = storage.put(f"dithers/{uuid4()}-2-0f3a.png", PNG, "image/png")
    assert storage.fetch(stored.url, max_bytes=LIMIT) == PNG


@pytest.mark.parametrize("extension", ["bin", "h"])
def test_a_file_that_is_no_image_is_kept_and_deleted(storage: Storage, extension: str) -> None:
    """Bytes for a display: Cloudinary would refuse them as an image."""
    key = f"dithers/{uuid4()}-0f3a.{extension}"
    stored = storage.put(key, b"\x01\x23\x56", "application/octet-stream")
    assert stored.url.endswith(key)
    assert storage.fetch(stored.url, max_bytes=LIMIT) == b"\x01\x23\x56"
    storage.delete(key)
    with pytest.raises(FileMissingError):
        storage.fetch(stored.url, max_bytes=LIMIT)


def test_a_repeat_overwrites(storage: Storage, key: str) -> None:
    storage.put(key, PNG, "image/png")
    again = storage.put(key, PNG + b"more", "image/png")
    assert storage.fetch(again.url, max_bytes=LIMIT) == PNG + b"more"


def test_a_deleted_file_is_gone(storage: Storage, key: str) -> None:
    stored = storage.put(key, PNG, "image/png")
    other = storage.put(f"images/{uuid4()}.jpg", JPEG, "image/jpeg")
    storage.delete(key)
    with pytest.raises(FileMissingError):
        storage.fetch(stored.url, max_bytes=LIMIT)
    assert storage.fetch(other.url, max_bytes=LIMIT) == JPEG


def test_deleting_what_is_not_there_is_no_error(storage: Storage, key: str) -> None:
    storage.delete(key)
    storage.put(key, PNG, "image/png")
    storage.delete(key)
    storage.delete(key)


def test_a_file_larger_than_asked_for_is_refused(storage: Storage, key: str) -> None:
    url = storage.put(key, PNG, "image/png").url
    with pytest.raises(StorageRefusedError, match="larger than"):
        storage.fetch(url, max_bytes=len(PNG) - 1)
    assert storage.fetch(url, max_bytes=len(PNG)) == PNG


def test_an_empty_file_is_refused(storage: Storage, key: str) -> None:
    with pytest.raises(StorageRefusedError, match="empty"):
        storage.put(key, b"", "image/png")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "images/../../etc/passwd",
        "/images/6ba7b810-9dad-11d1-80b4-00c04fd430c8.png",
        "images/6ba7b810-9dad-11d1-80b4-00c04fd430c8.png\n",
        "images/6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "images/6BA7B810-9DAD-11D1-80B4-00C04FD430C8.png",
        "images/6ba7b810-9dad-11d1-80b4-00c04fd430c8.png/..",
        "images//6ba7b810-9dad-11d1-80b4-00c04fd430c8.png",
        "images/6ba7b810-9dad-11d1-80b4-00c04fd430c8-\0.png",
        "https://elsewhere.test/x.png",
    ],
)
def test_a_bad_key_is_refused(storage: Storage, bad: str) -> None:
    with pytest.raises(StorageRefusedError):
        storage.put(bad, PNG, "image/png")
    with pytest.raises(StorageRefusedError):
        storage.delete(bad)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "/files/../../etc/passwd",
        "/files/images/%2e%2e/%2e%2e/etc/passwd",
        "http://[broken/files/x",
        "//elsewhere.test/image/upload/x.png",
    ],
)
def test_a_foreign_url_is_refused(storage: Storage, foreign: str) -> None:
    with pytest.raises(StorageRefusedError):
        storage.fetch(foreign, max_bytes=LIMIT)


def test_a_private_original_has_no_address_that_can_be_guessed(key: str) -> None:
    with CloudinaryServer() as server:
        storage = cloudinary_storage(server, private_originals=True)
        url = storage.put(key, PNG, "image/png").url
        signature = re.search(r"/s--.{8}--", url)
        assert signature is not None
        public = url.replace(signature[0], "").replace("authenticated", "upload")
        assert requests.get(url, timeout=5).content == PNG
        for guess in (public, url.replace(signature[0], ""), url.replace("s--", "s--x", 1)):
            assert requests.get(guess, timeout=5).status_code in {401, 404}
        dithered = storage.put(f"dithers/{uuid4()}-2.png", PNG, "image/png").url
        assert "/image/upload/" in dithered, "whoever has the link may see a dither"


def test_a_file_is_deleted_whatever_the_settings_were_when_it_was_stored(key: str) -> None:
    with CloudinaryServer() as server:
        open_, private = (cloudinary_storage(server, private_originals=p) for p in (False, True))
        for stored, deleting in ((open_, private), (private, open_)):
            url = stored.put(key, PNG, "image/png").url
            assert deleting.fetch(url, max_bytes=LIMIT) == PNG
            deleting.delete(key)
            with pytest.raises(FileMissingError):
                deleting.fetch(url, max_bytes=LIMIT)


def test_threads_may_share_it(storage: Storage) -> None:
    def there_and_back(number: int) -> bool:
        data = PNG + str(number).encode()
        stored = storage.put(f"images/{uuid4()}.png", data, "image/png")
        return storage.fetch(stored.url, max_bytes=LIMIT) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(there_and_back, range(32)))


def test_other_storages_are_told_apart() -> None:
    assert {CloudinaryStorage.name, LocalStorage.name} == {"cloudinary", "local disk"}
