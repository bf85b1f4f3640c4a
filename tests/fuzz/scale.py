"""How much is tried, and the seed of every random choice."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    name: str
    mutants: int  # of all sample files together
    cases: int  # requests that Schemathesis generates, of all operations together
    scenarios: int  # sequences of requests


SHORT = Scale("short", 600, 400, 20)
FULL = Scale("full", 100_000, 6_500, 300)


def chosen_scale() -> Scale:
    """``FUZZ=short`` or ``full``."""
    return {"short": SHORT, "full": FULL}[os.environ.get("FUZZ") or "short"]


def chosen_seed() -> int:
    """``SEED``; if unset, the same in every run: random failures help nobody."""
    return int(os.environ.get("SEED") or 1)
