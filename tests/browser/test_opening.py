"""Pictures that are opened one after the other, and browsers that keep nothing."""

from playwright.sync_api import Browser, Route, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System


def test_the_newest_picture_wins(studio: Studio) -> None:
    """An older one that arrives later, on a slow line, does not take its place."""
    page = studio.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/samples/astronaut.jpg", hold)
    with page.expect_request("**/samples/astronaut.jpg"):
        page.get_by_role("button", name="Astronaut").click()
    with studio.previewed():
        page.get_by_role("button", name="Coffee").click()
    expect(page.locator(".picture-name")).to_have_text("Coffee.jpg")
    with page.expect_response("**/samples/astronaut.jpg") as answer:
        held[0].continue_()
    answer.value.finished()
    with studio.previewed():
        studio.tab("Colours").get_by_role("radio", name="Greys").check()
    expect(page.locator(".picture-name")).to_have_text("Coffee.jpg")
    expect(page).to_have_url(f"{studio.url}/#sample=coffee&palette=gray&across=240")


def test_a_browser_that_blocks_site_data_shows_the_page(browser: Browser, system: System) -> None:
    context = browser.new_context()
    context.add_init_script(
        """Object.defineProperty(window, "sessionStorage", {
            get() { throw new DOMException("Access is denied.", "SecurityError"); },
        });"""
    )
    page = context.new_page()
    studio = Studio(page, system.url)
    studio.visit()
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    context.close()


def test_a_bad_file_dropped_on_the_gallery_is_answered(studio: Studio) -> None:
    studio.page.get_by_role("link", name="Gallery").click()
    expect(studio.page.get_by_role("heading", name="Gallery")).to_be_visible()
    studio.drop(b"hello", "notes.txt", "text/plain")
    expect(studio.page.locator(".toast")).to_contain_text("“notes.txt” is not a picture")


def test_a_good_file_dropped_on_the_gallery_is_opened(studio: Studio) -> None:
    studio.page.get_by_role("link", name="Gallery").click()
    studio.drop(photograph(seed=18), "dropped.jpg")
    expect(studio.page.locator(".picture-name")).to_have_text("dropped.jpg")
