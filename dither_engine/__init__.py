"""A dithering library: one call, one options object, one result.

``dither`` and ``dither_bytes`` load the compiler (Numba) when they are first accessed; everything
else works without it.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dither_engine.catalogue import catalogue
from dither_engine.errors import EngineError
from dither_engine.options import Options
from dither_engine.result import Dithered, Encoded

if TYPE_CHECKING:
    from dither_engine.pipeline import dither, dither_bytes

__version__ = "1.0.0"

__all__ = ["Dithered", "Encoded", "EngineError", "Options", "catalogue", "dither", "dither_bytes"]


def __getattr__(name: str) -> Any:
    if name in ("dither", "dither_bytes"):
        if sys.stderr is not None and sys.stderr.isatty():
            import_module(f"{__name__}.compiling").announce_compiling()
        return getattr(import_module(f"{__name__}.pipeline"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
