"""How the failures of Cloudinary, S3 and a disk are sorted into "later", "never" and "gone"."""

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.storage import (
    FileMissingError,
    LocalStorage,
    StorageRefusedError,
    StorageUnavailableError,
)
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.s3_server import S3Server
from tests.support.s3_server.failing import failing_server
from tests.support.storages import cloudinary_storage, s3_storage

PNG = b"\x89PNG\r\n\x1a\n" + b"png" * 100
KEY = "images/7f8f4d4c-52c1-4c8b-9d0e-6d9e3c2f1a10.png"


@pytest.fixture
def server() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(max_bytes=5_000) as running:
        yield running


@pytest.mark.parametrize("mode", ["420", "429", "500", "502", "503", "401", "403", "drop"])
def test_trouble_of_cloudinary_may_be_over_later(server: CloudinaryServer, mode: str) -> None:
    storage = cloudinary_storage(server)
    url = storage.put(KEY, PNG, "image/png").url
    server.fail(mode)
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    with pytest.raises(StorageUnavailableError):
        storage.fetch(url, max_bytes=5_000)
    with pytest.raises(StorageUnavailableError):
        storage.delete(KEY)
    server.recover()
    assert storage.fetch(url, max_bytes=5_000) == PNG


def test_a_call_is_made_once_and_not_retried(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server)
    server.fail(500, count=1)
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    storage.put(KEY, PNG, "image/png")
    assert server.calls == {"upload": 2}


def test_a_lost_answer_is_mended_by_a_repeat(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server)
    server.fail("lost", count=1, kinds=["upload"])
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    assert len(server.assets) == 1
    storage.put(KEY, PNG, "image/png")
    assert len(server.assets) == 1


def test_a_hanging_cloudinary_is_given_up(server: CloudinaryServer) -> None:
    url = cloudinary_storage(server).put(KEY, PNG, "image/png").url
    storage = cloudinary_storage(server, timeout_seconds=0.4)
    server.fail("hang")
    started = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    with pytest.raises(StorageUnavailableError):
        storage.delete(KEY)
    with pytest.raises(StorageUnavailableError):
        storage.fetch(url, max_bytes=5_000)
    assert time.monotonic() - started < 30


def test_no_server_at_all(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server)
    url = storage.put(KEY, PNG, "image/png").url
    server.stop()
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    with pytest.raises(StorageUnavailableError):
        storage.fetch(url, max_bytes=5_000)


def test_wrong_credentials_are_named(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server, api_secret="wrong")
    with pytest.raises(StorageUnavailableError, match="CLOUDINARY_API_SECRET"):
        storage.put(KEY, PNG, "image/png")


@pytest.mark.parametrize("data", [PNG * 100, b"no image at all"])
def test_what_cloudinary_will_never_take(server: CloudinaryServer, data: bytes) -> None:
    with pytest.raises(StorageRefusedError):
        cloudinary_storage(server).put(KEY, data, "image/png")


def test_a_redirect_is_not_followed(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server)
    url = storage.put(KEY, PNG, "image/png").url
    server.fail(302, kinds=["delivery"])
    with pytest.raises(StorageRefusedError, match="302"):
        storage.fetch(url, max_bytes=5_000)


def test_no_transformation_is_asked_for(server: CloudinaryServer) -> None:
    storage = cloudinary_storage(server)
    url = storage.put(KEY, PNG, "image/png").url
    with pytest.raises(StorageRefusedError):
        storage.fetch(url.replace("/upload/", "/upload/w_60000,h_60000/"), max_bytes=5_000)


def test_urls_of_another_account_or_folder_are_foreign(server: CloudinaryServer) -> None:
    url = cloudinary_storage(server, folder="theirs").put(KEY, PNG, "image/png").url
    ours = cloudinary_storage(server, folder="ours")
    for foreign in (url, url.replace("test-cloud", "other-cloud"), url.replace("http:", "ftp:")):
        with pytest.raises(StorageRefusedError):
            ours.fetch(foreign, max_bytes=5_000)


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503, None])
def test_trouble_of_s3_may_be_over_later(s3_server: S3Server, status: int | None) -> None:
    """None: it takes the request and never answers."""
    with failing_server(status) as failing:
        storage = s3_storage(s3_server, "bucket", endpoint=failing.url, timeout_seconds=0.4)
        for call in (
            lambda: storage.put(KEY, PNG, "image/png"),
            lambda: storage.fetch(f"/files/{KEY}", max_bytes=5_000),
            lambda: storage.delete(KEY),
        ):
            with pytest.raises(StorageUnavailableError):
                call()
        assert failing.requests == 3, "nothing is retried here"


def test_s3_that_takes_no_file_of_this_size(s3_server: S3Server) -> None:
    with failing_server(413) as failing:
        storage = s3_storage(s3_server, "bucket", endpoint=failing.url)
        with pytest.raises(StorageRefusedError, match="too large"):
            storage.put(KEY, PNG, "image/png")


def test_wrong_keys_of_s3_are_named_and_not_shown(s3_server: S3Server) -> None:
    storage = s3_storage(s3_server, s3_server.make_bucket(), secret_access_key="wr0ng")
    with pytest.raises(StorageUnavailableError, match="S3_SECRET_ACCESS_KEY") as raised:
        storage.put(KEY, PNG, "image/png")
    assert "wr0ng" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_bucket_is_no_missing_file(s3_server: S3Server) -> None:
    """Else a wrong S3_BUCKET would make every image fail for good."""
    storage = s3_storage(s3_server, "no-such-bucket")
    with pytest.raises(StorageUnavailableError, match="S3_BUCKET"):
        storage.put(KEY, PNG, "image/png")
    with pytest.raises(StorageUnavailableError, match="S3_BUCKET"):
        storage.fetch(f"/files/{KEY}", max_bytes=5_000)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS])
def test_trouble_of_the_disk_may_be_over_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    storage = LocalStorage(tmp_path)
    stored = storage.put(KEY, PNG, "image/png")

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageUnavailableError, match="cannot store"):
        storage.put(KEY, PNG + b"new", "image/png")
    monkeypatch.undo()
    assert storage.fetch(stored.url, max_bytes=5_000) == PNG
    assert [path.name for path in (tmp_path / "images").iterdir()] == [Path(KEY).name]


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("not a directory")
    storage = LocalStorage(tmp_path / "files")
    with pytest.raises(StorageUnavailableError):
        storage.put(KEY, PNG, "image/png")
    with pytest.raises(FileMissingError):
        storage.fetch(f"/files/{KEY}", max_bytes=5_000)


def test_the_local_disk_ignores_the_host_of_a_url(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put(KEY, PNG, "image/png")
    assert storage.fetch(f"http://localhost:8000/files/{KEY}", max_bytes=5_000) == PNG
    for foreign in (f"ftp://localhost/files/{KEY}", f"/other/{KEY}"):
        with pytest.raises(StorageRefusedError):
            storage.fetch(foreign, max_bytes=5_000)
