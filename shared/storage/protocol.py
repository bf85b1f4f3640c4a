"""The interface of every file storage, and its errors."""

import re
from dataclasses import dataclass
from typing import Protocol

from shared.failures import TransientFailure

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Letters, digits and one slash only: nothing with a special meaning in a file system or a URL.
KEY_PATTERN = (
    rf"(?P<stem>[a-z]{{1,20}}/{_UUID}(?:-[0-9a-z_-]{{1,80}})?)\.(?P<extension>[0-9a-z]{{1,5}})"
)
_KEY = re.compile(KEY_PATTERN)


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
    """The location of a file: `url` is absolute (Cloudinary) or relative (local disk)."""

    key: str
    url: str


class Storage(Protocol):
    """Keeps files under keys chosen by the caller. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """The name for logs and health reports: "cloudinary", "local disk"."""
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
