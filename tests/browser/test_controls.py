"""The controls tell what they do, take every value, and take only what is a colour for one."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.studio import Studio, photograph

GIMP_PALETTE = """GIMP Palette
Name: bad add
#
 26  28  44	Untitled
 93  39  93	5d275d
177  62  83	dead beef
239 125  87
"""


@pytest.fixture
def opened(studio: Studio) -> Studio:
    studio.open(photograph())
    return studio


def test_arrow_keys_reach_every_value(opened: Studio) -> None:
    """Also where the slider's track has fewer places than the option has values."""
    opened.visit("#algorithm=halftone&palette=gray&angle=45")
    opened.open(photograph())
    angle = opened.tab("Method").get_by_role("slider", name="Screen angle")
    for step in range(1, 13):
        angle.press("ArrowRight")
        expect(angle).to_have_attribute("aria-valuetext", f"{45 + step / 2:g}°")
    angle.press("ArrowLeft")
    expect(angle).to_have_attribute("aria-valuetext", "50.5°")


def test_a_typed_number_stays_as_it_was_typed(opened: Studio) -> None:
    pane = opened.tab("Adjust")
    exact = pane.get_by_role("spinbutton", name="Gamma")
    exact.fill("9.99")
    exact.blur()
    expect(exact).to_have_value("9.99")
    expect(opened.page).to_have_url(re.compile(r"gamma=9\.99"))


def test_every_option_is_explained_to_those_who_only_hear_it(opened: Studio) -> None:
    pane = opened.tab("Adjust")
    gamma = pane.get_by_role("slider", name="Gamma")
    expect(gamma).to_have_accessible_description(re.compile("lightens the middle tones"))
    light = pane.get_by_role("radiogroup", name="Mix colours as")
    expect(light).to_have_accessible_description(re.compile("Linear mixes light"))
    method = opened.tab("Method")
    rows = method.get_by_role("switch", name="Alternate the direction of rows")
    expect(rows).to_have_accessible_description(re.compile("streaks"))
    expect(method.get_by_text("Every second row runs from right to left")).to_be_visible()


def test_the_size_of_the_original_stands_beside_its_name(opened: Studio) -> None:
    expect(opened.page.locator(".picture-title")).to_contain_text(re.compile(r"\d+ × \d+ · \d+ KB"))


def paste(studio: Studio, text: str) -> None:
    pane = studio.tab("Colours")
    pane.get_by_role("radio", name="Palette").check()
    pane.get_by_role("button", name="Paste a list").click()
    pane.get_by_label("Hex colours").fill(text)
    pane.get_by_role("button", name="Use these colours").click()


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        (GIMP_PALETTE, "1a1c2c,5d275d,b13e53,ef7d57"),
        (".bad { color: #f00 } .add-button, #fed-up { background: #0a0b0c }", "ff0000,0a0b0c"),
        ("1a1c2c\n5d275d\n177 add fff", "1a1c2c,5d275d"),
    ],
)
def test_only_colours_of_a_pasted_text_are_taken(opened: Studio, text: str, colours: str) -> None:
    paste(opened, text)
    expect(opened.page).to_have_url(re.compile(f"palette={colours}(&|$)"))


def test_what_is_said_is_heard_while_a_dialog_is_open(opened: Studio) -> None:
    """A modal dialog makes the rest of the page inert, its live region too."""
    page = opened.page
    spoken = page.locator("[role=status].sr-only")
    page.get_by_role("button", name="Keep and share").click()
    expect(page.get_by_role("dialog").locator("[role=status].sr-only")).to_have_count(1)
    page.get_by_role("dialog").get_by_role("button", name="Keep it and get a link").click()
    expect(page.get_by_role("dialog").get_by_text("Your picture is kept")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator("body > [role=status].sr-only")).to_have_count(1)
    expect(spoken).to_have_count(1)
