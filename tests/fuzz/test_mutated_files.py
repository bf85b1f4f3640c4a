"""Damaged files of every kind, in the processes that decode them: refused or dithered, and soon.

A failure names the file: ``mutant(images(), name, number, seed)`` makes it again.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from dither_engine import EngineError
from dither_service.pool import DitherPool
from dither_service.settings import DitherSettings
from shared.processes.pool import Limits, Nursery, ProcessPool
from tests.fuzz.mutation import mutant
from tests.fuzz.samples import images, palette_files
from tests.fuzz.scale import chosen_scale, chosen_seed
from upload_service.inspection import Bounds
from upload_service.worker import CHANGED, REFUSED

SEED = chosen_seed()
EACH = math.ceil(chosen_scale().mutants / (len(images()) + len(palette_files())))
OPTIONS = {"palette": "gray"}
MB = 1 << 20
# So that what is accepted is soon dithered: the bounds themselves have tests of their own.
BOUNDS = Bounds(pixels=500_000, frames=9, bytes=100 * MB)
UNREADABLE = ("The image is damaged", "This is no image")
SECONDS = 5.0  # of CPU time


@pytest.fixture(scope="module")
def ditherers() -> Iterator[DitherPool]:
    settings = DitherSettings(max_pixels=BOUNDS.pixels, max_frames=BOUNDS.frames)
    pool = DitherPool(settings)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def inspectors() -> Iterator[ProcessPool]:
    nursery = Nursery("upload_service.worker")
    pool = ProcessPool(nursery, 2, Limits(SECONDS, BOUNDS.bytes + 40 * MB))
    yield pool
    pool.close()
    nursery.close()


def inspected(pool: ProcessPool, data: bytes) -> bytes | None:
    """The file as it would be stored; None if it is refused."""
    arguments = {"bounds": asdict(BOUNDS), "at_most": BOUNDS.bytes, "keep_metadata": False}
    answer, kept = pool.run("inspect", arguments, data)
    if REFUSED in answer:
        return None
    return kept if answer[CHANGED] else data


def survived(name: str, samples: dict[str, bytes], attempt: Callable[[bytes], None]) -> None:
    """``attempt`` with damaged files: every exception is a finding."""

    def tried(number: int) -> str | None:
        try:
            attempt(mutant(samples, name, number, SEED))
        except Exception as error:  # noqa: BLE001 - and the others go on
            return f"SEED={SEED} {name!r} number {number}: {type(error).__name__}: {error}"
        return None

    with ThreadPoolExecutor(2) as threads:
        findings = [found for found in threads.map(tried, range(EACH)) if found]
    assert not findings, "\n".join([f"{len(findings)} of {EACH}", *findings[:20]])


@pytest.mark.parametrize("name", images())
def test_a_damaged_image_is_refused_or_dithered(
    name: str, inspectors: ProcessPool, ditherers: DitherPool
) -> None:
    """No process dies, and what the upload accepts is not found damaged later."""

    def attempt(data: bytes) -> None:
        kept = inspected(inspectors, data)
        # What was refused too, as POST /dither and previews read it without an upload.
        try:
            ditherers.dither(data if kept is None else kept, OPTIONS)
        except EngineError as error:  # such as more repeats than the format has
            if kept is not None and str(error).startswith(UNREADABLE):
                raise

    survived(name, images(), attempt)


@pytest.mark.parametrize("name", palette_files())
def test_a_damaged_palette_file_is_refused_or_read(name: str, ditherers: DitherPool) -> None:
    def attempt(data: bytes) -> None:
        try:
            answer, _ = ditherers.request("palette", {}, data)
        except EngineError:
            return
        assert answer["colours"]

    survived(name, palette_files(), attempt)
