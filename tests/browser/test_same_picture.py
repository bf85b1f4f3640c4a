"""What is on the screen is a part of the very picture that is saved."""

import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tests.browser.studio import Studio, photograph

LOOKS = ("Newspaper", "Game Boy", "E-ink grey", "Red e-ink tag", "Two-ink print", "Small GIF")
SIZES = ((320, 240), (1500, 1100), (4000, 3000))


def read(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.journey
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_screen_and_the_file_have_the_same_pixels(
    studio: Studio, size: tuple[int, int]
) -> None:
    page = studio.page
    page.emulate_media(reduced_motion="reduce")
    studio.open(photograph(*size), "picture.jpg")
    page.get_by_role("radio", name="Dithered", exact=True).check()
    for look in LOOKS:
        with studio.previewed():
            page.get_by_role("button", name=look).click()
        page.locator(".viewport").press("1")
        expect(page.locator(".zoom-value")).to_have_text(re.compile("^[0-9]+×$"))
        zoom = int(page.locator(".zoom-value").inner_text().removesuffix("×"))
        page.wait_for_load_state("networkidle")
        saved = read(studio.downloaded().data).repeat(zoom, 0).repeat(zoom, 1)
        viewport, picture = page.locator(".viewport"), page.locator(".after .picture")
        view, whole = viewport.bounding_box(), picture.bounding_box()
        assert view is not None
        assert whole is not None
        assert (whole["width"], whole["height"]) == (saved.shape[1], saved.shape[0])
        left, top = max(view["x"], whole["x"]), max(view["y"], whole["y"])
        right = min(view["x"] + view["width"], whole["x"] + whole["width"])
        bottom = min(view["y"] + view["height"], whole["y"] + whole["height"])
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        shown = read(page.screenshot(clip=clip))  # type: ignore[arg-type]
        x, y = int(left - whole["x"]), int(top - whole["y"])
        part = saved[y : y + shown.shape[0], x : x + shown.shape[1]]
        assert np.array_equal(shown, part), look
