"""Chromium and Firefox as Debian has them, kept off every network but the tests'."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM, FIREFOX = "chromium", "firefox"
_PROGRAMS = {CHROMIUM: ("chromium", "chromium-browser"), FIREFOX: ("firefox-esr", "firefox")}
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
_PREFERENCES: dict[str, str | float | bool] = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
}


def find_browser(name: str = CHROMIUM) -> str | None:
    """The program of a browser that is installed."""
    return next(filter(None, map(shutil.which, _PROGRAMS[name])), None)


@contextmanager
def launched(
    executable: str, name: str = CHROMIUM, downloads: Path | None = None
) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        if name == FIREFOX:
            # "moz-" is the way to a Firefox as it is distributed, by WebDriver BiDi.
            browser = playwright.firefox.launch(
                executable_path=executable,
                channel="moz-firefox",
                firefox_user_prefs=_PREFERENCES,
                downloads_path=downloads,
            )
        else:
            browser = playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()
