"""``make screenshots``: pictures of every state of the page, to be looked at.

They go to tests/browser/output/; ``--readme`` also renews the two in docs/images/.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.browsers import find_browser, launched
from tests.browser.run import system_at
from tests.browser.studio import Studio

_PROJECT = Path(__file__).parents[2]
OUTPUT = _PROJECT / "tests" / "browser" / "output"
README = _PROJECT / "docs" / "images"
SAMPLES = _PROJECT / "frontend" / "samples"
SIZES = {
    "small": (320, 640),
    "phone": (390, 844),
    "zoomed": (720, 450),  # 1440 × 900 at 200 %
    "tablet": (768, 1024),
    "wide": (1440, 900),
}
SCHEMES = ("light", "dark")
TABS = ("Looks", "Method", "Colours", "Adjust", "Size", "E-paper")
# What the gallery in the README shows: a sample, and how it is dithered.
SHOWN = {
    "coffee": {"algorithm": "atkinson", "palette": "black-white", "width": 512},
    "cat": {"algorithm": "clustered-dot", "palette": "gray", "width": 512},
    "orbs": {"algorithm": "bayer-4", "palette": "web-safe", "width": 256, "scale": 2},
    "rocket": {"algorithm": "bayer-4", "palette": "gameboy", "width": 200, "scale": 3},
    "astronaut": {"palette": "spectra-6", "saturation": 1.3, "width": 512},
    "dunes": {"algorithm": "bayer-4", "palette": "pico-8", "width": 200, "scale": 3},
}
LOADED = """() => [...document.querySelectorAll("img")].every((image) => {
    const box = image.getBoundingClientRect();
    const isSeen = image.swatch?.visible ?? (box.bottom > 0 && box.top < innerHeight);
    return !isSeen || box.width === 0 || (image.complete && image.naturalWidth > 0);
})"""


def settle(page: Page) -> None:
    """Until nothing is asked for any more and every picture in sight is there."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".stage .busy:not([hidden])")).to_have_count(0)
    expect(page.locator(".card .spinner")).to_have_count(0)
    page.wait_for_function(LOADED)


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=OUTPUT / f"{name}.png", animations="disabled")


def take(page: Page, name: str) -> None:
    settle(page)
    shoot(page, name)


def refusal(status: int, detail: str, wait: int | None = None) -> dict[str, object]:
    headers = {"content-type": "application/problem+json"}
    if wait:
        headers["retry-after"] = str(wait)
    body = json.dumps({"title": "Refused", "status": status, "detail": detail})
    return {"status": status, "body": body, "headers": headers}


@contextmanager
def answered(page: Page, pattern: str, **answer: object) -> Iterator[None]:
    """Inside, the page gets this answer; an empty one: none at all."""

    def handle(route: Route) -> None:
        if answer:
            route.fulfill(**answer)  # type: ignore[arg-type]  # as Playwright names them

    page.route(pattern, handle)
    yield
    page.unroute(pattern)


def welcome(studio: Studio, prefix: str) -> None:
    page = studio.page
    with answered(page, "**/options", **refusal(401, "An API key is needed.")):
        page.goto(studio.url)
        page.get_by_role("dialog").wait_for()
        take(page, f"{prefix}-key")
    studio.visit()
    take(page, f"{prefix}-welcome")
    studio.choose(b"hello", "notes.txt", "text/plain")
    take(page, f"{prefix}-wrong-type")
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_role("button", name="Camera").click()
    page.wait_for_function("() => document.querySelector('video.camera')?.videoWidth > 0")
    shoot(page, f"{prefix}-camera")
    page.keyboard.press("Escape")


def work(studio: Studio, prefix: str) -> None:
    page = studio.page
    with studio.previewed():
        page.get_by_role("button", name="Astronaut").click()
    for tab in TABS:
        studio.tab(tab)
        take(page, f"{prefix}-{tab.lower()}")
    studio.tab("Colours").get_by_role("radio", name="Palette").check()
    page.get_by_role("button", name="Paste a list").scroll_into_view_if_needed()
    page.get_by_role("button", name="Paste a list").click()
    page.get_by_label("Hex colours").fill("#1a1c2c #5d275d #b13e53")
    take(page, f"{prefix}-palette")
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    take(page, f"{prefix}-compare")
    page.get_by_role("button", name="Fit to the window").click()


def troubles(studio: Studio, prefix: str) -> None:
    page = studio.page
    alert = page.get_by_role("alert")
    greys = studio.tab("Colours").get_by_role("radio", name="Greys")
    levels = studio.tab("Colours").get_by_role("radio", name="Levels")
    with answered(page, "**/previews/part", **refusal(429, "Too many requests.", wait=30)):
        greys.check()
        alert.wait_for()
        shoot(page, f"{prefix}-limited")
    with answered(page, "**/previews/part", **refusal(422, "contrast: at most 4 is allowed.")):
        levels.check()
        alert.get_by_text("contrast").wait_for()
        shoot(page, f"{prefix}-error")
    page.context.set_offline(True)
    greys.check()
    alert.get_by_text("cannot be reached").wait_for()
    shoot(page, f"{prefix}-offline")
    page.context.set_offline(False)
    alert.wait_for(state="detached")
    page.get_by_role("button", name="Keep and share").click()
    take(page, f"{prefix}-save")
    with answered(page, "**/images", **refusal(413, "The file is too large: at most 20 MB.")):
        page.get_by_role("dialog").get_by_role("button", name="Keep it and get a link").click()
        alert.wait_for()
        shoot(page, f"{prefix}-too-large")
    page.get_by_role("button", name="Change").click()
    page.keyboard.press("Escape")


def kept(studio: Studio, prefix: str) -> None:
    page = studio.page
    dialog = studio.saved(email="someone@example.org")
    dialog.locator(".step[data-state=done]", has_text="Mail sent").wait_for()
    take(page, f"{prefix}-saved")
    page.keyboard.press("Escape")
    gallery = page.get_by_role("link", name="Gallery")
    with answered(page, "**/images?*"):
        gallery.click()
        page.get_by_text("Loading the gallery").wait_for()
        shoot(page, f"{prefix}-loading")
    page.get_by_role("link", name="Studio").click()
    empty = json.dumps({"items": [], "next_cursor": None})
    with answered(page, "**/images?*", body=empty, content_type="application/json"):
        gallery.click()
        page.get_by_text("Nothing here yet").wait_for()
        take(page, f"{prefix}-empty")
    page.get_by_role("link", name="Studio").click()
    gallery.click()
    page.locator(".card").first.wait_for()
    take(page, f"{prefix}-gallery")
    page.locator(".card-remove").first.click()
    shoot(page, f"{prefix}-deleted")
    page.get_by_role("button", name="Undo").click()
    page.locator(".card-open").first.click()
    take(page, f"{prefix}-versions")


def readme(page: Page, url: str) -> None:
    """The studio with a picture in it, and the gallery."""
    studio = Studio(page, url)
    studio.visit()
    with studio.previewed():
        page.get_by_role("button", name="Dunes at dusk").click()
    with studio.previewed():
        page.get_by_role("button", name="Pico-8").click()
    README.mkdir(parents=True, exist_ok=True)
    settle(page)
    page.screenshot(path=README / "studio.png")
    page.get_by_role("link", name="Gallery").click()
    page.locator(".card").first.wait_for()
    settle(page)
    page.screenshot(path=README / "gallery.png")


def run(browser: Browser, url: str) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            studio = Studio(context.new_page(), url)
            for states in (welcome, work, troubles, kept):
                states(studio, f"{size}-{scheme}")
            context.close()


def fill(url: str) -> None:
    """Pictures for the gallery."""
    for name, options in SHOWN.items():
        file = (f"{name}.jpg", (SAMPLES / f"{name}.jpg").read_bytes())
        answer = requests.post(
            f"{url}/images", files={"file": file}, data={"options": json.dumps(options)}, timeout=30
        )
        answer.raise_for_status()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="also renew docs/images/")
    parser.add_argument("--url", help="a system that runs already")
    arguments = parser.parse_args()
    executable = find_browser()
    if executable is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with system_at(arguments.url) as url, launched(executable) as browser:
        fill(url)
        if arguments.readme:
            readme(browser.new_page(viewport={"width": 1280, "height": 800}), url)
        run(browser, url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
