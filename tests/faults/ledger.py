"""What clients were promised, and the answers that broke a rule."""

import threading
from dataclasses import dataclass, field

from tests.faults.scale import chosen_scale

# Every answer must arrive within this time, whatever is down. In the short form times are not
# judged; there only the timeout of the clients applies.
ANSWER_SECONDS = 10.0
HANG_SECONDS = 30.0


@dataclass(slots=True)
class Promise:
    """An upload that was answered with 201, and what was promised about it since."""

    uuid: str
    email: str | None
    channels: set[int] = field(default_factory=lambda: {2})  # the first dither is automatic
    deleted: bool = False


class Ledger:
    """Safe to use from any thread.

    While ``strict`` is set, a service that cannot work must answer 503 with Retry-After. It is not
    set while processes are killed: a gateway whose upstream dies mid-answer can only send 502.
    """

    strict = False

    def __init__(self) -> None:
        self.promises: dict[str, Promise] = {}
        self.broken: list[str] = []
        self.refused = 0
        self.slowest = 0.0
        self._lock = threading.Lock()

    def uploaded(self, uuid: str, email: str | None) -> None:
        with self._lock:
            self.promises[uuid] = Promise(uuid, email)

    def requested(self, uuid: str, channels: int) -> None:
        with self._lock:
            self.promises[uuid].channels.add(channels)

    def deleted(self, uuid: str) -> None:
        with self._lock:
            self.promises[uuid].deleted = True

    def answered(self, what: str, status: int, seconds: float, retry_after: str | None) -> None:
        with self._lock:
            self.slowest = max(self.slowest, seconds)
            self.refused += status == 503
            clean = status < 500 or (status == 503 and retry_after is not None)
            if self.strict and not clean:
                self.broken.append(f"{what} was answered {status} (Retry-After {retry_after})")
            if seconds > ANSWER_SECONDS and chosen_scale().is_timed:
                self.broken.append(f"{what} took {seconds:.1f} s")

    def hung(self, what: str) -> None:
        with self._lock:
            self.broken.append(f"{what} was not answered within {HANG_SECONDS} s")

    @property
    def kept(self) -> list[Promise]:
        """The images that must exist in the end."""
        return [promise for promise in self.promises.values() if not promise.deleted]
