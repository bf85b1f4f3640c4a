"""One dither job: fetch the original, dither it, store the result. No database is involved."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dither_engine import Encoded, EngineError
from dither_engine.formats import FORMATS
from dither_service.metrics import observed_job
from dither_service.pool import DitherPool, JobFailed
from dither_service.pool import Job as Work
from dither_service.settings import DitherSettings
from shared import failpoints
from shared.context import Origin, continued, current_traceparent
from shared.failures import TransientFailure
from shared.storage import (
    FileMissingError,
    Storage,
    StorageRefusedError,
    StorageUnavailableError,
    StoredFile,
)

logger = logging.getLogger(__name__)

# A file may be readable a moment after it was stored (Cloudinary's edge); a deleted one never is.
MISSING_GRACE = timedelta(seconds=3)


class CannotDither(Exception):
    """This dither can never be made; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Job:
    """``key`` is the storage key of the result. It depends only on image and options, so a repeat
    of the job overwrites the file with the same bytes. cost, turn, attempts: see ``queue.py``."""

    image_uuid: UUID
    dither_id: UUID
    url: str
    fields: dict[str, Any]
    key: str
    produced_at: datetime
    origin: Origin
    cost: float = 0.0
    slow: bool = False
    turn: float = 0.0
    attempts: int = 1


def result_key(image_uuid: UUID, digest: str, fields: dict[str, Any]) -> str:
    """The storage key of a dither, known before it is made, because its format is an option."""
    # A format of a newer version is refused when the job runs; its key is never used.
    suffix = FORMATS.get(str(fields.get("format")), FORMATS["png"]).suffix
    return f"dithers/{image_uuid}-{digest[:32]}.{suffix}"


class JobRunner:
    """Any number of threads may call ``run``. Those that wait for the storage take no processor, so
    there may be more of them than worker processes."""

    def __init__(
        self,
        settings: DitherSettings,
        storage: Storage,
        pool: DitherPool,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._pool = pool
        self._now = now
        self._running: dict[UUID, tuple[UUID, Work]] = {}

    def run(self, job: Job) -> dict[str, Any]:
        """Run the job and return the columns of the dither's row about the stored result.

        ``traceparent`` is the job's place in the trace, for the message that tells of it.

        Raises ``CannotDither`` if this dither can never be made, ``WorkerDied`` if the process that
        worked on it has crashed, ``Abandoned`` after ``abandon``, and ``TransientFailure`` while
        something is not available.
        """
        work = Work()
        self._running[job.dither_id] = job.image_uuid, work
        try:
            with continued(job.origin), observed_job(job.slow, self._now() - job.produced_at):
                encoded = self._dither(self._fetch(job), job, work)
                stored = self._store(job.key, encoded)
                traceparent = current_traceparent()
        finally:
            del self._running[job.dither_id]
        return {
            "traceparent": traceparent,
            "key": stored.key,
            "url": stored.url,
            "content_type": encoded.content_type,
            "width": encoded.width,
            "height": encoded.height,
            "bytes": len(encoded.data),
        }

    def abandon(self, images: Collection[UUID]) -> None:
        """Stop the work on these images: they were deleted."""
        for image, work in list(self._running.values()):
            if image in images:
                work.abandon()

    def _fetch(self, job: Job) -> bytes:
        try:
            data = self._storage.fetch(job.url, max_bytes=self._settings.max_upload_bytes)
        except StorageUnavailableError as error:
            raise TransientFailure(str(error)) from error
        except FileMissingError as error:
            if self._now() - job.produced_at < MISSING_GRACE:
                raise TransientFailure(str(error)) from error
            raise CannotDither("The original image is gone.") from error
        except StorageRefusedError as error:
            logger.warning("an original is not fetched", extra={"reason": str(error)})
            raise CannotDither("The original is no file of this service's storage.") from error
        failpoints.hit("dither.after-fetch")
        return data

    def _dither(self, data: bytes, job: Job, work: Work) -> Encoded:
        try:
            encoded = self._pool.dither(data, job.fields, slow=job.slow, job=work)
        except (EngineError, JobFailed) as error:
            raise CannotDither(str(error)) from error
        most = self._settings.max_result_bytes
        if len(encoded.data) > most:
            raise CannotDither(
                f"The dithered file would have {len(encoded.data):,} bytes; at most {most:,} are"
                " allowed. Choose a smaller size, fewer colours or the format webp."
            )
        failpoints.hit("dither.after-engine")
        return encoded

    def _store(self, key: str, encoded: Encoded) -> StoredFile:
        try:
            stored = self._storage.put(key, encoded.data, encoded.content_type)
        except StorageUnavailableError as error:
            raise TransientFailure(str(error)) from error
        except StorageRefusedError as error:
            logger.warning("a dither is not stored", extra={"reason": str(error)})
            raise CannotDither("The storage does not take the dithered image.") from error
        failpoints.hit("dither.after-put")
        return stored
