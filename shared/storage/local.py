"""Files in a directory of this machine: used when nothing else is chosen."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.files import make_directory, write_atomically
from shared.storage.protocol import (
    FILES,
    FileMissingError,
    Storage,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
    key_of_ours,
    refuse_empty,
    split_key,
)
from shared.storage.settings import StorageSettings

_log = logging.getLogger(__name__)


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
        return StoredFile(key=key, url=FILES + key)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The file behind `/files/<key>`; a host in the URL is ignored, no network is used."""
        key = key_of_ours(url)
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


def build(settings: StorageSettings, *, private_originals: bool) -> Storage:  # noqa: ARG001 - all are private
    root = settings.data_dir / "files"
    _log.warning(
        "files are kept on local disk, in %s; services on other machines do not see them "
        "(STORAGE and the variables of Cloudinary or S3 choose another place)",
        root,
    )
    return LocalStorage(root)


@contextmanager
def _disk_errors(verb: str, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Once a person has fixed a full disk or a missing right, the same call works.
        raise StorageUnavailableError(f"cannot {verb} {key}: {error.strerror}") from error
