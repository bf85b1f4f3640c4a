"""``GET /health``: one status for a load balancer, and the parts for a person."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.failures import TransientFailure
from shared.kafka.consumer import ConsumerLoop, State
from shared.metrics import PART_STATUS

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """``status`` is ``ok``, ``degraded`` (works, but needs attention) or ``down``."""

    status: str
    details: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[], Part]
_STATUSES = ("ok", "degraded", "down")


class Health:
    """Checks the parts, at most once a second: the answer is cached for that long."""

    def __init__(
        self,
        service: str,
        checks: Mapping[str, Check],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._checks = dict(checks)
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._report: dict[str, Any] = {}

    def report(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status (503 when a part is down) and the body."""
        with self._lock:
            if self._clock() - self._asked >= FRESH_SECONDS:
                self._report = self._ask()
                self._asked = self._clock()
            report = self._report
        return (503 if report["status"] == "down" else 200), report

    def _ask(self) -> dict[str, Any]:
        parts = {name: _asked(check) for name, check in self._checks.items()}
        for name, part in parts.items():
            PART_STATUS.labels(name).set(_STATUSES.index(part.status))
        words = {part.status for part in parts.values()}
        worst = next((word for word in ("down", "degraded") if word in words), "ok")
        return {
            "status": worst,
            "service": self._service,
            "parts": {name: {"status": p.status, **p.details} for name, p in parts.items()},
        }


def _asked(check: Check) -> Part:
    try:
        return check()
    except TransientFailure as error:
        return Part("down", {"detail": str(error)})
    except Exception:
        logger.exception("a check failed")
        return Part("down", {"detail": "the check itself failed; it has been logged"})


# From the best to the worst, with the status for a load balancer.
_STATES = {
    State.RUNNING: "ok",
    State.STARTING: "degraded",
    State.STOPPED: "down",
    State.HALTED: "down",
}


def consumer_part(loops: Sequence[ConsumerLoop]) -> Part:
    """All loops of a process: the worst state, and the sums of their numbers.

    A halted consumer is down; one that waits for its first assignment, or for Kafka, is only
    degraded.
    """
    healths = [loop.health() for loop in loops]
    worst = max((h.state for h in healths), key=list(_STATES).index)
    details: dict[str, Any] = {
        "state": worst.value,
        "partitions": sum(h.partitions for h in healths),
        "in_flight": sum(h.in_flight for h in healths),
        "lag": sum(h.lag for h in healths),
        "retries": sum(h.retries for h in healths),
        "dead_letters": sum(h.dead_letters for h in healths),
    }
    status = _STATES[worst]
    reasons = [h.reason for h in healths if h.reason]
    if not all(h.kafka_answers for h in healths):
        reasons.append("Kafka does not answer")
        status = "degraded" if status == "ok" else status
    if reasons:
        details["detail"] = "; ".join(reasons)
    return Part(status, details)
