"""Storage in memory, for unit tests; passes the same contract suite as the real ones."""

import threading

from shared.storage.protocol import (
    FileMissingError,
    StorageError,
    StorageRefusedError,
    StoredFile,
    refuse_empty,
    split_key,
)


class FakeStorage:
    """Keeps files in `files`. Fails every call with `error` while one is set."""

    name = "memory"
    base = "https://storage.test/"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.error: StorageError | None = None
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        split_key(key)
        refuse_empty(key, data)
        with self._lock:
            self._fail()
            self.files[key] = data
        return StoredFile(key=key, url=self.base + key)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        if not url.startswith(self.base):
            raise StorageRefusedError(f"not a URL of this storage: {url[:200]!r}")
        key = url.removeprefix(self.base)
        split_key(key)
        with self._lock:
            self._fail()
            data = self.files.get(key)
        if data is None:
            raise FileMissingError(f"{key} is not there")
        if len(data) > max_bytes:
            raise StorageRefusedError(f"{key} is larger than {max_bytes} bytes")
        return data

    def delete(self, key: str) -> None:
        split_key(key)
        with self._lock:
            self._fail()
            self.files.pop(key, None)

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error
