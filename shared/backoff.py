"""How long to wait before a retry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles the pause each time, from ``first`` up to ``most`` seconds, less random jitter."""

    first: float
    most: float

    def seconds(self, failures: int, jitter: float) -> float:
        """After so many failures in a row (1 or more); ``jitter`` is in 0..1."""
        pause = min(self.most, self.first * 2.0 ** min(failures - 1, 16))
        return pause * (0.5 + jitter / 2)
