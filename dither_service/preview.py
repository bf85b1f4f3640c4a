"""A dither at once, of an image that is not kept: for choosing options."""

from typing import Any

from dither_engine import Encoded, EngineError, Options, catalogue, dither_bytes
from dither_service.settings import DitherSettings
from shared.problems import Problem

DEFAULT_SIZE = 1024
LARGEST_SIZE = 2048


class Previews:
    def __init__(self, settings: DitherSettings) -> None:
        self._settings = settings

    def dither(self, data: bytes, options: Options, max_size: int) -> Encoded:
        """The image, fitted into ``max_size`` pixels a side and dithered. Raises ``Problem``."""
        if not data:
            raise Problem(422, "file: it is empty; send an image.")
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

    def choices(self) -> dict[str, Any]:
        """What the engine offers, and what this service takes."""
        limits = {
            "max_bytes": self._settings.max_upload_bytes,
            "max_pixels": self._settings.max_pixels,
            "max_frames": self._settings.max_frames,
            "max_preview_size": LARGEST_SIZE,
        }
        return {**catalogue(), "limits": limits}
