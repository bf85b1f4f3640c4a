"""For everyone: keyboard alone, small and large screens, no finding of axe, little to load."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import Axe
from tests.browser.budget import BUDGET_BYTES, FRONTEND, code_bytes
from tests.browser.studio import Studio, photograph

# What would read text as markup or as code.
PARSERS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function")
TABS = ("Looks", "Method", "Colours", "Adjust", "Size", "E-paper")


def press_until(page: Page, key: str, selector: str, most: int = 60) -> None:
    """Presses a key until the focus is on what ``selector`` names."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{key} does not reach {selector}")


def test_everything_with_the_keyboard(studio: Studio) -> None:
    page = studio.page
    press_until(page, "Tab", ".sample")
    with studio.previewed():
        page.keyboard.press("Enter")
    expect(page.locator(".facts dd").first).to_be_visible()
    press_until(page, "Tab", ".viewport")
    fitted = page.locator(".zoom-value").inner_text()
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(page.locator(".zoom-value")).not_to_have_text(fitted)
    page.keyboard.press("0")
    expect(page.locator(".zoom-value")).to_have_text(fitted)
    press_until(page, "Tab", ".divider")
    page.keyboard.press("End")
    expect(page.locator(".divider")).to_have_attribute("aria-valuenow", "100")
    press_until(page, "Tab", "[role=tab]")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Method")).to_be_visible()
    press_until(page, "Tab", ".tile input")
    with studio.previewed():
        page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("algorithm="))
    press_until(page, "Tab", ".panel-foot .wide")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Keep and share")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".panel-foot .wide")).to_be_focused()


@pytest.mark.parametrize(
    ("width", "height"), [(320, 640), (390, 844), (720, 450), (768, 1024), (1440, 900)]
)
def test_nothing_sticks_out(studio: Studio, width: int, height: int) -> None:
    page = studio.page
    page.set_viewport_size({"width": width, "height": height})

    def fits() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    assert fits()
    studio.open(photograph(1600, 1000))
    for name in TABS:
        pane = studio.tab(name)
        assert fits(), name
        assert pane.evaluate("(pane) => pane.scrollWidth <= pane.clientWidth"), name
    box = page.locator(".after .picture").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["width"] >= width / 2 or box["height"] >= height / 2
    page.get_by_role("link", name="Gallery").click()
    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    assert fits()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(studio: Studio, axe: Axe, scheme: Literal["light", "dark"]) -> None:
    """Each state where it differs from the one before; the dark ones for their colours."""
    page = studio.page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.reload(wait_until="networkidle")  # else colours are looked at on their way to the dark
    check = axe.open(page, colours_only=scheme == "dark")
    assert check("body") == []
    studio.open(photograph())
    assert check("body") == []
    for name in TABS[1:]:
        studio.tab(name)
        assert check(".panel") == [], name
    studio.tab("Colours").get_by_role("radio", name="Palette").check()
    assert check(".panel") == []
    dialog = studio.saved()
    assert check("dialog") == []
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Gallery").click()
    expect(page.locator(".card").first).to_be_visible()
    assert check("body") == []
    page.locator(".card-open").first.click()
    assert check("dialog") == []


def test_the_page_has_little_code() -> None:
    assert code_bytes() <= BUDGET_BYTES


def test_all_of_it_comes_from_here(studio: Studio) -> None:
    addresses: list[str] = []
    studio.page.on("request", lambda request: addresses.append(request.url))
    studio.page.reload(wait_until="networkidle")
    studio.open(photograph())
    assert any(address.endswith("main.js") for address in addresses)
    assert all(address.startswith((studio.url, "blob:", "data:")) for address in addresses)


def test_a_second_visit_is_as_the_first(studio: Studio) -> None:
    """The browser then asks whether its copies are still good, and is told so without them."""
    studio.page.reload()
    expect(studio.page.get_by_role("button", name="Choose pictures")).to_be_visible()


def test_a_style_of_no_element_is_written_in_the_page() -> None:
    """The policy forbids it; a browser would only say so where the element is shown."""
    markup = (FRONTEND / "index.html").read_text()
    assert "style=" not in markup
    assert "<style" not in markup
    for script in (FRONTEND / "js").glob("*.js"):
        assert not PARSERS.search(script.read_text()), script.name
