"""The engine in worker processes: what it costs is checked first, and what it breaks is contained.

There are three lanes, so that work that takes long delays only its own kind: quick jobs, slow jobs
(of a lower priority: they use the processors that are idle), and requests that a client waits for.
"""

import logging
from collections.abc import Mapping
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

__all__ = ["Abandoned", "DitherPool", "Job", "JobFailed", "WorkerDied"]

logger = logging.getLogger(__name__)

# A job is quick if it is estimated to take no longer; CPU seconds.
QUICK_SECONDS = 0.5
REQUEST_QUICK_SECONDS = 2.0
# A job may take so much longer than the largest estimate that is allowed.
ESTIMATE_FACTOR = 4.0
_NICENESS = 10
_MODULE = "dither_service.worker"


class JobFailed(Exception):
    """The work was done in vain; the text is a sentence for the user."""


class DitherPool:
    """Any thread may call the methods. They raise EngineError and ``JobFailed`` with a sentence,
    ``WorkerDied`` if the process has crashed, ``TransientFailure`` if none can be started, and
    ``Abandoned`` after ``job.abandon()``."""

    def __init__(self, settings: DitherSettings, nursery: Nursery | None = None) -> None:
        self._settings = settings
        self._nursery = nursery or Nursery(_MODULE)
        limits = Limits(settings.max_job_seconds * ESTIMATE_FACTOR, settings.max_job_memory_bytes)
        self._quick = ProcessPool(self._nursery, settings.consumer_workers, limits)
        self._slow = ProcessPool(self._nursery, settings.consumer_workers, limits, nice=_NICENESS)
        self._requests = ProcessPool(self._nursery, settings.max_previews, limits)

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
        arguments = self._arguments(fields, QUICK_SECONDS, max_size=max_size)
        if not slow:
            answer, result = self._run(self._quick, "dither", arguments, data, job=job)
            if "seconds" not in answer:
                return Encoded(result, **answer)
        arguments["at_most"] = self._settings.max_job_seconds
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
        settings = self._settings
        most = settings.max_request_seconds if slow else REQUEST_QUICK_SECONDS
        sent = self._arguments(fields, most, **arguments)
        sent["limits"]["seconds"] = settings.max_request_seconds
        return self._run(self._requests, call, sent, data, job=job, like=like)

    def _arguments(
        self, fields: Mapping[str, Any], at_most: float, **others: Any
    ) -> dict[str, Any]:
        settings = self._settings
        limits = {
            "pixels": settings.max_pixels,
            "frames": settings.max_frames,
            "seconds": settings.max_job_seconds,
        }
        return {"fields": dict(fields), "limits": limits, "at_most": at_most, **others}

    def _run(
        self,
        pool: ProcessPool,
        call: str,
        arguments: Mapping[str, Any],
        data: bytes,
        **how: Any,
    ) -> tuple[dict[str, Any], bytes]:
        try:
            answer, result = pool.run(call, arguments, data, **how)
        except TookTooLong as error:
            raise JobFailed(
                "This image takes too long with these options: make it smaller, or choose another"
                " algorithm."
            ) from error
        except NeedsTooMuchMemory as error:
            raise JobFailed("This image needs too much memory: make it smaller.") from error
        except WorkFailed as error:
            logger.exception("the engine failed", extra={"call": call})
            raise JobFailed("This image cannot be dithered with these options.") from error
        if "refused" in answer:
            raise EngineError(str(answer["refused"]))
        return answer, result
