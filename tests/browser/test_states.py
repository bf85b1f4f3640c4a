"""Offline, errors, refusals, hostile names: the page says what is wrong and stays usable."""

import itertools
import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System, wait_for

# No slash: the service keeps only what follows the last one.
HOSTILE = "\"><img src=x onerror='window.pwned=1'>\u202egpj.jpg"


def refuse(route: Route, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
    body = json.dumps({"title": "Refused", "status": status, "detail": detail})
    kind = {"content-type": "application/problem+json", **(headers or {})}
    route.fulfill(status=status, body=body, headers=kind)


def test_text_is_refused_at_once(studio: Studio) -> None:
    studio.choose(b"hello", "notes.txt", "text/plain")
    expect(studio.page.get_by_role("alert")).to_contain_text("“notes.txt” is not a picture")
    expect(studio.page.get_by_role("button", name="Choose pictures")).to_be_visible()


def test_a_file_that_is_no_image_brings_the_sentence_of_the_service(studio: Studio) -> None:
    studio.choose(b"not an image at all", "fake.png", "image/png")
    expect(studio.page.get_by_role("alert")).to_contain_text("image")


def test_a_file_above_the_limit_is_not_sent(studio: Studio) -> None:
    limit = studio.page.request.get(f"{studio.url}/options").json()["limits"]["max_bytes"]
    studio.page.evaluate(
        """(size) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(size)], "big.jpg", { type: "image/jpeg" }));
            const input = document.querySelector("input[type=file]");
            input.files = transfer.files;
            input.dispatchEvent(new Event("change"));
        }""",
        limit + 1,
    )
    expect(studio.page.get_by_role("alert")).to_contain_text("The limit is 20 MB")


def test_offline_the_picture_stays_and_the_page_goes_on_by_itself(studio: Studio) -> None:
    studio.open(photograph())
    context = studio.page.context
    context.set_offline(True)
    expect(studio.page.get_by_text("You are offline")).to_be_visible()
    studio.tab("Colours").get_by_role("radio", name="Greys").check()
    expect(studio.page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(studio.page.locator(".after .picture")).to_be_visible()
    context.set_offline(False)
    expect(studio.page.get_by_role("alert")).to_have_count(0)
    expect(studio.fact("Colours")).to_have_text("2")


def test_a_rate_limit_counts_down_and_tries_again(studio: Studio) -> None:
    refusals = iter([True])

    def answer(route: Route) -> None:
        if next(refusals, False):
            refuse(route, 429, "Slowly, please.", {"retry-after": "6"})
        else:
            route.continue_()

    studio.page.route("**/previews/part", answer)
    studio.choose(photograph())
    alert = studio.page.get_by_role("alert")
    expect(alert).to_contain_text("Slowly, please. Trying again in")
    expect(studio.page.locator(".facts dd").first).to_be_visible()
    expect(alert).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "detail"), [(413, "At most 1 MB."), (503, "Storage is away."), (500, "Oh dear.")]
)
def test_a_refused_upload_says_why_and_can_be_repeated(
    studio: Studio, status: int, detail: str
) -> None:
    studio.open(photograph(seed=status))
    studio.page.route("**/images", lambda route: refuse(route, status, detail))
    studio.page.get_by_role("button", name="Keep and share").click()
    dialog = studio.page.get_by_role("dialog", name="Keep and share")
    dialog.get_by_role("button", name="Keep it and get a link").click()
    expect(dialog.get_by_role("alert")).to_contain_text(detail)
    studio.page.unroute("**/images")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.locator(".result-picture")).to_be_visible()


def test_a_change_stops_the_work_on_the_one_before(studio: Studio, system: System) -> None:
    seeds = itertools.count(40)

    def stopped() -> bool:
        studio.open(photograph(2400, 1800, next(seeds)), "large.jpg")
        pane = studio.tab("Method")
        with studio.page.expect_request("**/previews/part"):
            pane.get_by_role("radio", name="Direct binary search").check()
        studio.page.wait_for_timeout(500)  # else it may be stopped before the service knows of it
        with studio.previewed():
            pane.get_by_role("radio", name="Atkinson").check()
        return '"path":"/previews/part","status":503' in system.log("dither")

    wait_for(stopped, "search that a change has stopped")


def test_a_bad_address_is_not_sent(studio: Studio) -> None:
    studio.open(photograph())
    studio.page.get_by_role("button", name="Keep and share").click()
    dialog = studio.page.get_by_role("dialog", name="Keep and share")
    dialog.get_by_label("email").fill("nobody at home")
    dialog.get_by_role("button", name="Keep it and get a link").click()
    expect(dialog.get_by_role("alert")).to_have_text(re.compile("valid email address"))


def test_a_hostile_name_is_only_text(studio: Studio) -> None:
    studio.open(photograph(seed=21), HOSTILE)
    expect(studio.page.locator(".picture-name")).to_have_text(HOSTILE)
    studio.saved().get_by_role("button", name="Close").click()
    studio.page.get_by_role("link", name="Gallery").click()
    studio.page.locator(".card-open").first.click()
    expect(studio.page.get_by_role("dialog")).to_contain_text("onerror")
    assert studio.page.evaluate("window.pwned") is None


def test_a_hostile_fragment_changes_nothing(studio: Studio) -> None:
    studio.visit("#sample=../../docs&palette=<img src=x onerror=pwned=1>&algorithm=<script>")
    expect(studio.page.get_by_role("button", name="Choose pictures")).to_be_visible()
    assert studio.page.evaluate("window.pwned") is None
