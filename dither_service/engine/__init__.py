"""A dithering library: one call, one options object, one result."""

from dither_service.engine.catalogue import catalogue
from dither_service.engine.errors import EngineError
from dither_service.engine.options import Options
from dither_service.engine.pipeline import dither, dither_bytes
from dither_service.engine.result import Dithered, Encoded

__all__ = ["Dithered", "Encoded", "EngineError", "Options", "catalogue", "dither", "dither_bytes"]
