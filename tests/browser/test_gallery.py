"""What is stored, while some of it is still at work and while some of it goes."""

import json

from playwright.sync_api import Page, Route, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System

AT_WORK = 7  # pictures: one more than the connections that a browser opens to a host
LISTEN = """() => {
    const { fetch } = window;
    window.asked = [];
    window.fetch = (...request) => {
        window.asked.push(new URL(new Request(...request).url).pathname);
        return fetch(...request);
    };
}"""


def asked(page: Page) -> list[str]:
    """The paths asked for since the last call, as the page knows them: the browser tells late."""
    paths: list[str] = page.evaluate("() => window.asked.splice(0)")
    return paths


def test_pictures_at_work_leave_the_connections_free(studio: Studio, system: System) -> None:
    """The list is asked for again while it is shown: no stream for each picture in it."""
    page = studio.page
    page.clock.install()  # time goes on by itself, and faster when the test says so
    uuids = [
        system.upload(photograph(32, 24, seed=200 + number), f"at work {number}.jpg")["uuid"]
        for number in range(AT_WORK)
    ]
    for uuid in uuids:
        system.dithered(uuid)
    finished = False

    def answer(route: Route) -> None:
        body = route.fetch().json()
        for image in body["items"] if not finished else ():
            if image["uuid"] in uuids:
                image.update(status="uploaded", dithers=[])
        route.fulfill(body=json.dumps(body), content_type="application/json")

    page.route("**/images?*", answer)
    page.evaluate(LISTEN)
    page.get_by_role("link", name="Gallery").click()
    working = page.locator(".card-state", has_text="Dithering")
    expect(working).to_have_count(AT_WORK)
    with page.expect_response("**/images?limit=100"):
        page.clock.run_for(2000)
    expect(working).to_have_count(AT_WORK)
    assert set(asked(page)) == {"/images"}

    page.get_by_role("link", name="Studio").click()
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    asked(page)
    page.clock.run_for(10_000)
    assert asked(page) == []

    page.get_by_role("link", name="Gallery").click()
    expect(working).to_have_count(AT_WORK)
    finished = True
    expect(working).to_have_count(0)
    asked(page)
    page.clock.run_for(10_000)
    assert asked(page) == []


def test_undo_brings_a_picture_back_to_a_list_made_anew(studio: Studio, system: System) -> None:
    page = studio.page
    system.upload(photograph(32, 24, seed=19), "back again.jpg")
    system.upload(photograph(32, 24, seed=20), "here to stay.jpg")
    page.get_by_role("link", name="Gallery").click()
    remove = page.get_by_role("button", name="Delete: back again.jpg")
    remove.click()
    page.get_by_role("button", name="Undo").focus()  # its time stands still
    for fragment, view in (("", "welcome"), ("gallery", "gallery")):
        page.evaluate("(fragment) => (location.hash = fragment)", fragment)
        expect(page.locator("body")).to_have_attribute("data-view", view)
    expect(page.locator(".card", has_text="here to stay.jpg")).to_be_visible()
    expect(remove).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(remove).to_be_visible()
