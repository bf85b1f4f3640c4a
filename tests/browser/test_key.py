"""A service that asks for an API key: the page asks the person, once, and sends it on."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from api_gateway.keys import new_key
from tests.browser.studio import Studio, photograph
from tests.support.broker import Broker
from tests.support.system import System, running_system

KEY, ENTRY = new_key("page", "read,write", {})


@pytest.fixture(scope="module")
def guarded(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A system that answers only to those who have the key."""
    access = {
        "ACCESS": "keys",
        "PRINCIPAL_SECRET": "a secret of thirty-two characters",
        "GATEWAY_API_KEYS": ENTRY,
    }
    with running_system(tmp_path_factory.mktemp("guarded"), broker, database, access) as running:
        yield running


def test_the_key_is_asked_for_once_and_goes_with_every_call(page: Page, guarded: System) -> None:
    carried: dict[str, str | None] = {}

    def note(request: Request) -> None:
        for part in ("/previews", "/images", "/events", "/notifications", "/files"):
            if part in request.url:
                carried[part] = request.headers.get("x-api-key")

    page.goto(guarded.url)
    dialog = page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key").fill("a guess")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog.get_by_role("alert")).to_have_text("This key is not valid.")
    dialog.get_by_label("Key").fill(KEY)
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_have_count(0)

    page.on("request", note)
    studio = Studio(page, guarded.url)
    studio.open(photograph(seed=31))
    studio.saved(email="keyed@example.org").get_by_text("Mail sent").wait_for()
    page.get_by_role("button", name="Close").click()
    assert {carried[part] for part in ("/previews", "/images", "/events", "/notifications")} == {
        KEY
    }

    with page.expect_response(lambda answer: answer.url.endswith("/options")) as options:
        page.reload()
    assert options.value.status == 200
    expect(dialog).to_have_count(0)


def test_who_has_no_key_is_told_and_can_try_again(page: Page, guarded: System) -> None:
    page.goto(guarded.url)
    expect(page.get_by_role("dialog", name="API key")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog", name="API key")).to_be_visible()
