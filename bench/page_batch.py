"""A batch of photographs in the page, beside the engine that dithers the same files by itself."""

import io
import tempfile
import time
import zipfile
from pathlib import Path

from playwright.sync_api import Browser, Download

from dither_engine import Options, dither_bytes
from tests.browser.memory import page_memory
from tests.browser.studio import Studio, photograph

PHOTOGRAPHS = 50
DIFFERENT = 5  # one takes longer to make than to dither
LOOK_MS = 200


def batch(browser: Browser, url: str) -> tuple[float, int]:
    """The page's rate as a share of the engine's, and the most memory it had, in bytes."""
    files = [photograph(4000, 3000, seed) for seed in range(DIFFERENT)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"photo {number}.jpg" for number in range(PHOTOGRAPHS)]
        for number, path in enumerate(paths):
            path.write_bytes(files[number % DIFFERENT])
        before = engine_seconds(files)
        seconds, memory = page_seconds(browser, url, paths)
    engine = (before + engine_seconds(files)) / 2 * PHOTOGRAPHS / DIFFERENT
    return engine / seconds, memory


def engine_seconds(files: list[bytes]) -> float:
    begun = time.perf_counter()
    for data in files:
        dither_bytes(data, Options())
    return time.perf_counter() - begun


def page_seconds(browser: Browser, url: str, paths: list[Path]) -> tuple[float, int]:
    """From the click until the browser has the ZIP; and the memory of the page meanwhile."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    studio = Studio(context.new_page(), url)
    page = studio.page
    studio.visit()
    with studio.previewed():
        page.locator(".drop-zone input").set_input_files(paths)
    page.wait_for_load_state("networkidle")
    saved: list[Download] = []

    def note(download: Download) -> None:
        saved.append(download)

    page.on("download", note)
    memory = page_memory(browser)
    begun = time.perf_counter()
    page.get_by_role("button", name=f"Download all {PHOTOGRAPHS}").click()
    while not saved:
        page.wait_for_timeout(LOOK_MS)
        memory = max(memory, page_memory(browser))
    seconds = time.perf_counter() - begun
    with zipfile.ZipFile(io.BytesIO(saved[0].path().read_bytes())) as file:
        if len(file.namelist()) != PHOTOGRAPHS:
            raise RuntimeError(f"The ZIP has {len(file.namelist())} pictures.")
    context.close()
    return seconds, memory
