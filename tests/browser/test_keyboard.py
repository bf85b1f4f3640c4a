"""Without a mouse: from the file dialog to the download, of a batch and of a file for a display."""

import io
import zipfile

import pytest
from playwright.sync_api import FilePayload

from dither_engine import Options, dither_bytes
from tests.browser.studio import Studio, photograph
from tests.browser.test_batch import COUNT, payloads

MOST_STEPS = 150  # of the Tab key, from anywhere to anywhere
FOCUSED = """() => {
    const { activeElement: element } = document;
    const label = element.labels?.[0]?.textContent ?? "";
    return [element.ariaLabel, element.innerText, label].filter(Boolean).join(" ").trim();
}"""


def walk(studio: Studio, name: str, key: str = "Tab") -> None:
    """Press Tab until the element of this name has the focus.

    Firefox without a window does not come back from its own controls, which are after the last
    element: what is before the focus is reached by Shift+Tab.
    """
    for _ in range(MOST_STEPS):
        if str(studio.page.evaluate(FOCUSED)).startswith(name):
            return
        studio.page.keyboard.press(key)
    raise AssertionError(f"no {name!r} within {MOST_STEPS} steps")


def press(studio: Studio, name: str, key: str = "Tab") -> None:
    walk(studio, name, key)
    studio.page.keyboard.press("Enter")


def choose(studio: Studio, files: list[FilePayload]) -> None:
    with studio.page.expect_file_chooser() as chooser:
        press(studio, "Choose pictures")
    with studio.previewed():
        chooser.value.set_files(files)


@pytest.mark.journey
def test_a_batch(studio: Studio) -> None:
    choose(studio, payloads())
    with studio.previewed():
        press(studio, "photo 2.jpg")
    walk(studio, "Own settings")
    studio.page.keyboard.press("Space")
    with studio.previewed():
        press(studio, "Newspaper")
    saved = studio.downloaded(lambda: press(studio, f"Download all {COUNT}", "Shift+Tab"))
    with zipfile.ZipFile(io.BytesIO(saved.data)) as file:
        names = sorted(file.namelist())
    assert names == [
        "photo 0-eight-colours.png",
        "photo 1-eight-colours.png",
        "photo 2-newspaper.png",
        "photo 3-eight-colours.png",
    ]


@pytest.mark.journey
def test_a_file_for_a_display(studio: Studio) -> None:
    keys = studio.page.keyboard
    photo = photograph(800, 600)
    choose(studio, [{"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": photo}])
    walk(studio, "Looks")
    keys.press("End")
    walk(studio, "Find your display")
    keys.type("7.3 spectra waveshare")
    with studio.previewed():
        press(studio, "Waveshare 7.3 inch E, Spectra 6")
    saved = studio.downloaded(lambda: press(studio, "Download file"))
    expected = dither_bytes(photo, Options(panel="waveshare-7.3-spectra-6"))
    assert saved.data == expected.data
