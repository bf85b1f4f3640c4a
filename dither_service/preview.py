"""A dither at once, of an image that is not kept: for choosing options."""

import threading
from typing import Any

from dither_service.engine import Encoded, EngineError, Options, catalogue, dither_bytes
from dither_service.settings import DitherSettings
from shared.problems import Problem, Unavailable

DEFAULT_SIZE = 1024
LARGEST_SIZE = 2048


class Previews:
    """Works on a few at once: decoding takes memory, dithering a core."""

    def __init__(self, settings: DitherSettings) -> None:
        self._settings = settings
        self._places = threading.BoundedSemaphore(settings.max_previews)

    def dither(self, data: bytes, options: Options, max_size: int) -> Encoded:
        """The image, fitted into ``max_size`` pixels a side and dithered. Raises ``Problem``."""
        if not data:
            raise Problem(422, "file: it is empty; send an image.")
        if not self._places.acquire(timeout=self._settings.preview_wait_seconds):
            raise Unavailable("Too many previews at once; please try again.", retry_after=1)
        try:
            return dither_bytes(
                data,
                options,
                max_pixels=self._settings.max_pixels,
                max_frames=self._settings.max_frames,
                max_size=max_size,
            )
        except EngineError as error:
            raise Problem(422, str(error)) from error
        finally:
            self._places.release()

    def choices(self) -> dict[str, Any]:
        """What the engine offers, and what this service takes."""
        limits = {
            "max_bytes": self._settings.max_upload_bytes,
            "max_pixels": self._settings.max_pixels,
            "max_frames": self._settings.max_frames,
            "max_preview_size": LARGEST_SIZE,
        }
        return {**catalogue(), "limits": limits}
