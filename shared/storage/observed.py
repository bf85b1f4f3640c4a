"""Any storage, with each call measured and recorded in traces."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from shared.metrics import STORAGE_SECONDS
from shared.storage.protocol import (
    FileMissingError,
    Storage,
    StorageError,
    StorageRefusedError,
    StoredFile,
)
from shared.tracing import exemplar, span


class ObservedStorage:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def name(self) -> str:
        return self._storage.name

    def put(self, key: str, data: bytes, content_type: str) -> StoredFile:
        with self._observed("put"):
            return self._storage.put(key, data, content_type)

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        with self._observed("fetch"):
            return self._storage.fetch(url, max_bytes=max_bytes)

    def delete(self, key: str) -> None:
        with self._observed("delete"):
            self._storage.delete(key)

    @contextmanager
    def _observed(self, operation: str) -> Iterator[None]:
        started, outcome = time.perf_counter(), "done"
        with span(f"storage {operation}", SpanKind.CLIENT, {"storage.name": self.name}):
            try:
                yield
            except StorageError as error:
                outcome = _outcome(error)
                raise
            finally:
                seconds = time.perf_counter() - started
                STORAGE_SECONDS.labels(operation, outcome).observe(seconds, exemplar())


def _outcome(error: StorageError) -> str:
    if isinstance(error, FileMissingError):
        return "missing"
    return "refused" if isinstance(error, StorageRefusedError) else "unavailable"
