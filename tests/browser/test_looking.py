"""Ways to look at the picture: comparing, the magnifier, all looks, motion; keys for them."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.studio import Studio, photograph


def animation() -> bytes:
    frames = [Image.new("RGB", (60, 40), (80 * number, 90, 200)) for number in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    return file.getvalue()


@pytest.fixture
def opened(studio: Studio) -> Studio:
    studio.open(photograph(400, 300))
    return studio


@pytest.mark.journey
def test_what_moves_plays_and_is_saved_moving(studio: Studio) -> None:
    with studio.page.expect_response("**/previews/part") as answer:
        studio.choose(animation(), "moving.gif", "image/gif")
    # The part on the stage has all frames: the browser plays it.
    with Image.open(io.BytesIO(answer.value.body())) as part:
        assert getattr(part, "n_frames", 1) == 3
    expect(studio.fact("Frames")).to_have_text("3")
    expect(studio.page.get_by_role("button", name="Download GIF")).to_be_visible()
    with Image.open(io.BytesIO(studio.downloaded().data)) as saved:
        assert (saved.format, getattr(saved, "n_frames", 1)) == ("GIF", 3)


@pytest.mark.journey
def test_ways_to_compare(opened: Studio) -> None:
    viewport = opened.page.locator(".viewport")
    for mode in ("Side by side", "Difference", "Original", "Dithered", "Split"):
        opened.page.get_by_role("radio", name=mode, exact=True).check()
        expect(viewport).to_have_attribute("data-mode", re.compile(mode.split()[0], re.I))
    viewport.press("c")
    expect(viewport).to_have_attribute("data-mode", "dithered")


@pytest.mark.journey
def test_the_magnifier_tells_the_colours_of_the_file(opened: Studio) -> None:
    page = opened.page
    page.locator(".viewport").press("l")
    box = page.locator(".after .picture").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + box["height"] / 2)
    with Image.open(io.BytesIO(opened.downloaded().data)) as saved:
        pixel = saved.convert("RGB").getpixel((300, 150))
    assert isinstance(pixel, tuple)
    expect(page.locator(".loupe output")).to_contain_text(f"300, 150  #{bytes(pixel).hex()}")


@pytest.mark.journey
def test_all_looks_on_one_sheet(opened: Studio) -> None:
    opened.page.get_by_role("button", name="See this picture in all looks").click()
    dialog = opened.page.get_by_role("dialog", name="All looks")
    saved = opened.downloaded(dialog.get_by_role("button", name="Download the sheet").click)
    assert saved.name == "holiday-all-looks.png"
    with Image.open(io.BytesIO(saved.data)) as sheet:
        colours = sheet.convert("RGB").getcolors(1 << 24) or []
        assert sheet.width > 1000
        assert len(colours) > 100


def test_the_keys_are_listed_and_can_be_switched_off(opened: Studio) -> None:
    page = opened.page
    viewport = page.locator(".viewport")
    viewport.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_text("Download", exact=True)).to_be_visible()
    dialog.get_by_role("switch", name="Use these shortcuts").uncheck()
    page.keyboard.press("Escape")
    mode = viewport.get_attribute("data-mode")
    viewport.press("c")
    expect(viewport).to_have_attribute("data-mode", mode or "")


def test_the_histogram_is_that_of_the_file(opened: Studio) -> None:
    pane = opened.tab("Adjust")
    light = pane.locator(".key.after")
    expect(light).to_have_text(re.compile(r"Dithered: \d+ % light"))
    before = light.inner_text()
    with opened.previewed():
        pane.get_by_label("Brightness", exact=True).press("PageDown")
    expect(light).not_to_have_text(before)
    with Image.open(io.BytesIO(opened.downloaded().data)) as saved:
        mean = np.asarray(saved.convert("RGB")).mean((0, 1)) @ [0.2126, 0.7152, 0.0722] / 255
    shown = re.search(r"\d+", light.inner_text())
    assert shown is not None
    assert abs(int(shown[0]) - 100 * mean) < 2


@pytest.mark.parametrize(
    ("typed", "found"),
    [("bayer 8x8", "Bayer 8×8"), ("bluenoise", "Blue noise"), ("fs", "Floyd–Steinberg")],
)
def test_a_method_is_found_by_other_names(opened: Studio, typed: str, found: str) -> None:
    pane = opened.tab("Method")
    pane.get_by_role("searchbox", name="Find a method").fill(typed)
    expect(pane.get_by_role("radio", name=found, exact=True)).to_be_visible()
    expect(pane.locator(".tile:visible")).to_have_count(1)


def test_settings_of_a_method_open_beside_it(opened: Studio) -> None:
    pane = opened.tab("Method")
    pane.get_by_role("radio", name="Riemersma").check()
    expect(pane.locator(".tile:has(:checked) + .chosen")).to_contain_text("Riemersma")


def test_a_sample_opens_in_the_look_of_its_thumbnail(studio: Studio) -> None:
    with studio.previewed():
        studio.page.get_by_role("button", name="Rocket at night").click()
    expect(studio.page).to_have_url(re.compile("sample=rocket.*palette=gameboy"))
    expect(studio.fact("Colours")).to_have_text("4")
