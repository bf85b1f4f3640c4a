"""The whole way: a picture comes in, is dithered, kept, sent, found again and deleted."""

import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.studio import Studio, photograph
from tests.support.system import System, wait_for

# Notes the path and the size of every body that is sent: the browser tells no size of files.
COUNT_SENT = """() => {
    const size = (body) => body instanceof FormData
        ? [...body.values()].reduce((sum, value) => sum + (value.size ?? value.length), 0)
        : (body?.length ?? 0);
    const { fetch } = window;
    const { open, send } = XMLHttpRequest.prototype;
    window.sent = [];
    window.fetch = (url, init) => {
        window.sent.push([String(url), size(init?.body)]);
        return fetch(url, init);
    };
    XMLHttpRequest.prototype.open = function (method, url) {
        this.path = url;
        return open.call(this, method, url);
    };
    XMLHttpRequest.prototype.send = function (body) {
        window.sent.push([this.path, size(body)]);
        return send.call(this, body);
    };
}"""
NO_ANSWER = "new Promise(() => {})"
NO_EVENTS = "Promise.resolve(new Response(new ReadableStream()))"


@pytest.mark.journey
def test_from_a_drop_to_the_download_and_the_mail(studio: Studio, system: System) -> None:
    studio.drop(photograph(seed=11), "dropped.jpg")
    expect(studio.page.locator(".picture-name")).to_have_text("dropped.jpg")
    expect(studio.fact("Colours")).to_have_text("8")

    dialog = studio.saved(email="browser@example.org")

    link = dialog.get_by_label("Link to the picture").input_value()
    answer = studio.page.request.get(link)
    assert answer.ok
    assert answer.body().startswith(b"\x89PNG")
    for step in ("Uploaded", "In the queue", "Dithered", "Mail sent"):
        expect(dialog.locator(".step[data-state=done]", has_text=step)).to_be_visible()
    wait_for(
        lambda: [m for m in system.mails() if m["To"] == "browser@example.org"] or None, "mail"
    )
    png = studio.downloaded(dialog.get_by_role("button", name="Download PNG").click)
    assert png.name == "dropped-eight-colours.png"
    gif = studio.downloaded(dialog.get_by_role("button", name="Download GIF").click)
    assert gif.data.startswith(b"GIF8")
    uuid = re.search(r"image=([0-9a-f-]{36})", studio.page.url)
    assert uuid is not None
    assert len(system.image(uuid[1])["dithers"]) == 1  # converting made no version


def test_the_link_is_copied(studio: Studio) -> None:
    studio.open(photograph(seed=12))
    dialog = studio.saved()
    dialog.get_by_role("button", name="Copy link").click()
    expect(studio.page.get_by_text("Link copied").first).to_be_attached()
    copied = studio.page.evaluate("navigator.clipboard.readText()")
    assert copied == dialog.get_by_label("Link to the picture").input_value()


@pytest.mark.journey
def test_without_event_streams_the_page_asks_again(studio: Studio) -> None:
    studio.page.route(re.compile(r"/events$"), lambda route: route.abort())
    studio.open(photograph(seed=13))
    studio.saved()


@pytest.mark.parametrize("answer", [NO_ANSWER, NO_EVENTS])
def test_a_silent_event_stream_is_given_up(studio: Studio, answer: str) -> None:
    """A proxy that buffers sends no answer, or one without events."""
    studio.page.evaluate(
        f"""() => {{
            const {{ fetch }} = window;
            window.asked = 0;
            window.fetch = (url, init) => {{
                if (!url.endsWith("/events")) return fetch(url, init);
                window.asked += 1;
                return {answer};
            }};
        }}"""
    )
    studio.open(photograph(seed=17))
    studio.saved()
    assert studio.page.evaluate("window.asked") == 1


@pytest.mark.journey
def test_a_second_version_of_a_stored_picture(studio: Studio, system: System) -> None:
    studio.open(photograph(seed=14), "twice.jpg")
    dialog = studio.saved()
    dialog.get_by_role("button", name="Close").click()
    with studio.previewed():
        studio.tab("Colours").get_by_role("radio", name="Greys").check()
    studio.saved().get_by_role("button", name="Close").click()
    match = re.search(r"image=([0-9a-f-]{36})", studio.page.url)
    assert match is not None
    dithers = system.image(match[1])["dithers"]
    assert [dither["status"] for dither in dithers] == ["done", "done"]
    assert dithers[-1]["options"]["palette"] == "gray"


@pytest.mark.journey
def test_the_gallery_opens_and_deletes_with_a_way_back(studio: Studio, system: System) -> None:
    uuid = system.upload(photograph(seed=15), "in the gallery.jpg")["uuid"]
    system.dithered(uuid)
    studio.page.get_by_role("link", name="Gallery").click()
    card = studio.page.get_by_role("button", name="in the gallery.jpg").first
    card.click()
    dialog = studio.page.get_by_role("dialog", name="in the gallery.jpg")
    dialog.get_by_role("button", name="Make a new version").click()
    expect(studio.page.locator(".picture-name")).to_have_text("in the gallery.jpg")

    studio.page.get_by_role("link", name="Gallery").click()
    remove = studio.page.get_by_role("button", name="Delete: in the gallery.jpg")
    remove.click()
    expect(remove).to_be_hidden()
    undo = studio.page.get_by_role("button", name="Undo")
    undo.hover()  # the message stays while the pointer is on it
    undo.click()
    expect(remove).to_be_visible()
    assert system.image(uuid)["uuid"] == uuid

    remove.click()
    dismiss = studio.page.get_by_role("button", name="Dismiss")
    dismiss.hover()
    with studio.page.expect_request(
        lambda request: request.method == "DELETE" and uuid in request.url
    ):
        dismiss.click()
    expect(remove).to_have_count(0)


def test_the_gallery_goes_on_as_one_scrolls(studio: Studio, system: System) -> None:
    names = [f"page {number}.jpg" for number in range(30)]
    for number, name in enumerate(names):
        system.upload(photograph(32, 24, seed=100 + number), name)
    studio.page.get_by_role("link", name="Gallery").click()
    cards = studio.page.locator(".card")
    expect(cards.filter(has_text="page 29.jpg")).to_have_count(1)
    studio.page.locator(".gallery-foot").scroll_into_view_if_needed()
    expect(cards.filter(has_text="page 0.jpg")).to_have_count(1)


@pytest.mark.journey
def test_a_picture_from_the_camera(studio: Studio) -> None:
    """The browser's own pretended camera."""
    studio.page.get_by_role("button", name="Camera").click()
    dialog = studio.page.get_by_role("dialog", name="Camera")
    studio.page.wait_for_function("() => document.querySelector('video.camera')?.videoWidth > 0")
    with studio.previewed():
        dialog.get_by_role("button", name="Take a picture").click()
    expect(studio.page.locator(".picture-name")).to_have_text("Camera.jpg")
    expect(dialog).to_have_count(0)


def test_a_picture_from_the_clipboard(studio: Studio) -> None:
    studio.page.evaluate(
        """(bytes) => {
            const clipboardData = new DataTransfer();
            const type = "image/jpeg";
            clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type }));
            const event = new ClipboardEvent("paste", { clipboardData, bubbles: true });
            document.body.dispatchEvent(event);
        }""",
        list(photograph(seed=16)),
    )
    expect(studio.page.locator(".picture-name")).to_have_text("pasted.jpg")
    expect(studio.fact("Colours")).to_have_text("8")


def test_a_photograph_is_sent_once(studio: Studio) -> None:
    """What a change sends up does not grow with the photograph."""
    photo = photograph(4000, 3000)
    studio.page.evaluate(COUNT_SENT)
    studio.open(photo, "large.jpg")
    with studio.previewed():
        studio.tab("Colours").get_by_role("slider", name="Levels per channel").press("ArrowRight")
    expect(studio.fact("Colours")).not_to_have_text("8")
    sent = [size for path, size in studio.page.evaluate("window.sent") if "/previews/" in path]
    assert sent[0] > len(photo)
    assert max(sent[1:]) < 16 * 1024  # the copy for swatches


def test_a_picture_that_the_service_has_forgotten_is_sent_again(studio: Studio) -> None:
    """Another replica, or one that was started anew, has never seen it."""
    studio.open(photograph(seed=40))
    forgotten = iter([True])

    def answer(route: Route) -> None:
        if next(forgotten, False):
            route.fulfill(status=404, body=json.dumps({"status": 404, "detail": "Send its file."}))
        else:
            route.continue_()

    studio.page.route("**/previews/part", answer)
    with studio.previewed():
        studio.tab("Colours").get_by_role("radio", name="Greys").check()
    expect(studio.fact("Colours")).to_have_text("2")
    expect(studio.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.journey
def test_a_download_stores_and_mails_nothing(studio: Studio) -> None:
    asked: list[str] = []
    studio.page.on("request", lambda request: asked.append(request.url))
    studio.open(photograph(seed=41), "My cat.jpg")
    with studio.previewed():
        studio.page.get_by_role("button", name="Newspaper").click()
    assert studio.downloaded().name == "My cat-newspaper.png"
    studio.page.locator(".panel-foot select").select_option("webp")
    expect(studio.page.get_by_role("button", name="Download WebP")).to_be_visible()
    assert studio.downloaded().name == "My cat-newspaper.webp"
    assert not [url for url in asked if "/images" in url]
