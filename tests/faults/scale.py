"""The amounts of work, and the seed of every random choice."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    name: str
    parts: int  # into which the longest rows are split; each has its share of the amounts below
    uploads: int  # while processes are killed
    kills: int
    stops: int
    outage_seconds: float  # of each part
    rehearsal: int  # uploads that measure the normal rate
    accounted: int  # uploads while the Cloudinary calls are counted
    poison: int  # bad messages of each kind
    outbox_rows: int
    histories: int
    joins: int  # how often another replica joins
    work_seconds: float  # the work of one message; longer than poll_seconds
    poll_seconds: float
    soak_seconds: float

    @property
    def is_timed(self) -> bool:
        """False for the short form, which runs on any machine, so that its times mean little."""
        return self.name != "short"


SHORT = Scale("short", 1, 100, 12, 4, 2, 10, 30, 1, 1_200, 30, 1, 16, 10, 10)
FULL = Scale("full", 5, 2_000, 100, 50, 20, 200, 2_000, 10, 50_000, 1_000, 10, 20, 10, 300)
LONG = Scale("long", 5, 10_000, 100, 50, 60, 500, 2_000, 10, 50_000, 1_000, 10, 20, 10, 1_800)


def chosen_scale() -> Scale:
    """``FAULTS=short``, ``full`` or ``long``; if unset, ``LONG=1`` means the long form."""
    unset = "long" if os.environ.get("LONG") else "short"
    return {"short": SHORT, "full": FULL, "long": LONG}[os.environ.get("FAULTS") or unset]


def chosen_seed() -> int:
    """``SEED``; if unset, the same in every run: random failures help nobody."""
    return int(os.environ.get("SEED") or 1)
