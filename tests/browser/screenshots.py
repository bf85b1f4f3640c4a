"""``make screenshots``: pictures of every state of the page, to be looked at.

They go to tests/browser/output/; ``--readme`` also renews the two in docs/images/.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import find_chromium, launched
from tests.browser.studio import Studio, photograph
from tests.support.broker import choose_broker
from tests.support.postgres import choose_postgres, create_database
from tests.support.system import System

_PROJECT = Path(__file__).parents[2]
OUTPUT = _PROJECT / "tests" / "browser" / "output"
README = _PROJECT / "docs" / "images"
SIZES = {"phone": (360, 740), "tablet": (768, 1024), "wide": (1440, 900)}
TABS = ("Looks", "Method", "Colours", "Adjust", "Size")


def settle(page: Page) -> None:
    """Until nothing is asked for any more, so that swatches are there."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".stage .busy:not([hidden])")).to_have_count(0)
    page.evaluate(
        "Promise.all([...document.querySelectorAll('.card img')].map((image) =>"
        " image.complete || image.decode()))"
    )


def take(page: Page, name: str) -> None:
    settle(page)
    page.screenshot(path=OUTPUT / f"{name}.png")


def states(page: Page, url: str, prefix: str) -> None:
    studio = Studio(page, url)
    studio.visit()
    take(page, f"{prefix}-welcome")
    studio.choose(b"hello", "notes.txt", "text/plain")
    take(page, f"{prefix}-wrong-type")
    with studio.previewed():
        page.get_by_role("button", name="Astronaut").click()
    for tab in TABS:
        studio.tab(tab)
        take(page, f"{prefix}-{tab.lower()}")
    studio.tab("Colours").get_by_role("radio", name="Palette").check()
    take(page, f"{prefix}-palette")
    page.context.set_offline(True)
    page.get_by_role("button", name="Back to the defaults").click()
    page.get_by_role("alert").wait_for()
    page.screenshot(path=OUTPUT / f"{prefix}-offline.png")
    page.context.set_offline(False)
    page.get_by_role("alert").wait_for(state="detached")
    page.get_by_role("button", name="Save picture").click()
    take(page, f"{prefix}-save")
    page.keyboard.press("Escape")
    dialog = studio.saved(email="someone@example.org")
    dialog.locator(".step[data-state=done]", has_text="Mailed").wait_for()
    take(page, f"{prefix}-saved")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Gallery").click()
    page.locator(".card").first.wait_for()
    take(page, f"{prefix}-gallery")
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
    settle(page)
    README.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README / "studio.png")
    page.get_by_role("link", name="Gallery").click()
    page.locator(".card").first.wait_for()
    settle(page)
    page.screenshot(path=README / "gallery.png")


def run(browser: Browser, url: str, *, with_readme: bool) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": height})
            page = context.new_page()
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            states(page, url, f"{size}-{scheme}")
            context.close()
    if with_readme:
        readme(browser.new_page(viewport={"width": 1280, "height": 800}), url)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="also renew docs/images/")
    parser.add_argument("--url", help="a system that runs already")
    arguments = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if arguments.url:
        with launched(executable) as browser:
            run(browser, arguments.url, with_readme=arguments.readme)
        return 0
    broker, postgres = choose_broker(), choose_postgres()
    with tempfile.TemporaryDirectory() as directory:
        broker.start()
        postgres.start()
        system = System(
            Path(directory),
            kafka_server=broker.bootstrap_servers,
            database_url=create_database(postgres),
            environment={} if broker.is_real else {"KAFKA_EPHEMERAL": "true"},
        )
        try:
            broker.create_topics(*system.names.values())
            system.start()
            for number in range(6):
                system.upload(photograph(640, 480, seed=number), f"photo {number}.jpg")
            with launched(executable) as browser:
                run(browser, system.url, with_readme=arguments.readme)
        finally:
            system.stop()
            postgres.stop()
            broker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
