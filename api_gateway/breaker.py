"""When a replica is not asked."""


class CircuitBreaker:
    """Closed: ask. Open: do not, until ``open_seconds`` have passed; then one trial decides.

    A probe tells whether somebody is there, not whether the work is done: it only ends what began
    with nobody being there.
    """

    def __init__(self, failures_to_open: int, open_seconds: float) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._failures = 0
        self._open_until: float | None = None
        self._on_trial = self._absent = False

    @property
    def closed(self) -> bool:
        return self._open_until is None

    def allows(self, now: float) -> bool:
        return self._open_until is None or (now >= self._open_until and not self._on_trial)

    def begin(self) -> None:
        self._on_trial = self._open_until is not None

    def abandon(self) -> None:
        """The exchange ended without telling anything of the service."""
        self._on_trial = False

    def success(self) -> None:
        self._failures, self._open_until = 0, None
        self._on_trial = self._absent = False

    def heard(self) -> None:
        """A probe was answered."""
        if self._absent:
            self.success()

    def failure(self, now: float, *, fatal: bool = False) -> None:
        """``fatal``: one is enough (nobody listens there)."""
        self._failures += 1
        self._absent = self._absent or fatal
        if fatal or self._on_trial or self._failures >= self._failures_to_open:
            self._open_until = now + self._open_seconds
        self._on_trial = False
