"""The interface of every file storage, and its errors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from shared.failures import TransientFailure

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Letters, digits and one slash only: nothing with a special meaning in a file system or a URL.
KEY_PATTERN = (
    rf"(?P<stem>[a-z]{{1,20}}/{_UUID}(?:-[0-9a-z_-]{{1,80}})?)\.(?P<extension>[0-9a-z]{{1,5}})"
)
_KEY = re.compile(KEY_PATTERN)
# The upload service answers here for storages that show no file to the public themselves.
FILES = "/files/"


class StorageError(Exception):
    """A call failed. The three subclasses below say whether to try again."""


class StorageUnavailableError(StorageError, TransientFailure):
    """It may work later: a timeout, a lost connection, a rate limit, wrong credentials."""


class StorageRefusedError(StorageError):
    """It will never work: a bad key, a foreign URL, a file that is too large."""


class FileMissingError(StorageError):
    """The file is not there (any more)."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The location of a file: `url` is absolute (Cloudinary) or ours (`/files/…`)."""

    key: str
    url: str


class Storage(Protocol):
    """Keeps files under keys chosen by the caller. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """The name for logs and health reports: "cloudinary", "s3", "local disk"."""
        ...

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        """Store `data`, overwriting an older file. When it returns, the file is safe."""
        ...

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The bytes behind a URL from `put` of the same kind of storage; others are refused."""
        ...

    def delete(self, key: str) -> None:
        """Remove the file; a missing file is no error."""
        ...


@runtime_checkable
class PrivateStorage(Storage, Protocol):
    """A storage that shows nothing to the public: the upload service passes its files on."""

    def stream(self, key: str) -> tuple[int, Iterator[bytes]]:
        """The size of the file and its bytes, which are read as they are asked for."""
        ...


def split_key(key: str) -> tuple[str, str]:
    """`images/<uuid>.jpg` as (`images/<uuid>`, `jpg`). Raises StorageRefusedError for a bad key.

    A key is a kind, a uuid, optionally a digest, and an extension:
    `images/<uuid>.jpg` or `dithers/<uuid>-<digest>.png`.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise StorageRefusedError(f"not a key of a stored file: {key[:120]!r}")
    return match["stem"], match["extension"]


def refuse_empty(key: str, data: bytes) -> None:
    """Raises StorageRefusedError for an empty file, which is a mistake of the caller."""
    if not data:
        raise StorageRefusedError(f"nothing to store under {key}: the file is empty")


def key_of_ours(url: str) -> str:
    """The key in `/files/<key>`; what precedes and a query are ignored, as PUBLIC_URL may change.

    Raises StorageRefusedError for any other URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise StorageRefusedError(f"not a URL: {url[:200]!r}") from error
    _, prefix, key = parts.path.partition(FILES)
    if parts.scheme not in {"", "http", "https"} or not prefix:
        raise StorageRefusedError(f"not a URL of this storage: {url[:200]!r}")
    split_key(key)
    return key
