"""A viewer's newer request stops the work on its older one, and nobody else's."""

import asyncio
import threading
from typing import cast

import pytest
from fastapi import Request

from dither_engine import Options
from dither_service.pool import Abandoned
from dither_service.preview import Wanted
from dither_service.settings import DitherSettings
from dither_service.waiting import Places
from shared.problems import Problem


class Waiting:
    """A client that stays."""

    async def is_disconnected(self) -> bool:
        return False


REQUEST = cast("Request", Waiting())
OPTIONS = Options()


class Endless:
    """Work that ends when it is abandoned, or allowed to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, wanted: Wanted) -> str:
        self.begun.set()
        while not self.may_end.wait(0.01):
            if wanted.job.abandoned:
                raise Abandoned
        return "old"


async def both(viewer: str | None, other: str | None) -> list[object]:
    """What two requests of these viewers give, the second while the first is under way."""
    places, old = Places(DitherSettings(max_previews=2)), Endless()
    first = asyncio.create_task(places.answer(REQUEST, OPTIONS, old, viewer))
    await asyncio.to_thread(old.begun.wait, 30)
    second = await places.answer(REQUEST, OPTIONS, lambda wanted: "new", other)
    if viewer is None or viewer != other:
        old.may_end.set()
    return [*await asyncio.gather(first, return_exceptions=True), second]


def test_the_same_viewer() -> None:
    stopped, new = asyncio.run(both("a", "a"))
    assert isinstance(stopped, Problem)
    assert new == "new"


@pytest.mark.parametrize(("viewer", "other"), [("a", "b"), (None, None), ("a", None)])
def test_others(viewer: str | None, other: str | None) -> None:
    assert asyncio.run(both(viewer, other)) == ["old", "new"]
