"""The memory cache of previews, bounded in bytes and in time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock, Timer
from typing import Any


@dataclass(slots=True)
class _Entry:
    value: Any
    size: int
    used: float


class PreviewMemory:
    """A cache that drops entries not used for ``keep_seconds``, and the least recently used ones
    above ``max_bytes``. Safe to use from several threads.

    A timer drops old entries even if there are no more requests; it is a daemon thread that runs
    only while there are entries.
    """

    def __init__(
        self, max_bytes: int, keep_seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._keep_seconds = keep_seconds
        self._now = now
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self._timer: Timer | None = None

    def get(self, key: Hashable) -> Any:
        """The value, which counts as used now; None if it is not in the cache."""
        with self._lock:
            self._drop_old()
            entry = self._entries.get(key)
            if entry is None:
                return None
            entry.used = self._now()
            self._entries.move_to_end(key)
            return entry.value

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value of ``size`` bytes, unless it is larger than the whole cache."""
        with self._lock:
            self._drop(key)
            if size > self._max_bytes:
                return
            self._entries[key] = _Entry(value, size, self._now())
            self._size += size
            self._drop_old()
            while self._size > self._max_bytes:
                self._drop(next(iter(self._entries)))
            self._watch()

    @property
    def size(self) -> int:
        """Bytes in the cache."""
        return self._size

    def _drop(self, key: Hashable) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._size -= entry.size

    def _drop_old(self) -> None:
        oldest_allowed = self._now() - self._keep_seconds
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.used >= oldest_allowed:
                return
            self._drop(key)

    def _watch(self) -> None:
        if self._timer is None and self._entries:
            self._timer = Timer(self._keep_seconds, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        with self._lock:
            self._timer = None
            self._drop_old()
            self._watch()
