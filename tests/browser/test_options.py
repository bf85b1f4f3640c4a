"""Options change the picture at once, can be undone, and are in the address."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System


@pytest.fixture
def opened(studio: Studio) -> Studio:
    studio.open(photograph())
    return studio


def test_levels_change_the_preview(opened: Studio) -> None:
    expect(opened.fact("Colours")).to_have_text("8")
    levels = opened.tab("Colours").get_by_role("slider", name="Levels per channel")
    with opened.previewed():
        levels.press("ArrowRight")
    expect(opened.page).to_have_url(re.compile("channels=3"))
    expect(opened.fact("Colours")).not_to_have_text("8")


def test_undo_redo_and_reset(opened: Studio) -> None:
    with opened.previewed():
        opened.tab("Colours").get_by_role("radio", name="Greys").check()
    expect(opened.fact("Colours")).to_have_text("2")
    opened.page.get_by_role("button", name="Undo").click()
    expect(opened.fact("Colours")).to_have_text("8")
    opened.page.get_by_role("button", name="Redo").click()
    expect(opened.fact("Colours")).to_have_text("2")
    opened.page.locator(".viewport").press("Control+z")
    expect(opened.fact("Colours")).to_have_text("8")
    opened.page.get_by_role("button", name="Redo").click()
    opened.page.get_by_role("button", name="Reset all settings").click()
    expect(opened.fact("Colours")).to_have_text("8")


def test_a_pasted_palette_colours_the_picture_and_the_address(opened: Studio) -> None:
    pane = opened.tab("Colours")
    pane.get_by_role("radio", name="Palette").check()
    pane.get_by_role("button", name="Paste a list").click()
    pane.get_by_label("Hex colours").fill("#112233; ffcc00 <b>#abc</b> #FFF")
    with opened.previewed():
        pane.get_by_role("button", name="Use these colours").click()
    expect(pane.get_by_text("4 colours", exact=True)).to_be_visible()
    expect(opened.page).to_have_url(re.compile("palette=112233,ffcc00,aabbcc,ffffff"))
    colours = opened.page.locator(".used-colours li")
    expect(colours.first).to_have_attribute(
        "title", re.compile("^#(112233|ffcc00|aabbcc|ffffff), ")
    )


def test_the_palette_editor_adds_moves_and_removes(opened: Studio) -> None:
    pane = opened.tab("Colours")
    pane.get_by_role("radio", name="Palette").check()
    chips = pane.get_by_role("option")
    before = chips.count()
    pane.get_by_role("button", name="Add a colour").click()
    pane.get_by_label("Hex code of this colour").fill("#ff8800")
    expect(chips).to_have_count(before + 1)
    expect(pane.get_by_role("option", name="Colour 2: #ff8800")).to_be_visible()
    pane.get_by_role("button", name="Move this colour earlier").click()
    expect(pane.get_by_role("option", name="Colour 1: #ff8800")).to_be_visible()
    pane.get_by_role("button", name="Remove this colour").click()
    expect(chips).to_have_count(before)


def test_a_link_brings_the_options_and_the_sample_back(studio: Studio) -> None:
    studio.visit("#sample=cat&palette=gray&channels=3&nonsense=1&scale=9")
    expect(studio.page.locator(".picture-name")).to_have_text("Chelsea the cat.jpg")
    expect(studio.fact("Colours")).to_have_text("3")
    expect(studio.tab("Size").get_by_text("Each dot is 9 × 9 pixels")).to_be_visible()


def test_a_link_is_followed_by_a_page_that_is_opened_with_it(page: Page, system: System) -> None:
    studio = Studio(page, system.url)
    studio.visit("#sample=cat&palette=gray&channels=3")
    expect(page.locator(".picture-name")).to_have_text("Chelsea the cat.jpg")
    expect(studio.fact("Colours")).to_have_text("3")
    expect(page).to_have_url(re.compile("#sample=cat&palette=gray&channels=3$"))


def test_a_link_can_be_tried_again(page: Page, system: System) -> None:
    studio = Studio(page, system.url)
    page.route("**/samples/cat.jpg", lambda route: route.abort())
    studio.visit("#sample=cat&palette=gray")
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    page.unroute("**/samples/cat.jpg")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".picture-name")).to_have_text("Chelsea the cat.jpg")
    expect(studio.fact("Colours")).to_have_text("2")


def test_every_option_of_the_engine_has_a_control(opened: Studio) -> None:
    """The page lists what GET /options lists: no method, palette or panel is missing."""
    offered = opened.page.request.get(f"{opened.url}/options").json()
    for algorithm in offered["algorithms"]:
        if "matrix" in algorithm["controls"]:
            continue  # the page has no editor of matrices
        tile = opened.page.locator(f".tile input[type=radio][value='{algorithm['name']}']")
        assert tile.count() == 1
    for palette in offered["palettes"]:
        assert opened.page.locator(".palette-row", has_text=palette["title"]).count() >= 1
    for panel in offered["panels"]:
        assert opened.page.locator(".palette-row.entry", has_text=panel["title"]).count() >= 1


def test_a_preset_is_one_step_and_says_that_it_is_chosen(opened: Studio) -> None:
    look = opened.page.get_by_role("button", name="Small GIF")
    with opened.previewed():
        look.click()
    expect(look).to_have_attribute("aria-pressed", "true")
    opened.page.get_by_role("button", name="Undo").click()
    expect(look).to_have_attribute("aria-pressed", "false")
