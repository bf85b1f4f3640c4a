"""From a photograph to the file for a display: chosen, cropped and turned by hand, downloaded."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from dither_engine import Options, dither_bytes
from tests.browser.axe import Axe
from tests.browser.studio import Studio, photograph
from tests.support import display_readers as read

PHOTO = photograph(800, 600)
COLOURS = """() => {
    const image = document.querySelector(".after .part:last-child");
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set();
    for (let at = 0; at < data.length; at += 4) {
        const bytes = [...data.slice(at, at + 3)];
        found.add(bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    return [...found];
}"""
SPECTRA = "waveshare-7.3-spectra-6"


@pytest.fixture
def panel(studio: Studio) -> Locator:
    """The tab, with a photograph on the stage and a display chosen."""
    studio.open(PHOTO)
    tab = studio.tab("E-paper")
    tab.get_by_role("searchbox", name="Find your display").fill("7.3 e spectra")
    with studio.previewed():
        tab.get_by_role("button", name="Waveshare 7.3 inch E, Spectra 6").click()
    return tab


def options(studio: Studio) -> dict[str, str]:
    """What the address says."""
    return {name: last for name, (*_, last) in parse_qs(urlsplit(studio.page.url).fragment).items()}


@pytest.mark.journey
def test_a_display_gets_the_engines_file_without_reading_anything(
    studio: Studio, panel: Locator
) -> None:
    expect(studio.page.locator(".viewport")).to_have_class(re.compile("framed"))
    expect(studio.fact("Size")).to_have_text("800 × 480")
    saved = studio.downloaded()
    assert saved.name == "holiday-waveshare-7-3-spectra-6.bin"
    assert saved.data == dither_bytes(PHOTO, Options(panel=SPECTRA)).data


@pytest.mark.journey
def test_the_part_is_chosen_by_keyboard_and_the_file_has_it(studio: Studio, panel: Locator) -> None:
    part = panel.get_by_role("group", name="The part that is shown")
    with studio.previewed():
        part.press("ArrowDown")
    assert options(studio)["crop"] == "0%,12%,100%,80%"
    with studio.previewed():
        panel.get_by_label("Zoom", exact=True).press("ArrowRight")
    crop = options(studio)["crop"]
    expected = dither_bytes(PHOTO, Options(panel=SPECTRA, crop=crop))
    assert studio.downloaded().data == expected.data


@pytest.mark.journey
def test_the_part_is_dragged(studio: Studio, panel: Locator) -> None:
    part = panel.get_by_role("group", name="The part that is shown")
    box = part.bounding_box()
    assert box
    with studio.previewed():
        studio.page.mouse.move(box["x"] + 40, box["y"] + 40)
        studio.page.mouse.down()
        studio.page.mouse.move(box["x"] + 40, box["y"] + 500, steps=4)
        studio.page.mouse.up()
    assert options(studio)["crop"] == "0%,20%,100%,80%"


def test_it_is_turned_in_quarters(studio: Studio, panel: Locator) -> None:
    turn = panel.get_by_role("button", name="Turn")
    with studio.previewed():
        turn.click()
    assert options(studio)["rotate"] == "90"
    expected = dither_bytes(PHOTO, Options(panel=SPECTRA, rotate="90"))
    assert studio.downloaded().data == expected.data


def test_tones_and_what_stays_undithered(studio: Studio, panel: Locator) -> None:
    tone = panel.locator(".field", has=studio.page.get_by_label("Tone", exact=True))
    with studio.previewed():
        tone.get_by_role("button", name="Auto").click()
    with studio.previewed():
        panel.get_by_label("Gamut", exact=True).press("ArrowRight")
    with studio.previewed():
        panel.get_by_label("Exclude").fill("0 0 200 40\n10, 200, 50, 50")
    chosen = options(studio)
    assert (chosen["tone"], chosen["gamut"]) == ("auto", "0.05")
    areas = [[0, 0, 200, 40], [10, 200, 50, 50]]
    expected = dither_bytes(PHOTO, Options(panel=SPECTRA, tone="auto", gamut=0.05, exclude=areas))
    assert studio.downloaded().data == expected.data
    panel.get_by_label("Exclude").fill("0 0 200")
    expect(panel.get_by_role("alert")).to_contain_text("four numbers")
    with studio.previewed():
        panel.get_by_label("Exclude").fill("")
    assert "exclude" not in options(studio)


@pytest.mark.journey
def test_the_screen_shows_the_panels_colours_or_the_files(studio: Studio, panel: Locator) -> None:
    measured = {"1a0d23", "b9cacd", "cab800", "790900", "00458b", "285239"}
    device = {bytes(colour).hex() for colour in read.SPECTRA_6.values()}
    assert colours_on(studio) <= measured
    with studio.previewed():
        panel.get_by_label("As in the file").check()
    assert colours_on(studio) <= device


def test_another_display_replaces_the_first_and_none_ends_it(
    studio: Studio, panel: Locator
) -> None:
    panel.get_by_role("button", name="Another display").click()
    panel.get_by_role("searchbox", name="Find your display").fill("kindle")
    with studio.previewed():
        panel.get_by_role("button", name="Kindle Paperwhite 5").click()
    expect(studio.fact("Size")).to_have_text("1236 × 1648")
    assert studio.downloaded().name.endswith(".png")
    with studio.previewed():
        panel.get_by_role("button", name="No display").click()
    expect(studio.fact("Size")).to_have_text("800 × 600")
    assert options(studio) == {}


def test_a_link_opens_the_panel_again(studio: Studio, panel: Locator) -> None:
    panel.get_by_role("button", name="Another display").click()
    with studio.previewed():
        panel.get_by_role("button", name="Inky pHAT, black, white, red").click()
    address = urlsplit(studio.page.url).fragment
    studio.page.goto("about:blank")
    studio.visit(f"#{address}")
    studio.open(PHOTO)
    chosen = studio.tab("E-paper").get_by_role("heading", name="Inky pHAT, black, white, red")
    expect(chosen).to_be_visible()
    expected = dither_bytes(PHOTO, Options(panel="inky-phat-red"))
    assert studio.downloaded().data == expected.data


def test_a_file_for_a_driver_is_kept_as_a_link(studio: Studio, panel: Locator) -> None:
    """No browser can show it, so the gallery has the original picture."""
    page = studio.page
    page.get_by_role("button", name="Keep and share").click()
    dialog = page.get_by_role("dialog", name="Keep and share")
    dialog.get_by_role("button", name="Keep it and get a link").click()
    expect(dialog.get_by_label("Link to the picture")).to_have_value(re.compile(r"\.bin$"))
    expect(dialog.locator(".result-picture")).to_have_count(0)
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Gallery").click()
    expect(page.locator(".card img").first).to_have_attribute("src", re.compile("/images/"))


@pytest.mark.parametrize("width", [320, 1440])
def test_it_is_usable_with_a_screen_reader_and_fits(
    studio: Studio, panel: Locator, axe: Axe, width: int
) -> None:
    studio.page.set_viewport_size({"width": width, "height": 900})
    expect(studio.page.locator(".facts:not(.stale)")).to_be_attached()
    assert axe.open(studio.page)("body") == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= width


def colours_on(studio: Studio) -> set[str]:
    """The colours of the picture on the stage, which is shown pixel for pixel."""
    studio.page.wait_for_load_state("networkidle")
    found: list[str] = studio.page.evaluate(COLOURS)
    return set(found)
