"""The work of the worker processes: this module is loaded only by the nursery (shared/processes).

An uploaded file is not touched by any other code before it was checked here.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dither_engine.decode import open_bytes
from dither_engine.errors import Damaged, EngineError, TooLarge, UnknownFormat
from upload_service.inspection import Bounds, NeedsMore, inspect
from upload_service.metadata import CannotStripError, strip

Answer = tuple[dict[str, Any], bytes]

REFUSED, MORE, CHANGED = "refused", "more", "changed"
UNKNOWN, DAMAGED, LARGE, METADATA, OTHER = "unknown", "damaged", "large", "metadata", "other"


def warm() -> None:
    """Nothing to load: the decoders have been imported."""


def handle(_: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
    """A file → what it is, and the file without metadata if that differs."""
    try:
        return _look(arguments, data)
    except NeedsMore:
        return {MORE: True}, b""
    except CannotStripError:
        return {REFUSED: METADATA, "sentence": ""}, b""
    except EngineError as error:
        return {REFUSED: _kind(error), "sentence": str(error)}, b""


def _look(arguments: Mapping[str, Any], data: bytes) -> Answer:
    bounds, at_most = Bounds(**arguments["bounds"]), arguments["at_most"]
    open_bytes(data, bounds.pixels, bounds.frames)  # bounds the parts that `strip` walks through
    kept = data
    if not arguments["keep_metadata"]:
        try:
            kept = strip(data)
        except CannotStripError:
            inspect(data, bounds, at_most)  # if the file is damaged, this says so
            raise
    found = inspect(kept, bounds, at_most)
    changed = kept != data
    return {CHANGED: changed, "file": asdict(found)}, kept if changed else b""


def _kind(error: EngineError) -> str:
    for kind, name in ((UnknownFormat, UNKNOWN), (Damaged, DAMAGED), (TooLarge, LARGE)):
        if isinstance(error, kind):
            return name
    return OTHER
