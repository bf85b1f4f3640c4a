"""The memory of a page, as the operating system sees it."""

import psutil
from playwright.sync_api import Browser

MEGABYTE = 1024 * 1024


def page_memory(browser: Browser) -> int:
    """Bytes that the browser's page processes have for themselves. Chromium only."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    pages = [psutil.Process(each["id"]) for each in processes if each["type"] == "renderer"]
    return sum(int(page.memory_full_info().uss) for page in pages)
