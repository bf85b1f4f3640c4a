"""The calls that the server counts, and the failures that a test can request."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("upload", "destroy", "delivery", "admin")


@dataclass(slots=True)
class Failure:
    """`mode`: an HTTP status, `hang`, `drop` (before the work) or `lost` (done, answer dropped)."""

    mode: str
    count: int | None
    kinds: frozenset[str]


class Failures:
    """Counts every call by kind and says which are to fail; safe to use from any thread."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._failure: Failure | None = None
        self._lock = threading.Lock()
        self._resumed = threading.Event()

    def fail(
        self, mode: str | int, *, count: int | None = None, kinds: Iterable[str] = KINDS
    ) -> None:
        """Fail the next `count` calls of `kinds`, or all of them until `recover`."""
        with self._lock:
            self._resumed.clear()
            self._failure = Failure(str(mode), count, frozenset(kinds))

    def recover(self) -> None:
        """Work again; hanging calls continue."""
        with self._lock:
            self._failure = None
            self._resumed.set()

    def take(self, kind: str) -> str | None:
        """Counts a call; returns the mode in which it must fail, or None."""
        with self._lock:
            self.calls[kind] += 1
            failure = self._failure
            if failure is None or kind not in failure.kinds or failure.count == 0:
                return None
            if failure.count is not None:
                failure.count -= 1
            return failure.mode

    def hang(self) -> None:
        self._resumed.wait(timeout=120)
