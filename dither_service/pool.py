"""The engine in worker processes: what it costs is checked first, and what it breaks is contained.

There are three lanes, so that work that takes long delays only its own kind: quick jobs, slow jobs
(of a lower priority: they use the processors that are idle), and requests that a client waits for.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from dither_engine import Encoded, EngineError
from dither_service.settings import DitherSettings
from shared.processes.pool import (
    Abandoned,
    Job,
    Limits,
    NeedsTooMuchMemory,
    Nursery,
    ProcessPool,
    TookTooLong,
    WorkerDied,
    WorkFailed,
)
from shared.tracing import span

__all__ = ["Abandoned", "DitherPool", "Job", "JobFailed", "WorkerDied"]

logger = logging.getLogger(__name__)

# A job is quick if it is estimated to take no longer; CPU seconds.
QUICK_SECONDS = 0.5
REQUEST_QUICK_SECONDS = 2.0
# A job may take so much longer than the largest estimate that is allowed.
ESTIMATE_FACTOR = 4.0
# What a picture may take that is not large, by the engine's estimate; and what a worker may have in
# addition, because an estimate is none (it is the limit that holds), and for buffers that it keeps.
SMALL_BYTES = 80 << 20
EXTRA_BYTES = 96 << 20
_NICENESS = 10
_MODULE = "dither_service.worker"
_SLOW: dict[str, Any] = {"seconds": None}


class JobFailed(Exception):
    """The work was done in vain; the text is a sentence for the user."""


class DitherPool:
    """Any thread may call the methods. They raise EngineError and ``JobFailed`` with a sentence,
    ``WorkerDied`` if the process has crashed, ``TransientFailure`` if none can be started, and
    ``Abandoned`` after ``job.abandon()``.

    Each worker may have a little memory. A picture that needs more is worked on by one worker at a
    time, of all lanes together.
    """

    def __init__(self, settings: DitherSettings, nursery: Nursery | None = None) -> None:
        self._settings = settings
        self._nursery = nursery or Nursery(_MODULE)
        limits = Limits(settings.max_job_seconds * ESTIMATE_FACTOR, SMALL_BYTES + EXTRA_BYTES)
        self._quick = ProcessPool(self._nursery, settings.consumer_workers, limits)
        self._slow = ProcessPool(self._nursery, settings.consumer_workers, limits, nice=_NICENESS)
        self._requests = ProcessPool(self._nursery, settings.max_previews, limits)
        self._large = threading.Lock()

    def start(self) -> None:
        """Load the engine, without waiting for it."""
        self._nursery.start()

    def close(self) -> None:
        for pool in (self._quick, self._slow, self._requests):
            pool.close()
        self._nursery.close()

    def dither(
        self,
        data: bytes,
        fields: Mapping[str, Any],
        *,
        max_size: int | None = None,
        slow: bool = False,
        job: Job | None = None,
    ) -> Encoded:
        """A job of a message. slow: it is known to be no quick one."""
        most, answer, result = self._settings.max_job_seconds, _SLOW, b""
        if not slow:
            arguments = self._arguments(fields, QUICK_SECONDS, most, max_size=max_size)
            answer, result = self._run(self._quick, "dither", arguments, data, job=job)
        if _is_slow(answer):
            arguments = self._arguments(fields, most, most, max_size=max_size)
            answer, result = self._run(self._slow, "dither", arguments, data, job=job)
        return Encoded(result, **answer)

    def request(
        self,
        call: str,
        fields: Mapping[str, Any],
        data: bytes,
        *,
        slow: bool = False,
        job: Job | None = None,
        like: str | None = None,
        **arguments: Any,
    ) -> tuple[dict[str, Any], bytes]:
        """Work that a client waits for. The answer has only ``seconds``, the estimate, if the work
        is slow and ``slow`` is false."""
        most = self._settings.max_request_seconds
        at_most = most if slow else REQUEST_QUICK_SECONDS
        sent = self._arguments(fields, at_most, most, **arguments)
        return self._run(self._requests, call, sent, data, job=job, like=like)

    def _arguments(
        self, fields: Mapping[str, Any], at_most: float, most: float, **others: Any
    ) -> dict[str, Any]:
        settings = self._settings
        limits = {
            "pixels": settings.max_pixels,
            "frames": settings.max_frames,
            "seconds": most,
            "bytes": settings.max_job_memory_bytes,
        }
        now = {"seconds": at_most, "bytes": SMALL_BYTES}
        return {"fields": dict(fields), "limits": limits, "at_most": now, **others}

    def _run(
        self,
        pool: ProcessPool,
        call: str,
        arguments: dict[str, Any],
        data: bytes,
        **how: Any,
    ) -> tuple[dict[str, Any], bytes]:
        try:
            with span(f"engine {call}"):
                answer, result = _checked(lambda: pool.run(call, arguments, data, **how))
            if "bytes" not in answer:
                return answer, result
        except NeedsTooMuchMemory:
            logger.warning("the estimate of memory was too low", extra={"call": call})
        return self._run_large(pool, call, arguments, data, **how)

    def _run_large(
        self, pool: ProcessPool, call: str, arguments: dict[str, Any], data: bytes, **how: Any
    ) -> tuple[dict[str, Any], bytes]:
        most = self._settings.max_job_memory_bytes
        arguments["at_most"]["bytes"] = most
        with self._large, span(f"engine {call}", attributes={"engine.large": True}):
            how["memory"] = most + EXTRA_BYTES
            try:
                return _checked(lambda: pool.run(call, arguments, data, **how))
            except NeedsTooMuchMemory as error:
                raise JobFailed("This image needs too much memory: make it smaller.") from error


def _is_slow(answer: Mapping[str, Any]) -> bool:
    return "seconds" in answer


def _checked(work: Callable[[], tuple[Any, bytes]]) -> tuple[dict[str, Any], bytes]:
    """What a worker answers, with its failures as sentences."""
    try:
        answer, result = work()
    except TookTooLong as error:
        raise JobFailed(
            "This image takes too long with these options: make it smaller, or choose another"
            " algorithm."
        ) from error
    except WorkFailed as error:
        logger.exception("the engine failed")
        raise JobFailed("This image cannot be dithered with these options.") from error
    if "refused" in answer:
        raise EngineError(str(answer["refused"]))
    return answer, result
