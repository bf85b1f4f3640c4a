"""Dithers of images that are not stored: small previews, and parts at full size."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from dither_engine import Dithered, Encoded, EngineError, Options, catalogue, dither_bytes
from dither_engine.decode import DeepFrame, Frame, Source, open_bytes
from dither_engine.encode import encode
from dither_engine.fit import DONE, READ, fit_of, fitted
from dither_engine.pipeline import dither_source
from dither_engine.prepare import checked
from dither_service.preview_memory import PreviewMemory
from dither_service.preview_parts import Part, part_draft, part_png
from dither_service.settings import DitherSettings
from shared.problems import Problem

DEFAULT_SIZE = 1024
LARGEST_SIZE = 2048
_LOCKS = 16
_BAND = 256  # rows counted at once

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Picture:
    """A file from a request, and its name: the SHA-256 of its bytes, in hex."""

    id: str
    data: bytes


@dataclass(frozen=True)
class ShownPart:
    """A part as an image file, and the size and frames of the whole file that would be saved."""

    data: bytes
    content_type: str
    width: int
    height: int
    frames: int


class Previews:
    """Makes previews. Methods raise ``Problem`` with a sentence for the client."""

    def __init__(self, settings: DitherSettings, memory: PreviewMemory | None = None) -> None:
        self._settings = settings
        self._memory = memory or PreviewMemory(
            settings.preview_memory_bytes, settings.preview_keep_seconds
        )
        # Two requests for the same new result wait for each other instead of working twice.
        self._locks = [Lock() for _ in range(_LOCKS)]

    def dither(self, data: bytes, options: Options, max_size: int) -> Encoded:
        """The image, fitted into ``max_size`` pixels a side and dithered."""
        _refuse_empty(data)
        return _answered(
            lambda: dither_bytes(
                data,
                options,
                max_pixels=self._settings.max_pixels,
                max_frames=self._settings.max_frames,
                max_size=max_size,
            )
        )

    def hold(self, data: bytes) -> Picture:
        """Keep a file in memory for a while."""
        _refuse_empty(data)
        picture = Picture(hashlib.sha256(data).hexdigest(), data)
        self._memory.put(("file", picture.id), data, len(data))
        return picture

    def held(self, name: str) -> Picture:
        """A file from an earlier request; 404 if it is not in memory (any more)."""
        data = self._memory.get(("file", name))
        if data is None:
            raise Problem(404, "The service does not have this picture in memory; send its file.")
        return Picture(name, data)

    def part(self, picture: Picture, options: Options, part: Part) -> ShownPart:
        def make() -> ShownPart:
            result = self._result(picture, options)
            width, height = result.width * options.scale, result.height * options.scale
            make_file, content_type = (
                (part_draft, "image/webp") if part.lossy else (part_png, "image/png")
            )
            data = make_file(result, options.scale, part)
            return ShownPart(data, content_type, width, height, max(1, len(result.frames)))

        return _answered(make)

    def file(self, picture: Picture, options: Options) -> Encoded:
        """The whole picture as it would be saved."""
        return _answered(lambda: self._encoded(picture, options))

    def facts(self, picture: Picture, options: Options) -> dict[str, Any]:
        """Size, bytes and colours of the file that would be saved; and the source's size."""

        def look() -> dict[str, Any]:
            encoded = self._encoded(picture, options)
            width, height, count = self._source_size(picture)
            return {
                "source": {"width": width, "height": height, "frames": count},
                "width": encoded.width,
                "height": encoded.height,
                "frames": encoded.frames,
                "bytes": len(encoded.data),
                "format": options.format,
                **_colours(self._result(picture, options)),
            }

        return _answered(look)

    def choices(self) -> dict[str, Any]:
        """The options that the engine offers, and the limits of this service."""
        limits = {
            "max_bytes": self._settings.max_upload_bytes,
            "max_pixels": self._settings.max_pixels,
            "max_frames": self._settings.max_frames,
            "max_preview_size": LARGEST_SIZE,
        }
        return {**catalogue(), "limits": limits}

    def _encoded(self, picture: Picture, options: Options) -> Encoded:
        key = ("encoded", picture.id, options.digest())
        encoded: Encoded | None = self._memory.get(key)
        if encoded is None:
            encoded = encode(self._result(picture, options), options)
            self._memory.put(key, encoded, len(encoded.data))
        return encoded

    def _result(self, picture: Picture, options: Options) -> Dithered:
        """The result at full size, before enlargement; cached, so that panning is cheap."""
        drawn = options.model_copy(update={"scale": 1, "format": "png"})
        key = ("result", picture.id, drawn.digest())
        with self._locks[hash(key) % _LOCKS]:
            result: Dithered | None = self._memory.get(key)
            if result is None:
                source, rest = self._prepared(picture, options)
                result = dither_source(source, rest, self._settings.max_pixels)
                self._memory.put(key, result, _size(result))
            return result

    def _source(self, picture: Picture) -> Source:
        frame: Frame | DeepFrame | None = self._memory.get(("frame", picture.id))
        if frame is not None:
            return Source(frame)
        source = open_bytes(picture.data, self._settings.max_pixels, self._settings.max_frames)
        if source.count > 1:
            return source
        (frame,) = source.frames()
        self._memory.put(("frame", picture.id), frame, _frame_size(frame))
        return Source(frame)

    def _source_size(self, picture: Picture) -> tuple[int, int, int]:
        source = self._source(picture)
        return *source.size, source.count

    def _prepared(self, picture: Picture, options: Options) -> tuple[Source, Options]:
        """The source at the size to dither at, also cached, and the options still to apply."""
        source = self._source(picture)
        if not isinstance(source.image, Frame | DeepFrame):
            return source, options
        fit = fit_of(*source.size, options)
        across, down = (side * options.scale for side in fit.size)
        checked(across, down, 1, self._settings.max_pixels)
        key = ("frame", picture.id, fit, *(getattr(options, name) for name in READ))
        frame: Frame | DeepFrame | None = self._memory.get(key)
        if frame is None:
            frame = fitted(source.image, options, fit)
            if frame is source.image:
                return source, options
            self._memory.put(key, frame, _frame_size(frame))
        return Source(frame), options.model_copy(update=DONE)


def _refuse_empty(data: bytes) -> None:
    if not data:
        raise Problem(422, "file: it is empty; send an image.")


def _answered(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except EngineError as error:
        raise Problem(422, str(error)) from error


def _frame_size(frame: Frame | DeepFrame) -> int:
    return frame.pixels.nbytes + frame.mask.nbytes


def _size(result: Dithered) -> int:
    frames = result.frames or (result,)
    return sum(f.indices.nbytes + (0 if f.alpha is None else f.alpha.nbytes) for f in frames)


def _colours(result: Dithered) -> dict[str, Any]:
    """How many colours are visible; for a palette also the share of each, largest first."""
    frames = result.frames or (result,)
    if not result.indexed:
        return {"colours": _combinations(frames), "palette": []}
    counts = np.zeros(len(result.palette), np.int64)
    for frame in frames:
        seen = frame.indices if frame.alpha is None else frame.indices[frame.alpha > 0]
        counts += np.bincount(seen.ravel(), minlength=len(counts))
    used = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    total = max(1, int(counts.sum()))
    shares = [
        {"hex": f"#{result.palette[place].tobytes().hex()}", "share": int(counts[place]) / total}
        for place in used
    ]
    return {"colours": len(used), "palette": shares}


def _combinations(frames: Sequence[Dithered]) -> int:
    """How many combinations of the channels' levels are visible."""
    count = len(frames[0].palette)
    seen = np.zeros(count**3, bool)
    for frame in frames:
        for top in range(0, frame.height, _BAND):
            levels = frame.indices[top : top + _BAND].astype(np.int32)
            codes = (levels[..., 0] * count + levels[..., 1]) * count + levels[..., 2]
            if frame.alpha is not None:
                codes = codes[frame.alpha[top : top + _BAND] > 0]
            seen[codes] = True
    return int(np.count_nonzero(seen))
