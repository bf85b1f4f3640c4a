"""``make bench-page``: response times of the web page, in a real browser.

``--url`` measures a system that is already running, ``--json`` also writes the figures to a file.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.budget import BUDGET_BYTES, code_bytes
from tests.browser.chromium import find_chromium, launched
from tests.browser.run import system_at
from tests.browser.studio import Studio, photograph

VISITS = 5
PREVIEWS = 30
GOALS = {
    "change to new tile, 12 Mpx, median (ms)": 200,
    "change to new tile, 12 Mpx, slowest of ten (ms)": None,
    "12 Mpx from file to first preview (ms)": None,
    "first paint, median (ms)": 1000,
    "page code (bytes)": BUDGET_BYTES,
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


def previews(browser: Browser, url: str) -> tuple[float, list[float]]:
    """Milliseconds of the first preview of a 12 Mpx photograph, and of each step of a slider."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    studio = Studio(context.new_page(), url)
    studio.visit()
    studio.page.evaluate(HOLD)
    studio.choose(photograph(4000, 3000), "twelve.jpg")
    first = float(studio.page.evaluate(OPEN))
    studio.tab("Adjust")
    studio.page.wait_for_load_state("networkidle")
    # Skip the first step after the change of tab: the slider was not moving yet.
    steps = [float(studio.page.evaluate(STEP, 100 + 10 * i)) for i in range(PREVIEWS + 1)][1:]
    context.close()
    return first, steps


def measure(browser: Browser, url: str) -> dict[str, float]:
    first, steps = previews(browser, url)
    values = (
        statistics.median(steps),
        statistics.quantiles(steps, n=10)[-1],
        first,
        statistics.median(first_paints(browser, url)),
        code_bytes(),
    )
    return {name: round(value) for name, value in zip(GOALS, values, strict=True)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a system that runs already")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    executable = find_chromium()
    if executable is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    with system_at(arguments.url) as system, launched(executable) as browser:
        figures = measure(browser, system)
    for name, figure in figures.items():
        goal = GOALS[name]
        print(f"{name:40} {figure:>8,}" + (f"   goal ≤ {goal:,}" if goal else ""))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
