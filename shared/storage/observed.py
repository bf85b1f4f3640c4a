"""Any storage, with each call measured and recorded in traces."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from shared.metrics import STORAGE_FAILURES, STORAGE_SECONDS
from shared.storage.protocol import (
    FileMissingError,
    Storage,
    StorageError,
    StorageRefusedError,
    StoredFile,
)
from shared.tracing import exemplar, span

# Shown from the start, see ``shared.metrics.show_from_the_start``.
for _operation in ("put", "fetch", "delete"):
    for _kind in ("missing", "refused", "unavailable"):
        STORAGE_FAILURES.labels(_operation, _kind)


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
        started = time.perf_counter()
        with span(f"storage {operation}", SpanKind.CLIENT, {"storage.name": self.name}):
            try:
                yield
            except StorageError as error:
                STORAGE_FAILURES.labels(operation, _reason(error)).inc()
                raise
            finally:
                seconds = time.perf_counter() - started
                STORAGE_SECONDS.labels(operation).observe(seconds, exemplar())


def _reason(error: StorageError) -> str:
    if isinstance(error, FileMissingError):
        return "missing"
    return "refused" if isinstance(error, StorageRefusedError) else "unavailable"
