"""Dithers of images that are not stored: small previews, and parts at full size.

The files of the last requests are kept here; worker processes decode and dither them, and keep what
they have decoded (see ``preview_work.py``). A worker that dies takes only its copies with it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from dither_engine import Encoded, EngineError, Options, catalogue
from dither_service.part import Part
from dither_service.pool import DitherPool, Job, JobFailed, WorkerDied
from dither_service.preview_memory import PreviewMemory
from dither_service.settings import DitherSettings
from shared.problems import Problem

DEFAULT_SIZE = 1024
LARGEST_SIZE = 2048
_LOCKS = 64
_FILES_SHARE = 4  # files have a quarter of the memory for previews, the workers have the rest

Answer = tuple[dict[str, Any], bytes]


class Slow(Exception):
    """The work is expected to take some seconds: it needs one of the places for slow requests."""


@dataclass(frozen=True)
class Picture:
    """A file from a request, and its name: the SHA-256 of its bytes, in hex."""

    id: str
    data: bytes


@dataclass(frozen=True)
class Wanted:
    """How a request is to be answered: slow work is refused with ``Slow`` unless it is allowed."""

    options: Options
    job: Job
    slow: bool = False


class Previews:
    """Makes previews. Methods raise ``Problem`` with a sentence for the client, and ``Slow``."""

    def __init__(self, settings: DitherSettings, pool: DitherPool) -> None:
        self._settings = settings
        self._pool = pool
        files = settings.preview_memory_bytes // _FILES_SHARE
        self._files = PreviewMemory(files, settings.preview_keep_seconds)
        self._memory = {
            "max_bytes": (settings.preview_memory_bytes - files) // settings.max_previews,
            "keep_seconds": settings.preview_keep_seconds,
        }
        # Requests for the same picture take turns, so that one worker has it in memory.
        self._locks = [Lock() for _ in range(_LOCKS)]

    def dither(self, wanted: Wanted, data: bytes, max_size: int | None = None) -> Encoded:
        """The image, fitted into ``max_size`` pixels a side and dithered."""
        _refuse_empty(data)
        answer, result = self._run(wanted, "dither", data, None, max_size=max_size)
        return Encoded(result, **answer)

    def hold(self, data: bytes) -> Picture:
        """Keep a file in memory for a while."""
        _refuse_empty(data)
        picture = Picture(hashlib.sha256(data).hexdigest(), data)
        self._files.put(picture.id, data, len(data))
        return picture

    def held(self, name: str) -> Picture:
        """A file from an earlier request; 404 if it is not in memory (any more)."""
        data = self._files.get(name)
        if data is None:
            raise Problem(404, "The service does not have this picture in memory; send its file.")
        return Picture(name, data)

    def part(self, wanted: Wanted, picture: Picture, part: Part) -> Answer:
        """The part as an image file; its type, and the size and frames of the whole file."""
        return self._of(picture, wanted, "part", part=part.model_dump())

    def file(self, wanted: Wanted, picture: Picture) -> Encoded:
        """The whole picture as it would be saved."""
        answer, result = self._of(picture, wanted, "file")
        return Encoded(result, **answer)

    def facts(self, wanted: Wanted, picture: Picture) -> dict[str, Any]:
        """Size, bytes and colours of the file that would be saved; and the source's size."""
        return self._of(picture, wanted, "facts")[0]

    def palette(self, wanted: Wanted, data: bytes) -> list[str]:
        """The colours of a palette file, or of a picture of a palette."""
        _refuse_empty(data)
        colours: list[str] = self._run(wanted, "palette", data, None)[0]["colours"]
        return colours

    def choices(self) -> dict[str, Any]:
        """The options that the engine offers, and the limits of this service."""
        limits = {
            "max_bytes": self._settings.max_upload_bytes,
            "max_pixels": self._settings.max_pixels,
            "max_frames": self._settings.max_frames,
            "max_preview_size": LARGEST_SIZE,
        }
        return {**catalogue(), "limits": limits, "access": self._settings.access_mode}

    def _of(self, picture: Picture, wanted: Wanted, wish: str, **arguments: Any) -> Answer:
        sent = {"wish": wish, "picture": picture.id, "memory": self._memory, **arguments}
        with self._locks[int(picture.id[:8], 16) % _LOCKS]:
            answer = self._run(wanted, "preview", b"", picture.id, **sent)
            if "missing" in answer[0]:
                answer = self._run(wanted, "preview", picture.data, picture.id, **sent)
        return answer

    def _run(
        self, wanted: Wanted, call: str, data: bytes, like: str | None, **arguments: Any
    ) -> Answer:
        fields = wanted.options.differing()
        answer, result = _answered(
            lambda: self._pool.request(
                call, fields, data, slow=wanted.slow, job=wanted.job, like=like, **arguments
            )
        )
        if "seconds" in answer:
            raise Slow
        return answer, result


def _refuse_empty(data: bytes) -> None:
    if not data:
        raise Problem(422, "file: it is empty; send an image.")


def _answered(work: Callable[[], tuple[Mapping[str, Any], bytes]]) -> Answer:
    try:
        answer, result = work()
    except (EngineError, JobFailed) as error:
        raise Problem(422, str(error)) from error
    except WorkerDied as error:
        raise Problem(422, "This image cannot be dithered with these options.") from error
    return dict(answer), result
