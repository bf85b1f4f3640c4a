"""What a person does on the page, in steps that wait for what the page shows."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.system import wait_for

SECONDS = 1000
PATIENCE = 30 * SECONDS  # of Playwright's waits, in milliseconds


def photograph(width: int = 320, height: int = 240, seed: int = 1) -> bytes:
    """A JPEG with soft gradients and some noise; another for each seed."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 24, (height, width, 3))
    colours = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], -1)
    pixels = np.clip(colours * 0.9 + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


@dataclass(frozen=True)
class SavedFile:
    name: str
    data: bytes


class Studio:
    """One page, opened at ``url``.

    folder: where the browser puts downloads, if it does not tell Playwright of them (Firefox).
    """

    def __init__(self, page: Page, url: str, folder: Path | None = None) -> None:
        self.page = page
        self.url = url
        self._folder = folder
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)

    def visit(self, fragment: str = "") -> None:
        self.page.goto(f"{self.url}/{fragment}")
        self.page.locator(".welcome, .workbench, .gallery").first.wait_for(state="attached")
        self.page.get_by_text("and TIFF, up to").wait_for(state="attached")

    def choose(self, data: bytes, name: str = "holiday.jpg", kind: str = "image/jpeg") -> None:
        """Gives a file to the page as the file dialog would."""
        self.page.locator(".drop-zone input").set_input_files(
            {"name": name, "mimeType": kind, "buffer": data}
        )

    def open(self, data: bytes, name: str = "holiday.jpg") -> None:
        with self.previewed():
            self.choose(data, name)
        expect(self.page.locator(".facts dd").first).to_be_attached()

    def drop(self, data: bytes, name: str, kind: str = "image/jpeg") -> None:
        """Drops a file on the page, as a drag from another window would."""
        transfer = self.page.evaluate_handle(
            """([bytes, name, type]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
                return transfer;
            }""",
            [list(data), name, kind],
        )
        self.page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
        expect(self.page.locator(".drop-veil")).to_be_visible()
        self.page.dispatch_event("body", "drop", {"dataTransfer": transfer})

    @contextmanager
    def previewed(self) -> Iterator[None]:
        """What is done inside leads to another preview; leaves when it is shown."""
        stage = self.page.locator(".stage")
        before = stage.get_attribute("data-previews")
        yield
        expect(stage).not_to_have_attribute("data-previews", before or "0")
        expect(stage).to_have_attribute("data-previews", re.compile("[1-9]"))

    def tab(self, name: str) -> Locator:
        tab = self.page.get_by_role("tab", name=name)
        tab.click()
        return self.page.get_by_role("tabpanel", name=name)

    def fact(self, name: str) -> Locator:
        return self.page.locator(".facts-list div", has_text=name).locator("dd")

    def downloaded(self, act: Callable[[], object] | None = None) -> SavedFile:
        """What the browser saves after this was done; without it, after the press of Download."""
        act = act or self.page.locator(".panel-foot .primary").click
        if self._folder is None:
            with self.page.expect_download() as download:
                act()
            return SavedFile(download.value.suggested_filename, download.value.path().read_bytes())
        act()
        return wait_for(self._finished, "download")

    def _finished(self) -> SavedFile | None:
        """The only file in the folder of downloads, which is then taken away."""
        assert self._folder is not None
        files = list(self._folder.iterdir())
        if len(files) != 1 or files[0].stat().st_size == 0:
            return None  # an empty file stands for one that is still being written beside it
        (file,) = files
        saved = SavedFile(file.name, file.read_bytes())
        file.unlink()
        return saved

    def saved(self, email: str = "") -> Locator:
        """Keeps and shares what is open; the dialog with the finished version."""
        self.page.get_by_role("button", name="Keep and share").click()
        dialog = self.page.get_by_role("dialog", name="Keep and share")
        if email:
            dialog.get_by_label("email").fill(email)
        dialog.get_by_role("button", name="Keep it and get a link").click()
        expect(dialog.locator(".result-picture")).to_be_visible()
        return dialog
