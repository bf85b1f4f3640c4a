"""Requests whose work takes a worker process: they wait for a place, and stop with their client."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from dither_engine import Options
from dither_service.pool import Abandoned, Job
from dither_service.preview import Slow, Wanted
from dither_service.settings import DitherSettings
from shared.problems import Problem
from shared.slots import Slots

T = TypeVar("T")
LOOK_SECONDS = 0.5  # how often it is looked whether the client is still there
_BUSY = "Too many previews at once; please try again."


class Places:
    """At most ``max_previews`` requests at once, of which slow ones leave one for the others."""

    def __init__(self, settings: DitherSettings) -> None:
        wait = settings.preview_wait_seconds
        self._newest: dict[str, Job] = {}  # of each viewer
        self._all = Slots(settings.max_previews, wait_seconds=wait, busy=_BUSY)
        self._slow = Slots(
            max(1, settings.max_previews - 1),
            wait_seconds=wait,
            busy="Another preview that takes long is being made; please try again.",
        )

    async def answer(
        self,
        request: Request,
        options: Options,
        work: Callable[[Wanted], T],
        viewer: str | None = None,
    ) -> T:
        """Run the work in a thread. It is stopped when the client goes.

        viewer: it is also stopped when the same viewer asks for something newer, because a client
        that goes is not noticed through every proxy.
        """
        job = Job()
        if viewer is not None:
            if (older := self._newest.get(viewer)) is not None:
                older.abandon()
            self._newest[viewer] = job
        try:
            return await self._run(request, options, work, job)
        finally:
            if viewer is not None and self._newest.get(viewer) is job:
                del self._newest[viewer]

    async def _run(
        self, request: Request, options: Options, work: Callable[[Wanted], T], job: Job
    ) -> T:
        try:
            async with self._all.taken():
                return await _watched(request, job, lambda: work(Wanted(options, job)))
        except Slow:
            async with self._slow.taken(), self._all.taken():
                return await _watched(request, job, lambda: work(Wanted(options, job, slow=True)))


async def _watched(request: Request, job: Job, work: Callable[[], T]) -> T:
    task = asyncio.ensure_future(run_in_threadpool(work))
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                job.abandon()
        return await task
    except Abandoned:
        raise Problem(503, "Nobody waits for this preview any more.") from None
