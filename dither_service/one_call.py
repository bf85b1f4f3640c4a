"""One call, one answer: an image is dithered at its full size, and nothing is kept."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from functools import partial

from dither_engine import Encoded, EngineError, Options, __version__, dither_bytes
from dither_service.settings import DitherSettings
from shared.problems import Problem, Unavailable
from shared.workers import Workers

logger = logging.getLogger(__name__)

Engine = Callable[[bytes, Options], Encoded]


def engine_of(settings: DitherSettings) -> Engine:
    """Dither a file within the bounds of one call. Raises EngineError."""
    return partial(
        dither_bytes,
        max_pixels=settings.dither_call_max_pixels,
        max_frames=settings.max_frames,
    )


def etag(data: bytes, options: Options) -> str:
    """The tag of a result, known before it is made: the engine gives equal results each time."""
    parts = (__version__.encode(), options.digest().encode(), hashlib.sha256(data).digest())
    return f'"{hashlib.sha256(b" ".join(parts)).hexdigest()[:32]}"'


class OneCall:
    """At most ``dither_calls_at_once`` images are dithered at once; others wait for their turn."""

    def __init__(self, settings: DitherSettings, engine: Engine | None = None) -> None:
        self._engine = engine or engine_of(settings)
        self._seconds = settings.dither_call_seconds
        self._workers = Workers(settings.dither_calls_at_once, name="one-call")

    async def dither(self, data: bytes, options: Options) -> Encoded:
        """Raises ``Problem`` with a sentence for the client.

        If this is cancelled, an image that is still waiting for its turn is not dithered.
        """
        if not data:
            raise Problem(422, "file: it is empty; send an image.")
        made = self._workers.submit(partial(self._engine, data, options))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(made)
        except TimeoutError:
            if made.cancel():  # it has not begun
                raise Unavailable("Too many images at once; please try again.") from None
            raise self._too_slow() from None
        except EngineError as error:
            raise Problem(422, str(error)) from error
        except ImportError:
            raise  # a part of the engine is not installed
        except Exception as error:
            logger.exception("the engine failed")
            detail = "This image cannot be dithered with these options."
            raise Problem(422, detail) from error

    def _too_slow(self) -> Problem:
        return Problem(
            422,
            f"Dithering this image takes longer than {self._seconds:g} seconds, the most for one "
            "call: choose a smaller size or another algorithm, or upload it with POST /images.",
        )
