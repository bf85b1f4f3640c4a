"""The work of the worker processes: this module is loaded only by the nursery (shared/processes).

Each function of `_CALLS` takes arguments that JSON can express, and a file's bytes; it returns an
answer of the same kind and bytes. ``{"refused": sentence}`` is an EngineError, and
``{"seconds": n}`` says that the work is estimated to take longer than this worker may.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from dither_engine import Encoded, EngineError, Options, memory
from dither_engine.cost import Size, check_cost
from dither_engine.decode import Source, open_bytes
from dither_engine.footprint import bytes_to_dither, check_bytes
from dither_engine.palette_files import colours_of_file
from dither_engine.palettes import normal_colours
from dither_engine.pipeline import dither_opened
from dither_service.part import Part
from dither_service.preview_work import PreviewWork

KEPT_BYTES = 24 << 20  # of freed buffers, for the next job of this worker
Arguments = Mapping[str, Any]
Answer = tuple[dict[str, Any], bytes]

_PALETTE_PIXELS = 4_000_000  # of a picture of a palette
REFUSED, SECONDS, BYTES, MISSING = "refused", "seconds", "bytes", "missing"


def warm() -> None:
    """Dither two small pictures, so that the workers have the kernels of most jobs in memory."""
    memory.KEPT = KEPT_BYTES
    for mode in ("RGB", "L"):
        file = io.BytesIO()
        pixels = np.arange(64 * 64 * len(mode), dtype=np.uint16).astype(np.uint8)
        Image.frombytes(mode, (64, 64), pixels.tobytes()).save(file, "JPEG")
        dither_opened(open_bytes(file.getvalue()), Options(), max_pixels=64 * 64)


def handle(call: str, arguments: Arguments, data: bytes) -> Answer:
    try:
        return _CALLS[call](arguments, data)
    except EngineError as error:
        return {REFUSED: str(error)}, b""


def _dither(arguments: Arguments, data: bytes) -> Answer:
    """A file → the dithered file."""
    options = Options.parse(arguments["fields"])
    limits = arguments["limits"]
    max_size = arguments["max_size"]
    source = open_bytes(data, limits["pixels"], limits["frames"])
    if (too_much := _too_much(source, options, arguments, max_size)) is not None:
        return too_much, b""
    encoded = dither_opened(source, options, max_pixels=limits["pixels"], max_size=max_size)
    return _described(encoded), encoded.data


def _too_much(
    source: Source, options: Options, arguments: Arguments, max_size: int | None = None
) -> dict[str, Any] | None:
    """The answer, if the work is estimated to take more than this call may.

    Raises EngineError if it is more than any call may take.
    """
    limits, at_most = arguments["limits"], arguments["at_most"]
    size = Size(*source.size, source.count)
    seconds = check_cost(size, options, limits["seconds"], max_size)
    needed = bytes_to_dither(source, options, max_size)
    check_bytes(needed, limits["bytes"])
    if seconds > at_most["seconds"]:
        return {SECONDS: seconds}
    return {BYTES: needed} if needed > at_most["bytes"] else None


def _described(encoded: Encoded) -> dict[str, Any]:
    named = ((field.name, getattr(encoded, field.name)) for field in fields(encoded))
    return {name: value for name, value in named if name != "data"}


def _palette(arguments: Arguments, data: bytes) -> Answer:
    """A palette file, or a picture of at most 256 colours → its colours."""
    most = min(arguments["limits"]["pixels"], _PALETTE_PIXELS)
    return {"colours": normal_colours(colours_of_file(data, max_pixels=most))}, b""


# Previews. The worker keeps the pictures of the last requests in its memory.


@cache
def _previews(max_bytes: int, keep_seconds: float, max_pixels: int, max_frames: int) -> PreviewWork:
    return PreviewWork(
        max_bytes=max_bytes,
        keep_seconds=keep_seconds,
        max_pixels=max_pixels,
        max_frames=max_frames,
    )


def _preview(arguments: Arguments, data: bytes) -> Answer:
    """What ``wish`` says of a picture by its name; ``data`` is its file, or empty if this worker
    may still have it."""
    limits, name, options = (
        arguments["limits"],
        arguments["picture"],
        Options.parse(arguments["fields"]),
    )
    previews = _previews(
        **arguments["memory"], max_pixels=limits["pixels"], max_frames=limits["frames"]
    )
    source = previews.open(name, data) if data else previews.source(name)
    if source is None:
        return {MISSING: True}, b""
    if not previews.has_result(name, options):
        too_much = _too_much(source, options, arguments)
        if too_much is not None:
            return too_much, b""
    return _WISHES[arguments["wish"]](previews, source, arguments, options)


def _part(previews: PreviewWork, source: Source, arguments: Arguments, options: Options) -> Answer:
    part = Part.model_validate(arguments["part"])
    shown = previews.part(source, arguments["picture"], options, part)
    return {
        "content_type": shown.content_type,
        "width": shown.width,
        "height": shown.height,
        "frames": shown.frames,
    }, shown.data


def _file(previews: PreviewWork, source: Source, arguments: Arguments, options: Options) -> Answer:
    encoded = previews.file(source, arguments["picture"], options)
    return _described(encoded), encoded.data


def _facts(previews: PreviewWork, source: Source, arguments: Arguments, options: Options) -> Answer:
    return previews.facts(source, arguments["picture"], options), b""


_WISHES = {"part": _part, "file": _file, "facts": _facts}
_CALLS: dict[str, Callable[[Arguments, bytes], Answer]] = {
    "dither": _dither,
    "palette": _palette,
    "preview": _preview,
}
