"""What a person does on the page, in steps that wait for what the page shows."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect

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


class Studio:
    """One page, opened at ``url``."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
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

    def downloaded(self) -> Download:
        """Downloads what is open."""
        with self.page.expect_download() as download:
            self.page.locator(".panel-foot .primary").click()
        return download.value

    def saved(self, email: str = "") -> Locator:
        """Keeps and shares what is open; the dialog with the finished version."""
        self.page.get_by_role("button", name="Keep and share").click()
        dialog = self.page.get_by_role("dialog", name="Keep and share")
        if email:
            dialog.get_by_label("email").fill(email)
        dialog.get_by_role("button", name="Keep it and get a link").click()
        expect(dialog.locator(".result-picture")).to_be_visible()
        return dialog
