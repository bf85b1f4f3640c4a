"""Previews of pictures at full size, as a worker process makes them.

A worker keeps the files, the decoded pictures and the results of its last requests in memory, so
that the next request for the same picture does not repeat the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dither_engine import Dithered, Encoded, Options
from dither_engine.decode import DeepFrame, Frame, Source, open_bytes
from dither_engine.encode import encode
from dither_engine.fit import DONE, READ, fit_of, fitted
from dither_engine.pipeline import dither_source
from dither_engine.prepare import checked
from dither_service.part import Part
from dither_service.preview_memory import PreviewMemory
from dither_service.preview_parts import part_draft, part_png

_BAND = 256  # rows counted at once


@dataclass(frozen=True)
class ShownPart:
    """A part as an image file, and the size and frames of the whole file that would be saved."""

    data: bytes
    content_type: str
    width: int
    height: int
    frames: int


class PreviewWork:
    """Pictures are named by the SHA-256 of their files. Methods raise EngineError."""

    def __init__(
        self, *, max_bytes: int, keep_seconds: float, max_pixels: int, max_frames: int
    ) -> None:
        self._memory = PreviewMemory(max_bytes, keep_seconds)
        self._max_pixels = max_pixels
        self._max_frames = max_frames

    def open(self, name: str, data: bytes) -> Source:
        """The source of a file, which is then kept in memory. Nothing is decoded yet."""
        self._memory.put(("file", name), data, len(data))
        return open_bytes(data, self._max_pixels, self._max_frames)

    def source(self, name: str) -> Source | None:
        """The source of a picture; None if it is not in memory."""
        frame: Frame | DeepFrame | None = self._memory.get(("frame", name))
        if frame is not None:
            return Source(frame)
        data = self._memory.get(("file", name))
        return None if data is None else open_bytes(data, self._max_pixels, self._max_frames)

    def has_result(self, name: str, options: Options) -> bool:
        return self._memory.get(_result_key(name, options)) is not None

    def part(self, source: Source, name: str, options: Options, part: Part) -> ShownPart:
        result = self._result(source, name, options)
        width, height = result.width * options.scale, result.height * options.scale
        make_file, content_type = (
            (part_draft, "image/webp") if part.lossy else (part_png, "image/png")
        )
        data = make_file(result, options.scale, part)
        return ShownPart(data, content_type, width, height, max(1, len(result.frames)))

    def file(self, source: Source, name: str, options: Options) -> Encoded:
        """The whole picture as it would be saved."""
        key = ("encoded", name, options.digest())
        encoded: Encoded | None = self._memory.get(key)
        if encoded is None:
            result = self._result(source, name, options)
            encoded = encode(result, options)
            self._memory.put(key, encoded, len(encoded.data))
        return encoded

    def facts(self, source: Source, name: str, options: Options) -> dict[str, Any]:
        """Size, bytes and colours of the file that would be saved; and the source's size."""
        encoded = self.file(source, name, options)
        width, height = source.size
        return {
            "source": {"width": width, "height": height, "frames": source.count},
            "width": encoded.width,
            "height": encoded.height,
            "frames": encoded.frames,
            "bytes": len(encoded.data),
            "format": options.format,
            **_colours(self._result(source, name, options)),
        }

    def _decoded(self, source: Source, name: str) -> Source:
        """Still pictures are decoded once; frames of an animation whenever they are needed."""
        if source.count > 1 or isinstance(source.image, Frame | DeepFrame):
            return source
        (frame,) = source.frames()
        self._memory.put(("frame", name), frame, _frame_size(frame))
        return Source(frame)

    def _result(self, source: Source, name: str, options: Options) -> Dithered:
        """The result at full size, before enlargement; cached, so that panning is cheap."""
        key = _result_key(name, options)
        result: Dithered | None = self._memory.get(key)
        if result is None:
            prepared, rest = self._prepared(self._decoded(source, name), name, options)
            result = dither_source(prepared, rest, self._max_pixels)
            self._memory.put(key, result, _size(result))
        return result

    def _prepared(self, source: Source, name: str, options: Options) -> tuple[Source, Options]:
        """The source at the size to dither at, also cached, and the options still to apply."""
        if not isinstance(source.image, Frame | DeepFrame):
            return source, options
        fit = fit_of(*source.size, options)
        across, down = (side * options.scale for side in fit.size)
        checked(across, down, 1, self._max_pixels)
        key = ("frame", name, fit, *(getattr(options, field) for field in READ))
        frame: Frame | DeepFrame | None = self._memory.get(key)
        if frame is None:
            frame = fitted(source.image, options, fit)
            if frame is source.image:
                return source, options
            self._memory.put(key, frame, _frame_size(frame))
        return Source(frame), options.model_copy(update=DONE)


def _result_key(name: str, options: Options) -> tuple[str, str, str]:
    # Canonical first: a format without colours does not read which of them are shown.
    drawn = options.canonical().model_copy(update={"scale": 1, "format": "png"})
    return ("result", name, drawn.digest())


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
