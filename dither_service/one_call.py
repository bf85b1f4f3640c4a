"""One call, one answer: an image is dithered at its full size, and nothing is kept."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from dither_engine import Encoded, Options, __version__
from dither_service.pool import Job
from dither_service.preview import Previews, Wanted
from dither_service.settings import DitherSettings
from shared.problems import Problem, Unavailable
from shared.workers import Workers

Engine = Callable[[bytes, Options, Job], Encoded]


def engine_of(previews: Previews) -> Engine:
    """Dither a file at its full size in a worker process. Raises ``Problem``."""
    return lambda data, options, job: previews.dither(Wanted(options, job, slow=True), data)


def etag(data: bytes, options: Options) -> str:
    """The tag of a result, known before it is made: the engine gives equal results each time."""
    parts = (__version__.encode(), options.digest().encode(), hashlib.sha256(data).digest())
    return f'"{hashlib.sha256(b" ".join(parts)).hexdigest()[:32]}"'


class OneCall:
    """At most ``dither_calls_at_once`` images are dithered at once; others wait for their turn."""

    def __init__(self, settings: DitherSettings, engine: Engine) -> None:
        self._engine = engine
        self._seconds = settings.dither_call_seconds
        self._workers = Workers(settings.dither_calls_at_once, name="one-call")

    async def dither(self, data: bytes, options: Options) -> Encoded:
        """Raises ``Problem`` with a sentence for the client. The work ends if this is cancelled."""
        job = Job()
        made = self._workers.submit(partial(self._engine, data, options, job))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(made)
        except TimeoutError:
            if made.cancel() or not job.begun:
                raise Unavailable(
                    "Too many images at once, or the service has just started; please try again."
                ) from None
            raise self._too_slow() from None
        finally:
            if not made.done():
                job.abandon()

    def _too_slow(self) -> Problem:
        return Problem(
            422,
            f"Dithering this image takes longer than {self._seconds:g} seconds, the most for one "
            "call: choose a smaller size or another algorithm, or upload it with POST /images.",
        )
