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


def test_a_picture_too_large_to_be_saved_is_not_uploaded(studio: Studio) -> None:
    page = studio.page
    uploads: list[str] = []
    page.on(
        "request",
        lambda request: uploads.append(request.url) if request.method == "POST" else None,
    )
    studio.visit("#width=16000&scale=10")
    studio.open(photograph(320, 240))
    expect(studio.tab("Size").get_by_text("160000 × 120000 pixels are too many")).to_be_visible()
    page.get_by_role("button", name="Save picture").click()
    dialog = page.get_by_role("dialog", name="Save")
    expect(dialog.get_by_role("alert")).to_contain_text("160000 × 120000 pixels are too many")
    expect(dialog.get_by_role("button", name="Save picture")).to_have_count(0)
    assert all(url.endswith("/preview") for url in uploads)


def test_a_half_is_rounded_as_the_engine_does_it(studio: Studio) -> None:
    studio.visit("#width=2")
    studio.open(picture(4, 5), "small.png")
    expect(studio.tab("Size").get_by_text("will be 2 × 2 pixels")).to_be_visible()
    dialog = studio.saved()
    expect(dialog.get_by_text("2 × 2 ·")).to_be_visible()


def test_nothing_is_said_of_a_size_that_is_not_known(studio: Studio) -> None:
    """The browser cannot read a TIFF: the preview's size is not the file's."""
    studio.open(photograph(2000, 1500))
    pane = studio.tab("Size")
    expect(pane.get_by_text("2000 × 1500 pixels")).to_be_visible()
    with studio.previewed():
        studio.choose(picture(2000, 1500, "TIFF"), "scan.tif", "image/tiff")
    expect(studio.page.locator(".picture-name")).to_have_text("scan.tif")
    expect(pane.get_by_text("2000 × 1500 pixels")).to_be_hidden()
    expect(pane.get_by_role("radiogroup", name="Chunky pixels")).to_be_hidden()
    expect(studio.fact("Colours")).to_be_visible()
    expect(studio.fact("Size")).to_have_count(0)
    expect(studio.fact("File")).to_have_count(0)


def seen(studio: Studio) -> float:
    text = studio.fact("as seen").inner_text()
    return float(text.removesuffix(" dB"))


@pytest.mark.parametrize("value", [128])
def test_as_seen_averages_light(studio: Studio, value: int) -> None:
    """An even grey, mixed as light (right), is nearer to the original than mixed as code values."""
    studio.open(picture(256, 256, value=value), "grey.png")
    expect(studio.fact("as seen")).to_contain_text("dB")
    right = seen(studio)
    with studio.previewed():
        studio.tab("Adjust").get_by_role("radio", name="sRGB").check()
    expect(studio.fact("as seen")).not_to_have_text(f"{right} dB")
    assert right > seen(studio) + 6
