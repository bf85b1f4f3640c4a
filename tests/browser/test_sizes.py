"""What the page says of sizes is what the service makes of them, or nothing."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.studio import Studio, photograph


def picture(width: int, height: int, kind: str = "PNG", value: int = 128) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(file, kind)
    return file.getvalue()


def test_a_picture_too_large_to_be_saved_is_not_sent(studio: Studio) -> None:
    page = studio.page
    uploads: list[str] = []
    page.on(
        "request",
        lambda request: uploads.append(request.url) if request.method == "POST" else None,
    )
    studio.visit("#width=16000&scale=10")
    studio.choose(photograph(320, 240))
    expect(page.get_by_role("alert")).to_contain_text("160000 × 120000 pixels are too many")
    page.get_by_role("button", name="Keep and share").click()
    dialog = page.get_by_role("dialog", name="Keep and share")
    expect(dialog.get_by_role("alert")).to_contain_text("160000 × 120000 pixels are too many")
    expect(dialog.get_by_role("button", name="Keep it and get a link")).to_have_count(0)
    assert all(url.endswith("/previews/file") for url in uploads)  # swatches of a small copy


def test_a_half_is_rounded_as_the_engine_does_it(studio: Studio) -> None:
    studio.visit("#width=2")
    studio.open(picture(4, 5), "small.png")
    expect(studio.fact("Size")).to_have_text("2 × 2")
    dialog = studio.saved()
    expect(dialog.get_by_text("2 × 2 ·")).to_be_visible()


def test_a_picture_that_only_the_service_reads(studio: Studio) -> None:
    """The browser cannot read a TIFF: the service tells its size, and shows the result."""
    studio.choose(picture(200, 150, "TIFF"), "scan.tif", "image/tiff")
    expect(studio.page.locator(".picture-bar")).to_contain_text("200 × 150")
    expect(studio.fact("Size")).to_have_text("200 × 150")
    expect(studio.fact("File")).to_contain_text("PNG")
    expect(studio.page.get_by_role("radiogroup", name="What is shown")).to_be_hidden()
    assert studio.downloaded().data.startswith(b"\x89PNG")


@pytest.mark.journey
def test_the_numbers_are_those_of_the_file(studio: Studio) -> None:
    studio.open(photograph(2000, 1500))
    file = studio.downloaded().data
    with Image.open(io.BytesIO(file)) as saved:
        expect(studio.fact("Size")).to_have_text(f"{saved.width} × {saved.height}")
    size = len(file)
    expect(studio.fact("File")).to_have_text(f"{round(size / 1024)} KB PNG")
