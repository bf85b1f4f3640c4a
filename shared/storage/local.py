"""Files in a directory of this machine: used when Cloudinary is not configured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from shared.files import make_directory, write_atomically
from shared.storage.protocol import (
    FileMissingError,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    refuse_empty,
    split_key,
)

URL_PREFIX = "/files/"


class LocalStorage:
    """Storage in `root`; the directory is created with the first file."""

    name = "local disk"

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, key: str) -> Path:
        """The path of the file of `key`, whether it exists or not."""
        split_key(key)
        return self._root / key

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:  # noqa: ARG002 - the extension says it
        path = self.path(key)
        refuse_empty(key, data)
        with _disk_errors("store", key):
            make_directory(path.parent)
            write_atomically(path, data)
        return StoredFile(key=key, url=URL_PREFIX + key)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The file behind `/files/<key>`; a host in the URL is ignored, no network is used."""
        key = self._key(url)
        path = self.path(key)
        with _disk_errors("read", key):
            try:
                with path.open("rb") as file:
                    data = file.read(max_bytes + 1)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise FileMissingError(f"{key} is not there") from error
        if len(data) > max_bytes:
            raise StorageRefusedError(f"{key} is larger than {max_bytes} bytes")
        return data

    def delete(self, key: str) -> None:
        path = self.path(key)
        with _disk_errors("delete", key):
            path.unlink(missing_ok=True)

    def _key(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise StorageRefusedError(f"not a URL: {url[:200]!r}") from error
        # PUBLIC_URL may have a path, which then precedes `/files`.
        _, prefix, key = parts.path.partition(URL_PREFIX)
        if parts.scheme not in {"", "http", "https"} or not prefix:
            raise StorageRefusedError(f"not a URL of the local storage: {url[:200]!r}")
        return key


@contextmanager
def _disk_errors(verb: str, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Once a person has fixed a full disk or a missing right, the same call works.
        raise StorageUnavailableError(f"cannot {verb} {key}: {error.strerror}") from error
