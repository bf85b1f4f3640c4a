"""What the browser keeps for the person: the picture, palettes, looks."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System


@pytest.mark.journey
def test_an_unsaved_picture_survives_a_reload(studio: Studio) -> None:
    studio.open(photograph(seed=51), "not saved.jpg")
    with studio.previewed():
        studio.tab("Colours").get_by_role("radio", name="Greys").check()
    studio.page.reload()
    expect(studio.page.locator(".picture-name")).to_have_text("not saved.jpg")
    expect(studio.fact("Colours")).to_have_text("2")


def test_another_tab_begins_with_nothing(studio: Studio, system: System) -> None:
    studio.open(photograph(seed=52))
    page = studio.page.context.new_page()
    Studio(page, system.url).visit()
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    page.close()


def test_a_browser_that_keeps_nothing_works_all_the_same(browser: Browser, system: System) -> None:
    context = browser.new_context()
    context.add_init_script(
        """for (const name of ["indexedDB", "localStorage"]) Object.defineProperty(window, name, {
            get() { throw new DOMException("Access is denied.", "SecurityError"); },
        });"""
    )
    studio = Studio(context.new_page(), system.url)
    studio.visit()
    studio.open(photograph(seed=53))
    studio.page.get_by_role("button", name="Keep this look").click()
    pane = studio.page.get_by_role("tabpanel", name="Looks")
    pane.get_by_label("Name").fill("Mine")
    pane.get_by_role("button", name="Keep", exact=True).click()
    expect(studio.page.locator(".toast")).to_contain_text("does not let pages keep anything")
    context.close()


@pytest.mark.journey
def test_a_look_of_ones_own(studio: Studio) -> None:
    studio.open(photograph(seed=54))
    with studio.previewed():
        studio.tab("Colours").get_by_role("radio", name="Greys").check()
    pane = studio.tab("Looks")
    pane.get_by_role("button", name="Keep this look").click()
    pane.get_by_label("Name").fill("Grey days")
    pane.get_by_role("button", name="Keep", exact=True).click()
    studio.page.get_by_role("button", name="Reset all settings").click()
    expect(studio.fact("Colours")).to_have_text("8")
    pane.get_by_role("button", name="Grey days", exact=True).click()
    expect(studio.fact("Colours")).to_have_text("2")
    pane.get_by_role("button", name="Remove Grey days").click()
    expect(pane.get_by_role("button", name="Grey days")).to_have_count(0)


@pytest.fixture
def palette(studio: Studio) -> Studio:
    studio.open(photograph(seed=55))
    studio.tab("Colours").get_by_role("radio", name="Palette").check()
    return studio


def use(studio: Studio, path: Path) -> None:
    with studio.page.expect_file_chooser() as chooser:
        studio.page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(path)


@pytest.mark.parametrize("kind", ["hex", "gpl", "pal", "txt", "ase"])
def test_a_palette_is_written_and_read(palette: Studio, tmp_path: Path, kind: str) -> None:
    palette.visit("#palette=112233,ffcc00,aabbcc")
    with palette.page.expect_download() as download:
        palette.page.get_by_label("Save as a file").select_option(kind)
    path = tmp_path / f"palette.{kind}"
    download.value.save_as(path)
    palette.page.get_by_role("radio", name="Game Boy").check()
    use(palette, path)
    expect(palette.page).to_have_url(re.compile("palette=112233,ffcc00,aabbcc"))


def test_the_colours_of_a_picture_are_a_palette(palette: Studio, tmp_path: Path) -> None:
    image = Image.new("RGB", (3, 1))
    for x, colour in enumerate([(1, 2, 3), (200, 100, 0), (255, 255, 255)]):
        image.putpixel((x, 0), colour)
    file = io.BytesIO()
    image.save(file, "PNG")
    (tmp_path / "colours.png").write_bytes(file.getvalue())
    use(palette, tmp_path / "colours.png")
    expect(palette.page).to_have_url(re.compile("palette=010203,c86400,ffffff"))


def test_a_file_without_colours_is_told(palette: Studio, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    use(palette, tmp_path / "notes.txt")
    expect(palette.page.locator(".toast")).to_contain_text("one hex colour a line")


def test_colours_of_the_picture_leave_the_locked_ones(palette: Studio) -> None:
    palette.visit("#palette=ff00ff,000000,ffffff,808080")
    palette.page.get_by_role("option", name="Colour 1: #ff00ff").click()
    palette.page.get_by_role("button", name="Keep this colour").click()
    palette.page.get_by_role("button", name="From this picture").click()
    expect(palette.page).to_have_url(re.compile("palette=ff00ff,(?!000000,ffffff,808080)"))
    expect(palette.page.get_by_role("option", name="Colour 1: #ff00ff, locked")).to_be_visible()


def test_an_address_at_lospec_is_explained(palette: Studio) -> None:
    palette.page.get_by_role("button", name="Paste a list").click()
    palette.page.get_by_label("Paste hex colours").fill(
        "https://lospec.com/palette-list/sweetie-16"
    )
    expect(palette.page.get_by_text("“sweetie 16” is an address at Lospec")).to_be_visible()
