"""Inspect uploaded files in worker processes: what a file breaks there harms no other upload."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.problems import Problem, Unavailable
from shared.processes.pool import (
    Busy,
    Limits,
    NeedsTooMuchMemory,
    Nursery,
    ProcessPool,
    TookTooLong,
    WorkerDied,
    WorkFailed,
)
from upload_service.inspection import Bounds, Inspected
from upload_service.settings import UploadSettings
from upload_service.worker import CHANGED, DAMAGED, LARGE, METADATA, MORE, REFUSED, UNKNOWN, handle

logger = logging.getLogger(__name__)

ALLOWED = "PNG, JPEG, GIF, WebP, AVIF, HEIC, BMP and TIFF"
WORKERS = 2
CPU_SECONDS = 5.0  # an honest file of 50 megapixels takes one or two
PATIENCE_SECONDS = 2.0  # of the ten that a client, or the gateway, waits for the answer
# See the dither service's pool: what most files may take, and what is on top of every estimate.
SMALL_BYTES = 64 << 20
EXTRA_BYTES = 40 << 20
_UNREADABLE = "The image is damaged or cut short: it cannot be decoded."
_STAYING_METADATA = (
    "This file is built in an unusual way, so that the place and the camera noted in it cannot be "
    "removed: save it anew with another program, and send that."
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, and its bytes as they are to be stored."""

    file: Inspected
    data: bytes


Inspect = Callable[[bytes], Inspection]


class Inspector:
    """Call it with a file's bytes, from any thread. Raises ``Problem``."""

    def __init__(self, settings: UploadSettings) -> None:
        self._settings = settings
        self._nursery = Nursery("upload_service.worker")
        limits = Limits(CPU_SECONDS, SMALL_BYTES + EXTRA_BYTES, settings.max_upload_bytes)
        self._pool = ProcessPool(self._nursery, WORKERS, limits)
        self._large = threading.Lock()

    def start(self) -> None:
        self._nursery.start()

    def close(self) -> None:
        self._pool.close()
        self._nursery.close()

    def __call__(self, data: bytes) -> Inspection:
        if not data:
            raise _empty()
        answer, kept = self._run(data, SMALL_BYTES)
        if answer is None or MORE in answer:
            answer, kept = self._run_large(data)
        return _judged(answer, data, kept)

    def _run_large(self, data: bytes) -> tuple[Mapping[str, Any] | None, bytes]:
        """A file whose check takes much memory: one at a time."""
        if not self._large.acquire(timeout=PATIENCE_SECONDS):
            raise _busy()
        try:
            return self._run(data, self._settings.max_inspection_bytes)
        finally:
            self._large.release()

    def _run(self, data: bytes, memory: int) -> tuple[Mapping[str, Any] | None, bytes]:
        """The answer; None if the memory was too little."""
        arguments = _arguments(self._settings, memory)
        limit = memory + EXTRA_BYTES
        try:
            return self._pool.run(
                "inspect", arguments, data, memory=limit, patience=PATIENCE_SECONDS
            )
        except Busy:
            raise _busy() from None
        except NeedsTooMuchMemory:
            return None, b""
        except TookTooLong:
            raise Problem(
                422, f"The image takes more than {CPU_SECONDS:g} seconds to decode: save it anew."
            ) from None
        except (WorkerDied, WorkFailed) as error:
            logger.warning("a file could not be inspected", extra={"reason": str(error)})
            raise Problem(422, _UNREADABLE) from None


def inspect_here(settings: UploadSettings) -> Inspect:
    """The same in this process, without its protection."""

    def inspect(data: bytes) -> Inspection:
        if not data:
            raise _empty()
        arguments = _arguments(settings, settings.max_inspection_bytes)
        answer, kept = handle("inspect", arguments, data)
        return _judged(answer, data, kept)

    return inspect


def _arguments(settings: UploadSettings, memory: int) -> dict[str, Any]:
    bounds = Bounds(settings.max_pixels, settings.max_frames, settings.max_inspection_bytes)
    return {
        "bounds": asdict(bounds),
        "at_most": memory,
        "keep_metadata": settings.keep_metadata,
    }


def _judged(answer: Mapping[str, Any] | None, data: bytes, kept: bytes) -> Inspection:
    if answer is None:
        raise Problem(422, "The image needs too much memory: make it smaller and send it again.")
    if REFUSED in answer:
        raise _problem(answer[REFUSED], answer["sentence"])
    return Inspection(Inspected(**answer["file"]), kept if answer[CHANGED] else data)


def _problem(kind: str, sentence: str) -> Problem:
    if kind == UNKNOWN:
        return Problem(415, f"The file is not an image of a known type; allowed: {ALLOWED}.")
    if kind == DAMAGED:
        return Problem(422, _UNREADABLE)
    if kind == LARGE:
        return Problem(422, f"{sentence} Make it smaller and send it again.")
    return Problem(422, _STAYING_METADATA if kind == METADATA else sentence)


def _empty() -> Problem:
    return Problem(422, "The file is empty: send an image.")


def _busy() -> Unavailable:
    return Unavailable("Too many images at once; please try again.", retry_after=2)
