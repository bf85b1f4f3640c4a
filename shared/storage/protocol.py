"""What every storage of files does, and how it says that it could not."""

import re
from dataclasses import dataclass
from typing import Protocol

from shared.failures import TransientFailure

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Letters, digits and one slash only: nothing that a file system or a URL reads in a way of its own.
KEY_PATTERN = (
    rf"(?P<stem>[a-z]{{1,20}}/{_UUID}(?:-[0-9a-z_-]{{1,80}})?)\.(?P<extension>[0-9a-z]{{1,5}})"
)
_KEY = re.compile(KEY_PATTERN)


class StorageError(Exception):
    """The storage did not do what was asked. One of the three below says whether to ask again."""


class StorageUnavailableError(StorageError, TransientFailure):
    """It may work later: a timeout, a lost connection, a limit of calls, wrong credentials."""


class StorageRefusedError(StorageError):
    """It will never work like this: a bad key, a foreign URL, a file that is too large."""


class FileMissingError(StorageError):
    """The file is not there (any more)."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file lies: `url` is absolute (Cloudinary) or relative to the host (local disk)."""

    key: str
    url: str


class Storage(Protocol):
    """Keeps files under keys chosen by the caller. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """What a person reads in a log or a health report: "cloudinary", "local disk"."""
        ...

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        """Store `data`; a repeat overwrites. When it returns, the file is safe."""
        ...

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The bytes behind a URL that `put` of this kind of storage gave; any other is refused."""
        ...

    def delete(self, key: str) -> None:
        """Remove the file; deleting what is not there is no error."""
        ...


def split_key(key: str) -> tuple[str, str]:
    """`images/<uuid>.jpg` as (`images/<uuid>`, `jpg`); StorageRefusedError if it is no key.

    A key is a kind, a uuid, optionally a digest, and an extension:
    `images/<uuid>.jpg` or `dithers/<uuid>-<digest>.png`.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise StorageRefusedError(f"not a key of a stored file: {key[:120]!r}")
    return match["stem"], match["extension"]


def refuse_empty(key: str, data: bytes) -> None:
    """An empty file is a mistake of the caller, and no storage keeps one."""
    if not data:
        raise StorageRefusedError(f"nothing to store under {key}: the file is empty")
