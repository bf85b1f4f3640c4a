"""Where everybody has their own: the cookie works by itself, and a link shows one picture."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.studio import Studio, photograph
from tests.support.broker import Broker
from tests.support.system import System, running_system


@pytest.fixture(scope="module")
def owned(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    access = {"ACCESS": "owned", "PRINCIPAL_SECRET": "a secret of thirty-two characters"}
    with running_system(tmp_path_factory.mktemp("owned"), broker, database, access) as running:
        yield running


def test_a_gallery_is_ones_own_and_a_link_shows_the_picture(
    page: Page, browser: Browser, owned: System
) -> None:
    studio = Studio(page, owned.url)
    studio.visit()
    studio.open(photograph(seed=51))
    page.get_by_role("button", name="Keep and share").first.click()
    expect(page.get_by_text("It is in your gallery only.")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    studio.saved()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Gallery").click()
    card = page.locator(".card-open")
    expect(card).to_have_count(1)

    # The original opens again, through its signed link.
    card.click()
    expect(page.get_by_text("kept until")).to_be_visible()
    with page.expect_response(lambda answer: "/files/images/" in answer.url) as original:
        page.get_by_role("button", name="Edit").first.click()
    assert original.value.status == 200
    expect(page.locator(".stage img, .stage canvas").first).to_be_visible()

    uuid = page.url.partition("image=")[2].partition("&")[0]
    assert uuid
    other = browser.new_context().new_page()
    try:
        stranger = Studio(other, owned.url)
        stranger.visit("#gallery")
        expect(other.locator(".gallery .empty")).to_be_visible()
        expect(other.locator(".card-open")).to_have_count(0)
        with other.expect_response(lambda answer: "/files/dithers/" in answer.url) as shown:
            stranger.visit(f"?again#image={uuid}")
        assert shown.value.status == 200
        expect(other.locator(".stage img, .stage canvas").first).to_be_visible()
    finally:
        other.context.close()
