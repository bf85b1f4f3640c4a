"""``make bench-page``: response times of the web page, in a real browser.

``--url`` measures a system that is already running, ``--json`` also writes the figures to a file.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, Request

from bench.page_batch import PHOTOGRAPHS, batch
from tests.browser.browsers import find_browser, launched
from tests.browser.budget import BUDGET_BYTES, code_bytes
from tests.browser.run import system_at
from tests.browser.studio import Studio, photograph

VISITS = 5
PREVIEWS = 30
SLOW_CHANGES = 9
SLOW_LINE = {  # 50 KB/s in each direction
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50 * 1024,
    "uploadThroughput": 50 * 1024,
}
GOALS = {
    "change to new tile, 12 Mpx, median (ms)": "≤ 200",
    "change to new tile, 12 Mpx, slowest of ten (ms)": "",
    "12 Mpx from file to first preview (ms)": "",
    "bytes up of a change, mean": f"≤ {64 * 1024:,}",
    "change at 50 KB/s and 400 ms, median (ms)": "≤ 1,500",
    "first paint, median (ms)": "≤ 1,000",
    f"{PHOTOGRAPHS} photographs of 12 Mpx, rate ÷ engine's (%)": "≥ 50",
    f"{PHOTOGRAPHS} photographs of 12 Mpx, page memory (MB)": "≤ 500",
    "page code (bytes)": f"≤ {BUDGET_BYTES:,}",
}

# Moves the slider and resolves when the new picture has been painted.
STEP = """(value) => new Promise((resolve) => {
    const stage = document.querySelector(".stage");
    const slider = document.querySelector("[role=tabpanel]:not([hidden]) input[type=range]");
    const begun = performance.now();
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
    }).observe(stage, { attributeFilter: ["data-previews"] });
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
# Sends the change event of the file input, and resolves when the dithered picture is shown.
OPEN = """() => new Promise((resolve) => {
    const begun = performance.now();
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
    }).observe(document.querySelector(".stage"), { attributeFilter: ["data-previews"] });
    document.querySelector(".drop-zone input").dispatchEvent(new Event("change"));
})"""
# Stops the next change event, so that the file can be set before the measurement starts.
HOLD = """() => document.querySelector(".drop-zone input").addEventListener(
    "change", (event) => event.stopImmediatePropagation(), { capture: true, once: true })"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def first_paints(browser: Browser, url: str) -> list[float]:
    """Milliseconds until the first paint, with an empty browser cache."""
    found = []
    for _ in range(VISITS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(url, wait_until="networkidle")
        found.append(float(page.evaluate(FIRST_PAINT)))
        context.close()
    return found


def bytes_up(page: Page, steps: Callable[[], list[float]]) -> tuple[list[float], int]:
    """What the steps took, and the bytes that each sent on average, headers included."""
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    page.on("requestfinished", note)
    found = steps()
    page.remove_listener("requestfinished", note)
    total = 0
    for request in sent:
        sizes = request.sizes()
        total += sizes["requestBodySize"] + sizes["requestHeadersSize"]
    return found, round(total / len(found))


def previews(browser: Browser, url: str) -> tuple[float, list[float], int, list[float]]:
    """With a 12 Mpx photograph: milliseconds of the first preview, and of each step of a slider;
    bytes up of a step; and milliseconds of a step on a slow line.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    studio = Studio(context.new_page(), url)
    studio.visit()
    studio.page.evaluate(HOLD)
    studio.choose(photograph(4000, 3000), "twelve.jpg")
    first = float(studio.page.evaluate(OPEN))
    studio.tab("Adjust")
    studio.page.wait_for_load_state("networkidle")
    page = studio.page
    page.evaluate(STEP, 90)  # the first step after the change of tab: the slider was not moving yet

    def moved(values: range) -> list[float]:
        return [float(page.evaluate(STEP, value)) for value in values]

    steps, sent = bytes_up(page, lambda: moved(range(100, 100 + 10 * PREVIEWS, 10)))
    session = context.new_cdp_session(page)
    session.send("Network.emulateNetworkConditions", SLOW_LINE)
    page.evaluate(STEP, 400)  # the page finds out that the line is slow
    slow = moved(range(410, 410 + 10 * SLOW_CHANGES, 10))
    context.close()
    return first, steps, sent, slow


def measure(browser: Browser, url: str) -> dict[str, float]:
    first, steps, sent, slow = previews(browser, url)
    rate, memory = batch(browser, url)
    values = (
        statistics.median(steps),
        statistics.quantiles(steps, n=10)[-1],
        first,
        sent,
        statistics.median(slow),
        statistics.median(first_paints(browser, url)),
        100 * rate,
        memory / 1e6,
        code_bytes(),
    )
    return {name: round(value) for name, value in zip(GOALS, values, strict=True)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a system that runs already")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    executable = find_browser()
    if executable is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    with system_at(arguments.url) as system, launched(executable) as browser:
        figures = measure(browser, system)
    for name, figure in figures.items():
        print(f"{name:50} {figure:>8,}   {GOALS[name]}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
